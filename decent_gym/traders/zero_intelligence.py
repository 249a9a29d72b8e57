"""Zero intelligence, constrained: random quantities at random limits that never lose.

Every block of ``truthful`` (battery, pump_flex, chp, heat_buy, heat_sell, boiler) with its energy
q and its value or cost v becomes

==========  ===========================================  ======
quantity    distribution                                 unit
==========  ===========================================  ======
energy      uniform on the integers 0 .. q               Wh
buy limit   uniform on the integers feed_in .. v         ue/kWh
sell limit  uniform on the integers v .. retail          ue/kWh
==========  ===========================================  ======

Firm parts stay: what they serve is no matter of price.

Draws are counter-based: ``u = M(M(M(M(key) ^ round) ^ organization) ^ draw)``, with M the step and
finaliser of SplitMix64, and ``low + floor(u * (high - low + 1) / 2^64)``, whose bias is below
2^-35; so neither batch size nor order of computation shifts them.  Block b of the list above
(charge 0, discharge 1, pump_flex 2, chp 3, heat_buy 4, heat_sell 5, boiler 6) takes draw 2 b for
its energy and 2 b + 1 for its limit.

Source: ZI-C traders of D. K. Gode, S. Sunder, "Allocative efficiency of markets with
zero-intelligence traders", J. Political Economy 101 (1993).  SplitMix64: G. L. Steele, D. Lea,
C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (Stafford's variant 13).
"""

from typing import Final

import numpy as np
from numba import njit

from decent_gym.traders import truthful
from decent_gym.traders.decisions import Decisions, TraderView
from decent_gym.traders.flexibility import offer_all
from decent_gym.traders.trader import Trader
from decent_gym.units import IntArray

CODE: Final = 1
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_HALF = np.uint64(0xFFFFFFFF)
_S27 = np.uint64(27)
_S30 = np.uint64(30)
_S31 = np.uint64(31)
_S32 = np.uint64(32)


def decide(view: TraderView, decisions: Decisions, first: int, last: int) -> None:
    """Write this trader's part over the baseline, see :class:`Trader`."""
    offer_all(view, decisions, CODE, first, last)
    truthful.value(view, decisions, CODE, first, last)
    with np.errstate(over="ignore"):  # wraps on purpose; numpy warns of it if the JIT is off
        _draw_all(
            first,
            last,
            CODE,
            view.policy,
            view.key,
            view.round,
            view.tariffs,
            decisions.charge,
            decisions.charge_limit,
            decisions.discharge,
            decisions.discharge_limit,
            decisions.pump_flex,
            decisions.pump_limit,
            decisions.chp,
            decisions.chp_limit,
            decisions.heat_buy,
            decisions.heat_buy_limit,
            decisions.heat_sell,
            decisions.heat_sell_limit,
            decisions.boiler,
            decisions.boiler_limit,
        )


@njit(cache=True, nogil=True, _nrt=False)
def _mix(key):  # type: ignore[no-untyped-def]
    key = key + _GOLDEN
    key = (key ^ (key >> _S30)) * _FIRST
    key = (key ^ (key >> _S27)) * _SECOND
    return key ^ (key >> _S31)


@njit(cache=True, nogil=True, _nrt=False)
def _draw(owner, draw, low, high):  # type: ignore[no-untyped-def]
    if high <= low:
        return low
    u = _mix(owner ^ np.uint64(draw))
    count = np.uint64(high - low + 1)
    # the upper half of the 128-bit product, exact while count < 2^32
    scaled = ((u >> _S32) * count + (((u & _HALF) * count) >> _S32)) >> _S32
    return low + np.int64(scaled)


@njit(cache=True, nogil=True, _nrt=False)
def _buy(owner, block, energy, limit, w, n, feed_in):  # type: ignore[no-untyped-def]
    if energy[w, n] > 0:
        energy[w, n] = _draw(owner, 2 * block, 0, energy[w, n])
        limit[w, n] = _draw(owner, 2 * block + 1, feed_in, limit[w, n])


@njit(cache=True, nogil=True, _nrt=False)
def _sell(owner, block, energy, limit, w, n, retail):  # type: ignore[no-untyped-def]
    if energy[w, n] > 0:
        energy[w, n] = _draw(owner, 2 * block, 0, energy[w, n])
        limit[w, n] = _draw(owner, 2 * block + 1, limit[w, n], retail)


@njit(cache=True, nogil=True, _nrt=False)
def _draw_all(
    first: int,
    last: int,
    code: int,
    policy: IntArray,
    key: IntArray,
    round: IntArray,
    tariffs: IntArray,
    charge: IntArray,
    charge_limit: IntArray,
    discharge: IntArray,
    discharge_limit: IntArray,
    pump_flex: IntArray,
    pump_limit: IntArray,
    chp: IntArray,
    chp_limit: IntArray,
    heat_buy: IntArray,
    heat_buy_limit: IntArray,
    heat_sell: IntArray,
    heat_sell_limit: IntArray,
    boiler: IntArray,
    boiler_limit: IntArray,
) -> None:
    for w in range(first, last):
        retail, feed_in = tariffs[w, 0, 0], tariffs[w, 0, 1]
        heat_retail, heat_feed_in = tariffs[w, 1, 0], tariffs[w, 1, 1]
        moment = _mix(_mix(np.uint64(key[w])) ^ np.uint64(round[w]))
        for n in range(policy.shape[1]):
            if policy[w, n] != code:
                continue
            owner = _mix(moment ^ np.uint64(n))
            _buy(owner, 0, charge, charge_limit, w, n, feed_in)
            _sell(owner, 1, discharge, discharge_limit, w, n, retail)
            _buy(owner, 2, pump_flex, pump_limit, w, n, feed_in)
            _sell(owner, 3, chp, chp_limit, w, n, retail)
            _buy(owner, 4, heat_buy, heat_buy_limit, w, n, heat_feed_in)
            _sell(owner, 5, heat_sell, heat_sell_limit, w, n, heat_retail)
            _sell(owner, 6, boiler, boiler_limit, w, n, heat_retail)


ZERO_INTELLIGENCE = Trader(
    "zero_intelligence",
    CODE,
    decide,
    "random quantities at random limits that never lose (Gode and Sunder's ZI-C)",
)
