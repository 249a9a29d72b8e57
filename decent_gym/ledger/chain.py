"""The ledger: an append-only, hash-linked record of one world's rounds.

It is one writer's log.  The chain of hashes shows any edit to whoever knows the head; that the
tail was cut or rewritten shows only against a head that somebody else has kept.
"""

import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from decent_gym.errors import InputError, LedgerError, RoundOrderError
from decent_gym.ledger.disk import Disk
from decent_gym.ledger.encoding import decode_round, encode_round
from decent_gym.ledger.hashing import GENESIS, link
from decent_gym.ledger.header import LedgerHeader, decode_header, encode_header
from decent_gym.ledger.scan import Damage, RawRecord, Scan
from decent_gym.ledger.segments import SYNC_MODES, SegmentWriter, meta_text, segment_numbers
from decent_gym.models import Round
from decent_gym.registry import unknown_name
from decent_gym.units import ROUND_SECONDS

_PACKAGES: Final = ("decent-gym", "numpy", "numba")


class Ledger:
    """Writes rounds as they are recorded: hand it to :meth:`GridOperator.listen`.

    ``Ledger(header)`` keeps the head alone, in memory; :meth:`create` and :meth:`resume` write
    files.  A context manager: leaving the block closes it.

    Parameters
    ----------
    header : LedgerHeader
    mode : {"memory"}
        Files need a path: see :meth:`create`.

    Attributes
    ----------
    header : LedgerHeader
    dropped_bytes : int
        What :meth:`resume` cut off because a crash had torn it, else 0.
    """

    def __init__(self, header: LedgerHeader, mode: str = "memory") -> None:
        if mode != "memory":
            raise InputError(f"mode must be 'memory', got {mode!r}; for files use Ledger.create")
        self.header = header
        self.dropped_bytes = 0
        self._accounts = header.accounts
        self._writer: SegmentWriter | None = None
        self._head = link(GENESIS, encode_header(header))
        self._rounds = 0
        self._good_bytes = 0
        self._last: int | None = None

    @classmethod
    def create(
        cls,
        path: str | Path,
        header: LedgerHeader,
        *,
        sync: str = "checkpoint",
        meta: Mapping[str, Any] | None = None,
        disk: Disk | None = None,
    ) -> "Ledger":
        """Begin a ledger in a folder; its header is on the device when this returns.

        Parameters
        ----------
        path : str or Path
            Made if missing; must not hold a ledger.
        header : LedgerHeader
        sync : {"checkpoint", "round"}
            ``checkpoint`` writes in batches, for training; ``round`` returns from every round
            only when it is on the device, for markets that matter.
        meta : mapping, optional
            Goes to ``meta.json``, not hashed, beside the versions of Python and the packages.
        disk : Disk, optional
            Another way to the disk, for tests.

        Raises
        ------
        InputError
            For a path that holds a ledger already, or a misspelt `sync`.
        LedgerError
            For a disk that fails.
        """
        folder = check_free(path)
        _check_sync(sync)
        text = meta_text({"software": _software(), **(meta or {})})
        ledger = cls(header)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(f"cannot make the folder {folder}: {error}") from error
        writer = SegmentWriter(folder, True, sync, disk or Disk())
        try:
            writer.write_meta(text)
            body = encode_header(header)
            writer.append(body + GENESIS + link(GENESIS, body))
            writer.flush()
        except LedgerError:
            writer.abandon()
            raise
        ledger._writer = writer
        return ledger

    @classmethod
    def resume(
        cls, path: str | Path, *, sync: str = "checkpoint", disk: Disk | None = None
    ) -> "Ledger":
        """Go on with a ledger after its last whole record.

        An incomplete last record, as a crash leaves it, is cut off; :attr:`dropped_bytes` says
        how much that was.

        Raises
        ------
        InputError
            There is no ledger at `path`.
        LedgerError
            It is damaged otherwise than by a torn tail, has no whole header, has another writer,
            or the disk fails.
        """
        folder = Path(path)
        _check_sync(sync)
        if not folder.is_dir() or not segment_numbers(folder):
            raise InputError(f"there is no ledger at {folder}; begin one with Ledger.create")
        # the lock comes first: a tail that somebody is still writing only looks torn
        writer = SegmentWriter(folder, False, sync, disk or Disk())
        try:
            ledger = cls._read(folder)
            writer.cut(ledger._good_bytes)
        except OSError as error:
            writer.abandon()
            raise LedgerError(f"cannot read the ledger {folder}: {error}") from error
        except LedgerError:
            writer.abandon()
            raise
        ledger._writer = writer
        return ledger

    @classmethod
    def _read(cls, folder: Path) -> "Ledger":
        scan = Scan(folder)
        ledger: Ledger | None = None
        final: RawRecord | None = None
        for record in scan:
            if ledger is None:
                ledger = cls(decode_header(record.body))
            else:
                final = record
        if ledger is None or scan.damage is Damage.CORRUPT:
            raise LedgerError(
                f"the ledger {folder} cannot be resumed: record {scan.records}: "
                f"{scan.reason or 'the header is missing'}; restore it from a copy"
            )
        ledger._head = scan.head
        ledger._rounds = scan.records - 1
        ledger._good_bytes = scan.size
        ledger.dropped_bytes = scan.dropped
        if final is not None:
            ledger._last = decode_round(final.body, ledger._accounts).number
        return ledger

    @property
    def head(self) -> str:
        """Hash of the last record, 64 hexadecimal digits: it stands for the whole ledger."""
        self._check()
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
        self._check()
        self._check_time(record)
        body = encode_round(record, self._accounts)
        own = link(self._head, body)
        if self._writer is not None:
            self._writer.append(b"".join((body, self._head, own)))
        self._head = own
        self._rounds += 1
        self._last = record.number

    def flush(self) -> None:
        """Return when every round is on the device.

        Raises
        ------
        LedgerError
            The disk failed, now or earlier, or the ledger is closed.
        """
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Flush and let go of the files; a second call does nothing.

        Raises
        ------
        LedgerError
            The disk failed, now or earlier; the files are let go of all the same.
        """
        if self._writer is not None and not self._writer.closed:
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
        return f"<Ledger of {self._rounds} rounds, head {self._head.hex()[:16]}>"

    def _check(self) -> None:
        if self._writer is not None:
            self._writer.check()

    def _check_time(self, record: Round) -> None:
        if self._last is not None and record.number != self._last + 1:
            raise RoundOrderError(
                f"round {record.number} cannot follow round {self._last} in the ledger; "
                "begin a new ledger for a new episode"
            )
        due = self.header.start + record.number * ROUND_SECONDS
        if record.number < 0 or record.timestamp != due:
            raise RoundOrderError(
                f"round {record.number} has the timestamp {record.timestamp}, which should be "
                f"{due}: the header's start and 15 minutes for each round"
            )


def check_free(path: str | Path) -> Path:
    """The folder at `path`, in which a ledger may begin.

    Raises
    ------
    InputError
        It is the empty text, a file, or holds a ledger already.
    """
    if path == "":
        raise InputError("a ledger's folder must have a name, got ''; '.' is the current folder")
    folder = Path(path)
    if folder.exists() and (not folder.is_dir() or segment_numbers(folder)):
        raise InputError(f"{folder} is taken; resume it or choose another folder")
    return folder


def _check_sync(sync: str) -> None:
    if sync not in SYNC_MODES:
        raise unknown_name("sync mode", sync, SYNC_MODES)


def _software() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"  # a checkout on the path
    return versions
