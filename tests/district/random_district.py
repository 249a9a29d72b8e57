"""Districts, set-points and trades drawn at random, absurd ones included."""

import numpy as np

from decent_gym.district import CHP, Battery, Boiler, Devices, HeatPump, ThermalStore

HUGE = [10**8, -(10**8), 10**15, -(10**15), np.iinfo(np.int64).max, np.iinfo(np.int64).min]
STATES = ("battery_soc", "store_soc", "pipe", "fuel_residue")


def random_district(rng, worlds, organizations):
    """Devices of every combination; organization 0 has none, the last one is the utility."""
    devices = Devices.empty(worlds, organizations)
    for n in range(1, organizations - 1):
        has = rng.random(5) < 0.6
        kw = rng.choice([0.2, 0.5, 1.0, 1.4], 8)
        low = rng.choice([0, 0.3, 0.5, 1])
        devices.set_organization(
            n,
            battery=Battery(float(kw[0]), kw[1], kw[2], 0.93, 0.97) if has[0] else None,
            heat_pump=HeatPump(electric_kw=kw[3], minimum_load=low) if has[1] else None,
            chp=CHP(kw[4], 0.31, 0.52, minimum_load=low) if has[2] else None,
            boiler=Boiler(kw[5], 0.91) if has[3] else None,
            thermal_store=ThermalStore(kw[6], kw[7], kw[4], 0.3) if has[4] else None,
        )
    devices.set_utility(organizations - 1)
    return devices


def random_inputs(rng, flows):
    shape = flows.cop.shape
    for setpoint in (flows.battery_setpoint, flows.pump_setpoint, flows.chp_setpoint):
        setpoint[:] = rng.integers(-100, 500, shape)
        absurd = rng.random(shape) < 0.1
        setpoint[absurd] = rng.choice(HUGE, shape)[absurd]
    flows.cop[:] = rng.integers(1000, 6500, shape)
    flows.heat_demand[:] = rng.integers(0, 900, shape) * (rng.random(shape) < 0.8)
    flows.heat_traded[:] = rng.integers(-600, 900, shape) * (rng.random(shape) < 0.6)
    flows.heat_demand[:, -1] = 0
    flows.heat_traded[:, -1] = -flows.heat_traded[:, :-1].sum(axis=1)
