"""A listener's own copy of a ledger: the records that it fetched and checked, as bytes.

The copy outlives the listener: when it comes back, a market that now tells another past is found
out, whatever its hashes look like.
"""

from pathlib import Path

from decent_gym.closing import Closing
from decent_gym.errors import DataError, LedgerError
from decent_gym.ledger.disk import Disk
from decent_gym.ledger.frames import TAIL_BYTES
from decent_gym.ledger.hashing import GENESIS, HASH_BYTES
from decent_gym.ledger.place import check_free
from decent_gym.ledger.recovery import recover
from decent_gym.ledger.scan import Scan
from decent_gym.ledger.segments import META, SegmentWriter, meta_text, segment_numbers

_NAME_DIGITS = 16


class OwnCopies(Closing):
    """Copies of the ledgers that are heard of, each in a folder named by its header's hash.

    A context manager: leaving the block lets go of the files.

    Parameters
    ----------
    folder : Path
        Holds the copies; made when the first record comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copies: dict[str, _Copy] = {}

    def place(self, ledger: str) -> Path:
        """Where the copy of a ledger is, by its header's hash."""
        return self._folder / ledger[:_NAME_DIGITS]

    def take(self, ledger: str, raw: bytes) -> None:
        """Keep a record whose hash is right; it is on the device when this returns.

        One that the copy has is passed over.

        Raises
        ------
        DataError
            The copy goes on otherwise.
        LedgerError
            The copy is damaged, somebody else is writing it, or the disk fails.
        """
        if ledger not in self._copies:
            self._copies[ledger] = _Copy(self.place(ledger))
        self._copies[ledger].take(raw)

    def close(self) -> None:
        """Let go of the files; every record is on the device."""
        for copy in self._copies.values():
            copy.writer.abandon()


class _Copy:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[bytes] = set()
        self._head = GENESIS
        disk = Disk()
        if folder.is_dir() and segment_numbers(folder):
            self.writer = SegmentWriter(folder, False, "round", disk)
            try:
                found = recover(folder)
                self._known = {record.hash for record in Scan(folder)}
                self.writer.cut(found.size)
            except (LedgerError, DataError):
                self.writer.abandon()
                raise
            self._head = found.head
            return
        try:
            disk.make_folder(check_free(folder))
        except OSError as error:
            raise LedgerError(f"cannot make the folder {folder}: {error}") from error
        self.writer = SegmentWriter(folder, True, "round", disk)
        self.writer.write_file(META, meta_text({"face": "subscribe"}))

    def take(self, raw: bytes) -> None:
        own, previous = raw[-HASH_BYTES:], raw[-TAIL_BYTES:-HASH_BYTES]
        if own in self._known:
            return
        if previous != self._head:
            raise DataError(
                f"the record {own.hex()} follows {previous.hex()}, but the copy {self._folder} "
                f"ends with {self._head.hex()}: the market tells another past; keep the copy"
            )
        self.writer.append(raw)
        self._known.add(own)
        self._head = own
