"""Meter readings that come from outside the simulation, checked before anything is settled."""

from typing import Final

import numpy as np

from decent_gym.errors import InputError
from decent_gym.models import Commodity
from decent_gym.units import BOOK_ENERGY_CAP, IntArray

METER_CAP: Final = 2**40
"""Wh; with it the differences below cannot wrap."""
IMBALANCE_CAP: Final = BOOK_ENERGY_CAP // 2
"""Wh per commodity and round; two commodities at the highest price then stay below 2^62 n-euro."""


def check_meters(metered: object, traded: IntArray, first: int, last: int) -> IntArray:
    """Return `metered` if it can be settled against `traded`, both Wh (W, A, C).

    Raises
    ------
    InputError
        It is not an int64 array of the right shape, a reading is out of bounds, or the operator's
        own account, which balances the others, has one.
    """
    if not isinstance(metered, np.ndarray) or metered.dtype != np.int64:
        kind = getattr(metered, "dtype", type(metered).__name__)
        raise InputError(f"metered must be an int64 array of Wh, got {kind}; round it first")
    if metered.shape != traded.shape:
        raise InputError(f"metered must have the shape {traded.shape}, got {metered.shape}")
    span = slice(first, last)
    readings = metered[span]
    if np.any(readings > METER_CAP) or np.any(readings < -METER_CAP):
        raise InputError(f"metered must be within +-{METER_CAP} Wh, got {_farthest(readings)}")
    if np.any(readings[:, -1]):
        raise InputError(
            f"metered of the operator's own account must be 0, got {_farthest(readings[:, -1])}; "
            "it balances the others"
        )
    missing = np.abs(readings - traded[span]).sum(axis=1)
    if np.any(missing > IMBALANCE_CAP):
        world, commodity = np.argwhere(missing > IMBALANCE_CAP)[0]
        raise InputError(
            f"metered differs from traded {Commodity(int(commodity)).name.lower()} by "
            f"{missing[world, commodity]} Wh in world {first + world}, more than the "
            f"{IMBALANCE_CAP} Wh that can be settled"
        )
    return metered


def _farthest(values: IntArray) -> int:
    low, high = int(values.min()), int(values.max())
    return high if high >= -low else low
