"""The controller reads observations rightly, keeps nothing, sees nothing else, and pays."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from oracles.districts import district

from agents.observed import AT, LEADS, Observed, Scales
from agents.rolling_horizon import STEPS, RollingHorizon
from decent_gym.district import CHP, Battery, Boiler, HeatPump, ThermalStore
from decent_gym.envs import TraderEnv
from decent_gym.errors import InputError, MissingExtraError, UnknownNameError
from decent_gym.models import Commodity, Organization
from decent_gym.scenarios import Forecasts, Member, Scenario, scenario
from training.held_out import cells, score_learned, score_scripted

CASES = [
    ("rural", "building_03"),
    ("rural", "heat_plant"),
    ("synthetic", "household_00001"),
    ("synthetic", "household_00002"),
]


def observations(scenario: Scenario, learner: str, rounds: int = 20) -> np.ndarray:
    """What somebody sees who acts at random."""
    env = TraderEnv(scenario, learner, rounds=rounds)
    seen, _ = env.reset(seed=5, options={"start": 96 * 3 + 30})
    rng = np.random.default_rng(0)
    rows = [seen]
    for _ in range(rounds):
        action = rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        rows.append(env.step(action)[0])
    return np.stack(rows)


@pytest.mark.parametrize(("name", "learner"), CASES)
def test_observations_are_read_back_exactly(name: str, learner: str) -> None:
    # without forecast errors the forecasts are the profiles, whatever they were divided by
    found = replace(scenario(name), forecasts=Forecasts(0, 0, 0))
    scales, n, now = Scales.of(found, learner), found.index(learner), 96 * 3 + 30
    env = TraderEnv(found, learner, rounds=96)
    seen = Observed(env.reset(seed=1, options={"start": now})[0], scales)
    at = np.array([now + lead for lead in LEADS])
    leads = np.array(LEADS, float)
    for field, truth in (
        ("load", found.load[at, n] / 1000),
        ("pv", found.pv[at, n] / 1000),
        ("heat", found.heat[at, n] / 1000),
        ("temperature", found.temperature[at] / 10),
        ("retail", found.tariffs[at, 0, 0] / 1e6),
        ("district", (found.load - found.pv)[at].sum(axis=1) / 1000),
    ):
        np.testing.assert_allclose(seen.ahead(field, leads), truth, rtol=1e-6, atol=1e-3)
    heat_retail, feed_in = found.tariffs[now, 1, 0] / 1e6, found.tariffs[now, 0, 1] / 1e6
    assert seen.price("heat_retail", Commodity.HEAT) == pytest.approx(heat_retail)
    assert seen.price("feed_in", Commodity.ELECTRICITY) == pytest.approx(feed_in)
    half = seen.ahead("load", np.array([12.0]))
    assert half[0] == pytest.approx(seen.ahead("load", np.array([8.0, 16.0])).mean())


@pytest.mark.parametrize(("name", "learner"), CASES)
def test_outlook_is_the_day_ahead_and_the_stores_as_they_stand(name: str, learner: str) -> None:
    found = scenario(name)
    policy = RollingHorizon(found, learner)
    env = TraderEnv(found, learner, rounds=96)
    told = policy.outlook(Observed(env.reset(seed=1)[0], Scales.of(found, learner)))
    devices, n = env.episodes.simulation.devices, found.index(learner)
    assert sum(STEPS) == 96
    assert told.net.shape == (len(STEPS),)
    assert told.battery == pytest.approx(devices.battery_soc[0, n] / 1e6)
    assert told.store == pytest.approx(devices.store_soc[0, n] / 1e6)
    assert (told.sell <= told.buy).all()
    own = found.members[n]
    assert (told.cop == 1).all() if own.heat_pump is None else (told.cop > 1).all()


@pytest.mark.parametrize(("name", "learner"), CASES)
def test_acts_in_the_learners_action_space(name: str, learner: str) -> None:
    found = scenario(name)
    policy = RollingHorizon(found, learner)
    env = TraderEnv(found, learner)
    assert policy.actions == env.action_names
    rows = observations(found, learner)
    chosen = policy.predict(rows)
    assert chosen.dtype == np.float32
    assert chosen.shape == (len(rows), *env.action_space.shape)
    assert (np.abs(chosen) <= 1).all()
    assert np.ptp(chosen, axis=0).max() > 0, "it does the same whatever it sees"


@pytest.mark.parametrize("learner", ["all", "bare_pump", "tank", "plant"])
def test_any_set_of_devices(learner: str) -> None:
    found = district(3, days=4)
    policy = RollingHorizon(found, learner)
    chosen = policy.predict(observations(found, learner, 8))
    assert chosen.shape == (9, len(TraderEnv(found, learner).action_names))
    assert (np.abs(chosen) <= 1).all()


def test_devices_of_size_nothing() -> None:
    members = (
        Member(
            Organization("empty"),
            Battery(0, 0, 0),
            HeatPump(electric_kw=0),
            ThermalStore(0, 0, 0),
            Boiler(0),
            CHP(0, 0.3, 0.6),
        ),
        Member(Organization("utility", priority=1)),
    )
    found = district(3, days=4, members=members)
    policy = RollingHorizon(found, "empty")
    assert policy.actions == TraderEnv(found, "empty").action_names
    assert (policy.predict(observations(found, "empty", 3)) == 0).all()


def test_keeps_nothing_between_calls() -> None:
    found = scenario("rural")
    rows = observations(found, "building_03")
    policy = RollingHorizon(found, "building_03")
    together = policy.predict(rows)
    np.testing.assert_array_equal(policy.predict(rows[::-1])[::-1], together)
    one_by_one = [RollingHorizon(found, "building_03").predict(row) for row in rows]
    np.testing.assert_array_equal(np.stack(one_by_one), together)


def test_sees_nothing_but_the_observation() -> None:
    found = scenario("rural")
    rows = observations(found, "building_03")
    # the same largest values, so the same scales, on other days
    other = replace(found, **{
        name: np.ascontiguousarray(np.roll(getattr(found, name), 5_000, axis=0))
        for name in ("load", "pv", "heat", "temperature")
    })  # fmt: skip
    same = RollingHorizon(found, "building_03").predict(rows)
    np.testing.assert_array_equal(RollingHorizon(other, "building_03").predict(rows), same)


def test_pays_on_unseen_weeks() -> None:
    rural = scenario("rural", tariff="time_of_use")
    these = cells(rural, "validation", most=2)
    policy = RollingHorizon(rural, "building_03")
    mine = score_learned(policy, rural, "building_03", these, actions=policy.actions)["score"]
    for trader in ("no_flexibility", "truthful", "price_threshold"):
        theirs = score_scripted(trader, rural, "building_03", these)["score"]
        assert (mine > theirs).all(), trader


def test_buys_cheap_and_sells_dear() -> None:
    rural = scenario("rural", tariff="time_of_use")
    policy = RollingHorizon(rural, "building_03")
    lever = policy.actions.index("battery")
    row = observations(rural, "building_03")[0]
    highest = rural.tariffs[:, 0, 0].max() / 1e6
    row[AT["price_low"]], row[AT["price_high"]] = 0.1 / highest, 0.4 / highest
    row[AT["battery_level"]] = 0.5
    for price, wanted in ((0.09, 1), (0.44, -1)):
        row[AT["last_price"]] = price / highest
        assert policy.predict(row)[lever] == wanted


@pytest.mark.parametrize(
    ("obs", "says"),
    [(np.zeros(5), r"got \(5,\)"), (np.full(77, np.nan), "finite"), (np.zeros((1, 1, 77)), "got")],
)
def test_wrong_observations_are_told(obs: np.ndarray, says: str) -> None:
    with pytest.raises(InputError, match=says):
        RollingHorizon(scenario("rural"), "building_03").predict(obs)


def test_mistakes_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    rural = scenario("rural")
    with pytest.raises(InputError, match="nothing to decide"):
        RollingHorizon(rural, "building_01")
    with pytest.raises(UnknownNameError, match="heat_plant"):
        RollingHorizon(rural, "heat_plnt")
    monkeypatch.setitem(sys.modules, "highspy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'decent-gym\[optimal\]'"):
        RollingHorizon(rural, "building_03")
