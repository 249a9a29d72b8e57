"""Small districts to simulate: a few rounds long enough to matter, few enough to follow."""

import numpy as np

from decent_gym.clearing import Rules
from decent_gym.district import CHP, Battery, Boiler, HeatNetwork, HeatPump, ThermalStore
from decent_gym.models import Organization
from decent_gym.scenarios import Member, Prices, Scenario
from decent_gym.scenarios.splits import Splits

DAY = 96
TARIFFS = ((300_000, 80_000, 400_000, 30_000), (160_000, 0, 210_000, -10_000))


def everybody(*traders):
    """A battery house, a heat pump house, a plant, a store, a plain house, one of everything."""
    battery = Battery(capacity_kwh=6, charge_kw=3, discharge_kw=3)
    pump, tank = HeatPump(thermal_kw=10), ThermalStore(capacity_kwh=12, charge_kw=8, discharge_kw=8)
    chp = CHP(electric_kw=6, electric_efficiency=0.31, thermal_efficiency=0.62)
    boiler = Boiler(thermal_kw=30, efficiency=0.95)
    members = [
        Member(Organization("battery"), battery=battery),
        Member(Organization("pump"), heat_pump=pump, thermal_store=tank),
        Member(Organization("plant"), chp=chp, boiler=boiler, thermal_store=tank),
        Member(Organization("tank"), thermal_store=tank),
        Member(Organization("plain")),
        Member(Organization("all"), battery, pump, tank, boiler, chp),
        Member(Organization("bare_pump"), heat_pump=pump),
    ]
    if traders:
        members = [
            Member(m.organization, m.battery, m.heat_pump, m.thermal_store, m.boiler, m.chp, name)
            for m, name in zip(members, (*traders, *traders, *traders), strict=False)
        ]
    return (*members, Member(Organization("utility", priority=1)))


def district(seed=0, *, days=2, traders=(), utility="book", members=None, **fields):
    """Everybody with random profiles."""
    rng = np.random.default_rng(seed)
    members = everybody(*traders) if members is None else members
    if utility is None:
        members = tuple(m for m in members if m.organization.priority == 0)
    rounds, n = days * DAY, len(members)
    shape = (rounds, n)
    rules = Rules(utility=utility, **fields.pop("rules", {}))
    inside = np.array([m.organization.priority == 0 for m in members])
    sun = np.maximum(np.sin((np.arange(rounds) % DAY - 24) / 48 * np.pi), 0)[:, None]
    profiles = {
        "load": rng.integers(0, 1_500, shape) * inside,
        "pv": (rng.integers(0, 2_500, shape) * sun * inside).astype(np.int64),
        "heat": rng.integers(0, 2_500, shape) * inside,
        "temperature": rng.integers(-50, 200, rounds),
        "tariffs": np.tile(np.array(TARIFFS, np.int64), (rounds, 1, 1)),
        "network": HeatNetwork(max_flow_kw=200, loss_kw=2, backup_kw=200),
        "splits": Splits.fitting(rounds),
        "prices": Prices(wear=10_000, heat_fee=5_000),
    }
    return Scenario(
        name="small", start=1_709_510_400, members=members, rules=rules, **{**profiles, **fields}
    )
