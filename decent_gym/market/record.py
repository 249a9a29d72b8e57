"""One world's closed round as an immutable record, built only for worlds somebody listens to."""

from typing import Protocol

import numpy as np
from numba import njit

from decent_gym.clearing import Outcome
from decent_gym.ledger.state import RoundState
from decent_gym.market.joint import JointClearing
from decent_gym.models import (
    COMMODITIES,
    NO_CONVERSIONS,
    NO_ORIGIN,
    NO_WISH,
    NO_WISHES,
    ORDER_FIELDS,
    Case,
    ClearedBook,
    Commodity,
    Round,
    SignedOffers,
)
from decent_gym.units import ROUND_SECONDS, IntArray


class RecordState(RoundState, Protocol):
    """What a record is made of: also what a ledger does not read from the arrays itself."""

    joint: JointClearing | None
    outcome: Outcome
    signed: dict[int, list[SignedOffers]]


def build_round(operator: RecordState, world: int) -> Round:
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
        conversions=NO_CONVERSIONS if operator.joint is None else operator.joint.record(world),
        signed=tuple(operator.signed.get(world, ())),
    )


def _cleared_book(operator: RecordState, world: int, commodity: int) -> ClearedBook:
    row, outcome = world * COMMODITIES + commodity, operator.outcome
    n = int(operator.book.count[world, commodity])
    orders = np.empty((n, len(ORDER_FIELDS)), np.int64)
    figures = np.empty((4, n), np.int64)
    # int: compiled code takes microseconds to recognise an enum
    kept = _copy_open(
        world, int(commodity), n, operator.offered, operator.accepted, operator.pays,
        operator.reason, *operator.book.columns(), orders, figures,
    )  # fmt: skip
    orders.flags.writeable = False
    figures.flags.writeable = False
    wishes, origin = _wishes(operator, world, commodity, n)
    volume, low, price, high, surplus, case = (
        int(column[row])
        for column in (
            outcome.volume,
            outcome.price_low,
            outcome.price,
            outcome.price_high,
            outcome.surplus,
            outcome.case,
        )
    )
    return ClearedBook(
        orders=orders[:kept],
        offered=figures[0, :kept],
        accepted=figures[1, :kept],
        pays=figures[2, :kept],
        reason=figures[3, :kept],
        volume=volume,
        price_low=low if volume else None,
        price=price if volume else None,
        price_high=high if volume else None,
        surplus=surplus,
        case=Case(case),
        wishes=wishes,
        origin=origin,
    )


def _wishes(operator: RecordState, world: int, commodity: int, n: int) -> tuple[IntArray, IntArray]:
    """Wishes and certificates of the orders in a book, if any of them is special."""
    if not operator.book.reads_wishes:
        return NO_WISHES, NO_ORIGIN
    kept = operator.offered[world, commodity, :n] > 0
    wishes = operator.book.wishes[:, world, commodity, :n].T[kept]
    if (wishes == NO_WISH).all():
        return NO_WISHES, NO_ORIGIN
    row = world * COMMODITIES + commodity
    return _frozen(wishes), _frozen(operator.outcome.origin[row, :n][kept])


@njit(cache=True, nogil=True, _nrt=False)
def _copy_open(  # type: ignore[no-untyped-def]
    w, c, n, offered, accepted, pays, reason, b_id, b_sequence, b_owner, b_side, b_price, b_energy,
    b_unsettled, b_start, b_until, b_priority, b_device, b_cap, orders, figures,
):  # fmt: skip
    """Copy the orders that were in the round's book, as they stood at gate closure."""
    k = 0
    for i in range(n):
        if offered[w, c, i] == 0:
            continue
        orders[k, 0] = b_id[w, c, i]
        orders[k, 1] = b_sequence[w, c, i]
        orders[k, 2] = b_owner[w, c, i]
        orders[k, 3] = b_side[w, c, i]
        orders[k, 4] = b_price[w, c, i]
        orders[k, 5] = b_energy[w, c, i]
        orders[k, 6] = b_unsettled[w, c, i] + accepted[w, c, i]
        orders[k, 7] = b_start[w, c, i]
        orders[k, 8] = b_until[w, c, i]
        orders[k, 9] = b_priority[w, c, i]
        orders[k, 10] = b_device[w, c, i]
        orders[k, 11] = b_cap[w, c, i]
        figures[0, k] = offered[w, c, i]
        figures[1, k] = accepted[w, c, i]
        figures[2, k] = pays[w, c, i]
        figures[3, k] = reason[w, c, i]
        k += 1
    return k


def _frozen(values: IntArray) -> IntArray:
    copy = np.array(values)
    copy.flags.writeable = False
    return copy
