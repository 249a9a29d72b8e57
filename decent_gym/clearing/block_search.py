"""Which blocks are accepted: an exact search in integers.

One book has one price, so the selection is searched price by price.  At a fixed price p every
order has made up its mind: those that p serves want all of their energy, those that it does not
want none, and those whose limit is p accept any of it (a block: from its minimum).  Payments
cancel, so the welfare of a selection S that p supports is what everybody gains at p::

    W(p, S) = sum of |p - limit| * energy over plain orders that p serves
            + sum of |p - limit| * energy over the blocks in S

and S is supported iff the energies balance: sold by S less bought by S lies in the window that
the plain orders leave open.  A supported selection is supported at some order's limit, so these
are all the prices there are to try: a few dozen knapsacks with a window.

Each is solved by depth first search in order of arrival, accepting first, so that of equally good
selections the first one found is the one that accepts the earliest block.  A branch is cut where
two bounds say that it cannot do better.  The first lets undecided blocks be divided and gives up
the least useful ones until the energy balances, which at a fixed price is merit order.  The second
knows groups: it prices the imbalance instead of forbidding it, and lets every group take what it
then likes best.  Prices are tried in falling order of these bounds, until none can do better.

Source: A. H. Land and A. G. Doig, "An automatic method of solving discrete programming problems",
Econometrica 28 (1960); the bounds: G. B. Dantzig, "Discrete-variable extremum problems",
Operations Research 5 (1957), and H. Everett, "Generalized Lagrange multiplier method", ibid. 11
(1963).
"""

from numba import njit

_BUY = 1
_WINDOW_LOW, _WINDOW_HIGH, _GAIN, _BOUND = 0, 1, 2, 3
_IMPOSSIBLE = -1
ROWS = 9
_GAINS, _SELLS_LOW, _SELLS_HIGH, BY_LIMIT, _CHOSEN, _FOUND, _TAKEN, _PEAK, _WORTH = range(ROWS)


@njit(cache=True, nogil=True, _nrt=False)
def bound_levels(levels, plain, blocks, group, room, out):  # type: ignore[no-untyped-def]
    """What can be reached at each price at most.

    Parameters
    ----------
    levels : int64 (L,)
        The distinct limits.
    plain : int64 (3, P)
        Side, limit, energy of the plain orders.
    blocks : int64 (4, K)
        Side, limit, energy, minimum of the blocks, in order of arrival.
    group : int64 (K,)
        Index of each block's group, -1 without.
    room : int64 (ROWS, K)
        Scratch, but for the row BY_LIMIT: indices of the blocks by rising limit.
    out : int64 (4, L)
        Modified in place: least and most Wh that blocks must sell in all, what plain orders gain,
        and the bound on the welfare, -1 if nothing balances.
    """
    for at in range(levels.shape[0]):
        level = levels[at]
        low = high = gain = 0
        for i in range(plain.shape[1]):
            side, limit, energy = plain[0, i], plain[1, i], plain[2, i]
            if limit == level:
                high += energy if side == _BUY else 0
                low -= energy if side != _BUY else 0
            elif (limit > level) == (side == _BUY):
                low += energy if side == _BUY else -energy
                high += energy if side == _BUY else -energy
                gain += energy * abs(level - limit)
        out[_WINDOW_LOW, at] = low
        out[_WINDOW_HIGH, at] = high
        out[_GAIN, at] = gain
        _open(level, blocks, room)
        room[_TAKEN] = 0
        shadow = _shadow(level, low, high, blocks, group, room)
        best = _bound(0, 0, 0, 0, level, low, high, shadow, blocks, group, room)
        out[_BOUND, at] = best if best == _IMPOSSIBLE else best + gain


@njit(cache=True, nogil=True, _nrt=False)
def search(levels, order, bounds, blocks, group, budget, room, best):  # type: ignore[no-untyped-def]
    """Write the best selection.

    Parameters
    ----------
    levels, bounds, blocks, group, room
        As in :func:`bound_levels`.
    order : int64 (L,)
        Indices of the levels, falling bounds.
    budget : int
        How many branches may be looked at.
    best : int64 (K,)
        Modified in place: 1 for accepted blocks.

    Returns
    -------
    int
        How many branches were looked at; more than `budget` if the search was given up.
    """
    found = room[_FOUND]
    welfare = _IMPOSSIBLE
    seen = 0
    for at in order:
        gain = bounds[_GAIN, at]
        if bounds[_BOUND, at] < max(welfare, 0) or seen > budget:
            break  # no later price can do better
        floor = max(welfare - gain, 0) - 1  # an equally good one may be earlier
        window = bounds[_WINDOW_LOW, at], bounds[_WINDOW_HIGH, at]
        looked, reached = _search_level(
            levels[at], *window, floor, budget - seen, blocks, group, room
        )
        seen += looked
        if reached > floor and (reached + gain > welfare or _is_earlier(found, best)):
            welfare = reached + gain
            for i in range(found.shape[0]):
                best[i] = found[i]
    return seen


@njit(cache=True, nogil=True, _nrt=False)
def _search_level(level, low, high, floor, budget, blocks, group, room):  # type: ignore[no-untyped-def]
    """Find the first selection that gains most at a price, if that is more than `floor`.

    Returns how many branches were looked at, and what was reached.
    """
    k = blocks.shape[1]
    chosen, found, taken = room[_CHOSEN], room[_FOUND], room[_TAKEN]
    _open(level, blocks, room)
    taken[:] = 0
    shadow = _shadow(level, low, high, blocks, group, room)
    seen = sold_low = sold_high = gain = depth = 0
    while seen <= budget:
        seen += 1
        top = _bound(
            depth, sold_low, sold_high, gain, level, low, high, shadow, blocks, group, room
        )
        if top > floor and depth < k:
            takes = room[_GAINS, depth] >= 0 and (group[depth] < 0 or taken[group[depth]] == 0)
            chosen[depth] = takes
            if takes:
                sold_low += room[_SELLS_LOW, depth]
                sold_high += room[_SELLS_HIGH, depth]
                gain += room[_GAINS, depth]
                if group[depth] >= 0:
                    taken[group[depth]] = 1
            depth += 1
            continue
        if top > floor:
            floor = gain
            for i in range(k):
                found[i] = chosen[i]
        depth -= 1
        while depth >= 0 and chosen[depth] == 0:
            depth -= 1
        if depth < 0:
            break
        chosen[depth] = 0
        sold_low -= room[_SELLS_LOW, depth]
        sold_high -= room[_SELLS_HIGH, depth]
        gain -= room[_GAINS, depth]
        if group[depth] >= 0:
            taken[group[depth]] = 0
        depth += 1
    return seen, floor


@njit(cache=True, nogil=True, _nrt=False)
def _is_earlier(found, best):  # type: ignore[no-untyped-def]
    """Whether the first block on which they differ is accepted by `found`."""
    for i in range(found.shape[0]):
        if found[i] != best[i]:
            return found[i] > best[i]
    return False


@njit(cache=True, nogil=True, _nrt=False)
def _open(level, blocks, room):  # type: ignore[no-untyped-def]
    """Gain of each block at a price, -1 if it would lose; least and most Wh it would sell."""
    for i in range(blocks.shape[1]):
        side, limit, energy = blocks[0, i], blocks[1, i], blocks[2, i]
        gain = (limit - level if side == _BUY else level - limit) * energy
        least = blocks[3, i] if gain == 0 else energy
        room[_GAINS, i] = max(gain, _IMPOSSIBLE)
        room[_SELLS_LOW, i] = -energy if side == _BUY else least
        room[_SELLS_HIGH, i] = -least if side == _BUY else energy


@njit(cache=True, nogil=True, _nrt=False)
def _shadow(level, low, high, blocks, group, room):  # type: ignore[no-untyped-def]
    """The price of imbalance with the lowest bound, of those at which a block is indifferent.

    Leaves what blocks are worth then: the gain, less what they sell at that price.
    """
    k = blocks.shape[1]
    best = shadow = 0
    for j in range(-1, k):
        if j >= 0 and room[_GAINS, j] < 0:
            continue
        tried = 0 if j < 0 else level - blocks[1, j]
        _price_in(tried, k, room)
        bound = tried * (high if tried > 0 else low) + _alone(0, k, group, room)
        if j < 0 or bound < best:
            best, shadow = bound, tried
    _price_in(shadow, k, room)
    return shadow


@njit(cache=True, nogil=True, _nrt=False)
def _price_in(shadow, k, room):  # type: ignore[no-untyped-def]
    """What blocks are worth at a price of imbalance, -1 for those that would lose."""
    for i in range(k):
        sells = room[_SELLS_LOW, i] if shadow > 0 else room[_SELLS_HIGH, i]
        out = room[_GAINS, i] < 0
        room[_WORTH, i] = _IMPOSSIBLE if out else max(room[_GAINS, i] - shadow * sells, 0)


@njit(cache=True, nogil=True, _nrt=False)
def _alone(depth, k, group, room):  # type: ignore[no-untyped-def]
    """What undecided blocks are worth together, at most one of a group."""
    taken, peak = room[_TAKEN], room[_PEAK]
    peak[:] = 0
    total = 0
    for i in range(depth, k):
        worth = room[_WORTH, i]
        g = group[i]
        if g < 0:
            total += max(worth, 0)
        elif worth > peak[g] and not taken[g]:
            total += worth - peak[g]
            peak[g] = worth
    return total


@njit(cache=True, nogil=True, _nrt=False)
def _bound(depth, sold_low, sold_high, gain, level, low, high, shadow, blocks, group, room):  # type: ignore[no-untyped-def]
    """What blocks can gain at most after `depth` decisions, -1 if they cannot balance."""
    k = blocks.shape[1]
    taken = room[_TAKEN]
    left_open = high - sold_low if shadow > 0 else low - sold_high
    alone = gain + shadow * left_open + _alone(depth, k, group, room)
    divided = gain
    for i in range(depth, k):
        gains = room[_GAINS, i]
        if gains < 0 or (group[i] >= 0 and taken[group[i]]):
            continue
        divided += gains
        # one at its limit may also stay out: it widens the balance and does not shift it
        if gains > 0 or blocks[0, i] == _BUY:
            sold_low += room[_SELLS_LOW, i]
        if gains > 0 or blocks[0, i] != _BUY:
            sold_high += room[_SELLS_HIGH, i]
    if sold_low <= high and sold_high >= low:
        return max(min(divided, alone), _IMPOSSIBLE)
    sells = sold_low > high
    need = sold_low - high if sells else low - sold_high
    for j in range(k):
        i = room[BY_LIMIT, k - 1 - j if sells else j]  # the dearest asks, or the cheapest bids
        if i < depth or room[_GAINS, i] <= 0 or (blocks[0, i] == _BUY) == sells:
            continue
        if group[i] >= 0 and taken[group[i]]:
            continue
        given_up = min(need, blocks[2, i])
        divided -= given_up * abs(level - blocks[1, i])
        need -= given_up
        if need == 0:
            return max(min(divided, alone), _IMPOSSIBLE)
    return _IMPOSSIBLE
