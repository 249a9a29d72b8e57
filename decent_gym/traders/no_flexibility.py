"""No flexibility: devices serve their own demand as it comes; also the baseline of everybody.

=============  ==================================================================  =========
quantity       formula                                                             unit
=============  ==================================================================  =========
``pump_firm``  min(pump_max, ceil(1000 * heat / cop))                              Wh
``heat_firm``  min(heat, floor(pump_firm * cop / 1000))                            Wh
``boiler``     boiler_max; 0 if its cost is above heat retail                      Wh
its cost       ceil(boiler_fuel_rate * fuel_price / 1000)                          ue/kWh
its limit      the cost, at least heat feed-in; heat retail without an offer       ue/kWh
the rest       0; a limit without energy is the one at which nothing happens:      Wh
               feed-in for what is bought, retail for what is sold                 ue/kWh
=============  ==================================================================  =========

Battery, thermal store and CHP stand still.  The boiler does not: a plant that supplied nothing
would leave the district to the backup.  It offers at marginal cost, never at a loss.

Source: the reference case without storage and without shifting against which flexibility is
measured, e.g. R. Luthander, J. Widen, D. Nilsson, J. Palm, "Photovoltaic self-consumption in
buildings: A review", Applied Energy 142 (2015); a boiler's marginal cost is its fuel.
"""

from typing import Final

from numba import njit

from decent_gym.traders.decisions import Decisions, TraderView
from decent_gym.traders.trader import Trader
from decent_gym.units import IntArray

CODE: Final = 4


def baseline(view: TraderView, decisions: Decisions, first: int, last: int) -> None:
    """Write all of `decisions` for *all* organizations of the worlds ``first <= w < last``."""
    _decide(view, decisions, True, first, last)


def decide(view: TraderView, decisions: Decisions, first: int, last: int) -> None:
    """Write all of `decisions` for the organizations whose policy is this trader."""
    _decide(view, decisions, False, first, last)


def _decide(view: TraderView, decisions: Decisions, everybody: bool, first: int, last: int) -> None:
    _write(
        first,
        last,
        CODE,
        everybody,
        view.policy,
        view.tariffs,
        view.heat,
        view.cop,
        view.pump_max,
        view.boiler_max,
        view.boiler_fuel_rate,
        view.fuel_price,
        *decisions.columns(),
    )


@njit(cache=True, nogil=True, _nrt=False)
def _write(
    first: int,
    last: int,
    code: int,
    everybody: bool,
    policy: IntArray,
    tariffs: IntArray,
    heat: IntArray,
    cop: IntArray,
    pump_max: IntArray,
    boiler_max: IntArray,
    boiler_fuel_rate: IntArray,
    fuel_price: int,
    charge: IntArray,
    charge_limit: IntArray,
    discharge: IntArray,
    discharge_limit: IntArray,
    pump_firm: IntArray,
    pump_flex: IntArray,
    pump_limit: IntArray,
    chp: IntArray,
    chp_limit: IntArray,
    heat_firm: IntArray,
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
        for n in range(policy.shape[1]):
            if not everybody and policy[w, n] != code:
                continue
            charge[w, n] = 0
            charge_limit[w, n] = feed_in
            discharge[w, n] = 0
            discharge_limit[w, n] = retail
            pump_flex[w, n] = 0
            pump_limit[w, n] = feed_in
            chp[w, n] = 0
            chp_limit[w, n] = retail
            heat_buy[w, n] = 0
            heat_buy_limit[w, n] = heat_feed_in
            heat_sell[w, n] = 0
            heat_sell_limit[w, n] = heat_retail
            pump_firm[w, n] = 0
            heat_firm[w, n] = 0
            if cop[w, n] > 0:
                need = -(-1000 * heat[w, n] // cop[w, n])
                pump_firm[w, n] = min(pump_max[w, n], need)
                heat_firm[w, n] = min(heat[w, n], pump_firm[w, n] * cop[w, n] // 1000)
            cost = -(-boiler_fuel_rate[w, n] * fuel_price // 1000)
            if boiler_max[w, n] > 0 and cost <= heat_retail:
                boiler[w, n] = boiler_max[w, n]
                boiler_limit[w, n] = max(cost, heat_feed_in)
            else:
                boiler[w, n] = 0
                boiler_limit[w, n] = heat_retail


NO_FLEXIBILITY = Trader(
    "no_flexibility",
    CODE,
    decide,
    "heat pumps follow the demand, boilers offer at fuel cost, everything else stands still",
)
