"""What a subscriber takes: every round once and in order, whatever comes and whatever is lost."""

import dataclasses
import json
import re
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import forger
from oracles.rounds import SlowMarket, header

from decent_gym import scenario
from decent_gym.clearing import Rules
from decent_gym.errors import DataError
from decent_gym.ledger import Checkpoints, Ledger, SigningKey, batch, segments
from decent_gym.ledger.header import canonical_json
from decent_gym.ledger.key_record import KeyRecord, encode_key
from decent_gym.ledger.scan import Scan
from decent_gym.live.archive import SPACING, WAITING_CAP, Archive, Librarian
from decent_gym.live.follower import Follower
from decent_gym.live.messages import request_payload
from decent_gym.live.recheck import Recheck
from decent_gym.live.topics import MarketTopics
from decent_gym.models import CONVERSION_FIELDS, ORDER_FIELDS, Converted, Money
from decent_gym.simulation import Simulation
from decent_gym.simulation.recording import header_of
from decent_gym.views.mqtt_payload import Arrival, RoundFeed
from decent_gym.views.mqtt_tail import read_payloads

ROUNDS = 9


def written(folder, rounds=ROUNDS, organizations=5, seed=0):
    """A ledger's payloads and its records as bytes, the header first."""
    with Ledger.create(folder, header(organizations)) as ledger:
        source = SlowMarket(organizations, seed=seed)
        for _ in range(rounds):
            ledger.on_round(source.round())
    return list(read_payloads(folder, "rural")), list(Archive(folder).records(0, rounds + 1))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return written(tmp_path_factory.mktemp("ledger") / "l")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return written(tmp_path_factory.mktemp("ledger") / "l", organizations=6, seed=7)


def fetch_all(follower, records):
    """Answer every request at once; returns what was taken."""
    found = []
    while (missing := follower.missing()) is not None:
        first, count = missing
        for raw in records[first : first + count]:
            found += follower.record(raw)
    return found


@pytest.mark.parametrize("reclear", [False, True])
@settings(max_examples=40)
@given(source=st.randoms(use_true_random=False))
def test_whatever_is_lost_or_comes_twice_every_round_is_taken_once(sample, reclear, source):
    payloads, records = sample
    arriving = [p for p in payloads for _ in range(source.choice([0, 1, 1, 2]))]
    for _ in range(source.randrange(6)):
        if len(arriving) > 1:
            i = source.randrange(len(arriving) - 1)
            arriving[i], arriving[i + 1] = arriving[i + 1], arriving[i]
    follower = Follower("rural", from_start=True, reclear=reclear)
    taken = []
    for payload in [*arriving, payloads[-1]]:
        taken += follower.heard(payload)
        if source.random() < 0.5:
            taken += fetch_all(follower, records)
    taken += fetch_all(follower, records)
    assert [one.payload for one in taken] == payloads
    assert follower.head == json.loads(payloads[-1])["hash"]
    if reclear:
        assert all(one.is_fetched for one in taken)


@pytest.mark.parametrize("rotations", [[0], [4], [3, 3, 8]])
@pytest.mark.parametrize("reclear", [False, True])
def test_changes_of_keys_are_followed(tmp_path, rotations, reclear):
    keys = [SigningKey.generate("a.example") for _ in range(len(rotations) + 1)]
    head = dataclasses.replace(header(5), operator_key=keys[0].verifier.public)
    wanted, source, turn = Checkpoints(key=keys[0]), SlowMarket(5, seed=0), 0
    with Ledger.create(tmp_path / "l", head, checkpoints=wanted) as ledger:
        for n in range(ROUNDS):
            for _ in range(rotations.count(n)):
                ledger.rotate(keys[turn], keys[turn + 1])
                turn += 1
            ledger.on_round(source.round())
    payloads, archive = list(read_payloads(tmp_path / "l", "rural")), Archive(tmp_path / "l")
    assert len(payloads) == ROUNDS and turn == len(rotations)
    for late in range(1, ROUNDS + 1):
        follower = Follower("rural", from_start=True, reclear=reclear)
        found = follower.heard(payloads[late - 1])
        while (missing := follower.missing()) is not None:
            records = list(archive.records(missing[0], min(missing[1], 2)))
            for raw in [*records, *records]:  # everything comes twice
                found += follower.record(raw)
        for payload in payloads[max(late - 2, 0) :]:
            found += follower.heard(payload)
            while (missing := follower.missing()) is not None:
                for raw in archive.records(*missing):
                    found += follower.record(raw)
        assert [one.payload for one in found] == payloads
        assert follower.head == ledger.head


def test_with_reclear_a_key_that_nobody_introduced_is_found(tmp_path):
    key, thief = (SigningKey("a.example", bytes([n]) * 32) for n in (1, 2))
    forger.write(tmp_path, header(operator_key=key.verifier.public), [SlowMarket().round()])
    bodies = [bytes(record.body) for record in Scan(tmp_path)]
    *_, last = Scan(tmp_path)
    forger.write_bodies(tmp_path, [*bodies, encode_key(KeyRecord.of(last.hash, thief, thief))])
    records = list(Archive(tmp_path).records(0, 9))
    assert len(records) == 3
    for reclear in (False, True):
        follower = Follower("rural", from_start=True, reclear=reclear)
        follower.heard(next(iter(read_payloads(tmp_path, "rural"))))
        if reclear:
            assert len(fetch_all(follower, records)) == 1
            with pytest.raises(DataError, match=r"after record 1: .*not signed by the old one"):
                follower.record(records[2])
        else:
            follower.record(records[0])
            assert follower.record(records[2]) == []


def test_a_change_of_keys_may_come_again(tmp_path):
    keys = [SigningKey("a.example", bytes([n]) * 32) for n in range(3)]
    source, head = SlowMarket(), header(operator_key=keys[0].verifier.public)
    with Ledger.create(tmp_path, head, checkpoints=Checkpoints(key=keys[0])) as ledger:
        ledger.on_round(source.round())
        ledger.rotate(keys[0], keys[1])
        ledger.rotate(keys[1], keys[2])
        ledger.on_round(source.round())
    records = list(Archive(tmp_path).records(0, 9))
    follower = Follower("rural", from_start=True, reclear=True)
    follower.heard(list(read_payloads(tmp_path, "rural"))[-1])
    found = [follower.record(records[at]) for at in (0, 1, 2, 2, 3, 2, 3, 3, 4)]
    assert [len(one) for one in found] == [0, 1, 0, 0, 0, 0, 0, 0, 1]


def test_what_clearing_does_not_touch_is_rechecked():
    """Fees that do not sum to zero, and an account that no movement explains."""
    record = SlowMarket().round()
    money, accounts = record.money.copy(), record.accounts.copy()
    money[Money.FEE, 0] += 5
    accounts[0] += 5
    for wrong, words in (
        (dataclasses.replace(record, money=money, accounts=accounts), "fee money sums to 5"),
        (dataclasses.replace(record, accounts=accounts), "account 0 is"),
        (record, "None"),
    ):
        assert words in str(Recheck(header(), bytes(32)).fault(wrong))


def test_who_begins_anywhere_needs_the_header_only_for_a_gap(sample):
    payloads, records = sample
    follower = Follower("rural", from_start=False, reclear=False)
    assert [one.payload for one in follower.heard(payloads[3])] == [payloads[3]]
    assert follower.missing() is None
    assert follower.heard(payloads[6]) == []
    assert follower.missing() == (0, 1)
    follower.record(records[0])
    assert follower.missing() == (5, 2)
    assert follower.record(records[6]) == []  # not the next
    assert len(follower.record(records[5])) == 1
    found = follower.record(records[6])
    assert [(one.payload, one.is_fetched) for one in found] == [
        (payloads[5], True),
        (payloads[6], False),
    ]
    assert follower.missing() is None


def test_another_ledger_is_followed_from_its_first_round(sample, other):
    follower = Follower("rural", from_start=True, reclear=True)
    for payloads, records in (sample, other):
        follower.heard(payloads[-1])
        assert [one.payload for one in fetch_all(follower, records)] == payloads


@pytest.mark.parametrize("reclear", [False, True])
def test_who_names_another_ledger_does_not_disturb_the_one_that_is_followed(sample, other, reclear):
    follower, taken = Follower("rural", from_start=True, reclear=reclear), []
    for n, payload in enumerate(sample[0]):
        taken += [*follower.heard(payload), *fetch_all(follower, sample[1])]
        taken += follower.heard(other[0][3 + n % 5])
        assert follower.missing() == (0, 1)
    assert [one.payload for one in taken] == sample[0]


def test_a_ledger_that_is_begun_again_is_noticed_at_its_first_round(sample):
    feed = RoundFeed()
    for payload in sample[0]:
        feed.feed(payload)
    begun_again = canonical_json({**json.loads(sample[0][1]), "hash": "0" * 64})
    with pytest.raises(DataError, match="hash is"):
        feed.feed(begun_again)
    assert feed.feed(sample[0][1]) is Arrival.DUPLICATE


def test_what_is_no_round_and_no_record_is_passed_over(sample):
    payloads, records = sample
    follower = Follower("rural", from_start=True, reclear=False)
    follower.heard(payloads[2])
    for junk in (b"", b"{}", b"\xff" * 100, b"[" * 5_000, payloads[0][:-1]):
        assert follower.heard(junk) == []
        assert follower.record(junk) == []
    flipped = bytearray(records[1])
    flipped[40] ^= 1
    for junk in (bytes(flipped), records[1][:-1], records[1] + b"x", records[0][:100]):
        assert follower.record(junk) == []
    assert follower.ignored == 14
    assert len(fetch_all(follower, records)) == 3


def test_records_of_another_ledger_are_passed_over(sample, other):
    follower = Follower("rural", from_start=True, reclear=False)
    follower.heard(sample[0][3])
    for raw in other[1]:
        assert follower.record(raw) == []
    assert follower.missing() == (0, 1)
    assert len(fetch_all(follower, sample[1])) == 4


def test_a_changed_past_is_an_error(sample, other):
    follower = Follower("rural", from_start=True, reclear=False)
    for payload in sample[0][:4]:
        follower.heard(payload)
    named = json.loads(sample[0][0])["ledger"]
    forged = canonical_json({**json.loads(other[0][4]), "ledger": named})
    with pytest.raises(DataError, match=r"previous is .*; verify the ledger"):
        follower.heard(forged)
    rewritten = canonical_json({**json.loads(other[0][3]), "ledger": named})
    with pytest.raises(DataError, match=r"hash is .*; verify the ledger"):
        follower.heard(rewritten)


def test_with_reclear_a_wrong_summary_is_found(sample):
    payloads, records = sample
    message = json.loads(payloads[2])
    message["electricity"]["volume"] += 1
    follower = Follower("rural", from_start=True, reclear=True)
    follower.heard(canonical_json(message))
    with pytest.raises(DataError, match="round 2: what was published is not what was recorded"):
        fetch_all(follower, records)


def test_with_reclear_a_wrong_clearing_is_found(tmp_path):
    from dataclasses import replace

    with Ledger.create(tmp_path / "l", header()) as ledger:
        market = SlowMarket()
        for n in range(6):
            record = market.round()
            if n == 3:  # a favour: one seller gets a little more, its buyer pays it
                book = record.electricity
                pays = book.pays.copy()
                trading = book.accepted.nonzero()[0]
                pays[trading[0]] += 1000
                pays[trading[-1]] -= 1000
                record = replace(record, books=(replace(book, pays=pays), record.heat))
            ledger.on_round(record)
    payloads = list(read_payloads(tmp_path / "l", "rural"))
    records = list(Archive(tmp_path / "l").records(0, 10))
    trusting = Follower("rural", from_start=True, reclear=False)
    trusting.heard(payloads[-1])
    assert len(fetch_all(trusting, records)) == 6
    follower = Follower("rural", from_start=True, reclear=True)
    follower.heard(payloads[-1])
    with pytest.raises(DataError, match=r"round 3 was not cleared by the rules: .*pays"):
        fetch_all(follower, records)


def hostile(record, name, value):
    """The round with one order or conversion that would make a kernel write where it must not."""
    if name in CONVERSION_FIELDS:
        offers = np.zeros((1, len(CONVERSION_FIELDS)), np.int64)
        offers[0, CONVERSION_FIELDS.index(name)] = value
        activity = np.ones(1, np.int64)
        given = Converted(offers, activity, np.ones((1, 2), np.int64), activity)
        return dataclasses.replace(record, conversions=given)
    orders = record.electricity.orders.copy()
    orders[0, ORDER_FIELDS.index(name.removeprefix("order "))] = value
    book = dataclasses.replace(record.electricity, orders=orders)
    return dataclasses.replace(record, books=(book, record.heat))


@pytest.mark.parametrize("clearing", ["separate", "coupled"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("owner", 10**7),
        ("owner", -(10**7)),
        ("group", 10**9),
        ("most", 2**62),
        ("order owner", 9999),
    ],
)
def test_what_would_break_a_kernel_is_refused_before_it_is_cleared(clearing, name, value):
    """The records of a stranger: unchecked, the first of these ended the process."""
    check = Recheck(header(rules=Rules(clearing=clearing).to_dict()), bytes(32))
    fault = check.fault(hostile(SlowMarket().round(), name, value))
    assert re.search(
        r"^1 conversions, but|conversion|account 9999: organization 9999 is not", fault
    )


@pytest.mark.parametrize("rules", [{"mechanism": "preference"}, {"clearing": "coupled"}])
def test_every_way_of_clearing_is_rechecked(tmp_path, rules):
    district = scenario("rural", **rules)
    simulation = Simulation(district)
    simulation.reset([3], [96 * 14 + 20])
    head = header_of(simulation.operator, bytes(32), 3)
    with Ledger.create(tmp_path / "l", head) as ledger:
        simulation.operator.listen(0, ledger)
        for _ in range(3):
            simulation.step()
    _, found = forger.read(tmp_path / "l")
    assert any(len(book.wishes) for one in found for book in one.books) == ("mechanism" in rules)
    assert any(len(one.conversions.activity) for one in found) == ("clearing" in rules)
    check = Recheck(head, bytes.fromhex(Ledger(head).head))
    assert [check.fault(one) for one in found] == [None] * 3


def test_rules_that_this_program_does_not_have_are_bad_data():
    with pytest.raises(DataError, match="nothing of the kind"):
        Recheck(header(rules={"mechanism": "nothing of the kind"}), bytes(32))


def test_an_archive_finds_records_wherever_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 20_000)
    monkeypatch.setattr(batch, "BATCH_BYTES", 10_000)
    _, records = written(tmp_path / "l", 3 * SPACING)
    assert len(segments.segment_numbers(tmp_path / "l")) > 3
    archive = Archive(tmp_path / "l")
    for first in (150, 0, 63, 64, 65, 191, 192, 193, 5_000, 128):
        for count in (1, 70):
            assert list(archive.records(first, count)) == records[first : first + count]
    segment = segments.segment_path(tmp_path / "l", segments.segment_numbers(tmp_path / "l")[-1])
    with segment.open("rb+") as file:
        file.truncate(segment.stat().st_size - 1)
    assert list(Archive(tmp_path / "l").records(185, 70)) == records[185:-1]


def test_a_librarian_answers_what_it_can_read(tmp_path):
    _, records = written(tmp_path / "l")
    sent = []
    topics = MarketTopics("rural")
    librarian = Librarian(tmp_path / "l", topics, lambda user, record: sent.append((user, record)))
    for user, payload in (
        ("a", request_payload(0, 2)),
        ("b", b"junk"),
        ("c", request_payload(2**50, 256)),
        ("d", request_payload(8, 256)),
    ):
        librarian.heard(topics.requests(user), payload)
    for topic in (topics.requests("../a"), topics.requests(""), topics.records("a")):
        librarian.heard(topic, request_payload(0, 1))
    librarian.close()
    assert sent == [("a", records[0]), ("a", records[1]), ("d", records[8]), ("d", records[9])]
    assert librarian.dropped == 3


def test_who_asks_without_end_is_answered_once_at_a_time(tmp_path):
    _, records = written(tmp_path / "l")
    topics, sent, is_slow = MarketTopics("rural"), [], threading.Event()
    librarian = Librarian(
        tmp_path / "l", topics, lambda user, record: sent.append((user, record)), is_slow.wait
    )
    librarian.heard(topics.requests("first"), request_payload(0, 1))
    while not sent:
        time.sleep(0.001)
    for first in range(1_000):  # while the first answer is on its way
        librarian.heard(topics.requests("greedy"), request_payload(first % ROUNDS, 1))
    librarian.heard(topics.requests("modest"), request_payload(3, 1))
    for user in range(1_000):
        librarian.heard(topics.requests(f"guest-{user}"), request_payload(4, 1))
    assert librarian.dropped == 1_000 - WAITING_CAP + 2
    is_slow.set()
    librarian.close()
    assert sent[1:3] == [("greedy", records[999 % ROUNDS]), ("modest", records[3])]
    assert len(sent) == 1 + WAITING_CAP
