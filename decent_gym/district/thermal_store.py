"""Thermal store: a fully mixed tank that loses a fixed share of its heat every round.

=============  ==============================================================  ============
quantity       formula                                                         unit
=============  ==============================================================  ============
loss           floor(soc * loss_ppm / 10^6), before anything else              mWh
``loss_ppm``   least p with (1 - p / 10^6)^96 <= 1 - loss_per_day              ppm a round
absorbed       min(surplus, 1000 * charge, capacity - soc)                     mWh
given          min(deficit, 1000 * discharge, soc)                             mWh
state          soc - loss + absorbed - given                                   mWh, exact
=============  ==============================================================  ============

Source: energy balance of the well-mixed tank, J. A. Duffie, W. A. Beckman, "Solar Engineering of
Thermal Processes", 4th ed. (2013), chapter 8; the loss is linear in the stored heat, that is in the
tank's temperature above its surroundings.
"""

from dataclasses import dataclass
from typing import Final

from numba import njit

from decent_gym.district.physical import Number, capacity, part, power, quantity, share
from decent_gym.units import ROUNDS_PER_DAY, IntArray

PPM: Final = 10**6


@dataclass(frozen=True, slots=True)
class ThermalStore:
    """A hot-water tank as its data sheet describes it.

    Parameters
    ----------
    capacity_kwh : number
        Heat it can hold, kWh.
    charge_kw, discharge_kw : number
        Largest power either way, kW.
    loss_per_day : number
        Share of the stored heat that is lost in 24 hours, in [0, 0.99].
    initial : number
        Heat after a reset, as a fraction of the capacity.

    Raises
    ------
    InputError
        Naming the field, the value and the allowed range.
    """

    capacity_kwh: Number
    charge_kw: Number
    discharge_kw: Number
    loss_per_day: Number = 0.05
    initial: Number = 0.5

    def __post_init__(self) -> None:
        self.parameters()

    def loss_ppm(self) -> int:
        """Loss per round, parts per million."""
        kept = 1 - quantity("thermal_store.loss_per_day", self.loss_per_day, 0, "0.99")
        # exact integers instead of a root: libm differs between machines
        numerator, denominator = kept.as_integer_ratio()
        low, high = 0, PPM
        while low < high:
            middle = (low + high) // 2
            left = (PPM - middle) ** ROUNDS_PER_DAY * denominator
            if left <= numerator * PPM**ROUNDS_PER_DAY:
                high = middle
            else:
                low = middle + 1
        return low

    def parameters(self) -> dict[str, int]:
        """The integers of the kernels, by their names in :class:`Devices`."""
        stored = capacity("thermal_store.capacity_kwh", self.capacity_kwh)
        return {
            "store_capacity": stored,
            "store_charge": power("thermal_store.charge_kw", self.charge_kw),
            "store_discharge": power("thermal_store.discharge_kw", self.discharge_kw),
            "store_loss_ppm": self.loss_ppm(),
            "store_initial": part(stored, share("thermal_store.initial", self.initial)),
        }


@njit(cache=True, nogil=True, _nrt=False)
def feasible(
    first: int,
    last: int,
    capacity: IntArray,
    charge: IntArray,
    discharge: IntArray,
    loss_ppm: IntArray,
    soc: IntArray,
    max_charge: IntArray,
    max_discharge: IntArray,
) -> None:
    """Fill what each store can take and give in this round, after its loss, in whole Wh.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    capacity, soc : mWh
    charge, discharge : Wh per round
    loss_ppm : parts per million a round
    max_charge, max_discharge : Wh, not negative, filled
    """
    for w in range(first, last):
        for n in range(soc.shape[1]):
            left = soc[w, n] - soc[w, n] * loss_ppm[w, n] // 1_000_000
            max_charge[w, n] = min(charge[w, n], (capacity[w, n] - left) // 1000)
            max_discharge[w, n] = min(discharge[w, n], left // 1000)


@njit(cache=True, nogil=True, _nrt=False)
def absorb(
    first: int,
    last: int,
    capacity: IntArray,
    charge: IntArray,
    discharge: IntArray,
    loss_ppm: IntArray,
    soc: IntArray,
    surplus: IntArray,
    flow: IntArray,
    lost: IntArray,
) -> None:
    """Lose heat, then absorb a surplus or cover a deficit as far as the store goes.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    capacity : mWh
    charge, discharge : Wh per round
    loss_ppm : parts per million a round
    soc : mWh, modified in place
    surplus : mWh, negative where heat is missing, modified in place
    flow : mWh put into the store, negative if taken out, filled
    lost : mWh, filled
    """
    for w in range(first, last):
        for n in range(soc.shape[1]):
            loss = soc[w, n] * loss_ppm[w, n] // 1_000_000
            left = soc[w, n] - loss
            most = min(1000 * charge[w, n], capacity[w, n] - left)
            least = -min(1000 * discharge[w, n], left)
            moved = min(max(surplus[w, n], least), most)
            soc[w, n] = left + moved
            surplus[w, n] -= moved
            flow[w, n] = moved
            lost[w, n] = loss


@njit(cache=True, nogil=True, _nrt=False)
def give_back(first: int, last: int, soc: IntArray, flow: IntArray, unserved: IntArray) -> None:
    """Undo what was stored out of heat that the network could not bring, in whole Wh.

    All arrays are int64 (W, N).  Worlds ``first <= w < last``.

    Parameters
    ----------
    soc : mWh, modified in place
    flow : mWh put into the store in this round, modified in place
    unserved : Wh that did not arrive, modified in place: what no store can give back
    """
    for w in range(first, last):
        for n in range(soc.shape[1]):
            back = min(unserved[w, n], max(flow[w, n], 0) // 1000)
            soc[w, n] -= 1000 * back
            flow[w, n] -= 1000 * back
            unserved[w, n] -= back
