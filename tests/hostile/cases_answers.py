"""What comes back: from a market to a participant, and from witnesses and nodes over HTTP."""

import json
from collections.abc import Callable
from typing import Any, Final

from hostile.cases_ledger import GOOD_NOTE, KEY, STRANGER, WITNESS
from hostile.stands import RefusedError
from oracles.forger import encode_round
from oracles.rounds import rounds

from decent_gym.errors import DataError, InputError, LedgerError
from decent_gym.ledger import Checkpoint, SigningKey
from decent_gym.ledger.frames import RecordType, frame
from decent_gym.ledger.hashing import link
from decent_gym.live.openings import OWN
from decent_gym.models import Money, Tariff
from decent_gym.simulation import observation_fields

HASH: Final = "ab" * 32
ABOUT: Final = {"district": "rural", "ledger": HASH, "organization": "building_03"}
RECEIPT: Final[dict[str, Any]] = {
    **ABOUT, "number": 0, "reason": None, "round": 96, "schema": "decent/receipt/1",
    "refused": [{"offer": 1, "reason": "bad_energy", "text": None}], "sequences": [0, None],
    "text": None,
}  # fmt: skip
FLOWS: Final = {"electricity": 500, "heat": -3}
SETTLEMENT: Final[dict[str, Any]] = {
    **ABOUT, "balance": -(2**60), "hash": HASH, "metered": FLOWS, "traded": FLOWS, "part": 0,
    "money": {kind.name.lower(): 7 for kind in Money}, "parts": 1, "round": 96,
    "offers": [{"accepted": 5, "commodity": "heat", "pays": -1, "reason": "filled", "sequence": 3}],
    "schema": "decent/settlement/1",
}  # fmt: skip
WIDTH: Final = len(observation_fields())
TABLES: Final = ("electricity_prices", "heat_prices")
PRICES: Final = dict.fromkeys(
    [*(tariff.name.lower() for tariff in Tariff), "price_low", "price_high"], 5
)


def other(good: dict[str, Any], **changes: Any) -> bytes:
    """A message with other fields; ... leaves one out."""
    return json.dumps({k: v for k, v in {**good, **changes}.items() if v is not ...}).encode()


SHARED: Final[list[tuple[Any, ...]]] = [
    ("nothing", "damage", b"", DataError, "no JSON"),
    ("a list", "shape", b"[]", DataError, "must be an object"),
    ("64 kB", "8 kB", b" " * 64_001, DataError, "longer than"),
    ("15,000 brackets", "nesting", b"[" * 15_000, DataError, "nested deeper than 32"),
    ("invalid UTF-8", "UTF-8", b'"\xff"', DataError, "can't decode byte"),
    ("offers", "version", b'{"schema":"decent/offers/1"}', DataError, "schema must be"),
]


# a receipt
RECEIPTS: Final[list[tuple[Any, ...]]] = [
    *SHARED,
    *((name, items, other(RECEIPT, **changes), DataError, says)
      for name, items, changes, says in (
          ("no sequences", "damage", {"sequences": ...}, "'sequences' is missing"),
          ("a field more", "unknown fields", {"more": 1}, "'more' is missing or unknown"),
          ("sequences null", "shape", {"sequences": None}, "sequences is None"),
          ("sequences of texts", "str", {"sequences": ["1"]}, "sequences is ['1']"),
          ("sequences of bools", "bool", {"sequences": [True]}, "sequences is [True]"),
          ("ledger a list", "shape", {"ledger": []}, "ledger is []"),
          ("round -1", "past", {"round": -1}, "round is -1"),
          ("round 2^63", "64 bits", {"round": 2**63}, "round is 9223372036854775808"),
          ("number 0.5", "float", {"number": 0.5}, "number is 0.5"),
          ("refused of numbers", "shape", {"refused": [1]}, "refused is [1]"),
          ("refused without a reason", "damage", {"refused": [{"offer": 1}]}, "refused is [{'off"),
          ("reason 5", "no integer", {"reason": 5}, "reason is 5"),
      )),
    ("round twice", "keys twice", other(RECEIPT)[:-1] + b',"round":96}', DataError, "stands twice"),
]  # fmt: skip

# a settlement
SETTLEMENTS: Final[list[tuple[Any, ...]]] = [
    *SHARED,
    *((name, items, other(SETTLEMENT, **changes), DataError, says)
      for name, items, changes, says in (
          ("no money", "damage", {"money": ...}, "'money' is missing"),
          ("a field more", "unknown fields", {"more": 1}, "'more' is missing or unknown"),
          ("balance 0.5", "float", {"balance": 0.5}, "balance is 0.5"),
          ("balance NaN", "NaN", {"balance": float("nan")}, "NaN is no number"),
          ("balance of 21 digits", "64 bits", {"balance": 10**20}, "more than 20 characters"),
          ("hash too short", "damage", {"hash": "ab"}, "hash is 'ab'"),
          ("part 1 of 1", "contradiction", {"part": 1}, "part is 1 of 1"),
          ("a million parts", "too many", {"parts": 10**6}, "parts is 1000000"),
          ("no parts", "caps", {"parts": 0}, "parts is 0"),
          ("an account more", "unknown fields", {"money": {**SETTLEMENT["money"], "x": 1}},
           "money is"),
          ("metered a number", "shape", {"metered": 5}, "metered is 5"),
          ("gas", "commodity", {"traded": {"gas": 1, "heat": 1}}, "traded is"),
          ("offers null", "shape", {"offers": None}, "offers is None"),
          ("accepted -1", "energy", {"offers": [{**SETTLEMENT["offers"][0], "accepted": -1}]},
           "offers is"),
      )),
]  # fmt: skip


def opening(changes: dict[str, Any]) -> bytes:
    """A good opening with other fields."""
    view = {name: 0 for name in (*OWN, "fuel_price")} | {table: PRICES for table in TABLES}
    if isinstance(changes.get("view"), dict):
        changes = {**changes, "view": {**view, **changes["view"]}}
    good = {**ABOUT, "closes_in": 900, "observation": [0.5] * WIDTH, "round": 96, "view": view}
    whole = {**good, "schema": "decent/opening/1", **changes}
    if isinstance(whole["view"], dict):
        whole["view"] = {k: v for k, v in whole["view"].items() if v is not ...}
    return other(whole)


# an opening: other fields, or bytes
OPENINGS: Final[list[tuple[Any, ...]]] = [
    *SHARED,
    *((name, items, changes, DataError, says)
      for name, items, changes, says in (
          ("round -1", "past", {"round": -1}, "round must be an integer from 0"),
          ("round 2^53", "2^53", {"round": 2**53}, "round must be an integer from 0"),
          ("round true", "bool", {"round": True}, "round must be an integer from 0 to 2^53, got T"),
          ("closes in a text", "str", {"closes_in": "1"}, "closes_in must be an integer"),
          ("ledger a text", "damage", {"ledger": "here"}, "ledger must be a hash"),
          ("no observation", "damage", {"observation": ...}, f"must be {WIDTH} numbers"),
          ("a number too few", "shape", {"observation": [0.0] * (WIDTH - 1)}, "numbers"),
          ("beyond 32 bits", "infinity", {"observation": [1e39] * WIDTH}, "numbers of 32 bits"),
          ("1e400", "infinity", {"observation": [float("inf")] * WIDTH}, "Infinity is no number"),
          ("observation NaN", "NaN", {"observation": [float("nan")] * WIDTH}, "NaN is no number"),
          ("observation of bools", "bool", {"observation": [True] * WIDTH}, "numbers of 32 bits"),
          ("no view", "damage", {"view": ...}, "view must hold"),
          ("view a list", "shape", {"view": []}, "view must hold"),
          ("view without load", "damage", {"view": {"load": ...}}, "view must hold"),
          ("load 0.5", "float", {"view": {"load": 0.5}}, "view must hold"),
          ("load 2^53", "2^53", {"view": {"load": 2**53}}, "view must hold"),
          ("prices a number", "shape", {"view": {"heat_prices": 5}}, "view must hold"),
      )),
]  # fmt: skip


def record(body: bytes, before: bytes) -> bytes:
    """A record that states the right hashes."""
    return body + before + link(before, body)


FourthMade = Callable[[list[bytes], list[bytes]], tuple[str, bytes]]
"""From the payloads and the records of a ledger: how it comes, and what."""


STRANGE: Final = rounds(5, organizations=7)[4]


def follows(body: bytes) -> FourthMade:
    """A record of this body behind the last one taken."""
    return lambda payloads, records: ("record", record(body, records[4][-32:]))


def flipped(payloads: list[bytes], records: list[bytes]) -> tuple[str, bytes]:
    return "record", records[5][:50] + bytes([records[5][50] ^ 1]) + records[5][51:]


# what a subscriber hears that has taken four rounds
FOLLOW: Final[list[tuple[Any, ...]]] = [
    (name, items, made, error, says)
    for name, items, made, error, says in (
        ("no round", "damage", lambda p, r: ("heard", b"hello"), RefusedError, "passed over"),
        ("7,000 brackets", "nesting", lambda p, r: ("heard", b"[" * 7_000), RefusedError, "passed"),
        ("9 kB", "8 kB", lambda p, r: ("heard", b" " * 9_000), RefusedError, "passed over"),
        ("the first again", "replay", lambda p, r: ("heard", p[0]), RefusedError, "passed over"),
        ("another past", "rewritten",
         lambda p, r: ("heard", p[4].replace(json.loads(p[4])["previous"].encode(), b"0" * 64)),
         DataError, "verify the ledger"),
        ("no record", "damage", lambda p, r: ("record", b""), RefusedError, "passed over"),
        ("a record cut short", "damage", lambda p, r: ("record", r[5][:-1]), RefusedError, "pass"),
        ("a record and a byte", "damage", lambda p, r: ("record", r[5] + b"x"),
         RefusedError, "passed over"),
        ("a bit of a record", "damage", flipped, RefusedError, "passed over"),
        ("a length of 4 GB", "huge shape",
         lambda p, r: ("record", r[5][:4] + b"\xff" * 8 + r[5][12:]), RefusedError, "passed over"),
        ("a length that lies, rightly hashed", "huge shape",
         follows(frame(RecordType.ROUND, []) + b"x"), RefusedError, "passed over"),
        ("the second again", "replay", lambda p, r: ("record", r[2]), RefusedError, "passed over"),
        ("the sixth too early", "out of order", lambda p, r: ("record", r[6]),
         RefusedError, "passed over"),
        ("a round of nothing", "damage", follows(frame(RecordType.ROUND, [])),
         LedgerError, "section"),
        ("a round of another market", "shape",
         follows(encode_round(STRANGE, 10)), LedgerError, "instead of"),
    )
]  # fmt: skip


def http(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


POST: Final = "POST /add-checkpoint HTTP/1.1"
ASKED: Final = b"old 3\n\n" + GOOD_NOTE
SAME: Final = b"old 3\n\n" + Checkpoint.of(KEY.name, 3, bytes(32)).signed(KEY).to_bytes()
# what comes to a witness's port
HTTP: Final[list[tuple[Any, ...]]] = [
    (name, items, data, RefusedError, says)
    for name, items, data, says in (
        ("nothing", "damage", b"", "no answer"),
        ("noise", "damage", b"\x16\x03\x01\x02\x00\x01\r\n\r\n", "400"),
        ("GET", "codes", http("GET /add-checkpoint HTTP/1.1"), "501 "),
        ("another path", "path", http("POST /../key HTTP/1.1", "Content-Length: 0"), "404 there"),
        ("no length", "damage", http(POST), "411 say the Content-Length"),
        ("length -1", "caps", http(POST, "Content-Length: -1"), "411 say the Content-Length"),
        ("length 1e3", "float", http(POST, "Content-Length: 1e3"), "411 say the Content-Length"),
        ("length in other digits", "UTF-8", http(POST, "Content-Length: \xb2"), "411 say"),
        ("length of 5,000 digits", "64 bits", http(POST, f"Content-Length: {'9' * 5_000}"), "411 "),
        ("200 kB", "8 kB", http(POST, "Content-Length: 200000"), "413 at most"),
        ("in chunks", "damage", http(POST, "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), "411"),
        ("a header of 70 kB", "8 kB", http(POST, f"X: {'x' * 70_000}"), "431 "),
        ("200 headers", "too many", http(POST, *["X: x"] * 200), "431 "),
        ("a path of 70 kB", "8 kB", http(f"POST /{'x' * 70_000} HTTP/1.1"), "414 "),
        ("HTTP/9", "version", http("POST /add-checkpoint HTTP/9.0"), "505"),
        ("half a body", "damage",
         http(POST, f"Content-Length: {len(ASKED)}", body=ASKED[:-20]), "400 "),
        ("a body of noise", "damage", http(POST, "Content-Length: 4", body=b"\xff" * 4), "400 a r"),
        ("no proof", "rewritten", http(POST, f"Content-Length: {len(ASKED)}", body=ASKED), "422 "),
    )
]  # fmt: skip


def line(size: int, *keys: SigningKey) -> bytes:
    """Signatures of a checkpoint."""
    found = Checkpoint.of(KEY.name, size, bytes(32))
    for key in keys:
        found = found.signed(key, 0 if key is WITNESS else None)
    return found.to_bytes().partition(b"\n\n")[2]


# what answers instead of a witness: status and body, one after the other
COSIGN: Final[list[tuple[Any, ...]]] = [
    (name, items, answers, DataError, says)
    for name, items, answers, says in (
        ("nothing", "damage", [(200, b"")], "signature"),
        ("HTML", "damage", [(200, b"<html>")], "signature"),
        ("invalid UTF-8", "UTF-8", [(200, b"\xff" * 90)], "signature"),
        ("an endless answer", "8 kB", [(200, b"x" * 10**6)], "signature"),
        ("the operator's own signature", "another's key", [(200, line(7, KEY))], "not signed by"),
        ("a stranger's signature", "another's key", [(200, line(7, STRANGER))], "not signed by"),
        ("a signature of another ledger", "forged signature", [(200, line(7, WITNESS))], "wrong"),
        ("two signatures", "too many", [(200, line(7, WITNESS, STRANGER))], "signature"),
        ("refused", "codes", [(403, b"no\n")], "refuses (403): no"),
        ("a status of tomorrow", "codes", [(299, b"yes\n")], "refuses (299): yes"),
        ("seen a text", "str", [(409, b"three")], "does not say what it has seen: 'three'"),
        ("seen -1", "caps", [(409, b"-1\n")], "does not say what it has seen"),
        ("seen 5,000 digits", "64 bits", [(409, b"9" * 5_000)], "does not say what it has seen"),
        ("seen more", "rewritten", [(409, b"99\n")], "ROLLBACK, it has seen 99"),
        ("seen what there is not", "rewritten", [(409, b"6\n")], "no checkpoint of that size"),
        ("seen another root", "rewritten", [(409, b"7\n"), (409, b"7\n")], "FORK"),
        ("conflict for ever", "replay", [(409, b"5\n"), (409, b"5\n")], "refuses (409)"),
    )
]  # fmt: skip

# the address of a witness or a node
URL: Final[list[tuple[Any, ...]]] = [
    (f"address {url[:30]!r}", items, url, InputError)
    for url, items in (
        ("", "damage"), ("h", "damage"), ("ftp://h", "codes"), ("http://", "damage"),
        ("http:h", "damage"), ("http://h:0", "caps"), ("http://h:99999", "caps"),
        ("http://h:x", "str"), ("http://[::1", "damage"), ("http://a..b", "damage"),
        (f"http://{'a' * 64}", "8 kB"), ("http://\ud800", "UTF-8"), ("http://h/\u00e4", "UTF-8"),
        ("http://h/?\u00e4", "UTF-8"), ("http://h/a b", "path"), ("http://h/\x01", "path"),
    )
]  # fmt: skip

# what answers instead of a node, by what it is asked
NODE: Final[list[tuple[Any, ...]]] = [
    (name, items, answers, error, says)
    for name, items, answers, error, says in (
        ("nothing", "damage", {"eth_chainId": b""}, DataError, "does not answer in JSON"),
        ("HTML", "damage", {"eth_chainId": b"<html>"}, DataError, "does not answer in JSON"),
        ("5 MB", "8 kB", {"eth_chainId": b" " * 5_000_000}, DataError, "is longer than"),
        ("a million brackets", "nesting", {"eth_chainId": b"[" * 10**6}, DataError, "deeper than"),
        ("a million quotes in a text", "slow", {"eth_chainId": b'"' + b'\\"' * 10**6},
         DataError, "Unterminated string"),
        ("NaN", "NaN", {"eth_chainId": b'{"id":NaN}'}, DataError, "NaN is no number"),
        ("1e400", "infinity", {"eth_chainId": b'{"id":1e400}'}, DataError, "no finite number"),
        ("id twice", "keys twice", {"eth_chainId": b'{"id":1,"id":1}'}, DataError, "stands twice"),
        ("invalid UTF-8", "UTF-8", {"eth_chainId": b'"\xff"'}, DataError, "can't decode byte"),
        ("a list", "shape", {"eth_chainId": b"[]"}, DataError, "does not answer eth_chainId as a"),
        ("another id", "replay", {"eth_chainId": b'{"id":0,"result":"0x1"}'}, DataError, "a node"),
        ("chain a number", "no integer", {"eth_chainId": 1}, DataError, "no number as chain id: 1"),
        ("chain of 65 bits", "64 bits", {"eth_chainId": hex(2**64)}, DataError, "number as chain"),
        ("chain 0xzz", "str", {"eth_chainId": "0xzz"}, DataError, "no number as chain id: '0xzz'"),
        ("accounts a number", "shape", {"eth_accounts": 5}, InputError, "signs for nobody"),
        ("no accounts", "damage", {"eth_accounts": []}, InputError, "signs for nobody"),
        ("an account of lists", "shape", {"eth_accounts": [[]]}, InputError, "first account must"),
        ("an account too short", "damage", {"eth_accounts": ["0x11"]}, InputError, "first account"),
        ("gas -1", "caps", {"eth_estimateGas": "-0x1"}, DataError, "no number as eth_estimateGas"),
        ("gas without end", "caps", {"eth_estimateGas": "0x" + "f" * 99}, DataError, "no number"),
        ("an error of lists", "shape", {"eth_estimateGas": b'{"id":3,"error":[]}'},
         DataError, "no answer to eth_estimateGas"),
        ("count null", "no integer", {"eth_getTransactionCount": None}, DataError, "count: None"),
        ("hash 0xz", "damage", {"eth_sendTransaction": "0xz"}, DataError, "no bytes as a transac"),
        ("hash a list", "shape", {"eth_sendTransaction": []}, DataError, "no bytes as a transact"),
        ("receipt a text", "shape", {"eth_getTransactionReceipt": "yes"}, DataError, "no receipt"),
        ("receipt of a failure", "codes", {"eth_getTransactionReceipt": {"status": "0x0"}},
         DataError, "has failed"),
        ("gas used a text", "str", {"eth_getTransactionReceipt": {"status": "0x1", "gasUsed": "5"}},
         DataError, "no number as gas: '5'"),
        ("contract at nowhere", "damage",
         {"eth_getTransactionReceipt": {"status": "0x1", "gasUsed": "0x5", "contractAddress": 7}},
         InputError, "the contract's address must be"),
    )
]  # fmt: skip
