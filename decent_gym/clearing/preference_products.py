"""What the offers of a book trade in, once there are wishes: products, and who can serve whom.

A product is a type of energy (bit 0 LOCAL, bit 1 RENEWABLE), whose it is and whom it may go to
(each: any organization, or one).  A sell offers one product, a buy takes one; a buy with a soft
wish takes either of two, its wish or the plain one.  Energy may always be sold as a lesser product:
of a lesser type, as anybody's, or for one buyer alone.

Only what makes a difference becomes a product of its own: a type that somebody wishes for, a seller
or a buyer that somebody names as a partner.  A book without wishes needs none: what its energy is
decides only who gets which certificate.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books
from decent_gym.units import IntArray

_BUY = 1
_VALUE_CAP = 10**8
_PERMILLE = 1_000
_TYPE_BITS = 2
_LABEL_BITS = 30


class Products(NamedTuple):
    """The products of books; row r is the book ``first + r``.  All int64.

    Attributes
    ----------
    counts : (R,)
        How many products; 0 if no wish makes a difference: the book clears as by merit order.
    above : (R, K, K)
        1 where energy of the first product may be sold as the second, another one.
    product : (R, M)
        What an offer trades in: of a soft wish, the wished-for one.
    plain : (R, M)
        The other product of a soft wish; -1 for every other offer.
    value : (R, M), micro-euro per kWh
        Limit of an offer; of a soft wish, what the wished-for energy is worth.
    """

    counts: IntArray
    above: IntArray
    product: IntArray
    plain: IntArray
    value: IntArray


def find_products(books: Books, first: int, last: int) -> Products:
    """The products of the books ``first <= b < last``, whose three columns of wishes are full."""
    rows, slots = last - first, books.side.shape[1]
    keys = np.empty((rows, 2 * slots + 1), np.int64)
    counts = np.zeros(rows, np.int64)
    wide = [np.empty((rows, slots), np.int64) for _ in range(3)]
    _find(
        first, last, books.orders, books.side, books.price, books.offered, books.owner,
        books.attributes, books.premium, books.partner, keys, counts, *wide,
    )  # fmt: skip
    most = int(counts.max(initial=0))
    above = np.empty((rows, most, most), np.int64)
    _compare(rows, counts, keys, above)
    return Products(counts, above, *wide)


@njit(cache=True, nogil=True, _nrt=False)
def _find(  # type: ignore[no-untyped-def]
    first, last, count, side, price, offered, owner, attributes, premium, partner, keys,
    counts, product, plain, value,
):  # fmt: skip
    for b in range(first, last):
        r = b - first
        n = count[b]
        wished = 0
        paired = False
        for i in range(n):
            value[r, i] = price[b, i]
            product[r, i] = 0  # first its wish, below its product
            plain[r, i] = -1
            if offered[b, i] == 0:
                continue
            paired |= partner[b, i] >= 0
            if side[b, i] == _BUY:
                extra = abs(price[b, i]) * max(premium[b, i], 0) // _PERMILLE
                value[r, i] = min(price[b, i] + extra, _VALUE_CAP)
                if premium[b, i] < 0 or value[r, i] > price[b, i]:
                    product[r, i] = attributes[b, i]
                    wished |= attributes[b, i]
        counts[r] = 0
        if wished == 0 and not paired:
            continue
        keys[r, 0] = 0
        m = 1
        for i in range(n):
            if offered[b, i] == 0:
                continue
            buys = side[b, i] == _BUY
            kind = product[r, i] if buys else attributes[b, i] & wished
            scope = 0
            if paired:
                scope = _scope(i, n, side[b], offered[b], owner[b], partner[b])
            key = (scope << _TYPE_BITS) | kind
            product[r, i] = key
            m = _insert(keys[r], m, key)
            if buys and kind > 0 and value[r, i] > price[b, i]:
                plain[r, i] = scope << _TYPE_BITS
                m = _insert(keys[r], m, plain[r, i])
            else:
                value[r, i] = price[b, i]
        counts[r] = m
        for i in range(n):
            if offered[b, i] > 0:
                product[r, i] = _place(keys[r], m, product[r, i])
                if plain[r, i] >= 0:
                    plain[r, i] = _place(keys[r], m, plain[r, i])


@njit(cache=True, nogil=True, _nrt=False)
def _scope(i, n, side, offered, owner, partner):  # type: ignore[no-untyped-def]
    """Whose energy it is and whom it may go to, where some offer names either: one number."""
    named = False
    for j in range(n):
        named |= (offered[j] > 0) & (side[j] != side[i]) & (partner[j] == owner[i])
    own = owner[i] + 1 if named else 0
    other = partner[i] + 1
    source = other if side[i] == _BUY else own
    goal = own if side[i] == _BUY else other
    return (goal << _LABEL_BITS) | source


@njit(cache=True, nogil=True, _nrt=False)
def _insert(keys, m, key):  # type: ignore[no-untyped-def]
    """Add a key to the `m` sorted ones unless it is there; return how many there are."""
    at = m
    while at > 0 and keys[at - 1] >= key:
        at -= 1
    if at < m and keys[at] == key:
        return m
    for j in range(m, at, -1):
        keys[j] = keys[j - 1]
    keys[at] = key
    return m + 1


@njit(cache=True, nogil=True, _nrt=False)
def _place(keys, m, key):  # type: ignore[no-untyped-def]
    low = 0
    high = m - 1
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, _nrt=False)
def _compare(rows, counts, keys, above):  # type: ignore[no-untyped-def]
    types = (1 << _TYPE_BITS) - 1
    labels = (1 << _LABEL_BITS) - 1
    for r in range(rows):
        for p in range(counts[r]):
            for q in range(counts[r]):
                better, less = keys[r, p], keys[r, q]
                source = (less >> _TYPE_BITS) & labels
                goal = better >> (_TYPE_BITS + _LABEL_BITS)
                serves = (better & less & types) == (less & types)
                serves &= (source == 0) | (source == ((better >> _TYPE_BITS) & labels))
                serves &= (goal == 0) | (goal == less >> (_TYPE_BITS + _LABEL_BITS))
                above[r, p, q] = 1 if serves and p != q else 0
