"""Money that moved.  Turnover is not welfare: see :mod:`decent_gym.metrics.welfare`."""

import numpy as np
import numpy.typing as npt

from decent_gym.metrics.series import Series
from decent_gym.models import Money
from decent_gym.units import NANO_EUR_PER_EUR


def money_by_kind(series: Series) -> npt.NDArray[np.float64]:
    """Euro received minus paid, by kind of ``Money`` and account, (K, N + 3).

    Every row sums to 0; the last three accounts are fuel, network and operator.
    """
    return np.asarray(series.money.sum(axis=0) / NANO_EUR_PER_EUR, np.float64)


def balances(series: Series) -> npt.NDArray[np.float64]:
    """Euro received minus paid of every account over all rounds, (N + 3,); sums to 0."""
    return np.asarray(series.money.sum(axis=(0, 1)) / NANO_EUR_PER_EUR, np.float64)


def turnover(series: Series) -> float:
    """Euro that changed hands for accepted offers: what buyers paid, netted per account."""
    trades = series.money[:, Money.TRADE]
    return int(np.maximum(trades, 0).sum()) / NANO_EUR_PER_EUR
