"""The inside of a numeric section: vectors of integers, each as narrow as its values allow.

::

    count u32 | width u8 (1, 2, 4 or 8) | count x width bytes, two's complement, little-endian

The width is the smallest that holds every value, so a vector has exactly one encoding; a count of
Wh takes two bytes where a district's does, eight where it must, and nothing is ever cut off.
"""

import struct
from typing import Final

import numpy as np
from numba import njit

from decent_gym.errors import LedgerError
from decent_gym.units import IntArray

_VECTOR: Final = struct.Struct("<IB")
_DTYPES: Final = {width: np.dtype(f"<i{width}") for width in (1, 2, 4, 8)}
_UNSETTLED: Final = 6  # place of this column among an order's
FRAMING_BYTES: Final = 11
"""At most this many bytes of framing per vector: one section (6) and one vector (5)."""


@njit(cache=True, nogil=True, _nrt=False)
def _put(out, position, value, width):  # type: ignore[no-untyped-def]
    for byte in range(width):
        out[position + byte] = (value >> (8 * byte)) & 255
    return position + width


@njit(cache=True, nogil=True, _nrt=False)
def _put_all(out, values, width):  # type: ignore[no-untyped-def]
    if width == 1:  # its own loop, which vectorises: most columns are this narrow
        for i in range(len(values)):
            out[i] = values[i] & 255
        return
    if width == 2:
        for i in range(len(values)):
            out[2 * i] = values[i] & 255
            out[2 * i + 1] = (values[i] >> 8) & 255
        return
    if width == 4:
        for i in range(len(values)):
            out[4 * i] = values[i] & 255
            out[4 * i + 1] = (values[i] >> 8) & 255
            out[4 * i + 2] = (values[i] >> 16) & 255
            out[4 * i + 3] = (values[i] >> 24) & 255
        return
    for i in range(len(values)):
        value = values[i]
        at = i * width
        for byte in range(width):
            out[at + byte] = value & 255
            value >>= 8


@njit(cache=True, nogil=True, _nrt=False)
def pack(tags, counts, values, out, position):  # type: ignore[no-untyped-def]
    """Write vectors into sections; vectors that follow each other with one tag share a section.

    Parameters
    ----------
    tags, counts : int64 (k,)
        Section and length of each vector.
    values : int64 (sum of counts,)
        The vectors, one after the other.
    out : uint8, modified in place
        With room for ``8 * len(values) + FRAMING_BYTES * k`` bytes from `position`.
    position : int
        Where to begin.

    Returns
    -------
    int
        Where the sections end.
    """
    first = 0
    section = position
    for k in range(len(tags)):
        if k == 0 or tags[k] != tags[k - 1]:
            section = _put(out, position, tags[k], 2)
            position = section + 4
        last = first + counts[k]
        low = 0
        high = 0
        for i in range(first, last):
            low = min(low, values[i])
            high = max(high, values[i])
        width = 8
        for narrow in (4, 2, 1):
            bound = 1 << (8 * narrow - 1)
            if -bound <= low and high < bound:
                width = narrow
        position = _put(out, position, counts[k], 4)
        position = _put(out, position, width, 1)
        _put_all(out[position : position + counts[k] * width], values[first:last], width)
        position += counts[k] * width
        _put(out, section, position - section - 4, 4)
        first = last
    return position


def unpack(payload: memoryview, vectors: int) -> list[IntArray]:
    """Read back the vectors of one section; it must hold exactly `vectors` of them.

    Returns
    -------
    list of int64 arrays, which together take at most eight times the payload's bytes

    Raises
    ------
    LedgerError
        An unknown width, a count that does not fit, bytes left over.
    """
    found = []
    position = 0
    for index in range(vectors):
        if position + _VECTOR.size > len(payload):
            raise LedgerError(f"vector {index} of {vectors} is missing")
        count, width = _VECTOR.unpack_from(payload, position)
        position += _VECTOR.size
        dtype = _DTYPES.get(width)
        if dtype is None:
            raise LedgerError(f"vector {index} has width {width}, which is none of 1, 2, 4, 8")
        if count * width > len(payload) - position:
            raise LedgerError(
                f"vector {index} says {count} values of {width} bytes, "
                f"{len(payload) - position} bytes are left"
            )
        found.append(np.frombuffer(payload, dtype, count, position).astype(np.int64))
        position += count * width
    if position != len(payload):
        raise LedgerError(f"{len(payload) - position} bytes follow the last vector")
    return found


@njit(cache=True, nogil=True, _nrt=False)
def _kept(source, offered, n, kept, values, at):  # type: ignore[no-untyped-def]
    """Copy the entries of the orders that were in the book; where the next vector begins."""
    if kept == n:
        for i in range(n):
            values[at + i] = source[i]
        return at + n
    for i in range(n):
        if offered[i] > 0:
            values[at] = source[i]
            at += 1
    return at


@njit(cache=True, nogil=True, _nrt=False)
def pack_state(  # type: ignore[no-untyped-def]
    w, number, timestamp, tariffs, count, orders, offered, accepted, pays, reason, volume, surplus,
    case, price_low, price, price_high, traded, metered, unserved, money, accounts, actions, tags,
    counts, values, out, position,
):  # fmt: skip
    """Write the round of world `w` into sections, straight from the grid operator's arrays.

    Lays out what ``encoding.encode_round`` takes from a ``Round``, and packs it by :func:`pack`.

    Parameters
    ----------
    w, number, timestamp : int
    tariffs ... actions : int64
        The operator's arrays, before the books move on: (W, C, 4); (W, C); the books' columns
        (12, W, C, M); (W, C, M) four times; figures (W, C); (W, A, C) twice; (W, N); (K, W, A);
        (W, A); (W, L).
    tags, counts : int64 (k,)
        Sections of the vectors; their lengths, filled.
    values : int64, scratch for all values
    out, position
        As for :func:`pack`.

    Returns
    -------
    int
        Where the sections end.
    """
    values[0] = number
    values[1] = timestamp
    counts[0] = 2
    at = 2
    for c in range(tariffs.shape[1]):
        for k in range(tariffs.shape[2]):
            values[at] = tariffs[w, c, k]
            at += 1
    counts[1] = at - 2
    v = 2
    for c in range(count.shape[1]):
        n, kept = count[w, c], 0
        here = offered[w, c]
        for i in range(n):
            kept += 1 if here[i] > 0 else 0
        values[at] = volume[w, c]
        values[at + 1] = surplus[w, c]
        values[at + 2] = case[w, c]
        at += 3
        priced = 1 if volume[w, c] > 0 else 0
        counts[v] = 3
        for k in range(1, 4):
            counts[v + k] = priced
        if priced == 1:
            values[at] = price_low[w, c]
            values[at + 1] = price[w, c]
            values[at + 2] = price_high[w, c]
            at += 3
        for k in range(4, 19):
            counts[v + k] = kept
        v += 19
        columns = at
        for k in range(orders.shape[0]):
            at = _kept(orders[k, w, c], here, n, kept, values, at)
        first = at
        at = _kept(accepted[w, c], here, n, kept, values, at)
        unsettled = columns + _UNSETTLED * kept
        for i in range(kept):  # as it stood at gate closure
            values[unsettled + i] += values[first + i]
        at = _kept(pays[w, c], here, n, kept, values, at)
        at = _kept(reason[w, c], here, n, kept, values, at)
    owners = accounts.shape[1]
    for energies in (traded, metered):
        for a in range(owners):
            for c in range(energies.shape[2]):
                values[at] = energies[w, a, c]
                at += 1
        counts[v] = owners * energies.shape[2]
        v += 1
    for n in range(unserved.shape[1]):
        values[at] = unserved[w, n]
        at += 1
    counts[v] = unserved.shape[1]
    v += 1
    for k in range(money.shape[0]):
        for a in range(owners):
            values[at] = money[k, w, a]
            at += 1
        counts[v] = owners
        v += 1
    for a in range(owners):
        values[at] = accounts[w, a]
        at += 1
    counts[v] = owners
    for k in range(actions.shape[1]):
        values[at] = actions[w, k]
        at += 1
    counts[v + 1] = actions.shape[1]
    return pack(tags, counts, values, out, position)
