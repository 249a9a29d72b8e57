"""Energy that was traded, and how much of what a district needs it supplies itself."""

import numpy as np
import numpy.typing as npt

from decent_gym.errors import InputError
from decent_gym.metrics.series import Series
from decent_gym.models import Commodity
from decent_gym.units import ROUNDS_PER_HOUR, WH_PER_KWH, IntArray

FloatArray = npt.NDArray[np.float64]


def bought(series: Series) -> FloatArray:
    """KWh bought by each organization and commodity, (N, C)."""
    return _kwh(np.maximum(series.traded[:, : len(series.names)], 0).sum(axis=0))


def sold(series: Series) -> FloatArray:
    """KWh sold by each organization and commodity, (N, C)."""
    return _kwh(np.maximum(-series.traded[:, : len(series.names)], 0).sum(axis=0))


def drawn(series: Series) -> FloatArray:
    """KWh that flowed to each organization by its meters, (N, C)."""
    return _kwh(np.maximum(series.metered[:, : len(series.names)], 0).sum(axis=0))


def fed_in(series: Series) -> FloatArray:
    """KWh that flowed from each organization by its meters, (N, C)."""
    return _kwh(np.maximum(-series.metered[:, : len(series.names)], 0).sum(axis=0))


def volume(series: Series) -> FloatArray:
    """KWh traded of each commodity, (C,): the sum of the rounds' volumes."""
    return _kwh(series.volume.sum(axis=0))


def exchange(series: Series, commodity: Commodity) -> IntArray:
    """Wh that the district drew from outside in each round, (T,); negative: fed out.

    What the members' meters and the network's loss sum to; with or without a utility in the
    market, the physical balance is closed from outside.
    """
    inside = [n for n in range(series.metered.shape[1]) if n != series.utility]
    net: IntArray = series.metered[:, inside, commodity].sum(axis=1)
    return net


def peak_kw(series: Series, commodity: Commodity) -> float:
    """Largest mean power of a round that the district drew from outside, kW; 0 if it never did."""
    return max(int(exchange(series, commodity).max()), 0) * ROUNDS_PER_HOUR / WH_PER_KWH


def self_sufficiency(consumption: float, imported: float) -> float | None:
    """Share of consumption that was not imported: 1 - imported / consumption, None without any.

    In [0, 1]: a store that buys in order to sell can import more than is consumed, which is 0.

    Parameters
    ----------
    consumption, imported : float
        Over the whole time, in the same unit; 0 or more.

    Source: R. Luthander, J. Widen, D. Nilsson, J. Palm, "Photovoltaic self-consumption in
    buildings: a review", Applied Energy 142 (2015) 80-94, equations 1-4; stores count by what
    crosses the meter.
    """
    return _share_kept("consumption", consumption, "imported", imported)


def self_consumption(generation: float, exported: float) -> float | None:
    """Share of own generation that was not exported: 1 - exported / generation, None without any.

    In [0, 1]: a store that sells what it had bought can export more than is generated, which
    is 0.

    Source: as :func:`self_sufficiency`.
    """
    return _share_kept("generation", generation, "exported", exported)


def _share_kept(what: str, total: float, other: str, crossed: float) -> float | None:
    for name, value in ((what, total), (other, crossed)):
        if not (np.isfinite(value) and value >= 0):
            raise InputError(f"{name} must be an energy of 0 or more, got {value!r}")
    if total == 0:
        return None
    return max(0.0, 1 - crossed / total)


def _kwh(energy: IntArray) -> FloatArray:
    return np.asarray(energy / WH_PER_KWH, np.float64)
