"""What goes into the delivery of a round and what comes out, as arrays."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from decent_gym.units import IntArray, checked_int

PER_WORLD: Final = ("backup_heat", "spilled")
"""Fields with one number a world."""


@dataclass(slots=True)
class Flows:
    """Energies of one round; int64 (W, N), the last two (W,); reused every round.

    The first six are inputs: write into them, or put your own arrays in their place before the
    :class:`Delivery` is made.

    Attributes
    ----------
    battery_setpoint : Wh, charge (+) or discharge (-)
    pump_setpoint : Wh of electricity the heat pump shall draw
    chp_setpoint : Wh of electricity the CHP shall make
    cop : per mille, of the heat pumps
    heat_demand : Wh
    heat_traded : Wh of heat bought minus sold
    surplus : mWh, scratch
    battery_energy : Wh drawn minus delivered
    pump_electricity : Wh drawn
    pump_heat : mWh
    chp_electricity : Wh made
    chp_heat : mWh
    boiler_heat : Wh
    store_flow : mWh put into the store, negative if taken out
    store_lost : mWh
    electricity : Wh, the devices' electricity, drawn minus made
    heat : Wh, metered heat, drawn minus fed in
    fuel : Wh, billed
    unserved : Wh of heat that was demanded and did not arrive
    weight, remainder : scratch
    backup_heat : Wh (W,), made by the network's backup boiler
    spilled : Wh (W,), fed into the network and taken by nobody
    """

    battery_setpoint: IntArray
    pump_setpoint: IntArray
    chp_setpoint: IntArray
    cop: IntArray
    heat_demand: IntArray
    heat_traded: IntArray
    surplus: IntArray
    battery_energy: IntArray
    pump_electricity: IntArray
    pump_heat: IntArray
    chp_electricity: IntArray
    chp_heat: IntArray
    boiler_heat: IntArray
    store_flow: IntArray
    store_lost: IntArray
    electricity: IntArray
    heat: IntArray
    fuel: IntArray
    unserved: IntArray
    weight: IntArray
    remainder: IntArray
    backup_heat: IntArray
    spilled: IntArray

    @classmethod
    def empty(cls, worlds: int, organizations: int) -> "Flows":
        """Nothing flows; the COP is 1."""
        worlds = checked_int(worlds, "worlds", 1, 2**31)
        organizations = checked_int(organizations, "organizations", 1, 2**31)
        arrays: dict[str, IntArray] = {
            entry.name: np.zeros(
                worlds if entry.name in PER_WORLD else (worlds, organizations), np.int64
            )
            for entry in fields(cls)
        }
        arrays["cop"][:] = 1_000
        return cls(**arrays)
