"""Gas boiler: covers what heat is missing, in whole Wh, and burns fuel for it.

=============  ==================================================  ====================
quantity       formula                                             unit
=============  ==================================================  ====================
``fuel_rate``  ceil(1000 / eta)                                    mWh fuel per Wh heat
heat           min(ceil(deficit / 1000), maximum)                  Wh
fuel           heat * fuel_rate                                    mWh, exact
=============  ==================================================  ====================

It modulates from zero: quarter hours average over its on and off periods.

Source: constant generation efficiency, heat output over fuel input, as in EN 15316-4-1; gross
calorific value, as gas is billed, so that even a condensing boiler stays at or below 1.
"""

from dataclasses import dataclass

from numba import njit

from decent_gym.district.physical import Number, efficiency, per_output, power
from decent_gym.units import IntArray


@dataclass(frozen=True, slots=True)
class Boiler:
    """A boiler as its data sheet describes it.

    Parameters
    ----------
    thermal_kw : number
        Largest heat output, kW.
    efficiency : number
        Heat over fuel (gross calorific value), in [0.01, 1].
    fuel : str
        Name of the fuel; the scenario has its price.

    Raises
    ------
    InputError
        Naming the field, the value and the allowed range.
    """

    thermal_kw: Number
    efficiency: Number = 0.9
    fuel: str = "gas"

    def __post_init__(self) -> None:
        self.parameters()

    def parameters(self) -> dict[str, int]:
        """The integers of the kernels, by their names in :class:`Devices`."""
        return {
            "boiler_max": power("boiler.thermal_kw", self.thermal_kw),
            "boiler_fuel_rate": per_output(efficiency("boiler.efficiency", self.efficiency)),
        }


@njit(cache=True, nogil=True, _nrt=False)
def cover(
    first: int,
    last: int,
    maximum: IntArray,
    surplus: IntArray,
    heat: IntArray,
) -> None:
    """Cover what is missing as far as the boiler goes.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    maximum : Wh per round
    surplus : mWh, negative where heat is missing, modified in place
        A deficit is covered with less than 1 Wh too much, which stays as a surplus.
    heat : Wh, filled
    """
    for w in range(first, last):
        for n in range(surplus.shape[1]):
            made = 0
            if surplus[w, n] < 0:
                made = min(-(surplus[w, n] // 1000), maximum[w, n])
                surplus[w, n] += 1000 * made
            heat[w, n] = made
