"""Ledgers, checkpoints, keys, proofs and requests to a witness, as strangers may hand them over."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from hostile.stands import RefusedError
from oracles import forger
from oracles.forger import SEGMENT, edited
from oracles.rounds import header, rounds

from decent_gym.errors import DataError, InputError, LedgerError, RoundOrderError
from decent_gym.ledger import Checkpoint, KeyKind, LedgerHeader, SigningKey
from decent_gym.ledger.frames import PREFIX, SECTION, RecordType, frame, write_prefix
from decent_gym.ledger.header import encode_header
from decent_gym.ledger.segments import META
from decent_gym.models import ORDER_FIELDS

KEY: Final = SigningKey("district.example/rural", b"k" * 32)
OTHER: Final = SigningKey("district.example/rural", b"o" * 32)
STRANGER: Final = SigningKey("stranger.example", b"s" * 32)
WITNESS: Final = SigningKey("neighbour.example/witness", b"w" * 32, KeyKind.WITNESS)
HEADER: Final = header(operator_key=KEY.verifier.public)
RECORDS: Final = rounds(6, offers=3)
SECOND: Final = "checkpoint-000000005.txt"

Change = Callable[[Path], object]


def write(name: str, data: bytes) -> Change:
    """Another content."""
    return lambda folder: (folder / name).write_bytes(data)


def instead(name: str, make: Callable[[Path], object]) -> Change:
    """Something else where a file was."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        make(folder / name)

    return change


def flipped(at: int) -> Change:
    """One bit of the segment."""

    def change(folder: Path) -> None:
        data = bytearray((folder / SEGMENT).read_bytes())
        data[at] ^= 1
        (folder / SEGMENT).write_bytes(data)

    return change


def forged(number: int, **changes: Any) -> Change:
    """A round with other fields, all hashed again as its only writer could."""

    def change(folder: Path) -> None:
        records = list(RECORDS)
        records[number] = edited(records[number], **changes)
        without_checkpoints(folder)
        forger.write(folder, HEADER, records)

    return change


def bodies(*changed: bytes) -> Change:
    """Other records, hashed as they should be."""

    def change(folder: Path) -> None:
        without_checkpoints(folder)
        forger.write_bodies(folder, list(changed))

    return change


def without_checkpoints(folder: Path) -> None:
    for path in folder.glob("checkpoint-*"):
        path.unlink()


def cell(number: int, column: str, value: int) -> dict[str, Any]:
    """The electricity book of a round with one other value in its first order."""
    book = RECORDS[number].electricity
    orders = book.orders.copy()
    orders[0, ORDER_FIELDS.index(column)] = value
    columns = (orders[:, ORDER_FIELDS.index(name)] for name in ("unsettled", "cap"))
    return {"orders": orders, "offered": np.minimum(*columns)}


def first(name: str, number: int, change: int) -> dict[str, Any]:
    """The electricity book of a round with one entry of an array changed."""
    values = getattr(RECORDS[number].electricity, name).copy()
    values[0] += change
    return {name: values}


ROUND: Final = forger.encode_round(RECORDS[0], HEADER.accounts)
HEAD: Final = encode_header(HEADER)


def sectioned(sections: bytes) -> bytes:
    """A round's body of these sections."""
    body = bytearray(PREFIX.size) + sections
    with memoryview(body) as view:
        write_prefix(view, RecordType.ROUND)
    return bytes(body)


VECTORS: Final = b"\xff\xff\xff\xff\x08" + bytes(8)
"""A vector that says four thousand million values."""

# what somebody did to a ledger's folder, then verify()
VERIFY: Final[list[tuple[Any, ...]]] = [
    ("segment missing", "no file", instead(SEGMENT, lambda path: None),
     RefusedError, "segment-000000.dgl is missing"),
    ("segment a folder", "no file", instead(SEGMENT, Path.mkdir), RefusedError, "it is not a file"),
    ("segment a pipe", "no file", instead(SEGMENT, os.mkfifo), RefusedError, "it is not a file"),
    ("segment a device", "no file", instead(SEGMENT, lambda path: path.symlink_to("/dev/zero")),
     RefusedError, "it is not a file"),
    ("segment that leads nowhere", "no file", instead(SEGMENT, lambda path: path.symlink_to("x")),
     RefusedError, "it is not a file"),
    ("segment 2 without segment 1", "no file", write("segment-000002.dgl", b""),
     RefusedError, "segment-000001.dgl is missing"),
    ("checkpoint a pipe", "no file", instead(SECOND, os.mkfifo),
     RefusedError, "checkpoint-000000005.txt: is not a regular file"),
    ("checkpoint a folder", "no file", instead(SECOND, Path.mkdir),
     RefusedError, "is not a regular file"),
    ("checkpoint too long", "8 kB", write(SECOND, b"x" * 200_000),
     RefusedError, "longer than a checkpoint may be"),
    ("checkpoint of 10^19 records", "caps", write("checkpoint-9999999999999999999.txt", b"x\n"),
     RefusedError, "a note is a text"),
    ("a bit of the header", "damage", flipped(60),
     RefusedError, "header: the record does not have"),
    ("a bit of a trade", "damage", flipped(900), RefusedError, "the hash that it states"),
    ("the last bit", "damage", flipped(-1), RefusedError, "round 5: the record does not have"),
    ("a byte behind", "damage", lambda f: write(SEGMENT, (f / SEGMENT).read_bytes() + b"\0")(f),
     RefusedError, "at round 6: no record begins here"),
    ("a byte within", "damage", lambda f: write(SEGMENT, b"\0" + (f / SEGMENT).read_bytes())(f),
     RefusedError, "no record begins here"),
    ("a torn tail", "damage", lambda f: write(SEGMENT, (f / SEGMENT).read_bytes()[:-9])(f),
     RefusedError, "torn tail"),
    ("its end cut off", "rewritten", lambda f: forger.write_bodies(f, [HEAD, ROUND]),
     RefusedError, "checkpoint"),
    ("empty", "damage", write(SEGMENT, b""), RefusedError, "header"),
    ("text", "damage", write(SEGMENT, b"hello" * 99),
     RefusedError, "magic is b'hell', not b'DGLR'"),
    ("length of 4 GB", "bomb", write(SEGMENT, PREFIX.pack(b"DGLR", 2**32 - 1, 0, 1, 1) + bytes(99)),
     RefusedError, "length 4294967295 is not in [80, 16777216]"),
    ("length and complement", "damage", write(SEGMENT, PREFIX.pack(b"DGLR", 99, 99, 1, 1)),
     RefusedError, "its complement 99 do not agree"),
    ("version of tomorrow", "version", write(SEGMENT, PREFIX.pack(b"DGLR", 99, 2**32 - 100, 1, 2)),
     RefusedError, "format version 2 is not known to this program"),
    ("type of tomorrow", "version", write(SEGMENT, PREFIX.pack(b"DGLR", 99, 2**32 - 100, 9, 1)),
     RefusedError, "record type 9 is not known"),
    ("no header", "out of order", bodies(ROUND), RefusedError, "does not belong here"),
    ("two headers", "out of order", bodies(HEAD, HEAD), RefusedError, "does not belong here"),
    ("a round twice", "replay", bodies(HEAD, ROUND, ROUND),
     RefusedError, "its number is 0 after 0"),
    ("a key without a signature", "no signature", bodies(HEAD, frame(RecordType.KEY, [
        (1, bytes(32)), (2, bytes(64)), (3, bytes(64))])),
         RefusedError, "is not signed by the old"),
    ("a key of another length", "shape", bodies(HEAD, frame(RecordType.KEY, [
        (1, bytes(31)), (2, bytes(64)), (3, bytes(64))])), RefusedError, "a key of 32 bytes"),
    ("section of 4 GB", "huge shape", bodies(HEAD, sectioned(SECTION.pack(1, 2**32 - 1))),
     RefusedError, "section 1 says 4294967295 bytes, 0 are left"),
    ("vector of 4 billion values", "huge shape", bodies(HEAD, frame(RecordType.ROUND, [
        (1, VECTORS)] + [(tag, b"") for tag in range(2, 11)])),
     RefusedError, "says 4294967295 values of 8 bytes, 8 bytes are left"),
    ("vector of a strange width", "damage", bodies(HEAD, frame(RecordType.ROUND, [
        (1, b"\1\0\0\0\3" + bytes(8))] + [(tag, b"") for tag in range(2, 11)])),
     RefusedError, "has width 3, which is none of 1, 2, 4, 8"),
    ("a sum of nothing", "wrong clearing", forged(2, electricity=first("pays", 2, 1)),
     RefusedError, ("round 2: ", "pays")),
    ("accepted without a trade", "wrong clearing", forged(2, electricity=first("accepted", 2, 1)),
     RefusedError, "round 2: "),
    ("a side of 2", "codes", forged(2, electricity=cell(2, "side", 2)), RefusedError, "round 2: "),
    ("an owner of 99", "organization", forged(2, electricity=cell(2, "owner", 99)),
     RefusedError, "round 2: "),
    ("energy of 0", "energy", forged(2, electricity=cell(2, "unsettled", 0)),
     RefusedError, "round 2: "),
    ("energy of -5", "energy", forged(2, electricity=cell(2, "unsettled", -5)),
     RefusedError, "round 2: "),
    ("a price beyond the cap", "caps", forged(2, electricity=cell(2, "price", 10**8 + 1)),
     RefusedError, "round 2: "),
    ("a price of -2^63", "64 bits", forged(2, electricity=cell(2, "price", -(2**63))),
     RefusedError, "round 2: "),
    ("a start after the round", "far", forged(2, electricity=cell(2, "start", 5)),
     RefusedError, "round 2: "),
    ("an end before the round", "past", forged(2, electricity=cell(2, "until", 1)),
     RefusedError, "round 2: "),
    ("a sequence twice", "id twice", forged(2, electricity=cell(
        2, "sequence", int(RECORDS[2].electricity.orders[1, ORDER_FIELDS.index("sequence")]))),
     RefusedError, "round 2: "),
    ("off the grid", "grid", forged(2, timestamp=RECORDS[2].timestamp + 1),
     RefusedError, ("round 2: ", "timestamp")),
]  # fmt: skip

# the same, then Ledger.resume(): nothing is written
RESUME: Final = [
    ("segment a folder", "no file", instead(SEGMENT, Path.mkdir),
     LedgerError, ("segment-000000.dgl is not a file of its own", "put the segment itself there")),
    ("segment a pipe", "no file", instead(SEGMENT, os.mkfifo),
     LedgerError, "not a file of its own"),
    ("segment a link", "path, no file",
     instead(SEGMENT, lambda path: path.symlink_to(path.parents[1] / "good" / SEGMENT)),
     LedgerError, "not a link to it"),
    ("segment a device", "no file", instead(SEGMENT, lambda path: path.symlink_to("/dev/zero")),
     LedgerError, "is not a file of its own"),
    ("a bit of the header", "damage", flipped(60), LedgerError, "restore it from a copy"),
    ("a bit of a trade", "damage", flipped(900), LedgerError, "cannot be resumed: record"),
    ("no header", "out of order", bodies(ROUND), LedgerError, "cannot be resumed"),
    ("shorter than its checkpoint", "rewritten", lambda f: forger.write_bodies(f, [HEAD, ROUND]),
     LedgerError, "the end of the ledger was cut off"),
    ("another past than its checkpoint", "rewritten",
     lambda f: forger.write(f, HEADER, rounds(6, offers=2)),
     LedgerError, "the past was written anew"),
    ("checkpoint a pipe", "no file", instead(SECOND, os.mkfifo),
     InputError, "is not a regular file"),
]  # fmt: skip

# the same, then the rounds' MQTT payloads are read
TAIL: Final = [
    ("segment a pipe", "no file", instead(SEGMENT, os.mkfifo), LedgerError, "not a regular file"),
    ("segment a folder", "no file", instead(SEGMENT, Path.mkdir),
     LedgerError, "not a regular file"),
    ("a bit of a trade", "damage", flipped(900), LedgerError, "is damaged after record 0; verify"),
    ("version of tomorrow", "version", write(SEGMENT, PREFIX.pack(b"DGLR", 99, 2**32 - 100, 1, 2)),
     LedgerError, "format version 2"),
    ("accounts that do not fit", "shape", bodies(encode_header(header(organizations=9)), ROUND),
     LedgerError, "has 16 values instead of 24"),
]  # fmt: skip

# what meta.json holds, which is not hashed, then the recording is read
RECORDING: Final = [
    (name, items, write(META, data), DataError, says)
    for name, items, data, says in (
        ("nothing", "damage", b"", "meta.json cannot be read"),
        ("invalid UTF-8", "UTF-8", b'{"a":"\xff"}', "can't decode byte 0xff"),
        ("100,000 brackets", "nesting", b"[" * 100_000, "nested deeper than 32"),
        ("2,000,000 quotes in a text", "slow", b'"' + b'\\"' * 2_000_000, "Unterminated string"),
        ("longer than 4 MiB", "8 kB", b" " * (2**22 + 1), "is longer than 4194304"),
        ("a list", "shape", b"[]", "must hold an object, got list"),
        ("no scenario", "damage", b"{}", "does not say the 'scenario'"),
        ("scenario a number", "str", b'{"scenario":5}', "'scenario' has the wrong type, got 5"),
        ("scenario true", "bool", b'{"scenario":true}', "'scenario' has the wrong type, got True"),
        ("rounds 2.0", "float", b'{"scenario":"x","rounds":2.0}', "'rounds' has the wrong type"),
        ("learners of numbers", "shape", b'{"scenario":"x","learners":[1]}', "must be names"),
        ("another seed", "contradiction", b'{"scenario":"x","seed":5}', "'seed' is 5, but the"),
        ("digits", "64 bits", b'{"scenario":' + b"9" * 5_000 + b"}", "has more than 20 characters"),
    )
] + [
    ("a pipe", "no file", instead(META, os.mkfifo), DataError, "is not a regular file"),
    ("a folder", "no file", instead(META, Path.mkdir), DataError, "is not a regular file"),
    ("a device", "no file", instead(META, lambda path: path.symlink_to("/dev/zero")),
     DataError, "is not a regular file"),
]  # fmt: skip

GOOD_HEADER: Final[dict[str, Any]] = {
    name: getattr(HEADER, name) for name in LedgerHeader.__dataclass_fields__
}
# fields of a ledger's header
HEADERS: Final = [
    ("start off the grid", "grid", {"start": 901}, InputError, "start 901 is not on the 15-minute"),
    ("start before 1970", "past", {"start": -900}, InputError, "header: start must be in [0, "),
    ("start float", "float", {"start": 900.0}, InputError, "start must be an integer, got float"),
    ("seed -1", "caps", {"seed": -1}, InputError, "header: seed must be in [0, "),
    ("seed 2^63", "64 bits", {"seed": 2**63}, InputError, "header: seed must fit 64 bits"),
    ("a name twice", "id twice", {"names": ("a",) * 5}, InputError, "name appears twice"),
    ("a name with a slash", "path", {"names": ("a/b", "b", "c", "d", "e")}, InputError, "'a/b'"),
    ("priority True", "bool", {"priorities": (True, 0, 0, 0, 0)}, InputError, "got the bool True"),
    ("priority 2", "codes", {"priorities": (2, 0, 0, 0, 0)},
     InputError, "must be in [0, 1], got 2"),
    ("a priority too few", "shape", {"priorities": (0,)}, InputError, "5 names and 1 priorities"),
    ("key of 31 bytes", "shape", {"operator_key": bytes(31)}, InputError, "must be 32 bytes, got"),
    ("scenario as text", "str", {"scenario": "ab" * 16}, InputError, "must be 32 bytes, got 'abab"),
    ("rules with a float", "float", {"rules": b'{"k":0.5}'}, InputError, "0.5 is not an integer"),
    ("rules NaN", "NaN", {"rules": b'{"k":NaN}'}, InputError, "NaN is not an integer"),
    ("rules 1e400", "infinity", {"rules": b'{"k":1e400}'}, InputError, "1e400 is not an integer"),
    ("rules 2^53", "2^53", {"rules": b'{"k":9007199254740992}'}, InputError, "beyond 2^53 - 1"),
    ("rules with a key twice", "keys twice", {"rules": b'{"k":1,"k":1}'}, InputError, "each once"),
    ("rules nested", "nesting", {"rules": b"[" * 10**5}, InputError, "JSON cannot be read"),
    ("rules of invalid UTF-8", "UTF-8", {"rules": b'"\xff"'}, InputError, "JSON cannot be read"),
    ("rules of 5 MB", "8 kB", {"rules": b" " * 5_000_000}, InputError, "longer than 4194304"),
]  # fmt: skip

# a round for a ledger that has come to round 1
APPEND: Final = [
    ("the same round again", "replay, out of order", RECORDS[1],
     RoundOrderError, "round 1 cannot follow round 1"),
    ("a round before", "past", RECORDS[0], RoundOrderError, "round 0 cannot follow round 1"),
    ("a round later", "out of order", RECORDS[3], RoundOrderError, "round 3 cannot follow round 1"),
    ("off the grid", "grid", replace(RECORDS[2], timestamp=RECORDS[2].timestamp + 60),
     RoundOrderError, "the header's start and 15 minutes for each round"),
    ("accounts of another market", "shape", rounds(3, organizations=7)[2],
     InputError, "traded must have shape (8, 2), has (10, 2)"),
    ("floats", "float", replace(RECORDS[2], money=RECORDS[2].money * 1.0),
     InputError, "money is float64"),
]  # fmt: skip

ROOT: Final = bytes(range(32))
NOTE: Final = Checkpoint.of(KEY.name, 5, ROOT).signed(KEY)
GOOD_NOTE: Final = NOTE.to_bytes()
LINE: Final = GOOD_NOTE.split(b"\n\n")[1]


def note(old: bytes, new: bytes) -> bytes:
    """A good checkpoint with a piece replaced."""
    assert old in GOOD_NOTE
    return GOOD_NOTE.replace(old, new, 1)


# a checkpoint, read and held against the operator's key
CHECKPOINT: Final = [
    ("nothing", "damage", b"", DataError, "a note is a text, an empty line"),
    ("100,001 bytes", "8 kB", b"x" * 100_001, DataError, "100001 bytes is longer than 100000"),
    ("invalid UTF-8", "UTF-8", note(b"rural\n5", b"rural\xff\n5"), DataError, "must be UTF-8"),
    ("carriage returns", "damage", GOOD_NOTE.replace(b"\n", b"\r\n"), DataError, "no control char"),
    ("a zero byte", "damage", note(b"\n5\n", b"\n5\0\n"), DataError, "no control characters"),
    ("size 05", "damage", note(b"\n5\n", b"\n05\n"), DataError, "count of records, got '05'"),
    ("size -5", "caps", note(b"\n5\n", b"\n-5\n"), DataError, "count of records, got '-5'"),
    ("size 5.0", "float", note(b"\n5\n", b"\n5.0\n"), DataError, "count of records, got '5.0'"),
    ("size NaN", "NaN", note(b"\n5\n", b"\nNaN\n"), DataError, "count of records, got 'NaN'"),
    ("size 2^63", "64 bits", note(b"\n5\n", b"\n9223372036854775808\n"), DataError, "count of rec"),
    ("root of 31 bytes", "shape", Checkpoint.of(KEY.name, 5, bytes(31)).to_bytes(),
     DataError, "root has 31 bytes instead of 32"),
    ("root of loose base64", "damage", note(b"Hh8=", b"Hh9="), DataError, "not strict base64"),
    ("65 signatures", "too many", GOOD_NOTE + LINE * 64,
     DataError, "65 signatures has more than 64"),
    ("unsigned", "no signature", Checkpoint.of(KEY.name, 5, ROOT).to_bytes(),
     DataError, "is not signed by district.example/rural"),
    ("signed by another", "another's key",
     Checkpoint.of(KEY.name, 5, ROOT).signed(OTHER).to_bytes(),
     DataError, ("is not signed by", "but by district.example/rural")),
    ("signed for another size", "forged signature", note(b"\n5\n", b"\n6\n"),
     DataError, "the signature of district.example/rural on the checkpoint"),
    ("signed for another ledger", "forged signature", note(b"rural\n5", b"rural/2\n5"),
     DataError, "is wrong"),
    ("a bit of the signature", "forged signature", note(LINE[-9:-6], b"AAA"),
     DataError, "is wrong"),
]  # fmt: skip

PUBLIC: Final = str(KEY.verifier)
SECRET: Final = KEY._text()
# a public key, as text
VERIFIER: Final[list[tuple[Any, ...]]] = [
    ("nothing", "damage", "", DataError, "looks like name+id+base64, got ''"),
    ("511 characters", "8 kB", "x" * 511, DataError, "at most 510 characters"),
    ("another id", "forged signature", PUBLIC.replace("+", "+0", 1), DataError, "its key has"),
    ("another name", "another's key", "x" + PUBLIC, DataError, "its key has"),
    ("kind of tomorrow", "version", "a+00000000+" + "CQ" + "A" * 42, DataError, "of kind [1, 4]"),
    ("cut short", "damage", PUBLIC[:-4], DataError, "is no Ed25519 key"),
    ("loose base64", "damage", PUBLIC + "=", DataError, "is not strict base64"),
    ("a name with a space", "path", PUBLIC.replace("/", " "), DataError, "printable ASCII"),
    ("beyond ASCII", "UTF-8", "ä" + PUBLIC, DataError, "printable ASCII"),
]  # fmt: skip

# what stands where a private key should
PRIVATE: Final = [
    ("nothing", "damage", write("key", b""), InputError, "key holds no private key"),
    ("the public one", "another's key", write("key", PUBLIC.encode()), InputError, "ends in .pub"),
    ("another id", "forged signature", write("key", SECRET.replace("+", "+0", 3).encode()),
     InputError, "holds no private key"),
    ("cut short", "damage", write("key", SECRET[:-5].encode()), InputError, "holds no private key"),
    ("invalid UTF-8", "UTF-8", write("key", b"\xff" * 99), InputError, "holds no private key"),
    ("10 MB", "8 kB", write("key", b"x" * 10**7), InputError, "holds no private key"),
    ("a pipe", "no file", instead("key", os.mkfifo), InputError, "is not a regular file"),
    ("a folder", "no file", instead("key", Path.mkdir), InputError, "is not a regular file"),
    ("a device", "no file", instead("key", lambda path: path.symlink_to("/dev/zero")),
     InputError, "is not a regular file"),
    ("missing", "no file", instead("key", lambda path: None), InputError, "No such file"),
]  # fmt: skip


def changed(**fields: Any) -> Callable[[dict[str, Any]], object]:
    """Other fields in a proof; its digest is made to fit."""
    return lambda value: value.update(fields)


def inner(part: str, **fields: Any) -> Callable[[dict[str, Any]], object]:
    """Other fields in a part of it."""
    return lambda value: value[part].update(fields)


def reversed_path(value: dict[str, Any]) -> None:
    value["record"]["path"].reverse()


# bytes where a proof should be, or what was done to a good one before it was sealed again
PROOF: Final = [
    ("nothing", "damage", b"", RefusedError, "one line of at most"),
    ("no newline", "damage", b"{}", RefusedError, "with a newline"),
    ("5 MB", "8 kB", b" " * 5_000_000 + b"\n", RefusedError, "it is one line of at most 4194304"),
    ("100,000 brackets", "nesting", b"[" * 100_000 + b"\n", RefusedError, "nested deeper than 3"),
    ("four brackets", "nesting", b"[[[[]]]]\n", RefusedError, "nested deeper than 3"),
    ("2,000,000 quotes in a text", "slow", b'"' + b'\\"' * 2_000_000 + b"\n",
     RefusedError, "Unterminated string"),
    ("invalid UTF-8", "UTF-8", b'"\xff"\n', RefusedError, "JSON cannot be read"),
    ("NaN", "NaN", b'{"format":NaN}\n', RefusedError, "NaN is not an integer"),
    ("1e400", "infinity", b'{"format":1e400}\n', RefusedError, "1e400 is not an integer"),
    ("a key twice", "keys twice", b'{"a":1,"a":1}\n', RefusedError, "name each once"),
    ("format of tomorrow", "version", changed(format="decent-gym/proof/v2"),
     RefusedError, "the format is not decent-gym/proof/v1"),
    ("a field more", "unknown fields", changed(more=1), RefusedError, "must have the fields"),
    ("index -1", "caps", inner("record", index=-1), RefusedError, "must be a whole number, got -1"),
    ("index True", "bool", inner("record", index=True), RefusedError, "whole number, got True"),
    ("index as text", "str", inner("record", index="2"), RefusedError, "whole number, got '2'"),
    ("index of another record", "another's", inner("record", index=3), RefusedError, "record"),
    ("a path of 65", "huge shape", inner("record", path=["A" * 43 + "="] * 65),
     RefusedError, "a list of at most 64 hashes"),
    ("a path reversed", "damage", reversed_path, RefusedError, "record"),
    ("a body of nothing", "damage", inner("record", body=""), RefusedError, "NOT proven"),
    ("a header of nothing", "damage", inner("header", body=""), RefusedError, "NOT proven"),
    ("loose base64", "damage", inner("record", previous="AA"), RefusedError, "not strict base64"),
    ("no record", "contradiction", changed(record=None), RefusedError, "come together"),
    ("nothing proven", "contradiction", changed(record=None, header=None, offers=None),
     RefusedError, "it proves nothing"),
    ("a row that there is not", "ids", changed(offers=[[99], []]), RefusedError, "NOT proven"),
    ("rows twice", "id twice", changed(offers=[[1, 1], []]), RefusedError, "must rise"),
    ("another's checkpoint", "another's key",
     changed(checkpoint=Checkpoint.of(KEY.name, 7, ROOT).signed(OTHER).to_bytes().decode()),
     RefusedError, "NOT proven"),
]  # fmt: skip

# the body of a request to a witness that has cosigned 3 records
REQUEST: Final = [
    (name, items, body, DataError, says)
    for name, items, body, says in (
        ("nothing", "damage", b"", "a request is 'old SIZE'"),
        ("200 kB", "8 kB", b"old 0\n" + b"x" * 200_000, "is longer than"),
        ("old -1", "caps", b"old -1\n\n" + GOOD_NOTE, "a request is 'old SIZE'"),
        ("old 3.0", "float", b"old 3.0\n\n" + GOOD_NOTE, "a request is 'old SIZE'"),
        ("old NaN", "NaN", b"old NaN\n\n" + GOOD_NOTE, "a request is 'old SIZE'"),
        ("old of 99 digits", "64 bits", b"old " + b"9" * 99 + b"\n\n" + GOOD_NOTE, "old SIZE"),
        ("64 proof lines", "too many", b"old 3\n" + b"AAAA\n" * 64 + b"\n" + GOOD_NOTE, "than 63"),
        ("a proof line of no base64", "damage", b"old 3\n!\n\n" + GOOD_NOTE, "not strict base64"),
        ("no checkpoint", "damage", b"old 3\n\n", "a note is a text"),
    )
] + [
    (name, items, f"old {old}\n\n".encode() + found.to_bytes(), RefusedError, says)
    for name, items, old, found, says in (
        ("a stranger's ledger", "organization", 3, Checkpoint.of("x.example", 5, ROOT).signed(KEY),
         "no trusted key speaks for x.example"),
        ("unsigned", "no signature", 3, Checkpoint.of(KEY.name, 5, ROOT), "has signed it"),
        ("signed by another", "another's key", 3, Checkpoint.of(KEY.name, 5, ROOT).signed(OTHER),
         "no trusted key of district.example/rural has signed it"),
        ("rolled back", "rewritten", 2, Checkpoint.of(KEY.name, 2, ROOT).signed(KEY),
         "ROLLBACK: district.example/rural had 3 records, now it says 2"),
        ("no proof", "rewritten", 3, NOTE, "does not continue what was seen"),
        ("a proof from elsewhere", "rewritten", 4, NOTE,
         "3 records of district.example/rural have"),
        ("size 0", "caps", 0, Checkpoint.of(KEY.name, 0, ROOT).signed(KEY), "0 records cannot"),
    )
]  # fmt: skip
