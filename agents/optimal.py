"""What one organization could have scored in an episode, had it known everything in advance.

The best schedule of all its devices at *given* prices, found by linear programming (see
:mod:`agents.dispatch`): same days, initial stores, wear, fuel, heat fee, comfort and value of
stored energy as in the score; load, PV and heat demand as they really came, so there is no
imbalance.

What that number says depends on where the prices come from:

``"upper bound"``
    Nobody's prices move with what the organization does (:func:`is_exogenous`): it has nobody to
    trade with but the utility, or buys and sells at one tariff.  No policy can score more, up to
    :attr:`Optimum.tolerance`.
``"price-taking reference"``
    Everywhere else.  The organization buys and sells *as much as it likes* at the clearing prices
    of one recorded run, as if it had not been there.  In truth its own offers move them: it cannot
    buy more cheap PV than there is, so the reference is mostly out of reach; but who sets the price
    can also do better than a price taker, so it bounds nothing.

One thing always holds under the default mechanism: at the prices of *its own* run, no policy scores
more than the reference, because what it did is one of the schedules and imbalance never pays.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from agents.dispatch import MWH_PER_KWH, Dispatch, FloatArray, Outlook, Plan
from agents.figures import figures_of
from decent_gym import Scenario
from decent_gym.errors import InputError
from decent_gym.models import Commodity
from decent_gym.units import MICRO_EUR_PER_EUR, WH_PER_KWH, checked_int

UPPER_BOUND: Final = "upper bound"
REFERENCE: Final = "price-taking reference"
RETAIL, FEED_IN, SHORT = 0, 1, 2
"""Columns of a scenario's tariffs."""
RELATIVE: Final = 1e-6
"""Of the score, for the solver's own tolerances."""


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """What energy costs and earns in every round of an episode.

    Attributes
    ----------
    buy, sell : float64 (rounds, C), EUR/kWh by commodity
    """

    buy: FloatArray
    sell: FloatArray

    @classmethod
    def of_tariffs(cls, scenario: Scenario, start: int, rounds: int) -> "PriceSeries":
        """Without a local market: retail for what is bought, feed-in for what is sold."""
        tariffs = scenario.tariffs[_span(scenario, start, rounds)] / MICRO_EUR_PER_EUR
        return cls(tariffs[..., RETAIL], tariffs[..., FEED_IN])

    @classmethod
    def of_market(cls, scenario: Scenario, start: int, prices: npt.ArrayLike) -> "PriceSeries":
        """Clearing prices of a run (rounds, C), EUR/kWh; the tariffs where one is NaN.

        ``decent_gym.envs.scripted_prices`` has those of scripted traders.

        Raises
        ------
        InputError
            For another shape, or an episode that leaves the scenario.
        """
        given = np.asarray(prices, np.float64)
        if given.ndim != 2 or given.shape[1] != len(Commodity):
            raise InputError(f"prices must be (rounds, {len(Commodity)}), got {given.shape}")
        tariffs = cls.of_tariffs(scenario, start, len(given))
        is_none = np.isnan(given)
        return cls(np.where(is_none, tariffs.buy, given), np.where(is_none, tariffs.sell, given))


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best that could have been done.

    Attributes
    ----------
    score : float, EUR
        Comparable with ``info["score"]``.
    kind : {"upper bound", "price-taking reference"}
    plan : Plan
        The schedule behind it, kWh per round.
    tolerance : float, EUR
        By how much rounding may carry a run beyond it: fuel is billed by the whole Wh, a tank's
        loss is rounded down to the mWh, and the solver is exact to a millionth.
    """

    score: float
    kind: str
    plan: Plan
    tolerance: float


def optimal(
    scenario: Scenario, learner: str, start: int, rounds: int, prices: PriceSeries | None = None
) -> Optimum:
    """The best score of `learner` in the episode of `rounds` rounds that begins at `start`.

    Parameters
    ----------
    scenario : Scenario
    learner : str
        The organization.
    start, rounds : int
        As ``reset(options={"start": start})`` of an environment with that length.
    prices : PriceSeries, optional
        By default the tariffs: what the utility alone would have made possible.

    Raises
    ------
    UnknownNameError
        For an organization that there is not; names the nearest.
    InputError
        For an episode that leaves the scenario, or prices that do not fit.
    MissingExtraError
        If HiGHS is not installed: the extra ``optimal`` has it.
    """
    n = scenario.index(learner)
    span = _span(scenario, start, rounds)
    tariffs = PriceSeries.of_tariffs(scenario, start, rounds)
    is_tariffs = prices is None
    prices = tariffs if prices is None else prices
    for side in (prices.buy, prices.sell):
        if side.shape != tariffs.buy.shape or not np.isfinite(side).all():
            raise InputError(f"prices must be finite, {tariffs.buy.shape}, got {side.shape}")
    member = scenario.members[n]
    pump = member.heat_pump
    cop = np.ones(rounds) if pump is None else pump.cop(scenario.temperature[span]) / 1000
    figures = figures_of(member)
    plan = Dispatch(figures, scenario.prices, [1] * rounds).solve(
        Outlook(
            net=(scenario.load[span, n] - scenario.pv[span, n]) / WH_PER_KWH,
            heat=scenario.heat[span, n] / WH_PER_KWH,
            cop=cop,
            buy=prices.buy,
            sell=prices.sell,
            battery=figures["battery_initial"] / MWH_PER_KWH,
            store=figures["store_initial"] / MWH_PER_KWH,
        )
    )
    is_bound = is_tariffs and is_exogenous(scenario, learner, start, rounds)
    return Optimum(
        score=plan.score,
        kind=UPPER_BOUND if is_bound else REFERENCE,
        plan=plan,
        tolerance=_tolerance(scenario, prices, plan.score),
    )


def is_exogenous(scenario: Scenario, learner: str, start: int, rounds: int) -> bool:
    """Whether nothing that `learner` does can move a price that it meets in this episode.

    So it is, commodity by commodity, if retail and feed-in are one price (unless the mechanism lets
    members trade at others, as ``bill_sharing`` does), or if nobody else could
    be traded with: no other member has load, PV, heat demand or devices, and no heat of the
    learner's could cover the network's loss.  Unserved heat must cost at least what heat does.
    """
    n, span = scenario.index(learner), _span(scenario, start, rounds)
    member, tariffs = scenario.members[n], scenario.tariffs[span]
    others = [i for i in range(len(scenario.members)) if i != n]
    profiles = (scenario.load, scenario.pv, scenario.heat)
    is_alone = not any(profile[span][:, others].any() for profile in profiles)
    is_alone = is_alone and not any(scenario.members[i].flexible for i in others)
    is_one_price = (tariffs[..., RETAIL] == tariffs[..., FEED_IN]).all(axis=0)
    is_one_price &= scenario.rules.mechanism != "bill_sharing"  # which trades inside for nothing
    has_heat = scenario.heat[span, n].any() or any(
        device is not None
        for device in (member.heat_pump, member.thermal_store, member.chp, member.boiler)
    )
    _, loss, _ = scenario.network.parameters()
    is_safe = scenario.prices.comfort >= (
        tariffs[:, Commodity.HEAT, SHORT].max() + scenario.prices.heat_fee
    )
    electricity = is_alone or is_one_price[Commodity.ELECTRICITY]
    is_fixed = is_one_price[Commodity.HEAT] or (is_alone and loss == 0)
    return bool(electricity and (not has_heat or (is_safe and is_fixed)))


def _span(scenario: Scenario, start: int, rounds: int) -> slice:
    rounds = checked_int(rounds, "rounds (length of an episode)", 1, scenario.rounds)
    start = checked_int(start, "start", 0, scenario.rounds - rounds)
    return slice(start, start + rounds)


def _tolerance(scenario: Scenario, prices: PriceSeries, score: float) -> float:
    """See :attr:`Optimum.tolerance`, EUR."""
    dearest = float(np.abs(prices.buy[:, Commodity.HEAT]).max())
    dearest += scenario.prices.heat_fee / MICRO_EUR_PER_EUR
    unbilled = scenario.prices.fuel / MICRO_EUR_PER_EUR / WH_PER_KWH
    unlost = len(prices.buy) * dearest / (1000 * WH_PER_KWH)
    return unbilled + unlost + RELATIVE * max(abs(score), 1.0)
