"""Heat pump: electricity in, ``cop`` times as much heat out, off or between two powers.

==============  ======================================================================
quantity        formula
==============  ======================================================================
heat            electricity (Wh) * cop (per mille) = mWh, exact
operation       0, or from ``minimum`` to ``maximum`` Wh of electricity per round
==============  ======================================================================

Set-points and following obey the rules of :mod:`decent_gym.district.part_load`.  The coefficient of
performance comes from :mod:`decent_gym.district.cop`.
"""

from dataclasses import dataclass

import numpy as np

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
