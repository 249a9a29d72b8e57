"""What the prices of many rounds were like, and how often they were only the main grid's."""

from dataclasses import dataclass

import numpy as np

from decent_gym.metrics.series import Series
from decent_gym.models import Commodity, Tariff
from decent_gym.units import MICRO_EUR_PER_EUR


@dataclass(frozen=True, slots=True)
class PriceStatistics:
    """Prices of one commodity, EUR/kWh; None where nothing ever traded.

    Attributes
    ----------
    mean, low, high : float or None
        Over rounds with trade, each counting once.
    weighted_mean : float or None
        Over energy: sum(price x volume) / sum(volume).
    volatility : float or None
        Standard deviation over rounds with trade (population: divided by their number).
    at_retail, at_feed_in, between, no_trade : float
        Shares of all rounds; they sum to 1.  `between` is any other price.
    """

    mean: float | None
    weighted_mean: float | None
    low: float | None
    high: float | None
    volatility: float | None
    at_retail: float
    at_feed_in: float
    between: float
    no_trade: float


def price_statistics(series: Series, commodity: Commodity) -> PriceStatistics:
    """Statistics of one commodity's prices over all rounds of `series`.

    Where retail and feed-in are the same price it counts as retail.

    Source: shares of rounds at the grid's prices show whether a local market found prices of its
    own; volatility as the standard deviation, R. Weron, "Electricity price forecasting: a review",
    International Journal of Forecasting 30 (2014), section 2.
    """
    volume, price = series.volume[:, commodity], series.price[:, commodity]
    tariffs = series.tariffs[:, commodity]
    traded = volume > 0
    retail = traded & (price == tariffs[:, Tariff.RETAIL])
    feed_in = traded & ~retail & (price == tariffs[:, Tariff.FEED_IN])
    rounds = series.rounds
    shares = {
        "at_retail": int(retail.sum()) / rounds,
        "at_feed_in": int(feed_in.sum()) / rounds,
        "between": int((traded & ~retail & ~feed_in).sum()) / rounds,
        "no_trade": int((~traded).sum()) / rounds,
    }
    if not traded.any():
        return PriceStatistics(None, None, None, None, None, **shares)
    prices = price[traded] / MICRO_EUR_PER_EUR
    return PriceStatistics(
        mean=float(prices.mean()),
        weighted_mean=float((prices * volume[traded]).sum() / volume.sum()),
        low=float(prices.min()),
        high=float(prices.max()),
        volatility=float(np.std(prices)),
        **shares,
    )
