"""The orders of every book in merit order, side by side: a stage that mechanisms share.

Bids from high to low, asks from low to high; equal limits by priority class (the lower one
first), then by order of arrival, or by lot under the tie rule ``random``.  No two orders rank
equally, so a permuted book ranks in the permuted way.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books
from decent_gym.clearing.rules import Rules
from decent_gym.units import IntArray

_BUY = 1
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_SIGN = np.uint64(0x8000000000000000)
_S30 = np.uint64(30)
_S27 = np.uint64(27)
_S31 = np.uint64(31)


class Ranking(NamedTuple):
    """Slots in merit order; row r is the book ``first + r``.

    Attributes
    ----------
    counts : int64 (R, 2)
        How many asks and bids the book holds (orders with energy).
    asks, bids : int64 (R, M)
        Their slots, best first.
    lots : int64 (R, M)
        A ticket for every slot, lower ones drawn first: from the lottery and the order of arrival.
    """

    counts: IntArray
    asks: IntArray
    bids: IntArray
    lots: IntArray


def merit_ranking(books: Books, rules: Rules, first: int, last: int) -> Ranking:
    """Rank the books ``first <= b < last``."""
    rows, slots = last - first, books.side.shape[1]
    ranking = Ranking(
        np.empty((rows, 2), np.int64), *(np.empty((rows, slots), np.int64) for _ in range(3))
    )
    with np.errstate(over="ignore"):  # the lottery wraps on purpose; numpy warns if the JIT is off
        _rank(
            first, last, rules.tie_rule == "random", books.orders, books.side, books.price,
            books.offered, books.priority, books.sequence, books.lottery, *ranking,
        )  # fmt: skip
    return ranking


@njit(cache=True, nogil=True)
def _rank(  # type: ignore[no-untyped-def]
    first, last, by_lot, count, side, price, offered, priority, sequence, lottery, counts, asks,
    bids, lots,
):  # fmt: skip
    for b in range(first, last):
        r = b - first
        n_asks = 0
        n_bids = 0
        for i in range(count[b]):
            lots[r, i] = _ticket(sequence[b, i], lottery[b])
            if offered[b, i] == 0:
                continue
            if side[b, i] == _BUY:
                bids[r, n_bids] = i
                n_bids += 1
            else:
                asks[r, n_asks] = i
                n_asks += 1
        counts[r, 0] = n_asks
        counts[r, 1] = n_bids
        arrival = lots[r] if by_lot else sequence[b]
        _sort(asks[r], n_asks, 1, price[b], priority[b], arrival)
        _sort(bids[r], n_bids, -1, price[b], priority[b], arrival)


@njit(cache=True, nogil=True)
def _sort(slots, n, sign, price, priority, arrival):  # type: ignore[no-untyped-def]
    """Heapsort the first `n` of `slots` in place."""
    for start in range(n // 2 - 1, -1, -1):
        _sink(slots, start, n, sign, price, priority, arrival)
    for end in range(n - 1, 0, -1):
        slots[0], slots[end] = slots[end], slots[0]
        _sink(slots, 0, end, sign, price, priority, arrival)


@njit(cache=True, nogil=True)
def _sink(slots, at, n, sign, price, priority, arrival):  # type: ignore[no-untyped-def]
    moved = slots[at]
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and _before(
            slots[child], slots[child + 1], sign, price, priority, arrival
        ):
            child += 1
        if not _before(moved, slots[child], sign, price, priority, arrival):
            break
        slots[at] = slots[child]
        at = child
    slots[at] = moved


@njit(cache=True, nogil=True)
def _before(i, j, sign, price, priority, arrival):  # type: ignore[no-untyped-def]
    if price[i] != price[j]:
        return sign * price[i] < sign * price[j]
    if priority[i] != priority[j]:
        return priority[i] < priority[j]
    return arrival[i] < arrival[j]


@njit(cache=True, nogil=True)
def _ticket(sequence, lottery):  # type: ignore[no-untyped-def]
    """A bijective mix of the sequence (SplitMix64's finaliser), ordered as unsigned."""
    key = np.uint64(sequence) ^ np.uint64(lottery)
    key = (key ^ (key >> _S30)) * _FIRST
    key = (key ^ (key >> _S27)) * _SECOND
    key = key ^ (key >> _S31)
    return np.int64(key ^ _SIGN)
