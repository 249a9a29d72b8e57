"""The joint clearing of a district's two books: from orders and conversions to an outcome.

The rows of a batch of :class:`Books` are electricity and heat of world 0, of world 1, and so on;
each pair is one problem.  A pair that joint clearing cannot do in 64-bit integers (conversions
alone would push a price beyond all sense) is cleared as two separate books instead, and its
conversions stand still: nobody can void a round for the others.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.coupled_problems import DONE, Problems
from decent_gym.clearing.merit_order import clear_books
from decent_gym.clearing.rules import Rules
from decent_gym.units import IntArray

_BUY = 1
_BEYOND = 2**62
_DONE = 0
_NONE, _EXACT, _MARGINAL_SELL, _MARGINAL_BUY = 0, 1, 2, 3
_MILLI = 1_000


class ConversionRows(NamedTuple):
    """The conversions of W worlds, at most K each; int64, C-contiguous.

    ``number`` is (W,), how many there are; the others (W, K): owner's account, electricity and
    heat per 1000 of activity, cost in micro-euro per kWh of activity, most activity in Wh, group
    label of its owner or -1.  Rows of one owner's group stand together.
    """

    number: IntArray
    owner: IntArray
    electricity: IntArray
    heat: IntArray
    cost: IntArray
    most: IntArray
    group: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """What the joint clearing of W worlds works in: the problems, and their orders' commodity."""

    problems: Problems
    commodity: IntArray

    @classmethod
    def empty(cls, worlds: int, slots: int, conversions: int) -> "Room":
        """Room for books of `slots` orders and so many conversions in each world."""
        commodity = np.zeros((worlds, 2 * slots), np.int64)
        commodity[:, slots:] = 1
        return cls(Problems.empty(worlds, 2 * slots, conversions), commodity)


def clear_together(
    books: Books,
    conversions: ConversionRows,
    rules: Rules,
    room: Room,
    outcome: Outcome,
    first: int,
    last: int,
) -> None:
    """Clear both books of the worlds ``first <= w < last`` jointly.

    Writes every entry of their rows of `outcome`, and ``activity``, ``delivered`` and ``earns`` of
    ``room.problems``.

    Parameters
    ----------
    books : Books, rows ``2 w`` electricity, ``2 w + 1`` heat
    conversions : ConversionRows
    rules : Rules
        Of the separate clearing that a problem too big falls back on.
    room : Room
        For these worlds, slots and at least K conversions.
    outcome : Outcome
    """
    problems, wide = room.problems, room.commodity.shape
    write_rows(first, last, *conversions, problems.rows)
    problems.clear(
        books.side.reshape(wide), room.commodity, books.price.reshape(wide),
        books.offered.reshape(wide), books.priority.reshape(wide), first, last,
    )  # fmt: skip
    write_outcome(
        first, last, books.orders, books.side, books.price, books.offered, problems.accepted,
        problems.pays, problems.at, problems.bounds, problems.bounded, problems.volume,
        problems.status, *outcome[:8],
    )  # fmt: skip
    for world in first + np.flatnonzero(problems.status[first:last] != DONE):
        clear_books(books, rules, outcome, 2 * int(world), 2 * int(world) + 2)
        problems.activity[world] = 0
        problems.delivered[world] = 0
        problems.earns[world] = 0


@njit(cache=True, nogil=True, _nrt=False)
def write_rows(  # type: ignore[no-untyped-def]
    first, last, count, owner, electricity, heat, cost, most, group, rows
):
    """Fill the rows (W, K, 5) of the problems; see :class:`Problems`."""
    for w in range(first, last):
        n = count[w]
        for k in range(n):
            rows[w, k, 0] = electricity[w, k]
            rows[w, k, 1] = heat[w, k]
            rows[w, k, 2] = cost[w, k] * _MILLI
            rows[w, k, 3] = most[w, k]
        end = n
        for k in range(n - 1, -1, -1):
            same = (
                k + 1 < n
                and group[w, k] >= 0
                and group[w, k] == group[w, k + 1]
                and owner[w, k] == owner[w, k + 1]
            )
            end = end if same else k + 1
            rows[w, k, 4] = end
        for k in range(n, rows.shape[1]):
            rows[w, k, 0] = 0
            rows[w, k, 1] = 0
            rows[w, k, 2] = 0
            rows[w, k, 3] = 0
            rows[w, k, 4] = k + 1


@njit(cache=True, nogil=True, _nrt=False)
def write_outcome(  # type: ignore[no-untyped-def]
    first, last, orders, side, price, offered, found, money, at, bounds, bounded, volumes, status,
    accepted, pays, price_low, prices, price_high, volume, surplus, case,
):  # fmt: skip
    """Write the outcome of both books of each world; see :class:`Outcome` for what is written.

    An end of the interval that has no bound is the price itself.  The case says on which side
    the worst limit accepted was rationed; if on both, the sellers'.
    """
    slots = side.shape[1]
    for w in range(first, last):
        for m in range(2):
            b = 2 * w + m
            filled = status[w] == _DONE and volumes[w, m] > 0
            for i in range(slots):
                accepted[b, i] = found[w, m * slots + i] if filled else 0
                pays[b, i] = money[w, m * slots + i] if filled else 0
            volume[b] = volumes[w, m] if filled else 0
            surplus[b] = 0
            case[b] = _NONE
            price_low[b], prices[b], price_high[b] = 0, 0, 0
            if not filled:
                continue
            prices[b] = at[w, 2 * m]
            price_low[b] = bounds[w, m, 0] if bounded[w, m, 0] else prices[b]
            price_high[b] = bounds[w, m, 1] if bounded[w, m, 1] else prices[b]
            worst_bid, worst_ask = _BEYOND, -_BEYOND
            for i in range(orders[b]):
                if accepted[b, i] > 0 and side[b, i] == _BUY:
                    worst_bid = min(worst_bid, price[b, i])
                elif accepted[b, i] > 0:
                    worst_ask = max(worst_ask, price[b, i])
            case[b] = _EXACT
            for i in range(orders[b]):
                if accepted[b, i] < offered[b, i]:
                    if side[b, i] == _BUY and price[b, i] == worst_bid:
                        case[b] = _MARGINAL_BUY
                    elif side[b, i] != _BUY and price[b, i] == worst_ask:
                        case[b] = _MARGINAL_SELL
                        break
