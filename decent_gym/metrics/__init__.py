"""Measures of recorded rounds and of books cleared again: from integers to what people read."""

from decent_gym.metrics.book_figures import GAINS, PRICES
from decent_gym.metrics.comparison import (
    RETAILER_ONLY,
    Figure,
    Measured,
    compare,
    rules_for,
    units_at,
    units_of,
    usual_unit,
)
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
from decent_gym.metrics.joint import JointMeasured, compare_joint, losses_of, welfare_of
from decent_gym.metrics.market_power import marginal_markup, residual_supplies, withheld
from decent_gym.metrics.money import balances, money_by_kind, turnover
from decent_gym.metrics.physical import physical_figures
from decent_gym.metrics.preferences import PreferenceCost, preference_cost
from decent_gym.metrics.prices import PriceStatistics, price_statistics
from decent_gym.metrics.regret import Regret, best_shade, regret_of_truth
from decent_gym.metrics.series import SPECIAL_ACCOUNTS, Series, SeriesRecorder, series_of
from decent_gym.metrics.welfare import best_welfare, limits_passed, savings, surplus, welfare

__all__ = [
    "GAINS",
    "PRICES",
    "RETAILER_ONLY",
    "SPECIAL_ACCOUNTS",
    "EnergyLog",
    "Figure",
    "JointMeasured",
    "Measured",
    "PreferenceCost",
    "PriceStatistics",
    "Regret",
    "Series",
    "SeriesRecorder",
    "balances",
    "best_shade",
    "best_welfare",
    "bought",
    "compare",
    "compare_joint",
    "drawn",
    "exchange",
    "fed_in",
    "gini",
    "herfindahl",
    "jain",
    "limits_passed",
    "losses_of",
    "marginal_markup",
    "money_by_kind",
    "peak_kw",
    "physical_figures",
    "preference_cost",
    "price_statistics",
    "regret_of_truth",
    "residual_supplies",
    "residual_supply",
    "rules_for",
    "savings",
    "self_consumption",
    "self_sufficiency",
    "series_of",
    "sold",
    "surplus",
    "turnover",
    "units_at",
    "units_of",
    "usual_unit",
    "volume",
    "welfare",
    "welfare_of",
    "withheld",
]
