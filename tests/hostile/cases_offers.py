"""Messages of offers over MQTT, unsigned and signed, requests for records, and keys of members."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hostile.cases_ledger import instead, write
from hostile.stands import RefusedError
from oracles.signed_market import BUY, KEYS, NAMES, PUBLIC, ROUND, SignedMarket

from decent_gym.errors import DataError, InputError, LedgerError
from decent_gym.ledger import KeyKind, SigningKey
from decent_gym.ledger.header import canonical_json
from decent_gym.live.messages import offers_payloads
from decent_gym.live.reading import MESSAGE_CAP
from decent_gym.live.signer import Signer

MINE, OTHER = NAMES
MESSAGE: Final[dict[str, Any]] = {
    "schema": "decent/offers/1", "round": ROUND, "number": 0, "offers": [BUY],
}  # fmt: skip


def text(**changes: Any) -> bytes:
    """A right message with other fields; `...` leaves one out."""
    return json.dumps({k: v for k, v in {**MESSAGE, **changes}.items() if v is not ...}).encode()


def one(**changes: Any) -> bytes:
    """A message of one offer with other fields."""
    return text(offers=[{k: v for k, v in {**BUY, **changes}.items() if v is not ...}])


def raw(old: str, new: str) -> bytes:
    """The right message with a piece of its text replaced."""
    right = json.dumps(MESSAGE)
    assert old in right
    return right.replace(old, new, 1).encode()


def energy(literal: str) -> bytes:
    """The right message with another number of Wh."""
    return raw('"energy": 500', f'"energy": {literal}')


MALFORMED: Final = [
    ("nothing", "damage", b"", "Expecting value"),
    ("no JSON", "damage", b"hello", "no JSON as it is read here"),
    ("half of it", "damage", text()[:-1], "no JSON"),
    ("two of it", "damage", text() * 2, "Extra data"),
    ("too long by a byte", "8 kB", text() + b" " * (MESSAGE_CAP + 1 - len(text())),
     "8001 bytes is longer than 8000"),
    ("invalid UTF-8", "UTF-8", b'{"schema":"\xff"}', "can't decode byte 0xff"),
    ("UTF-16", "UTF-8", json.dumps(MESSAGE).encode("utf-16"), "can't decode byte 0xff"),
    ("a byte order mark", "UTF-8", b"\xef\xbb\xbf" + text(), "BOM"),
    ("7,999 brackets", "nesting", b"[" * (MESSAGE_CAP - 1), "nested deeper than 32"),
    ("1,500 objects", "nesting", b'{"a":' * 1_500, "nested deeper than 32"),
    ("a list", "shape", b"[]", "must be an object, got a list"),
    ("null", "shape", b"null", "must be an object, got None"),
    ("a number", "shape", b"1", "must be an object, got 1"),
    ("7,000 digits", "64 bits", b"9" * 7_000, "is beyond 2^53 - 1"),
    ("schema of tomorrow", "version", text(schema="decent/offers/2"), "'decent/offers/2'"),
    ("schema missing", "version", text(schema=...), "lacks 'schema'"),
    ("schema a list", "version", text(schema=[]), "schema must be 'decent/offers/1', got a list"),
    ("round missing", "damage", text(round=...), "lacks 'round'"),
    ("round twice", "keys twice", raw('"round": 96', '"round": 96, "round": 97'), "stands twice"),
    ("offers twice", "keys twice", raw('"number": 0', '"number": 0, "offers": []'), "twice"),
    ("energy twice", "keys twice", energy('500, "energy": 500'), "stands twice"),
    ("a field more", "unknown fields", text(owner="building_08"), "unknown field 'owner'"),
    ("a field more of an offer", "unknown fields", one(owner=7), "unknown field 'owner'"),
    ("a start of its own", "window, unknown fields", one(start=1), "unknown field 'start'"),
    ("an end of its own", "window, unknown fields", one(valid_until=10**6), "'valid_until'"),
    ("an attribute", "attribute", one(renewable=True), "unknown field 'renewable'"),
    ("a partner", "partner", one(partner="building_08"), "unknown field 'partner'"),
    ("round float", "float", text(round=96.0), "96.0 is not an integer"),
    ("round true", "bool", text(round=True), "round must be an integer, 0 or more, got True"),
    ("round as text", "str", text(round="96"), "round must be an integer, 0 or more, got '96'"),
    ("round -1", "past", text(round=-1), "round must be an integer, 0 or more, got -1"),
    ("number null", "no integer", text(number=None), "number must be an integer"),
    ("number -1", "caps", text(number=-1), "number must be an integer"),
    ("no offers", "energy", text(offers=[]), "offers must be a list of at least one offer"),
    ("offers an object", "shape", text(offers={"0": BUY}), "offers must be a list"),
    ("an offer a list", "shape", text(offers=[[]]), "offers[0] must be an object, got a list"),
    ("an offer null", "shape", text(offers=[BUY, None]), "offers[1] must be an object"),
    ("energy float", "float", one(energy=500.0), "500.0 is not an integer"),
    ("energy true", "bool", one(energy=True), "energy must be an integer, got True"),
    ("energy as text", "str", one(energy="500"), "energy must be an integer, got '500'"),
    ("energy null", "no integer", one(energy=None), "energy must be an integer, got None"),
    ("energy missing", "damage", one(energy=...), "lacks 'energy'"),
    ("energy NaN", "NaN", energy("NaN"), "NaN is not an integer"),
    ("energy infinite", "infinity", energy("Infinity"), "Infinity is not an integer"),
    ("energy 1e400", "infinity", energy("1e400"), "1e400 is not an integer"),
    ("energy -0.0", "-0.0", energy("-0.0"), "-0.0 is not an integer"),
    ("energy 1e2", "float", energy("1e2"), "1e2 is not an integer"),
    ("energy 2^53", "2^53", one(energy=2**53), "9007199254740992 is beyond 2^53 - 1"),
    ("energy 2^64", "64 bits", one(energy=2**64), "is beyond 2^53 - 1"),
    ("price float", "float", one(price=0.25), "0.25 is not an integer"),
    ("price false", "bool", one(price=False), "price must be an integer, got False"),
    ("price -2^53", "2^53", one(price=-(2**53)), "is beyond 2^53 - 1"),
    ("side a number", "codes", one(side=1), "side must be sell or buy, got 1"),
    ("side BUY", "codes", one(side="BUY"), "side must be sell or buy, got 'BUY'"),
    ("side a list", "codes", one(side=["buy"]), "side must be sell or buy, got a list"),
    ("gas", "commodity", one(commodity="gas"), "commodity must be electricity or heat, got 'gas'"),
    ("commodity 0", "commodity", one(commodity=0), "commodity must be electricity or heat, got 0"),
    ("device as text", "str", one(device="pump"), "device must be an integer, got 'pump'"),
    ("device true", "bool", one(device=True), "device must be an integer, got True"),
    ("id -1", "ids", one(id=-1), "id must be 0 or more, got -1"),
    ("id null", "ids", one(id=None), "id must be an integer, got None"),
]  # fmt: skip
"""Messages that cannot be read: name, items, payload, what the receipt says."""

REFUSED: Final = [
    ("no energy", "energy", one(energy=0), "bad_energy"),
    ("negative energy", "energy", one(energy=-5), "bad_energy"),
    ("energy beyond the cap", "caps", one(energy=10**8 + 1), "bad_energy"),
    ("energy 2^53 - 1", "caps", one(energy=2**53 - 1), "bad_energy"),
    ("price beyond the cap", "caps", one(price=10**8 + 1), "bad_price"),
    ("price below the cap", "caps", one(price=-(10**8) - 1), "bad_price"),
    ("device -2", "ids", one(device=-2), "bad_device"),
    ("round is over", "past", text(round=ROUND - 1), "gate_closed"),
    ("round is long over", "past", text(round=0), "gate_closed"),
    ("round comes next", "far", text(round=ROUND + 1), "not_open_yet"),
    ("round in a million years", "far", text(round=2**53 - 1), "not_open_yet"),
]
"""Messages that are read but not taken: name, items, payload, the reason."""

# by whom and what, at the counter of a market in which nobody signs
OFFERS: Final = [
    *((name, items, (MINE, payload), RefusedError, ("malformed: ", says))
      for name, items, payload, says in MALFORMED),
    *((name, items, (MINE, payload), RefusedError, f"{reason}: ")
      for name, items, payload, reason in REFUSED),
    ("of one that a script drives", "disabled", ("utility", text()), RefusedError, "not_external"),
    ("of nobody", "organization", ("building_99", text()), RefusedError, "not_external"),
    ("of another topic", "path", ("../building_03", text()), RefusedError, "not_external"),
    ("signed, where no key is known", "another's key",
     (MINE, SignedMarket().message(BUY)), RefusedError, "no_key: "),
]  # fmt: skip

Made = Callable[[SignedMarket], bytes]


def changed(payload: bytes, **changes: Any) -> bytes:
    """The message as somebody has edited it on its way; ... takes a field out."""
    value = {**json.loads(payload), **changes}
    return canonical_json({key: part for key, part in value.items() if part is not ...})


def unsigned(market: SignedMarket) -> bytes:
    return offers_payloads(ROUND, [BUY])[0]


def as_another(market: SignedMarket) -> bytes:
    """Signed by the holder of another key, who says that he is this organization."""
    market.signers[OTHER]._organization = MINE
    return market.message(BUY, name=OTHER)


def with_a_stolen_id(market: SignedMarket) -> bytes:
    payload = as_another(market)
    signature = base64.b64decode(json.loads(payload)["signature"])
    mine = base64.b64encode(PUBLIC[MINE].id + signature[4:]).decode()
    return changed(payload, signature=mine)


def with_a_strangers_key(market: SignedMarket) -> bytes:
    stranger = Signer(SigningKey(f"rural/{MINE}", b"?" * 32), "rural", MINE)
    market.signers[MINE] = stranger
    return market.message(BUY)


def in_urban(market: SignedMarket) -> bytes:
    market.signers[MINE]._district = "urban"
    return market.message(BUY)


def under_nonce_0(market: SignedMarket) -> bytes:
    """The market has taken nonce 0 before."""
    market.intake.seals._note(market.intake._owners[MINE], 0)
    market.signers[MINE]._nonce, market.signers[MINE]._clock = -1, lambda: 0
    return market.message(BUY)


def without_room(market: SignedMarket) -> bytes:
    market.intake.seals._used[MINE] = market.intake.seals._room
    return market.message(BUY)


# at the counter of a market in which the organization must sign
SIGNED: Final[list[tuple[Any, ...]]] = [
    (name, items, make, RefusedError, (f"{reason}: ", words))
    for name, items, make, reason, words in (
        ("missing", "no signature", unsigned, "not_signed", "must be signed with rural/building"),
        ("another's key", "another's key", as_another, "other_key", "the key of building_08"),
        ("a stranger's key", "another's key", with_a_strangers_key, "other_key", "an unknown key"),
        ("a stolen key id", "forged signature", with_a_stolen_id, "bad_signature", "not that of"),
        ("another's message", "another's",
         lambda m: m.message(BUY, name=OTHER), "other_sender", "it offers for 'building_08'"),
        ("another ledger", "replay",
         lambda m: m.message(BUY, ledger="0" * 64), "other_market", "ledger '0000000000"),
        ("another district", "replay", in_urban, "other_market", "district 'urban'"),
        ("energy altered", "forged signature",
         lambda m: changed(m.message(BUY), offers=[{**BUY, "energy": 501}]),
         "bad_signature", "over this message"),
        ("price altered", "forged signature",
         lambda m: changed(m.message(BUY), offers=[{**BUY, "price": 1}]), "bad_signature", "over"),
        ("an offer added", "forged signature",
         lambda m: changed(m.message(BUY), offers=[BUY, BUY]), "bad_signature", "over"),
        ("nonce altered", "forged signature, replay",
         lambda m: changed(m.message(BUY), nonce=2**53 - 1), "bad_signature", "over"),
        ("number altered", "forged signature",
         lambda m: changed(m.message(BUY), number=77), "bad_signature", "over"),
        ("round altered", "forged signature",
         lambda m: changed(m.message(BUY, round=ROUND + 1), round=ROUND), "bad_signature", "over"),
        ("ledger altered", "forged signature",
         lambda m: changed(m.message(BUY, ledger="0" * 64), ledger=m.hash),
         "bad_signature", "over"),
        ("a nonce that was used", "replay", under_nonce_0, "replayed_nonce", "is not above 0"),
        ("more than the record holds", "too many", without_room, "too_long_signed", "has room for"),
        ("a round before", "past",
         lambda m: m.message(BUY, round=ROUND - 1), "gate_closed", "open round"),
        ("a round to come", "far",
         lambda m: m.message(BUY, round=ROUND + 1), "not_open_yet", "open round"),
        ("half a signature", "forged signature",
         lambda m: changed(m.message(BUY), signature="AAAA"), "malformed", "of signature, got 3"),
        ("no base64", "forged signature",
         lambda m: changed(m.message(BUY), signature="?" * 92), "malformed", "base64"),
        ("no nonce", "damage",
         lambda m: changed(m.message(BUY), nonce=...), "malformed", "lacks 'nonce'"),
        ("a nonce of text", "str",
         lambda m: changed(m.message(BUY), nonce="1"), "malformed", "nonce must be an integer"),
        ("a nonce of -1", "caps",
         lambda m: changed(m.message(BUY), nonce=-1), "malformed", "nonce must be an integer"),
        ("no ledger", "damage",
         lambda m: changed(m.message(BUY), ledger=...), "malformed", "lacks 'ledger'"),
        ("a ledger of numbers", "no integer",
         lambda m: changed(m.message(BUY), ledger=1), "malformed", "ledger must be a text, got 1"),
        ("a field more", "unknown fields",
         lambda m: changed(m.message(BUY), more=1), "malformed", "unknown field 'more'"),
    )
]  # fmt: skip

RIGHT: Final = {"schema": "decent/request/1", "first": 0, "count": 256}
# a request for records
REQUEST: Final[list[tuple[Any, ...]]] = [
    (name, items, payload, DataError, says)
    for name, items, payload, says in (
        ("nothing", "damage", b"", "no JSON"),
        ("8,001 bytes", "8 kB", b" " * 8_001, "longer than 8000"),
        ("7,000 brackets", "nesting", b"[" * 7_000, "nested deeper than 32"),
        ("offers", "version", text(), "lacks 'count'"),
        ("schema of tomorrow", "version", json.dumps({**RIGHT, "schema": "decent/request/2"}),
         "'decent/request/2'"),
        ("a field more", "unknown fields", json.dumps({**RIGHT, "more": 1}), "field 'more'"),
        *((f"count {n!r}", items, json.dumps({**RIGHT, "count": n}), says)
          for n, items, says in (
              (0, "caps", "count must be 1 to 256, got 0"),
              (257, "caps", "count must be 1 to 256, got 257"),
              (1.0, "float", "1.0 is not an integer"), (True, "bool", "got True"),
              (None, "no integer", "got None"), ("1", "str", "got '1'"),
          )),
        *((f"first {n!r}", items, json.dumps({**RIGHT, "first": n}), says)
          for n, items, says in (
              (-1, "caps", "got -1"), (2**60, "2^53", "is beyond 2^53 - 1"),
              (1.5, "float", "1.5 is not an integer"), (False, "bool", "got False"),
          )),
    )
]  # fmt: skip
REQUEST = [(n, i, p.encode() if isinstance(p, str) else p, *rest) for n, i, p, *rest in REQUEST]

PUB: Final = "building_03.pub"
HERE: Final = str(PUBLIC[MINE])


def without_keys(folder: Path) -> None:
    for path in (folder / "keys").iterdir():
        path.unlink()


def copied(folder: Path) -> None:
    (folder / "keys" / "again.pub").write_text(HERE)


# what stands where the keys of organizations should
MEMBERS: Final[list[tuple[Any, ...]]] = [
    (name, items, change, error, says)
    for name, items, change, error, says in (
        ("no key", "damage", without_keys, InputError, "no public keys"),
        ("an empty one", "damage", write(f"keys/{PUB}", b""), InputError, "looks like name+id+"),
        ("the private one", "another's key",
         write(f"keys/{PUB}", KEYS[MINE]._text().encode()), InputError, "is a private key"),
        ("cut short", "damage", write(f"keys/{PUB}", HERE[:-4].encode()), InputError, "no Ed25519"),
        ("invalid UTF-8", "UTF-8", write(f"keys/{PUB}", b"\xff" * 9), InputError, "nor a file"),
        ("10 MB", "8 kB", write(f"keys/{PUB}", b"x" * 10**7), InputError, "at most 510 characters"),
        ("a pipe", "no file", instead(f"keys/{PUB}", os.mkfifo), InputError, "nor a file"),
        ("a folder", "no file", instead(f"keys/{PUB}", Path.mkdir), InputError, "nor a file"),
        ("a device", "no file", instead(f"keys/{PUB}", lambda p: p.symlink_to("/dev/zero")),
         InputError, "nor a file"),
        ("one of them twice", "id twice", copied, InputError, "there are two keys of 'rural/build"),
        ("of another district", "another's",
         write(f"keys/{PUB}", str(SigningKey(f"urban/{MINE}", b"k" * 32).verifier).encode()),
         InputError, "is no organization's of rural"),
        ("of nobody", "organization",
         write(f"keys/{PUB}", str(SigningKey("rural/nobody", b"k" * 32).verifier).encode()),
         InputError, "key rural/nobody: there is no such organization"),
        ("a witness's", "another's key",
         write(f"keys/{PUB}",
               str(SigningKey(f"rural/{MINE}", b"k" * 32, KeyKind.WITNESS).verifier).encode()),
         InputError, "of kind WITNESS is no organization's"),
        ("a list that is a pipe", "no file", instead("list", os.mkfifo),
         InputError, "is not a regular file"),
        ("a list of 5 MB", "8 kB", write("list", b"\n" * 5_000_000),
         DataError, "longer than a list of keys may be"),
        ("a list of invalid UTF-8", "UTF-8", write("list", b"\xff"), InputError, "cannot read"),
        ("a list with a line of 4 MB", "8 kB", write("list", b"a+" + b"x" * 4_000_000),
         InputError, "at most 510 characters"),
        ("a list with a path of 5,000 letters", "path", write("list", b"x" * 5_000),
         InputError, "nor a file"),
        ("a list with a name of 300 letters", "path", write("list", b"a+" + b"x" * 300),
         InputError, "name+id+base64"),
        ("a list with a zero byte", "path", write("list", b"a\0b"), InputError, "nor a file"),
    )
]  # fmt: skip


def header_keys(**changes: Any) -> dict[str, bytes]:
    """Another section of keys in a ledger's header."""
    names = ["district.example/building_00"]
    keys = [str(SigningKey(name, b"k" * 32).verifier) for name in names]
    value = {"district": "district.example", "keys": keys, "market": "ab" * 16, **changes}
    return {"member_keys": canonical_json({k: v for k, v in value.items() if v is not ...})}


def key_of(name: str) -> str:
    return str(SigningKey(name, b"k" * 32).verifier)


HOLDER: Final = key_of("district.example/building_00")
# the section of a ledger's header that says who must sign
HEADER_KEYS: Final[list[tuple[Any, ...]]] = [
    ("a list", "shape", {"member_keys": b"[]"}, InputError, "member_keys"),
    ("nested", "nesting", {"member_keys": b"[" * 10**5}, InputError, "nested deeper than 32"),
    ("a space", "damage", {"member_keys": b'{ "a":1}'}, InputError, "not canonical"),
    *((name, items, header_keys(**changes), LedgerError, says)
      for name, items, changes, says in (
          ("a field more", "unknown fields", {"more": 1}, "must be district, keys, market"),
          ("no market", "damage", {"market": ...}, "must be district, keys, market"),
          ("no keys", "shape", {"keys": []}, "at least one key"),
          ("keys of numbers", "str", {"keys": [5]}, "must be texts"),
          ("keys null", "shape", {"keys": None}, "keys of organizations"),
          ("market too short", "shape", {"market": "ab"}, "32 hexadecimal digits, got 'ab'"),
          ("another district", "another's", {"district": "x"}, "is no organization's of x"),
          ("of nobody", "organization", {"keys": [key_of("district.example/zz")]},
           "there is no such organization"),
          ("one twice", "id twice", {"keys": [key_of("district.example/building_00")] * 2}, "two"),
          ("in another order", "damage",
           {"keys": sorted([HOLDER, key_of("district.example/utility")], reverse=True)},
           "they are not in their one form"),
          ("no key", "damage", {"keys": ["district.example/building_00+00000000+AA"]}, "keys of"),
      )),
]  # fmt: skip
