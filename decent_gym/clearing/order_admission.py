"""Which orders may stand in a book: whole batches in, a status per order out.

An order that is refused leaves no trace.  The caps per organization are what keeps every later
sum inside int64, so that nobody can void a round for the others.  What a market refuses by these
rules, an audit must not find in a ledger: both call this file.
"""

from typing import Final

import numpy as np
from numba import njit

from decent_gym.units import BOOK_ENERGY_CAP, IntArray

HORIZON: Final = 7 * 96
"""How many rounds ahead an order may reach, a week."""
_SELL, _BUY = 0, 1
_NO_DEVICE = -1
_NO_ID = -1
_REPLACED = 6
_ENERGY_CAP = 10**8
_PRICE_CAP = 10**8
_NUMBER_CAP = 2**53 - 1
_ACCOUNT_CAP = 2**60
_NEVER = 2**62
_HARD = -1
_NOBODY = -1
_ALL_ATTRIBUTES = 3
_PREMIUM_CAP = 1_000


def energy_limits(priority: IntArray) -> IntArray:
    """Wh that each account may have in one book: half for the members, half for the utility."""
    members = priority == 0
    limits = np.empty(len(priority), np.int64)
    limits[members] = BOOK_ENERGY_CAP // 2 // max(int(members.sum()), 1)
    limits[~members] = BOOK_ENERGY_CAP // 2 // max(int((~members).sum()), 1)
    return limits


@njit(cache=True, nogil=True, _nrt=False)
def _crosses(side, price, other_side, other_price):  # type: ignore[no-untyped-def]
    """Whether two orders on opposite sides could trade with each other."""
    if side == other_side:
        return False
    return other_price <= price if side == _BUY else other_price >= price


@njit(cache=True, nogil=True, _nrt=False)
def _worth(side, price, attributes, premium):  # type: ignore[no-untyped-def]
    """What the energy it likes best is worth to an order, at most the cap of limits."""
    if side != _BUY or attributes <= 0 or premium <= 0:
        return price
    return min(price + abs(price) * premium // 1_000, _PRICE_CAP)


@njit(cache=True, nogil=True, _nrt=False)
def _would_trade(wishes, at, other_wishes, w, c, i, side, price, other_side, other_price):  # type: ignore[no-untyped-def]
    """As `_crosses`, of order `at` and a standing or newer order `i`, which have wishes.

    Neither would with a partner; a bid would only with energy of a type that it takes.
    """
    attributes, premium, partner = wishes[0, w, c, at], wishes[1, w, c, at], wishes[2, w, c, at]
    others = other_wishes[0, w, c, i]
    if side == other_side or partner != _NOBODY or other_wishes[2, w, c, i] != _NOBODY:
        return False
    if side != _BUY:
        attributes, others = others, attributes
        premium = other_wishes[1, w, c, i]
        price, other_price = other_price, price
    if attributes & others != attributes:
        return premium != _HARD and other_price <= price
    return other_price <= _worth(_BUY, price, attributes, premium)


@njit(cache=True, nogil=True, _nrt=False)
def _meets(  # type: ignore[no-untyped-def]
    read, wishes, at, other_wishes, w, c, i, side, price, other_side, other_price
):
    """Whether two orders would trade; their wishes count if `read`, the books' own, is not None."""
    if read is None:
        return _crosses(side, price, other_side, other_price)
    return _would_trade(wishes, at, other_wishes, w, c, i, side, price, other_side, other_price)


# inline: passing on arrays would cost a call more than the helpers do
@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _judge(  # type: ignore[no-untyped-def]
    w, c, count, now, horizon, o_id, o_side, o_price, o_energy, o_start, o_until, o_device, o_cap,
    status,
):  # fmt: skip
    """Write what is wrong with each order taken by itself; the lowest code of a row stays."""
    for r in range(count):  # a few columns a loop, so that it vectorises
        code = 16 if o_id[w, c, r] > _NUMBER_CAP else 0
        code = 11 if (o_device[w, c, r] < _NO_DEVICE) | (o_device[w, c, r] > _NUMBER_CAP) else code
        code = 10 if (o_cap[w, c, r] <= 0) | (o_cap[w, c, r] > _ENERGY_CAP) else code
        status[w, c, r] = code
    for r in range(count):
        start, until = o_start[w, c, r], o_until[w, c, r]
        code = 9 if until > now + horizon else status[w, c, r]
        code = 8 if until <= start else code
        code = 7 if start > now + horizon else code
        status[w, c, r] = 6 if start < now else code
    for r in range(count):
        side, price, energy = o_side[w, c, r], o_price[w, c, r], o_energy[w, c, r]
        code = 5 if (price < -_PRICE_CAP) | (price > _PRICE_CAP) else status[w, c, r]
        code = 4 if (energy <= 0) | (energy > _ENERGY_CAP) else code
        status[w, c, r] = 3 if (side != _SELL) & (side != _BUY) else code


@njit(cache=True, nogil=True, _nrt=False)
def _judge_wishes(w, c, count, organizations, reads, owner, side, wishes, status):  # type: ignore[no-untyped-def]
    """Write what is wrong with the wish of each order that is well otherwise."""
    for r in range(count):
        attributes, premium = wishes[0, w, c, r], wishes[1, w, c, r]
        partner = wishes[2, w, c, r]
        code = 0
        if not reads and (attributes != 0 or premium != _HARD or partner != _NOBODY):
            code = 18
        elif attributes < 0 or attributes > _ALL_ATTRIBUTES:
            code = 19
        elif premium != _HARD and (
            premium < 0 or premium > _PREMIUM_CAP or side[w, c, r] != _BUY or attributes == 0
        ):
            code = 20
        elif partner != _NOBODY and (
            partner < 0 or partner >= organizations or partner == owner[w, c, r]
        ):
            code = 21
        if status[w, c, r] == 0:
            status[w, c, r] = code


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _take(source, rows, count, target):  # type: ignore[no-untyped-def]
    """Copy one column of the admitted rows into the free slots of a book."""
    for k in range(count):
        target[k] = source[rows[k]]


@njit(cache=True, nogil=True, _nrt=False)
def admit(  # type: ignore[no-untyped-def]
    first, last, o_id, o_owner, o_side, o_price, o_energy, o_start, o_until, o_device, o_cap,
    o_count, status, o_wishes, b_id, b_sequence, b_owner, b_side, b_price, b_energy, b_unsettled,
    b_start, b_until, b_priority, b_device, b_cap, b_count, b_wishes, reason, rounds,
    next_sequence, enabled, priority, energy_limit, balances, organizations, max_offers, horizon,
    scratch, rows, chain,
):  # fmt: skip
    """Write every admissible order into its book; `status` says what became of each.

    `scratch` (5, A), `rows` and `chain` (R,) are room to work in; the books must have room for all
    orders.  Wishes are None in a market that reads none, for which a kernel of its own is compiled;
    where the books hold them, so must the orders.  Returns the number of refused orders.
    """
    refused = 0
    offers, energies, top_bid, low_ask = scratch[0], scratch[1], scratch[2], scratch[3]
    newest = scratch[4]  # of the rows admitted, by account; `chain` leads to the one before
    accounts = enabled.shape[0]
    for w in range(first, last):
        now = rounds[w]
        for c in range(o_count.shape[1]):
            count, standing = o_count[w, c], b_count[w, c]
            if count == 0:
                continue
            _judge(w, c, count, now, horizon, o_id, o_side, o_price, o_energy, o_start, o_until,
                   o_device, o_cap, status)  # fmt: skip
            if o_wishes is not None:
                _judge_wishes(w, c, count, organizations, b_wishes is not None, o_owner, o_side,
                              o_wishes, status)  # fmt: skip
            for a in range(accounts):
                offers[a] = 0
                energies[a] = 0
                top_bid[a] = -_NEVER
                low_ask[a] = _NEVER
                newest[a] = -1
            for i in range(standing):
                a = b_owner[w, c, i]
                offers[a] += 1  # also what was ended in this round: it keeps its slot until then
                if b_until[w, c, i] <= now:
                    continue
                energies[a] += b_energy[w, c, i]
                if b_side[w, c, i] == _BUY:
                    worth = b_price[w, c, i]
                    if b_wishes is not None:
                        worth = _worth(_BUY, worth, b_wishes[0, w, c, i], b_wishes[1, w, c, i])
                    top_bid[a] = max(top_bid[a], worth)
                else:
                    low_ask[a] = min(low_ask[a], b_price[w, c, i])
            n = 0
            for r in range(count):
                a = o_owner[w, c, r]
                code = status[w, c, r]
                if a < 0 or a >= accounts:
                    code = 1
                elif not enabled[a]:
                    code = 2
                elif code == 0 and (
                    balances[w, a] > _ACCOUNT_CAP or balances[w, a] < -_ACCOUNT_CAP
                ):
                    code = 17
                side, price, energy = o_side[w, c, r], o_price[w, c, r], o_energy[w, c, r]
                worth = price
                if b_wishes is not None:
                    worth = _worth(side, price, o_wishes[0, w, c, r], o_wishes[1, w, c, r])
                freed_energy = 0
                if code == 0:
                    if o_device[w, c, r] != _NO_DEVICE:
                        for i in range(standing):
                            if (
                                b_owner[w, c, i] == a
                                and b_device[w, c, i] == o_device[w, c, r]
                                and b_side[w, c, i] == side
                                and b_until[w, c, i] > now
                            ):
                                freed_energy += b_energy[w, c, i]
                    if offers[a] >= max_offers:
                        code = 12
                    elif energies[a] - freed_energy + energy > energy_limit[a]:
                        code = 13
                    elif (side == _BUY and low_ask[a] <= worth) or (
                        side == _SELL and top_bid[a] >= price
                    ):
                        # perhaps: look closer, the windows may not overlap, nor the wishes meet
                        start, until = o_start[w, c, r], o_until[w, c, r]
                        for i in range(standing):
                            if (
                                b_owner[w, c, i] == a
                                and b_until[w, c, i] > now
                                and b_start[w, c, i] < until
                                and start < b_until[w, c, i]
                            ):
                                other_side, other = b_side[w, c, i], b_price[w, c, i]
                                if _meets(
                                    b_wishes, o_wishes, r, b_wishes, w, c, i, side, price,
                                    other_side, other,
                                ):  # fmt: skip
                                    code = 14
                                    break
                        k = newest[a]
                        while k >= 0 and code == 0:
                            i = rows[k]
                            k = chain[k]
                            if o_start[w, c, i] < until and start < o_until[w, c, i]:
                                other_side, other = o_side[w, c, i], o_price[w, c, i]
                                if _meets(
                                    b_wishes, o_wishes, r, o_wishes, w, c, i, side, price,
                                    other_side, other,
                                ):  # fmt: skip
                                    code = 14
                    if code == 0 and o_id[w, c, r] >= 0:
                        for i in range(standing):
                            if b_owner[w, c, i] == a and b_id[w, c, i] == o_id[w, c, r]:
                                code = 15
                                break
                        k = newest[a]
                        while k >= 0 and code == 0:
                            if o_id[w, c, rows[k]] == o_id[w, c, r]:
                                code = 15
                            k = chain[k]
                status[w, c, r] = code
                if code != 0:
                    refused += 1
                    continue
                if freed_energy > 0:
                    for i in range(standing):
                        if (
                            b_owner[w, c, i] == a
                            and b_device[w, c, i] == o_device[w, c, r]
                            and b_side[w, c, i] == side
                            and b_until[w, c, i] > now
                        ):
                            b_until[w, c, i] = now
                            reason[w, c, i] = _REPLACED
                    energies[a] -= freed_energy
                offers[a] += 1
                energies[a] += energy
                if side == _BUY:
                    top_bid[a] = max(top_bid[a], worth)
                else:
                    low_ask[a] = min(low_ask[a], price)
                rows[n] = r
                chain[n] = newest[a]
                newest[a] = n
                n += 1
            _take(o_owner[w, c], rows, n, b_owner[w, c, standing:])
            _take(o_side[w, c], rows, n, b_side[w, c, standing:])
            _take(o_price[w, c], rows, n, b_price[w, c, standing:])
            _take(o_energy[w, c], rows, n, b_energy[w, c, standing:])
            _take(o_energy[w, c], rows, n, b_unsettled[w, c, standing:])
            _take(o_start[w, c], rows, n, b_start[w, c, standing:])
            _take(o_until[w, c], rows, n, b_until[w, c, standing:])
            _take(o_device[w, c], rows, n, b_device[w, c, standing:])
            _take(o_cap[w, c], rows, n, b_cap[w, c, standing:])
            ids, classes = b_id[w, c, standing:], b_priority[w, c, standing:]
            numbers, reasons = b_sequence[w, c, standing:], reason[w, c, standing:]
            for k in range(n):
                ids[k] = max(o_id[w, c, rows[k]], _NO_ID)
            for k in range(n):
                classes[k] = priority[o_owner[w, c, rows[k]]]
            for k in range(n):
                numbers[k] = next_sequence[w] + k
                reasons[k] = 0
            if b_wishes is not None:
                for k in range(b_wishes.shape[0]):
                    _take(o_wishes[k, w, c], rows, n, b_wishes[k, w, c, standing:])
            next_sequence[w] += n
            b_count[w, c] = standing + n
    return refused
