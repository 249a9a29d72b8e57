"""The market as people see it: names, offers, what became of them, balances, listeners."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from market.snapshots import header_of

from decent_gym import Commodity, MarketController, Offer, Organization, Side
from decent_gym.clearing import Rules
from decent_gym.errors import LedgerError, OfferError
from decent_gym.ledger import Ledger
from decent_gym.market import Capability, OfferState, Orders
from decent_gym.models import Case, Reason, Round
from decent_gym.units import PRICE_CAP

START = datetime(2020, 6, 1, 12, tzinfo=UTC)
SELL, BUY = Side
ELECTRICITY, HEAT = Commodity


@pytest.fixture
def key() -> Capability:
    return Capability()


@pytest.fixture
def market(key: Capability) -> MarketController:
    names = "mill", "school", "plant"
    return MarketController([Organization(name) for name in names], key, start=START)


def test_a_first_market():
    capability = Capability()
    market = MarketController(
        [Organization("mill"), Organization("school"), Organization("grid", priority=1)],
        capability,
        rules=Rules(utility="book"),
        start=START,
    )
    sale = market.submit(Offer.of("mill", SELL, ELECTRICITY, kwh=2, eur_per_kwh="0.10"))
    wish = market.submit(Offer.of("school", BUY, ELECTRICITY, kwh=5, eur_per_kwh=0.3))
    market.submit(Offer.of("grid", SELL, ELECTRICITY, kwh=100, eur_per_kwh="0.30"))
    record = market.close_round(capability)

    assert record.time == START and record.number == 0
    assert record.electricity.volume == 5_000
    assert record.electricity.price == 300_000
    assert record.electricity.case is Case.MARGINAL_SELL
    assert record.heat.price is None and record.heat.case is Case.NONE
    assert market.status(sale).reason is market.status(wish).reason is Reason.FILLED
    assert market.balance("mill") == 2_000 * 300_000
    assert market.balance("school") == -5_000 * 300_000
    assert market.balance("grid") == 3_000 * 300_000
    assert str(record).splitlines() == [
        "round 0  2020-06-01 12:00 UTC",
        "  electricity     5.000 kWh  0.3000 EUR/kWh   3 offers, 3 accepted, MARGINAL_SELL",
        "  heat            0.000 kWh  no trade         0 offers, 0 accepted, NONE",
        "  money moved 1.5000 EUR, sums to 0",
    ]
    assert market.round == 1


def test_an_offer_through_its_life(market, key):
    offer = Offer("mill", SELL, HEAT, 1_000, 50_000, valid_until=4, max_per_round=400, id=12)
    number = market.submit(offer)
    expected = OfferState(number, replace(offer, start=0), 1_000, Reason.OPEN, True)
    assert market.status(number) == expected and market.offers() == [expected]

    market.close_round(key)
    assert market.status(number) == replace(expected, reason=Reason.OUT_OF_THE_MONEY)
    market.submit(Offer("school", BUY, HEAT, 150, 60_000))
    market.close_round(key)
    assert market.status(number) == replace(expected, unsettled=850, reason=Reason.MARGINAL)
    market.submit(Offer("school", BUY, HEAT, 900, 60_000))
    market.close_round(key)
    assert market.status(number) == replace(expected, unsettled=450, reason=Reason.OPEN)
    market.submit(Offer("school", BUY, HEAT, 900, 60_000))
    market.close_round(key)
    ended = replace(expected, unsettled=50, reason=Reason.EXPIRED, is_open=False)
    assert market.status(number) == ended and market.offers() == []
    assert market.balance("mill") == 150 * 50_000 + 800 * 60_000 == -market.balance("school")


def test_filled_and_unfilled_one_round_offers(market, key):
    best = market.submit(Offer("mill", SELL, HEAT, 10, 1))
    worst = market.submit(Offer("plant", SELL, HEAT, 10, 9))
    first = market.submit(Offer("school", BUY, HEAT, 12, 9))
    market.close_round(key)
    states = [market.status(n) for n in (best, worst, first)]
    assert [s.reason for s in states] == [Reason.FILLED, Reason.MARGINAL, Reason.FILLED]
    assert [s.unsettled for s in states] == [0, 8, 0]
    assert not any(s.is_open for s in states)


def test_a_window_in_the_future(market, key):
    later = market.submit(Offer("mill", SELL, HEAT, 10, 1, start=2))
    for _ in range(2):
        market.submit(Offer("school", BUY, HEAT, 10, 5))
        record = market.close_round(key)
        assert record.heat.volume == 0 and len(record.heat.orders) == 1
        assert market.status(later).reason is Reason.OPEN and market.status(later).is_open
    assert market.status(later).offer.valid_until == 3
    market.submit(Offer("school", BUY, HEAT, 10, 5))
    assert market.close_round(key).heat.volume == 10


def test_withdrawing(market, key):
    number = market.submit(Offer("mill", SELL, HEAT, 10, 1, valid_until=9))
    market.submit(Offer("school", BUY, HEAT, 4, 5))
    market.close_round(key)
    state = market.withdraw("mill", number)
    assert (state.unsettled, state.reason, state.is_open) == (6, Reason.WITHDRAWN, False)
    assert market.offers("mill") == []
    market.submit(Offer("mill", BUY, HEAT, 3, 2))  # crosses the withdrawn one, which is gone
    market.submit(Offer("school", BUY, HEAT, 4, 5))
    record = market.close_round(key)
    assert record.heat.volume == 0 and number not in record.heat.column("sequence")
    assert market.status(number) == state


def test_replacing(market, key):
    def offer(name, side=SELL, device=0, commodity=HEAT, until=9):
        return market.submit(
            Offer(name, side, commodity, 10, 5 + side, valid_until=until, device=device)
        )

    old = offer("mill")
    others = [
        offer("mill", device=1),
        offer("mill", device=-1),
        offer("mill", device=-1),
        offer("mill", commodity=ELECTRICITY),
        offer("plant"),
        market.submit(Offer("mill", BUY, HEAT, 10, 1, valid_until=9, device=0)),
    ]
    new = market.submit(Offer("mill", SELL, HEAT, 7, 30, device=0))
    state = market.status(old)
    assert (state.reason, state.is_open, state.unsettled) == (Reason.REPLACED, False, 10)
    assert [s.number for s in market.offers()] == [*others, new]
    with pytest.raises(OfferError, match="no open offer 0"):
        market.withdraw("mill", old)
    record = market.close_round(key)
    assert old not in record.heat.column("sequence")
    assert market.status(old) == state
    assert [s.number for s in market.offers()] == others


def test_a_refused_offer_replaces_nothing(market):
    old = market.submit(Offer("mill", SELL, HEAT, 10, 5, valid_until=9, device=0))
    with pytest.raises(OfferError, match="price"):
        market.submit(Offer("mill", SELL, HEAT, 10, PRICE_CAP + 1, valid_until=9, device=0))
    assert market.status(old).is_open


def test_open_offers_by_organization_and_commodity(market):
    rows = [("mill", HEAT), ("school", HEAT), ("mill", ELECTRICITY), ("mill", HEAT)]
    for name, commodity in rows:
        market.submit(Offer(name, SELL, commodity, 10, 5))
    assert [s.number for s in market.offers()] == [0, 1, 2, 3]
    assert [s.number for s in market.offers("mill")] == [0, 2, 3]
    assert [s.number for s in market.offers(commodity=HEAT)] == [0, 1, 3]
    assert [s.number for s in market.offers("mill", HEAT)] == [0, 3]
    assert market.offers("plant") == []


def test_offers_in_kwh_and_euro():
    offer = Offer.of(
        "mill", BUY, HEAT, kwh="1.2345", eur_per_kwh=-0.05, start=3, valid_until=7, id=4
    )
    assert offer == Offer("mill", BUY, HEAT, 1_234, -50_000, start=3, valid_until=7, id=4)


def test_windows_by_time(market, key):
    for _ in range(3):
        market.close_round(key)
    start, until = (market.round_at(START + timedelta(minutes=m)) for m in (60, 75))
    number = market.submit(Offer("mill", SELL, HEAT, 10, 5, start=start, valid_until=until))
    market.close_round(key)
    record = market.close_round(key)
    assert record.time == START + timedelta(hours=1)
    assert record.heat.column("sequence").tolist() == [number]


class Witness:
    def __init__(self, market=None):
        self.market = market
        self.heard: list[Round] = []

    def on_round(self, record):
        if self.market is not None:
            assert self.market.round == record.number + 1
            assert all(s.offer.valid_until > self.market.round for s in self.market.offers())
        self.heard.append(record)


def test_listeners_hear_immutable_rounds_in_order(market, key):
    early, ledger = Witness(market), Ledger(header_of(market.operator))
    market.listen(early)
    market.listen(ledger)
    first = market.close_round(key)
    late = Witness()
    market.listen(late)
    market.submit(Offer("mill", SELL, HEAT, 10, 5))
    second = market.close_round(key)
    assert early.heard == [first, second] and late.heard == [second] and ledger.rounds == 2
    with pytest.raises(ValueError, match="read-only"):
        second.accounts[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        second.heat.orders[0, 0] = 5
    with pytest.raises(AttributeError):
        second.number = 7
    before = second.heat.orders.tolist()
    market.submit(Offer("plant", SELL, HEAT, 99, 5))
    market.close_round(key)
    assert second.heat.orders.tolist() == before


def test_a_listener_that_fails_comes_after_the_settlement(market, key, tmp_path):
    """The round is over for the market; the failed ledger says so at every later use."""
    ledger = Ledger.create(tmp_path / "l", header_of(market.operator))
    market.listen(ledger)
    ledger.close()
    number = market.submit(Offer("mill", SELL, HEAT, 10, 5))
    with pytest.raises(LedgerError):
        market.close_round(key)
    assert market.round == 1
    assert market.status(number).reason is Reason.OUT_OF_THE_MONEY


def test_a_batch_and_offers_by_hand_in_one_market(market, key):
    """Whoever holds the capability may write whole batches; the controller lets them be."""
    batch = Orders.empty(1, 3)
    batch.count[0, HEAT] = 3
    batch.energy[:], batch.cap[:], batch.price[:], batch.until[:] = 10, 10, 7, 5
    batch.owner[0, HEAT] = 0, 1, 1
    assert market.operator.submit(batch, key) == 0
    number = market.submit(Offer("plant", BUY, HEAT, 15, 9))
    with pytest.raises(OfferError, match="no open offer 1"):
        market.withdraw("school", 1)
    record = market.close_round(key)
    assert number == 3 and record.heat.volume == 15
    assert market.status(number).reason is Reason.FILLED
    assert [s.number for s in market.offers()] == []


def ten_thousand():
    """Sellers below, buyers above, so that nothing is filled and all of it stands."""
    rng = np.random.default_rng(4)
    owner = np.arange(10_000) % 20
    side = (owner >= 10).astype(np.int64)
    price = np.where(side == 1, 100, 200) + rng.integers(0, 90, 10_000)
    return owner, side, price, rng.integers(1, 999, 10_000)


def test_ten_thousand_open_offers_in_one_book():
    organizations = [Organization(f"o{i}") for i in range(20)]
    owner, side, price, energy = ten_thousand()
    capability = Capability()
    by_hand = MarketController(organizations, capability)
    for o, s, p, e in zip(*(column.tolist() for column in ten_thousand()), strict=True):
        by_hand.submit(Offer(f"o{o}", Side(s), HEAT, e, p, valid_until=50))
    at_once = MarketController(organizations, capability)
    orders = Orders.empty(1, 10_000)
    orders.count[0, HEAT] = 10_000
    orders.until[:], orders.cap[:] = 50, 10**8
    orders.owner[0, HEAT], orders.side[0, HEAT] = owner, side
    orders.price[0, HEAT], orders.energy[0, HEAT] = price, energy
    assert at_once.operator.submit(orders, capability) == 0
    assert len(by_hand.offers()) == 10_000 and len(by_hand.offers("o3")) == 500

    tables = [m.operator.book.table(0, HEAT) for m in (by_hand, at_once)]
    assert tables[0].tobytes() == tables[1].tobytes()
    for market in (by_hand, at_once):
        record = market.close_round(capability)
        assert record.heat.volume == 0 and len(record.heat.orders) == 10_000
        market.submit(Offer("o0", BUY, ELECTRICITY, 5, 5))
    by_hand.withdraw("o7", 4_007)
    at_once.operator.withdraw(0, 4_007, 7, capability)

    needed = int(energy[side == 0].sum() - energy[4_007])
    for market in (by_hand, at_once):
        market.submit(Offer("o19", BUY, HEAT, needed, 10_000))
        record = market.close_round(capability)
        assert record.heat.volume == needed
        assert record.heat.accepted.sum() == 2 * needed
        assert market.operator.book.count[0, HEAT] == 5_000
    assert len(by_hand.offers(commodity=HEAT)) == 5_000
    assert by_hand.status(4_007).reason is Reason.WITHDRAWN
    assert by_hand.status(5).reason is Reason.FILLED
    assert by_hand.operator.accounts.tolist() == at_once.operator.accounts.tolist()
