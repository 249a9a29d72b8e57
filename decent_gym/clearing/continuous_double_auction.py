"""Continuous double auction: orders arrive one by one and trade at once, or rest.

In order of arrival (``sequence``), each order trades with the best resting order of the other
side, as long as their limits cross and it has energy left: the best limit first, at equal limits
the lower priority class, then the earlier arrival.  A trade is made at the limit of the *resting*
order.  What is left rests.  The price rule, the tie rule and the seed are not read.

Arrival is that inside the round; what is left of older orders arrived before.

Properties: budget balance to 0 n-euro; individual rationality; no crossing pair is left over.
Volume and welfare depend on who comes first, and are not maximal.

Source: price-time priority as in Gode and Sunder, "Allocative efficiency of markets with
zero-intelligence traders", J. Political Economy 101 (1993); Friedman, "The double auction market
institution", 1993.

>>> from decent_gym.clearing import clear
>>> # asks at 6 and 4 rest; a bid at 7 takes the one at 4, then one at 8 that at 6
>>> result = clear([0, 0, 1, 1], [6, 4, 7, 8], [10] * 4, mechanism="continuous_double_auction")
>>> result.pays.tolist()
[-60, -40, 40, 60]
>>> # the ask comes last: it trades at the limit of the best resting bid
>>> clear([1, 1, 0], [7, 8, 4], [10] * 3, mechanism="continuous_double_auction").price
8
"""

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.rules import Rules
from decent_gym.clearing.totals import write_totals

_BUY = 1


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    heaps = np.empty((3, books.side.shape[1]), np.int64)
    _clear(
        first, last, books.orders, books.side, books.price, books.offered, books.priority,
        books.sequence, *heaps, outcome.accepted, outcome.pays,
    )  # fmt: skip
    write_totals(books, outcome, first, last)


CONTINUOUS_DOUBLE_AUCTION = Mechanism(
    "continuous_double_auction",
    clear_books,
    uniform=False,
    summary="Orders trade one by one as they arrive, at the limit of the order that waited.",
    bar="limit",
)


@njit(cache=True, nogil=True)
def _clear(  # type: ignore[no-untyped-def]
    first, last, count, side, price, offered, priority, sequence, queue, asks, bids, accepted, pays
):
    """`queue`, `asks`, `bids` (M,) are scratch: heaps of slots, the next one at the top."""
    for b in range(first, last):
        for i in range(pays.shape[1]):
            accepted[b, i] = 0
            pays[b, i] = 0
        waiting = 0
        for i in range(count[b]):
            if offered[b, i] > 0:
                waiting = _push(i, queue, waiting, 0, price[b], priority[b], sequence[b])
        n_asks = 0
        n_bids = 0
        while waiting > 0:
            slot = queue[0]
            waiting = _pop(queue, waiting, 0, price[b], priority[b], sequence[b])
            left = offered[b, slot]
            limit = price[b, slot]
            if side[b, slot] == _BUY:
                while left > 0 and n_asks > 0 and price[b, asks[0]] <= limit:
                    rest = asks[0]
                    energy = min(left, offered[b, rest] - accepted[b, rest])
                    _trade(slot, rest, energy, energy * price[b, rest], accepted[b], pays[b])
                    left -= energy
                    if accepted[b, rest] == offered[b, rest]:
                        n_asks = _pop(asks, n_asks, 1, price[b], priority[b], sequence[b])
                if left > 0:
                    n_bids = _push(slot, bids, n_bids, -1, price[b], priority[b], sequence[b])
            else:
                while left > 0 and n_bids > 0 and price[b, bids[0]] >= limit:
                    rest = bids[0]
                    energy = min(left, offered[b, rest] - accepted[b, rest])
                    _trade(rest, slot, energy, energy * price[b, rest], accepted[b], pays[b])
                    left -= energy
                    if accepted[b, rest] == offered[b, rest]:
                        n_bids = _pop(bids, n_bids, -1, price[b], priority[b], sequence[b])
                if left > 0:
                    n_asks = _push(slot, asks, n_asks, 1, price[b], priority[b], sequence[b])


@njit(cache=True, nogil=True)
def _trade(buyer, seller, energy, paid, accepted, pays):  # type: ignore[no-untyped-def]
    accepted[buyer] += energy
    accepted[seller] += energy
    pays[buyer] += paid
    pays[seller] -= paid


@njit(cache=True, nogil=True)
def _push(slot, heap, n, sign, price, priority, sequence):  # type: ignore[no-untyped-def]
    at = n
    while at > 0:
        parent = (at - 1) // 2
        if not _before(slot, heap[parent], sign, price, priority, sequence):
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = slot
    return n + 1


@njit(cache=True, nogil=True)
def _pop(heap, n, sign, price, priority, sequence):  # type: ignore[no-untyped-def]
    """Take the top away; returns how many are left."""
    n -= 1
    moved = heap[n]
    at = 0
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and _before(heap[child + 1], heap[child], sign, price, priority, sequence):
            child += 1
        if not _before(heap[child], moved, sign, price, priority, sequence):
            break
        heap[at] = heap[child]
        at = child
    heap[at] = moved
    return n


@njit(cache=True, nogil=True)
def _before(i, j, sign, price, priority, sequence):  # type: ignore[no-untyped-def]
    """By arrival alone for sign 0; else asks (1) from low to high, bids (-1) from high to low."""
    if sign != 0:
        if price[i] != price[j]:
            return sign * price[i] < sign * price[j]
        if priority[i] != priority[j]:
            return priority[i] < priority[j]
    return sequence[i] < sequence[j]
