"""Reading a ledger's records one by one, and telling a torn tail from damage."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from decent_gym.errors import LedgerError
from decent_gym.files import open_regular
from decent_gym.ledger.frames import MAGIC, PREFIX_BYTES, TAIL_BYTES, RecordType, read_prefix
from decent_gym.ledger.hashing import GENESIS, HASH_BYTES, link
from decent_gym.ledger.segments import segment_numbers, segment_path


class Damage(Enum):
    """How a ledger is damaged."""

    TORN = "torn tail"
    """The last record is incomplete, as a crash leaves it: resume drops it."""
    CORRUPT = "corrupt"
    """Bytes are not what was written: nothing recovers that but a copy."""

    @property
    def recoverable(self) -> bool:
        """Whether resume goes on after the last good record."""
        return self is Damage.TORN


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One whole record whose hashes are right.

    Attributes
    ----------
    index : int
        0 for the header, 1 for the first round.
    kind : RecordType
    body : memoryview
        Without the two hashes.
    hash : bytes (32,)
    """

    index: int
    kind: RecordType
    body: memoryview
    hash: bytes


class Scan:
    """Iterates over the whole, rightly hashed records of a ledger, then says how it ended.

    Reads one record at a time, whatever the files' sizes.  Never raises because of bytes: damage
    ends the iteration and is described by the attributes.

    Parameters
    ----------
    folder : Path
        A ledger's folder; OSError if it cannot be read.

    Attributes
    ----------
    head : bytes (32,)
        Hash of the last good record, GENESIS before the first.
    records : int
        How many good records there were; also the index of the damaged one.
    segment, size : int
        Segment that holds the last good record, and where in it the good records end.
    damage : Damage or None
    reason : str or None
        What is damaged, and where.
    dropped : int
        Bytes of the torn record.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.head = GENESIS
        self.records = 0
        self.segment = 0
        self.size = 0
        self.damage: Damage | None = None
        self.reason: str | None = None
        self.dropped = 0

    def __iter__(self) -> Iterator[RawRecord]:
        try:
            yield from self._records()
        except _DamagedError as damaged:
            self.damage = damaged.kind
            self.dropped = damaged.left
            place = f"{segment_path(self._folder, self.segment).name}, byte {self.size}"
            self.reason = f"{damaged} ({place})"

    def _records(self) -> Iterator[RawRecord]:
        numbers = segment_numbers(self._folder)
        if not numbers or numbers != list(range(len(numbers))):
            missing = next(i for i in range(len(numbers) + 1) if i not in numbers)
            raise _DamagedError(f"{segment_path(self._folder, missing).name} is missing")
        for number in numbers:
            path = segment_path(self._folder, number)
            self.segment, self.size = number, 0
            if not path.is_file():
                raise _DamagedError("it is not a file")
            length = path.stat().st_size
            if length == 0 and number != numbers[-1]:
                raise _DamagedError("an empty segment stands before the last one")
            with open_regular(path) as file:
                while self.size < length:
                    try:
                        yield self._next(file, length - self.size)
                    except _DamagedError as damaged:
                        if damaged.kind is Damage.TORN and number != numbers[-1]:
                            damaged.kind = Damage.CORRUPT
                        raise

    def _next(self, file: BinaryIO, left: int) -> RawRecord:
        prefix = file.read(min(PREFIX_BYTES, left))
        if len(prefix) < PREFIX_BYTES and prefix[: len(MAGIC)] == MAGIC[: len(prefix)]:
            raise _torn(left)
        try:
            length, kind = read_prefix(prefix.ljust(PREFIX_BYTES, b"\0"))
        except LedgerError as error:
            raise _DamagedError(str(error), left) from None
        if length > left:
            raise _torn(left)
        rest = file.read(length - PREFIX_BYTES)
        if len(rest) < length - PREFIX_BYTES:  # somebody cut the file since we asked its length
            raise _torn(PREFIX_BYTES + len(rest))
        record = memoryview(prefix + rest)
        body = record[:-TAIL_BYTES]
        previous, own = bytes(record[-TAIL_BYTES:-HASH_BYTES]), bytes(record[-HASH_BYTES:])
        if own != link(previous, body):
            raise _DamagedError("the record does not have the hash that it states", left)
        if previous != self.head:
            raise _DamagedError("the record does not follow the one before it", left)
        if (kind is RecordType.HEADER) != (self.records == 0):
            raise _DamagedError(f"a {kind.name.lower()} record does not belong here", left)
        index = self.records
        self.head = own
        self.records += 1
        self.size += length
        return RawRecord(index, kind, body, own)


class _DamagedError(Exception):
    def __init__(self, what: str, left: int = 0, kind: Damage = Damage.CORRUPT) -> None:
        super().__init__(what)
        self.left = left
        self.kind = kind


def _torn(left: int) -> _DamagedError:
    return _DamagedError(f"{left} bytes of an incomplete record", left, Damage.TORN)
