"""From [-1, 1] to decisions, against a plain reading of the levers."""

from dataclasses import fields

import numpy as np
import pytest
from oracles.districts import everybody
from oracles.simulation import decide
from oracles.trader_views import random_view

from decent_gym.simulation import LEVERS, levers_of
from decent_gym.simulation.actions import FULL, decide_learners
from decent_gym.traders import LEARNER, Decisions, TraderView
from decent_gym.traders.no_flexibility import baseline

NAMES = [field.name for field in fields(Decisions)]
NUMBERS = [
    *("load", "pv", "heat", "cop", "max_charge", "max_discharge", "pump_max", "store_in"),
    *("store_out", "chp_max", "chp_heat_rate", "boiler_max"),
]


def decided(view: TraderView, actions: np.ndarray) -> tuple[Decisions, Decisions]:
    """The baseline and what learners made of it."""
    shape = view.policy.shape
    before, after = Decisions.empty(*shape), Decisions.empty(*shape)
    baseline(view, before, 0, shape[0])
    baseline(view, after, 0, shape[0])
    decide_learners(
        0, shape[0], view.policy, actions, view.heat, view.cop, view.tariffs, view.max_charge,
        view.max_discharge, view.pump_max, view.store_in, view.store_out, view.chp_max,
        view.chp_heat_rate, view.boiler_max, *after.columns(),
    )  # fmt: skip
    return before, after


def random_actions(seed: int, shape: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    actions = rng.integers(-FULL, FULL + 1, (*shape, len(LEVERS)))
    ends = rng.integers(-1, 2, actions.shape) * FULL
    return np.where(rng.random(actions.shape) < 0.4, ends, actions)


def at(record: object, names: list[str], w: int, n: int) -> dict[str, int]:
    return {name: int(getattr(record, name)[w, n]) for name in names}


@pytest.mark.parametrize("seed", range(40))
def test_every_lever_does_what_it_says(seed: int) -> None:
    view = random_view(seed)
    actions = random_actions(seed, view.policy.shape)
    before, after = decided(view, actions)
    for w, n in np.ndindex(view.policy.shape):
        expected = at(before, NAMES, w, n)
        if view.policy[w, n] == LEARNER:
            numbers = at(view, NUMBERS, w, n)
            numbers["tariffs"] = view.tariffs[w].tolist()
            expected = decide(numbers, actions[w, n].tolist(), expected)
        assert at(after, NAMES, w, n) == expected


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_asked_for_is_feasible(seed: int) -> None:
    view = random_view(seed)
    view.policy[:] = LEARNER
    before, d = decided(view, random_actions(seed, view.policy.shape))
    assert all((getattr(d, name) >= 0).all() for name in NAMES if not name.endswith("limit"))
    assert (d.charge <= view.max_charge).all()
    assert (d.discharge <= view.max_discharge).all()
    assert (np.minimum(d.charge, d.discharge) == 0).all()
    assert (d.pump_firm + d.pump_flex <= view.pump_max).all()
    assert (d.chp <= view.chp_max).all()
    assert (d.boiler <= view.boiler_max).all()
    # heat in mWh: what the store must take or give, whatever the two books accept
    extra = (d.pump_firm + d.pump_flex - before.pump_firm) * view.cop
    assert (np.maximum(extra, 0) + 1000 * d.heat_buy <= 1000 * view.store_in).all()
    stored = (view.store_in + view.store_out) > 0
    paused = np.where(stored, before.pump_firm - d.pump_firm, 0) * view.cop
    made = d.chp * view.chp_heat_rate // 1000 * (view.chp_max > 0)
    assert (paused + 1000 * (d.heat_sell - made) <= 1000 * view.store_out).all()
    for name in NAMES:
        if name.endswith("_limit"):
            c = int(name.startswith(("heat", "boiler")))
            retail, feed_in = view.tariffs[:, c, 0, None], view.tariffs[:, c, 1, None]
            assert (getattr(d, name) >= np.minimum(feed_in, retail)).all()
            assert (getattr(d, name) <= retail).all()


@pytest.mark.parametrize("sign", [-1, 1])
def test_one_is_all_of_it(sign: int) -> None:
    view = random_view(5)
    view.policy[:] = LEARNER
    _, d = decided(view, np.full((*view.policy.shape, 10), sign * FULL, np.int64))
    end = 0 if sign == 1 else 1
    up = sign == 1
    assert np.array_equal(d.charge, view.max_charge * up)
    assert np.array_equal(d.discharge, view.max_discharge * (not up))
    assert np.array_equal(d.chp, view.chp_max * up)
    assert np.array_equal(d.boiler, view.boiler_max * up)
    price = np.broadcast_to(view.tariffs[:, 0, end, None], view.policy.shape)
    heat_price = np.broadcast_to(view.tariffs[:, 1, end, None], view.policy.shape)
    for limit in (d.charge_limit, d.discharge_limit, d.chp_limit):
        assert np.array_equal(limit, price)
    for limit in (d.heat_buy_limit, d.heat_sell_limit, d.boiler_limit):
        assert np.array_equal(limit, heat_price)
    tank = (view.pump_max == 0) & (view.store_in > 0)
    assert np.array_equal(d.heat_buy[tank], view.store_in[tank] * up)
    assert np.array_equal(d.pump_limit[view.pump_max > 0], price[view.pump_max > 0])
    assert (d.pump_flex > 0).any()


def test_zero_leaves_everything_but_plants_alone() -> None:
    view = random_view(6)
    view.policy[:] = LEARNER
    before, d = decided(view, np.zeros((*view.policy.shape, 10), np.int64))
    for name in ("charge", "discharge", "heat_buy", "heat_sell", "pump_flex", "pump_firm"):
        assert np.array_equal(getattr(d, name), getattr(before, name))
    assert np.array_equal(d.chp, view.chp_max // 2)
    assert np.array_equal(d.boiler, view.boiler_max // 2)


def test_organizations_have_the_levers_of_their_devices() -> None:
    expected = {
        "battery": ["battery", "battery_limit"],
        "pump": ["pump", "pump_limit", "store", "store_limit"],
        "plant": ["store", "store_limit", "chp", "chp_limit", "boiler", "boiler_limit"],
        "tank": ["store", "store_limit"],
        "plain": [],
        "all": list(LEVERS),
        "bare_pump": ["pump", "pump_limit"],
        "utility": [],
    }
    assert {m.name: [LEVERS[i] for i in levers_of(m)] for m in everybody()} == expected
