"""Rounds written down by hand, with every figure known."""

import numpy as np

from decent_gym.models import Case, ClearedBook, Reason, Round, Side

NAMES = ("house", "shop", "plant", "utility")
STATE = {"score [EUR]": -0.5, "battery [%]": 50.0, "thermal store [%]": 0.0}
NOON = 1_467_630_000  # 2016-07-04 11:00 UTC, a Monday
HUGE = 10**8

# owner, side, price, energy, priority, accepted, reason
ELECTRICITY = (
    (0, Side.BUY, 350_000, 2_000, 0, 2_000, Reason.FILLED),
    (0, Side.BUY, 100_000, 1_000, 0, 0, Reason.OUT_OF_THE_MONEY),
    (1, Side.SELL, 200_000, 1_500, 0, 1_500, Reason.FILLED),
    (2, Side.SELL, 250_000, 1_000, 0, 500, Reason.MARGINAL),
    (3, Side.SELL, 350_000, HUGE, 1, 0, Reason.OUT_OF_THE_MONEY),
    (3, Side.BUY, 80_000, HUGE, 1, 0, Reason.OUT_OF_THE_MONEY),
)


def book(rows=(), volume=0, prices=(None, None, None), case=Case.NONE):
    orders = [
        (i, i, owner, side, price, energy, energy, 5, 6, priority, -1, energy)
        for i, (owner, side, price, energy, priority, _, _) in enumerate(rows)
    ]
    accepted = np.array([row[5] for row in rows], np.int64)
    sign = np.array([1 if row[1] == Side.BUY else -1 for row in rows], np.int64)
    return ClearedBook(
        orders=np.array(orders, np.int64).reshape(-1, 12),
        offered=np.array([row[3] for row in rows], np.int64),
        accepted=accepted,
        pays=sign * accepted * (prices[1] or 0),
        reason=np.array([row[6] for row in rows], np.int64),
        volume=volume,
        price_low=prices[0],
        price=prices[1],
        price_high=prices[2],
        surplus=0,
        case=case,
    )


def cleared_electricity():
    return book(ELECTRICITY, 2_000, (250_000, 250_000, 250_000), Case.MARGINAL_SELL)


def hand_made(number=5, timestamp=NOON, books=None, unserved=0, metered=None):
    """House bought 2 kWh at 0.25 EUR/kWh, drew 2.1 and wants heat that nobody offers."""
    money = np.zeros((4, 7), np.int64)
    money[0] = [-500_000_000, 375_000_000, 125_000_000, 0, 0, 0, 0]
    money[1] = [-40_000_000, 0, 0, 0, 0, 0, 40_000_000]
    if metered is None:
        metered = [[2_100, 0], [-1_500, 0], [-500, 0], [0, 0], [0, 0], [0, 300], [0, 0]]
    traded = [[2_000, 0], [-1_500, 0], [-500, 0], [0, 0], [0, 0], [0, 0], [0, 0]]
    return Round(
        number=number,
        timestamp=timestamp,
        books=books or (cleared_electricity(), book()),
        tariffs=np.array([[350_000, 80_000, 450_000, 30_000], [160_000, 0, 210_000, -10_000]]),
        traded=np.array(traded, np.int64),
        metered=np.array(metered, np.int64),
        unserved=np.array([unserved, 0, 0, 0], np.int64),
        money=money,
        accounts=money.sum(axis=0) + np.array([2_000_000_000, 0, 0, 0, 0, 0, -2_000_000_000]),
        actions=np.zeros(0, np.int64),
    )
