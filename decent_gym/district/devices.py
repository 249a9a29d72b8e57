"""All devices of all worlds: parameters and states as arrays, one organization a column."""

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from decent_gym.district.battery import Battery
from decent_gym.district.boiler import Boiler
from decent_gym.district.chp import CHP
from decent_gym.district.heat_pump import HeatPump
from decent_gym.district.thermal_store import ThermalStore
from decent_gym.errors import InputError
from decent_gym.units import IntArray, checked_int

STATE: Final = ("battery_soc", "store_soc", "pipe", "fuel_residue")
"""What one round hands to the next, all mWh; everything else is a parameter."""

NEUTRAL_RATE: Final = 1_000
"""A rate where there is no device: kernels divide by rates, and a unit one is harmless."""


@dataclass(slots=True)
class Devices:
    """At most one device of each kind per organization; all arrays int64 (W, N).

    Attributes
    ----------
    battery_capacity, battery_initial, battery_soc : mWh
    battery_charge, battery_discharge : Wh per round
    battery_charge_rate, battery_discharge_rate : mWh stored per Wh drawn, taken per Wh delivered
    pump_max, pump_min : Wh of electricity per round
    chp_max, chp_min : Wh of electricity per round
    chp_heat_rate, chp_fuel_rate : mWh of heat, of fuel per Wh of electricity
    boiler_max : Wh of heat per round
    boiler_fuel_rate : mWh of fuel per Wh of heat
    store_capacity, store_initial, store_soc : mWh
    store_charge, store_discharge : Wh per round
    store_loss_ppm : parts per million a round
    pipe : mWh of heat less than what can be metered or followed, kept for the next round
    fuel_residue : mWh of fuel, burnt and not billed yet, less than 1000
    utility : 1 for the utility, whose meter shows what it traded, else 0
    fuel : list of str (N), the fuel each organization burns, "" for none
    sealed : bool
        True once a :class:`Delivery` uses the record: parameters may not change any more.
    """

    battery_capacity: IntArray
    battery_charge: IntArray
    battery_discharge: IntArray
    battery_charge_rate: IntArray
    battery_discharge_rate: IntArray
    battery_initial: IntArray
    battery_soc: IntArray
    pump_max: IntArray
    pump_min: IntArray
    chp_max: IntArray
    chp_min: IntArray
    chp_heat_rate: IntArray
    chp_fuel_rate: IntArray
    boiler_max: IntArray
    boiler_fuel_rate: IntArray
    store_capacity: IntArray
    store_charge: IntArray
    store_discharge: IntArray
    store_loss_ppm: IntArray
    store_initial: IntArray
    store_soc: IntArray
    pipe: IntArray
    fuel_residue: IntArray
    utility: IntArray
    fuel: list[str]
    sealed: bool = False

    @classmethod
    def empty(cls, worlds: int, organizations: int) -> "Devices":
        """No devices at all: a district whose meters show loads and trades."""
        shape = (
            checked_int(worlds, "worlds", 1, 2**31),
            checked_int(organizations, "organizations", 1, 2**31),
        )
        names = [entry.name for entry in fields(cls) if entry.name not in ("fuel", "sealed")]
        arrays: dict[str, Any] = {
            name: np.full(shape, NEUTRAL_RATE if name.endswith("_rate") else 0, np.int64)
            for name in names
        }
        return cls(**arrays, fuel=[""] * organizations)

    @property
    def shape(self) -> tuple[int, int]:
        """Worlds and organizations."""
        worlds, organizations = self.pipe.shape
        return worlds, organizations

    def set_organization(
        self,
        n: int,
        *,
        battery: Battery | None = None,
        heat_pump: HeatPump | None = None,
        chp: CHP | None = None,
        boiler: Boiler | None = None,
        thermal_store: ThermalStore | None = None,
    ) -> None:
        """Install the devices of organization `n` in all worlds and set their initial states.

        Kinds that are not given stay as they are.

        Raises
        ------
        InputError
            If `n` is out of range, the record is in use, the utility would get devices, or boiler
            and CHP burn different fuels (an organization has one fuel meter).
        """
        self._refuse_if_sealed()
        n = checked_int(n, "organization", 0, self.shape[1] - 1)
        given = [d for d in (battery, heat_pump, chp, boiler, thermal_store) if d is not None]
        if given and self.utility[:, n].any():
            raise InputError(f"organization {n} is the utility; give its devices to another one")
        burners = {device.fuel for device in (chp, boiler) if device is not None}
        fuels = burners | ({self.fuel[n]} - {""})
        if len(fuels) > 1:
            raise InputError(
                f"organization {n} has one fuel meter, got the fuels {', '.join(sorted(fuels))}"
            )
        for device in given:
            for name, value in device.parameters().items():
                getattr(self, name)[:, n] = value
        if fuels:
            self.fuel[n] = fuels.pop()
        self.battery_soc[:, n] = self.battery_initial[:, n]
        self.store_soc[:, n] = self.store_initial[:, n]

    def set_utility(self, n: int) -> None:
        """Mark organization `n` as the utility, in all worlds: its meter shows what it traded.

        Raises
        ------
        InputError
            If `n` is out of range, has devices, or the record is in use.
        """
        self._refuse_if_sealed()
        n = checked_int(n, "organization", 0, self.shape[1] - 1)
        for name in ("battery_capacity", "pump_max", "chp_max", "boiler_max", "store_capacity"):
            if getattr(self, name)[:, n].any():
                raise InputError(f"organization {n} has devices ({name}); the utility has none")
        self.utility[:, n] = 1

    def reset(self, first: int = 0, last: int | None = None) -> None:
        """Put worlds ``first <= w < last`` (all by default) back to their initial states."""
        worlds = slice(first, last)
        self.battery_soc[worlds] = self.battery_initial[worlds]
        self.store_soc[worlds] = self.store_initial[worlds]
        self.pipe[worlds] = 0
        self.fuel_residue[worlds] = 0

    def _refuse_if_sealed(self) -> None:
        if self.sealed:
            raise InputError("these devices are in use; set them before Delivery is made")
