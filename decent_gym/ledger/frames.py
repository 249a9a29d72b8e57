"""The outside of a record: a prefix, sections, and two hashes.

::

    magic "DGLR" | length u32 | ~length u32 | type u16 | format version u16      16 bytes
    section: tag u16 | length u32 | payload                                      repeated
    hash of the record before | hash of this record                              64 bytes

All integers are little-endian.  The length counts the whole record; its complement beside it tells
a damaged length from a record that was torn off by a crash.  Tags rise strictly.
"""

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final

from decent_gym.errors import LedgerError
from decent_gym.ledger.hashing import HASH_BYTES

MAGIC: Final = b"DGLR"
FORMAT_VERSION: Final = 1

PREFIX: Final = struct.Struct("<4sIIHH")
SECTION: Final = struct.Struct("<HI")
PREFIX_BYTES: Final = PREFIX.size
TAIL_BYTES: Final = 2 * HASH_BYTES
RECORD_CAP: Final = 2**24
"""Longest record, bytes; a longer one is refused before it is read or written."""
_COMPLEMENT: Final = 2**32 - 1


class RecordType(IntEnum):
    """What a record is."""

    HEADER = 1
    ROUND = 2
    KEY = 3
    """From here on another key signs checkpoints."""


def write_prefix(
    target: memoryview, kind: RecordType, first: int = 0, end: int | None = None
) -> None:
    """Write the prefix of the body in ``target[first:end]``, once its length is final."""
    length = (len(target) if end is None else end) - first + TAIL_BYTES
    if length > RECORD_CAP:
        raise LedgerError(
            f"a record of {length} bytes is longer than a ledger takes ({RECORD_CAP}); "
            "put fewer orders into a round"
        )
    PREFIX.pack_into(target, first, MAGIC, length, length ^ _COMPLEMENT, kind, FORMAT_VERSION)


def frame(kind: RecordType, sections: Iterable[tuple[int, bytes]]) -> bytes:
    """A record's body: prefix and sections, in the order given, without the two hashes."""
    body = bytearray(PREFIX_BYTES)
    for tag, payload in sections:
        body += SECTION.pack(tag, len(payload))
        body += payload
    with memoryview(body) as view:
        write_prefix(view, kind)
    return bytes(body)


def read_prefix(prefix: bytes | memoryview) -> tuple[int, RecordType]:
    """Length of the whole record and its type.

    Raises
    ------
    LedgerError
        Not a record, a damaged length, or a type or version that this program does not know.
    """
    if len(prefix) < PREFIX_BYTES:
        raise LedgerError(f"a record of {len(prefix)} bytes is shorter than its own prefix")
    magic, length, complement, kind, version = PREFIX.unpack_from(prefix)
    if magic != MAGIC:
        raise LedgerError(f"no record begins here: magic is {magic!r}, not {MAGIC!r}")
    if length ^ complement != _COMPLEMENT:
        raise LedgerError(f"length {length} and its complement {complement} do not agree")
    if not PREFIX_BYTES + TAIL_BYTES <= length <= RECORD_CAP:
        raise LedgerError(f"length {length} is not in [{PREFIX_BYTES + TAIL_BYTES}, {RECORD_CAP}]")
    if version != FORMAT_VERSION:
        raise LedgerError(
            f"format version {version} is not known to this program ({FORMAT_VERSION})"
        )
    try:
        return length, RecordType(kind)
    except ValueError:
        raise LedgerError(f"record type {kind} is not known to this program") from None


def has_prefix(body: bytes | memoryview, kind: RecordType) -> bool:
    """Whether a body begins as :func:`write_prefix` would have it begin."""
    length = len(body) + TAIL_BYTES
    if length > RECORD_CAP:
        return False
    expected = PREFIX.pack(MAGIC, length, length ^ _COMPLEMENT, kind, FORMAT_VERSION)
    return body[:PREFIX_BYTES] == expected


def split(
    body: bytes | memoryview, kind: RecordType, tags: Sequence[int], optional: Sequence[int] = ()
) -> list[memoryview]:
    """Payloads of a body's sections: exactly `tags`, in that order, then any of `optional`.

    Returns
    -------
    list of memoryview
        One per tag, the optional ones that are missing as an empty one.

    Raises
    ------
    LedgerError
        Another record type, another section, a length that does not fit, bytes left over.
    """
    view = memoryview(body)
    length, found = read_prefix(view)
    if found is not kind:
        raise LedgerError(f"record type is {found.name}, not {kind.name}")
    if length != len(view) + TAIL_BYTES:
        raise LedgerError(f"length says {length}, the record has {len(view) + TAIL_BYTES} bytes")
    payloads = []
    position = PREFIX_BYTES
    for expected in (*tags, *optional):
        whole = position + SECTION.size <= len(view)
        tag, size = SECTION.unpack_from(view, position) if whole else (None, 0)
        if tag != expected:
            if expected in optional:
                payloads.append(view[:0])
                continue
            if tag is None:
                raise LedgerError(f"section {expected} is missing")
            raise LedgerError(f"section {tag} stands where section {expected} belongs")
        position += SECTION.size
        if size > len(view) - position:
            raise LedgerError(f"section {tag} says {size} bytes, {len(view) - position} are left")
        payloads.append(view[position : position + size])
        position += size
    if position != len(view):
        raise LedgerError(f"{len(view) - position} bytes follow the last section")
    return payloads
