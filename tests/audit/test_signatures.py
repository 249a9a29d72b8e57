"""Offers of organizations with keys: what verify, a proof and a listener make of signatures."""

import dataclasses
import json
import re
from base64 import b64encode

import numpy as np
import pytest
from oracles import forger
from oracles.signed_market import BUY, KEYS, NAMES, PUBLIC, SignedMarket, record

from decent_gym.audit import verify_proof
from decent_gym.audit.signatures import SignatureCheck
from decent_gym.errors import LedgerError
from decent_gym.ledger import Checkpoint, Ledger, LedgerHeader, prove, verify
from decent_gym.ledger.encoding import decode_round, encode_round
from decent_gym.ledger.frames import SECTION, TAIL_BYTES
from decent_gym.ledger.header import canonical_json
from decent_gym.ledger.member_keys import MemberKeys
from decent_gym.ledger.scan import Scan
from decent_gym.ledger.signed_section import OFFERS_DOMAIN
from decent_gym.live.recheck import Recheck
from decent_gym.models import CONVERSION_FIELDS, NO_WISH, Converted, SignedOffers
from decent_gym.replay import replay


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("signed") / "l"
    record(place)
    return place


def test_a_signed_ledger_is_verified_replayed_and_rechecked(folder):
    result = verify(folder)
    assert (result.ok, result.rounds, result.signatures) == (True, 3, 9)
    assert replay(folder).head == result.head
    header, rounds = forger.read(folder)
    recheck = Recheck(header, next(iter(Scan(folder))).hash)
    assert [recheck.fault(one) for one in rounds] == [None] * 3
    # a refused offer stands in the message, too, and the bytes come back as they were
    said = json.loads(rounds[0].signed[1].payload)
    assert [offer["energy"] for offer in said["offers"]] == [0, 500]
    assert verify(folder, reclear=False).signatures == 0


def forged(message, **changes):
    """A message with other content under the same signature."""
    value = json.loads(message)
    return canonical_json({**value, **changes})


def invented(market):
    market.cheat(BUY)


def altered(market):
    market.cheat({**BUY, "energy": 501}, signed=[market.message(BUY)])


def altered_message(market):
    more = {**BUY, "energy": 501}
    market.cheat(more, signed=[forged(market.message(BUY), offers=[more])])


def doubled(market):
    market.cheat(BUY, BUY, signed=[market.message(BUY)])


def recorded_twice(market):
    message = market.message(BUY)
    market.cheat(BUY, BUY, signed=[message, message])


def replayed(market):
    market.cheat(BUY, signed=[market.before])


def of_another_market(market):
    market.cheat(BUY, signed=[market.message(BUY, ledger="0" * 64)])


def of_another_district(market):
    theirs = market.signers[NAMES[0]]
    theirs._district = "urban"
    market.cheat(BUY, signed=[market.message(BUY)])


def kept_for_longer(market):
    market.cheat(BUY, signed=[market.message(BUY)], rounds=2)


def of_an_old_nonce(market):
    signer = market.signers[NAMES[0]]
    seen = json.loads(market.before)["nonce"]
    whole = {**json.loads(market.message(BUY)), "nonce": seen}
    market.cheat(BUY, signed=[resigned(signer, whole)])


def resigned(signer, whole):
    """The message under another signature of the same key."""
    rest = {key: value for key, value in whole.items() if key != "signature"}
    signature = signer._key.sign(OFFERS_DOMAIN + canonical_json(rest))
    text = b64encode(signer._key.verifier.id + signature).decode()
    return canonical_json({**rest, "signature": text})


def with_the_others_key(market):
    signer = market.signers[NAMES[1]]
    signer._organization = NAMES[0]
    market.cheat(BUY, signed=[market.message(BUY, name=NAMES[1])])


def attributed_to_another(market):
    market.cheat(BUY, name=NAMES[1], signed=[market.message(BUY)])


CHEATS = {
    invented: r"electricity order \d+ \(#\d+\) of building_03 follows from no message",
    altered: "building_03 follows from no message that it signed",
    altered_message: r"signed message 0 of building_03: the signature is not that of rural/buil",
    doubled: "building_03 follows from no message",
    recorded_twice: r"signed message 1 of building_03: its nonce \d+ is not above \d+",
    replayed: "signed message 0 of building_03: it is for round 96, not 97",
    of_another_market: "it is for ledger '0000",
    of_another_district: "it is for district 'urban', not 'rural'",
    kept_for_longer: "building_03 follows from no message",
    of_an_old_nonce: r"its nonce \d+ is not above \d+",
    with_the_others_key: "the signature is not that of rural/building_03",
    attributed_to_another: "building_08 follows from no message",
}


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.__name__)
def test_an_operator_that_cheats_and_clears_rightly_is_found(cheat, tmp_path):
    """Everything else is in order: the ledger comes from a market that has cleared by the rules."""
    market = SignedMarket(tmp_path / "l")
    with market.ledger:
        market.before = market.message(BUY)
        assert market.hand_in(market.before)["sequences"] == [0]
        market.step()
        cheat(market)
        market.step()
    result = verify(tmp_path / "l")
    assert (result.ok, result.first_bad) == (False, 1)
    assert result.rounds == 1
    assert result.reason.startswith("round 1: ")
    assert re.search(CHEATS[cheat], result.reason), result.reason
    # whoever does not look at signatures finds nothing wrong
    header, rounds = forger.read(tmp_path / "l")
    unsigned = [dataclasses.replace(one, signed=()) for one in rounds]
    forger.write(tmp_path / "plain", dataclasses.replace(header, member_keys=b""), unsigned)
    assert verify(tmp_path / "plain")


OFFER = {"commodity": "heat", "energy": 5, "price": 5, "side": "buy"}
ODD = [
    *({"organization": name} for name in (NAMES[1], "", 3, None)),
    *({"schema": schema} for schema in ("decent/offers/2", "", None)),
    *({"round": number} for number in (True, "1", 2, None)),
    *({"nonce": nonce} for nonce in (True, "7", None, -1, [])),
    {"offers": {}}, {"offers": [3]}, {"more": 1},
    *({"offers": [{**OFFER, **part}]}
      for part in ({"energy": [1]}, {"energy": "1"}, {"price": None}, {"price": True}, {"more": 1},
                   {"device": {}}, {"id": "x"}, {"side": "both"}, {"side": []},
                   {"commodity": 1}, {"commodity": "gas"})),
]  # fmt: skip
"""What an organization could sign with its own key, and no market takes."""


@pytest.mark.parametrize("changes", [{}, *ODD], ids=str)
def test_rightly_signed_nonsense_is_named(folder, changes):
    header, (one, *_) = forger.read(folder)
    ledger = next(iter(Scan(folder))).hash
    whole = {
        **{"schema": "decent/offers/1", "district": "rural", "ledger": ledger.hex(), "nonce": 7},
        **{"number": 0, "organization": NAMES[0], "round": 1, "offers": [OFFER], **changes},
    }
    payload = canonical_json(whole)
    message = SignedOffers(
        header.names.index(NAMES[0]), KEYS[NAMES[0]].sign(OFFERS_DOMAIN + payload), payload
    )
    nobody = [dataclasses.replace(book, orders=book.orders[:0]) for book in one.books]
    record = dataclasses.replace(one, number=1, signed=(message,), books=tuple(nobody))
    check = SignatureCheck(header, ledger)
    fault = check.fault(record)
    if changes:
        assert fault.startswith(f"signed message 0 of {NAMES[0]}: it") or "is no offer" in fault
    assert (fault is None, check.count) == (not changes, int(not changes))


def test_an_order_with_a_wish_follows_from_no_message(folder):
    header, (one, *_) = forger.read(folder)
    ledger, book = next(iter(Scan(folder))).hash, one.electricity
    assert SignatureCheck(header, ledger).fault(one) is None
    owner = book.column("owner")
    mine = owner == header.names.index(NAMES[0])
    scripted = ~np.isin(owner, [header.names.index(name) for name in NAMES])
    for who, words in ((mine, f"of {NAMES[0]} follows from no"), (scripted, "")):
        wishes = np.tile(np.array(NO_WISH), (len(book.orders), 1))
        wishes[np.argmax(who)] = (1, -1, -1)
        books = (dataclasses.replace(book, wishes=wishes), one.heat)
        fault = SignatureCheck(header, ledger).fault(dataclasses.replace(one, books=books))
        assert fault is None if not words else words in fault


def test_a_conversion_is_never_signed(folder):
    header, (one, *_) = forger.read(folder)
    check = SignatureCheck(header, next(iter(Scan(folder))).hash)
    columns = len(CONVERSION_FIELDS)
    offers = np.zeros((1, columns), np.int64)
    offers[0, CONVERSION_FIELDS.index("owner")] = header.names.index(NAMES[0])
    nothing = np.zeros(1, np.int64)
    made = Converted(offers, nothing, np.zeros((1, 2), np.int64), nothing)
    fault = check.fault(dataclasses.replace(one, conversions=made))
    assert fault == "conversion 0 of building_03 follows from no message"


def test_messages_without_keys_and_keys_of_nobody_are_faults(folder, tmp_path):
    header, rounds = forger.read(folder)
    forger.write(tmp_path / "a", dataclasses.replace(header, member_keys=b""), rounds)
    assert (
        "signed message 0 of building_03: the header names no key" in verify(tmp_path / "a").reason
    )
    good = json.loads(header.member_keys)
    wrong = [
        {}, {**good, "more": 1}, {**good, "keys": []}, {**good, "keys": [1]}, {**good, "keys": {}},
        {**good, "keys": good["keys"][::-1]}, {**good, "keys": good["keys"] * 2},
        {**good, "market": "x"}, {**good, "market": 1}, {**good, "district": "urban"},
        {**good, "keys": [str(KEYS[NAMES[0]].verifier).replace("03", "99")]},
        {**good, "keys": [str(dataclasses.replace(PUBLIC[NAMES[0]], name="rural/nobody"))]},
    ]  # fmt: skip
    for n, value in enumerate(wrong):
        edited = dataclasses.replace(header, member_keys=canonical_json(value))
        forger.write(tmp_path / f"w{n}", edited, [])
        assert verify(tmp_path / f"w{n}").reason.startswith("header: keys of organizations"), value
        with pytest.raises(LedgerError, match="keys of organizations"):
            MemberKeys.of(edited)


def test_a_proof_shows_who_signed_the_offer_and_nobody_can_deny_it(folder):
    checkpoint = Checkpoint.read(max(folder.glob("checkpoint-*")))
    proof = prove(folder, round=97, offer=8)
    found = verify_proof(proof.to_bytes(), checkpoint)
    assert found, found
    _, rounds = forger.read(folder)
    signature = rounds[1].signed[0].signature.hex()
    assert any(
        line.startswith("signed by building_03: message 4, nonce ")
        and f"with {PUBLIC['building_03']}, signature {signature}" in line
        for line in found.statement
    )
    assert sum(line.startswith("signed by") for line in found.statement) == 1
    whole = verify_proof(prove(folder, round=97).to_bytes(), checkpoint)
    assert sum(line.startswith("signed by") for line in whole.statement) == 3
    scripted = verify_proof(
        prove(folder, round=97, organization="building_01").to_bytes(), checkpoint
    )
    assert not any(line.startswith("signed by") for line in scripted.statement)


def test_a_proof_of_an_invented_offer_proves_nothing(tmp_path):
    market = SignedMarket(tmp_path / "l")
    with market.ledger:
        market.cheat({**BUY, "id": 5})
        market.step()
    held = Checkpoint.read(max((tmp_path / "l").glob("checkpoint-*")))
    found = verify_proof(prove(tmp_path / "l", offer=5).to_bytes(), held)
    assert (found.ok, found.failed) == (False, "offers")
    assert "follows from no message that it signed" in found.reason


def test_a_section_of_messages_has_one_form(folder):
    header, (one, *_) = forger.read(folder)
    body = encode_round(one, header.accounts)
    assert decode_round(body, header.accounts).signed == one.signed
    plain = encode_round(dataclasses.replace(one, signed=()), header.accounts)
    section = body[len(plain) :]
    for cut in (section[:-1], section + b"x", section[:6], SECTION.pack(13, 1) + b"x"):
        size = len(cut) - SECTION.size
        changed = bytearray(plain + SECTION.pack(13, size) + cut[SECTION.size :])
        length = len(changed) + TAIL_BYTES
        changed[4:12] = length.to_bytes(4, "little") + (length ^ 0xFFFFFFFF).to_bytes(4, "little")
        with pytest.raises(LedgerError):
            decode_round(bytes(changed), header.accounts)


def test_without_keys_nothing_changes(tmp_path):
    market = SignedMarket(tmp_path / "l", keys=None)
    with market.ledger:
        market.step()
    header, _ = forger.read(tmp_path / "l")
    assert header.member_keys == b""
    fields = {f.name: getattr(header, f.name) for f in dataclasses.fields(header)}
    del fields["member_keys"]
    assert Ledger(LedgerHeader(**fields)).head == market.hash
