"""Traders who quote at random, but never at a loss: what the market does without any wits.

Source: D. K. Gode and S. Sunder, "Allocative efficiency of markets with zero-intelligence traders",
Journal of Political Economy 101 (1993).
"""

import numpy as np

from decent_gym import Rules
from training.truth.auction import Auction, Strategy
from training.truth.checks import Check, Setting, within
from training.truth.market import BUY, SELL, FloatArray, Market

SIDE = 12
WORLDS = 500
QUOTES = 2000
A_WEEK = 672  # rounds; nobody's quote stands that long


def _possible(types: FloatArray) -> FloatArray:
    """All gains that there are, EUR (W,); sellers first."""
    costs = np.sort(types[:, :SIDE], axis=1)
    values = np.sort(types[:, SIDE:], axis=1)[:, ::-1]
    return np.maximum(values - costs, 0).sum(axis=1)


def continuous() -> FloatArray:
    """Share of the gains after each quote, the mean over the worlds (QUOTES,).

    A quote is a round of its own in the continuous double auction: somebody, drawn from all,
    replaces its standing quote unless its one unit is traded already.  A quote stands until it is
    replaced or traded.
    """
    random = np.random.default_rng(0)
    market = Market(
        [SELL] * SIDE + [BUY] * SIDE,
        WORLDS,
        Rules(mechanism="continuous_double_auction", utility=None),
    )
    orders, worlds = market.orders, np.arange(WORLDS)
    orders.device[:] = 0  # so that a new quote takes the place of the old one
    types = random.random((WORLDS, 2 * SIDE))
    has_unit = np.ones(types.shape, np.bool_)
    gains, shares = np.zeros(WORLDS), np.empty(QUOTES)
    for quote in range(QUOTES):
        who = random.integers(0, 2 * SIDE, WORLDS)
        mine, luck, buys = types[worlds, who], random.random(WORLDS), who >= SIDE
        first = (slice(None), 0, 0)
        orders.count[:, 0] = has_unit[worlds, who]
        orders.owner[first] = who
        orders.side[first] = np.where(buys, BUY, SELL)
        orders.price[first] = np.rint(1e6 * np.where(buys, luck * mine, mine + luck * (1 - mine)))
        orders.energy[first] = 1000
        bought, _ = market.send(lasting=A_WEEK)
        gains += (bought * types).sum(axis=1)
        has_unit &= bought == 0
        shares[quote] = (gains / _possible(types)).mean()
    return shares


def call() -> float:
    """Share of the gains of one uniform-price round on one quote each."""
    random = np.random.default_rng(0)
    ask: Strategy = lambda costs: costs + random.random(len(costs)) * (1 - costs)  # noqa: E731
    bid: Strategy = lambda values: values * random.random(len(values))  # noqa: E731
    auction = Auction([ask] * SIDE, [bid] * SIDE, 10 * WORLDS)
    auction.deal()
    return float((auction.profits().sum(axis=1) / _possible(auction.types)).mean())


def core() -> list[Check]:
    shares, how = continuous(), f"{WORLDS} markets"
    return [
        within("efficiency, continuous, 2,000 quotes", 0.955, 0.01, [shares[-1]], how),
        within("efficiency, continuous, 24 quotes", 0.29, 0.02, [shares[23]], how),
        within("efficiency, one call round", 0.37, 0.01, [call()], f"{10 * WORLDS:,} books"),
    ]


SETTINGS = (
    Setting(
        "zero-intelligence",
        "12 a side, U[0, 1]: a continuous auction takes 95.5 % of the gains after about 2,000 "
        "quotes and 29 % after 24, one call round 36 to 38 %",
        core,
    ),
)
