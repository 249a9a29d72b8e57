"""Heat pump: electricity in, ``cop`` times as much heat out, off or between two powers.

==============  ======================================================================
quantity        formula
==============  ======================================================================
heat            electricity (Wh) * cop (per mille) = mWh, exact
operation       0, or from ``minimum`` to ``maximum`` Wh of electricity per round
set-point       clipped to [0, maximum]; below ``minimum`` the nearer of 0 and
                ``minimum`` (half-way: 0)
following       h = heat it makes minus the surplus it is asked to remove;
                h <= 0: off.  Otherwise ceil(h / cop), at most ``maximum``;
                below ``minimum`` it idles there if it is running and stays off if it is not
==============  ======================================================================

So following never turns a surplus into a deficit, and never starts a heat pump for less than its
minimum.  The coefficient of performance comes from :mod:`decent_gym.district.cop`.

Source: part-load limits as a semi-continuous range of operation, the usual model of unit
commitment (e.g. A. J. Wood, B. F. Wollenberg, G. B. Sheble, "Power Generation, Operation, and
Control", 3rd ed., 2014, chapter 4).
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from decent_gym.district.cop import cop_of, supply_fault
from decent_gym.district.physical import MWH_PER_WH, Number, part, power, quantity, share
from decent_gym.errors import InputError
from decent_gym.units import IntArray


@dataclass(frozen=True, slots=True)
class HeatPump:
    """A heat pump as its data sheet describes it; give exactly one of the two powers.

    Parameters
    ----------
    thermal_kw : number, optional
        Heat output at full load at the outdoor temperature `rated_celsius`, kW.
    electric_kw : number, optional
        Electricity drawn at full load, kW.
    source : {"air", "ground", "water"}
    supply : {"floor", "radiator", "water"} or number
        A heating curve, or a fixed supply temperature in degrees Celsius.
    minimum_load : number
        Least electricity while running, as a fraction of full load.
    rated_celsius : number
        Outdoor temperature to which `thermal_kw` belongs.

    Raises
    ------
    InputError
        Naming the field, the value and the allowed range.
    """

    thermal_kw: Number | None = None
    electric_kw: Number | None = None
    source: str = "air"
    supply: str | Number = "floor"
    minimum_load: Number = 0.0
    rated_celsius: Number = -7

    def __post_init__(self) -> None:
        if (self.thermal_kw is None) == (self.electric_kw is None):
            raise InputError(
                "heat_pump: give exactly one of thermal_kw and electric_kw, got "
                f"thermal_kw={self.thermal_kw!r}, electric_kw={self.electric_kw!r}"
            )
        supply_fault(self.source, self.supply)
        self.parameters()

    def cop(self, temperature_dc: IntArray, ground_dc: IntArray | None = None) -> IntArray:
        """Coefficient of performance, per mille, int64, shaped as the outdoor temperature.

        See :func:`decent_gym.district.cop.cop_of`, which takes the same arrays.
        """
        return cop_of(temperature_dc, self.source, self.supply, ground_dc)

    def parameters(self) -> dict[str, int]:
        """The integers of the kernels, by their names in :class:`Devices`."""
        load = share("heat_pump.minimum_load", self.minimum_load)
        rated = quantity("heat_pump.rated_celsius", self.rated_celsius, -60, 60, "degrees Celsius")
        if self.electric_kw is not None:
            most = power("heat_pump.electric_kw", self.electric_kw)
        else:
            heat = power("heat_pump.thermal_kw", self.thermal_kw)
            rating = int(self.cop(np.array([round(rated * 10)], np.int64))[0])
            most = -(-heat * MWH_PER_WH // rating)
        return {"pump_max": most, "pump_min": part(most, load, up=True)}


@njit(cache=True, nogil=True)
def run(
    first: int,
    last: int,
    setpoint: IntArray,
    cop: IntArray,
    maximum: IntArray,
    minimum: IntArray,
    electricity: IntArray,
    heat: IntArray,
) -> None:
    """Operate every heat pump as near to its set-point as physics allows.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    setpoint : Wh of electricity, any int64
    cop : per mille
    maximum, minimum : Wh per round
    electricity : Wh, filled
    heat : mWh, filled
    """
    for w in range(first, last):
        for n in range(setpoint.shape[1]):
            wish = min(max(setpoint[w, n], 0), maximum[w, n])
            if wish < minimum[w, n]:
                wish = minimum[w, n] if 2 * wish > minimum[w, n] else 0
            electricity[w, n] = wish
            heat[w, n] = wish * cop[w, n]


@njit(cache=True, nogil=True)
def follow(
    first: int,
    last: int,
    cop: IntArray,
    maximum: IntArray,
    minimum: IntArray,
    surplus: IntArray,
    electricity: IntArray,
    heat: IntArray,
) -> None:
    """Change the operation to cover a deficit or to remove a surplus, within the limits.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    cop : per mille, more than 0 where there is a heat pump
    maximum, minimum : Wh per round
    surplus : mWh, negative where heat is missing, modified in place
        A deficit is covered with less than `cop` mWh too much, which stays as a surplus.
    electricity : Wh, modified in place
    heat : mWh, modified in place
    """
    for w in range(first, last):
        for n in range(surplus.shape[1]):
            if maximum[w, n] == 0 or surplus[w, n] == 0:
                continue
            wanted = heat[w, n] - surplus[w, n]
            level = 0
            if wanted > 0:
                level = min(-(-wanted // cop[w, n]), maximum[w, n])
                if level < minimum[w, n]:
                    level = minimum[w, n] if electricity[w, n] > 0 else 0
            electricity[w, n] = level
            heat[w, n] = level * cop[w, n]
            surplus[w, n] = heat[w, n] - wanted
