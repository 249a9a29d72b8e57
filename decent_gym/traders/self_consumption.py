"""Self-consumption: heat pump, store and battery serve the own roof and nobody else.

With ``pump_firm`` and ``pump_flex`` of ``flexibility`` and the forecasts of load and PV:

=============  ==================================================================  ====
quantity       formula                                                             unit
=============  ==================================================================  ====
heat pump      pump_firm' = max(pump_firm, min(pump_firm + pump_flex, pv - load))  Wh
..             pump_flex' = 0: nothing depends on a price                          Wh
net            load + pump_firm' - pv                                              Wh
``charge``     min(max_charge, -net) if net < 0, at any price (limit: retail)      Wh
``discharge``  min(max_discharge, net) if net > 0, at any price (limit: feed_in)   Wh
=============  ==================================================================  ====

So the heat pump takes the sun first, because it multiplies it, the battery what is left, and the
tank drains when the sun is away.  Owners of a plant and of a store alone act as ``truthful``.

Source: the rule-based operation of PV batteries, charging any surplus and covering any deficit at
once, J. Weniger, T. Tjaden, V. Quaschning, "Sizing of residential PV battery systems", Energy
Procedia 46 (2014); with thermal storage, R. Luthander, J. Widen, D. Nilsson, J. Palm, "Photovoltaic
self-consumption in buildings: A review", Applied Energy 142 (2015).
"""

from typing import Final

from numba import njit

from decent_gym.traders.decisions import Decisions, TraderView
from decent_gym.traders.flexibility import offer_all
from decent_gym.traders.trader import Trader
from decent_gym.traders.truthful import value_heat
from decent_gym.units import IntArray

CODE: Final = 2


def decide(view: TraderView, decisions: Decisions, first: int, last: int) -> None:
    """Write this trader's part over the baseline, see :class:`Trader`."""
    offer_all(view, decisions, CODE, first, last)
    value_heat(view, decisions, CODE, first, last)
    _serve(
        first,
        last,
        CODE,
        view.policy,
        view.tariffs,
        view.load,
        view.pv,
        view.cop,
        decisions.charge,
        decisions.charge_limit,
        decisions.discharge,
        decisions.discharge_limit,
        decisions.pump_firm,
        decisions.pump_flex,
        decisions.heat_sell,
    )


@njit(cache=True, nogil=True, _nrt=False)
def _serve(
    first: int,
    last: int,
    code: int,
    policy: IntArray,
    tariffs: IntArray,
    load: IntArray,
    pv: IntArray,
    cop: IntArray,
    charge: IntArray,
    charge_limit: IntArray,
    discharge: IntArray,
    discharge_limit: IntArray,
    pump_firm: IntArray,
    pump_flex: IntArray,
    heat_sell: IntArray,
) -> None:
    for w in range(first, last):
        retail, feed_in = tariffs[w, 0, 0], tariffs[w, 0, 1]
        for n in range(policy.shape[1]):
            if policy[w, n] != code:
                continue
            most = pump_firm[w, n] + pump_flex[w, n]
            pump_firm[w, n] = max(pump_firm[w, n], min(most, pv[w, n] - load[w, n]))
            pump_flex[w, n] = 0
            if cop[w, n] > 0:
                heat_sell[w, n] = 0
            net = load[w, n] + pump_firm[w, n] - pv[w, n]
            charge[w, n] = min(charge[w, n], max(-net, 0))
            charge_limit[w, n] = retail
            discharge[w, n] = min(discharge[w, n], max(net, 0))
            discharge_limit[w, n] = feed_in


SELF_CONSUMPTION = Trader(
    "self_consumption",
    CODE,
    decide,
    "battery, heat pump and store serve the own roof first, at any price",
)
