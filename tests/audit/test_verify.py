import dataclasses
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import forger, tiny
from oracles.forger import edited
from oracles.rounds import SlowMarket, header, rounds

from decent_gym import audit
from decent_gym.audit import Verification, verify
from decent_gym.errors import InputError
from decent_gym.ledger import Ledger
from decent_gym.ledger.encoding import encode_round
from decent_gym.ledger.header import canonical_json, encode_header
from decent_gym.models import ORDER_FIELDS, Case, Commodity, Reason

HEADER = header()
RECORDS = rounds(12, seed=3)
AT = 6
COLUMN = {name: index for index, name in enumerate(ORDER_FIELDS)}


def with_value(array, index, value):
    array = array.copy()
    array[index] = value
    return array


def cell(book, name, row, value):
    """The book's orders with one other value, and the energies offered that follow."""
    orders = with_value(book.orders, (row, COLUMN[name]), value)
    offered = np.minimum(orders[:, COLUMN["unsettled"]], orders[:, COLUMN["cap"]])
    return {"orders": orders, "offered": offered}


def forged(folder, record, header=HEADER):
    """A rightly hashed ledger in which round AT is another."""
    head = forger.write(folder, header, [*RECORDS[:AT], record, *RECORDS[AT + 1 :]])
    assert verify(folder, reclear=False, expected_head=head)
    return verify(folder)


BOOK = RECORDS[AT].electricity
FULL = int(np.flatnonzero(BOOK.accepted)[0])
LEFT = int(np.flatnonzero(BOOK.accepted == 0)[0])
OLD = int(np.flatnonzero(BOOK.column("start") < AT)[0])
NEW = int(np.flatnonzero(BOOK.column("start") == AT)[0])


def book_edits():
    """Name -> changes of the electricity book that have consequences."""
    b = BOOK
    edits = {
        "accepted": {"accepted": with_value(b.accepted, LEFT, 1)},
        "accepted less": {"accepted": with_value(b.accepted, FULL, b.accepted[FULL] - 1)},
        "pays": {"pays": with_value(b.pays, FULL, b.pays[FULL] + 1)},
        "reason": {"reason": with_value(b.reason, FULL, Reason.EXPIRED)},
        "volume": {"volume": b.volume + 1},
        "price": {"price": b.price + 1},
        "price_low": {"price_low": b.price_low - 1},
        "price_high": {"price_high": b.price_high + 1},
        "no price": {"price": None},
        "case": {"case": Case((b.case + 1) % 4)},
        "surplus": {"surplus": 1},
        "limit": cell(b, "price", FULL, -100_000_000 if b.column("side")[FULL] else 100_000_000),
        "cap": cell(b, "cap", FULL, 1),
        "side": cell(b, "side", FULL, 1 - b.column("side")[FULL]),
        "owner": cell(b, "owner", FULL, (b.column("owner")[FULL] + 1) % 4),
        "priority": cell(b, "priority", FULL, 1 - b.column("priority")[FULL]),
        "unsettled": cell(b, "unsettled", OLD, b.column("unsettled")[OLD] - 1),
        "unsettled of a new one": cell(b, "unsettled", NEW, b.column("energy")[NEW] - 1),
        "energy": cell(b, "energy", NEW, b.column("energy")[NEW] + 1),
        "past start": cell(b, "start", NEW, AT - 1),
        "sequence": cell(b, "sequence", 1, b.column("sequence")[0]),
    }
    for name in ("id", "price", "energy", "start", "device", "until"):
        value = b.column(name)[OLD]
        edits[f"{name} of an old one"] = cell(b, name, OLD, value + (-1 if name == "start" else 1))
    outside = {"owner": -1, "side": 2, "price": 10**8 + 1, "energy": 10**8 + 1, "unsettled": 0,
               "start": AT + 1, "until": AT, "priority": 2, "device": -2, "cap": 0,
               "sequence": -1, "id": 2**63 - 1}  # fmt: skip
    edits |= {f"{name} outside": cell(b, name, 0, value) for name, value in outside.items()}
    edits |= {
        f"{name} at the ends of int64": cell(b, name, 0, value)
        for name in ORDER_FIELDS
        for value in (-(2**63), 2**63 - 1)
        if name not in ("until", "cap", "unsettled", "device")
    }
    for owner in (5, 7, 8, 2**40):
        edits[f"owner {owner}"] = cell(b, "owner", 0, owner)
    return edits


@pytest.mark.parametrize("name", book_edits())
def test_an_edit_of_a_book_is_found_though_every_hash_is_right(tmp_path, name):
    result = forged(tmp_path / "l", edited(RECORDS[AT], electricity=book_edits()[name]))
    assert not result
    assert (result.first_bad, result.rounds) == (AT, AT), result
    assert result.reason.startswith(f"round {AT}: electricity "), result


def added(name, index, value):
    array = getattr(RECORDS[AT], name)
    return {name: with_value(array, index, array[index] + value)}


MONEY = RECORDS[AT].money
ROUND_EDITS = {
    "traded": added("traded", (0, 0), 1),
    "metered": added("metered", (0, 0), 1),
    "metered of the operator": added("metered", (7, 0), 1),
    "metered beyond 64 bits": added("metered", (0, 1), 2**62),
    "traded beyond 64 bits": added("traded", (0, 1), 2**62),
    "imbalance beyond 64 bits": added("metered", (0, 1), 2**39),
    "short": added("tariffs", (0, 2), 1),
    "long": added("tariffs", (0, 3), -1),
    "retail above short": added("tariffs", (0, 0), 10**7),
    "retail below feed-in": added("tariffs", (1, 0), -(10**6)),
    "feed-in below long": added("tariffs", (1, 1), -(10**6)),
    "short beyond the cap": added("tariffs", (1, 2), 10**9),
    "account": added("accounts", 0, 1),
    "trade money": added("money", (0, 0), 1),
    "imbalance money": added("money", (1, 0), 1),
    "fuel money": added("money", (2, 0), 1),
    "fee money": added("money", (3, 0), 1),
    "money moved": {
        "money": MONEY + np.eye(4, 8, dtype=np.int64)[0] - np.eye(4, 8, 1, np.int64)[0]
    },
    "fee without account": {
        "money": MONEY + np.array([[0] * 8] * 3 + [[5, -5] + [0] * 6], np.int64)
    },
    "unserved": {"unserved": np.full(5, -1, np.int64)},
    "timestamp": {"timestamp": RECORDS[AT].timestamp + 900},
    "timestamp off the grid": {"timestamp": RECORDS[AT].timestamp + 1},
    "number": {"number": AT + 1, "timestamp": RECORDS[AT].timestamp + 900},
    "number beyond": {"number": 2**62},
}


@pytest.mark.parametrize("name", ROUND_EDITS)
def test_an_edit_of_a_round_is_found_though_every_hash_is_right(tmp_path, name):
    folder = tmp_path / "l"
    records = [*RECORDS[:AT], edited(RECORDS[AT], **ROUND_EDITS[name]), *RECORDS[AT + 1 :]]
    forger.write(folder, HEADER, records)
    result = verify(folder)
    assert (result.ok, result.first_bad, result.rounds) == (False, AT, AT), result
    assert result.reason.startswith(f"round {AT}: ")


def test_the_first_difference_is_named(tmp_path):
    pays = with_value(BOOK.pays, FULL, BOOK.pays[FULL] + 1)
    result = forged(tmp_path / "l", edited(RECORDS[AT], electricity={"pays": pays}))
    assert result.reason == (
        f"round {AT}: electricity pays of order {FULL} is {pays[FULL]}, "
        f"clearing again gives {BOOK.pays[FULL]}"
    )
    assert str(result).startswith("NOT ok: round 6: electricity pays")


def test_the_earliest_fault_is_named_whatever_its_kind(tmp_path):
    records = list(RECORDS)
    records[3] = edited(records[3], heat={"volume": records[3].heat.volume + 1})
    records[5] = edited(records[5], **{"timestamp": 0})
    forger.write(tmp_path / "l", HEADER, records)
    assert verify(tmp_path / "l").first_bad == 3
    assert verify(tmp_path / "l", reclear=False).first_bad == 5


def test_an_order_that_leaves_may_not_come_back(tmp_path):
    market = SlowMarket(seed=3)
    market.submit(Commodity.HEAT)
    market.orders[Commodity.HEAT][0].update(side=0, price=10**8, start=0, until=9, device=-1)
    records = [market.round() for _ in range(6)]
    book = records[2].heat
    assert book.accepted[0] == 0
    without = {
        name: getattr(book, name)[1:]
        for name in ("orders", "offered", "accepted", "pays", "reason")
    }
    forger.write(tmp_path / "good", HEADER, records)
    assert verify(tmp_path / "good")
    records[2] = edited(records[2], heat=without)
    forger.write(tmp_path / "l", HEADER, records)
    result = verify(tmp_path / "l")
    assert result.first_bad == 3
    assert result.reason.endswith(
        "start of order 0 is past, but the order was not in the round before"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rules": {"tie_rule": "time"}}, "clearing again"),
        ({"rules": {"price_rule": "1/1"}}, "clearing again"),
        ({"rules": {"mechanism": "merit_ordre"}}, "merit_order"),
        ({"rules": {"mechanism": ["merit_order"]}}, "unknown mechanism"),
        ({"rules": {"tie_rule": {}}}, "rule"),
        ({"rules": {"price_rule": "2"}}, r"\[0, 1\]"),
        ({"rules": {"seed": -1}}, "seed"),
        ({"rules": {"surprise": 1}}, "surprise"),
        ({"rules_version": 99}, "rules version 99"),
    ],
)
def test_other_rules_than_those_of_the_rounds_are_found(tmp_path, change, words):
    records = rounds(40, seed=3)
    books = [book for record in records for book in record.books]
    assert any(book.volume and book.price_low < book.price_high for book in books)
    forger.write(tmp_path / "l", header(**change), records)
    result = verify(tmp_path / "l")
    assert not result
    assert re.search(words, result.reason), result
    assert verify(tmp_path / "l", reclear=False)


def test_a_residual_market_needs_a_utility(tmp_path):
    head = dataclasses.replace(header(rules={"utility": "residual"}), priorities=(0,) * 5)
    forger.write(tmp_path / "l", head, [])
    assert "no organization has priority 1" in verify(tmp_path / "l").reason


def test_tiny_and_empty_ledgers_are_good(tmp_path):
    forger.write(tmp_path / "tiny", tiny.HEADER, [tiny.tiny_round()])
    result = verify(tmp_path / "tiny")
    assert result == Verification(True, 1, result.head)
    assert str(result) == f"ok: 1 rounds, head {result.head}"
    forger.write(tmp_path / "empty", HEADER, [])
    assert verify(tmp_path / "empty") == Verification(True, 0, Ledger(HEADER).head)
    quiet = rounds(3, offers=0, organizations=0)
    forger.write(tmp_path / "quiet", dataclasses.replace(HEADER, names=(), priorities=()), [])
    assert verify(tmp_path / "quiet")
    assert all(len(record.electricity.orders) == 0 for record in quiet)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(0, 9), st.integers(0, 3))
def test_what_the_slow_market_does_clears_again(tmp_path_factory, seed, members, offers, first):
    records = rounds(8, seed=seed, organizations=members, offers=offers, first=first)
    folder = tmp_path_factory.mktemp("l") / "l"
    forger.write(folder, header(organizations=members), records)
    assert verify(folder), verify(folder)


def test_batches_change_nothing(tmp_path, monkeypatch):
    module = sys.modules[verify.__module__]
    records = rounds(30, seed=2)
    pays = with_value(records[20].heat.pays, 0, 3)
    good, bad = tmp_path / "good", tmp_path / "bad"
    forger.write(good, HEADER, records)
    forger.write(
        bad, HEADER, [*records[:20], edited(records[20], heat={"pays": pays}), *records[21:]]
    )
    expected = verify(good), verify(bad)
    assert expected[0].ok and expected[1].first_bad == 20
    for name, value in (
        ("BATCH_ROUNDS", 1),
        ("BATCH_ROUNDS", 7),
        ("BATCH_SLOTS", 1),
        ("BATCH_SLOTS", 99),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            assert (verify(good), verify(bad)) == expected


def test_the_expected_head_decides(tmp_path):
    with Ledger.create(tmp_path / "l", HEADER) as ledger:
        for record in RECORDS[:3]:
            ledger.on_round(record)
        kept = ledger.head
        ledger.on_round(RECORDS[3])
    assert verify(tmp_path / "l", expected_head=ledger.head.upper())
    result = verify(tmp_path / "l", expected_head=kept)
    assert (result.ok, result.first_bad, result.rounds) == (False, None, 4)
    assert kept in result.reason and ledger.head in result.reason


@pytest.mark.parametrize("head", ["", "abc", "g" * 64, "0" * 65, b"0" * 64, 5])
def test_what_is_no_head_is_the_caller_s_mistake(tmp_path, head):
    forger.write(tmp_path / "l", HEADER, RECORDS[:1])
    with pytest.raises(InputError, match="expected_head must be 64 hexadecimal digits"):
        verify(tmp_path / "l", expected_head=head)


def test_a_segment_that_is_no_file_and_rules_without_end(tmp_path):
    forger.write(tmp_path / "l", HEADER, RECORDS[:3])
    (tmp_path / "l" / "segment-000001.dgl").mkdir()
    result = verify(tmp_path / "l")
    assert (result.ok, result.rounds) == (False, 3)
    assert "is not a file (segment-000001.dgl, byte 0)" in result.reason
    rules = canonical_json({"price_rule": "1e999999999"})
    forger.write(tmp_path / "m", dataclasses.replace(HEADER, rules=rules), RECORDS[:1])
    assert "unknown price rule" in verify(tmp_path / "m").reason


def test_paths(tmp_path):
    for path in (tmp_path / "missing", tmp_path / "file"):
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match="no ledger"):
            verify(path)
    result = verify(tmp_path)
    assert (result.ok, result.head, result.first_bad) == (False, None, None)
    assert "segment-000000.dgl is missing" in result.reason


@settings(max_examples=200)
@given(data=st.data())
def test_hostile_bytes_never_raise(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("hostile", numbered=True) / "l"
    bodies = [encode_header(HEADER), *(encode_round(r, 8) for r in RECORDS[:3])]
    which = data.draw(st.integers(0, 3))
    body = bytearray(bodies[which])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.sampled_from([0, 1, 127, 128, 255]))
    bodies[which] = bytes(body)
    forger.write_bodies(folder, bodies)
    result = verify(folder)
    assert isinstance(result, Verification)
    if bytes(body) == [encode_header(HEADER), *(encode_round(r, 8) for r in RECORDS[:3])][which]:
        assert result.ok


def test_a_book_that_could_not_be_summed_is_refused(tmp_path):
    n = 600
    orders = np.tile(RECORDS[0].electricity.orders[:1], (n, 1))
    orders[:, COLUMN["sequence"]] = orders[:, COLUMN["id"]] = np.arange(n)
    orders[:, COLUMN["start"]], orders[:, COLUMN["until"]] = 0, 1
    for name in ("energy", "unsettled", "cap"):
        orders[:, COLUMN[name]] = 10**8
    zeros = np.zeros(n, np.int64)
    book = {"orders": orders, "offered": orders[:, COLUMN["cap"]], "accepted": zeros,
            "pays": zeros, "reason": zeros}  # fmt: skip
    forger.write(tmp_path / "l", HEADER, [edited(RECORDS[0], electricity=book)])
    assert "would pass the organization's share of the book" in verify(tmp_path / "l").reason


def test_the_ledger_offers_the_verifier():
    from decent_gym import ledger

    assert ledger.verify is audit.verify and ledger.Verification is Verification
    with pytest.raises(AttributeError, match="no attribute 'verfy'"):
        ledger.verfy  # noqa: B018
