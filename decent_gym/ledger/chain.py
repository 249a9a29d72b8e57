"""The ledger: an append-only, hash-linked record of one world's rounds.

It is one writer's log.  The chain of hashes shows any edit to whoever knows the head; that the
tail was cut or rewritten shows only against a head that somebody else has kept.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from decent_gym.errors import DataError, InputError, LedgerError, RoundOrderError
from decent_gym.ledger.batch import Batch
from decent_gym.ledger.checkpoint import Checkpoint, checkpoint_name
from decent_gym.ledger.disk import Disk
from decent_gym.ledger.encoding import encode_round
from decent_gym.ledger.hashing import GENESIS, link
from decent_gym.ledger.header import NO_KEY, LedgerHeader, encode_header
from decent_gym.ledger.keeper import (
    CheckpointKeeper,
    Checkpoints,
    check_operator,
)
from decent_gym.ledger.key_record import KeyRecord, encode_key
from decent_gym.ledger.place import check_free, check_sync, disk_for, software
from decent_gym.ledger.recovery import Recovered, recover
from decent_gym.ledger.segments import META, SegmentWriter, meta_text, segment_numbers
from decent_gym.ledger.signing import SigningKey
from decent_gym.ledger.state import RoundState, StateEncoder
from decent_gym.models import Round
from decent_gym.units import ROUND_SECONDS


class Ledger:
    """Writes rounds as they are recorded: hand it to :meth:`GridOperator.listen`.

    ``Ledger(header)`` keeps the head alone, in memory; :meth:`create` and :meth:`resume` write
    files.  A context manager: leaving the block closes it.

    Parameters
    ----------
    header : LedgerHeader
    mode : {"memory"}
        Files need a path: see :meth:`create`.
    checkpoints : Checkpoints, optional
        Also keep the root of the Merkle tree over the records, for :meth:`checkpoint`.

    Attributes
    ----------
    header : LedgerHeader
    operator_key : bytes (32,)
        The public key that signs from here on: the header's, or the last that took over.
    dropped_bytes : int
        What :meth:`resume` cut off because a crash had torn it, else 0.
    """

    def __init__(
        self,
        header: LedgerHeader,
        mode: str = "memory",
        *,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        if mode != "memory":
            raise InputError(f"mode must be 'memory', got {mode!r}; for files use Ledger.create")
        check_operator(header.operator_key, checkpoints)
        self.header = header
        self.operator_key = header.operator_key
        self.dropped_bytes = 0
        self._accounts = header.accounts
        self._writer: SegmentWriter | None = None
        self._encoder = StateEncoder()
        self._batch = Batch()
        self._sync = "never"
        self._prepared = (0, 0, 0, 0)
        self._head = link(GENESIS, encode_header(header))
        self._rounds = 0
        self._last: int | None = None
        self._keeper: CheckpointKeeper | None = None
        if checkpoints is not None:
            self._keeper = CheckpointKeeper(checkpoints, self._head)
            self._keeper.take(self._head)

    @classmethod
    def create(
        cls,
        path: str | Path,
        header: LedgerHeader,
        *,
        sync: str = "checkpoint",
        meta: Mapping[str, Any] | None = None,
        checkpoints: Checkpoints | None = None,
        disk: Disk | None = None,
    ) -> "Ledger":
        """Begin a ledger in a folder; unless `sync` is ``never``, it is on the device then.

        Parameters
        ----------
        path : str or Path
            Made if missing; must not hold a ledger.
        header : LedgerHeader
        sync : {"never", "checkpoint", "round"}
            ``round`` returns from every round only when it is on the device, for markets that
            matter.  ``checkpoint`` writes in batches and waits for the device at checkpoints, at
            :meth:`flush` and at the end.  ``never`` waits for no device, for training: nothing is
            lost by a process that dies after :meth:`close`, anything may be by a power cut.
        meta : mapping, optional
            Goes to ``meta.json``, not hashed, beside the versions of Python and the packages.
        checkpoints : Checkpoints, optional
            Also write checkpoints into the folder, every so many records and at the end; when one
            is written, all that it stands for is on the device.
        disk : Disk, optional
            Another way to the disk, for tests.

        Raises
        ------
        InputError
            For a path that holds a ledger already, a misspelt `sync`, a key that is not the
            header's, or checkpoints of what may never be on the device.
        LedgerError
            For a disk that fails.
        """
        folder = check_free(path)
        check_sync(sync, checkpoints)
        text = meta_text({"software": software(), **(meta or {})})
        ledger = cls(header, checkpoints=checkpoints)
        disk = disk or disk_for(sync)
        try:
            disk.make_folder(folder)
        except OSError as error:
            raise LedgerError(f"cannot make the folder {folder}: {error}") from error
        writer = SegmentWriter(folder, True, sync, disk)
        try:
            writer.write_file(META, text)
            body = encode_header(header)
            writer.append(body + GENESIS + ledger._head)
            writer.flush()
        except LedgerError:
            writer.abandon()
            raise
        ledger._writer, ledger._sync = writer, sync
        return ledger

    @classmethod
    def resume(
        cls,
        path: str | Path,
        *,
        sync: str = "checkpoint",
        checkpoints: Checkpoints | None = None,
        disk: Disk | None = None,
    ) -> "Ledger":
        """Go on with a ledger after its last whole record.

        An incomplete last record, as a crash leaves it, is cut off; :attr:`dropped_bytes` says
        how much that was.  The checkpoints in the folder must fit the records, whether or not more
        are asked for: what was signed is never signed otherwise.

        Raises
        ------
        InputError
            There is no ledger at `path`, or `checkpoints` are of another key or origin.
        LedgerError
            It is damaged otherwise than by a torn tail, has no whole header, has another writer,
            falls short of or contradicts a checkpoint, or the disk fails.
        """
        folder = Path(path)
        check_sync(sync, checkpoints)
        if not folder.is_dir() or not segment_numbers(folder):
            raise InputError(f"there is no ledger at {folder}; begin one with Ledger.create")
        # the lock comes first: a tail that somebody is still writing only looks torn
        writer = SegmentWriter(folder, False, sync, disk or disk_for(sync))
        try:
            found = recover(folder)
            ledger = cls._recovered(found, checkpoints)
            writer.cut(found.size)
        except OSError as error:
            writer.abandon()
            raise LedgerError(f"cannot read the ledger {folder}: {error}") from error
        except (DataError, InputError):
            writer.abandon()
            raise
        ledger._writer, ledger._sync = writer, sync
        return ledger

    @classmethod
    def _recovered(cls, found: Recovered, checkpoints: Checkpoints | None) -> "Ledger":
        ledger = cls(found.header)
        ledger.operator_key = found.operator_key
        ledger.dropped_bytes = found.dropped
        ledger._head, ledger._rounds, ledger._last = found.head, found.rounds, found.last
        if checkpoints is not None:
            check_operator(found.operator_key, checkpoints)
            ledger._keeper = CheckpointKeeper(checkpoints, found.ledger)
            ledger._keeper.resumed(found.reader.frontier, found.reader.checkpoints)
        return ledger

    @property
    def head(self) -> str:
        """Hash of the last record, 64 hexadecimal digits: it stands for the whole ledger."""
        self._check()
        self._link()
        return self._head.hex()

    @property
    def rounds(self) -> int:
        """Rounds recorded."""
        self._check()
        return self._rounds

    def on_round(self, record: Round) -> None:
        """Append a round.

        Raises
        ------
        RoundOrderError
            Its number or timestamp does not follow the last one; nothing has been written.
        InputError
            Its arrays do not fit the header; nothing has been written.
        LedgerError
            The disk failed, now or earlier, or the ledger is closed.
        """
        self._check_open()
        self._check_time(record.number, record.timestamp)
        self._batch.add(encode_round(record, self._accounts))
        self._count(record.number)

    def prepare(self, state: RoundState, world: int) -> None:
        """Read a round from the grid operator's arrays; :meth:`on_prepared` appends it."""
        self._prepared = self._encoder.encode(state, world, self._batch)

    def on_prepared(self) -> None:
        """Append the round that was read, to the same bytes as :meth:`on_round`.

        Raises
        ------
        RoundOrderError, InputError, LedgerError
            As there.
        """
        self._check_open()
        accounts, number, timestamp, end = self._prepared
        self._check_time(number, timestamp)
        if accounts != self._accounts:
            raise InputError(
                f"the market has {accounts} accounts, the ledger's header {self._accounts}; "
                "begin a ledger for this market"
            )
        self._batch.keep(end)
        self._count(number)

    def on_key(self, record: KeyRecord) -> None:
        """Append a change of keys; from here on the new key signs.

        Its signatures are for the verifier to check; see :meth:`rotate`.

        Raises
        ------
        InputError
            The ledger names no operator's key that could hand over.
        LedgerError
            The disk failed, now or earlier, or the ledger is closed.
        """
        self._check_open()
        if self.operator_key == NO_KEY:
            raise InputError("the ledger names no operator's key, so none can take over from it")
        self._batch.add(encode_key(record))
        self._link()
        self.operator_key = record.key

    def rotate(self, old: SigningKey, new: SigningKey) -> Checkpoint:
        """Hand over from the key `old` to the key `new`, and sign with both that it is so.

        Returns
        -------
        Checkpoint
            The first that the new key has signed, and the last that the old one has.

        Raises
        ------
        InputError
            `old` is not the ledger's key, the keys have different names, or the ledger keeps no
            checkpoints; nothing has been written.
        LedgerError
            The disk failed, now or earlier, or the ledger is closed.
        """
        if self._keeper is None:
            raise InputError("the ledger keeps no checkpoints; resume it with checkpoints=")
        check_operator(self.operator_key, Checkpoints(key=old))
        wanted = replace(self._keeper.wanted, key=new)
        if new.name != old.name:
            raise InputError(
                f"the new key is of {new.name!r}, the old one of {old.name!r}; a ledger keeps its "
                "name, make a new key for it"
            )
        self._link()
        self.on_key(KeyRecord.of(self._head, old, new))
        self._keeper.wanted = wanted
        return self._write(self._keeper.next().signed(old))

    def checkpoint(self) -> Checkpoint:
        """A checkpoint of all records so far; in a folder it is written there.

        Raises
        ------
        InputError
            The ledger was begun or resumed without `checkpoints`.
        LedgerError
            The disk failed, now or earlier, or the ledger is closed.
        """
        self._check()
        if self._keeper is None:
            raise InputError("the ledger keeps no checkpoints; begin it with checkpoints=")
        self._link()
        return self._write(self._keeper.next())

    def flush(self) -> None:
        """Return when every round is on the device.

        Raises
        ------
        LedgerError
            The disk failed, now or earlier, or the ledger is closed.
        """
        if self._writer is not None:
            self._link()
            self._writer.flush()

    def close(self) -> None:
        """Write the last checkpoint, flush and let go of the files; a second call does nothing.

        Raises
        ------
        LedgerError
            The disk failed, now or earlier; the files are let go of all the same.
        """
        if self._writer is None or self._writer.closed:
            return
        try:
            self._link()
            if self._keeper is not None and self._keeper.is_behind:
                self.checkpoint()
        finally:
            self._writer.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except LedgerError:
            if error is None:  # else the first error says more
                raise

    def __repr__(self) -> str:
        return f"<Ledger of {self._rounds} rounds>"

    def _count(self, number: int) -> None:
        """A round has come."""
        self._rounds += 1
        self._last = number
        if self._keeper is not None and self._keeper.is_due(len(self._batch)):
            self.checkpoint()
        elif self._batch.is_full or self._sync == "round":
            self._link()

    def _link(self) -> None:
        """Hash and write the records that have gathered."""
        records, hashes = self._batch.link(self._head)
        if not hashes:
            return
        if self._writer is not None:
            self._writer.append(records)
        self._batch.clear()
        self._head = hashes[-1]
        if self._keeper is not None:
            for own in hashes:
                self._keeper.take(own)

    def _write(self, checkpoint: Checkpoint) -> Checkpoint:
        assert self._keeper is not None
        if self._writer is not None:
            self._writer.flush()  # what has been signed must never be lost
            self._writer.write_file(checkpoint_name(checkpoint.size), checkpoint.to_bytes())
        self._keeper.written(checkpoint)
        return checkpoint

    def _check_open(self) -> None:
        if self._writer is not None:
            self._writer.check_open()

    def _check(self) -> None:
        if self._writer is not None:
            self._writer.check()

    def _check_time(self, number: int, timestamp: int) -> None:
        if self._last is not None and number != self._last + 1:
            raise RoundOrderError(
                f"round {number} cannot follow round {self._last} in the ledger; "
                "begin a new ledger for a new episode"
            )
        due = self.header.start + number * ROUND_SECONDS
        if number < 0 or timestamp != due:
            raise RoundOrderError(
                f"round {number} has the timestamp {timestamp}, which should be "
                f"{due}: the header's start and 15 minutes for each round"
            )
