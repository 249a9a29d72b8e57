"""Books cleared at a price that no offer moves: a stage that the price-taking mechanisms share.

What both sides offer in total meets: the shorter side trades all of its energy, the longer side in
proportion to what each order offers.  Limits are not looked at.  All pay or get the same money per
Wh.  Where energy or money does not split into whole Wh or n-euro, the largest remainders get one
more, at equal remainders the earlier arrival.

A community price is often described as a blend: what the longer side cannot trade inside, it
trades with the grid.  Here the book holds the inner part; the blend is complete once the utility
has served the rest at its tariffs (``utility="residual"``).
"""

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.totals import write_totals
from decent_gym.units import IntArray

_SELL = 0
_BUY = 1


def totals_offered(books: Books, first: int, last: int) -> tuple[IntArray, IntArray]:
    """Supply and demand of the books ``first <= b < last``, each int64 Wh (R,)."""
    offered = np.empty((2, last - first), np.int64)
    _sum(first, last, books.orders, books.side, books.offered, offered)
    return offered[_SELL], offered[_BUY]


def clear_at(books: Books, outcome: Outcome, money: IntArray, first: int, last: int) -> None:
    """Trade the shorter side's energy for `money`, and write every entry of the rows.

    Parameters
    ----------
    money : int64 n-euro (R,)
        What the buyers of book ``first + r`` pay in total, and its sellers get.
    """
    keys = np.empty(books.side.shape[1], np.int64)
    _clear(
        first, last, books.orders, books.side, books.offered, books.sequence, money, keys,
        outcome.accepted, outcome.pays,
    )  # fmt: skip
    write_totals(books, outcome, first, last)


@njit(cache=True, nogil=True)
def _sum(first, last, count, side, offered, out):  # type: ignore[no-untyped-def]
    for b in range(first, last):
        out[_SELL, b - first] = 0
        out[_BUY, b - first] = 0
        for i in range(count[b]):
            out[side[b, i], b - first] += offered[b, i]


@njit(cache=True, nogil=True)
def _clear(first, last, count, side, offered, sequence, money, keys, accepted, pays):  # type: ignore[no-untyped-def]
    for b in range(first, last):
        n = count[b]
        supply = 0
        demand = 0
        for i in range(n):
            if side[b, i] == _BUY:
                demand += offered[b, i]
            else:
                supply += offered[b, i]
        volume = min(supply, demand)
        if volume == 0:
            for i in range(n):
                accepted[b, i] = 0
                pays[b, i] = 0
            continue
        each = money[b - first] // volume
        rest = money[b - first] - each * volume
        for which in range(2):
            total = demand if which == _BUY else supply
            _share(n, which, volume, total, side[b], offered[b], sequence[b], keys, accepted[b])
            _share(n, which, rest, volume, side[b], accepted[b], sequence[b], keys, pays[b])
            for i in range(n):
                if side[b, i] == which:
                    paid = pays[b, i] + each * accepted[b, i]
                    pays[b, i] = paid if which == _BUY else -paid


@njit(cache=True, nogil=True)
def _share(n, which, amount, total, side, weight, sequence, keys, out):  # type: ignore[no-untyped-def]
    """Share `amount` <= `total`, the sum of one side's weights, by weight: largest remainder."""
    left = amount
    high = 0
    for i in range(n):
        keys[i] = -1
        if side[i] == which:
            product = weight[i] * amount
            out[i] = product // total
            keys[i] = product - out[i] * total
            left -= out[i]
            high = max(high, keys[i])
    if left == 0:
        return
    low = 1
    while low < high:  # the largest remainder that at least `left` orders reach
        middle = low + (high - low + 1) // 2
        reach = 0
        for i in range(n):
            reach += 1 if keys[i] >= middle else 0
        if reach >= left:
            low = middle
        else:
            high = middle - 1
    latest = 0
    for i in range(n):
        if keys[i] > low:
            out[i] += 1
            left -= 1
        elif keys[i] == low:
            latest = max(latest, sequence[i])
    first = 0
    while first < latest:  # the earliest `left` of those at that remainder
        middle = first + (latest - first) // 2
        reach = 0
        for i in range(n):
            reach += 1 if keys[i] == low and sequence[i] <= middle else 0
        if reach >= left:
            latest = middle
        else:
            first = middle + 1
    for i in range(n):
        if keys[i] == low and sequence[i] <= first:
            out[i] += 1
