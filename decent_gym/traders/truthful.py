"""Truthful: every device at what its energy is worth to its owner, and not a cent of mark-up.

The shell of the market puts load in at retail and PV at feed-in; boilers stand at their fuel cost
(see ``no_flexibility``).  Storage is valued by a *water value*: what a stored kWh saves or earns
later, estimated from the forecasts ``low`` and ``high`` of the coming day's prices
(``TraderView.price_low`` and ``price_high``): electricity's come from the known tariffs, because
yesterday's prices are set by all those who share this rule and would drift with it.  With
``a = charge_rate``, ``d = discharge_rate`` (mWh per Wh), so ``eta_c = a / 1000`` and
``eta_d = 1000 / d``, and ``k = 0.975``, the share that a tank keeps for half a day:

===================  ==========================================================  ======
limit                formula                                                     unit
===================  ==========================================================  ======
water value, stored  w = (low / eta_c + high * eta_d) / 2                        ue/kWh
``charge_limit``     floor(w * eta_c) = floor((low * d + high * a) / (2 d))      ue/kWh
``discharge_limit``  ceil(w / eta_d) = ceil((low * d + high * a) / (2 a))        ue/kWh
``pump_limit``       floor(k * (low + high) / 2), electricity prices             ue/kWh
``heat_buy_limit``   floor(k * (low + high) / 2), heat prices                    ue/kWh
``heat_sell_limit``  with a heat pump: what making it again costs at most,       ue/kWh
..                   ceil(1000 * high / (k * cop)); else the share of room in
..                   the store of k * B, B: the boiler's limit, or heat retail:
..                   S = floor(floor(k * B) * store_in / (store_in + store_out))
``chp_limit``        ceil((chp_fuel_rate * fuel_price                            ue/kWh
                     - chp_heat_rate * floor(k * S)) / 1000)
===================  ==========================================================  ======

- A battery trades only if ``low < high`` and ``high * a > low * d``: the spread pays the losses.
- Limits stay in [feed_in, retail].  One beyond the end at which it would be no worse moves to
  that end; one beyond the other end cannot be met, so the energy is 0.
- A battery's two limits differ, so that it never trades with itself: ``discharge_limit`` is at
  least ``charge_limit + 1``, or nothing is discharged.
- Heat in a plant's store replaces the boiler's sooner or later, so it is worth the boiler's cost
  less the loss while the store is empty, and nothing when it is full and stops the CHP.  The CHP's
  heat is credited with less than what it will be sold at, by another such loss: at its limit
  prices a plant cannot lose.

Source: marginal cost bids, the best answer of who cannot move the price, S. Stoft, "Power System
Economics" (2002), part 1.  Water values, falling as the reservoir fills: J. Stage, Y. Larsson,
"Incremental cost of water power", AIEE Trans. 80 (1961).  Marginal cost of a CHP less the heat it
replaces: Lund and Andersen (2005), as in ``flexibility``.  k, the equal weights and the straight
line over the store's level are our choice: 5 % a day is the tanks' default loss.
"""

from typing import Final

from numba import njit

from decent_gym.traders.decisions import Decisions, TraderView
from decent_gym.traders.flexibility import offer_all
from decent_gym.traders.trader import Trader
from decent_gym.units import IntArray

CODE: Final = 0
_KEPT = 975  # per mille


def decide(view: TraderView, decisions: Decisions, first: int, last: int) -> None:
    """Write this trader's part over the baseline, see :class:`Trader`."""
    offer_all(view, decisions, CODE, first, last)
    value(view, decisions, CODE, first, last)


def value(view: TraderView, decisions: Decisions, code: int, first: int, last: int) -> None:
    """Write the limits of the organizations with ``policy == code``.

    Parameters
    ----------
    decisions : Decisions
        Holds the energies of ``flexibility`` and the boilers of the baseline on entry; energy
        that no price in the tariff's range is good enough for becomes 0.
    """
    _value_electricity(
        first,
        last,
        code,
        view.policy,
        view.tariffs,
        view.price_low,
        view.price_high,
        view.cop,
        view.charge_rate,
        view.discharge_rate,
        decisions.charge,
        decisions.charge_limit,
        decisions.discharge,
        decisions.discharge_limit,
        decisions.pump_flex,
        decisions.pump_limit,
    )
    value_heat(view, decisions, code, first, last)


def value_heat(view: TraderView, decisions: Decisions, code: int, first: int, last: int) -> None:
    """Write the limits of the CHP, of heat bought and of heat sold, as in :func:`value`."""
    _value_heat(
        first,
        last,
        code,
        view.policy,
        view.tariffs,
        view.price_low,
        view.price_high,
        view.cop,
        view.store_in,
        view.store_out,
        view.chp_heat_rate,
        view.chp_fuel_rate,
        view.fuel_price,
        decisions.boiler_limit,
        decisions.chp,
        decisions.chp_limit,
        decisions.heat_buy,
        decisions.heat_buy_limit,
        decisions.heat_sell,
        decisions.heat_sell_limit,
    )


@njit(cache=True, nogil=True, _nrt=False)
def _value_electricity(
    first: int,
    last: int,
    code: int,
    policy: IntArray,
    tariffs: IntArray,
    price_low: IntArray,
    price_high: IntArray,
    cop: IntArray,
    charge_rate: IntArray,
    discharge_rate: IntArray,
    charge: IntArray,
    charge_limit: IntArray,
    discharge: IntArray,
    discharge_limit: IntArray,
    pump_flex: IntArray,
    pump_limit: IntArray,
) -> None:
    for w in range(first, last):
        retail, feed_in = tariffs[w, 0, 0], tariffs[w, 0, 1]
        low, high = price_low[w, 0], price_high[w, 0]
        for n in range(policy.shape[1]):
            if policy[w, n] != code:
                continue
            a, d = charge_rate[w, n], discharge_rate[w, n]
            buy, sell = feed_in - 1, retail + 1
            if a > 0 and d > 0 and low < high and high * a > low * d:
                buy = (low * d + high * a) // (2 * d)
                sell = -(-(low * d + high * a) // (2 * a))
            if buy < feed_in:
                charge[w, n] = 0
            buy = min(max(buy, feed_in), retail)
            if charge[w, n] > 0:
                sell = max(sell, buy + 1)
            if sell > retail:
                discharge[w, n] = 0
            charge_limit[w, n] = buy
            discharge_limit[w, n] = min(max(sell, feed_in), retail)
            buy = _KEPT * (low + high) // 2000
            if buy < feed_in:
                pump_flex[w, n] = 0
            pump_limit[w, n] = min(max(buy, feed_in), retail)


@njit(cache=True, nogil=True, _nrt=False)
def _value_heat(
    first: int,
    last: int,
    code: int,
    policy: IntArray,
    tariffs: IntArray,
    price_low: IntArray,
    price_high: IntArray,
    cop: IntArray,
    store_in: IntArray,
    store_out: IntArray,
    chp_heat_rate: IntArray,
    chp_fuel_rate: IntArray,
    fuel_price: int,
    boiler_limit: IntArray,
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
        buy = _KEPT * (price_low[w, 1] + price_high[w, 1]) // 2000
        for n in range(policy.shape[1]):
            if policy[w, n] != code:
                continue
            if buy < heat_feed_in:
                heat_buy[w, n] = 0
            heat_buy_limit[w, n] = min(max(buy, heat_feed_in), heat_retail)
            # without a boiler this is heat retail, what the backup costs
            sell = _KEPT * boiler_limit[w, n] // 1000
            held = store_in[w, n] + store_out[w, n]
            if held > 0:
                sell = sell * store_in[w, n] // held
            if cop[w, n] > 0:
                sell = -(-price_high[w, 0] * 1_000_000 // (_KEPT * cop[w, n]))
            if sell > heat_retail:
                heat_sell[w, n] = 0
            sell = min(max(sell, heat_feed_in), heat_retail)
            heat_sell_limit[w, n] = sell
            fuel = chp_fuel_rate[w, n] * fuel_price
            cost = -((chp_heat_rate[w, n] * (_KEPT * sell // 1000) - fuel) // 1000)
            if cost > retail:
                chp[w, n] = 0
            chp_limit[w, n] = min(max(cost, feed_in), retail)


TRUTHFUL = Trader(
    "truthful",
    CODE,
    decide,
    "marginal cost or water value: electricity from known tariffs, heat from past prices",
)
