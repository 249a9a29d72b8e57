"""What a round was worth to each organization: named terms, and weights over them.

``score`` adds every term but the reference: money plus the change of stored energy at a fixed
reference value, minus comfort and wear.  Because stored energy counts, nobody gains by emptying
its stores at the end; and because the storage terms telescope, the sum of the rewards of an
episode *is* its score.
"""

from enum import IntEnum
from typing import Final

from numba import njit

from decent_gym.registry import Registry


class Term(IntEnum):
    """Rows of the terms array, n-euro, positive is good."""

    TRADE = 0
    """Received minus paid for accepted offers."""
    IMBALANCE = 1
    FUEL = 2
    FEE = 3
    WEAR = 4
    """Battery throughput at the scenario's wear cost; no payment."""
    COMFORT = 5
    """Unserved heat at the comfort price; no payment."""
    STORAGE = 6
    """Change of stored energy at its fixed reference value; no payment."""
    REFERENCE = 7
    """What the round would have cost without flexibility and without a local market: metered load
    less PV and the heat demand, straight from and to the utility, and the heat network's fee."""


SCORE_TERMS: Final = tuple(Term)[: Term.REFERENCE]

REWARDS: Registry[tuple[float, ...]] = Registry("reward")
"""Name -> weight per term; the reward is the weighted sum in euro."""
REWARDS.add("score", (1, 1, 1, 1, 1, 1, 1, 0))
REWARDS.add("money", (1, 1, 1, 1, 0, 0, 0, 0))
REWARDS.add("savings", (1, 1, 1, 1, 1, 1, 1, -1))


@njit(cache=True, nogil=True, _nrt=False)
def value_round(  # type: ignore[no-untyped-def]
    first, last, trade, imbalance, fuel, fee, battery_energy, unserved, battery_soc, store_soc,
    load, pv, heat, cop, pump_max, tariffs, heat_fee, wear_price, comfort_price, storage_value,
    heat_storage_value, potential, terms, totals,
):  # fmt: skip
    """Fill `terms` (8, W, N) and add them to `totals`; `potential` (W, N) is kept between rounds.

    Money arrays are (W, A), the others (W, N); stored energy in mWh, prices in micro-euro/kWh.
    """
    organizations = load.shape[1]
    for w in range(first, last):
        # few arrays a loop: for some numbers of worlds all these rows share one set of the cache
        for n in range(organizations):
            terms[0, w, n] = trade[w, n]
            terms[1, w, n] = imbalance[w, n]
            terms[2, w, n] = fuel[w, n]
            terms[3, w, n] = fee[w, n]
        for n in range(organizations):
            terms[4, w, n] = -abs(battery_energy[w, n]) * wear_price
            terms[5, w, n] = -unserved[w, n] * comfort_price
            stored = (
                battery_soc[w, n] * storage_value + store_soc[w, n] * heat_storage_value
            ) // 1000
            terms[6, w, n] = stored - potential[w, n]
            potential[w, n] = stored
        retail, feed_in = tariffs[w, 0, 0], tariffs[w, 0, 1]
        for n in range(organizations):
            net, bought_heat = load[w, n] - pv[w, n], heat[w, n]
            if pump_max[w, n] > 0:
                pump = min(pump_max[w, n], (heat[w, n] * 1000 + cop[w, n] - 1) // cop[w, n])
                net += pump
                bought_heat = max(heat[w, n] - pump * cop[w, n] // 1000, 0)
            cost = net * (retail if net > 0 else feed_in)
            cost += bought_heat * (tariffs[w, 1, 0] + heat_fee)
            terms[7, w, n] = -cost
        for k in range(8):
            for n in range(organizations):
                totals[k, w, n] += terms[k, w, n]


@njit(cache=True, nogil=True, _nrt=False)
def weigh(first, last, learners, weights, terms, rewards):  # type: ignore[no-untyped-def]
    """Fill `rewards` (W, L) with the weighted sums of the learners' terms."""
    for w in range(first, last):
        for k in range(learners.shape[1]):
            total = 0.0
            for t in range(weights.shape[0]):
                total += weights[t] * terms[t, w, learners[w, k]]
            rewards[w, k] = total


@njit(cache=True, nogil=True, _nrt=False)
def begin_potential(  # type: ignore[no-untyped-def]
    first, last, battery_soc, store_soc, storage_value, heat_storage_value, potential
):
    """The stored energy's value at the start of an episode, n-euro (W, N)."""
    for w in range(first, last):
        for n in range(potential.shape[1]):
            potential[w, n] = (
                battery_soc[w, n] * storage_value + store_soc[w, n] * heat_storage_value
            ) // 1000
