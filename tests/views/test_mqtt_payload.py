"""What is published of a round, and how a receiver sorts it."""

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.json_schema import faults
from oracles.rounds import SlowMarket, header
from oracles.tiny import HEADER, tiny_round

from decent_gym.errors import DataError, InputError, LedgerError
from decent_gym.ledger import Checkpoints, Ledger, SigningKey
from decent_gym.ledger.header import canonical_json, parse_json
from decent_gym.models import TYPE_NAMES, Case, Commodity
from decent_gym.units import PRICE_CAP
from decent_gym.views.mqtt_payload import (
    PAYLOAD_CAP,
    Arrival,
    RoundFeed,
    Status,
    Topics,
    round_payload,
    status_payload,
)
from decent_gym.views.mqtt_tail import LedgerTail, read_payloads

SCHEMAS = Path(__file__).resolve().parents[2] / "docs/schemas"
ROUND = json.loads((SCHEMAS / "round.schema.json").read_text())
STATUS = json.loads((SCHEMAS / "status.schema.json").read_text())
HASHES = {"ledger": b"\1" * 32, "previous": b"\2" * 32, "own": b"\3" * 32}
NEW, DUPLICATE, GAP = Arrival


def payloads(folder, rounds=6, organizations=5, **market):
    with Ledger.create(folder, header(organizations)) as ledger:
        source = SlowMarket(organizations, **market)
        for _ in range(rounds):
            ledger.on_round(source.round())
    return list(read_payloads(folder, "rural"))


def test_a_payload_word_by_word():
    payload = round_payload(tiny_round(), "rural", index=5, **HASHES)
    assert payload == (
        b'{"district":"rural","electricity":{"accepted":2,"case":"MARGINAL_SELL","offers":2,'
        b'"price":300000,"price_high":300000,"price_low":300000,"tariffs":{"feed_in":80000,'
        b'"long":40000,"retail":300000,"short":400000},"volume":900},"hash":"'
        + b"03"
        * 32
        + b'","heat":{"accepted":0,"case":"NONE","offers":0,"price":null,"price_high":null,'
        b'"price_low":null,"tariffs":{"feed_in":0,"long":-10000,"retail":150000,"short":200000},'
        b'"volume":0},"ledger":"'
        + b"01" * 32
        + b'","previous":"'
        + b"02" * 32
        + b'","record":5,"round":4,"schema":"decent/round/1","time":"2020-01-01T01:00:00Z"}'
    )
    assert HEADER.start + 3600 == tiny_round().timestamp


def test_payloads_obey_the_schema(tmp_path):
    for payload in payloads(tmp_path / "l", 12):
        assert faults(parse_json(payload), ROUND) == []
        assert len(payload) < 2_000
    for status in Status:
        assert faults(parse_json(status_payload("rural", status)), STATUS) == []


def test_types_of_energy_are_published_where_there_are_any():
    orders = np.array([
        # id sequence owner side price energy unsettled start until priority device cap
        [-1, 0, 0, 0, 10, 50, 50, 4, 5, 0, -1, 50],
        [-1, 1, 1, 1, 80, 50, 50, 4, 5, 0, -1, 50],
    ])  # fmt: skip
    column = {"accepted": np.array([50, 50]), "pays": np.array([-2250, 2250])}
    book = replace(
        tiny_round().heat, orders=orders, offered=np.array([50, 50]), volume=50, **column,
        wishes=np.array([[3, -1, -1], [2, -1, -1]]), origin=np.array([[0, 0, 0, 50]] * 2),
    )  # fmt: skip
    record = replace(tiny_round(), books=(tiny_round().electricity, book))
    message = parse_json(round_payload(record, "rural", index=5, **HASHES))
    assert faults(message, ROUND) == [] and "types" not in message["electricity"]
    assert message["heat"]["types"] == {
        "plain": {"price": None, "volume": 0},
        "local": {"price": None, "volume": 0},
        "renewable": {"price": 45, "volume": 0},
        "local_renewable": {"price": 45, "volume": 50},
    }
    del message["heat"]["types"]["local"]
    assert faults(message, ROUND)


def test_the_schema_refuses_what_is_wrong(tmp_path):
    right = json.loads(payloads(tmp_path / "l", 1)[0])
    wrong = [{**right, name: None} for name in right]
    wrong += [{k: v for k, v in right.items() if k != name} for name in right]
    book = right["electricity"]
    wrong += [{**right, "heat": {**book, name: "?"}} for name in book]
    wrong += [{**right, "more": 1}, {**right, "heat": {**book, "more": 1}}, [], "x", 1.5]
    wrong += [{**right, "round": 1.0}, {**right, "round": -1}, {**right, "hash": "AB" * 32}]
    wrong += [{**right, "heat": {**book, "price": 2**45 + 1}}, {**right, "district": "a/b"}]
    wrong += [{**right, "time": "2020-01-01T01:07:00Z"}]
    assert [message for message in wrong if not faults(message, ROUND)] == []
    assert faults({"district": "rural", "schema": "decent/status/1", "status": "gone"}, STATUS)


def test_the_described_channels_are_the_topics():
    channels = json.loads((SCHEMAS / "asyncapi.json").read_text())["channels"]
    topics = Topics("district")
    addresses = {
        name: channels[name]["address"].format(district="district", number=7)
        for name in ("round", "last", "status")
    }
    assert addresses == {"round": topics.round(7), "last": topics.last, "status": topics.status}


def test_a_payload_stays_small_whatever_the_book():
    book, n = tiny_round().electricity, 20_000
    big = replace(
        book,
        orders=np.repeat(book.orders, n, axis=0),
        offered=np.repeat(book.offered, n),
        accepted=np.repeat(book.accepted, n),
        price_low=-PRICE_CAP,
        price=-PRICE_CAP,
        price_high=PRICE_CAP,
        volume=2**53 - 1,
    )
    record = replace(tiny_round(), books=(big, big), number=2**40)
    payload = round_payload(record, "d" * 64, index=2**40, **HASHES)
    assert len(payload) < 2_000 < PAYLOAD_CAP
    message = json.loads(payload)
    assert message["heat"]["offers"] == 2 * n
    # and with every field that there may be, each integer as wide as it may be
    widest = 2**53 - 1
    message["conversions"] = dict.fromkeys(("electricity", "heat"), -widest)
    message["conversions"] |= dict.fromkeys(("offers", "running"), widest)
    for name in ("electricity", "heat"):
        message[name]["types"] = {k: {"price": -PRICE_CAP, "volume": widest} for k in TYPE_NAMES}
        message[name] |= dict.fromkeys(("accepted", "offers"), widest)
        message[name]["case"] = max((case.name for case in Case), key=len)
        message[name]["tariffs"] = dict.fromkeys(message[name]["tariffs"], -PRICE_CAP)
    message |= {"round": widest, "record": widest}
    assert faults(message, ROUND) == []
    assert len(canonical_json(message)) < 2_000


@pytest.mark.parametrize("name", ["rural", "a", "A-b_9", "0" * 64])
def test_topics(name):
    topics = Topics(name)
    assert topics.round(7) == f"decent/v1/{name}/rounds/7"
    assert topics.last == f"decent/v1/{name}/rounds/last"
    assert topics.status == f"decent/v1/{name}/status"
    assert len(topics.client()) <= 23
    assert topics.client() != Topics(name[:-1] + "x").client()
    assert len({topics.client(*known) for known in ((), ("a",), ("a", "b"), ("a", "c"))}) == 4


@pytest.mark.parametrize(
    "name",
    [
        *("", "a/b", "..", ".", "+", "#", "a+", "$SYS", "a b", "a\0", "ä", "a\n", "b7/../b8"),
        *("0" * 65, None, 7, b"rural", "\ud800", "\u0663"),
    ],
)
def test_district_names_cannot_break_topics(name):
    with pytest.raises(InputError, match="district must be"):
        Topics(name)


def test_a_feed_takes_each_round_once_and_in_order(tmp_path):
    all_of_them = payloads(tmp_path / "l")
    feed = RoundFeed()
    for index, payload in enumerate(all_of_them, 1):
        assert feed.feed(payload) is NEW
        assert (feed.record, feed.round) == (index, index - 1)
        for old in all_of_them[:index]:
            assert feed.feed(old) is DUPLICATE
        for later in all_of_them[index + 1 :]:
            assert feed.feed(later) is GAP
            assert feed.missing_from == index + 1
    assert feed.head == json.loads(all_of_them[-1])["hash"]
    assert feed.ledger == json.loads(all_of_them[0])["ledger"]


@given(st.randoms(use_true_random=False))
def test_whatever_arrives_the_receiver_has_all_in_the_end(source: random.Random):
    arriving = [p for p in SAMPLE for _ in range(source.choice([0, 1, 1, 2]))]
    for _ in range(source.randrange(4)):
        if len(arriving) > 1:
            i = source.randrange(len(arriving) - 1)
            arriving[i], arriving[i + 1] = arriving[i + 1], arriving[i]
    arriving.append(SAMPLE[-1])
    feed, heard = RoundFeed(), []
    for payload in arriving:
        while feed.feed(payload) is GAP:  # each turn fetches one missing round
            missed = SAMPLE[feed.missing_from - 1]
            assert feed.feed(missed) is NEW
            heard.append(missed)
        if feed.head == json.loads(payload)["hash"] and payload not in heard:
            heard.append(payload)
    assert heard == list(SAMPLE)


@pytest.fixture(scope="module", autouse=True)
def sample(tmp_path_factory):
    global SAMPLE
    SAMPLE = tuple(payloads(tmp_path_factory.mktemp("ledger") / "l", 7))


def test_who_comes_late_may_begin_anywhere(tmp_path):
    all_of_them = payloads(tmp_path / "l")
    feed = RoundFeed(from_start=False)
    assert [feed.feed(all_of_them[n]) for n in (3, 2, 3, 5, 4, 5)] == [
        NEW, DUPLICATE, DUPLICATE, GAP, NEW, NEW,
    ]  # fmt: skip


def test_the_first_round_of_another_ledger_is_new(tmp_path):
    first, second = payloads(tmp_path / "a"), payloads(tmp_path / "b", seed=1, organizations=6)
    feed = RoundFeed()
    assert {feed.feed(payload) for payload in first} == {NEW}
    assert feed.feed(second[2]) is GAP
    assert feed.missing_from == 1
    assert {feed.feed(payload) for payload in second} == {NEW}
    assert feed.ledger == json.loads(second[0])["ledger"]


def test_a_changed_past_is_an_error_and_changes_nothing(tmp_path):
    right, other = payloads(tmp_path / "a"), payloads(tmp_path / "b", seed=1)
    for known, forged, field in itertools.chain(
        ((n, other[n - 1], "hash") for n in range(1, 7)),
        ((n, other[n], "previous") for n in range(1, 6)),
        [(0, json.dumps({**json.loads(right[0]), "previous": "0" * 64}), "previous")],
    ):
        feed = RoundFeed()
        for payload in right[:known]:
            feed.feed(payload)
        forged = forged if isinstance(forged, bytes) else canonical_json(json.loads(forged))
        before = dict(vars(feed))
        with pytest.raises(DataError, match=f"{field} is .* verify the ledger"):
            feed.feed(forged)
        assert vars(feed) == before


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b"{" * 100_000,
        b"[" * 7_000,
        b'{"schema":"decent/round/2"}',
        b'{"schema":"decent/round/1"}',
        b'{"record":NaN}',
        b'{"record":1e400}',
        b'{"record":1,"record":2}',
        b"9" * 5_000,
        status_payload("rural", Status.ONLINE),
    ],
)
def test_what_is_no_round_is_an_error(payload):
    feed = RoundFeed()
    with pytest.raises(DataError, match="payload"):
        feed.feed(payload)
    assert feed.record is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("record", "1"), ("record", True), ("record", 0), ("round", None)),
        *(("hash", 1), ("ledger", []), ("previous", None), ("schema", None)),
    ],
)
def test_fields_of_other_types_are_errors(field, value):
    message = canonical_json({**json.loads(SAMPLE[0]), field: value})
    with pytest.raises(DataError):
        RoundFeed(from_start=False).feed(message)


def test_every_commodity_has_its_book():
    assert {c.name.lower() for c in Commodity} <= ROUND["properties"].keys()


def test_a_tail_hears_of_each_round_as_it_is_written(tmp_path, monkeypatch):
    from decent_gym.ledger import segments

    monkeypatch.setattr(segments, "SEGMENT_BYTES", 4_000)
    market = SlowMarket()
    with Ledger.create(tmp_path / "l", header(), sync="round") as ledger:
        tail = LedgerTail(tmp_path / "l", "rural")
        assert tail.read() is None
        for number in range(20):
            ledger.on_round(market.round())
            assert json.loads(tail.read())["hash"] == ledger.head
            assert (tail.index, tail.round) == (number + 1, number)
            assert tail.read() is None
        assert len(segments.segment_numbers(tmp_path / "l")) >= 3
    tail.close()
    whole = list(read_payloads(tmp_path / "l", "rural"))
    assert len(whole) == 20
    for first in range(1, 22):
        assert list(read_payloads(tmp_path / "l", "rural", first)) == whole[first - 1 :]


def test_a_tail_waits_for_the_rest_of_a_record(tmp_path):
    payloads(tmp_path / "l", 2)
    segment = tmp_path / "l" / "segment-000000.dgl"
    data = segment.read_bytes()
    segment.write_bytes(b"")
    tail = LedgerTail(tmp_path / "l", "rural")
    heard = []
    for end in range(0, len(data), 7):
        segment.write_bytes(data[:end])
        heard.append(tail.read())
    segment.write_bytes(data)
    heard.append(tail.read())
    tail.close()
    assert [payload for payload in heard if payload] == list(read_payloads(tmp_path / "l", "rural"))
    assert len([payload for payload in heard if payload]) == 2


def test_a_tail_notices_what_is_missing_or_changed(tmp_path):
    ends = []
    with Ledger.create(tmp_path / "l", header(), sync="round") as ledger:
        segment, market = tmp_path / "l" / "segment-000000.dgl", SlowMarket()
        for _ in range(3):
            ends.append(segment.stat().st_size)
            ledger.on_round(market.round())
    data = segment.read_bytes()
    changed = bytearray(data)
    changed[ends[1] + 200] ^= 1
    for damaged in (data[: ends[1]] + data[ends[2] :], changed, data[ends[0] :]):
        segment.write_bytes(damaged)
        with pytest.raises(LedgerError, match="damaged after record"):
            list(read_payloads(tmp_path / "l", "rural"))
    segment.write_bytes(data)
    assert len(list(read_payloads(tmp_path / "l", "rural"))) == 3


def test_a_tail_needs_a_ledger(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(InputError, match="no ledger"):
            LedgerTail(path, "rural")


def test_a_change_of_keys_is_passed_over(tmp_path):
    """Receivers hear of rounds alone, in an unbroken chain, wherever the tail is caught."""
    old, new = (SigningKey("district.example/rural", seed * 32) for seed in (b"o", b"n"))
    source, feed = SlowMarket(), RoundFeed()
    keyed = header(operator_key=old.verifier.public)
    wanted = Checkpoints(key=old)
    with Ledger.create(tmp_path / "l", keyed, sync="round", checkpoints=wanted) as ledger:
        tail = LedgerTail(tmp_path / "l", "rural")
        for number in range(4):
            if number == 2:
                ledger.rotate(old, new)
                assert tail.read() is None
            ledger.on_round(source.round())
            assert feed.feed(tail.read()) is NEW
        tail.close()
    assert (feed.record, feed.round, tail.index, tail.head.hex()) == (4, 3, 4, ledger.head)
    again = [json.loads(one)["record"] for one in read_payloads(tmp_path / "l", "rural", 2)]
    assert again == [2, 3, 4]
