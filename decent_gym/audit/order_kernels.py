"""Loops over a round's recorded orders: whether they continue, and replaced each other."""

from numba import njit

_ID, _SEQUENCE, _OWNER, _SIDE, _ENERGY, _UNSETTLED, _START = 0, 1, 2, 3, 5, 6, 7
_PRIORITY, _DEVICE = 9, 10
_LAST_SEQUENCE = 2**62

GOOD = 0
BAD_SEQUENCE = 1
NOT_RISING = 2
BAD_ID = 3
BAD_START = 4
BAD_UNSETTLED = 5
BAD_PRIORITY = 6
LATE_START = 7
NOT_WHOLE = 8
CHANGED = 9
WRONG_REST = 10
TWICE = 11
NOT_REPLACED = 12


@njit(cache=True, nogil=True, _nrt=False)
def continuity(  # type: ignore[no-untyped-def]
    columns, wishes, count, columns_before, wishes_before, count_before, accepted_before, number,
    priority, fresh, place,
):  # fmt: skip
    """The first order that could not stand in the round's book, as a code, and the `place` of it.

    Orders are (12, 1, C, M), wishes (3, 1, C, M) or empty; owners must be accounts.  Writes the
    numbers of the new orders to `fresh`, rising, and how many they are to ``place[2]``.  With a
    code, `place` is book, order, column and the order's place a round before.
    """
    for c in range(count.shape[1]):
        before = 0
        place[0] = c
        for i in range(count[0, c]):
            place[1] = i
            sequence, start = columns[_SEQUENCE, 0, c, i], columns[_START, 0, c, i]
            energy, unsettled = columns[_ENERGY, 0, c, i], columns[_UNSETTLED, 0, c, i]
            if sequence < 0 or sequence > _LAST_SEQUENCE:
                return 1
            if i > 0 and sequence <= columns[_SEQUENCE, 0, c, i - 1]:
                return 2
            if columns[_ID, 0, c, i] < -1:
                return 3
            if start < 0 or start > number:
                return 4
            if unsettled < 1 or unsettled > energy:
                return 5
            if columns[_PRIORITY, 0, c, i] != priority[columns[_OWNER, 0, c, i]]:
                return 6
            while (
                before < count_before[0, c] and columns_before[_SEQUENCE, 0, c, before] < sequence
            ):
                before += 1
            if before == count_before[0, c] or columns_before[_SEQUENCE, 0, c, before] != sequence:
                if start != number:
                    return 7
                if unsettled != energy:
                    return 8
                continue
            place[3] = before
            for field in range(wishes.shape[0] if wishes.shape[3] > 0 else 0):
                place[2] = columns.shape[0] + field
                if wishes[field, 0, c, i] != wishes_before[field, 0, c, before]:
                    return 9
            for field in range(columns.shape[0]):
                place[2] = field
                if (
                    field != _UNSETTLED
                    and columns[field, 0, c, i] != columns_before[field, 0, c, before]
                ):
                    return 9
            rest = columns_before[_UNSETTLED, 0, c, before] - accepted_before[c, before]
            if unsettled != rest:
                place[2] = rest
                return 10
    new, i, j = 0, 0, 0
    while i < count[0, 0] or j < count[0, 1]:
        one = columns[_SEQUENCE, 0, 0, i] if i < count[0, 0] else _LAST_SEQUENCE + 1
        other = columns[_SEQUENCE, 0, 1, j] if j < count[0, 1] else _LAST_SEQUENCE + 1
        if one == other:
            place[0], place[1] = 1, j
            return 11
        c, k = (0, i) if one < other else (1, j)
        if columns[_START, 0, c, k] == number:
            fresh[new] = min(one, other)
            new += 1
        if c == 0:
            i += 1
        else:
            j += 1
    place[2] = new
    return 0


@njit(cache=True, nogil=True, _nrt=False)
def not_replaced(columns, count, conversions, highest, last, chain, place):  # type: ignore[no-untyped-def]
    """Whether a book holds two orders of one device and side of which one had to replace the other.

    Orders that are handed in together do not replace each other, and their numbers in a book follow
    each other.  So two between whose numbers the other book has one, or a conversion, came one
    after the other.  `highest` is the highest number of each book, and of conversions, in the
    rounds before; `last` (A,) and `chain` (M,) are room to work in.
    """
    for c in range(count.shape[1]):
        last[:] = -1
        other, conversion = 0, 0
        for i in range(count[0, c]):
            owner, device = columns[_OWNER, 0, c, i], columns[_DEVICE, 0, c, i]
            chain[i] = last[owner]
            last[owner] = i
            if device < 0:
                continue
            k = chain[i]
            while k >= 0 and (
                columns[_DEVICE, 0, c, k] != device
                or columns[_SIDE, 0, c, k] != columns[_SIDE, 0, c, i]
            ):
                k = chain[k]
            if k < 0:
                continue
            low, high = columns[_SEQUENCE, 0, c, k], columns[_SEQUENCE, 0, c, i]
            while other < count[0, 1 - c] and columns[_SEQUENCE, 0, 1 - c, other] < high:
                other += 1
            while conversion < len(conversions) and conversions[conversion] < high:
                conversion += 1
            between = low < highest[1 - c] < high or low < highest[2] < high
            if other > 0:
                between |= columns[_SEQUENCE, 0, 1 - c, other - 1] > low
            if conversion > 0:
                between |= conversions[conversion - 1] > low
            if between:
                place[0], place[1], place[2] = c, i, k
                return 12
    return 0
