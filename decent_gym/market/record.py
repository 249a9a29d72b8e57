"""One world's closed round as an immutable record, built only for worlds somebody listens to."""

from typing import Protocol

import numpy as np

from decent_gym.clearing import Outcome
from decent_gym.models import (
    COMMODITIES,
    ORDER_FIELDS,
    Case,
    ClearedBook,
    Commodity,
    OrderBook,
    Round,
)
from decent_gym.units import ROUND_SECONDS, IntArray

_UNSETTLED = ORDER_FIELDS.index("unsettled")


class RoundState(Protocol):
    """The arrays of the grid operator that a record is made of."""

    start: int
    book: OrderBook
    outcome: Outcome
    round: IntArray
    offered: IntArray
    accepted: IntArray
    pays: IntArray
    reason: IntArray
    tariffs: IntArray
    traded: IntArray
    metered: IntArray
    unserved: IntArray
    money: IntArray
    accounts: IntArray
    actions: IntArray


def build_round(operator: RoundState, world: int) -> Round:
    """Copy what happened in `world` out of the operator's arrays, before the books move on."""
    number = int(operator.round[world])
    return Round(
        number=number,
        timestamp=operator.start + number * ROUND_SECONDS,
        books=tuple(_cleared_book(operator, world, commodity) for commodity in Commodity),
        tariffs=_frozen(operator.tariffs[world]),
        traded=_frozen(operator.traded[world]),
        metered=_frozen(operator.metered[world]),
        unserved=_frozen(operator.unserved[world]),
        money=_frozen(operator.money[:, world]),
        accounts=_frozen(operator.accounts[world]),
        actions=_frozen(operator.actions[world]),
    )


def _cleared_book(operator: RoundState, world: int, commodity: int) -> ClearedBook:
    row, outcome = world * COMMODITIES + commodity, operator.outcome
    n = int(operator.book.count[world, commodity])
    open_slots = np.flatnonzero(operator.offered[world, commodity, :n])
    orders = operator.book.table(world, commodity)[open_slots]
    accepted = operator.accepted[world, commodity][open_slots]
    orders[:, _UNSETTLED] += accepted  # the book as it stood at gate closure
    traded = outcome.volume[row] > 0
    return ClearedBook(
        orders=_frozen(orders),
        offered=_frozen(operator.offered[world, commodity][open_slots]),
        accepted=_frozen(accepted),
        pays=_frozen(operator.pays[world, commodity][open_slots]),
        reason=_frozen(operator.reason[world, commodity][open_slots]),
        volume=int(outcome.volume[row]),
        price_low=int(outcome.price_low[row]) if traded else None,
        price=int(outcome.price[row]) if traded else None,
        price_high=int(outcome.price_high[row]) if traded else None,
        surplus=int(outcome.surplus[row]),
        case=Case(int(outcome.case[row])),
    )


def _frozen(values: IntArray) -> IntArray:
    copy = np.array(values)
    copy.flags.writeable = False
    return copy
