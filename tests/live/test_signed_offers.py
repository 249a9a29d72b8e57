"""Signed offers on their way in: what the market takes, refuses by name, and remembers."""

import json
import logging
import threading
from dataclasses import replace

import pytest
from hostile.cases_offers import OFFERS, SIGNED
from oracles import forger
from oracles.signed_market import (
    BUY,
    DISTRICT,
    KEYS,
    MEMBER_KEYS,
    NAMES,
    PUBLIC,
    ROUND,
    SignedMarket,
)

from decent_gym.errors import InputError
from decent_gym.ledger import KeyKind, SigningKey, verify
from decent_gym.ledger.member_keys import MemberKeys, read_member_keys
from decent_gym.ledger.signed_section import SIGNED_BYTES_CAP
from decent_gym.live import Participant, scripted_offers
from decent_gym.live.market import LiveMarket
from decent_gym.live.messages import offers_payloads
from decent_gym.live.plan import LivePlan
from decent_gym.live.seal_check import SEAL_REASONS
from decent_gym.live.signer import Signer
from decent_gym.live.topics import MarketTopics
from decent_gym.replay import replay

MINE, OTHER = NAMES
TOPICS = MarketTopics("rural")
PLAN = LivePlan(
    scenario=DISTRICT,
    external=(MINE,),
    traders={},
    seed=7,
    start=ROUND,
    speed=900_000,
    meta={"scenario": "rural", "options": {}},
    keys=tuple(PUBLIC.values()),
)


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.CRITICAL + 1, "amqtt")


@pytest.fixture(scope="module")
def counter():
    """One that many may come to: nothing that they bring may leave a trace."""
    return SignedMarket()


def test_a_field_nested_almost_too_deep_is_refused_and_ends_nothing(counter):
    """So deep that reading it just passes and writing it again does not: it ended the market."""
    plain = json.loads(counter.message(BUY))
    for field in plain:
        text = json.dumps({**plain, field: "HERE"})
        for depth in (*range(100, 900, 50), *range(900, 1_000), 3_000):
            nested = text.replace('"HERE"', "[" * depth + "]" * depth).encode()
            counter.intake.begin()
            assert json.loads(counter.intake.take(MINE, nested))["reason"] == "malformed"


def test_every_reason_about_signatures_is_met_by_name():
    says = [case[-1] for case in (*SIGNED, *OFFERS)]
    met = {(one if isinstance(one, str) else one[0]).removesuffix(": ") for one in says}
    assert set(SEAL_REASONS) <= met


def at(signer, nonce):
    """The signer again, with a clock that was set back so that the nonce comes out like this."""
    signer._nonce = nonce - 1
    signer._clock = lambda: 0
    return signer


def test_a_message_is_taken_once_and_its_nonce_is_used_up():
    market = SignedMarket()
    first = market.message(BUY)
    receipt = market.hand_in(first)
    assert receipt["sequences"] == [0]
    loose = json.dumps(json.loads(first), indent=1).encode()  # the same message, written otherwise
    assert market.hand_in(first) == market.hand_in(loose) == receipt
    nonce = json.loads(first)["nonce"]
    for number in (json.loads(first)["number"], 50):  # another message under the same nonce
        at(market.signers[MINE], nonce)
        found = market.hand_in(market.message({**BUY, "energy": 600}, number=number))
        assert found["reason"] == "replayed_nonce"
        assert f"nonce {nonce} is not above {nonce}" in found["text"]
    again = market.message({**BUY, "energy": 700}, number=json.loads(first)["number"])
    assert market.hand_in(again) == receipt  # signed anew, but the same number is taken once
    assert market.trade(BUY)["sequences"] == [1]
    assert [len(kept) for kept in market.simulation.operator.signed.values()] == [2]
    market.step()
    assert market.hand_in(first)["reason"] == "gate_closed"
    assert market.simulation.operator.signed == {}


def test_who_has_no_key_offers_unsigned_and_cannot_sign():
    market = SignedMarket(keys=MemberKeys("rural", (PUBLIC[MINE],)))
    (plain,) = offers_payloads(ROUND, [BUY])
    assert market.hand_in(plain, OTHER)["sequences"] == [0]
    assert market.trade(BUY, name=OTHER)["reason"] == "no_key"
    assert market.trade(BUY)["sequences"] == [1]
    nobody = SignedMarket(keys=None)
    assert nobody.trade(BUY)["reason"] == "no_key"
    assert nobody.hand_in(plain)["sequences"] == [0]


def test_signed_messages_leave_room_for_the_round(monkeypatch):
    market = SignedMarket()
    many = [{**BUY, "id": 10**15 + n} for n in range(70)]
    length = len(market.message(*many))
    market.intake.seals._room = 2 * length
    assert sorted(market.trade(*many)["sequences"]) == list(range(70))
    market.trade({**BUY, "energy": 0})  # nothing of it was taken, so the ledger keeps nothing
    assert market.trade(*many)["reason"] == "too_long_signed"
    assert len(market.simulation.operator.signed[0]) == 1
    market.step()
    assert len(set(market.trade(*many)["sequences"]) - {None}) == 70
    assert len(NAMES) * SignedMarket().intake.seals._room == SIGNED_BYTES_CAP


def run(plan, folder, until, *payloads):
    """Run a market until the ledger has so many rounds, with messages for the first; the market."""
    with LiveMarket(plan, folder, "embedded") as market:
        for make in payloads:
            market._inbox.heard(TOPICS.offers(MINE), make(market._first_hash))
        market.run(until, lambda _: None, lambda: False)
    return market


def test_a_market_that_stops_remembers_what_was_signed(tmp_path):
    signer = Signer(KEYS[MINE], "rural", MINE)

    def message(number):
        return lambda ledger: offers_payloads(number, [BUY], lambda m: signer.sign(m, ledger))[0]

    first = run(PLAN, tmp_path / "l", 2, message(ROUND))
    assert list(first._intake.seals._nonces) == [DISTRICT.index(MINE)]
    again = run(PLAN, tmp_path / "l", 4, message(ROUND + 2))
    assert again.recovered == 2
    at(signer, again._intake.seals._nonces[DISTRICT.index(MINE)])
    with LiveMarket(PLAN, tmp_path / "l", "embedded") as market:
        payload = message(ROUND + 4)(market._first_hash)
        assert json.loads(market._intake.take(MINE, payload))["reason"] == "replayed_nonce"
    result = verify(tmp_path / "l")
    assert (result.rounds, result.signatures) == (4, 2)
    assert replay(tmp_path / "l").head == result.head
    header, rounds = forger.read(tmp_path / "l")
    assert [len(one.signed) for one in rounds] == [1, 0, 1, 0]
    assert MemberKeys.of(header).keys == (PUBLIC[MINE],)  # the other is driven by a script
    for other in ((), (KEYS[OTHER].verifier,), (SigningKey.generate(f"rural/{MINE}").verifier,)):
        with pytest.raises(InputError, match="keys of organizations"):
            LiveMarket(replace(PLAN, keys=other), tmp_path / "l", "embedded")


def test_two_ledgers_of_one_market_are_two_markets(tmp_path):
    hashes = {run(PLAN, tmp_path / name, 1)._first_hash for name in "ab"}
    assert len(hashes) == 2
    plain = replace(PLAN, keys=())
    assert len({run(plain, tmp_path / name, 1)._first_hash for name in "cd"}) == 1


def test_a_participant_signs_what_it_offers(tmp_path):
    settled, refused, done = [], [], threading.Event()
    with LiveMarket(replace(PLAN, speed=6_000), tmp_path / "l", "embedded") as market:
        with Participant(
            market.address, "rural", MINE, lambda o: scripted_offers(o, "truthful"), key=KEYS[MINE]
        ) as participant:
            trading = threading.Thread(
                target=participant.run, args=(settled.append, refused.append, done.is_set)
            )
            trading.start()
            market.run(12, lambda _: None, lambda: False)
            done.set()
            trading.join()
        taken = participant.taken
    result = verify(tmp_path / "l")
    assert result and result.signatures >= 5
    assert taken > 0
    assert refused == []
    with pytest.raises(InputError, match="the key is that of 'rural/building_08'"):
        Participant("mqtt://x", "rural", MINE, list, key=KEYS[OTHER])


def test_keys_are_read_from_a_folder_or_a_file_and_refused_by_name(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir()
    with pytest.raises(InputError, match="holds no public keys"):
        read_member_keys(folder)
    for name, key in KEYS.items():
        key.write(folder / name)
    lines = tmp_path / "all"
    lines.write_text("".join(f"{key}\n" for key in PUBLIC.values()))
    found = read_member_keys(folder)
    assert found == read_member_keys(lines) == tuple(PUBLIC.values())
    assert MemberKeys("rural", found, MEMBER_KEYS.market) == MEMBER_KEYS
    (folder / "x.pub").write_text("nothing")
    for place in (folder, folder / MINE, tmp_path / "missing"):
        with pytest.raises(InputError):
            read_member_keys(place)
    witness = SigningKey("rural/building_03", b"w" * 32, KeyKind.WITNESS).verifier
    other = SigningKey("rural/building_03", b"o" * 32).verifier
    for keys, words in (
        ((SigningKey("urban/building_03", b"u" * 32).verifier,), "no organization's of rural"),
        ((SigningKey("building_03", b"u" * 32).verifier,), "no organization's of rural"),
        ((witness,), "of kind WITNESS"),
        ((PUBLIC[MINE], other), "two keys of 'rural/building_03'"),
    ):
        with pytest.raises(InputError, match=words):
            MemberKeys("rural", keys)
    nobody = MemberKeys("rural", (SigningKey("rural/nobody", b"n" * 32).verifier,))
    with pytest.raises(InputError, match="rural/nobody: there is no such organization"):
        nobody.by_organization([MINE])
