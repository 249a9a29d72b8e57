"""A whole round: against the oracle, conservation in mWh, limits whatever is asked."""

from types import SimpleNamespace

import numpy as np
import pytest
from district.random_district import STATES, random_district, random_inputs
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.devices import battery_step, heat_round

from decent_gym.district import (
    CHP,
    Boiler,
    Delivery,
    Devices,
    Flows,
    HeatNetwork,
    HeatPump,
    ThermalStore,
    part_load,
)


def copy_of(devices):
    return {name: getattr(devices, name).copy() for name in STATES}


def assert_conserved(devices, flows, before, loss, backup, max_flow):
    d, f = devices, flows
    members = d.utility == 0
    moved = {name: getattr(d, name) - before[name] for name in STATES}
    rate = np.where(f.battery_energy > 0, d.battery_charge_rate, d.battery_discharge_rate)
    assert (moved["battery_soc"] == rate * f.battery_energy).all()
    heat = 1000 * f.heat + f.pump_heat + f.chp_heat + 1000 * f.boiler_heat
    used = 1000 * (f.heat_demand - f.unserved) + moved["store_soc"] + f.store_lost + moved["pipe"]
    assert (heat == used)[members].all()
    assert (moved["store_soc"] == f.store_flow - f.store_lost).all()
    burnt = f.chp_electricity * d.chp_fuel_rate + f.boiler_heat * d.boiler_fuel_rate
    assert (1000 * f.fuel + moved["fuel_residue"] == burnt).all()
    assert (f.pump_heat == f.pump_electricity * f.cop).all()
    assert (f.chp_heat == f.chp_electricity * d.chp_heat_rate).all()
    assert (1000 * f.chp_electricity + f.chp_heat + 1000 * f.boiler_heat <= burnt).all()
    assert (f.electricity == f.battery_energy + f.pump_electricity - f.chp_electricity).all()
    net = (f.heat * members).sum(axis=1)
    assert (f.backup_heat == net + loss + f.spilled).all()
    assert (f.backup_heat <= backup).all() and (f.spilled >= 0).all()
    assert ((np.maximum(f.heat, 0) * members).sum(axis=1) <= max_flow).all()


def assert_within_limits(devices, flows):
    d, f = devices, flows
    for soc, capacity in ((d.battery_soc, d.battery_capacity), (d.store_soc, d.store_capacity)):
        assert (soc >= 0).all() and (soc <= capacity).all()
    assert (-d.battery_discharge <= f.battery_energy).all()
    assert (f.battery_energy <= d.battery_charge).all()
    assert (-1000 * d.store_discharge <= f.store_flow).all()
    assert (f.store_flow <= 1000 * d.store_charge).all()
    for level, least, most in (
        (f.pump_electricity, d.pump_min, d.pump_max),
        (f.chp_electricity, d.chp_min, d.chp_max),
    ):
        assert ((level == 0) | ((least <= level) & (level <= most))).all()
    assert ((f.boiler_heat >= 0) & (f.boiler_heat <= d.boiler_max)).all()
    step = np.maximum(1000, np.where(d.pump_max > 0, f.cop, 0))
    step = np.maximum(step, np.where(d.chp_max > 0, d.chp_heat_rate, 0))
    assert ((d.pipe >= 0) & (d.pipe < step)).all()
    assert ((d.fuel_residue >= 0) & (d.fuel_residue < 1000)).all()
    assert (f.unserved >= 0).all() and not (f.unserved * d.utility).any()
    bought = f.heat_traded >= 0
    assert (f.unserved <= f.heat_demand + 7)[bought & (d.utility == 0)].all()


@pytest.mark.parametrize("seed", range(4))
def test_thousands_of_random_rounds_conserve_energy_and_keep_the_limits(seed):
    rng = np.random.default_rng(seed)
    worlds, organizations = 8, 12
    devices, flows = random_district(rng, worlds, organizations), Flows.empty(worlds, organizations)
    network = HeatNetwork(max_flow_kw=10, loss_kw=0.5, backup_kw=rng.choice([4, 8, 40]))
    max_flow, loss, backup = network.parameters()
    delivery = Delivery(devices, flows, network)
    seen = SimpleNamespace(unserved=0, spilled=0)
    for _ in range(500):
        random_inputs(rng, flows)
        before = copy_of(devices)
        delivery.deliver(0, worlds)
        assert_conserved(devices, flows, before, loss, backup, max_flow)
        assert_within_limits(devices, flows)
        seen.unserved += int(flows.unserved.sum())
        seen.spilled += int(flows.spilled.sum())
    assert seen.unserved and seen.spilled


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_organization_is_the_oracle_s(seed):
    rng = np.random.default_rng(seed)
    organizations = 6
    devices, flows = random_district(rng, 1, organizations), Flows.empty(1, organizations)
    delivery = Delivery(devices, flows)
    for _ in range(6):
        random_inputs(rng, flows)
        before = copy_of(devices)
        delivery.deliver(0, 1)
        for n in range(organizations - 1):
            assert_like_the_oracle(devices, flows, before, n)
        assert flows.heat[0, -1] == flows.heat_traded[0, -1]
        assert not flows.unserved.any()


def assert_like_the_oracle(devices, flows, before, n):
    p = {
        name: int(getattr(devices, name)[0, n]) for name in devices.__slots__ if "_" in name
    }  # every parameter has a device's name in front
    f = {name: int(getattr(flows, name)[0, n]) for name in flows.__slots__[:-2]}
    battery = {k.removeprefix("battery_"): v for k, v in p.items() if k.startswith("battery_")}
    wish = max(min(f["battery_setpoint"], 10**4), -(10**4))
    assert battery_step(battery, int(before["battery_soc"][0, n]), wish) == (
        battery["soc"],
        f["battery_energy"],
    )
    state = {
        "store": int(before["store_soc"][0, n]),
        "pipe": int(before["pipe"][0, n]),
        "fuel": int(before["fuel_residue"][0, n]),
    }
    out = heat_round(
        p,
        state,
        f["heat_demand"],
        f["heat_traded"],
        f["pump_setpoint"],
        f["chp_setpoint"],
        f["cop"],
    )
    assert state == {
        "store": p["store_soc"],
        "pipe": int(devices.pipe[0, n]),
        "fuel": p["fuel_residue"],
    }
    assert {k: v for k, v in out.items() if k != "burnt"} == {
        "pump": f["pump_electricity"],
        "chp": f["chp_electricity"],
        "boiler": f["boiler_heat"],
        "flow": f["store_flow"],
        "lost": f["store_lost"],
        "heat": f["heat"],
        "fuel": f["fuel"],
    }


def one(network=None, *, demand=0, traded=0, pump=0, chp_setpoint=0, cop=3000, **installed):
    """Deliver one round to one organization."""
    devices, flows = Devices.empty(1, 1), Flows.empty(1, 1)
    devices.set_organization(0, **installed)
    flows.heat_demand[:], flows.heat_traded[:] = demand, traded
    flows.pump_setpoint[:], flows.chp_setpoint[:], flows.cop[:] = pump, chp_setpoint, cop
    Delivery(devices, flows, network).deliver(0, 1)
    return SimpleNamespace(
        **{name: int(getattr(flows, name).flat[0]) for name in flows.__slots__},
        store_soc=int(devices.store_soc[0, 0]),
        pipe=int(devices.pipe[0, 0]),
        residue=int(devices.fuel_residue[0, 0]),
    )


STORE = ThermalStore(4, 2, 2, loss_per_day=0, initial=0.05)


def test_without_devices_the_meter_shows_the_demand():
    out = one(demand=700, traded=650)
    assert (out.heat, out.pipe, out.electricity, out.fuel) == (700, 0, 0, 0)
    assert one(demand=700, traded=800).heat == 700


def test_store_before_boiler_before_heat_pump_before_network():
    devices = {"thermal_store": STORE, "boiler": Boiler(1, 0.9)}
    pump = HeatPump(electric_kw=0.4)
    assert one(demand=150, **devices, heat_pump=pump).boiler_heat == 0
    out = one(demand=300, **devices, heat_pump=pump)
    assert (out.store_soc, out.boiler_heat, out.pump_electricity) == (0, 100, 0)
    assert (out.fuel, out.residue) == (111, 200)
    out = one(demand=600, **devices, heat_pump=pump)
    assert (out.boiler_heat, out.pump_electricity, out.heat) == (250, 50, 0)
    out = one(demand=1000, **devices, heat_pump=pump)
    assert (out.boiler_heat, out.pump_electricity, out.heat) == (250, 100, 250)


def test_heat_pump_before_chp_and_both_mismatches_are_electricity():
    out = one(demand=500, heat_pump=HeatPump(electric_kw=0.4), chp=CHP(1, 0.3, 0.6, 0))
    assert (out.pump_electricity, out.chp_electricity, out.heat) == (100, 100, 0)
    assert out.electricity == 0
    assert out.fuel == 333 and out.residue == 400


def test_a_surplus_goes_to_the_store_then_throttles_then_is_fed_in():
    pump = HeatPump(electric_kw=2, minimum_load=0.4)
    out = one(pump=400, demand=100, heat_pump=pump, thermal_store=STORE)
    assert (out.store_flow, out.pump_electricity, out.heat) == (500_000, 200, 0)
    out = one(pump=400, demand=300, heat_pump=pump)
    assert (out.pump_electricity, out.heat) == (200, -300)
    out = one(pump=400, demand=0, heat_pump=pump)
    assert (out.pump_electricity, out.heat) == (0, 0)
    assert one(traded=50, boiler=Boiler(1)).heat == 0


def test_nothing_starts_for_less_than_its_minimum():
    pump = HeatPump(electric_kw=2, minimum_load=0.4)
    assert one(demand=599, heat_pump=pump).heat == 0
    out = one(demand=590, heat_pump=pump)
    assert (out.pump_electricity, out.heat) == (0, 590)


@pytest.mark.parametrize(
    "setpoint, level",
    [(-5, 0), (100, 0), (101, 200), (200, 200), (300, 300), (501, 500), (10**15, 500)],
)
def test_setpoints_below_the_minimum_go_to_the_nearer_end(setpoint, level):
    pump = HeatPump(electric_kw=2, minimum_load=0.4)
    # the demand is exactly what the level makes, so following changes nothing
    out = one(pump=setpoint, demand=3 * level, heat_pump=pump)
    assert (out.pump_electricity, out.electricity, out.heat) == (level, level, 0)
    out = one(chp_setpoint=setpoint, demand=2 * level, chp=CHP(2, 0.3, 0.6, minimum_load=0.4))
    assert (out.chp_electricity, out.electricity, out.heat) == (level, -level, 0)


def test_half_way_to_the_minimum_is_off():
    setpoint = np.array([[99, 100, 101, 150]])
    most, least, rate = (np.full((1, 4), value, np.int64) for value in (500, 200, 3000))
    level, heat = np.zeros((2, 1, 4), np.int64)
    part_load.run(0, 1, setpoint, rate, most, least, level, heat)
    assert level.tolist() == [[0, 0, 200, 200]]
    assert heat.tolist() == [[0, 0, 600_000, 600_000]]


def test_unserved_heat_leaves_the_store_it_was_put_into():
    network = HeatNetwork(max_flow_kw=1, loss_kw=0, backup_kw=10)
    out = one(network, demand=200, traded=600, thermal_store=STORE)
    # 600 bought, 250 arrive: 200 for the demand, 50 into the store
    assert (out.heat, out.unserved, out.store_flow) == (250, 0, 50_000)
    out = one(network, demand=400, traded=600, thermal_store=STORE)
    assert (out.heat, out.unserved, out.store_flow) == (250, 150, 0)
    assert out.backup_heat == 250


def test_shards_of_worlds_give_what_the_whole_batch_gives():
    results = []
    for shards in ([(0, 7)], [(3, 7), (0, 1), (1, 3)]):
        rng = np.random.default_rng(5)
        devices, flows = random_district(rng, 7, 9), Flows.empty(7, 9)
        delivery = Delivery(devices, flows, HeatNetwork(8, 0.2, 6))
        for _ in range(20):
            random_inputs(rng, flows)
            for first, last in shards:
                delivery.deliver(first, last)
        results.append([getattr(devices, name).tolist() for name in STATES])
        results[-1] += [getattr(flows, n).tolist() for n in ("heat", "fuel", "unserved")]
    assert results[0] == results[1]
