"""The prices of the coupled clearing: exact minimisation of its dual over two prices.

With x the price of electricity and y that of heat, in micro-euro per kWh, everybody's gain at
given prices is a convex, piecewise linear function::

    gain(x, y) = sum_orders energy * max(0, +-(limit - price))
               + sum_conversions most * max(0, a_e x + a_h y - cost)     (groups: share `most`)

and the optimal prices are its minimisers.  It bends only along lines: where a price equals a
limit, where a conversion breaks even, and where two rows of a group earn the same.  From a corner
of these lines we walk along any line on which the gain falls, to the lowest corner on it, until
none is left.  That is a minimum, because between two neighbouring lines the gain is linear; it is
reached after finitely many corners, because each is lower than the one before, so ties need no
rule against cycling.  The minimisers form a convex polygon, walked along in the same way.

A corner is ``(x, fx, y, fy, det)``: the prices ``x + fx/det`` and ``y + fy/det`` with
``0 <= fx, fy < det``.  Only signs of slopes are asked for, and they are exact: coefficients stay
below 2 * 10^5, determinants below 10^11, prices below 2^45, energies in mWh below 2^50.

Source: the dual of the welfare programme in Schweppe et al., *Spot Pricing of Electricity* (1988),
with two commodities; duality and the line search are textbook convex optimisation.
"""

from numba import njit

_BEYOND = 2**44  # a corner this far out is none
_LOW_BITS = 25
_LOW = 2**25 - 1
_SHIFT = 2**27  # makes limits non-negative, so that they sort within one integer
_INDEX_BITS = 32
_INDEX = 2**32 - 1
_FEW = 64  # up to here counting, which vectorises, beats sorting and bisection (measured)
_MOST_STEPS = 100_000

FOUND = 0
TOO_FAR = 1
"""Status: no corner within the range of integers; prices would be beyond all sense."""


@njit(cache=True, nogil=True, _nrt=False)
def price_problems(  # type: ignore[no-untyped-def]
    first,
    last,
    commodity,
    side,
    price,
    offered,
    rows,
    keys,
    rank,
    levels,
    count,
    lines,
    room,
    corners,
    at,
    bounds,
    bounded,
    status,
):
    """Sort the orders of the problems ``first <= b < last`` and find their prices.

    Parameters
    ----------
    commodity, side, price, offered : int64 (B, M)
        Orders by arrival; those with ``offered`` 0 are absent.
    rows : int64 (B, K, 5)
        Electricity and heat per 1000, cost per 1000, most activity in Wh, and where the row's
        group ends: rows of a group stand together.
    keys, lines, room, corners : int64 (M,), (L, 3), (K, 4), (6, 5)
        Room to work in.
    rank, levels, count : int64 (B, 2, M + 1), (B, 2, 2, M + 2), (B, 2)
        Out: per commodity the orders from low to high limits; their limits, and supply minus
        demand once so many of them lie at or below the price; how many there are.
    at : int64 (B, 5)
        Out: the exact optimal prices that were selected.
    bounds, bounded : int64 (B, 2, 2)
        Out: lowest and highest optimal price of each commodity, rounded down; 0 where there is
        no such bound.
    status : int64 (B,)
        Out: FOUND or TOO_FAR.
    """
    for b in range(first, last):
        _sort(commodity[b], side[b], price[b], offered[b], keys, rank[b], levels[b],
              count[b])  # fmt: skip
        used = _lines(rows[b], lines)
        status[b] = _select(
            max(1, count[b, 0]),
            max(1, count[b, 1]),
            levels[b],
            rows[b],
            lines,
            used,
            room,
            corners,
            at[b],
            bounds[b],
            bounded[b],
        )


@njit(cache=True, nogil=True, _nrt=False)
def _arrange(keys, n):  # type: ignore[no-untyped-def]
    """Sort the first `n` keys in place (Shell's sort: without memory of its own)."""
    gap = 1
    while gap < n // 9:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            key = keys[i]
            j = i
            while j >= gap and keys[j - gap] > key:
                keys[j] = keys[j - gap]
                j -= gap
            keys[j] = key
        gap //= 3


@njit(cache=True, nogil=True, _nrt=False)
def _sort(  # type: ignore[no-untyped-def]
    commodity, side, price, offered, keys, rank, levels, count
):
    """Merit order of both books; an empty one gets a limit of 0 that stands for no energy."""
    for m in range(2):
        n = 0
        demand = 0
        for i in range(price.shape[0]):
            if commodity[i] == m and offered[i] > 0:
                keys[n] = ((price[i] + _SHIFT) << _INDEX_BITS) | i
                n += 1
                demand += offered[i] * side[i]
        count[m] = n
        if n <= _FEW:
            for j in range(n):
                place = 0
                for i in range(n):
                    place += keys[i] < keys[j]
                rank[m, place] = keys[j] & _INDEX
        else:
            _arrange(keys, n)
            for j in range(n):
                rank[m, j] = keys[j] & _INDEX
        below = -demand
        levels[m, 1, 0] = below
        for j in range(n):
            i = rank[m, j]
            levels[m, 0, j] = price[i]
            below += offered[i]
            levels[m, 1, j + 1] = below
        if n == 0:
            levels[m, 0, 0] = 0
            levels[m, 1, 1] = 0


@njit(cache=True, nogil=True, _nrt=False)
def _line(lines, used, a, b, c):  # type: ignore[no-untyped-def]
    """Add the line ``a x + b y = c`` unless it is there; the number of lines."""
    if a == 0 and b == 0:
        return used
    for m in range(used):
        if lines[m, 0] == a and lines[m, 1] == b and lines[m, 2] == c:
            return used
    lines[used, 0] = a
    lines[used, 1] = b
    lines[used, 2] = c
    return used + 1


@njit(cache=True, nogil=True, _nrt=False)
def _lines(rows, lines):  # type: ignore[no-untyped-def]
    """Where conversions break even, and where two of a group earn the same."""
    used = 0
    for k in range(rows.shape[0]):
        if rows[k, 3] == 0:
            continue
        used = _line(lines, used, rows[k, 0], rows[k, 1], rows[k, 2])
        for j in range(k + 1, rows[k, 4]):
            if rows[j, 3] > 0:
                used = _line(lines, used, rows[k, 0] - rows[j, 0], rows[k, 1] - rows[j, 1],
                             rows[k, 2] - rows[j, 2])  # fmt: skip
    return used


@njit(cache=True, nogil=True, _nrt=False)
def _upper(limits, n, level):  # type: ignore[no-untyped-def]
    """How many limits are at or below `level`."""
    low, high = 0, n
    if n <= _FEW:
        for i in range(n):
            low += limits[i] <= level
        return low
    while low < high:
        middle = (low + high) >> 1
        if limits[middle] <= level:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, _nrt=False)
def _value(at, a, b, c):  # type: ignore[no-untyped-def]
    """``a x + b y - c`` as whole part and what is left over (times det)."""
    whole = a * at[0] + b * at[2] - c
    if at[4] == 1:
        return whole, 0
    left = a * at[1] + b * at[3]
    more = left // at[4]
    return whole + more, left - more * at[4]


@njit(cache=True, nogil=True, _nrt=False)
def _sign_of(at, a, b, c):  # type: ignore[no-untyped-def]
    """Sign of ``a x + b y - c``."""
    whole = a * at[0] + b * at[2] - c
    most = abs(a) + abs(b)  # what is left over is less than this times det
    if whole >= most:
        return 1
    if whole <= -most:
        return -1
    exact = whole * at[4] + a * at[1] + b * at[3]
    if exact == 0:
        return 0
    return 1 if exact > 0 else -1


@njit(cache=True, nogil=True, _nrt=False)
def _group(at, dx, dy, first, end, rows, room):  # type: ignore[no-untyped-def]
    """What a group delivers, in mWh, just beside the corner in direction (dx, dy)."""
    left = 0
    for k in range(first, end):
        room[k, 0], room[k, 1] = _value(at, rows[k, 0], rows[k, 1], rows[k, 2])
        room[k, 2] = rows[k, 0] * dx + rows[k, 1] * dy
        room[k, 3] = rows[k, 3]
        left = max(left, rows[k, 3])
    electricity = 0
    heat = 0
    while left > 0:
        best = -1
        for k in range(first, end):
            if room[k, 3] > 0 and (
                best < 0
                or room[k, 0] > room[best, 0]
                or (
                    room[k, 0] == room[best, 0]
                    and (
                        room[k, 1] > room[best, 1]
                        or (room[k, 1] == room[best, 1] and room[k, 2] > room[best, 2])
                    )
                )
            ):
                best = k
        if best < 0 or room[best, 0] < 0:
            break
        if room[best, 0] == 0 and room[best, 1] == 0 and room[best, 2] <= 0:
            break
        runs = min(left, room[best, 3])
        room[best, 3] = 0
        left -= runs
        electricity += rows[best, 0] * runs
        heat += rows[best, 1] * runs
    return electricity, heat


@njit(cache=True, nogil=True, _nrt=False)
def _slope(  # type: ignore[no-untyped-def]
    at, dx, dy, ne, nh, book, rows, room
):
    """Sign of the change of everybody's gain from a corner in direction (dx, dy)."""
    electricity = 0
    heat = 0
    if dx != 0:
        level = at[0] if dx > 0 or at[1] > 0 else at[0] - 1
        electricity = 1000 * book[0, 1, _upper(book[0, 0], ne, level)]
    if dy != 0:
        level = at[2] if dy > 0 or at[3] > 0 else at[2] - 1
        heat = 1000 * book[1, 1, _upper(book[1, 0], nh, level)]
    k = 0
    while k < rows.shape[0]:
        if rows[k, 4] == k + 1:
            a, b = rows[k, 0], rows[k, 1]
            gains = _sign_of(at, a, b, rows[k, 2])
            if gains > 0 or (gains == 0 and a * dx + b * dy > 0):
                electricity += a * rows[k, 3]
                heat += b * rows[k, 3]
            k += 1
        else:
            more, hotter = _group(at, dx, dy, k, rows[k, 4], rows, room)
            electricity += more
            heat += hotter
            k = rows[k, 4]
    # the product passes 64 bits, so it is taken in two parts
    low = dx * (electricity & _LOW) + dy * (heat & _LOW)
    high = dx * (electricity >> _LOW_BITS) + dy * (heat >> _LOW_BITS) + (low >> _LOW_BITS)
    if high != 0:
        return 1 if high > 0 else -1
    return 1 if low & _LOW else 0


@njit(cache=True, nogil=True, _nrt=False)
def _copy(corner, out):  # type: ignore[no-untyped-def]
    for i in range(5):
        out[i] = corner[i]


@njit(cache=True, nogil=True, _nrt=False)
def _on_line(out, axis, level, a, b, c):  # type: ignore[no-untyped-def]
    """The corner of a line with ``x = level`` (axis 0) or ``y = level`` (axis 1)."""
    top, under = (c - a * level, b) if axis == 0 else (c - b * level, a)
    if under < 0:
        top, under = -top, -under
    whole = top // under
    here, there = (0, 2) if axis == 0 else (2, 0)
    out[here] = level
    out[here + 1] = 0
    out[there] = whole
    out[there + 1] = top - whole * under
    out[4] = under


@njit(cache=True, nogil=True, _nrt=False)
def _crossing(out, a, b, c, d, e, f):  # type: ignore[no-untyped-def]
    """The corner of two lines; False if they have none within range."""
    det = a * e - d * b
    if det == 0:
        return False
    x, y = c * e - f * b, a * f - d * c
    if det < 0:
        det, x, y = -det, -x, -y
    out[0] = x // det
    out[1] = x - out[0] * det
    out[2] = y // det
    out[3] = y - out[2] * det
    out[4] = det
    return abs(out[0]) < _BEYOND and abs(out[2]) < _BEYOND


@njit(cache=True, nogil=True, _nrt=False)
def _search(  # type: ignore[no-untyped-def]
    a, b, c, dx, dy, rise, ne, nh, book, rows, lines, used, room, out
):
    """The first corner on the line ``a x + b y = c`` from which the gain does not fall further.

    With `rise` 1, the first from which it rises: the far end of the lowest stretch.  False if
    there is none: the stretch has no end.
    """
    west, east, south, north = -_BEYOND, _BEYOND, -_BEYOND, _BEYOND
    for axis in range(2):
        n, towards = (ne, dx) if axis == 0 else (nh, dy)
        limits = book[axis, 0]
        if towards == 0:
            continue
        low, high = 0, n
        if axis == 1 and west > -_BEYOND and east < _BEYOND:
            # between two limits of electricity lie few of heat
            _on_line(out, 0, west if dx > 0 else east, a, b, c)
            near = out[2]
            _on_line(out, 0, east if dx > 0 else west, a, b, c)
            if towards > 0:
                low = _upper(limits, n, near)
                high = min(n, _upper(limits, n, out[2]) + 1)
            else:
                low = n - _upper(limits, n, near + 1)
                high = min(n, n - _upper(limits, n, out[2]) + 1)
        while low < high:
            middle = (low + high) >> 1
            i = middle if towards > 0 else n - 1 - middle
            _on_line(out, axis, limits[i], a, b, c)
            if _slope(out, dx, dy, ne, nh, book, rows, room) >= rise:
                high = middle
            else:
                low = middle + 1
        if low < n:
            _on_line(out, axis, limits[low if towards > 0 else n - 1 - low], a, b, c)
            if _slope(out, -dx, -dy, ne, nh, book, rows, room) >= 0:
                return True
        # the corner wanted lies between two limits
        before = limits[low - 1 if towards > 0 else n - low] if low > 0 else -towards * _BEYOND
        after = limits[low if towards > 0 else n - 1 - low] if low < n else towards * _BEYOND
        if axis == 0:
            west, east = min(before, after), max(before, after)
        else:
            south, north = min(before, after), max(before, after)
    for m in range(used):
        if (
            _crossing(out, a, b, c, lines[m, 0], lines[m, 1], lines[m, 2])
            and west <= out[0] <= east
            and south <= out[2] <= north
            and _slope(out, dx, dy, ne, nh, book, rows, room) >= rise
            and _slope(out, -dx, -dy, ne, nh, book, rows, room) >= 0
        ):
            return True
    return False


@njit(cache=True, nogil=True, _nrt=False)
def _step(  # type: ignore[no-untyped-def]
    here, flat, towards_x, towards_y, ne, nh, book, rows, lines, used, room, out
):
    """One walk along a line through the corner `here`, downhill or on the level.

    With `flat` only on the level and towards (towards_x, towards_y).  1 done, 2 it has no end, 0
    there is none, 3 there is none downhill but one on the level.
    """
    level = False
    for m in range(-2, used):
        if m == -2:
            i = _upper(book[0, 0], ne, here[0])
            if here[1] != 0 or i == 0 or book[0, 0, i - 1] != here[0]:
                continue
            a, b, c = 1, 0, here[0]
        elif m == -1:
            i = _upper(book[1, 0], nh, here[2])
            if here[3] != 0 or i == 0 or book[1, 0, i - 1] != here[2]:
                continue
            a, b, c = 0, 1, here[2]
        else:
            a, b, c = lines[m, 0], lines[m, 1], lines[m, 2]
            if _sign_of(here, a, b, c) != 0:
                continue
        for sign in (1, -1):
            dx, dy = -b * sign, a * sign
            if flat and dx * towards_x + dy * towards_y <= 0:
                continue
            slope = _slope(here, dx, dy, ne, nh, book, rows, room)
            level |= slope == 0
            if (slope == 0) if flat else (slope < 0):
                found = _search(a, b, c, dx, dy, 1 if flat else 0, ne, nh, book, rows, lines,
                                used, room, out)  # fmt: skip
                return 1 if found else 2
    return 3 if level else 0


@njit(cache=True, nogil=True, _nrt=False)
def _walk(  # type: ignore[no-untyped-def]
    here, flat, towards_x, towards_y, ne, nh, book, rows, lines, used, room, out
):
    """Step after step from the corner `here`, which moves; how the last step ended."""
    for _ in range(_MOST_STEPS):
        step = _step(here, flat, towards_x, towards_y, ne, nh, book, rows, lines, used,
                     room, out)  # fmt: skip
        if step != 1:
            return step
        _copy(out, here)
    return 2


@njit(cache=True, nogil=True, _nrt=False)
def _start(n, book):  # type: ignore[no-untyped-def]
    """The price at which a book alone clears."""
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) >> 1
        if book[1, middle + 1] >= 0:
            high = middle
        else:
            low = middle + 1
    return book[0, low]


@njit(cache=True, nogil=True, _nrt=False)
def _select(  # type: ignore[no-untyped-def]
    ne, nh, book, rows, lines, used, room, corners, at, bounds, bounded
):
    """The middle of electricity's interval, then the middle of heat's given that."""
    at[0] = _start(ne, book[0])
    at[1] = 0
    at[2] = _start(nh, book[1])
    at[3] = 0
    at[4] = 1
    out = corners[4]
    end = _walk(at, False, 0, 0, ne, nh, book, rows, lines, used, room, out)
    if end == 2:
        return TOO_FAR
    if end == 0:  # these prices are the only ones
        for m in range(2):
            for e in range(2):
                bounds[m, e] = at[2 * m]
                bounded[m, e] = 1
        return FOUND
    for m in range(2):
        for end in range(2):
            corner = corners[2 * m + end]
            _copy(at, corner)
            sign = 2 * end - 1
            last = _walk(corner, True, sign * (1 - m), sign * m, ne, nh, book, rows, lines, used,
                         room, out)  # fmt: skip
            found = last != 2
            bounded[m, end] = found
            bounds[m, end] = corner[2 * m] if found else 0
    axis = 0
    if not (bounded[0, 0] and bounded[0, 1]):
        axis = 1
        if not (bounded[1, 0] and bounded[1, 1]):
            return FOUND  # nobody trades either; the corner will do
    start = corners[2 * axis]
    level = bounds[axis, 0] + (bounds[axis, 1] - bounds[axis, 0]) // 2
    if level == bounds[axis, 0]:
        # whole prices may all lie beside a narrow interval: stay at its exact lower end
        level = start[2 * axis]
        _copy(start, at)
        if start[2 * axis + 1] != 0:
            _slice_upright(at, axis, ne, nh, book, rows, lines, used, room, corners)
            return FOUND
    a, b = (1, 0) if axis == 0 else (0, 1)
    _slice(a, b, level, axis, ne, nh, book, rows, lines, used, room, corners, at)
    return FOUND


@njit(cache=True, nogil=True, _nrt=False)
def _slice_upright(  # type: ignore[no-untyped-def]
    at, axis, ne, nh, book, rows, lines, used, room, corners
):
    """Likewise where a conversion without the other commodity pins a price between whole ones."""
    for m in range(used):
        if lines[m, 1 - axis] == 0 and _sign_of(at, lines[m, 0], lines[m, 1], lines[m, 2]) == 0:
            _slice(lines[m, 0], lines[m, 1], lines[m, 2], axis, ne, nh, book, rows, lines, used,
                   room, corners, at)  # fmt: skip
            return


@njit(cache=True, nogil=True, _nrt=False)
def _slice(  # type: ignore[no-untyped-def]
    a, b, c, axis, ne, nh, book, rows, lines, used, room, corners, at
):
    """The middle of the other commodity's interval on a line that fixes the price of one."""
    low, high = corners[4], corners[5]
    dx, dy = (0, 1) if axis == 0 else (1, 0)
    falls = _search(a, b, c, -dx, -dy, 1, ne, nh, book, rows, lines, used, room, low)
    rises = _search(a, b, c, dx, dy, 1, ne, nh, book, rows, lines, used, room, high)
    other = 2 * (1 - axis)
    if falls:
        _copy(low, at)
        if rises:
            whole = low[other] + (high[other] - low[other]) // 2
            if whole > low[other]:
                _on_line(at, 1 - axis, whole, a, b, c)
    elif rises:
        _copy(high, at)
    else:  # nobody has a limit for the other one
        _on_line(at, 1 - axis, 0, a, b, c)
