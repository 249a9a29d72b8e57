"""What clearing heat and electricity at once gains on recorded offers, and whom guessing hurts.

Static: offers as they are, limits taken as values, nobody adapts.
"""

from dataclasses import dataclass

import numpy as np

from decent_gym.clearing.in_turn import InTurn
from decent_gym.metrics.bootstrap import percentile_interval, resampled_weights, summed
from decent_gym.metrics.comparison import Figure, units_at, usual_unit
from decent_gym.models import COMMODITIES, Commodity
from decent_gym.replay import FORECASTS, RecordedMarkets, clear_sequentially, forecast_of
from decent_gym.units import MICRO_EUR_PER_EUR, NANO_EUR_PER_EUR, WH_PER_KWH, IntArray

_MILLI = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class JointMeasured:
    """One way of clearing over all rounds.

    Attributes
    ----------
    name : str
        ``"coupled"``, or the forecast of a sequential clearing, one of ``FORECASTS``.
    cleared : InTurn
    welfare : int64 n-euro (R,)
        Values of accepted bids less limits of accepted asks less costs of conversions.
    loss : int64 n-euro (R, K)
        What each conversion lost beyond rounding: a tick times its output; 0 where it did not.
    lost_eur : Figure
        Welfare that joint clearing makes and this does not, with its 95 % interval.
    converters_eur : float
        What conversions earned less their costs, over all rounds.
    unmet_kwh : float
        Electricity that conversions could not get, or not get rid of, after they had sold heat.
    heat_kwh : float
        That conversions sold.
    price : tuple of float or None
        Mean of electricity and heat by energy, EUR/kWh.
    """

    name: str
    cleared: InTurn
    welfare: IntArray
    loss: IntArray
    lost_eur: Figure
    converters_eur: float
    unmet_kwh: float
    heat_kwh: float
    price: tuple[float | None, float | None]

    @property
    def welfare_eur(self) -> float:
        """Over all rounds."""
        return int(self.welfare.sum()) / NANO_EUR_PER_EUR

    @property
    def loss_eur(self) -> float:
        """Of all conversions that lost, over all rounds."""
        return int(self.loss.sum()) / NANO_EUR_PER_EUR

    @property
    def rounds_with_loss(self) -> int:
        """In which some conversion lost."""
        return int((self.loss > 0).any(axis=1).sum())


def compare_joint(
    markets: RecordedMarkets, *, unit: str | None = None, seed: int = 0
) -> list[JointMeasured]:
    """Joint clearing beside heat first and electricity after it, at each kind of forecast.

    Parameters
    ----------
    markets : RecordedMarkets
    unit : str, optional
        What the intervals resample: ``"day"`` or ``"round"``; default :func:`usual_unit`.
    seed : int
        Of the resamples.

    Raises
    ------
    InputError
        Where conversions share capacities, which separate books cannot offer.
    """
    ways = {"coupled": markets.recorded}
    ways |= {kind: clear_sequentially(markets, forecast_of(markets, kind)) for kind in FORECASTS}
    best = welfare_of(markets, markets.recorded)
    group = units_at(markets.times, unit or usual_unit(markets.times))
    weights = resampled_weights(int(group.max()) + 1, seed)
    return [_measured(markets, name, found, best, group, weights) for name, found in ways.items()]


def welfare_of(markets: RecordedMarkets, found: InTurn) -> IntArray:
    """Welfare of every round at the limits, n-euro (R,)."""
    books = markets.books
    worth = ((2 * books.side - 1) * books.price * found.outcome.accepted).sum(axis=1)
    costs = (markets.conversions.cost * found.activity).sum(axis=1)
    welfare: IntArray = worth.reshape(-1, COMMODITIES).sum(axis=1) - costs
    return welfare


def losses_of(markets: RecordedMarkets, found: InTurn) -> IntArray:
    """What every conversion lost beyond rounding, n-euro (R, K).

    Energy that it made beyond whole Wh counts at the round's price; a tick times its output is
    what rounding may cost.
    """
    rows = markets.conversions
    ratios = np.stack([rows.electricity, rows.heat], axis=2)
    made = ratios * found.activity[:, :, None]
    profit = found.earns - rows.cost * found.activity
    left = made - _MILLI * found.delivered
    prices = found.outcome.price.reshape(-1, 1, COMMODITIES)
    tick = np.maximum(made, 0).sum(axis=2) // _MILLI + 1
    result = profit + (left * prices).sum(axis=2) // _MILLI
    return np.where(result + tick < 0, -result, 0)


def _measured(
    markets: RecordedMarkets,
    name: str,
    found: InTurn,
    best: IntArray,
    group: IntArray,
    weights: np.typing.NDArray[np.float64],
) -> JointMeasured:
    welfare = welfare_of(markets, found)
    lost = best - welfare
    units = weights.shape[1]
    interval = None
    if units > 1:
        interval = percentile_interval(weights @ summed(lost, group, units) / NANO_EUR_PER_EUR)
    rows = markets.conversions
    return JointMeasured(
        name=name,
        cleared=found,
        welfare=welfare,
        loss=losses_of(markets, found),
        lost_eur=Figure(int(lost.sum()) / NANO_EUR_PER_EUR, *(interval or (None, None))),
        converters_eur=int((found.earns - rows.cost * found.activity).sum()) / NANO_EUR_PER_EUR,
        unmet_kwh=int(found.unmet.sum()) / WH_PER_KWH,
        heat_kwh=int(found.delivered[:, :, Commodity.HEAT].sum()) / WH_PER_KWH,
        price=(_mean(found, Commodity.ELECTRICITY), _mean(found, Commodity.HEAT)),
    )


def _mean(found: InTurn, commodity: Commodity) -> float | None:
    volume, price = (
        getattr(found.outcome, name)[commodity::COMMODITIES] for name in ("volume", "price")
    )
    if not volume.any():
        return None
    return float((volume * (price / MICRO_EUR_PER_EUR)).sum() / volume.sum())
