"""A ledger small enough to print: two organizations, one round, one trade."""

import numpy as np

from decent_gym.ledger import LedgerHeader
from decent_gym.models import Case, ClearedBook, Organization, Round

HEADER = LedgerHeader.of(
    [Organization("a"), Organization("grid", priority=1)],
    {"mechanism": "merit_order", "price_rule": "1/2", "tie_rule": "pro_rata", "utility": "book"},
    start=1_577_836_800,
    scenario=bytes(range(32)),
    seed=7,
)
#  id  seq own side   price energy unsettled start until priority device cap
ORDERS = (
    (5, 0, 0, 1, 300_000, 900, 900, 4, 5, 0, -1, 100_000_000),
    (6, 1, 1, 0, 300_000, 10_000, 10_000, 4, 6, 1, -1, 100_000_000),
)


def _array(*values):
    return np.array(values, np.int64)


def tiny_round():
    """Organization a buys 900 Wh from the grid at 0.30 EUR/kWh and draws 1,000 Wh."""
    electricity = ClearedBook(
        orders=_array(*ORDERS),
        offered=_array(900, 10_000),
        accepted=_array(900, 900),
        pays=_array(270_000_000, -270_000_000),
        reason=_array(1, 2),
        volume=900,
        price_low=300_000,
        price=300_000,
        price_high=300_000,
        surplus=0,
        case=Case.MARGINAL_SELL,
    )
    nothing = np.zeros(0, np.int64)
    heat = ClearedBook(
        np.zeros((0, 12), np.int64), nothing, nothing, nothing, nothing, 0, None, None, None, 0,
        Case.NONE,
    )  # fmt: skip
    money = np.zeros((4, 5), np.int64)
    money[0, :2] = -270_000_000, 270_000_000
    money[1, 0], money[1, 4] = -40_000_000, 40_000_000
    return Round(
        number=4,
        timestamp=1_577_836_800 + 4 * 900,
        books=(electricity, heat),
        tariffs=_array((300_000, 80_000, 400_000, 40_000), (150_000, 0, 200_000, -10_000)),
        traded=_array((900, 0), (-900, 0), (0, 0), (0, 0), (0, 0)),
        metered=_array((1000, 0), (-900, 0), (0, 0), (0, 0), (0, 0)),
        unserved=_array(0, 0),
        money=money,
        accounts=money.sum(axis=0),
        actions=nothing,
    )
