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
from decent_gym.metrics.prices import PriceStatistics, price_statistics
from decent_gym.metrics.regret import Regret, best_shade, regret_of_truth
from decent_gym.metrics.series import SPECIAL_ACCOUNTS, Series, SeriesRecorder, series_of

__all__ = [
    "SPECIAL_ACCOUNTS",
    "EnergyLog",
    "PriceStatistics",
    "Regret",
    "Series",
    "SeriesRecorder",
    "balances",
    "best_shade",
    "bought",
    "drawn",
    "exchange",
    "fed_in",
    "gini",
    "herfindahl",
    "jain",
    "money_by_kind",
    "peak_kw",
    "price_statistics",
    "regret_of_truth",
    "residual_supply",
    "self_consumption",
    "self_sufficiency",
    "series_of",
    "sold",
    "turnover",
    "volume",
]
