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

Set-points and following obey the rules of :mod:`decent_gym.district.part_load`.  Because
``eta_electric + eta_thermal <= 1``, ``heat_rate + 1000 <= fuel_rate``: both outputs together never
exceed the fuel.

Source: efficiencies as output over fuel input, Directive 2012/27/EU, Annex I; gross calorific
value, as gas is billed.
"""

from dataclasses import dataclass

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
