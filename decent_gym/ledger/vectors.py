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
