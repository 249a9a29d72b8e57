"""Coefficient of performance of heat pumps, from outdoor and supply temperature, in integers.

With D the temperature difference between supply and source in kelvin, at least 15 K:

========  ====================================  ==========================================
source    COP, before the correction            temperature of the source
========  ====================================  ==========================================
air       6.08  - 0.09 D + 0.0005 D^2           outdoor air
ground    10.29 - 0.21 D + 0.0012 D^2           ground - 5 K (10 degrees C unless given)
water     9.97  - 0.20 D + 0.0012 D^2           groundwater, 10 degrees C - 5 K
========  ====================================  ==========================================

========  ==============================================
supply    temperature, with T outdoors, degrees C
========  ==============================================
floor     30 - 0.5 T
radiator  40 - 1.0 T
water     50 (hot water)
a number  that temperature
========  ==============================================

The COP is multiplied by 0.85 (field measurements against the laboratory) and rounded down to per
mille.  Three bounds of our own: D stops at the parabola's vertex, so that the COP never rises with
the lift; it is at least 1, as of a heating rod; and it never passes Carnot's ``T_supply / D``
(which the equations stay below by themselves).  Temperatures are hundredths of a kelvin and all
arithmetic is integer, so every machine agrees.

Source: O. Ruhnau, L. Hirth, A. Praktiknjo, "Time series of heat demand and heat pump efficiency
for energy system modeling", Scientific Data 6:189 (2019), the equations as printed (the when2heat
data set computes with four decimals, -0.0941 for air); 5 K between ground and brine, 10 degrees C
of groundwater, 15 K at least: the same.  A constant ground is our simplification: theirs is the
soil temperature of a reanalysis, which may be given as `ground_dc`.
"""

from typing import Final

import numpy as np

from decent_gym.district.physical import Number, quantity
from decent_gym.errors import InputError
from decent_gym.registry import unknown_name
from decent_gym.units import IntArray

COEFFICIENTS: Final = {
    # a - b D + c D^2 times 10^8, D in hundredths of a kelvin
    "air": (608_000_000, 90_000, 5),
    "ground": (1_029_000_000, 210_000, 12),
    "water": (997_000_000, 200_000, 12),
}
CURVES: Final = {"floor": (3_000, -5), "radiator": (4_000, -10), "water": (5_000, 0)}
"""Supply temperature in hundredths of a degree, constant and per tenth of a degree outdoors."""

CORRECTION: Final = 850
SCALE: Final = 10**8
LEAST_LIFT: Final = 1_500
BRINE: Final = 500
GROUND_DC: Final = 100
KELVIN: Final = 27_315
COLDEST_DC: Final = -600
HOTTEST_DC: Final = 600
HEATING_ROD: Final = 1_000


def cop_of(
    temperature_dc: IntArray,
    source: str = "air",
    supply: str | Number = "floor",
    ground_dc: IntArray | None = None,
) -> IntArray:
    """Coefficient of performance for a whole profile.

    Parameters
    ----------
    temperature_dc : integer array of any shape
        Outdoor temperature, tenths of a degree Celsius, in [-600, 600].
    source : {"air", "ground", "water"}
    supply : {"floor", "radiator", "water"} or number
        A heating curve, or a fixed supply temperature in degrees Celsius.
    ground_dc : integer array of the same shape, optional
        Ground temperature for ``source="ground"``, tenths of a degree; 10 degrees C by default.

    Returns
    -------
    int64 array of the same shape, per mille

    Raises
    ------
    InputError
        For an unknown source or supply, or a temperature that is no integer or out of range.
    """
    supply_fault(source, supply)
    outdoor = _checked(temperature_dc, "temperature_dc")
    hot = _supply(supply, outdoor)
    if source == "air":
        cold = outdoor * 10
    else:
        given = source == "ground" and ground_dc is not None
        ground = _checked(ground_dc, "ground_dc") if given else np.full_like(outdoor, GROUND_DC)
        cold = ground * 10 - BRINE
    lift = np.maximum(hot - cold, LEAST_LIFT)
    a, b, c = COEFFICIENTS[source]
    d = np.minimum(lift, b // (2 * c))
    measured: IntArray = CORRECTION * (a - b * d + c * d * d) // SCALE
    carnot: IntArray = 1_000 * (hot + KELVIN) // lift
    bounded: IntArray = np.minimum(np.maximum(measured, HEATING_ROD), carnot)
    return bounded


def supply_fault(source: str, supply: str | Number) -> None:
    """Raise for a source or a supply that :func:`cop_of` does not know.

    Raises
    ------
    InputError
    """
    if source not in COEFFICIENTS:
        raise unknown_name("heat_pump.source", source, COEFFICIENTS)
    if isinstance(supply, str):
        if supply not in CURVES:
            raise unknown_name("heat_pump.supply", supply, CURVES)
    else:
        quantity("heat_pump.supply", supply, 20, 95, "degrees Celsius")


def _supply(supply: str | Number, outdoor: IntArray) -> IntArray:
    if isinstance(supply, str):
        constant, slope = CURVES[supply]
        return constant + slope * outdoor
    fixed = quantity("heat_pump.supply", supply, 20, 95, "degrees Celsius")
    return np.full_like(outdoor, round(fixed * 100))


def _checked(values: object, name: str) -> IntArray:
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"{name} must be integers (tenths of a degree), got {array.dtype}")
    outside = (array < COLDEST_DC) | (array > HOTTEST_DC)
    if outside.any():
        at = int(np.flatnonzero(outside)[0])
        raise InputError(
            f"{name} must be in [{COLDEST_DC}, {HOTTEST_DC}] tenths of a degree, "
            f"got {array.flat[at]} at index {at}"
        )
    return array.astype(np.int64)
