"""Whether a record's bytes are the one encoding of what they say, in one pass of a kernel.

It answers yes or no.  What is wrong, :func:`decent_gym.ledger.encoding.decode_round` then finds out
vector by vector, which takes five times as long.
"""

from typing import Final

import numpy as np
from numba import njit

from decent_gym.units import IntArray

ANY: Final = -1
"""Of a vector: how many values it may have, if not a certain number."""
AT_MOST_ONE: Final = -2
AS_BEFORE: Final = -3
"""As many values as the vector before it: the columns of a table."""
SOME: Final = -4


@njit(cache=True, nogil=True, _nrt=False)
def _unsigned(body, position, width):  # type: ignore[no-untyped-def]
    value = np.int64(0)
    for byte in range(width):
        value |= np.int64(body[position + byte]) << (8 * byte)
    return value


@njit(cache=True, nogil=True, _nrt=False)
def _is_wanted(count, before, wanted):  # type: ignore[no-untyped-def]
    if wanted >= 0:
        return count == wanted
    if wanted == AT_MOST_ONE:
        return count <= 1
    if wanted == AS_BEFORE:
        return count == before
    if wanted == SOME:
        return count > 0
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _read_vector(body, width, values):  # type: ignore[no-untyped-def]
    """Fill `values` from the bytes of one vector; whether no narrower width would do."""
    count = len(values)
    if width == 1:
        for i in range(count):
            values[i] = np.int8(body[i])
        return True
    if width == 2:
        for i in range(count):
            values[i] = np.int16(np.int64(body[2 * i]) | np.int64(body[2 * i + 1]) << 8)
    elif width == 4:
        for i in range(count):
            low = np.int64(body[4 * i]) | np.int64(body[4 * i + 1]) << 8
            high = np.int64(body[4 * i + 2]) | np.int64(body[4 * i + 3]) << 8
            values[i] = np.int32(low | high << 16)
    elif width == 8:
        for i in range(count):
            values[i] = _unsigned(body, 8 * i, 8)
    else:
        return False
    least = 0
    most = 0
    for i in range(count):
        least = min(least, values[i])
        most = max(most, values[i])
    bound = 1 << (4 * width - 1)
    return least < -bound or most >= bound


@njit(cache=True, nogil=True, _nrt=False)
def _read(body, position, tags, wanted, required, counts, values):  # type: ignore[no-untyped-def]
    """Read all vectors of a body, and check whatever can be wrong with them.

    Parameters
    ----------
    body : uint8 (n,)
    position : int
        Where the sections begin.
    tags, wanted : int64 (k,)
        Section of each vector, and how many values it must have.
    required : int
        How many of the vectors are in sections that must be there.
    counts : int64 (k + 1,), filled
        Lengths of the vectors, -1 in a section that is not there; then where reading ended.
    values : int64 (n,), filled
        The vectors, one after the other: a value takes at least one byte.

    Returns
    -------
    int
        How many values, or -1 if anything is wrong.
    """
    end = len(body)
    stop = position  # where the section ends
    total = 0
    absent = -1
    for k in range(len(tags)):
        if k == 0 or tags[k] != tags[k - 1]:
            if position != stop:
                return -1
            is_there = position + 6 <= end and _unsigned(body, position, 2) == tags[k]
            if not is_there and k < required:
                return -1
            absent = -1 if is_there else tags[k]
            if is_there:
                stop = position + 6 + _unsigned(body, position + 2, 4)
                position += 6
                if stop > end:
                    return -1
        if tags[k] == absent:
            counts[k] = -1
            continue
        if position + 5 > stop:
            return -1
        count = _unsigned(body, position, 4)
        width = np.int64(body[position + 4])
        position += 5
        if count * width > stop - position or not _is_wanted(count, counts[k - 1], wanted[k]):
            return -1
        if count == 0 and width != 1:
            return -1
        if not _read_vector(body[position:], width, values[total : total + count]):
            return -1
        counts[k] = count
        position += count * width
        total += count
    counts[len(tags)] = position
    return total if position == stop else -1


def read_canonical(
    body: bytes | memoryview, position: int, tags: IntArray, wanted: IntArray, required: int
) -> tuple[IntArray, IntArray, int] | None:
    """The vectors of a body's first sections, if these bytes are the only ones that say so.

    Parameters
    ----------
    body : bytes
    position : int
        Where the first section begins.
    tags, wanted : int64 (k,)
        Section of each vector, and how many values it must have: a number, or one of ``ANY``,
        ``AT_MOST_ONE``, ``AS_BEFORE``, ``SOME``.
    required : int
        So many of the vectors are in sections that must be there; the others may be missing.

    Returns
    -------
    values : int64
        The vectors, one after the other.
    counts : int64 (k,)
        Their lengths, -1 in a section that is not there.
    end : int
        Where the rest of the body begins: its end, or a section that has no vectors.
    None
        If anything is wrong.
    """
    data = np.frombuffer(body, np.uint8)
    values, counts = np.empty(len(data), np.int64), np.empty(len(tags) + 1, np.int64)
    total = _read(data, position, tags, wanted, required, counts, values)
    return None if total < 0 else (values[:total], counts[:-1], int(counts[-1]))
