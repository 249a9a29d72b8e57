"""What arrives by MQTT, and the addresses and names that lead there."""

import json
from typing import Any, Final

from decent_gym.errors import DataError, InputError

TARIFFS: Final = {"feed_in": 80_000, "long": 40_000, "retail": 300_000, "short": 400_000}
BOOK: Final = {
    "accepted": 2, "case": "MARGINAL_SELL", "offers": 2, "price": 300_000, "price_high": 300_000,
    "price_low": 300_000, "tariffs": TARIFFS, "volume": 900,
}  # fmt: skip
FIRST: Final[dict[str, Any]] = {
    "district": "rural", "electricity": BOOK, "hash": "03" * 32, "heat": BOOK, "ledger": "01" * 32,
    "previous": "01" * 32, "record": 1, "round": 4, "schema": "decent/round/1",
    "time": "2020-01-01T01:00:00Z",
}  # fmt: skip
"""A right payload, the first of its ledger; the receiver has heard it."""
NEXT: Final = {**FIRST, "previous": FIRST["hash"], "hash": "04" * 32, "record": 2, "round": 5}


def text(**changes: Any) -> bytes:
    """The next payload with other fields; `...` leaves one out."""
    fields = {name: value for name, value in {**NEXT, **changes}.items() if value is not ...}
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def raw(old: bytes, new: bytes) -> bytes:
    """The next payload with a piece of its text replaced."""
    assert text().count(old) == 1
    return text().replace(old, new)


# the payload of a round, as a receiver feeds it
ROUND: Final = [
    ("nothing", "damage", b"", DataError, "payload: JSON cannot be read"),
    ("half of it", "damage", text()[:-1], DataError, "payload: JSON cannot be read"),
    ("two of it", "damage", text() * 2, DataError, "payload: JSON cannot be read"),
    ("a list", "shape", b"[]", DataError, "payload is not a decent/round/1: b'[]'"),
    ("null", "shape", b"null", DataError, "payload is not a decent/round/1"),
    ("8,001 bytes", "8 kB", b'{"a":"' + b"x" * 7_993 + b'"}', DataError, "longer than 8000"),
    ("8,001 brackets", "8 kB, nesting", b"[" * 8_001, DataError, "8001 bytes is longer than 8000"),
    ("7,000 brackets", "nesting", b"[" * 7_000, DataError, "payload: JSON cannot be read"),
    ("1,500 objects", "nesting", b'{"a":' * 1_500, DataError, "payload: JSON cannot be read"),
    ("invalid UTF-8", "UTF-8", b'{"a":"\xff"}', DataError, "can't decode byte 0xff"),
    ("UTF-8 beyond ASCII", "UTF-8", '{"a":"ä"}'.encode(), DataError, "write ASCII"),
    ("UTF-16", "UTF-8", text().decode().encode("utf-16"), DataError, "JSON cannot be read"),
    ("a byte order mark", "UTF-8", b"\xef\xbb\xbf" + text(), DataError, "JSON cannot be read"),
    ("a space", "damage", raw(b'"record":2', b'"record": 2'), DataError, "not canonical"),
    ("record twice", "keys twice", raw(b'"record":2', b'"record":2,"record":2'),
     DataError, "name each once"),
    ("record NaN", "NaN", raw(b'"record":2', b'"record":NaN'), DataError, "NaN is not an integer"),
    ("record infinite", "infinity", raw(b'"record":2', b'"record":-Infinity'),
     DataError, "-Infinity is not an integer"),
    ("record 1e400", "infinity", raw(b'"record":2', b'"record":1e400'),
     DataError, "1e400 is not an integer"),
    ("record 2.0", "float", raw(b'"record":2', b'"record":2.0'), DataError, "2.0 is not an integ"),
    ("record -0.0", "-0.0", raw(b'"record":2', b'"record":-0.0'), DataError, "-0.0 is not an int"),
    ("record -0", "-0.0", raw(b'"record":2', b'"record":-0'), DataError, "not canonical"),
    ("record 2^53", "2^53", text(record=2**53), DataError, "9007199254740992 is beyond 2^53 - 1"),
    ("record of 5,000 digits", "64 bits", raw(b'"record":2', b'"record":' + b"9" * 5_000),
     DataError, "99999999999999999999 is beyond 2^53 - 1"),
    ("record true", "bool", text(record=True), DataError, "record is True, not of <class 'int'>"),
    ("record as text", "str", text(record="2"), DataError, "record is '2', not of <class 'int'>"),
    ("record 0", "caps", text(record=0), DataError, "record is 0, the first round's is 1"),
    ("record -1", "caps", text(record=-1), DataError, "record is -1, the first round's is 1"),
    ("round missing", "damage", text(round=...), DataError, "round is None"),
    ("round -1", "past", text(round=-1), DataError, "round is -1, the first one is 0"),
    ("hash missing", "damage", text(hash=...), DataError, "hash is None"),
    ("hash as a number", "damage", text(hash=3), DataError, "hash is 3, not of <class 'str'>"),
    ("hash too short", "damage", text(hash="04"), DataError, "hash is '04', not 64 hex digits"),
    ("hash in capitals", "damage", text(hash="AB" * 32), DataError, "not 64 hex digits"),
    ("hash of half a character", "UTF-8", text(hash="\ud800"), DataError, "not 64 hex digits"),
    ("ledger a list", "shape", text(ledger=[]), DataError, "ledger is [], not of <class 'str'>"),
    ("a field more", "unknown fields", text(prise=5), DataError, "has no field 'prise'"),
    ("schema of tomorrow", "version", text(schema="decent/round/2"),
     DataError, "is not a decent/round/1"),
    ("schema a list", "version", text(schema=[]), DataError, "is not a decent/round/1"),
    ("status", "damage", b'{"district":"rural","schema":"decent/status/1","status":"online"}',
     DataError, "is not a decent/round/1"),
    ("no electricity", "damage", text(electricity=...), DataError, "electricity is None"),
    ("electricity a list", "shape", text(electricity=[]), DataError, "electricity is [], not of"),
    ("time a number", "damage", text(time=3), DataError, "time is 3, not of <class 'str'>"),
    ("a price missing", "damage",
     text(heat={name: part for name, part in BOOK.items() if name != "price"}),
     DataError, "heat: price is None, which cannot be"),
    ("a price as text", "str", text(heat={**BOOK, "price": "1"}), DataError, "heat: price is '1'"),
    ("volume true", "bool", text(heat={**BOOK, "volume": True}), DataError, "heat: volume is True"),
    ("another past", "rewritten", text(previous="05" * 32),
     DataError, ("record 2): previous is 0505", "verify the ledger")),
    ("another first round", "rewritten", text(record=1, previous="01" * 32, hash="05" * 32),
     DataError, ("record 1): hash is 0505", "verify the ledger")),
]  # fmt: skip

# the address of a broker
ADDRESS: Final[list[tuple[Any, ...]]] = [
    *(
        (f"address {str(url)[:30]!r}", "damage", url, InputError, "the broker's URL")
        for url in (
            "", "h", "h:1883", "mqtt:///x", "mqtt://", "mqtt:h", "mqtt://h/path", "mqtt://h?x=1",
            "mqtt://h#x", "mqtt://:secret@h", "mqtt://[::1", "mqtt://a..b", f"mqtt://{'a' * 64}",
        )
    ),
    ("http", "codes", "http://h", InputError, "has scheme 'http'; write mqtt://"),
    ("port 0", "caps", "mqtt://h:0", InputError, "the broker's URL"),
    ("port 99999", "caps", "mqtt://h:99999", InputError, "the broker's URL cannot be read"),
    ("port x", "str", "mqtt://h:x", InputError, "the broker's URL cannot be read"),
    ("None", "no integer", None, InputError, "the broker's URL"),
    ("a number", "no integer", 7, InputError, "the broker's URL cannot be read"),
    ("half a character", "UTF-8", "mqtt://\ud800", InputError, "the broker's URL cannot be read"),
]  # fmt: skip

# the name of a district, part of every topic
DISTRICT: Final = [
    (f"district {name!r:.20}", items, name, InputError, "district must be 1 to 64 letters")
    for name, items in (
        ("", "path"), ("a/b", "path"), ("../b8", "path"), ("+", "path"), ("#", "path"),
        ("$SYS", "path"), ("a b", "path"), ("a\0", "path"), ("ä", "UTF-8"), ("\ud800", "UTF-8"),
        ("x" * 65, "8 kB"), (None, "no integer"), (b"rural", "str"), (5, "no integer"),
    )
]  # fmt: skip
