"""From a learner's action in [-1, 1] to decisions: the action space, and nothing else.

Ten levers, two per kind of device; an organization has those of the devices it owns:

===============  =======================================================================
lever            meaning of -1 ... +1
===============  =======================================================================
battery          deliver all it can ... charge all it can; 0: leave it alone
battery_limit    the limit price of that, feed-in ... retail
pump             heat pump: live off the store as far as it reaches ... run at full power
                 and fill the store; 0: make the heat that is needed now
pump_limit       the limit price of what deviates from 0, feed-in ... retail
store            sell all heat in store ... buy all heat that it can take; 0: leave it
store_limit      the limit price of that, heat feed-in ... heat retail
chp              nothing ... full power
chp_limit        the limit price of its electricity
boiler           nothing ... full power
boiler_limit     the limit price of its heat
===============  =======================================================================

Quantities are shares of what is physically feasible in the open round.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from decent_gym.scenarios import Member
from decent_gym.units import IntArray

LEVERS: Final = (
    "battery",
    "battery_limit",
    "pump",
    "pump_limit",
    "store",
    "store_limit",
    "chp",
    "chp_limit",
    "boiler",
    "boiler_limit",
)
FULL: Final = 1_000_000
"""+1 as an integer: actions are rounded once to parts per million."""

_LEARNER = -1


def levers_of(member: Member) -> IntArray:
    """Indices into ``LEVERS`` that `member` can move, in their order."""
    owned = (
        member.battery,
        member.heat_pump,
        member.thermal_store,
        member.chp,
        member.boiler,
    )
    pairs = [(2 * k, 2 * k + 1) for k, device in enumerate(owned) if device is not None]
    return np.array([lever for pair in pairs for lever in pair], np.int64)


def owned_levers(members: Sequence[Member]) -> npt.NDArray[np.bool_]:
    """Which levers each of `members` can move, (N, 10)."""
    owned = np.zeros((len(members), len(LEVERS)), np.bool_)
    for n, member in enumerate(members):
        owned[n, levers_of(member)] = True
    return owned


@njit(cache=True, nogil=True, _nrt=False)
def write_actions(  # type: ignore[no-untyped-def]
    values, levers, owned, slack, learners, begin, first, last, actions
):
    """Round `values` (1 or last - first, K, L) to parts per million into `actions` (W, N, 10).

    They belong to the learners ``begin .. begin + K - 1`` of `learners` (W, L); levers that one
    does not own (`owned`, (N, 10)) are left alone.

    Returns the flat index of the first value beyond +-(1 + slack), NaN included, or -1; then
    nothing has been written.
    """
    rows, count, width = values.shape
    for i in range(rows):
        for k in range(count):
            for j in range(width):
                if not -1 - slack <= values[i, k, j] <= 1 + slack:
                    return (i * count + k) * width + j
    for w in range(first, last):
        i = w - first if rows > 1 else 0
        for k in range(count):
            n = learners[w, begin + k]
            for j in range(width):
                if owned[n, levers[j]]:
                    value = min(max(values[i, k, j], -1.0), 1.0)
                    actions[w, n, levers[j]] = np.int64(np.rint(value * 1_000_000))
    return -1


@njit(cache=True, nogil=True, _nrt=False)
def note_actions(first, last, learners, actions, noted):  # type: ignore[no-untyped-def]
    """Copy the actions (W, N, 10) of the `learners` (W, L) into `noted` (W, 10 L), for a record."""
    width = actions.shape[2]
    for w in range(first, last):
        for k in range(learners.shape[1]):
            for j in range(width):
                noted[w, k * width + j] = actions[w, learners[w, k], j]


@njit(cache=True, nogil=True, _nrt=False)
def _limit(action, retail, feed_in):  # type: ignore[no-untyped-def]
    """A limit on the closed range [feed-in, retail], rounded down."""
    return feed_in + (retail - feed_in) * (action + 1_000_000) // 2_000_000


@njit(cache=True, nogil=True, _nrt=False)
def decide_learners(  # type: ignore[no-untyped-def]
    first, last, policy, actions, heat, cop, tariffs, max_charge, max_discharge, pump_max,
    store_in, store_out, chp_max, chp_heat_rate, boiler_max, charge, charge_limit, discharge,
    discharge_limit, pump_firm, pump_flex, pump_limit, chp, chp_limit, heat_firm, heat_buy,
    heat_buy_limit, heat_sell, heat_sell_limit, boiler, boiler_limit,
):  # fmt: skip
    """Overwrite the baseline decisions of all learners; `actions` (W, N, 10) in ppm."""
    for w in range(first, last):
        retail, feed_in = tariffs[w, 0, 0], tariffs[w, 0, 1]
        heat_retail, heat_feed_in = tariffs[w, 1, 0], tariffs[w, 1, 1]
        for n in range(policy.shape[1]):
            if policy[w, n] != _LEARNER:
                continue
            a = actions[w, n]
            charge[w, n] = max_charge[w, n] * max(a[0], 0) // 1_000_000
            discharge[w, n] = max_discharge[w, n] * max(-a[0], 0) // 1_000_000
            charge_limit[w, n] = _limit(a[1], retail, feed_in)
            discharge_limit[w, n] = charge_limit[w, n]

            given, taken = store_out[w, n], store_in[w, n]
            if pump_max[w, n] > 0:
                base = pump_firm[w, n]  # the baseline has written what is needed now
                if store_in[w, n] + store_out[w, n] == 0:
                    # without a store, less pump means heat from the network
                    pump_firm[w, n] = base * (1_000_000 + min(a[2], 0)) // 1_000_000
                    heat_firm[w, n] = min(heat[w, n], pump_firm[w, n] * cop[w, n] // 1000)
                elif a[2] < 0:
                    pause = min(base, given * 1000 // cop[w, n]) * -a[2] // 1_000_000
                    pump_firm[w, n] = base - pause
                    pump_flex[w, n] = pause
                    given -= -(-pause * cop[w, n] // 1000)
                else:
                    room = min(pump_max[w, n] - base, taken * 1000 // cop[w, n])
                    pump_flex[w, n] = room * a[2] // 1_000_000
                    taken -= -(-pump_flex[w, n] * cop[w, n] // 1000)
                pump_limit[w, n] = _limit(a[3], retail, feed_in)

            chp[w, n] = chp_max[w, n] * (a[6] + 1_000_000) // 2_000_000
            chp_limit[w, n] = _limit(a[7], retail, feed_in)
            made = chp[w, n] * chp_heat_rate[w, n] // 1000 if chp_max[w, n] > 0 else 0
            heat_buy[w, n] = max(taken, 0) * max(a[4], 0) // 1_000_000
            heat_sell[w, n] = (max(given, 0) + made) * max(-a[4], 0) // 1_000_000
            heat_buy_limit[w, n] = _limit(a[5], heat_retail, heat_feed_in)
            heat_sell_limit[w, n] = heat_buy_limit[w, n]
            boiler[w, n] = boiler_max[w, n] * (a[8] + 1_000_000) // 2_000_000
            boiler_limit[w, n] = _limit(a[9], heat_retail, heat_feed_in)
