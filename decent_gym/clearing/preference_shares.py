"""Who trades how much in a book with wishes, where equal offers compete.

At any optimal prices an order gains (it trades in full), loses (it does not trade) or is tied.  The
tied ones of a side share what their side trades beyond those that gain: by priority class, then by
the tie rule, all of them together.  If some set of them got more than those whom it can serve still
take, that set shares exactly what they take, the others share the rest, and so on.  The largest
such set is found by a maximal flow.  Both sides may be shared out separately: whatever each can
trade at most, they can trade together.

Source: the decomposition of a resource allocation under submodular bounds, Groenevelt, "Two
algorithms for maximizing a separable concave function over a polymatroid feasible region", European
J. of Operational Research 54 (1991); both sides at once: Mendelsohn and Dulmage, "Some
generalizations of the problem of distinct representatives", Canadian J. of Mathematics 10 (1958).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.preference_products import Products
from decent_gym.clearing.rules import Rules
from decent_gym.units import IntArray

_SELL = 0
_BUY = 1
_LOSES = 0
_TIED = 1
_GAINS = 2
_PRO_RATA = 0
_TIME = 1
_RANDOM = 2
_BEYOND = 2**62
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_SIGN = np.uint64(0x8000000000000000)
_S30 = np.uint64(30)
_S27 = np.uint64(27)
_S31 = np.uint64(31)


class Deliveries(NamedTuple):
    """Who serves whom.

    Takers of a book with k products are these and, k later, whoever takes either of two: soft
    wishes that gain the same from both.

    Attributes
    ----------
    taker : int64 (R, M)
        Which taker a bid belongs to; of an ask, its product.
    flow : int64 Wh (R, K, 2 K)
        What goes from the sellers of a product to a taker.
    as_wished : int64 (R, K, 2 K)
        1 where a taker of either product takes this one as the wished-for one.
    """

    taker: IntArray
    flow: IntArray
    as_wished: IntArray


def share_out(
    books: Books,
    rules: Rules,
    products: Products,
    bounds: IntArray,
    volume: IntArray,
    outcome: Outcome,
    first: int,
    last: int,
) -> Deliveries:
    """Write what every order of the books that have wishes trades; who serves whom."""
    rows, slots, most = last - first, books.side.shape[1], products.above.shape[1]
    deliveries = Deliveries(
        np.empty((rows, slots), np.int64),
        np.empty((rows, most, 2 * most), np.int64),
        np.empty((rows, most, 2 * most), np.int64),
    )
    with np.errstate(over="ignore"):  # the lottery wraps on purpose; numpy warns if the JIT is off
        _share_out(
            first, last, rules.codes[0], books.orders, books.side, books.price, books.offered,
            books.priority, books.sequence, books.lottery, *products, bounds, volume,
            np.empty((3, slots), np.int64), np.empty((12, 3 * most), np.int64),
            np.empty((3, 2 * most, 2 * most), np.int64), *deliveries, outcome.accepted,
        )  # fmt: skip
    return deliveries


@njit(cache=True, nogil=True, _nrt=False)
def _share_out(  # type: ignore[no-untyped-def]
    first, last, tie, count, side, price, offered, priority, sequence, lottery, counts, above,
    product, plain, value, bounds, volume, by_order, by_group, square, taker, flow, as_wished,
    accepted,
):  # fmt: skip
    state, slots, keys = by_order[0], by_order[1], by_order[2]
    for b in range(first, last):
        r = b - first
        n, m = count[b], counts[r]
        if m == 0:
            continue
        zero = bounds[r, m]  # minus the lowest optimal prices
        for i in range(n):
            accepted[b, i] = 0
            state[i] = _LOSES
            taker[r, i] = product[r, i]
            if offered[b, i] > 0:
                state[i] = _stand(i, side[b], price[b], product[r], plain[r], value[r], zero)
        serves, backwards = square[0], square[1]
        _serving(
            n,
            m,
            side[b],
            offered[b],
            price[b],
            product[r],
            plain[r],
            value[r],
            above[r],
            zero,
            taker[r],
            by_group[0],
            serves,
            as_wished[r],
        )
        for p in range(m):
            for q in range(2 * m):
                backwards[q, p] = serves[p, q]
        _ration(
            _SELL,
            n,
            m,
            2 * m,
            volume[r],
            tie,
            side[b],
            offered[b],
            priority[b],
            sequence[b],
            lottery[b],
            taker[r],
            state,
            serves,
            square[2],
            by_group,
            slots,
            keys,
            accepted[b],
        )
        _ration(
            _BUY,
            n,
            2 * m,
            m,
            volume[r],
            tie,
            side[b],
            offered[b],
            priority[b],
            sequence[b],
            lottery[b],
            taker[r],
            state,
            backwards,
            square[2],
            by_group,
            slots,
            keys,
            accepted[b],
        )
        have, room = by_group[0], by_group[1]
        for q in range(2 * m):
            have[q] = 0
            room[q] = 0
        for i in range(n):
            if side[b, i] == _BUY:
                room[taker[r, i]] += accepted[b, i]
            else:
                have[taker[r, i]] += accepted[b, i]
        _match(m, 2 * m, serves, have, room, flow[r], by_group[4:])


@njit(cache=True, nogil=True, _nrt=False)
def _stand(i, side, price, product, plain, value, zero):  # type: ignore[no-untyped-def]
    """Whether an order gains, loses or is tied at the lowest optimal prices."""
    gain = value[i] + zero[product[i]]
    if side[i] != _BUY:
        gain = -gain
    elif plain[i] >= 0:
        gain = max(gain, price[i] + zero[plain[i]])
    return _GAINS if gain > 0 else _TIED if gain == 0 else _LOSES


@njit(cache=True, nogil=True, _nrt=False)
def _serving(  # type: ignore[no-untyped-def]
    n, m, side, offered, price, product, plain, value, above, zero, taker, other, serves, as_wished
):
    """Find each bid's taker, and write which products can serve which takers at these prices."""
    for p in range(m):
        other[p] = -1
    for i in range(n):
        if offered[i] > 0 and side[i] == _BUY and plain[i] >= 0:
            wish, rest = value[i] + zero[product[i]], price[i] + zero[plain[i]]
            other[product[i]] = plain[i]
            if rest > wish:
                taker[i] = plain[i]
            elif rest == wish:
                taker[i] = m + product[i]
    for p in range(m):
        for q in range(m):
            same = zero[p] == zero[q] and (p == q or above[p, q] > 0)
            serves[p, q] = 1 if same else 0
            as_wished[p, q] = 1
        for q in range(m):
            z = other[q]
            as_wished[p, m + q] = serves[p, q]
            serves[p, m + q] = serves[p, q] if z < 0 else max(serves[p, q], serves[p, z])


@njit(cache=True, nogil=True, _nrt=False)
def _ration(  # type: ignore[no-untyped-def]
    which, n, groups, others, volume, tie, side, offered, priority, sequence, lottery, group, state,
    serves, flow, by_group, slots, keys, accepted,
):  # fmt: skip
    """Share out one side.

    ``serves`` (groups, others) says who may trade with whom; `by_group[0:4]` serves as room, the
    blocks of groups and of others, and what each block shares.
    """
    have, room, block, other_block = by_group[0], by_group[1], by_group[2], by_group[3]
    shares, firm, most = by_group[4], by_group[5], by_group[6]
    for g in range(groups):
        block[g] = 0
        firm[g] = 0
    for h in range(others):
        other_block[h] = 0
        most[h] = 0
    shares[0] = volume
    for i in range(n):
        if state[i] == _LOSES:
            continue
        if side[i] != which:
            most[group[i]] += offered[i]
        elif state[i] == _GAINS:
            accepted[i] = offered[i]
            firm[group[i]] += offered[i]
            shares[0] -= offered[i]
    blocks = 1
    k = 0
    while k < blocks:
        members = 0
        for i in range(n):
            if side[i] == which and state[i] == _TIED and block[group[i]] == k:
                slots[members] = i
                accepted[i] = 0
                members += 1
        _share(members, shares[k], tie, offered, priority, sequence, lottery, slots, keys, accepted)
        for g in range(groups):
            have[g] = firm[g] if block[g] == k else 0
        for j in range(members):
            have[group[slots[j]]] += accepted[slots[j]]
        for h in range(others):
            room[h] = most[h] if other_block[h] == k else 0
        if _match(groups, others, serves, have, room, flow, by_group[7:]):
            k += 1
            continue
        shares[blocks] = 0
        reached, other_reached = by_group[7], by_group[8]
        for g in range(groups):
            if block[g] == k and reached[g] >= 0:
                block[g] = blocks
                shares[blocks] -= firm[g]
        for h in range(others):
            if other_block[h] == k and other_reached[h] >= 0:
                other_block[h] = blocks
                shares[blocks] += most[h]
        shares[k] -= shares[blocks]
        blocks += 1


@njit(cache=True, nogil=True, _nrt=False)
def _match(groups, others, serves, have, room, flow, by_group):  # type: ignore[no-untyped-def]
    """Serve what the groups have where there is room; both are used up.

    Writes `flow` (groups, others).  True if all of it is served; else ``by_group[0:2]`` says which
    groups and others are reached from what is left: -1 for those that are not.  Special takers
    first, each from the plainest that serves it.
    """
    reached, other_reached, queue = by_group[0], by_group[1], by_group[2]
    for h in range(others - 1, -1, -1):
        for g in range(groups):
            part = min(have[g], room[h]) if serves[g, h] > 0 else 0
            flow[g, h] = part
            have[g] -= part
            room[h] -= part
    while True:
        waiting = 0
        for g in range(groups):
            reached[g] = -1
            if have[g] > 0:
                reached[g] = others  # a root
                queue[waiting] = g
                waiting += 1
        for h in range(others):
            other_reached[h] = -1
        if waiting == 0:
            return True
        end = -1
        at = 0
        while at < waiting and end < 0:
            g = queue[at]
            at += 1
            for h in range(others):
                if serves[g, h] == 0 or other_reached[h] >= 0:
                    continue
                other_reached[h] = g
                if room[h] > 0:
                    end = h
                    break
                for f in range(groups):
                    if flow[f, h] > 0 and reached[f] < 0:
                        reached[f] = h
                        queue[waiting] = f
                        waiting += 1
        if end < 0:
            return False
        amount = room[end]
        h = end
        while True:
            g = other_reached[h]
            if reached[g] == others:
                break
            h = reached[g]
            amount = min(amount, flow[g, h])
        amount = min(amount, have[g])
        have[g] -= amount
        room[end] -= amount
        h = end
        while True:
            g = other_reached[h]
            flow[g, h] += amount
            if reached[g] == others:
                break
            h = reached[g]
            flow[g, h] -= amount


@njit(cache=True, nogil=True, _nrt=False)
def _share(  # type: ignore[no-untyped-def]
    m, amount, tie, offered, priority, sequence, lottery, slots, keys, accepted
):
    """Share `amount` among the orders in the first `m` of `slots`: by class, then the tie rule."""
    start = 0
    while start < m and amount > 0:
        lowest = priority[slots[start]]
        for j in range(start, m):
            lowest = min(lowest, priority[slots[j]])
        end = start
        total = 0
        for j in range(start, m):
            slot = slots[j]
            if priority[slot] == lowest:
                slots[j] = slots[end]
                slots[end] = slot
                total += offered[slot]
                end += 1
        if total <= amount:
            for j in range(start, end):
                accepted[slots[j]] = offered[slots[j]]
        else:
            _share_class(
                start, end, amount, total, tie, offered, sequence, lottery, slots, keys, accepted
            )
        amount -= min(amount, total)
        start = end


@njit(cache=True, nogil=True, _nrt=False)
def _share_class(  # type: ignore[no-untyped-def]
    start, end, amount, total, tie, offered, sequence, lottery, slots, keys, accepted
):
    """Share `amount` below `total` among ``slots[start:end]``, as `merit_order` does."""
    for j in range(start, end):
        slot = slots[j]
        keys[slot] = _ticket(sequence[slot], lottery) if tie == _RANDOM else sequence[slot]
    _sort(start, end, slots, keys)
    if tie in (_TIME, _RANDOM):
        for j in range(start, end):
            accepted[slots[j]] = min(offered[slots[j]], amount)
            amount -= accepted[slots[j]]
        return
    if tie == _PRO_RATA:
        left = amount
        for j in range(start, end):
            slot = slots[j]
            accepted[slot] = offered[slot] * amount // total
            keys[slot] = accepted[slot] * total - offered[slot] * amount  # minus the remainder
            left -= accepted[slot]
        _sort(start, end, slots, keys)  # stable: equal remainders stay in order of arrival
        for j in range(start, start + left):
            accepted[slots[j]] += 1
        return
    low = 0
    high = amount
    while low < high:  # the highest level that fits
        middle = (low + high + 1) >> 1
        needed = 0
        for j in range(start, end):
            needed += min(offered[slots[j]], middle)
        if needed <= amount:
            low = middle
        else:
            high = middle - 1
    for j in range(start, end):
        accepted[slots[j]] = min(offered[slots[j]], low)
        amount -= accepted[slots[j]]
    for j in range(start, end):
        if amount > 0 and offered[slots[j]] > low:
            accepted[slots[j]] += 1
            amount -= 1


@njit(cache=True, nogil=True, _nrt=False)
def _sort(start, end, slots, keys):  # type: ignore[no-untyped-def]
    """Insertion sort, stable: few are tied, and most arrive in order."""
    for j in range(start + 1, end):
        slot = slots[j]
        at = j
        while at > start and keys[slots[at - 1]] > keys[slot]:
            slots[at] = slots[at - 1]
            at -= 1
        slots[at] = slot


@njit(cache=True, nogil=True, _nrt=False)
def _ticket(sequence, lottery):  # type: ignore[no-untyped-def]
    """A bijective mix of the sequence (SplitMix64's finaliser), ordered as unsigned."""
    key = np.uint64(sequence) ^ np.uint64(lottery)
    key = (key ^ (key >> _S30)) * _FIRST
    key = (key ^ (key >> _S27)) * _SECOND
    key = key ^ (key >> _S31)
    return np.int64(key ^ _SIGN)
