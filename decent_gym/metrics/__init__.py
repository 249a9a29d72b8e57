"""Measures of recorded rounds: pure functions from integers to the floats people read."""

from decent_gym.metrics.energy import (
    bought,
    drawn,
    exchange,
    fed_in,
    peak_kw,
    self_consumption,
    self_sufficiency,
    sold,
    volume,
)
from decent_gym.metrics.energy_log import EnergyLog
from decent_gym.metrics.fairness import gini, herfindahl, jain, residual_supply
from decent_gym.metrics.money import balances, money_by_kind, turnover
from decent_gym.metrics.preferences import PreferenceCost, preference_cost
from decent_gym.metrics.prices import PriceStatistics, price_statistics
from decent_gym.metrics.series import SPECIAL_ACCOUNTS, Series, SeriesRecorder, series_of

__all__ = [
    "SPECIAL_ACCOUNTS",
    "EnergyLog",
    "PreferenceCost",
    "PriceStatistics",
    "Series",
    "SeriesRecorder",
    "balances",
    "bought",
    "drawn",
    "exchange",
    "fed_in",
    "gini",
    "herfindahl",
    "jain",
    "money_by_kind",
    "peak_kw",
    "preference_cost",
    "price_statistics",
    "residual_supply",
    "self_consumption",
    "self_sufficiency",
    "series_of",
    "sold",
    "turnover",
    "volume",
]
