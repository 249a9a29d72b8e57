"""Merit order: one price per book, maximal volume and welfare (the default mechanism).

With S(p) the energy offered for sale at limits <= p and D(p) the energy bid for at limits >= p,
let p* be the smallest price with S(<=p*) >= D(>p*).  Then asks below and bids above p* are
filled in full, one side at p* may be rationed, and volume = min(S(<=p*), D(>=p*)), the maximum of
min(S(p), D(p)).  Since S(<=p) - D(>p) = Q(<=p) - D, with Q(<=p) the energy of *all* orders with
limits <= p and D of all bids, p* is a weighted quantile of the limits: side plays no part in the
search, and nothing has to be sorted.

The price interval is [max(last accepted ask, best rejected bid), min(last accepted bid, best
rejected ask)], an order filled in part counting as both; a price p is in it iff
S(<p) <= D(>=p) and D(>p) <= S(<=p).

All thresholds (p*, priority class, sequence, lottery key, remainder, water level) are found by
bisection on integers, so a permuted book gives the permuted result.

Source: the uniform-price double auction with interval pricing; k-double auction of Satterthwaite
and Williams, "Bilateral trade with the sealed bid k-double auction", J. Econ. Theory 48 (1989).
"""

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.rules import Rules
from decent_gym.units import IntArray

_SELL = 0
_BUY = 1
_NONE = 0
_EXACT = 1
_MARGINAL_SELL = 2
_MARGINAL_BUY = 3
_PRO_RATA = 0
_TIME = 1
_RANDOM = 2
FAULT_CODES = 8
"""A fault is the position of an offer times this, plus what is wrong with it."""
FAULTY_SIDE = 1
FAULTY_PRICE = 2
FAULTY_ENERGY = 3
FAULTY_TOTAL = 4
_ENERGY_LIMIT = 10**8
_PRICE_LIMIT = 10**8
_PRODUCT_LIMIT = 2**62
_BEYOND = 2**62  # above every price, so min and max need no special case
_BUCKET_BITS = 11
_BUCKETS = (1 << _BUCKET_BITS) + 2
_FEW = 1024  # up to here a vectorised bisection is as fast as histogram passes (measured)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_SIGN = np.uint64(0x8000000000000000)
_S30 = np.uint64(30)
_S27 = np.uint64(27)
_S31 = np.uint64(31)


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`."""
    arguments = (
        books.orders,
        books.side,
        books.price,
        books.offered,
        books.priority,
        books.sequence,
        books.lottery,
        *rules.codes,
        *outcome[:8],
        _room(books.side.shape[1]),
    )
    if rules.codes[0] == _RANDOM:
        with np.errstate(over="ignore"):  # the lottery wraps; numpy warns if the JIT is off
            _clear(first, last, *arguments)
    else:
        _clear(first, last, *arguments)


def _room(slots: int) -> IntArray:
    """Room to work in for one thread: six figures, two rows of slots, and big books' buckets."""
    return np.empty(6 + 2 * slots + (_BUCKETS if slots > _FEW else 0), np.int64)


def clear_one(
    side: IntArray,
    price: IntArray,
    energy: IntArray,
    priority: IntArray,
    sequence: IntArray,
    lottery: int,
    codes: tuple[int, int, int],
) -> tuple[IntArray, int]:
    """Check and clear one book in a single dispatch.

    Parameters
    ----------
    side, price, energy : int64 (n,)
        Any values.
    priority, sequence : int64 (n,) or (0,)
        Empty: all 0, and the array position.
    lottery : int
        Key of the lottery, for the tie rule ``random``.
    codes : tuple of int
        ``rules.codes``.

    Returns
    -------
    int64 (2 n + 6,)
        ``accepted``, ``pays``, then volume, price_low, price, price_high, surplus, case.
    int
        The book's fault, see :func:`book_fault`; unless it is 0, nothing has been cleared.
    """
    out = np.empty(2 * side.shape[0] + 6, np.int64)
    room = _room(side.shape[0])
    if codes[0] == _RANDOM:
        key = np.int64(lottery)  # without the JIT, uint64 refuses a negative Python integer
        with np.errstate(over="ignore"):
            fault = _clear_one(side, price, energy, priority, sequence, key, *codes, room, out)
    else:
        fault = _clear_one(side, price, energy, priority, sequence, lottery, *codes, room, out)
    return out, fault


MERIT_ORDER = Mechanism(
    "merit_order",
    clear_books,
    uniform=True,
    summary="One price, maximal volume and welfare; the margin is rationed by the tie rule.",
)


@njit(cache=True, nogil=True, _nrt=False)
def _clear(  # type: ignore[no-untyped-def]
    first,
    last,
    count,
    side,
    price,
    offered,
    priority,
    sequence,
    lottery,
    tie,
    num,
    den,
    accepted,
    pays,
    price_low,
    clearing,
    price_high,
    volume,
    surplus,
    case,
    room,
):
    """The rows ``first <= b < last``, arrays as in ``Books`` and ``Outcome``."""
    figures = room[:6]
    for b in range(first, last):
        n = count[b]
        _row(
            n,
            side[b],
            price[b],
            offered[b],
            priority[b],
            sequence[b],
            lottery[b],
            tie,
            num,
            den,
            room,
            accepted[b],
            pays[b],
            figures,
        )
        for i in range(n, side.shape[1]):
            accepted[b, i] = 0
            pays[b, i] = 0
        volume[b] = figures[0]
        price_low[b] = figures[1]
        clearing[b] = figures[2]
        price_high[b] = figures[3]
        surplus[b] = figures[4]
        case[b] = figures[5]


@njit(cache=True, nogil=True, _nrt=False)
def book_fault(side, price, energy):  # type: ignore[no-untyped-def]
    """The first value that no book may hold, as a fault; 0 if there is none."""
    n = side.shape[0]
    bad = 0
    for i in range(n):
        bad |= (side[i] < 0) | (side[i] > 1)
        bad |= (price[i] < -_PRICE_LIMIT) | (price[i] > _PRICE_LIMIT)
        bad |= (energy[i] < 1) | (energy[i] > _ENERGY_LIMIT)
    if bad:
        for i in range(n):
            if side[i] < 0 or side[i] > 1:
                return i * FAULT_CODES + FAULTY_SIDE
            if price[i] < -_PRICE_LIMIT or price[i] > _PRICE_LIMIT:
                return i * FAULT_CODES + FAULTY_PRICE
            if energy[i] < 1 or energy[i] > _ENERGY_LIMIT:
                return i * FAULT_CODES + FAULTY_ENERGY
    total = 0
    largest_price = 1
    largest_energy = 1
    for i in range(n):  # only now: nothing wraps
        total += energy[i]
        largest_price = max(largest_price, max(price[i], -price[i]))
        largest_energy = max(largest_energy, energy[i])
    if total > _PRODUCT_LIMIT // max(largest_price, largest_energy):
        return FAULTY_TOTAL
    return 0


@njit(cache=True, nogil=True, _nrt=False)
def _clear_one(  # type: ignore[no-untyped-def]
    side, price, energy, priority, sequence, lottery, tie, num, den, room, out
):
    fault = book_fault(side, price, energy)
    if fault != 0:
        return fault
    n = side.shape[0]
    _row(
        n,
        side,
        price,
        energy,
        priority,
        sequence,
        lottery,
        tie,
        num,
        den,
        room,
        out[:n],
        out[n : 2 * n],
        out[2 * n :],
    )
    return 0


@njit(cache=True, nogil=True, _nrt=False)
def _row(  # type: ignore[no-untyped-def]
    n,
    side,
    price,
    offered,
    priority,
    sequence,
    lottery,
    tie,
    num,
    den,
    room,
    accepted,
    pays,
    figures,
):
    """Clear one book of `n` slots; `accepted` and `pays` serve as scratch before their time."""
    slots, keys, buckets = room[6 : 6 + n], room[6 + n : 6 + 2 * n], room[6 + 2 * n :]
    lowest_ask, highest_bid, demand = _extent(n, side, price, offered)
    if lowest_ask > highest_bid:
        for i in range(n):
            accepted[i] = 0
            pays[i] = 0
        for i in range(6):
            figures[i] = 0
        return
    level = _margin(n, price, offered, lowest_ask, highest_bid, demand, buckets, accepted, pays)
    below, above, asks_below, asks_at, bids_at, bids_above = _around(n, level, side, price, offered)
    volume = min(asks_below + asks_at, bids_at + bids_above)
    asks_in = volume - asks_below
    bids_in = volume - bids_above
    low = level if asks_in > 0 or bids_in < bids_at else below
    high = level if bids_in > 0 or asks_in < asks_at else above
    clearing = low + num * (high - low) // den
    ask_cut = level if asks_in == asks_at else level - 1
    bid_cut = level if bids_in == bids_at else level + 1
    for i in range(n):
        buys = side[i] == _BUY
        inside = (buys & (price[i] >= bid_cut)) | ((not buys) & (price[i] <= ask_cut))
        energy = offered[i] if inside else 0
        accepted[i] = energy
        pays[i] = (energy if buys else -energy) * clearing
    case = _EXACT
    if 0 < asks_in < asks_at:
        case = _MARGINAL_SELL
    elif 0 < bids_in < bids_at:
        case = _MARGINAL_BUY
    if case != _EXACT:
        rationed = _SELL if case == _MARGINAL_SELL else _BUY
        amount = asks_in if case == _MARGINAL_SELL else bids_in
        _ration(
            n,
            rationed,
            level,
            amount,
            side,
            price,
            offered,
            priority,
            sequence,
            lottery,
            tie,
            slots,
            keys,
            accepted,
            pays,
            clearing,
        )
    figures[0] = volume
    figures[1] = low
    figures[2] = clearing
    figures[3] = high
    figures[4] = 0
    figures[5] = case


@njit(cache=True, nogil=True, _nrt=False)
def _extent(n, side, price, offered):  # type: ignore[no-untyped-def]
    """Lowest ask, highest bid, and the energy of all bids."""
    lowest_ask = _BEYOND
    highest_bid = -_BEYOND
    demand = 0
    for i in range(n):
        energy = offered[i]
        buys = side[i] == _BUY
        ask = price[i] if (energy > 0) & (not buys) else _BEYOND
        bid = price[i] if (energy > 0) & buys else -_BEYOND
        lowest_ask = min(lowest_ask, ask)
        highest_bid = max(highest_bid, bid)
        demand += energy if buys else 0
    return lowest_ask, highest_bid, demand


@njit(cache=True, nogil=True, _nrt=False)
def _margin(n, price, offered, low, high, demand, buckets, prices, energies):  # type: ignore[no-untyped-def]
    """Smallest p in [low, high] with Q(<=p) >= demand; `prices`, `energies` are scratch."""
    if n <= _FEW:
        return _bisected(n, price, offered, low, high, demand)
    low, high, demand, n = _narrowed(
        n, price, offered, low, high, demand, buckets, prices, energies
    )
    while n > _FEW and low < high:
        low, high, demand, n = _narrowed(
            n, prices, energies, low, high, demand, buckets, prices, energies
        )
    return _bisected(n, prices, energies, low, high, demand)


@njit(cache=True, nogil=True, _nrt=False)
def _bisected(n, price, offered, low, high, demand):  # type: ignore[no-untyped-def]
    while low < high:
        middle = (low + high) >> 1
        total = 0
        below, above = low, high  # the limits next to the middle: half as many rounds
        for i in range(n):
            limit = price[i]
            total += offered[i] if limit <= middle else 0
            below = max(below, limit if limit <= middle else low)
            above = min(above, high if limit <= middle else limit)
        if total >= demand:
            high = below
        else:
            low = above
    return low


@njit(cache=True, nogil=True, _nrt=False)
def _narrowed(n, price, offered, low, high, demand, buckets, prices, energies):  # type: ignore[no-untyped-def]
    """One histogram pass: the bucket that holds p*, and the orders in it, moved to the front."""
    shift = 0
    while (high - low) >> shift >= (1 << _BUCKET_BITS):
        shift += 1
    top = ((high - low) >> shift) + 2
    buckets[: top + 1] = 0
    for i in range(n):
        bucket = ((price[i] - low) >> shift) + 1
        buckets[min(max(bucket, 0), top)] += offered[i]
    bucket = 0
    demand -= buckets[0]
    while demand > buckets[bucket + 1]:
        bucket += 1
        demand -= buckets[bucket]
    low += bucket << shift
    high = min(high, low + (1 << shift) - 1)
    m = 0
    for i in range(n):
        limit = price[i]
        energy = offered[i]
        prices[m] = limit
        energies[m] = energy
        m += (low <= limit) & (limit <= high)
    return low, high, demand, m


@njit(cache=True, nogil=True, _nrt=False)
def _around(n, level, side, price, offered):  # type: ignore[no-untyped-def]
    """Next limits below and above `level`, and the energies below, at and above it by side."""
    below = -_BEYOND
    above = _BEYOND
    asks_below = 0
    asks_at = 0
    bids_at = 0
    bids_above = 0
    for i in range(n):
        limit = price[i]
        energy = offered[i]
        ask = 0 if side[i] == _BUY else energy
        bid = energy - ask
        asks_below += ask if limit < level else 0
        asks_at += ask if limit == level else 0
        bids_at += bid if limit == level else 0
        bids_above += bid if limit > level else 0
        below = max(below, limit if (limit < level) & (energy > 0) else -_BEYOND)
        above = min(above, limit if (limit > level) & (energy > 0) else _BEYOND)
    return below, above, asks_below, asks_at, bids_at, bids_above


@njit(cache=True, nogil=True, _nrt=False)
def _ration(  # type: ignore[no-untyped-def]
    n,
    rationed,
    level,
    amount,
    side,
    price,
    offered,
    priority,
    sequence,
    lottery,
    tie,
    slots,
    keys,
    accepted,
    pays,
    clearing,
):
    """Share `amount` among the orders of one side at `level`: by class, then by the tie rule."""
    m = 0
    for i in range(n):
        if price[i] == level and side[i] == rationed and offered[i] > 0:
            slots[m] = i
            m += 1
    if m == 1:  # the usual book
        accepted[slots[0]] = amount
        pays[slots[0]] = amount * clearing if rationed == _BUY else -amount * clearing
        return
    members = m
    if priority.size > 0:
        members, amount = _last_class(m, amount, offered, priority, slots, keys, accepted)
    if tie == _PRO_RATA:
        _share_pro_rata(members, amount, offered, sequence, slots, keys, accepted)
    elif tie in (_TIME, _RANDOM):
        for j in range(members):
            arrival = sequence[slots[j]] if sequence.size > 0 else slots[j]
            keys[j] = _ticket(arrival, lottery) if tie == _RANDOM else arrival
        _share_in_order(members, amount, offered, slots, keys, accepted)
    else:
        _share_equally(members, amount, offered, sequence, slots, keys, accepted)
    sign = clearing if rationed == _BUY else -clearing
    for j in range(m):
        pays[slots[j]] = accepted[slots[j]] * sign


@njit(cache=True, nogil=True, _nrt=False)
def _last_class(m, amount, offered, priority, slots, keys, accepted):  # type: ignore[no-untyped-def]
    """Fill the classes that fit; the first one that does not moves to the front of `slots`.

    Returns the number of its members and what is left for them.
    """
    low = priority[slots[0]]
    high = low
    for j in range(m):
        keys[j] = priority[slots[j]]
        low = min(low, keys[j])
        high = max(high, keys[j])
    while low < high:
        middle = (low & high) + ((low ^ high) >> 1)
        total = 0
        for j in range(m):
            total += offered[slots[j]] if keys[j] <= middle else 0
        if total >= amount:
            high = middle
        else:
            low = middle + 1
    members = 0
    for j in range(m):
        slot = slots[j]
        if keys[j] < low:
            accepted[slot] = offered[slot]
            amount -= offered[slot]
        elif keys[j] == low:
            slots[j] = slots[members]
            slots[members] = slot
            keys[j] = keys[members]
            members += 1
    return members, amount


@njit(cache=True, nogil=True, _nrt=False)
def _share_pro_rata(m, amount, offered, sequence, slots, keys, accepted):  # type: ignore[no-untyped-def]
    """floor(q R / T) each; the Wh left over go to the largest remainders."""
    total = 0
    for j in range(m):
        total += offered[slots[j]]
    left = amount
    high = 0
    for j in range(m):
        product = offered[slots[j]] * amount
        part = product // total
        accepted[slots[j]] = part
        left -= part
        keys[j] = product - part * total
        high = max(high, keys[j])
    if left == 0:
        return
    low = 1
    while low < high:  # the largest threshold that at least `left` remainders reach
        middle = (low + high + 1) >> 1
        reach = 0
        for j in range(m):
            reach += 1 if keys[j] >= middle else 0
        if reach >= left:
            low = middle
        else:
            high = middle - 1
    tied = 0
    for j in range(m):
        slot = slots[j]
        if keys[j] > low:
            accepted[slot] += 1
            left -= 1
        elif keys[j] == low:
            slots[j] = slots[tied]
            slots[tied] = slot
            keys[j] = keys[tied]
            tied += 1
    _one_each(tied, left, sequence, slots, keys, accepted)


@njit(cache=True, nogil=True, _nrt=False)
def _share_equally(m, amount, offered, sequence, slots, keys, accepted):  # type: ignore[no-untyped-def]
    """min(q, w) each at the highest water level w that fits; the rest by earlier sequence."""
    low = 0
    high = 0
    for j in range(m):
        high = max(high, offered[slots[j]])
    while low < high:
        middle = (low + high + 1) >> 1
        total = 0
        for j in range(m):
            total += min(offered[slots[j]], middle)
        if total <= amount:
            low = middle
        else:
            high = middle - 1
    tied = 0
    for j in range(m):
        slot = slots[j]
        accepted[slot] = min(offered[slot], low)
        amount -= accepted[slot]
        if offered[slot] > low:
            slots[j] = slots[tied]
            slots[tied] = slot
            tied += 1
    _one_each(tied, amount, sequence, slots, keys, accepted)


@njit(cache=True, nogil=True, _nrt=False)
def _one_each(m, left, sequence, slots, keys, accepted):  # type: ignore[no-untyped-def]
    """One Wh more for the `left` earliest of the first `m` slots."""
    if left == 0:
        return
    low = _BEYOND
    high = 0
    for j in range(m):
        keys[j] = sequence[slots[j]] if sequence.size > 0 else slots[j]
        low = min(low, keys[j])
        high = max(high, keys[j])
    while low < high:
        middle = (low & high) + ((low ^ high) >> 1)
        reach = 0
        for j in range(m):
            reach += 1 if keys[j] <= middle else 0
        if reach >= left:
            high = middle
        else:
            low = middle + 1
    for j in range(m):
        accepted[slots[j]] += 1 if keys[j] <= low else 0


@njit(cache=True, nogil=True, _nrt=False)
def _share_in_order(m, amount, offered, slots, keys, accepted):  # type: ignore[no-untyped-def]
    """In full in rising order of `keys` (unique) until the amount runs out."""
    low = keys[0]
    high = keys[0]
    for j in range(m):
        low = min(low, keys[j])
        high = max(high, keys[j])
    while low < high:
        middle = (low & high) + ((low ^ high) >> 1)
        total = 0
        for j in range(m):
            total += offered[slots[j]] if keys[j] <= middle else 0
        if total >= amount:
            high = middle
        else:
            low = middle + 1
    last = slots[0]
    for j in range(m):
        if keys[j] < low:
            accepted[slots[j]] = offered[slots[j]]
            amount -= offered[slots[j]]
        elif keys[j] == low:
            last = slots[j]
    accepted[last] = amount


@njit(cache=True, nogil=True, _nrt=False)
def _ticket(sequence, lottery):  # type: ignore[no-untyped-def]
    """A bijective mix of the sequence (SplitMix64's finaliser), ordered as unsigned."""
    key = np.uint64(sequence) ^ np.uint64(lottery)
    key = (key ^ (key >> _S30)) * _FIRST
    key = (key ^ (key >> _S27)) * _SECOND
    key = key ^ (key >> _S31)
    return np.int64(key ^ _SIGN)
