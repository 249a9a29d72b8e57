"""MUDA: two half markets, each trading at the price of the other; the longer side by Vickrey.

Every organization falls into one of two halves by lot.  Each half finds its own price: that of the
order which its efficient allocation fills in part, or, if none is, between the last accepted ask
and the last accepted bid (their mean by default: the price rule).  A half without a trade has a
price between its best bid and its best ask, or the best of the only side there is; an empty one has
none, and the other half does not trade.

Each half then trades at the price p of the *other*: buyers with limits of at least p, sellers with
limits of at most p.  The shorter side trades in full at p.  On the longer side the best limits
trade, and every organization pays for those it displaces: for x Wh at p, plus the gains that the
next x Wh of the others would have made at p.  These fees are what the operator keeps.

Properties: truthful whatever the lot, for divisible offers and for organizations with several
offers on one side; individually rational; no deficit; close to efficient in large markets, poor in
small ones.  Ties rank by priority, then arrival, or by lot under ``random``.

Source: Segal-Halevi, Hassidim and Aumann, "MUDA: a truthful multi-unit double-auction mechanism",
AAAI 2018, with Vickrey's auction on the longer side; prices of the halves as in pymarket's version.

>>> from decent_gym.clearing import clear
>>> side, limits = [1, 1, 1, 1, 0, 0, 0, 0], [9, 8, 7, 6, 2, 3, 4, 5]
>>> result = clear(side, limits, [1] * 8, mechanism="muda", seed=5)
>>> result.pays.tolist(), result.surplus
([5, 6, 5, 0, -5, -5, -5, 0], 1)
"""

from typing import Final

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.ranking import merit_ranking
from decent_gym.clearing.rules import Rules
from decent_gym.clearing.totals import write_totals
from decent_gym.units import IntArray

_SELL = 0
_BUY = 1
_NO_PRICE = 2**62
_HALVES: Final = 2
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30 = np.uint64(30)
_S27 = np.uint64(27)
_S63 = np.uint64(63)


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    half = np.zeros((last - first, books.side.shape[1]), np.int64)
    with np.errstate(over="ignore"):  # wraps on purpose; numpy warns of it if the JIT is off
        _split(first, last, books.orders, books.owner, books.lottery, half)
    clear_halves(books, rules, outcome, first, last, half)


def clear_halves(
    books: Books, rules: Rules, outcome: Outcome, first: int, last: int, half: IntArray
) -> None:
    """As :func:`clear_books`, with the halves given: 0 or 1 by slot, int64 (R, M)."""
    rows = last - first
    part = Books(*(column[first:last] for column in books))
    result = Outcome(*(column[first:last] for column in outcome))
    result.accepted[:] = 0
    result.pays[:] = 0
    _, num, den = rules.codes
    ranked = []
    prices = np.empty((_HALVES, rows), np.int64)
    for h in range(_HALVES):
        ranked.append(
            merit_ranking(part._replace(offered=part.offered * (half == h)), rules, 0, rows)
        )
        ranking = ranked[h]
        _price(
            rows, num, den, ranking.counts, ranking.margins, ranking.asks, ranking.bids,
            part.price, part.offered, prices[h],
        )  # fmt: skip
    for h, ranking in enumerate(ranked):
        _trade(
            rows, ranking.counts, ranking.asks, ranking.bids, prices[1 - h], part.price,
            part.offered, part.sequence, part.owner, result.accepted, result.pays,
        )  # fmt: skip
    write_totals(books, outcome, first, last)


MUDA = Mechanism(
    "muda",
    clear_books,
    uniform=False,
    summary="Truthful: two halves drawn by lot trade at each other's price, the rest by Vickrey.",
    members_only=True,
    draws=True,
    budget="surplus",
    truthful="several",
)


@njit(cache=True, nogil=True)
def _split(first, last, count, owner, lottery, half):  # type: ignore[no-untyped-def]
    """A fair coin for every owner, keyed by the book's lottery."""
    for b in range(first, last):
        for i in range(count[b]):
            key = (np.uint64(owner[b, i]) + np.uint64(1)) * _GOLDEN ^ np.uint64(lottery[b])
            key = (key ^ (key >> _S30)) * _FIRST
            key = (key ^ (key >> _S27)) * _SECOND
            half[b - first, i] = np.int64(key >> _S63)


@njit(cache=True, nogil=True)
def _price(rows, num, den, counts, margins, asks, bids, limit, offered, price):  # type: ignore[no-untyped-def]
    """The price that each half market finds for the other."""
    for r in range(rows):
        n_asks, n_bids = counts[r, 0], counts[r, 1]
        sellers, buyers, volume = margins[r, 0], margins[r, 1], margins[r, 2]
        if volume > 0:
            low = limit[r, asks[r, sellers - 1]]
            high = limit[r, bids[r, buyers - 1]]
            if _energy(sellers, asks[r], offered[r]) > volume:
                high = low
            elif _energy(buyers, bids[r], offered[r]) > volume:
                low = high
        elif n_asks > 0 and n_bids > 0:
            low = limit[r, bids[r, 0]]
            high = limit[r, asks[r, 0]]
        elif n_asks > 0 or n_bids > 0:
            low = limit[r, asks[r, 0]] if n_asks > 0 else limit[r, bids[r, 0]]
            high = low
        else:
            low = _NO_PRICE
            high = _NO_PRICE
        price[r] = low + num * (high - low) // den


@njit(cache=True, nogil=True)
def _energy(n, ranked, offered):  # type: ignore[no-untyped-def]
    total = 0
    for j in range(n):
        total += offered[ranked[j]]
    return total


@njit(cache=True, nogil=True)
def _trade(rows, counts, asks, bids, price, limit, offered, sequence, owner, accepted, pays):  # type: ignore[no-untyped-def]
    """Trade every row at a price from elsewhere; the longer side pays for whom it displaces."""
    keys = np.empty(limit.shape[1], np.int64)
    for r in range(rows):
        p = price[r]
        if p == _NO_PRICE:
            continue
        n_asks = 0
        while n_asks < counts[r, 0] and limit[r, asks[r, n_asks]] <= p:
            n_asks += 1
        n_bids = 0
        while n_bids < counts[r, 1] and limit[r, bids[r, n_bids]] >= p:
            n_bids += 1
        supply = _energy(n_asks, asks[r], offered[r])
        demand = _energy(n_bids, bids[r], offered[r])
        volume = min(supply, demand)
        _fill(n_asks, volume, -p, asks[r], offered[r], accepted[r], pays[r])
        _fill(n_bids, volume, p, bids[r], offered[r], accepted[r], pays[r])
        if supply > demand:
            _charge(
                n_asks, p, asks[r], limit[r], offered[r], sequence[r], owner[r], keys, accepted[r],
                pays[r],
            )  # fmt: skip
        elif demand > supply:
            _charge(
                n_bids, p, bids[r], limit[r], offered[r], sequence[r], owner[r], keys, accepted[r],
                pays[r],
            )  # fmt: skip


@njit(cache=True, nogil=True)
def _fill(n, volume, price, ranked, offered, accepted, pays):  # type: ignore[no-untyped-def]
    for j in range(n):
        slot = ranked[j]
        accepted[slot] = min(volume, offered[slot])
        pays[slot] = accepted[slot] * price
        volume -= accepted[slot]


@njit(cache=True, nogil=True)
def _charge(n, price, ranked, limit, offered, sequence, owner, keys, accepted, pays):  # type: ignore[no-untyped-def]
    """Add to what each organization pays the gains of those that it displaces."""
    for j in range(n):
        if accepted[ranked[j]] == 0:
            break
        who = owner[ranked[j]]
        known = False
        for i in range(j):
            known |= owner[ranked[i]] == who
        if known:
            continue
        energy = 0
        for i in range(j, n):
            if owner[ranked[i]] == who:
                energy += accepted[ranked[i]]
        fee = 0
        left = energy
        for i in range(n):
            slot = ranked[i]
            if owner[slot] != who:
                displaced = min(left, offered[slot] - accepted[slot])
                fee += displaced * abs(limit[slot] - price)
                left -= displaced
        _share(j, n, who, fee, energy, ranked, sequence, owner, keys, accepted, pays)


@njit(cache=True, nogil=True)
def _share(first, n, who, fee, energy, ranked, sequence, owner, keys, accepted, pays):  # type: ignore[no-untyped-def]
    """Share the fee of one owner among its orders by energy: largest remainder."""
    each = fee // energy
    rest = fee - each * energy
    left = fee
    for j in range(first, n):
        slot = ranked[j]
        keys[slot] = -1
        if owner[slot] == who and accepted[slot] > 0:
            part = rest * accepted[slot] // energy
            keys[slot] = rest * accepted[slot] - part * energy
            pays[slot] += each * accepted[slot] + part
            left -= each * accepted[slot] + part
    while left > 0:
        best = ranked[first]
        for j in range(first, n):
            slot = ranked[j]
            if keys[slot] > keys[best] or (
                keys[slot] == keys[best] and sequence[slot] < sequence[best]
            ):
                best = slot
        keys[best] = -1
        pays[best] += 1
        left -= 1
