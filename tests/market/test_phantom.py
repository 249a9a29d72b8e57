"""Phantom purchases, phantom sales and wash trades never gain at given prices.

The rule behind it: ``long < feed_in <= price <= retail < short``.
"""

from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decent_gym.clearing import Rules
from decent_gym.clearing.settlement import settle_imbalance
from decent_gym.errors import OfferError
from decent_gym.market import Capability, GridOperator, MarketController, Orders, Tariffs
from decent_gym.models import COMMODITIES, Commodity, Offer, Organization, Side
from decent_gym.units import BOOK_ENERGY_CAP, PRICE_CAP


def earned(traded, metered, price, tariffs):
    """n-euro of one organization that traded at `price`, one case a row; tariffs (case, 4)."""
    cases = len(traded)
    both = np.zeros((2, cases, 2, 1), np.int64)
    both[0, :, 0, 0], both[1, :, 0, 0] = traded, metered
    money = np.zeros((cases, 2), np.int64)
    rows = np.ascontiguousarray(tariffs[:, None, :])
    settle_imbalance(0, cases, both[0], both[1], rows, money)
    assert not money.sum(axis=1).any()
    return money[:, 0] - traded * price


def every_small_case():
    """(long, feed_in, price, retail, short), metered, traded."""
    prices = range(-4, 4)
    for long, short in product(prices, prices):
        inside = range(long + 1, short)
        for feed_in, price, retail in combinations_with_replacement(inside, 3):
            for metered, traded in product(range(-3, 4), repeat=2):
                yield long, feed_in, price, retail, short, metered, traded


def test_every_small_phantom_trade_loses():
    long, feed_in, price, retail, short, metered, traded = np.array(list(every_small_case())).T
    tariffs = np.stack([retail, feed_in, short, long], axis=1)
    honest = earned(metered, metered, price, tariffs)
    phantom = earned(traded, metered, price, tariffs)
    assert len(traded) > 10_000
    assert (honest == -metered * price).all()
    assert (phantom[traded != metered] < honest[traded != metered]).all()
    loss = np.where(traded > metered, price - long, short - price) * np.abs(traded - metered)
    assert (honest - phantom == loss).all()


@given(st.data())
def test_a_random_phantom_trade_loses(data):
    prices = st.integers(-PRICE_CAP, PRICE_CAP)
    five = data.draw(st.lists(prices, min_size=5, max_size=5).map(sorted))
    long, feed_in, price, retail, short = five[0], *five[1:4], five[4]
    long, short = long - (long == feed_in), short + (short == retail)
    energy = st.integers(-BOOK_ENERGY_CAP // 8, BOOK_ENERGY_CAP // 8)
    metered, traded = np.array([data.draw(energy)]), np.array([data.draw(energy)])
    tariffs = np.array([[retail, feed_in, short, long]])
    gain = earned(traded, metered, price, tariffs) - earned(metered, metered, price, tariffs)
    assert gain < 0 if traded != metered else gain == 0


TARIFFS = Tariffs(retail=9, feed_in=3, short=11, long=1)
EVERY = {commodity: TARIFFS for commodity in Commodity}
MEMBERS = [Organization(name) for name in ("me", "friend", "many_buyers", "many_sellers")]
ME, FRIEND, BUYERS, SELLERS, GRID = range(5)
DEEP = 1_000


class DeepMarket:
    """Worlds in which anybody may trade some energy at a given price, and whose price stays."""

    def __init__(self, prices, utility):
        self.worlds, self.capability = len(prices), Capability()
        grid = [Organization("grid", priority=1)]
        self.operator = GridOperator(
            MEMBERS + grid, self.capability, worlds=self.worlds, tariffs=EVERY,
            rules=Rules(utility=utility),
        )  # fmt: skip
        self.orders = Orders.empty(self.worlds, 16)
        self.orders.until[:] = 1
        self.orders.cap[:] = 10**8
        self.prices = np.asarray(prices)
        self.add(BUYERS, Side.BUY, np.full(self.worlds, DEEP), self.prices)
        self.add(SELLERS, Side.SELL, np.full(self.worlds, DEEP), self.prices)
        if utility == "book":
            self.add(GRID, Side.SELL, np.full(self.worlds, DEEP), TARIFFS.retail)
            self.add(GRID, Side.BUY, np.full(self.worlds, DEEP), TARIFFS.feed_in)

    def add(self, owner, side, energy, price):
        """An order of `energy` (W,) in both books; none where it is not positive."""
        o = self.orders
        price = np.broadcast_to(price, energy.shape)
        for w, c in product(np.flatnonzero(energy > 0), range(COMMODITIES)):
            row = (w, c, o.count[w, c])
            o.owner[row], o.side[row], o.energy[row], o.price[row] = (
                owner, side, energy[w], price[w],
            )  # fmt: skip
            o.count[w, c] += 1

    def trade(self, owner, net):
        """Buy `net` (W,) at any price, or sell what is negative."""
        self.add(owner, Side.BUY, net, TARIFFS.retail)
        self.add(owner, Side.SELL, -net, TARIFFS.feed_in)

    def close(self, metered):
        """Balances after a round; `metered` (W,) by owner, everybody else as traded."""
        operator = self.operator
        assert operator.submit(self.orders, self.capability) == 0
        traded = operator.clear(self.capability).copy()
        assert (operator.by_world.price == self.prices[:, None]).all()
        self.traded = traded.copy()
        for owner, energy in metered.items():
            traded[:, owner] = energy[:, None]
        operator.complete(traded, self.capability)
        assert not operator.accounts.sum(axis=1).any()
        return operator.accounts


@pytest.mark.parametrize("utility", ["book", "residual", None])
def test_trading_other_than_metered_loses_in_the_market(utility):
    cases = np.array(list(product(range(3, 10), range(-3, 4), range(-3, 4))))
    price, metered, traded = cases.T
    phantom, honest = DeepMarket(price, utility), DeepMarket(price, utility)
    phantom.trade(ME, traded)
    honest.trade(ME, metered)
    gain = phantom.close({ME: metered})[:, ME] - honest.close({ME: metered})[:, ME]
    assert (phantom.traded[:, ME] == traded[:, None]).all()
    assert (honest.traded[:, ME] == metered[:, None]).all()
    assert (gain[traded == metered] == 0).all()
    assert (gain[traded != metered] < 0).all()


@pytest.mark.parametrize("utility", ["book", "residual", None])
def test_two_friends_gain_nothing_by_trading_with_each_other(utility):
    cases = np.array(list(product(range(3, 10), range(-2, 3), range(-2, 3), range(1, 4))))
    price, mine, yours, extra = cases.T
    metered = {ME: mine, FRIEND: yours}
    honest, wash = DeepMarket(price, utility), DeepMarket(price, utility)
    for market in (honest, wash):
        market.trade(ME, mine)
        market.trade(FRIEND, yours)
    keep = (mine >= 0) & (yours <= 0)  # else the extra order would cross one of its own
    wash.trade(ME, np.where(keep, extra, 0))
    wash.trade(FRIEND, np.where(keep, -extra, 0))
    friends = [ME, FRIEND]
    before, after = (m.close(metered)[:, friends].sum(axis=1) for m in (honest, wash))
    assert keep.sum() > 100
    lost = COMMODITIES * extra * (TARIFFS.short - TARIFFS.long)
    assert (before - after == np.where(keep, lost, 0)).all()


@pytest.mark.parametrize("utility", ["book", "residual"])
def test_buying_from_the_utility_to_sell_it_back_loses(utility):
    """One friend buys at retail, the other sells at feed-in, in rounds where nobody else trades."""
    for buyer_first in (True, False):
        capability = Capability()
        market = MarketController(
            [*MEMBERS, Organization("grid", priority=1)],
            capability,
            rules=Rules(utility=utility),
            tariffs=EVERY,
        )
        for buying in (buyer_first, not buyer_first):
            if utility == "book":
                quotes = (Side.SELL, TARIFFS.retail), (Side.BUY, TARIFFS.feed_in)
                for side, price in quotes:
                    market.submit(Offer("grid", side, Commodity.HEAT, DEEP, price))
            name, side = ("me", Side.BUY) if buying else ("friend", Side.SELL)
            limit = TARIFFS.retail if buying else TARIFFS.feed_in
            number = market.submit(Offer(name, side, Commodity.HEAT, 50, limit))
            market.close_round(capability)
            assert market.status(number).unsettled == 0
        joint = market.balance("me") + market.balance("friend")
        assert joint == -50 * (TARIFFS.retail - TARIFFS.feed_in) == -market.balance("grid")


def test_nobody_trades_with_itself():
    market = MarketController(
        [*MEMBERS, Organization("grid", priority=1)],
        Capability(),
        rules=Rules(utility="residual"),
        tariffs=EVERY,
    )
    market.submit(Offer("me", Side.BUY, Commodity.HEAT, 50, TARIFFS.retail))
    with pytest.raises(OfferError, match="same organization") as caught:
        market.submit(Offer("me", Side.SELL, Commodity.HEAT, 50, TARIFFS.feed_in))
    assert (caught.value.field, caught.value.value) == ("price", TARIFFS.feed_in)
