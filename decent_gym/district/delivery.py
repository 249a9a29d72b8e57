"""Delivery: devices follow the trades, in one fixed order, in all worlds at once.

Per organization and round:

1. The battery goes to its set-point, as far as physics allows.
2. Heat pump and CHP go to their set-points, as far as physics allows.
3. What they make, what was bought and what is in the pipe, less the demand, is the surplus.
4. The thermal store loses heat, then absorbs the surplus or covers the deficit.
5. Of a deficit that remains, the boiler covers what it can.
6. The heat pump, then the CHP follow: up for a deficit, down for a surplus.  Their electricity
   changes, and that becomes imbalance.
7. What is still missing is drawn from the network, what is still too much is fed in, in whole Wh.
8. The network brings what it can; the rest is unserved and leaves the stores it was put into.

For every organization, exactly, in mWh::

    1000 heat + pump_heat + chp_heat + 1000 boiler_heat
        = 1000 (heat_demand - unserved) + change of store_soc + store_lost + change of pipe

and for every world, in Wh: ``backup_heat = sum of members' heat + loss + spilled``.  Unserved heat
is at most the demand, but for a sub-Wh rounding, unless the organization sold heat as well.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from decent_gym.district import (
    battery,
    boiler,
    heat_balance,
    network,
    part_load,
    thermal_store,
)
from decent_gym.district.devices import Devices
from decent_gym.district.flows import PER_WORLD, Flows
from decent_gym.district.network import HeatNetwork
from decent_gym.errors import InputError

Step = tuple[Callable[..., object], tuple[Any, ...]]


class Delivery:
    """The delivery of a round, built once over a :class:`Devices` and a :class:`Flows`.

    Kernels of kinds that no organization has are left out, hence the devices are sealed.

    Parameters
    ----------
    devices : Devices
    flows : Flows
    heat_network : HeatNetwork, optional
        Without one, any heat can be drawn and nothing is unserved; `backup_heat` and `spilled`
        stay 0.

    Raises
    ------
    InputError
        If an array has the wrong shape or dtype, or is not contiguous.
    """

    __slots__ = ("_give_back", "_serve", "_steps")

    def __init__(
        self, devices: Devices, flows: Flows, heat_network: HeatNetwork | None = None
    ) -> None:
        _check(devices, devices.shape)
        _check(flows, devices.shape)
        devices.sealed = True
        self._steps = [
            *_electric(devices, flows),
            *_heat(devices, flows),
            *_meters(devices, flows),
        ]
        d, f = devices, flows
        self._give_back = (d.store_soc, f.store_flow, f.unserved)
        self._serve: tuple[Any, ...] | None = None
        if heat_network is not None:
            self._serve = (
                *heat_network.parameters(),
                *(d.utility, f.heat_traded, f.heat, f.unserved, f.weight, f.remainder),
                *(f.backup_heat, f.spilled),
            )

    def deliver(self, first: int, last: int) -> None:
        """Step worlds ``first <= w < last`` by one round; disjoint ranges may run in threads.

        The caller guarantees ``0 <= first <= last <= W`` and inputs within the caps of
        :mod:`decent_gym.units`; set-points may be any int64.
        """
        for kernel, arguments in self._steps:
            kernel(first, last, *arguments)
        if self._serve is not None and network.serve(first, last, *self._serve):
            thermal_store.give_back(first, last, *self._give_back)


def _electric(d: Devices, f: Flows) -> list[Step]:
    if not d.battery_capacity.any():
        return []
    limits = (d.battery_capacity, d.battery_charge, d.battery_discharge)
    rates = (d.battery_charge_rate, d.battery_discharge_rate)
    return [(battery.step, (f.battery_setpoint, *limits, *rates, d.battery_soc, f.battery_energy))]


def _heat(d: Devices, f: Flows) -> list[Step]:
    pump = (f.cop, d.pump_max, d.pump_min)
    unit = (d.chp_heat_rate, d.chp_max, d.chp_min)
    tank = (d.store_capacity, d.store_charge, d.store_discharge, d.store_loss_ppm, d.store_soc)
    has_pump, has_chp = d.pump_max.any(), d.chp_max.any()
    steps: list[Step] = []
    if has_pump:
        made = (f.pump_electricity, f.pump_heat)
        steps.append((part_load.run, (f.pump_setpoint, *pump, *made)))
    if has_chp:
        made = (f.chp_electricity, f.chp_heat)
        steps.append((part_load.run, (f.chp_setpoint, *unit, *made)))
    inputs = (f.heat_demand, f.heat_traded, d.pipe, f.pump_heat, f.chp_heat)
    steps.append((heat_balance.begin, (*inputs, f.surplus)))
    if d.store_capacity.any():
        steps.append((thermal_store.absorb, (*tank, f.surplus, f.store_flow, f.store_lost)))
    if d.boiler_max.any():
        steps.append((boiler.cover, (d.boiler_max, f.surplus, f.boiler_heat)))
    if has_pump:
        steps.append((part_load.follow, (*pump, f.surplus, f.pump_electricity, f.pump_heat)))
    if has_chp:
        steps.append((part_load.follow, (*unit, f.surplus, f.chp_electricity, f.chp_heat)))
    return steps


def _meters(d: Devices, f: Flows) -> list[Step]:
    followers = (d.pump_max, f.cop, d.chp_max, d.chp_heat_rate)
    close = (f.heat_traded, d.utility, *followers, f.surplus, d.pipe, f.heat)
    electric = (f.battery_energy, f.pump_electricity, f.chp_electricity)
    fuel = (d.chp_fuel_rate, f.boiler_heat, d.boiler_fuel_rate, d.fuel_residue)
    return [
        (heat_balance.close, close),
        (heat_balance.meter, (*electric, *fuel, f.electricity, f.fuel)),
    ]


def _check(record: Devices | Flows, shape: tuple[int, int]) -> None:
    for entry in fields(record):
        array = getattr(record, entry.name)
        if isinstance(array, list | bool):
            continue
        due = shape[:1] if entry.name in PER_WORLD else shape
        where = f"{type(record).__name__}.{entry.name}"
        if not isinstance(array, np.ndarray) or array.dtype != np.int64 or array.shape != due:
            raise InputError(f"{where} must be an int64 array of shape {due}, got {array!r:.80}")
        if not array.flags.c_contiguous or not array.flags.writeable:
            raise InputError(f"{where} must be contiguous and writeable; pass a copy")
