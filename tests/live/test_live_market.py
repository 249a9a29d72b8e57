"""A market by the clock on the embedded broker: trade, settle, stop, go on, be checked."""

import json
import logging
import threading
from dataclasses import replace

import pytest

from decent_gym.errors import InputError, LedgerError
from decent_gym.ledger import verify
from decent_gym.ledger.encoding import decode_round
from decent_gym.ledger.scan import Scan
from decent_gym.live import Participant, scripted_offers
from decent_gym.live.gate import Gate
from decent_gym.live.inbox import PENDING_CAP, Inbox
from decent_gym.live.market import LiveMarket
from decent_gym.live.plan import LivePlan
from decent_gym.live.subscriber import Subscriber
from decent_gym.live.topics import MarketTopics
from decent_gym.replay import replay
from decent_gym.scenarios import scenario

DISTRICT = scenario("rural")
PLAN = LivePlan(
    scenario=DISTRICT,
    external=("building_03",),
    traders={},
    seed=7,
    start=96,
    speed=900_000,
    meta={"scenario": "rural", "options": {}},
)
OFFER = {"commodity": "electricity", "side": "buy", "energy": 500, "price": 250_000}
TOPICS = MarketTopics("rural")


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.CRITICAL + 1, "amqtt")


def never():
    return False


def run(plan, folder, until, url="embedded"):
    """Run a market without participants; returns the head and what was recovered."""
    with LiveMarket(plan, folder, url) as market:
        market.run(until, lambda _: None, never)
        return market.head, market.recovered


def message(number, round_number, *offers):
    return json.dumps(
        {
            "schema": "decent/offers/1",
            "round": round_number,
            "number": number,
            "offers": offers or [OFFER],
        }
    ).encode()


def rounds_of(folder):
    scan, accounts = Scan(folder), len(DISTRICT.members) + 3
    return [decode_round(raw.body, accounts) for raw in scan if raw.index]


def test_a_participant_trades_and_everybody_can_check_it(tmp_path):
    settled, refused, taken, closed = [], [], [], []
    done = threading.Event()
    with LiveMarket(replace(PLAN, speed=6_000), tmp_path / "l", "embedded") as market:
        with (
            Participant(
                market.address,
                "rural",
                "building_03",
                lambda opening: scripted_offers(opening, "truthful"),
            ) as participant,
            Subscriber(market.address, "rural", reclear=True) as subscriber,
        ):
            trading = threading.Thread(
                target=participant.run, args=(settled.append, refused.append, done.is_set)
            )
            listening = threading.Thread(
                target=subscriber.run,
                args=(taken.append, lambda _: None, lambda: len(taken) >= 20 or done.is_set()),
            )
            trading.start()
            listening.start()
            market.run(20, closed.append, never)
            listening.join(20)
            # the last settlement comes after the last round
            for _ in range(200):
                if settled and settled[-1].round == 96 + 19:
                    break
                threading.Event().wait(0.05)
            done.set()
            trading.join()
            listening.join()
        head = market.head
    assert verify(tmp_path / "l", expected_head=head)
    assert replay(tmp_path / "l").head == head
    records = {record.number: record for record in rounds_of(tmp_path / "l")}
    assert [one.message["round"] for one in taken] == list(records)
    assert subscriber.head == head
    n = DISTRICT.index("building_03")
    traded = [record for record in records.values() if n in record.electricity.column("owner")]
    assert len(traded) >= 10
    assert sum(one.taken for one in closed) >= participant.taken > 0
    for one in settled:  # what the organization was told is what the ledger holds
        record = records[one.round]
        assert one.facts["balance"] == record.accounts[n]
        assert list(one.facts["traded"].values()) == record.traded[n].tolist()
        own = [
            int(accepted)
            for book in record.books
            for accepted in book.accepted[book.column("owner") == n]
        ]
        assert [offer["accepted"] for offer in one.offers] == own


def test_a_market_that_stops_goes_on_as_if_it_had_not(tmp_path):
    whole, _ = run(PLAN, tmp_path / "whole", 9)
    heads = [run(PLAN, tmp_path / "l", until) for until in (3, 3, 4, 9)]
    assert [recovered for _, recovered in heads] == [0, 3, 3, 4]
    assert heads[-1][0] == whole
    assert verify(tmp_path / "l", expected_head=whole)


def test_what_came_from_outside_is_recovered_from_the_ledger(tmp_path):
    with LiveMarket(PLAN, tmp_path / "l", "embedded") as market:
        for number in range(96, 102):
            market._inbox.heard(TOPICS.offers("building_03"), message(0, number))
            heavier = {**OFFER, "energy": 100 * number, "device": 1}
            market._inbox.heard(TOPICS.offers("building_03"), message(1, number, heavier, heavier))
            market.run(number - 95, lambda _: None, never)
        head = market.head
    with LiveMarket(PLAN, tmp_path / "l", "embedded") as market:
        assert (market.recovered, market.head) == (6, head)
        # the books are empty, so the same message is taken again and nothing twice
        market._inbox.heard(TOPICS.offers("building_03"), message(0, 102))
        market.run(7, lambda _: None, never)
    record = rounds_of(tmp_path / "l")[-1]
    assert (record.electricity.column("owner") == DISTRICT.index("building_03")).sum() == 1
    assert verify(tmp_path / "l")
    assert replay(tmp_path / "l")


def test_another_plan_cannot_go_on_with_a_ledger(tmp_path):
    with LiveMarket(PLAN, tmp_path / "l", "embedded") as market:
        market._inbox.heard(TOPICS.offers("building_03"), message(0, 96))
        market.run(2, lambda _: None, never)
        head = market.head
    for other, error in (
        (replace(PLAN, seed=8), InputError),
        (replace(PLAN, start=97), LedgerError),
        (replace(PLAN, external=()), LedgerError),
        (replace(PLAN, traders={"building_08": "no_flexibility"}), LedgerError),
        (replace(PLAN, scenario=scenario("rural", price_rule="1/3")), InputError),
    ):
        with pytest.raises(error, match="arguments"):
            LiveMarket(other, tmp_path / "l", "embedded")
    assert run(PLAN, tmp_path / "l", 2) == (head, 2)


def test_what_comes_after_the_gate_is_answered_in_the_next_round(tmp_path, monkeypatch):
    answers = []
    with LiveMarket(PLAN, tmp_path / "l", "embedded") as market:
        monkeypatch.setattr(
            market._session, "post", lambda topic, payload, **_: answers.append((topic, payload))
        )
        before, late = message(0, 96), message(1, 96)
        market._inbox.heard(TOPICS.offers("building_03"), before)
        # of two that wait when the gate closes, one came a moment too late
        clock = market._inbox._clock
        market._inbox._clock = lambda: clock() + 1e6
        market._inbox.heard(TOPICS.offers("building_03"), late)
        market._inbox._clock = clock
        market.run(2, lambda _: None, never)
    receipts = [json.loads(p) for topic, p in answers if topic == TOPICS.receipts("building_03")]
    assert [(one["number"], one["reason"]) for one in receipts] == [(0, None), (1, "gate_closed")]
    first, second = rounds_of(tmp_path / "l")
    n = DISTRICT.index("building_03")
    assert (first.electricity.column("owner") == n).sum() == 1
    assert (second.electricity.column("owner") == n).sum() == 0


def test_the_gate_never_hurries_to_make_up_for_a_late_one():
    now = [100.0]
    gate = Gate(900, clock=lambda: now[0])
    gate.begin()
    closures = []
    for busy in (0.2, 0.2, 5.0, 0.2, 0.2):
        gate.open()
        now[0] += gate.left()
        closures.append(now[0])
        now[0] += busy
    assert closures == pytest.approx([101, 102, 103, 109, 110])
    assert gate.late == 1
    for speed in (0, -1, 1e-300, float("nan"), float("inf"), 10**7):
        with pytest.raises(InputError, match="speed"):
            Gate(speed)


def test_an_inbox_keeps_what_has_a_sender_and_no_more_than_there_is_room_for(caplog):
    caplog.set_level(logging.WARNING, "decent_gym")
    inbox = Inbox(TOPICS, ["a", "b"], lambda: 1.0)
    for topic in (
        *("decent/v1/rural/offers/c", "decent/v1/rural/offers/a/../b", "decent/v1/rural/offers/a/"),
        *("decent/v1/rural/offers/", "decent/v1/other/offers/a", "decent/v1/rural/offers/A", ""),
        *("decent/v1/rural/requests/a", "decent/v1/rural/offers/" + "x" * 65),
    ):
        inbox.heard(topic, b"x")
    assert (inbox.dropped, list(inbox.rest())) == (9, [])
    for n in range(PENDING_CAP + 10):
        inbox.heard(TOPICS.offers("a"), b"%d" % n)
    inbox.heard(TOPICS.offers("b"), b"y" * 10**6)
    assert inbox.dropped == 9 + 10
    (warning,) = [one.getMessage() for one in caplog.records]
    assert "a sends" in warning
    letters = list(inbox.rest())
    assert len(letters) == PENDING_CAP + 1  # one that floods leaves room for the others
    assert (letters[-1].organization, len(letters[-1].payload)) == ("b", 8_001)
    inbox.heard(TOPICS.offers("a"), b"again")
    inbox.wake()
    assert inbox.get(1).payload == b"again"
    assert inbox.get(1) is None


def test_who_follows_by_records_gets_the_last_one_before_the_market_leaves(tmp_path):
    found, done = [], threading.Event()
    plan = replace(PLAN, speed=6_000)
    with (
        LiveMarket(plan, tmp_path / "l", "embedded") as market,
        Subscriber(market.address, "rural", reclear=True) as subscriber,
    ):
        thread = threading.Thread(
            target=subscriber.run, args=(found.append, lambda _: None, done.is_set)
        )
        thread.start()
        market.run(60, lambda _: None, lambda: subscriber.fetched > 2)
        rounds, head = market.rounds, market.head
        market.close()
        done.set()
        thread.join()
        assert len(found) == rounds
        assert subscriber.head == head
