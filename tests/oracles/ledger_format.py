"""A second reader of ledgers, written from docs/ledger-format.md alone, byte by byte.

It shares nothing with the package.  `read_ledger` gives plain dictionaries, `annotate` the lines
of the example in the documentation.
"""

import hashlib
import json

ORDER_COLUMNS = [
    *("id", "sequence", "owner", "side", "price", "energy", "unsettled", "start", "until"),
    *("priority", "device", "cap", "accepted", "pays", "reason"),
]
PRICES = ["price low", "clearing price", "price high"]
BOOK = ["volume, surplus, case", *PRICES, *ORDER_COLUMNS]
ROUND_SECTIONS = {
    1: ("time", ["number, timestamp"]),
    2: ("tariffs", ["retail, feed-in, short, long of each commodity"]),
    3: ("electricity book", BOOK),
    4: ("heat book", BOOK),
    5: ("traded", ["of each account: electricity, heat"]),
    6: ("metered", ["of each account: electricity, heat"]),
    7: ("unserved", ["of each organization"]),
    8: ("money", ["trade", "imbalance", "fuel", "fee"]),
    9: ("accounts", ["of each account"]),
    10: ("actions", ["of each learner"]),
}
CONVERSIONS = 11
CONVERSION_COLUMNS = [
    *("sequence", "owner", "electricity", "heat", "cost", "most", "group", "fuel", "source"),
    *("supply", "activity", "electricity delivered", "heat delivered", "earnings"),
]
WISHES = 12
WISH_COLUMNS = [
    f"{book} {name}"
    for book in ("electricity", "heat")
    for name in (
        *("attributes", "premium", "partner"),
        *("origin plain", "origin local", "origin renewable", "origin both"),
    )
]
SIGNED = 13
OPTIONAL = {
    CONVERSIONS: ("conversions", CONVERSION_COLUMNS),
    WISHES: ("wishes", WISH_COLUMNS),
    SIGNED: ("signed", "messages"),
}
MEMBER_KEYS = {6: ("keys of organizations", "json")}
HEADER_SECTIONS = {
    1: ("numbers", ["rules version, seed, world, start"]),
    2: ("scenario digest", None),
    3: ("operator key", None),
    4: ("organizations", "json"),
    5: ("rules", "json"),
}
KEY_SECTIONS = {
    1: ("next public key", None),
    2: ("signature of the key until now", None),
    3: ("signature of the next key", None),
}
TYPES = {1: ("header", HEADER_SECTIONS), 2: ("round", ROUND_SECTIONS), 3: ("key", KEY_SECTIONS)}


class Reader:
    """Takes bytes from the front, and notes what they were."""

    def __init__(self, data, start=0):
        self.data, self.at, self.start, self.notes = data, 0, start, []

    def take(self, size, note=None):
        assert self.at + size <= len(self.data), "bytes are missing"
        piece = self.data[self.at : self.at + size]
        if note is not None:
            self.notes.append((self.start + self.at, piece, note))
        self.at += size
        return piece

    def number(self, size, note=None, signed=False):
        piece = self.take(size)
        value = int.from_bytes(piece, "little", signed=signed)
        if note is not None:
            self.notes.append((self.start + self.at - size, piece, f"{note} {value}"))
        return value

    def vector(self, name):
        first = self.at
        count, width = self.number(4), self.number(1)
        assert width in (1, 2, 4, 8)
        values = [self.number(width, signed=True) for _ in range(count)]
        need = next(
            w
            for w in (1, 2, 4, 8)
            if all(-(2 ** (8 * w - 1)) <= v < 2 ** (8 * w - 1) for v in values)
        )
        assert width == need, "not the narrowest width"
        piece = self.data[first : self.at]
        text = ", ".join(map(str, values)) or "none"
        self.notes.append((self.start + first, piece, f"{name}: {text}"))
        return values


def read_record(reader, previous):
    """One record as a dictionary of its sections; checks both hashes."""
    first = reader.at
    assert reader.take(4, "magic") == b"DGLR"
    length = reader.number(4, "length")
    assert reader.number(4, "its complement") == 0xFFFFFFFF - length
    kind, sections = TYPES[reader.number(2, "record type")]
    assert reader.number(2, "format version") == 1
    record = {"kind": kind}
    sections, optional = dict(sections), dict(OPTIONAL if kind == "round" else MEMBER_KEYS)
    tail = first + length - 64
    while sections or reader.at < tail:
        if not sections:  # only what is there, in rising order
            there = int.from_bytes(reader.data[reader.at : reader.at + 2], "little")
            optional = {tag: section for tag, section in optional.items() if tag >= there}
            sections = {there: optional.pop(there)}
        tag = next(iter(sections))
        name, content = sections.pop(tag)
        assert reader.number(2, f"section, {name}:") == tag
        size = reader.number(4, "its length")
        end = reader.at + size
        if content is None:
            record[name] = reader.take(size, name)
        elif content == "json":
            text = reader.take(size, name)
            record[name] = json.loads(text)
        elif content == "messages":
            record[name] = []
            while reader.at < end:
                account, count = reader.number(2, "account"), reader.number(2, "bytes")
                signature = reader.take(64, "signature")
                record[name].append((account, signature, reader.take(count, "message")))
        else:
            record[name] = {what: reader.vector(what) for what in content}
        assert reader.at == end
    body = reader.data[first : reader.at]
    assert reader.take(32, "hash of the record before") == previous
    own = hashlib.sha256(b"decent-gym/ledger/record/v1\0" + previous + body).digest()
    assert reader.take(32, "hash of this record") == own
    assert reader.at - first == length
    return record, own


def read_ledger(data):
    """All records of a ledger's bytes, and the head."""
    reader = Reader(data)
    head = hashlib.sha256(b"decent-gym/ledger/genesis/v1\0").digest()
    records = []
    while reader.at < len(data):
        record, head = read_record(reader, head)
        records.append(record)
    return records, head.hex(), reader.notes


def annotate(data, width=16):
    """Lines of offset, bytes in hexadecimal, and meaning."""
    lines = []
    for offset, piece, note in read_ledger(data)[2]:
        for row in range(0, len(piece), width):
            text = piece[row : row + width].hex(" ")
            lines.append(
                f"{offset + row:6d}  {text:<{3 * width}} {note if not row else ''}".rstrip()
            )
    return lines
