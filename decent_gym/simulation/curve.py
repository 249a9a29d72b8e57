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

from typing import Any

import numpy as np
from numba import njit

_SELL, _BUY = 0, 1
_NOBODY = -2
_UNLIMITED = 10**8


# inline: passing on arrays costs a call as much as what it does (1.3 against 0.3 us a world)


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _insert(k, amount, price, limit, span):  # type: ignore[no-untyped-def]
    """Put a block that holds energy behind the `k` there are, in rising order of limits, stable."""
    if amount <= 0:
        return k
    j = k
    while j > 0 and limit[j - 1] > price:
        limit[j], span[j] = limit[j - 1], span[j - 1]
        j -= 1
    limit[j], span[j] = price, amount
    return k + 1


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _write(w, c, r, a, side, price, energy, owner, o_side, o_price, o_energy):  # type: ignore[no-untyped-def]
    """Write order `r`; what all orders of a round share is filled in once for all."""
    owner[w, c, r] = a
    o_side[w, c, r] = side
    o_price[w, c, r] = price
    o_energy[w, c, r] = energy
    return r + 1


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _walk(  # type: ignore[no-untyped-def]
    w, c, r, a, top, fixed, total, limit, span, n, retail, feed_in, owner, o_side, o_price,
    o_energy,
):  # fmt: skip
    """Follow the curve from low to high prices, write its steps as offers; return the next row."""
    level = fixed + top
    bottom = level - total  # of all spans
    # a bid and an ask of the same organization must not meet at one limit
    bid_cap = retail - 1 if level > 0 and bottom < 0 else retail
    if level < 0:
        r = _write(w, c, r, a, _SELL, feed_in, -level, owner, o_side, o_price, o_energy)
    last_bid = feed_in - 1
    for k in range(n):
        after = level - span[k]
        bought = max(level, 0) - max(after, 0)
        sold = max(-after, 0) - max(-level, 0)
        if bought > 0:
            last_bid = min(limit[k], bid_cap)
            r = _write(w, c, r, a, _BUY, last_bid, bought, owner, o_side, o_price, o_energy)
        if sold > 0:
            price = max(limit[k], last_bid + 1)
            r = _write(w, c, r, a, _SELL, price, sold, owner, o_side, o_price, o_energy)
        level = after
    if level > 0:
        r = _write(w, c, r, a, _BUY, retail, level, owner, o_side, o_price, o_energy)
    return r


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _quote(w, c, r, a, amount, retail, feed_in, owner, o_side, o_price, o_energy):  # type: ignore[no-untyped-def]
    """The utility sells `amount` at retail and buys any amount at the feed-in tariff."""
    if amount > 0:
        r = _write(w, c, r, a, _SELL, retail, amount, owner, o_side, o_price, o_energy)
    return _write(w, c, r, a, _BUY, feed_in, _UNLIMITED, owner, o_side, o_price, o_energy)


def build_offers(first: int, last: int, *arrays: Any) -> None:
    """Fill the order arrays (W, C, R) of every world; the utility (index or -1) quotes last.

    `loss` (W,) is the heat that the network buys, Wh; `backup` the utility's heat, Wh per round.
    The other arguments are those of ``_build``, in order.
    """
    _build(first, last, *arrays, np.empty(4, np.int64), np.empty(4, np.int64))


@njit(cache=True, nogil=True, _nrt=False)
def _build(  # type: ignore[no-untyped-def]
    first, last, policy, rounds, load, pv, heat, tariffs, charge, charge_limit, discharge,
    discharge_limit, pump_firm, pump_flex, pump_limit, chp, chp_limit, heat_firm, heat_buy,
    heat_buy_limit, heat_sell, heat_sell_limit, boiler, boiler_limit, loss, utility, backup,
    owner, o_side, o_price, o_energy, start, until, cap, count, limit, span,
):  # fmt: skip
    """See :func:`build_offers`; `limit` and `span` are scratch for the blocks of a curve."""
    organizations = policy.shape[1]
    for w in range(first, last):
        retail, feed_in = tariffs[w, 0, 0], tariffs[w, 0, 1]
        heat_retail, heat_feed_in = tariffs[w, 1, 0], tariffs[w, 1, 1]
        r, h = 0, 0  # orders so far: electricity, heat
        for n in range(organizations):
            if policy[w, n] == _NOBODY:
                continue
            k = _insert(0, charge[w, n], charge_limit[w, n], limit, span)
            k = _insert(k, discharge[w, n], discharge_limit[w, n], limit, span)
            k = _insert(k, pump_flex[w, n], pump_limit[w, n], limit, span)
            k = _insert(k, chp[w, n], chp_limit[w, n], limit, span)
            fixed = load[w, n] - pv[w, n] + pump_firm[w, n]
            top = charge[w, n] + pump_flex[w, n]
            total = top + discharge[w, n] + chp[w, n]
            r = _walk(w, 0, r, n, top, fixed, total, limit, span, k, retail, feed_in, owner,
                      o_side, o_price, o_energy)  # fmt: skip
            k = _insert(0, heat_buy[w, n], heat_buy_limit[w, n], limit, span)
            k = _insert(k, heat_sell[w, n], heat_sell_limit[w, n], limit, span)
            k = _insert(k, boiler[w, n], boiler_limit[w, n], limit, span)
            fixed = max(heat[w, n] - heat_firm[w, n], 0)
            total = heat_buy[w, n] + heat_sell[w, n] + boiler[w, n]
            h = _walk(w, 1, h, n, heat_buy[w, n], fixed, total, limit, span, k, heat_retail,
                      heat_feed_in, owner, o_side, o_price, o_energy)  # fmt: skip
        if loss[w] > 0:
            network = organizations + 1
            h = _write(w, 1, h, network, _BUY, heat_retail, loss[w], owner, o_side, o_price,
                       o_energy)  # fmt: skip
        if utility >= 0:
            r = _quote(w, 0, r, utility, _UNLIMITED, retail, feed_in, owner, o_side, o_price,
                       o_energy)  # fmt: skip
            h = _quote(w, 1, h, utility, backup, heat_retail, heat_feed_in, owner, o_side,
                       o_price, o_energy)  # fmt: skip
        count[w, 0], count[w, 1] = r, h
        now = rounds[w]
        for c in range(2):
            for i in range(count[w, c]):  # every order lives this round
                start[w, c, i] = now
                until[w, c, i] = now + 1
            for i in range(count[w, c]):
                cap[w, c, i] = o_energy[w, c, i]


@njit(cache=True, nogil=True, _nrt=False)
def _kept(span, fallen, before):  # type: ignore[no-untyped-def]
    """What is left of a block when the curve has fallen, `before` of it at lower limits."""
    return span - min(max(fallen - before, 0), span)


@njit(cache=True, nogil=True, _nrt=False)
def follow_accepted(  # type: ignore[no-untyped-def]
    first, last, policy, traded, converted, load, pv, charge, charge_limit, discharge,
    discharge_limit, pump_firm, pump_flex, pump_limit, chp, chp_limit, absorb, actual_load,
    actual_pv, battery_set, pump_set, chp_set, heat_traded,
):  # fmt: skip
    """Set-points (W, N), Wh, from what was accepted: the curve read backwards.

    `battery_set` is signed (+ charges); `heat_traded` is copied out of `traded` (W, A, C).  What
    conversions sold (`converted`, Wh of electricity) is in `traded`, but not in the curve.  With
    `absorb`, batteries also take the difference between actual and forecast net load.
    """
    for w in range(first, last):
        for n in range(policy.shape[1]):
            heat_traded[w, n] = traded[w, n, 1]
            if policy[w, n] == _NOBODY:
                battery_set[w, n], pump_set[w, n], chp_set[w, n] = 0, 0, 0
                continue
            stored, given = charge[w, n], discharge[w, n]
            pump, made = pump_flex[w, n], chp[w, n]
            c, d = charge_limit[w, n], discharge_limit[w, n]
            p, m = pump_limit[w, n], chp_limit[w, n]
            fallen = load[w, n] - pv[w, n] + pump_firm[w, n] + stored + pump
            fallen -= traded[w, n, 0] + converted[w, n]
            # at equal limits in the order charge, discharge, pump, chp, as the offers were made
            before = (given if d < c else 0) + (pump if p < c else 0) + (made if m < c else 0)
            charged = _kept(stored, fallen, before)
            before = (stored if c <= d else 0) + (pump if p < d else 0) + (made if m < d else 0)
            spared = _kept(given, fallen, before)
            before = (stored if c <= p else 0) + (given if d <= p else 0) + (made if m < p else 0)
            pump_set[w, n] = pump_firm[w, n] + _kept(pump, fallen, before)
            before = (stored if c <= m else 0) + (given if d <= m else 0) + (pump if p <= m else 0)
            chp_set[w, n] = made - _kept(made, fallen, before)
            battery_set[w, n] = charged - (given - spared)
            if absorb:
                error = (actual_load[w, n] - actual_pv[w, n]) - (load[w, n] - pv[w, n])
                battery_set[w, n] -= error
