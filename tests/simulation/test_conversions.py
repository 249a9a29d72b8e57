"""Heat pumps and CHPs under coupled clearing: what they offer, and what they then do."""

from dataclasses import replace

import numpy as np
import pytest
from oracles.districts import DAY, district, everybody

from decent_gym import scenario
from decent_gym.models import Money
from decent_gym.simulation import LEVERS, Simulation
from decent_gym.simulation.conversions import _PRICE_CAP
from decent_gym.traders import LEARNER, NOBODY, TRADERS
from decent_gym.units import PRICE_CAP

FULL = 1_000_000
RULES = {"rules": {"clearing": "coupled"}}
NO_FLEXIBILITY = TRADERS["no_flexibility"].code


def expected(sim: Simulation, world: int) -> tuple[list[list[int]], np.ndarray]:
    """Rows (owner, electricity, heat, cost, most, fuel) and heat (buy, sell), by the definition."""
    v, a = sim.view, sim.actions[world]
    retail, feed_in = (int(x) for x in v.tariffs[world, 0, :2])
    rows, heat = [], np.zeros((a.shape[0], 2), np.int64)
    for n in range(a.shape[0]):
        code = v.policy[world, n]
        pump, chp = int(v.pump_max[world, n]), int(v.chp_max[world, n])
        if code in (NOBODY, NO_FLEXIBILITY) or pump + chp == 0:
            continue
        room = int(v.store_in[world, n]), int(v.store_out[world, n])
        heat[n] = room
        lever = {name: int(a[n, i]) for i, name in enumerate(LEVERS)}
        if code == LEARNER:
            part = max(lever["store"], 0), max(-lever["store"], 0)
            heat[n] = [r * p // FULL for r, p in zip(room, part, strict=True)]
        burnt = int(v.chp_fuel_rate[world, n])
        for most, row, kind in (
            (pump, [-1000, int(v.cop[world, n]), 0, -1], "pump"),
            (chp, [1000, int(v.chp_heat_rate[world, n]), -(-burnt * v.fuel_price // 1000), burnt],
             "chp"),
        ):  # fmt: skip
            if code == LEARNER:
                most = most * (lever[kind] + FULL) // (2 * FULL)
                row[2] += (retail - feed_in) * lever[f"{kind}_limit"] // FULL
            if most > 0:
                rows.append([n, *row[:3], most, row[3]])
    return rows, heat


def store_limits(sim: Simulation, world: int) -> list[int]:
    """What a scripted owner's store bids and asks, by the definition."""
    worth = (int(sim.view.price_low[world, 1]) + int(sim.view.price_high[world, 1])) // 2
    retail, feed_in = (int(x) for x in sim.view.tariffs[world, 1, :2])
    both = worth * 975 // 1000, worth * 1000 // 975 + 1
    return [min(max(limit, feed_in), retail) for limit in both]


@pytest.mark.parametrize("learn", [True, False])
def test_offers_follow_from_devices_and_levers(learn: bool) -> None:
    district_ = district(3, members=everybody(), **RULES)
    learners = [m.name for m in district_.members if m.flexible] if learn else []
    sim = Simulation(district_, worlds=2, learners=learners)
    sim.reset([1, 2], [0, 40])
    rng, offered = np.random.default_rng(6), 0
    for _ in range(DAY // 2):
        sim.actions[:] = rng.choice([-FULL, FULL, 0, 250_000, -333_333], sim.actions.shape)
        due = [expected(sim, w) for w in range(2)]
        worths = [store_limits(sim, w) for w in range(2)]
        sim.step()
        for w, (rows, heat) in enumerate(due):
            given = sim.conversions
            k = int(given.count[w])
            columns = (given.owner, given.electricity, given.heat, given.cost, given.most,
                       given.fuel)  # fmt: skip
            assert np.stack([c[w, :k] for c in columns], axis=1).tolist() == rows
            machines = (sim.view.pump_max[w] + sim.view.chp_max[w]) > 0
            machines &= (sim.view.policy[w] != NOBODY) & (sim.view.policy[w] != NO_FLEXIBILITY)
            d = sim.decisions
            found = np.stack([d.heat_buy[w], d.heat_sell[w]], axis=1)
            assert found[machines].tolist() == heat[machines].tolist()
            scripted = machines & (sim.view.policy[w] != LEARNER)
            limits = np.stack([d.heat_buy_limit[w], d.heat_sell_limit[w]], axis=1)[scripted]
            assert (limits == worths[w]).all()
            for gone in (d.pump_firm, d.pump_flex, d.chp, d.heat_firm):
                assert not gone[w, machines].any()
            offered += k
    assert offered > 100


def test_machines_run_as_accepted_and_sell_what_they_make() -> None:
    """Without forecast errors and minimum loads a week of `rural` leaves no imbalance of theirs."""
    rural = scenario("rural", clearing="coupled")
    sim = Simulation(rural)
    sim.reset([1], [DAY * 14])
    ran = 0
    for _ in range(DAY):
        sim.step()
        joint, flows = sim.operator.joint, sim.flows
        for k in range(len(joint.activity[0])):
            n = int(sim.conversions.owner[0, k])
            pump = sim.conversions.electricity[0, k] < 0
            asked = (flows.pump_setpoint if pump else flows.chp_setpoint)[0, n]
            assert asked == joint.activity[0, k]
            heat = joint.activity[0, k] * sim.conversions.heat[0, k]
            assert heat - 1000 * joint.delivered[0, k, 1] >= 0
            ran += joint.activity[0, k] > 0
        assert sim.operator.money[Money.TRADE].sum() == 0
    assert ran > 300


def test_who_has_no_flexibility_offers_no_conversion() -> None:
    sim = Simulation(scenario("rural", clearing="coupled"), traders="no_flexibility")
    sim.reset([1], [DAY * 14])
    sim.step()
    assert sim.conversions.count.tolist() == [0]
    assert sim.decisions.pump_firm.any()


@pytest.mark.parametrize("learn", [True, False])
def test_what_costs_more_than_any_price_is_not_offered(learn: bool) -> None:
    plain = scenario("rural", clearing="coupled")
    burners = [m.name for m in plain.members if m.chp is not None]
    running = {}
    for fuel in (plain.prices.fuel, PRICE_CAP):
        dear = replace(plain, prices=replace(plain.prices, fuel=fuel))
        sim = Simulation(dear, learners=burners if learn else [])
        sim.reset([1], [DAY * 14])
        sim.actions[:] = FULL
        sim.step()
        sold = sim.conversions.electricity[0, : sim.conversions.count[0]]
        running[fuel] = int((sold > 0).sum())
    assert running[plain.prices.fuel] == len(burners) > 0 == running[PRICE_CAP]


@pytest.mark.parametrize("sign", [1, -1])
def test_limits_end_at_the_largest_price(sign: int) -> None:
    plain = scenario("rural", clearing="coupled")
    tariffs = plain.tariffs.copy()
    tariffs[:, 0] = [PRICE_CAP - 1, 2 - PRICE_CAP, PRICE_CAP, 1 - PRICE_CAP]
    learners = [m.name for m in plain.members if m.heat_pump is not None or m.chp is not None]
    sim = Simulation(replace(plain, tariffs=tariffs), learners=learners)
    sim.reset([1], [DAY * 14])
    sim.actions[:] = FULL
    sim.actions[..., [LEVERS.index("pump_limit"), LEVERS.index("chp_limit")]] *= sign
    sim.step()
    count, cost = int(sim.conversions.count[0]), sim.conversions.cost[0]
    assert _PRICE_CAP == PRICE_CAP
    if sign > 0:  # nobody can pay that
        assert count == 0
    else:
        assert count == len(learners) and cost[:count].min() == -PRICE_CAP


def test_heat_from_where_it_is_cheapest() -> None:
    """With electricity at retail a pump of COP 3.3 or less rests, and the plant's boiler serves."""
    rural = scenario("rural", clearing="coupled")
    costs = {}
    for clearing in ("separate", "coupled"):
        sim = Simulation(rural.with_rules(clearing=clearing))
        sim.reset([1], [DAY * 14])
        for _ in range(7 * DAY):
            sim.step()
        members = [n for n, m in enumerate(rural.members) if m.organization.priority == 0]
        scored = [0, 1, 2, 3, 4, 5, 6]  # money, wear, comfort and what is left in the stores
        costs[clearing] = -int(sim.totals[scored][:, 0, members].sum())
    assert costs["coupled"] < 0.995 * costs["separate"]
