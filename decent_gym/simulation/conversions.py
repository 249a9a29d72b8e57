"""Heat pumps and CHPs under coupled clearing: one conversion each instead of two separate orders.

The owner buys its whole heat demand, trades its store in the heat book, and lets the two prices
decide whether the machine runs:

==========  ==================================================================  ==============
conversion  of everybody but ``no_flexibility``                                 of a learner
==========  ==================================================================  ==============
heat pump   (-1000, cop), cost 0, most pump_max                                 most times
CHP         (1000, chp_heat_rate), its fuel's cost, most chp_max                ``(a + 1) / 2``
cost        its own, ceil(chp_fuel_rate * fuel_price / 1000) for a CHP          plus ``b`` times
..                                                                              (retail - feed-in)
store       sells store_out, buys store_in                                      by its levers
==========  ==================================================================  ==============

with ``a`` the lever ``pump`` or ``chp`` and ``b`` its ``_limit``: 0 offers at its own cost.  The
activity that was accepted is the machine's set-point.  What costs more than any price can be
(100 EUR per kWh of activity) is not offered.

Heat in such a store has a water value like electricity in a battery (see ``truthful``): the mean of
the high and the low heat prices of the last day.  It buys at ``k`` times that and sells at
``1 / k``, ``k = 0.975``, the share that a tank keeps for half a day.  Learners set both limits by
their lever.
"""

from numba import njit

from decent_gym.market import Conversions
from decent_gym.scenarios import Scenario

_LEARNER = -1
_NOBODY = -2
_NO_FLEXIBILITY = 4
_FULL = 1_000_000
_KEPT = 975  # per mille
_PRICE_CAP = 10**8


def room_for(scenario: Scenario, worlds: int) -> Conversions:
    """Room for the conversions of all heat pumps and CHPs of a scenario."""
    members = scenario.members
    machines = sum((m.heat_pump is not None) + (m.chp is not None) for m in members)
    return Conversions.empty(worlds, machines)


@njit(cache=True, nogil=True, _nrt=False)
def offer_conversions(  # type: ignore[no-untyped-def]
    first, last, policy, actions, tariffs, price_low, price_high, cop, pump_max, chp_max,
    chp_heat_rate, chp_fuel_rate, fuel_price, store_in, store_out, pump_firm, pump_flex, chp,
    heat_firm, heat_buy, heat_buy_limit, heat_sell, heat_sell_limit, owner, electricity, heat,
    cost, most, fuel, count,
):  # fmt: skip
    """Fill the conversions (W, K) of every world and take the machines out of the decisions.

    The machines' decisions and those of their owners' stores (W, N) are modified in place: what
    they said of a machine is said by its conversion now.
    """
    for w in range(first, last):
        k = 0
        span = tariffs[w, 0, 0] - tariffs[w, 0, 1]
        heat_retail, heat_feed_in = tariffs[w, 1, 0], tariffs[w, 1, 1]
        worth = (price_low[w, 1] + price_high[w, 1]) // 2
        for n in range(policy.shape[1]):
            code = policy[w, n]
            pumps, burns = pump_max[w, n] > 0 and cop[w, n] > 0, chp_max[w, n] > 0
            if code in (_NOBODY, _NO_FLEXIBILITY) or not (pumps or burns):
                continue
            learns = code == _LEARNER
            if pumps:
                pump_firm[w, n] = 0
                pump_flex[w, n] = 0
                heat_firm[w, n] = 0
                owner[w, k] = n
                electricity[w, k] = -1000
                heat[w, k] = cop[w, n]
                most[w, k] = pump_max[w, n]
                cost[w, k] = 0
                fuel[w, k] = -1
                if learns:
                    most[w, k] = most[w, k] * (actions[w, n, 2] + _FULL) // (2 * _FULL)
                    cost[w, k] = max(span * actions[w, n, 3] // _FULL, -_PRICE_CAP)
                k += 1 if most[w, k] > 0 and cost[w, k] <= _PRICE_CAP else 0
            if burns:
                chp[w, n] = 0
                owner[w, k] = n
                electricity[w, k] = 1000
                heat[w, k] = chp_heat_rate[w, n]
                most[w, k] = chp_max[w, n]
                cost[w, k] = -(-chp_fuel_rate[w, n] * fuel_price // 1000)
                fuel[w, k] = chp_fuel_rate[w, n]
                if learns:
                    most[w, k] = most[w, k] * (actions[w, n, 6] + _FULL) // (2 * _FULL)
                    cost[w, k] += max(span * actions[w, n, 7] // _FULL, -_PRICE_CAP)
                k += 1 if most[w, k] > 0 and cost[w, k] <= _PRICE_CAP else 0
            heat_buy[w, n] = store_in[w, n]
            heat_sell[w, n] = store_out[w, n]
            if not learns:
                bid, ask = worth * _KEPT // 1000, worth * 1000 // _KEPT + 1
                heat_buy_limit[w, n] = min(max(bid, heat_feed_in), heat_retail)
                heat_sell_limit[w, n] = min(max(ask, heat_feed_in), heat_retail)
            else:
                heat_buy[w, n] = store_in[w, n] * max(actions[w, n, 4], 0) // _FULL
                heat_sell[w, n] = store_out[w, n] * max(-actions[w, n, 4], 0) // _FULL
        count[w] = k


@njit(cache=True, nogil=True, _nrt=False)
def sum_converted(first, last, count, owner, delivered, converted):  # type: ignore[no-untyped-def]
    """Fill the electricity that each organization's conversions sold, Wh (W, N)."""
    for w in range(first, last):
        converted[w] = 0
        for k in range(count[w]):
            converted[w, owner[w, k]] += delivered[w, k, 0]


@njit(cache=True, nogil=True, _nrt=False)
def follow_conversions(  # type: ignore[no-untyped-def]
    first, last, count, owner, electricity, activity, pump_set, chp_set
):
    """Set-points of the machines (W, N), Wh of electricity, from the activity that was accepted."""
    for w in range(first, last):
        for k in range(count[w]):
            if electricity[w, k] < 0:
                pump_set[w, owner[w, k]] = activity[w, k]
            else:
                chp_set[w, owner[w, k]] = activity[w, k]
