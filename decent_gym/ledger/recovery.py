"""What a ledger's folder holds, for the writer that goes on with it."""

from dataclasses import dataclass
from pathlib import Path

from decent_gym.errors import LedgerError
from decent_gym.ledger.checkpoint import Checkpoint, read_checkpoints
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.hashing import GENESIS
from decent_gym.ledger.header import LedgerHeader, decode_header
from decent_gym.ledger.key_record import decode_key
from decent_gym.ledger.merkle import Frontier
from decent_gym.ledger.reading import read_time
from decent_gym.ledger.scan import Damage, Scan


class CheckpointReader:
    """Holds records that are read again against the checkpoints that were made of them.

    Parameters
    ----------
    checkpoints : list of Checkpoint
        By rising size.

    Attributes
    ----------
    frontier : Frontier
        Of the records so far.
    """

    def __init__(self, checkpoints: list[Checkpoint]) -> None:
        self.checkpoints = checkpoints
        self.frontier = Frontier()
        self._left = list(reversed(checkpoints))

    def take(self, own: bytes) -> None:
        """Add a record's hash.

        Raises
        ------
        LedgerError
            A checkpoint of so many records has another root.
        """
        self.frontier.append(own)
        while self._left and self._left[-1].size <= self.frontier.size:
            checkpoint = self._left.pop()
            root = self.frontier.root()
            if (checkpoint.size, checkpoint.root) != (self.frontier.size, root):
                raise LedgerError(
                    f"the first {self.frontier.size} records have the root {root.hex()}, the "
                    f"checkpoint of {checkpoint.size} says {checkpoint.root.hex()}: the past was "
                    "written anew after the checkpoint was made"
                )

    def finish(self) -> None:
        """There are no more records.

        Raises
        ------
        LedgerError
            A checkpoint stands for more records than there are.
        """
        if self._left:
            raise LedgerError(
                f"there are {self.frontier.size} records, a checkpoint stands for "
                f"{self._left[0].size}: the end of the ledger was cut off"
            )


@dataclass(slots=True)
class Recovered:
    """A ledger up to its last whole record.

    Attributes
    ----------
    header : LedgerHeader
    ledger : bytes (32,)
        Hash of the header.
    head : bytes (32,)
        Hash of the last record.
    rounds : int
    last : int or None
        Number of the last round.
    operator_key : bytes (32,)
        In force after the last record.
    size, dropped : int
        Where in the last segment the good records end, and what a crash has left behind them.
    reader : CheckpointReader
        The tree over the records, and the checkpoints in the folder, which fit them.
    """

    header: LedgerHeader
    ledger: bytes
    head: bytes
    rounds: int
    last: int | None
    operator_key: bytes
    size: int
    dropped: int
    reader: CheckpointReader


def recover(folder: Path) -> Recovered:
    """Read a ledger.

    Raises
    ------
    LedgerError
        It is damaged otherwise than by a torn tail, has no whole header, or falls short of or
        contradicts a checkpoint in its folder.
    DataError
        A checkpoint in the folder cannot be read.
    OSError
        The disk fails.
    """
    scan = Scan(folder)
    reader = CheckpointReader(read_checkpoints(folder))
    found: Recovered | None = None
    final: memoryview | None = None
    try:
        for record in scan:
            reader.take(record.hash)
            if found is None:
                header = decode_header(record.body)
                key = header.operator_key
                found = Recovered(header, record.hash, GENESIS, 0, None, key, 0, 0, reader)
            elif record.kind is RecordType.KEY:
                found.operator_key = decode_key(record.body).key
            else:
                final = record.body
                found.rounds += 1
        if found is None and scan.damage is not Damage.CORRUPT:
            raise LedgerError(
                f"record 0: {scan.reason or 'the header is missing'}; if it was stopped before it "
                "had begun, remove the folder and begin again, else restore it from a copy"
            )
        if found is None or scan.damage is Damage.CORRUPT:
            raise LedgerError(f"record {scan.records}: {scan.reason}; restore it from a copy")
        reader.finish()
        if final is not None:
            found.last, _ = read_time(final, found.header.accounts)
    except LedgerError as error:
        raise LedgerError(f"the ledger {folder} cannot be resumed: {error}") from None
    found.head, found.size, found.dropped = scan.head, scan.size, scan.dropped
    return found
