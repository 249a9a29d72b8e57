"""How sure a figure is: percentile intervals from resampled days, rounds or books."""

from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.units import IntArray

FloatArray = npt.NDArray[np.float64]

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 1000


def resampled_weights(units: int, seed: int, resamples: int = RESAMPLES) -> FloatArray:
    """How often each of `units` is drawn in each resample, (R, units); rows sum to `units`.

    The same arguments give the same draws, so that mechanisms are compared on the same days.

    Source: B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    return random.multinomial(units, np.full(units, 1 / units), size=resamples).astype(np.float64)


def percentile_interval(values: FloatArray) -> tuple[float, float] | None:
    """The middle 95 % of resampled figures; None where a resample has none (NaN)."""
    if np.isnan(values).any():
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, (tail, 1 - tail))
    return float(low), float(high)


def summed(amounts: IntArray | FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Sums of rows (B, ...) by group number (B,), (groups, ...)."""
    out = np.zeros((groups, *amounts.shape[1:]))
    np.add.at(out, group, amounts)
    return out
