"""The welfare optimum of books with wishes, as what it says about prices.

Maximal welfare is a flow of greatest value from asks through products to bids.  It is found by
successive best augmentations: from an open ask, down to lesser products, back along what flows
already, across soft wishes that may swap their two products, to an open bid; the best path first,
among equally good ones the shortest (so that equal energies cannot bounce about), as long as a path
gains or costs nothing (equal limits trade).

The optimal prices are those that no order, no flow and no swap contradicts: differences between
products, or between a product and 0, are bounded.  All-pairs shortest paths tighten these bounds,
after which they describe the set of optimal prices exactly.  All is integral because the programme
is a network's.

Source: successive shortest paths and optimal potentials, Ahuja, Magnanti and Orlin, *Network Flows*
(1993), chapter 9; sets of optimal prices that are closed under minimum and maximum: Murota,
*Discrete Convex Analysis* (2003).
"""

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books
from decent_gym.clearing.preference_products import Products
from decent_gym.units import IntArray

_BUY = 1
_FAR = 2**62
_HOP_BITS = 20  # a path's length below its cost
_WIDEST = 2 * 10**8  # beyond every limit
_SOURCE = -2
_ARC = -1


def optimal_prices(
    books: Books, products: Products, first: int, last: int
) -> tuple[IntArray, IntArray]:
    """What bounds the prices of the books that have wishes, and the volumes of these books.

    Returns
    -------
    int64 micro-euro per kWh (R, K + 1, K + 1)
        The most by which the first product may cost more than the second; index ``counts[r]``
        stands for a price of 0.
    int64 Wh (R,)
    """
    rows, slots, most = last - first, books.side.shape[1], products.above.shape[1]
    bounds = np.empty((rows, most + 1, most + 1), np.int64)
    volume = np.zeros(rows, np.int64)
    _solve(
        first, last, books.orders, books.side, books.price, books.offered, *products,
        np.empty((3, slots), np.int64), np.empty((5, most), np.int64),
        np.empty((most, most), np.int64), bounds, volume,
    )  # fmt: skip
    return bounds, volume


@njit(cache=True, nogil=True, _nrt=False)
def _solve(  # type: ignore[no-untyped-def]
    first, last, count, side, price, offered, counts, above, product, plain, value, by_order,
    by_product, flow, bounds, volume,
):  # fmt: skip
    for b in range(first, last):
        r = b - first
        m = counts[r]
        if m > 0:
            volume[r] = _flow(
                count[b], m, side[b], price[b], offered[b], above[r], product[r], plain[r],
                value[r], by_order, by_product, flow,
            )  # fmt: skip
            _bound(
                count[b], m, side[b], price[b], offered[b], above[r], product[r], plain[r],
                value[r], by_order, flow, bounds[r],
            )  # fmt: skip
            _tighten(m + 1, bounds[r])


@njit(cache=True, nogil=True, _nrt=False)
def _flow(  # type: ignore[no-untyped-def]
    n, m, side, price, offered, above, product, plain, value, by_order, by_product, flow
):
    """Write what every order trades, and of it as wished for, and what flows down; the volume."""
    taken, wished, soft = by_order[0], by_order[1], by_order[2]
    asks, bids, distance = by_product[0], by_product[1], by_product[2]
    before, how = by_product[3], by_product[4]
    for p in range(m):
        asks[p] = _cheapest(p, n, side, price, offered, product, taken, True)
        bids[p] = _dearest(p, n, side, price, offered, product, plain, value, taken, True)
        for q in range(m):
            flow[p, q] = 0
    n_soft = 0
    for i in range(n):
        taken[i] = 0
        wished[i] = 0
        if offered[i] > 0 and plain[i] >= 0:
            soft[n_soft] = i
            n_soft += 1
    volume = 0
    while True:
        _search(
            m, n_soft, price, above, product, plain, value, taken, wished, soft, asks, distance,
            before, how, flow,
        )  # fmt: skip
        end = -1
        best = 0
        for p in range(m):
            if bids[p] >= 0 and distance[p] < _FAR:
                gain = _worth(bids[p], p, product, price, value) - (distance[p] >> _HOP_BITS)
                hops = distance[p] & ((1 << _HOP_BITS) - 1)
                score = (gain << _HOP_BITS) - hops
                if gain >= 0 and (end < 0 or score > best):
                    end = p
                    best = score
        if end < 0:
            return volume
        bid = bids[end]
        volume += _augment(end, bid, offered, product, taken, wished, asks, before, how, flow)
        for p in range(m):
            if asks[p] >= 0 and taken[asks[p]] == offered[asks[p]]:
                asks[p] = _cheapest(p, n, side, price, offered, product, taken, False)
            if bids[p] >= 0 and taken[bids[p]] == offered[bids[p]]:
                bids[p] = _dearest(p, n, side, price, offered, product, plain, value, taken, False)


@njit(cache=True, nogil=True, _nrt=False)
def _cheapest(p, n, side, price, offered, product, taken, fresh):  # type: ignore[no-untyped-def]
    """The open ask for product `p` with the lowest limit, or -1."""
    best = -1
    for i in range(n):
        if (
            side[i] != _BUY
            and product[i] == p
            and offered[i] > (0 if fresh else taken[i])
            and (best < 0 or price[i] < price[best])
        ):
            best = i
    return best


@njit(cache=True, nogil=True, _nrt=False)
def _dearest(p, n, side, price, offered, product, plain, value, taken, fresh):  # type: ignore[no-untyped-def]
    """The open bid to which product `p` is worth most, or -1."""
    best = -1
    worth = 0
    for i in range(n):
        if (
            side[i] == _BUY
            and offered[i] > (0 if fresh else taken[i])
            and (product[i] == p or plain[i] == p)
        ):
            own = _worth(i, p, product, price, value)
            if best < 0 or own > worth:
                best = i
                worth = own
    return best


@njit(cache=True, nogil=True, _nrt=False)
def _worth(i, p, product, price, value):  # type: ignore[no-untyped-def]
    return value[i] if product[i] == p else price[i]


@njit(cache=True, nogil=True, _nrt=False)
def _search(  # type: ignore[no-untyped-def]
    m, n_soft, price, above, product, plain, value, taken, wished, soft, asks, distance, before,
    how, flow,
):  # fmt: skip
    """Cheapest way of one more Wh to every product (Bellman and Ford), cost above hops."""
    for p in range(m):
        distance[p] = price[asks[p]] << _HOP_BITS if asks[p] >= 0 else _FAR
        how[p] = _SOURCE
    changed = True
    while changed:
        changed = False
        for p in range(m):
            reached = distance[p] + 1
            if distance[p] == _FAR:
                continue
            for q in range(m):
                if reached < distance[q] and (above[p, q] > 0 or flow[q, p] > 0):
                    distance[q] = reached
                    before[q] = p
                    how[q] = _ARC
                    changed = True
        for j in range(n_soft):
            i = soft[j]
            w, z = product[i], plain[i]
            extra = (value[i] - price[i]) << _HOP_BITS
            if wished[i] > 0 and distance[z] < _FAR and distance[z] + extra + 1 < distance[w]:
                distance[w] = distance[z] + extra + 1
                before[w] = z
                how[w] = i
                changed = True
            if (
                taken[i] > wished[i]
                and distance[w] < _FAR
                and distance[w] - extra + 1 < distance[z]
            ):
                distance[z] = distance[w] - extra + 1
                before[z] = w
                how[z] = i
                changed = True


@njit(cache=True, nogil=True, _nrt=False)
def _augment(end, bid, offered, product, taken, wished, asks, before, how, flow):  # type: ignore[no-untyped-def]
    """Send as much as goes along the path that ends in `bid` at product `end`."""
    amount = offered[bid] - taken[bid]
    p = end
    while how[p] != _SOURCE:
        q = before[p]
        if how[p] >= 0:
            i = how[p]
            amount = min(amount, wished[i] if product[i] == p else taken[i] - wished[i])
        elif flow[p, q] > 0:
            amount = min(amount, flow[p, q])
        p = q
    ask = asks[p]
    amount = min(amount, offered[ask] - taken[ask])
    taken[ask] += amount
    p = end
    while how[p] != _SOURCE:
        q = before[p]
        if how[p] >= 0:
            i = how[p]
            wished[i] += -amount if product[i] == p else amount
        elif flow[p, q] > 0:
            flow[p, q] -= amount
        else:
            flow[q, p] += amount
        p = q
    taken[bid] += amount
    wished[bid] += amount if product[bid] == end else 0
    return amount


@njit(cache=True, nogil=True, _nrt=False)
def _bound(  # type: ignore[no-untyped-def]
    n, m, side, price, offered, above, product, plain, value, by_order, flow, bounds
):
    """What each order, each flow and the order of products says of the prices."""
    taken, wished = by_order[0], by_order[1]
    for p in range(m + 1):
        for q in range(m + 1):
            bounds[p, q] = 2 * _WIDEST if p < m and q < m else _WIDEST
        bounds[p, p] = 0
    for p in range(m):
        for q in range(m):
            if above[p, q] > 0:
                bounds[q, p] = 0
                if flow[p, q] > 0:
                    bounds[p, q] = 0
    for i in range(n):
        if offered[i] == 0:
            continue
        p = product[i]
        open_ = taken[i] < offered[i]
        if side[i] != _BUY:
            if taken[i] > 0:
                bounds[m, p] = min(bounds[m, p], -price[i])
            if open_:
                bounds[p, m] = min(bounds[p, m], price[i])
            continue
        z = plain[i]
        if (wished[i] if z >= 0 else taken[i]) > 0:
            bounds[p, m] = min(bounds[p, m], value[i])
        if open_:
            bounds[m, p] = min(bounds[m, p], -value[i])
        if z >= 0:
            extra = value[i] - price[i]
            if wished[i] > 0:
                bounds[p, z] = min(bounds[p, z], extra)
            if taken[i] > wished[i]:
                bounds[z, p] = min(bounds[z, p], -extra)
                bounds[z, m] = min(bounds[z, m], price[i])
            if open_:
                bounds[m, z] = min(bounds[m, z], -price[i])


@njit(cache=True, nogil=True, _nrt=False)
def _tighten(size, bounds):  # type: ignore[no-untyped-def]
    for k in range(size):
        for p in range(size):
            for q in range(size):
                bounds[p, q] = min(bounds[p, q], bounds[p, k] + bounds[k, q])
