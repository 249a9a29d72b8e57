"""Combined heat and power: fuel in, electricity and heat out in a fixed ratio (back pressure).

=============  =========================================================  ===================
quantity       formula                                                    unit
=============  =========================================================  ===================
``fuel_rate``  ceil(1000 / eta_electric)                                  mWh fuel per Wh el.
``heat_rate``  floor(1000 * eta_thermal / eta_electric)                   mWh heat per Wh el.
heat           electricity * heat_rate                                    mWh, exact
fuel           electricity * fuel_rate                                    mWh, exact
operation      0, or from ``minimum`` to ``maximum``                      Wh el. per round
=============  =========================================================  ===================

Set-points and following obey the rules of :mod:`decent_gym.district.heat_pump`.  Because
``eta_electric + eta_thermal <= 1``, ``heat_rate + 1000 <= fuel_rate``: both outputs together never
exceed the fuel.

Source: efficiencies as output over fuel input, Directive 2012/27/EU, Annex I; gross calorific
value, as gas is billed.
"""

from dataclasses import dataclass

from numba import njit

from decent_gym.district.physical import (
    Number,
    efficiency,
    part,
    per_input,
    per_output,
    power,
    share,
)
from decent_gym.errors import InputError
from decent_gym.units import IntArray


@dataclass(frozen=True, slots=True)
class CHP:
    """A combined heat and power unit as its data sheet describes it.

    Parameters
    ----------
    electric_kw : number
        Electricity made at full load, kW.
    electric_efficiency, thermal_efficiency : number
        Output over fuel (gross calorific value), in [0.01, 1], together at most 1.
    minimum_load : number
        Least electricity while running, as a fraction of full load.
    fuel : str
        Name of the fuel; the scenario has its price.

    Raises
    ------
    InputError
        Naming the field, the value and the allowed range.
    """

    electric_kw: Number
    electric_efficiency: Number = 0.3
    thermal_efficiency: Number = 0.55
    minimum_load: Number = 0.5
    fuel: str = "gas"

    def __post_init__(self) -> None:
        self.parameters()

    def parameters(self) -> dict[str, int]:
        """The integers of the kernels, by their names in :class:`Devices`."""
        electric = efficiency("chp.electric_efficiency", self.electric_efficiency)
        thermal = efficiency("chp.thermal_efficiency", self.thermal_efficiency)
        if electric + thermal > 1:
            raise InputError(
                "chp.electric_efficiency + chp.thermal_efficiency must be at most 1, got "
                f"{self.electric_efficiency} + {self.thermal_efficiency}"
            )
        most = power("chp.electric_kw", self.electric_kw)
        load = share("chp.minimum_load", self.minimum_load)
        return {
            "chp_max": most,
            "chp_min": part(most, load, up=True),
            "chp_heat_rate": per_input(thermal / electric),
            "chp_fuel_rate": per_output(electric),
        }


@njit(cache=True, nogil=True)
def run(
    first: int,
    last: int,
    setpoint: IntArray,
    heat_rate: IntArray,
    maximum: IntArray,
    minimum: IntArray,
    electricity: IntArray,
    heat: IntArray,
) -> None:
    """Operate every unit as near to its set-point as physics allows.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    setpoint : Wh of electricity to make, any int64
    heat_rate : mWh heat per Wh electricity
    maximum, minimum : Wh per round
    electricity : Wh made, filled
    heat : mWh, filled
    """
    for w in range(first, last):
        for n in range(setpoint.shape[1]):
            wish = min(max(setpoint[w, n], 0), maximum[w, n])
            if wish < minimum[w, n]:
                wish = minimum[w, n] if 2 * wish > minimum[w, n] else 0
            electricity[w, n] = wish
            heat[w, n] = wish * heat_rate[w, n]


@njit(cache=True, nogil=True)
def follow(
    first: int,
    last: int,
    heat_rate: IntArray,
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
    heat_rate : mWh heat per Wh electricity, more than 0 where there is a unit
    maximum, minimum : Wh per round
    surplus : mWh, negative where heat is missing, modified in place
        A deficit is covered with less than `heat_rate` mWh too much, which stays as a surplus.
    electricity : Wh made, modified in place
    heat : mWh, modified in place
    """
    for w in range(first, last):
        for n in range(surplus.shape[1]):
            if maximum[w, n] == 0 or surplus[w, n] == 0:
                continue
            wanted = heat[w, n] - surplus[w, n]
            level = 0
            if wanted > 0:
                level = min(-(-wanted // heat_rate[w, n]), maximum[w, n])
                if level < minimum[w, n]:
                    level = minimum[w, n] if electricity[w, n] > 0 else 0
            electricity[w, n] = level
            heat[w, n] = level * heat_rate[w, n]
            surplus[w, n] = heat[w, n] - wanted
