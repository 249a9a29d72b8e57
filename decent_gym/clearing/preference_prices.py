"""Which of the optimal prices is taken in a book with wishes, what everybody pays, certificates.

One price per product; the base is the product that everybody may sell and take, plain energy.  The
prices of products that trade are as close to the base as they can be: first as little above it,
then as little below it (energy reserved for one buyer can be cheaper).  The higher the base, the
closer are all those above it, and the lower, the closer those below: so no spread is traded against
another, and the base prices at which they are least form an interval.  The base takes the place in
it that the price rule says.  Products that nobody trades have no say: a bid for green energy where
there is none could else move everybody's price.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.preference_products import Products
from decent_gym.clearing.preference_shares import Deliveries
from decent_gym.clearing.rules import Rules
from decent_gym.units import IntArray

_BUY = 1
_TYPES = 4
_BEYOND = 2**62


class Base(NamedTuple):
    """The interval of base prices; row r is the book ``first + r``.

    Attributes
    ----------
    low, high : int64 micro-euro per kWh (R,)
    single : int64 (R,)
        1 if everything trades at the base price.
    """

    low: IntArray
    high: IntArray
    single: IntArray


def price_all(
    books: Books,
    rules: Rules,
    products: Products,
    bounds: IntArray,
    deliveries: Deliveries,
    outcome: Outcome,
    first: int,
    last: int,
) -> Base:
    """Write what every order of the books that have wishes pays, its certificates and its bar."""
    rows, slots, most = last - first, books.side.shape[1], products.above.shape[1]
    base = Base(*(np.zeros(rows, np.int64) for _ in range(3)))
    _, num, den = rules.codes
    _price_all(
        first, last, num, den, books.orders, books.side, books.price, books.sequence,
        books.attributes, *products, bounds, *deliveries,
        np.empty(slots, np.int64), np.empty((3, most), np.int64),
        np.empty((most, _TYPES), np.int64), *base, outcome.accepted, outcome.pays, outcome.origin,
        outcome.bar,
    )  # fmt: skip
    return base


@njit(cache=True, nogil=True, _nrt=False)
def _price_all(  # type: ignore[no-untyped-def]
    first, last, num, den, count, side, price, sequence, attributes, counts, above, product,
    plain, value, bounds, taker, flow, as_wished, queue, by_product, pool, low, high, single,
    accepted, pays, origin, bar,
):  # fmt: skip
    prices, trades, other = by_product[0], by_product[1], by_product[2]
    certified = origin.shape[0] > 0
    for b in range(first, last):
        r = b - first
        n, m = count[b], counts[r]
        if m == 0:
            continue
        for p in range(m):
            trades[p] = 0
            other[p] = -1
            for kind in range(_TYPES):
                pool[p, kind] = 0
        buys = 0
        for i in range(n):
            pays[b, i] = 0
            if accepted[b, i] == 0:
                continue
            if side[b, i] != _BUY:
                pool[product[r, i], attributes[b, i]] += accepted[b, i]
                continue
            if taker[r, i] >= m:
                other[product[r, i]] = plain[r, i]
            _queue_up(i, buys, sequence[b], queue)
            buys += 1
        for p in range(m):
            for q in range(2 * m):
                if flow[r, p, q] > 0:
                    trades[p] = 1
                    trades[_taken_as(q, m, as_wished[r, p, q], other)] = 1
        low[r], high[r] = _base(m, trades, bounds[r])
        prices[0] = low[r] + num * (high[r] - low[r]) // den
        single[r] = _nearest(m, trades, bounds[r], prices)
        if bar.shape[0] > 0:
            for i in range(n):
                bar[b, i] = _bar(m, side[b, i], value[r, i] - price[b, i], product[r, i],
                                 plain[r, i], trades, above[r], prices)  # fmt: skip
        for i in range(n):
            if side[b, i] != _BUY and accepted[b, i] > 0:
                pays[b, i] = -accepted[b, i] * prices[product[r, i]]
        if certified:
            for i in range(origin.shape[1]):
                for kind in range(_TYPES):
                    origin[b, i, kind] = 0
                if i < n and side[b, i] != _BUY:
                    origin[b, i, attributes[b, i]] = accepted[b, i]
        for j in range(buys):
            i = queue[j]
            q = taker[r, i]
            left = accepted[b, i]
            for p in range(m):
                part = min(left, flow[r, p, q])
                if part == 0:
                    continue
                flow[r, p, q] -= part
                left -= part
                pays[b, i] += part * prices[_taken_as(q, m, as_wished[r, p, q], other)]
                if certified:
                    _take(part, pool[p], origin[b, i])


def certify_plain(
    books: Books, products: Products, outcome: Outcome, first: int, last: int
) -> None:
    """Write the certificates of the books in which no wish makes a difference."""
    _certify_plain(
        first, last, products.counts, books.orders, books.side, books.sequence, books.attributes,
        outcome.accepted, np.empty(books.side.shape[1], np.int64), np.empty(_TYPES, np.int64),
        outcome.origin,
    )  # fmt: skip


@njit(cache=True, nogil=True, _nrt=False)
def _certify_plain(  # type: ignore[no-untyped-def]
    first, last, counts, count, side, sequence, attributes, accepted, queue, pool, origin
):
    for b in range(first, last):
        if counts[b - first] > 0:
            continue
        for i in range(origin.shape[1]):
            for kind in range(_TYPES):
                origin[b, i, kind] = 0
        for kind in range(_TYPES):
            pool[kind] = 0
        buys = 0
        for i in range(count[b]):
            if accepted[b, i] == 0:
                continue
            if side[b, i] == _BUY:
                _queue_up(i, buys, sequence[b], queue)
                buys += 1
            else:
                pool[attributes[b, i]] += accepted[b, i]
                origin[b, i, attributes[b, i]] = accepted[b, i]
        for j in range(buys):
            i = queue[j]
            _take(accepted[b, i], pool, origin[b, i])


@njit(cache=True, nogil=True, _nrt=False)
def _queue_up(i, waiting, sequence, queue):  # type: ignore[no-untyped-def]
    """Put `i` among those waiting, by sequence; mostly it is the last."""
    at = waiting
    while at > 0 and sequence[queue[at - 1]] > sequence[i]:
        queue[at] = queue[at - 1]
        at -= 1
    queue[at] = i


@njit(cache=True, nogil=True, _nrt=False)
def _take(part, pool, certificates):  # type: ignore[no-untyped-def]
    """Move so much out of the pool, the plainest first."""
    for kind in range(_TYPES):
        piece = min(part, pool[kind])
        pool[kind] -= piece
        part -= piece
        certificates[kind] += piece


@njit(cache=True, nogil=True, _nrt=False)
def _bar(m, side, extra, product, plain, trades, above, prices):  # type: ignore[no-untyped-def]
    """The price of what an order could have traded: a bid's least, an ask's most."""
    bar = _BEYOND if side == _BUY else -_BEYOND
    for q in range(m):
        if trades[q] == 0:
            continue
        if side != _BUY:
            if q == product or above[product, q] > 0:
                bar = max(bar, prices[q])
            continue
        if q == product or above[q, product] > 0:
            bar = min(bar, prices[q] - extra)
        if plain >= 0 and (q == plain or above[q, plain] > 0):
            bar = min(bar, prices[q])
    return bar


@njit(cache=True, nogil=True, _nrt=False)
def _taken_as(q, m, wished, other):  # type: ignore[no-untyped-def]
    """The product that a taker takes."""
    if q < m:
        return q
    return q - m if wished > 0 else other[q - m]


@njit(cache=True, nogil=True, _nrt=False)
def _base(m, trades, bounds):  # type: ignore[no-untyped-def]
    """Base prices at which the products that trade are as close to the base as they can be.

    Tightens `bounds` by that.
    """
    for p in range(1, m):
        if trades[p] > 0:  # above the base: closest where it is highest
            least = max(0, -bounds[m, p] - bounds[0, m], -bounds[0, p])
            _hold(m, p, 0, least, bounds)
    for p in range(1, m):
        if trades[p] > 0:  # below the base: closest where it is lowest
            least = max(0, -bounds[m, 0] - bounds[p, m], -bounds[p, 0])
            _hold(m, 0, p, least, bounds)
    return -bounds[m, 0], bounds[0, m]


@njit(cache=True, nogil=True, _nrt=False)
def _hold(m, p, q, most, bounds):  # type: ignore[no-untyped-def]
    """Let `p` cost at most `most` more than `q`."""
    if most >= bounds[p, q]:
        return
    for u in range(m + 1):
        reach = bounds[u, p] + most
        for v in range(m + 1):
            bounds[u, v] = min(bounds[u, v], reach + bounds[q, v])


@njit(cache=True, nogil=True, _nrt=False)
def _nearest(m, trades, bounds, prices):  # type: ignore[no-untyped-def]
    """Price the products one after the other, those that trade; 1 if all cost the same."""
    same = 1
    for p in range(1, m):
        if trades[p] == 0:
            continue
        low = -bounds[m, p]
        high = bounds[p, m]
        for q in range(p):
            if q == 0 or trades[q] > 0:
                low = max(low, prices[q] - bounds[q, p])
                high = min(high, prices[q] + bounds[p, q])
        prices[p] = min(max(prices[0], low), high)
        if prices[p] != prices[0]:
            same = 0
    return same
