"""The energies of the coupled clearing, in whole Wh, at the exact prices found before.

Whoever gains at the prices trades in full, whoever would lose does not.  What is left is to
choose, among those who neither gain nor lose, so that both commodities balance:

1. conversions, the earlier first: each runs as much as the rest can still balance, in whole Wh
   (what the rest can balance is convex, so support functions decide); equal ones share pro rata;
2. what a conversion takes is rounded up and what it gives is rounded down to whole Wh;
3. each book fills what the conversions ask of it: all that trades at the margin, pro rata by
   largest remainder, earlier offers first.

Rounding may leave a few Wh that nobody at the margin can take.  Then the orders next to the
margin, on the inner side, give way by as much: a limit is never broken and every Wh balances.
Where not even that helps, conversions deliver less than they could or run less.
"""

from numba import njit

_MILLI = 1000
_LOW_BITS = 25
_LOW = 2**25 - 1
_INDEX_BITS = 24
_INDEX = 2**24 - 1
_TIGHT = -1
_ROUNDS = 16
_SMALL = 2**43  # so that products with directions fit
_PRODUCT_LIMIT = 2**62
_BEYOND = 2**62

DONE = 0
TOO_DEAR = 2
"""Status: a price times the energy traded passes 62 bits."""


@njit(cache=True, nogil=True, _nrt=False)
def fill_problems(  # type: ignore[no-untyped-def]
    first,
    last,
    side,
    offered,
    priority,
    rows,
    rank,
    levels,
    count,
    at,
    keys,
    room,
    rays,
    sums,
    activity,
    delivered,
    accepted,
    pays,
    earns,
    volume,
    status,
):
    """Energies and payments of the problems ``first <= b < last`` whose status is 0.

    Parameters
    ----------
    side, offered, rows, rank, levels, count, at, status
        As for ``coupled_prices.price_problems``.
    priority : int64 (B, M)
        The lower class is filled first at the margin.
    keys, room, rays, sums : int64 (M,), (K, 11), (R, 2), (3, 4)
        Room to work in; R >= 4 + 2 K + 2 (pairs of rows in a group).
    activity : int64 (B, K)
        Out: Wh.
    delivered : int64 (B, K, 2)
        Out: what each conversion gives (or, below 0, takes) of each commodity, Wh.
    accepted, pays : int64 (B, M)
        Out: Wh, n-euro (buyers positive).
    earns : int64 (B, K)
        Out: n-euro that the two books pay each conversion.
    volume : int64 (B, 2)
        Out: what buyers and conversions take of each commodity, Wh.
    """
    for b in range(first, last):
        for i in range(accepted.shape[1]):
            accepted[b, i] = 0
            pays[b, i] = 0
        for k in range(rows.shape[1]):
            activity[b, k] = 0
            earns[b, k] = 0
            for m in range(2):
                delivered[b, k, m] = 0
        volume[b, 0] = 0
        volume[b, 1] = 0
        if status[b] != DONE:
            continue
        for m in range(2):
            _classify(
                m, side[b], offered[b], rank[b, m], levels[b, m, 0], count[b, m], at[b], sums[m]
            )
        tight = _run(rows[b], at[b], sums, room, rays, activity[b])
        if tight > 0:
            _polish(rows[b], at[b], side[b], offered[b], rank[b], levels[b], count[b], sums, room,
                    activity[b])  # fmt: skip
        _deliver(rows[b], activity[b], sums, delivered[b])
        for m in range(2):
            given = 0
            for k in range(rows.shape[1]):
                given += delivered[b, k, m]
                volume[b, m] -= min(0, delivered[b, k, m])
            volume[b, m] += _fill(given, side[b], offered[b], priority[b], rank[b, m],
                                  levels[b, m, 0], count[b, m], at[b, 2 * m], at[b, 2 * m + 1],
                                  sums[m], keys, accepted[b])  # fmt: skip
            if volume[b, m] > _PRODUCT_LIMIT // max(1, abs(at[b, 2 * m])) // 2:
                status[b] = TOO_DEAR
                continue
            for j in range(count[b, m]):
                i = rank[b, m, j]
                pays[b, i] = (2 * side[b, i] - 1) * at[b, 2 * m] * accepted[b, i]
            for k in range(rows.shape[1]):
                earns[b, k] += at[b, 2 * m] * delivered[b, k, m]


@njit(cache=True, nogil=True, _nrt=False)
def _classify(m, side, offered, rank, limits, count, at, sums):  # type: ignore[no-untyped-def]
    """Energy of asks that gain and that are at the margin, of bids likewise."""
    whole, left = at[2 * m], at[2 * m + 1]
    asks = asks_at = bids = bids_at = 0
    for j in range(count):
        i = rank[j]
        energy = offered[i]
        sells = side[i] == 0
        below = (limits[j] < whole) | ((limits[j] == whole) & (left > 0))
        above = limits[j] > whole
        asks += energy if sells & below else 0
        bids += energy if (not sells) & above else 0
        at_margin = not (below | above)
        asks_at += energy if sells & at_margin else 0
        bids_at += energy if (not sells) & at_margin else 0
    sums[0], sums[1], sums[2], sums[3] = asks, asks_at, bids, bids_at


@njit(cache=True, nogil=True, _nrt=False)
def _value(at, row):  # type: ignore[no-untyped-def]
    """What 1000 Wh of activity gain at the prices: whole part and what is left over."""
    whole = row[0] * at[0] + row[1] * at[2] - row[2]
    left = row[0] * at[1] + row[1] * at[3]
    more = left // at[4]
    return whole + more, left - more * at[4]


# Columns of `room`: gain (2), activity or _TIGHT, first row of its class, whether the class must
# use up what it shares, what it shares, most activity, leader of its equals, scratch (2), whether
# its activity was for us to choose.


@njit(cache=True, nogil=True, _nrt=False)
def _states(rows, at, room):  # type: ignore[no-untyped-def]
    """Which conversions run in full, not at all, or are for us to choose; how many of these."""
    tight = 0
    k = 0
    while k < rows.shape[0]:
        end = rows[k, 4]
        left = 0
        if end == k + 1:  # alone: only the sign of its gain matters, which is far from 0 mostly
            row = rows[k]
            whole = row[0] * at[0] + row[1] * at[2] - row[2]
            if abs(whole) > abs(row[0]) + abs(row[1]):
                room[k, 0] = whole
                room[k, 2] = row[3] if whole > 0 else 0
                room[k, 3] = k
                room[k, 6] = row[3]
                room[k, 7] = k
                room[k, 10] = 0
                k = end
                continue
        for j in range(k, end):
            room[j, 0], room[j, 1] = _value(at, rows[j])
            room[j, 2] = 0
            room[j, 6] = rows[j, 3]
            room[j, 7] = j
            room[j, 8] = 0
            room[j, 10] = 0
            left = max(left, rows[j, 3])
        while left > 0:
            best = -1
            for j in range(k, end):
                if room[j, 8] == 0 and (
                    best < 0
                    or room[j, 0] > room[best, 0]
                    or (room[j, 0] == room[best, 0] and room[j, 1] > room[best, 1])
                ):
                    best = j
            if best < 0 or room[best, 0] < 0:
                break
            gain, more = room[best, 0], room[best, 1]
            gains = gain > 0 or more > 0
            total = 0
            for j in range(best, end):
                if room[j, 8] == 0 and room[j, 0] == gain and room[j, 1] == more:
                    total += rows[j, 3]
            full = gains and total <= left
            for j in range(best, end):
                if room[j, 8] == 0 and room[j, 0] == gain and room[j, 1] == more:
                    room[j, 8] = 1
                    room[j, 2] = rows[j, 3] if full else _TIGHT
                    room[j, 3] = best
                    room[j, 4] = 1 if gains else 0
                    room[j, 5] = left
                    room[j, 10] = 0 if full else 1
                    tight += 0 if full else 1
            if not full:
                break
            left -= total
        if end == k + 1 and room[k, 2] == _TIGHT:
            for j in range(k):
                if (
                    room[j, 2] == _TIGHT
                    and rows[j, 4] == j + 1
                    and (j == 0 or rows[j - 1, 4] == j)
                    and rows[j, 0] == rows[k, 0]
                    and rows[j, 1] == rows[k, 1]
                    and rows[j, 2] == rows[k, 2]
                ):
                    room[k, 7] = j
                    room[j, 6] += rows[k, 3]
                    room[j, 5] += rows[k, 3]
                    break
        k = end
    return tight


@njit(cache=True, nogil=True, _nrt=False)
def _ray(rays, used, dx, dy):  # type: ignore[no-untyped-def]
    """Add a direction and its opposite unless they are there; the number of directions."""
    if dx == 0 and dy == 0:
        return used
    for r in range(used):
        if rays[r, 0] * dy == rays[r, 1] * dx:
            return used
    rays[used, 0], rays[used, 1] = dx, dy
    rays[used + 1, 0], rays[used + 1, 1] = -dx, -dy
    return used + 2


@njit(cache=True, nogil=True, _nrt=False)
def _directions(rows, room, rays):  # type: ignore[no-untyped-def]
    """Directions across the edges of what the undecided can deliver together."""
    used = _ray(rays, _ray(rays, 0, 1, 0), 0, 1)
    for k in range(rows.shape[0]):
        if room[k, 2] == _TIGHT and room[k, 7] == k:
            used = _ray(rays, used, -rows[k, 1], rows[k, 0])
            for j in range(k + 1, rows.shape[0]):
                if room[j, 2] == _TIGHT and room[j, 3] == room[k, 3]:
                    used = _ray(rays, used, rows[j, 1] - rows[k, 1], rows[k, 0] - rows[j, 0])
    return used


@njit(cache=True, nogil=True, _nrt=False)
def _reach(k, runs, dx, dy, fixed, sums, rows, room):  # type: ignore[no-untyped-def]
    """The furthest that all can go in a direction if row k runs so much, in mWh."""
    electricity = fixed[0] + rows[k, 0] * runs
    heat = fixed[1] + rows[k, 1] * runs
    if dx != 0:
        electricity += _MILLI * (sums[0, 1] if dx > 0 else -sums[0, 3])
    if dy != 0:
        heat += _MILLI * (sums[1, 1] if dy > 0 else -sums[1, 3])
    for j in range(k + 1, rows.shape[0]):
        if room[j, 2] != _TIGHT or room[j, 7] != j:
            continue
        room[j, 8] = room[j, 6]
        room[j, 9] = room[j, 5] - (runs if room[j, 3] == room[k, 3] else 0)
    for j in range(k + 1, rows.shape[0]):
        if room[j, 2] != _TIGHT or room[j, 7] != j:
            continue
        # the head of what is left of a class shares out for all of it
        head = True
        for i in range(k + 1, j):
            head &= not (room[i, 2] == _TIGHT and room[i, 7] == i and room[i, 3] == room[j, 3])
        left = room[j, 9] if head else 0
        while left > 0:
            best = -1
            most = 0
            for i in range(j, rows.shape[0]):
                if room[i, 2] == _TIGHT and room[i, 3] == room[j, 3] and room[i, 8] > 0:
                    gain = rows[i, 0] * dx + rows[i, 1] * dy
                    if best < 0 or gain > most:
                        best, most = i, gain
            if best < 0 or (most <= 0 and room[best, 4] == 0):
                break
            taken = min(left, room[best, 8])
            room[best, 8] = 0
            left -= taken
            electricity += rows[best, 0] * taken
            heat += rows[best, 1] * taken
    return electricity, heat


@njit(cache=True, nogil=True, _nrt=False)
def _sign(dx, electricity, dy, heat):  # type: ignore[no-untyped-def]
    """Sign of ``dx * electricity + dy * heat``, which passes 64 bits."""
    low = dx * (electricity & _LOW) + dy * (heat & _LOW)
    high = dx * (electricity >> _LOW_BITS) + dy * (heat >> _LOW_BITS) + (low >> _LOW_BITS)
    if high != 0:
        return 1 if high > 0 else -1
    return 1 if low & _LOW else 0


@njit(cache=True, nogil=True, _nrt=False)
def _verdict(k, runs, top, fixed, sums, rows, room, rays, used):  # type: ignore[no-untyped-def]
    """0 if the rest can balance; else whether row k must run more (1) or less (-1)."""
    for r in range(used):
        dx, dy = rays[r, 0], rays[r, 1]
        electricity, heat = _reach(k, runs, dx, dy, fixed, sums, rows, room)
        if _sign(dx, electricity, dy, heat) >= 0:
            continue
        step = 1 if runs < top else -1
        more, hotter = _reach(k, runs + step, dx, dy, fixed, sums, rows, room)
        change = step * _sign(dx, more - electricity, dy, hotter - heat)
        if change != 0:  # else rounding before did it, and row k cannot help
            return change
    return 0


@njit(cache=True, nogil=True, _nrt=False)
def _run(rows, at, sums, room, rays, activity):  # type: ignore[no-untyped-def]
    """Activity of every conversion, Wh; how many were for us to choose."""
    n = rows.shape[0]
    tight = _states(rows, at, room)
    fixed = sums[2]
    for m in range(2):
        fixed[m] = _MILLI * (sums[m, 0] - sums[m, 2])
    for k in range(n):
        if room[k, 2] != _TIGHT:
            activity[k] = room[k, 2]
            fixed[0] += rows[k, 0] * activity[k]
            fixed[1] += rows[k, 1] * activity[k]
    if tight == 0:
        return 0
    used = _directions(rows, room, rays)
    for k in range(n):
        if room[k, 2] != _TIGHT or room[k, 7] != k:
            continue
        others = 0
        for j in range(k + 1, n):
            if room[j, 2] == _TIGHT and room[j, 3] == room[k, 3]:
                others += room[j, 6]
        low = max(0, room[k, 5] - others) if room[k, 4] else 0
        high = min(room[k, 6], room[k, 5])
        runs = -1
        if others == 0 and abs(fixed[0]) < _SMALL and abs(fixed[1]) < _SMALL:
            runs = _most(k, low, high, fixed, sums, rows, room, rays, used)
        if runs < 0:
            runs = _bisected(k, min(low, high), high, fixed, sums, rows, room, rays, used)
        activity[k] = runs
        room[k, 2] = runs
        fixed[0] += rows[k, 0] * runs
        fixed[1] += rows[k, 1] * runs
        for j in range(k + 1, n):
            if room[j, 2] == _TIGHT and room[j, 3] == room[k, 3]:
                room[j, 5] -= runs
    for k in range(n):
        if room[k, 2] != _TIGHT and room[k, 7] == k and room[k, 6] > rows[k, 3]:
            _share_out(k, rows, room, activity)
    return tight


@njit(cache=True, nogil=True, _nrt=False)
def _most(k, low, high, fixed, sums, rows, room, rays, used):  # type: ignore[no-untyped-def]
    """The most that row k, which shares with nobody, can run; -1 if 64 bits do not suffice."""
    for r in range(used):
        dx, dy = rays[r, 0], rays[r, 1]
        slope = rows[k, 0] * dx + rows[k, 1] * dy
        if slope < 0:
            electricity, heat = _reach(k, 0, dx, dy, fixed, sums, rows, room)
            if abs(electricity) > _SMALL or abs(heat) > _SMALL:
                return -1
            high = min(high, (dx * electricity + dy * heat) // -slope)
    return max(low, high)


@njit(cache=True, nogil=True, _nrt=False)
def _bisected(k, low, high, fixed, sums, rows, room, rays, used):  # type: ignore[no-untyped-def]
    """The most that row k can run; if no whole Wh balances exactly, the next below."""
    bottom, top = low, high
    runs = -1
    while low <= high:
        middle = (low + high) >> 1
        verdict = _verdict(k, middle, top, fixed, sums, rows, room, rays, used)
        if verdict == 0:
            runs = middle
        if verdict >= 0:
            low = middle + 1
        else:
            high = middle - 1
    return runs if runs >= 0 else min(max(high, bottom), top)


@njit(cache=True, nogil=True, _nrt=False)
def _share_out(lead, rows, room, activity):  # type: ignore[no-untyped-def]
    """Divide what equal conversions run pro rata, the Wh left over to the earlier ones."""
    amount, total = activity[lead], room[lead, 6]
    left = amount
    for k in range(lead, rows.shape[0]):
        if room[k, 7] == lead:
            activity[k] = amount * rows[k, 3] // total
            room[k, 8] = amount * rows[k, 3] % total
            left -= activity[k]
    for _ in range(left):
        best = lead
        for k in range(lead + 1, rows.shape[0]):
            if room[k, 7] == lead and room[k, 8] > room[best, 8]:
                best = k
        activity[best] += 1
        room[best, 8] = -1


@njit(cache=True, nogil=True, _nrt=False)
def _loss(  # type: ignore[no-untyped-def]
    rows, at, side, offered, rank, levels, count, sums, room, activity
):
    """What rounding costs, in pico-euro, and how many Wh inner orders lose; -1 Wh: impossible.

    A float, because it only ranks candidates, and products could pass 64 bits.
    """
    loss = 0.0
    cut = 0
    for k in range(rows.shape[0]):
        if room[k, 10]:
            loss -= float(room[k, 0]) * activity[k]
    for m in range(2):
        given = 0
        for k in range(rows.shape[0]):
            part = rows[k, m] * activity[k] // _MILLI
            given += part
            if room[k, 10]:
                loss += float(rows[k, m] * activity[k] - _MILLI * part) * at[2 * m]
        if given > sums[m, 2] + sums[m, 3] or given < -sums[m, 0] - sums[m, 1]:
            return loss, -1
        bought = min(sums[m, 2] + sums[m, 3], sums[m, 0] + sums[m, 1] + given)
        for which in range(2):
            amount = sums[m, 0] - bought + given if which == 0 else sums[m, 2] - bought
            cut += max(0, amount)
            j = count[m] - 1 if which == 0 else 0
            while amount > 0:
                i = rank[m, j]
                worth = levels[m, 0, j] - at[2 * m] if which else at[2 * m] - levels[m, 0, j]
                if side[i] == which and worth >= 0:
                    less = min(amount, offered[i])
                    loss += float(_MILLI * less) * worth
                    amount -= less
                j += 1 if which else -1
    return loss, cut


@njit(cache=True, nogil=True, _nrt=False)
def _polish(  # type: ignore[no-untyped-def]
    rows, at, side, offered, rank, levels, count, sums, room, activity
):
    """Run the undecided a Wh more or less, one or all of them, while rounding then costs less."""
    n = rows.shape[0]
    loss, cut = _loss(rows, at, side, offered, rank, levels, count, sums, room, activity)
    tight = 0
    there = 0
    for k in range(n):
        tight += room[k, 10]
        there += rows[k, 3] > 0
    if 0 <= cut <= there:  # a Wh each is what rounding may cost
        return
    for _ in range(_ROUNDS):
        best, step = -1, 0
        for k in range(n + 1 if tight > 1 else n):
            if k < n and not room[k, 10]:
                continue
            for way in (1, -1):
                if not _shifted(k, way, rows, room, activity):
                    continue
                new, more = _loss(rows, at, side, offered, rank, levels, count, sums, room,
                                  activity)  # fmt: skip
                if more >= 0 and (cut < 0 or new < loss):
                    loss, cut = new, more
                    best, step = k, way
                _shifted(k, -way, rows, room, activity)
        if best < 0:
            return
        _shifted(best, step, rows, room, activity)


@njit(cache=True, nogil=True, _nrt=False)
def _shifted(which, way, rows, room, activity):  # type: ignore[no-untyped-def]
    """Let one row (or with `which` beyond them all) run a Wh more or less, if they can."""
    n = rows.shape[0]
    first, last = (0, n) if which == n else (which, which + 1)
    for k in range(first, last):
        if room[k, 10] and not 0 <= activity[k] + way <= rows[k, 3]:
            return False
    some = False
    for k in range(first, last):
        if room[k, 10]:
            activity[k] += way
            some = True
    start = 0
    while start < n:
        total = 0
        most = 0
        for k in range(start, rows[start, 4]):
            total += activity[k]
            most = max(most, rows[k, 3])
        if total > most:
            for k in range(first, last):
                if room[k, 10]:
                    activity[k] -= way
            return False
        start = rows[start, 4]
    return some


@njit(cache=True, nogil=True, _nrt=False)
def _deliver(rows, activity, sums, delivered):  # type: ignore[no-untyped-def]
    """What conversions give and take in whole Wh, such that both books can answer."""
    n = rows.shape[0]
    for k in range(n):
        for m in range(2):
            delivered[k, m] = rows[k, m] * activity[k] // _MILLI
    done = False
    while not done:
        done = True
        for m in range(2):
            given = 0
            for k in range(n):
                given += delivered[k, m]
            most, least = sums[m, 2] + sums[m, 3], -sums[m, 0] - sums[m, 1]
            for k in range(n - 1, -1, -1):
                if given > most and delivered[k, m] > 0:
                    kept = min(delivered[k, m], given - most)
                    delivered[k, m] -= kept
                    given -= kept
                if given < least and rows[k, m] < 0 and activity[k] > 0:
                    less = min(activity[k], -((given - least) * _MILLI // -rows[k, m]))
                    activity[k] -= less
                    given -= delivered[k, m]
                    for other in range(2):
                        delivered[k, other] = rows[k, other] * activity[k] // _MILLI
                    given += delivered[k, m]
                    done = False


@njit(cache=True, nogil=True, _nrt=False)
def _fill(  # type: ignore[no-untyped-def]
    given, side, offered, priority, rank, limits, count, whole, left, sums, keys, accepted
):
    """Accept orders of one book that take what is given; what buyers take."""
    bought = min(sums[2] + sums[3], sums[0] + sums[1] + given)
    sold = bought - given
    for j in range(count):
        i = rank[j]
        sells = side[i] == 0
        below = (limits[j] < whole) | ((limits[j] == whole) & (left > 0))
        inside = (sells & below) | ((not sells) & (limits[j] > whole))
        accepted[i] = offered[i] if inside else 0
    if sums[1] > 0 and sold > sums[0]:
        _share(0, sold - sums[0], whole, side, offered, priority, rank, limits, count, keys,
               accepted)  # fmt: skip
    if sums[3] > 0 and bought > sums[2]:
        _share(1, bought - sums[2], whole, side, offered, priority, rank, limits, count, keys,
               accepted)  # fmt: skip
    _cut(0, sums[0] - sold, side, priority, rank, limits, count, accepted)
    _cut(1, sums[2] - bought, side, priority, rank, limits, count, accepted)
    return bought


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
def _share(  # type: ignore[no-untyped-def]
    which, amount, level, side, offered, priority, rank, limits, count, keys, accepted
):
    """Serve one side's orders at the margin class by class; the last class served shares.

    Pro rata by largest remainder, earlier orders first.
    """
    served = -1
    while amount > 0:
        lowest, total = _BEYOND, 0
        for j in range(count):
            i = rank[j]
            if limits[j] == level and side[i] == which and served < priority[i] <= lowest:
                total = offered[i] + (total if priority[i] == lowest else 0)
                lowest = priority[i]
        if total == 0:
            return
        given = min(amount, total)
        left, n = given, 0
        for j in range(count):
            i = rank[j]
            if limits[j] == level and side[i] == which and priority[i] == lowest:
                part = given * offered[i]
                accepted[i] = part // total
                left -= accepted[i]
                keys[n] = ((total - part % total) << _INDEX_BITS) | i
                n += 1
        if left > 0:
            _arrange(keys, n)
            for j in range(left):
                accepted[keys[j] & _INDEX] += 1
        amount -= given
        served = lowest


@njit(cache=True, nogil=True, _nrt=False)
def _cut(which, amount, side, priority, rank, limits, count, accepted):  # type: ignore[no-untyped-def]
    """Take a few Wh back from one side's accepted orders with the worst limits.

    Of equal limits the highest class gives way first, in it the later orders.
    """
    start = count - 1 if which == 0 else 0
    step = -1 if which == 0 else 1
    while amount > 0:
        end = start  # of the offers with this limit
        while 0 <= end < count and limits[end] == limits[start]:
            end += step
        asked = _BEYOND
        while amount > 0:
            highest = -1
            for j in range(min(start, end + 1), max(start, end - 1) + 1):
                i = rank[j]
                if side[i] == which and accepted[i] > 0 and highest < priority[i] < asked:
                    highest = priority[i]
            if highest < 0:
                break
            asked = highest
            for j in range(max(start, end - 1), min(start, end + 1) - 1, -1):
                i = rank[j]
                if side[i] == which and priority[i] == highest:
                    less = min(amount, accepted[i])
                    accepted[i] -= less
                    amount -= less
        start = end
