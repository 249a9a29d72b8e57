"""From decisions to offers and back: one non-increasing net-demand curve per organization.

Below a block's limit its *top* is drawn, above it its *bottom*; from one limit to the next the
curve falls by the block's span.  Fixed net load lies under all of it: what is positive at every
limit is bought at retail, what is negative at every limit is sold at the feed-in tariff::

    net demand
       |___
       |   |__         BUY steps at the limits where the curve falls ...
    0 -|------|-----------------------------------> price
       |      |____    ... SELL steps where it falls below zero
       |           |___

Because the curve falls, nobody crosses itself, and what was accepted leads back to exactly one
point of it: that is how devices get their set-points.
"""

import numpy as np
from numba import njit

_SELL, _BUY = 0, 1
_CHARGE, _DISCHARGE, _PUMP, _CHP = 0, 1, 2, 3
_NOBODY = -2
_UNLIMITED = 10**8


@njit(cache=True, nogil=True)
def _sort(limit, span, which, n):  # type: ignore[no-untyped-def]
    """Insertion sort of n blocks by limit, stable; n is at most 4."""
    for i in range(1, n):
        j = i
        while j > 0 and limit[j - 1] > limit[j]:
            limit[j - 1], limit[j] = limit[j], limit[j - 1]
            span[j - 1], span[j] = span[j], span[j - 1]
            which[j - 1], which[j] = which[j], which[j - 1]
            j -= 1


@njit(cache=True, nogil=True)
def _blocks(  # type: ignore[no-untyped-def]
    charge, charge_limit, discharge, discharge_limit, pump, pump_limit, chp, chp_limit, limit,
    span, which,
):  # fmt: skip
    """List the blocks that hold energy in rising order of their limits; return how many.

    Heat has the same four: bought into the store, sold from it, none, sold from the boiler.
    """
    k = 0
    for block in range(4):
        if block == _CHARGE:
            amount, price = charge, charge_limit
        elif block == _DISCHARGE:
            amount, price = discharge, discharge_limit
        elif block == _PUMP:
            amount, price = pump, pump_limit
        else:
            amount, price = chp, chp_limit
        if amount > 0:
            limit[k], span[k], which[k] = price, amount, block
            k += 1
    _sort(limit, span, which, k)
    return k


@njit(cache=True, nogil=True)
def _write(  # type: ignore[no-untyped-def]
    w, c, a, side, price, energy, now, until, owner, o_side, o_price, o_energy, start, o_until,
    cap, count,
):  # fmt: skip
    """Append one order that lives this round."""
    r = count[w, c]
    owner[w, c, r] = a
    o_side[w, c, r] = side
    o_price[w, c, r] = price
    o_energy[w, c, r] = energy
    start[w, c, r] = now
    o_until[w, c, r] = until
    cap[w, c, r] = energy
    count[w, c] = r + 1


@njit(cache=True, nogil=True)
def _walk(  # type: ignore[no-untyped-def]
    w, c, a, top, fixed, limit, span, n, retail, feed_in, now, owner, o_side, o_price, o_energy,
    start, until, cap, count,
):  # fmt: skip
    """Follow the curve from low to high prices and write its steps as offers."""
    level = fixed + top
    bottom = level
    for k in range(n):
        bottom -= span[k]
    # a bid and an ask of the same organization must not meet at one limit
    bid_cap = retail - 1 if level > 0 and bottom < 0 else retail
    if level < 0:
        _write(w, c, a, _SELL, feed_in, -level, now, now + 1, owner, o_side, o_price, o_energy,
               start, until, cap, count)  # fmt: skip
    last_bid = feed_in - 1
    for k in range(n):
        after = level - span[k]
        bought = max(level, 0) - max(after, 0)
        sold = max(-after, 0) - max(-level, 0)
        if bought > 0:
            last_bid = min(limit[k], bid_cap)
            _write(w, c, a, _BUY, last_bid, bought, now, now + 1, owner, o_side, o_price,
                   o_energy, start, until, cap, count)  # fmt: skip
        if sold > 0:
            _write(w, c, a, _SELL, max(limit[k], last_bid + 1), sold, now, now + 1, owner,
                   o_side, o_price, o_energy, start, until, cap, count)  # fmt: skip
        level = after
    if level > 0:
        _write(w, c, a, _BUY, retail, level, now, now + 1, owner, o_side, o_price, o_energy,
               start, until, cap, count)  # fmt: skip


@njit(cache=True, nogil=True)
def build_offers(  # type: ignore[no-untyped-def]
    first, last, policy, rounds, load, pv, heat, tariffs, charge, charge_limit, discharge,
    discharge_limit, pump_firm, pump_flex, pump_limit, chp, chp_limit, heat_firm, heat_buy,
    heat_buy_limit, heat_sell, heat_sell_limit, boiler, boiler_limit, loss, utility, backup,
    owner, o_side, o_price, o_energy, start, until, cap, count,
):  # fmt: skip
    """Fill the order arrays (W, C, R) of every world; the utility (index or -1) quotes last.

    `loss` (W,) is the heat that the network buys, Wh; `backup` the utility's heat, Wh per round.
    """
    limit, span, which = np.empty(4, np.int64), np.empty(4, np.int64), np.empty(4, np.int64)
    organizations = policy.shape[1]
    for w in range(first, last):
        count[w, 0] = 0
        count[w, 1] = 0
        now = rounds[w]
        for n in range(organizations):
            if policy[w, n] == _NOBODY:
                continue
            k = _blocks(
                charge[w, n], charge_limit[w, n], discharge[w, n], discharge_limit[w, n],
                pump_flex[w, n], pump_limit[w, n], chp[w, n], chp_limit[w, n], limit, span, which,
            )  # fmt: skip
            top = charge[w, n] + pump_flex[w, n]
            _walk(w, 0, n, top, load[w, n] - pv[w, n] + pump_firm[w, n], limit, span, k,
                  tariffs[w, 0, 0], tariffs[w, 0, 1], now, owner, o_side, o_price, o_energy,
                  start, until, cap, count)  # fmt: skip
            k = _blocks(
                heat_buy[w, n], heat_buy_limit[w, n], heat_sell[w, n], heat_sell_limit[w, n], 0, 0,
                boiler[w, n], boiler_limit[w, n], limit, span, which,
            )  # fmt: skip
            top = heat_buy[w, n]
            _walk(w, 1, n, top, max(heat[w, n] - heat_firm[w, n], 0), limit, span, k,
                  tariffs[w, 1, 0], tariffs[w, 1, 1], now, owner, o_side, o_price, o_energy,
                  start, until, cap, count)  # fmt: skip
        if loss[w] > 0:
            _write(w, 1, organizations + 1, _BUY, tariffs[w, 1, 0], loss[w], now, now + 1, owner,
                   o_side, o_price, o_energy, start, until, cap, count)  # fmt: skip
        if utility >= 0:
            for c in range(2):
                amount = _UNLIMITED if c == 0 else backup
                if amount > 0:
                    _write(w, c, utility, _SELL, tariffs[w, c, 0], amount, now, now + 1, owner,
                           o_side, o_price, o_energy, start, until, cap, count)  # fmt: skip
                _write(w, c, utility, _BUY, tariffs[w, c, 1], _UNLIMITED, now, now + 1, owner,
                       o_side, o_price, o_energy, start, until, cap, count)  # fmt: skip


@njit(cache=True, nogil=True)
def follow_accepted(  # type: ignore[no-untyped-def]
    first, last, policy, traded, load, pv, charge, charge_limit, discharge, discharge_limit,
    pump_firm, pump_flex, pump_limit, chp, chp_limit, absorb, actual_load, actual_pv, battery_set,
    pump_set, chp_set, heat_traded,
):  # fmt: skip
    """Set-points (W, N), Wh, from what was accepted: the curve read backwards.

    `battery_set` is signed (+ charges); `heat_traded` is copied out of `traded` (W, A, C).  With
    `absorb`, batteries also take the difference between actual and forecast net load.
    """
    limit, span, which = np.empty(4, np.int64), np.empty(4, np.int64), np.empty(4, np.int64)
    kept = np.zeros(4, np.int64)
    for w in range(first, last):
        for n in range(policy.shape[1]):
            heat_traded[w, n] = traded[w, n, 1]
            if policy[w, n] == _NOBODY:
                battery_set[w, n], pump_set[w, n], chp_set[w, n] = 0, 0, 0
                continue
            k = _blocks(
                charge[w, n], charge_limit[w, n], discharge[w, n], discharge_limit[w, n],
                pump_flex[w, n], pump_limit[w, n], chp[w, n], chp_limit[w, n], limit, span, which,
            )  # fmt: skip
            kept[:] = 0
            fixed = load[w, n] - pv[w, n] + pump_firm[w, n]
            fallen = fixed + charge[w, n] + pump_flex[w, n] - traded[w, n, 0]
            for i in range(k):
                dropped = min(max(fallen, 0), span[i])
                fallen -= dropped
                kept[which[i]] = span[i] - dropped
            battery_set[w, n] = kept[_CHARGE] - (discharge[w, n] - kept[_DISCHARGE])
            if absorb:
                error = (actual_load[w, n] - actual_pv[w, n]) - (load[w, n] - pv[w, n])
                battery_set[w, n] -= error
            pump_set[w, n] = pump_firm[w, n] + kept[_PUMP]
            chp_set[w, n] = chp[w, n] - kept[_CHP]
