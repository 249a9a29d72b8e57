"""How much can be shifted: the energies of all blocks, as far as physics allows, at any price.

With ``s = min(heat, store_out)``, the own demand that the thermal store could cover:

==============  ==================================================================  ====
owner of        energy                                                              unit
==============  ==================================================================  ====
battery         charge = max_charge, discharge = max_discharge                      Wh
heat pump       pump_firm = min(pump_max, ceil(1000 * (heat - s) / cop))            Wh
..              pump_flex = min(pump_max, floor(1000 * (heat + store_in) / cop))    Wh
                - pump_firm, at least 0
..              heat_firm = min(heat, s + floor(pump_firm * cop / 1000))            Wh
..              heat_sell = store_out - s                                           Wh
CHP             chp = min(chp_max, floor(1000 * store_in / chp_heat_rate))          Wh
CHP or boiler   heat_sell = store_out (boiler: as in the baseline), heat_firm = 0   Wh
store alone     heat_firm = s, heat_buy = s + store_in                              Wh
==============  ==================================================================  ====

A heat pump goes first: who has one keeps the store for it, and sells what the own demand leaves
in it.  Owners of a plant without a heat pump
buy their own demand and sell in one net-demand curve, so that it serves itself first.

Why no promise is broken, whatever the two books (cleared at once) accept: the pump's firm part
and the store cover the demand, and the flexible part fits into the store on top of it.  Heat sold
is at most store_out + boiler_max, so that no sale relies on the CHP; the CHP's heat fits into the
store even if nobody buys heat, so that it never has to stop after it has sold electricity.  A CHP
without a store (or with a full one) therefore stands still.

Source: thermal storage as the decoupling of a CHP's electricity from its heat, H. Lund, A. N.
Andersen, "Optimal designs of small CHP plants in a market with fluctuating electricity prices",
Energy Conversion and Management 46 (2005); of a heat pump from its demand, D. Fischer, H. Madani,
"On heat pumps in smart grids: A review", Renewable and Sustainable Energy Reviews 70 (2017).
"""

from numba import njit

from decent_gym.traders.decisions import Decisions, TraderView
from decent_gym.units import IntArray


def offer_all(view: TraderView, decisions: Decisions, code: int, first: int, last: int) -> None:
    """Write the energies of the organizations with ``policy == code``; no limits.

    Parameters
    ----------
    decisions : Decisions
        Holds the baseline on entry; boilers keep theirs.
    """
    _fill(
        first,
        last,
        code,
        view.policy,
        view.heat,
        view.cop,
        view.max_charge,
        view.max_discharge,
        view.pump_max,
        view.store_in,
        view.store_out,
        view.chp_max,
        view.chp_heat_rate,
        view.boiler_max,
        decisions.charge,
        decisions.discharge,
        decisions.pump_firm,
        decisions.pump_flex,
        decisions.chp,
        decisions.heat_firm,
        decisions.heat_buy,
        decisions.heat_sell,
    )


@njit(cache=True, nogil=True, _nrt=False)
def _fill(
    first: int,
    last: int,
    code: int,
    policy: IntArray,
    heat: IntArray,
    cop: IntArray,
    max_charge: IntArray,
    max_discharge: IntArray,
    pump_max: IntArray,
    store_in: IntArray,
    store_out: IntArray,
    chp_max: IntArray,
    chp_heat_rate: IntArray,
    boiler_max: IntArray,
    charge: IntArray,
    discharge: IntArray,
    pump_firm: IntArray,
    pump_flex: IntArray,
    chp: IntArray,
    heat_firm: IntArray,
    heat_buy: IntArray,
    heat_sell: IntArray,
) -> None:
    for w in range(first, last):
        for n in range(policy.shape[1]):
            if policy[w, n] != code:
                continue
            charge[w, n] = max_charge[w, n]
            discharge[w, n] = max_discharge[w, n]
            need = heat[w, n]
            room = store_in[w, n]
            stored = min(need, store_out[w, n])
            if cop[w, n] > 0:
                firm = min(pump_max[w, n], -(-1000 * (need - stored) // cop[w, n]))
                full = min(pump_max[w, n], 1000 * (need + room) // cop[w, n])
                pump_firm[w, n] = firm
                pump_flex[w, n] = max(full - firm, 0)
                heat_firm[w, n] = min(need, stored + firm * cop[w, n] // 1000)
                heat_sell[w, n] = store_out[w, n] - stored
                continue
            if chp_max[w, n] > 0 or boiler_max[w, n] > 0:
                most = chp_max[w, n]
                if chp_heat_rate[w, n] > 0:
                    most = min(most, 1000 * room // chp_heat_rate[w, n])
                chp[w, n] = most
                heat_sell[w, n] = store_out[w, n]
                continue
            heat_firm[w, n] = stored
            heat_buy[w, n] = stored + room
