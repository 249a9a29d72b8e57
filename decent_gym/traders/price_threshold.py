"""Price thresholds: buy in the lowest third of the tariff's span, sell in the highest.

With ``third = floor((retail - feed_in) / 3)`` of each commodity's tariffs of the round:

=============================================  =======================  ======
limits                                         formula                  unit
=============================================  =======================  ======
battery charge, pump_flex, heat_buy            feed_in + third          ue/kWh
battery discharge, chp, heat_sell              retail - third           ue/kWh
=============================================  =======================  ======

Energies are those of ``flexibility``, boilers those of ``no_flexibility``.  Where ``feed_in ==
retail`` a price says nothing, so that commodity's blocks are 0.  The rule knows neither costs nor
losses: a CHP may run at a loss.

Source: the two-threshold (buy low, hold, sell high) form of optimal storage policies, N. Secomandi,
"Optimal commodity trading with a capacitated storage asset", Management Science 56 (2010); thirds
instead of optimal thresholds are our choice.
"""

from typing import Final

from numba import njit

from decent_gym.traders.decisions import Decisions, TraderView
from decent_gym.traders.flexibility import offer_all
from decent_gym.traders.trader import Trader
from decent_gym.units import IntArray

CODE: Final = 3


def decide(view: TraderView, decisions: Decisions, first: int, last: int) -> None:
    """Write this trader's part over the baseline, see :class:`Trader`."""
    offer_all(view, decisions, CODE, first, last)
    _limit(
        first,
        last,
        CODE,
        view.policy,
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
    )


@njit(cache=True, nogil=True, _nrt=False)
def _limit(
    first: int,
    last: int,
    code: int,
    policy: IntArray,
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
) -> None:
    for w in range(first, last):
        retail, feed_in = tariffs[w, 0, 0], tariffs[w, 0, 1]
        heat_retail, heat_feed_in = tariffs[w, 1, 0], tariffs[w, 1, 1]
        third = (retail - feed_in) // 3
        heat_third = (heat_retail - heat_feed_in) // 3
        for n in range(policy.shape[1]):
            if policy[w, n] != code:
                continue
            if retail == feed_in:
                charge[w, n] = 0
                discharge[w, n] = 0
                pump_flex[w, n] = 0
                chp[w, n] = 0
            if heat_retail == heat_feed_in:
                heat_buy[w, n] = 0
                heat_sell[w, n] = 0
            charge_limit[w, n] = feed_in + third
            discharge_limit[w, n] = retail - third
            pump_limit[w, n] = feed_in + third
            chp_limit[w, n] = retail - third
            heat_buy_limit[w, n] = heat_feed_in + heat_third
            heat_sell_limit[w, n] = heat_retail - heat_third


PRICE_THRESHOLD = Trader(
    "price_threshold",
    CODE,
    decide,
    "buys in the lowest and sells in the highest third between feed-in and retail",
)
