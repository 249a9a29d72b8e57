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
_FRAME: Final = 6  # bytes of a section before its vectors
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
def _vector(out, position, values):  # type: ignore[no-untyped-def]
    """Write one vector; where it ends."""
    low = 0
    high = 0
    for i in range(len(values)):
        low = min(low, values[i])
        high = max(high, values[i])
    width = 8
    for narrow in (4, 2, 1):
        bound = 1 << (8 * narrow - 1)
        if -bound <= low and high < bound:
            width = narrow
    position = _put(out, position, len(values), 4)
    position = _put(out, position, width, 1)
    end = position + len(values) * width
    _put_all(out[position:end], values, width)
    return end


@njit(cache=True, nogil=True, _nrt=False)
def _frame(out, section, tag, end):  # type: ignore[no-untyped-def]
    """Write what stands before the vectors of a section that ends at `end`."""
    _put(out, section, tag, 2)
    _put(out, section + 2, end - section - _FRAME, 4)


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
            section = position
            position += _FRAME
        last = first + counts[k]
        position = _vector(out, position, values[first:last])
        _frame(out, section, tags[k], position)
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
def _column(out, position, column, offered, kept, scratch):  # type: ignore[no-untyped-def]
    """Write the entries of the orders that were in the book as one vector; where it ends."""
    if kept == len(offered):
        return _vector(out, position, column[:kept])
    k = 0
    for i in range(len(offered)):
        if offered[i] > 0:
            scratch[k] = column[i]
            k += 1
    return _vector(out, position, scratch[:kept])


@njit(cache=True, nogil=True, _nrt=False)
def _table(out, section, tag, rows, scratch):  # type: ignore[no-untyped-def]
    """Write a section of one vector, the rows of a table one after the other; where it ends."""
    n = 0
    for a in range(rows.shape[0]):
        for c in range(rows.shape[1]):
            scratch[n] = rows[a, c]
            n += 1
    end = _vector(out, section + _FRAME, scratch[:n])
    _frame(out, section, tag, end)
    return end


@njit(cache=True, nogil=True, _nrt=False)
def pack_state(  # type: ignore[no-untyped-def]
    w, number, timestamp, tariffs, count, orders, offered, accepted, pays, reason, volume, surplus,
    case, price_low, price, price_high, traded, metered, unserved, money, accounts, actions,
    scratch, out, position,
):  # fmt: skip
    """Write the round of world `w` into sections, straight from the grid operator's arrays.

    Writes what ``encoding.encode_round`` makes of a ``Round``: sections 1 to 10, in this order.

    Parameters
    ----------
    w, number, timestamp : int
    tariffs ... actions : int64
        The operator's arrays, before the books move on: (W, C, 4); (W, C); the books' columns
        (12, W, C, M); (W, C, M) four times; figures (W, C); (W, A, C) twice; (W, N); (K, W, A);
        (W, A); (W, L).
    scratch : int64
        As long as the longest vector, and three at least.
    out, position
        As for :func:`pack`.

    Returns
    -------
    int
        Where the sections end.
    """
    scratch[0] = number
    scratch[1] = timestamp
    section = position
    position = _vector(out, section + _FRAME, scratch[:2])
    _frame(out, section, 1, position)
    position = _table(out, position, 2, tariffs[w], scratch)
    for c in range(count.shape[1]):
        here = offered[w, c, : count[w, c]]
        kept = 0
        for i in range(len(here)):
            kept += 1 if here[i] > 0 else 0
        section = position
        scratch[0] = volume[w, c]
        scratch[1] = surplus[w, c]
        scratch[2] = case[w, c]
        position = _vector(out, section + _FRAME, scratch[:3])
        priced = 1 if volume[w, c] > 0 else 0
        for figure in (price_low, price, price_high):
            scratch[0] = figure[w, c]
            position = _vector(out, position, scratch[:priced])
        for k in range(orders.shape[0]):
            if k != _UNSETTLED:
                position = _column(out, position, orders[k, w, c], here, kept, scratch)
                continue
            n = 0
            for i in range(len(here)):
                if here[i] > 0:  # as it stood at gate closure
                    scratch[n] = orders[k, w, c, i] + accepted[w, c, i]
                    n += 1
            position = _vector(out, position, scratch[:kept])
        for result in (accepted, pays, reason):
            position = _column(out, position, result[w, c], here, kept, scratch)
        _frame(out, section, 3 + c, position)
    tag = 3 + count.shape[1]
    position = _table(out, position, tag, traded[w], scratch)
    position = _table(out, position, tag + 1, metered[w], scratch)
    section = position
    position = _vector(out, section + _FRAME, unserved[w])
    _frame(out, section, tag + 2, position)
    section = position
    position += _FRAME
    for k in range(money.shape[0]):
        position = _vector(out, position, money[k, w])
    _frame(out, section, tag + 3, position)
    section = position
    position = _vector(out, section + _FRAME, accounts[w])
    _frame(out, section, tag + 4, position)
    section = position
    position = _vector(out, section + _FRAME, actions[w])
    _frame(out, section, tag + 5, position)
    return position
