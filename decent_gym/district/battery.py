"""Battery: an energy reservoir with power limits and two constant efficiencies.

==================  ==========================================================  ===============
quantity            formula                                                     unit
==================  ==========================================================  ===============
``charge_rate``     floor(1000 * eta_charge)                                    mWh stored per Wh
``discharge_rate``  ceil(1000 / eta_discharge)                                  mWh taken per Wh
most to draw        min(charge, (capacity - soc) // charge_rate)                Wh per round
most to deliver     min(discharge, soc // discharge_rate)                       Wh per round
state of charge     soc + charge_rate * drawn - discharge_rate * delivered      mWh
==================  ==========================================================  ===============

``charge_rate <= 1000 <= discharge_rate``: a cycle never returns more than was put in.  There is no
self-discharge, and ageing is left to the reward's wear term.

Source: energy reservoir model, D. M. Rosewater, D. A. Copp, T. A. Nguyen, R. H. Byrne, S. Santoso,
"Battery Energy Storage Models for Optimal Control", IEEE Access 7 (2019), section on energy
reservoir models.
"""

from dataclasses import dataclass

from numba import njit

from decent_gym.district.physical import (
    Number,
    capacity,
    efficiency,
    part,
    per_input,
    per_output,
    power,
    share,
)
from decent_gym.units import IntArray


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery as its data sheet describes it.

    Parameters
    ----------
    capacity_kwh : number
        Usable capacity, kWh.
    charge_kw, discharge_kw : number
        Largest power at the meter, kW, either way.
    charge_efficiency, discharge_efficiency : number
        One way each, in [0.01, 1].
    initial : number
        State of charge after a reset, as a fraction of the capacity.

    Raises
    ------
    InputError
        Naming the field, the value and the allowed range.
    """

    capacity_kwh: Number
    charge_kw: Number
    discharge_kw: Number
    charge_efficiency: Number = 0.95
    discharge_efficiency: Number = 0.95
    initial: Number = 0.5

    def __post_init__(self) -> None:
        self.parameters()

    def parameters(self) -> dict[str, int]:
        """The integers of the kernels, by their names in :class:`Devices`."""
        stored = capacity("battery.capacity_kwh", self.capacity_kwh)
        charge = efficiency("battery.charge_efficiency", self.charge_efficiency)
        discharge = efficiency("battery.discharge_efficiency", self.discharge_efficiency)
        return {
            "battery_capacity": stored,
            "battery_charge": power("battery.charge_kw", self.charge_kw),
            "battery_discharge": power("battery.discharge_kw", self.discharge_kw),
            "battery_charge_rate": per_input(charge),
            "battery_discharge_rate": per_output(discharge),
            "battery_initial": part(stored, share("battery.initial", self.initial)),
        }


@njit(cache=True, nogil=True, _nrt=False)
def feasible(
    first: int,
    last: int,
    capacity: IntArray,
    charge: IntArray,
    discharge: IntArray,
    charge_rate: IntArray,
    discharge_rate: IntArray,
    soc: IntArray,
    max_charge: IntArray,
    max_discharge: IntArray,
) -> None:
    """Fill what each battery can draw and deliver in this round.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    capacity, soc : mWh
    charge, discharge : Wh per round
    charge_rate, discharge_rate : mWh per Wh, more than 0
    max_charge, max_discharge : Wh, not negative, filled
    """
    for w in range(first, last):
        for n in range(soc.shape[1]):
            room = (capacity[w, n] - soc[w, n]) // charge_rate[w, n]
            held = soc[w, n] // discharge_rate[w, n]
            max_charge[w, n] = min(charge[w, n], room)
            max_discharge[w, n] = min(discharge[w, n], held)


@njit(cache=True, nogil=True, _nrt=False)
def step(
    first: int,
    last: int,
    setpoint: IntArray,
    capacity: IntArray,
    charge: IntArray,
    discharge: IntArray,
    charge_rate: IntArray,
    discharge_rate: IntArray,
    soc: IntArray,
    actual: IntArray,
) -> None:
    """Charge (+) or discharge (-) every battery as near to its set-point as physics allows.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    setpoint : Wh at the meter, any int64
    capacity : mWh
    charge, discharge : Wh per round
    charge_rate, discharge_rate : mWh per Wh, more than 0
    soc : mWh, modified in place
    actual : Wh at the meter, drawn minus delivered, filled
    """
    for w in range(first, last):
        for n in range(soc.shape[1]):
            wish = setpoint[w, n]
            stored = soc[w, n]
            if wish > 0:
                room = (capacity[w, n] - stored) // charge_rate[w, n]
                wish = min(wish, charge[w, n], room)
                soc[w, n] = stored + wish * charge_rate[w, n]
            elif wish < 0:
                wish = max(wish, -discharge[w, n], -(stored // discharge_rate[w, n]))
                soc[w, n] = stored + wish * discharge_rate[w, n]
            actual[w, n] = wish
