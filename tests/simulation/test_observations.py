"""Every entry of the observation, calculated again."""

import numpy as np
import pytest
from oracles.districts import DAY, TARIFFS, district
from oracles.simulation import observation

from decent_gym import SCENARIOS, observation_fields
from decent_gym.simulation import Episodes, Simulation
from decent_gym.simulation.observations import BOUND, calendar

FIELDS = observation_fields()
NAMES = [field.name for field in FIELDS]
LEARNERS = ["all", "battery", "pump", "plant", "tank", "bare_pump"]


def changing_tariffs(rounds: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    tariffs = np.tile(np.array(TARIFFS, np.int64), (rounds, 1, 1))
    tariffs[:, 0, 0] -= rng.integers(0, 200_000, rounds)
    tariffs[:, 0, 1] -= rng.integers(0, 100_000, rounds)  # below zero now and then
    tariffs[:, 0, 3] -= 100_000
    tariffs[:, 1, 0] -= rng.integers(0, 50_000, rounds)
    return tariffs


def test_fields_are_named_and_described() -> None:
    assert len(NAMES) == len(set(NAMES)) == 77
    for field in FIELDS:
        assert field.name.isidentifier()
        assert -BOUND <= field.low < field.high <= BOUND
        assert field.unit
        assert field.meaning


@pytest.mark.parametrize(("seed", "start"), [(0, 0), (1, 100), (2, 140)])
def test_every_entry_is_what_its_name_says(seed: int, start: int) -> None:
    """Also across the end of the profiles: round 192 is round 0 again."""
    scenario = district(seed, tariffs=changing_tariffs(2 * DAY))
    sim = Simulation(scenario, worlds=2, learners=LEARNERS)
    sim.reset([seed, seed + 9], [start, start + 1])
    rng = np.random.default_rng(seed)
    prices = [[_first_day(scenario, c, start + w) for c in range(2)] for w in range(2)]
    out = np.full(sim.observation_shape(), np.nan, np.float32)
    for _ in range(100):
        sim.observe(out)
        for w in range(2):
            for k, name in enumerate(LEARNERS):
                expected = observation(sim, w, scenario.index(name), prices[w])
                assert set(expected) == set(NAMES)
                for i, field in enumerate(NAMES):
                    # temperatures and forecasts are rounded to table entries and tenths
                    slack = 0.012 if field[-1].isdigit() else 2e-6
                    assert out[w, k, i] == pytest.approx(expected[field], abs=slack), field
        sim.actions[:] = rng.integers(-(10**6), 10**6 + 1, sim.actions.shape)
        closed = sim.operator.round.copy()
        sim.step()
        for w in range(2):
            for c in range(2):
                day = prices[w][c]
                if sim.operator.by_world.volume[w, c] > 0:
                    day["last"] = int(sim.operator.by_world.price[w, c])
                day["ring"][closed[w] % 96] = day["last"]


def _first_day(scenario: object, c: int, start: int) -> dict[str, object]:
    """What is expected before the first round: between the tariffs, heat at fuel cost."""
    retail, feed_in = (int(x) for x in scenario.tariffs[start, c, :2])
    if c == 0:
        return {"ring": [(retail + feed_in) // 2] * 96, "last": (retail + feed_in) // 2}
    fuel = min(max(scenario.prices.fuel, feed_in), retail)
    return {"ring": [fuel] * 96, "last": fuel}


def test_levels_and_calendar_stay_in_their_bounds_and_all_is_finite() -> None:
    scenario = district(3)
    episodes = Episodes(scenario, LEARNERS, rounds=192)
    episodes.reset([0])
    rng = np.random.default_rng(0)
    hard = [
        i for i, f in enumerate(FIELDS) if f.unit == "capacity" or f.name[-4:] in ("_sin", "_cos")
    ]
    assert len(hard) == 8
    for _ in range(192):
        for k, levers in enumerate(episodes.levers):
            episodes.act(k, rng.choice([-1.0, 1.0], len(levers)))
        episodes.step()
        seen = episodes.observations
        assert seen.dtype == np.float32
        assert seen.shape == (1, len(LEARNERS), 77)
        assert np.isfinite(seen).all()
        assert np.abs(seen[..., hard]).max() <= 1
        assert np.abs(seen).max() < BOUND


def test_absurd_tariffs_are_cut_off_at_the_bound() -> None:
    tariffs = np.tile(np.array(TARIFFS, np.int64), (192, 1, 1))
    tariffs[:, 0, 1], tariffs[:, 0, 3] = -50_000_000, -60_000_000
    episodes = Episodes(district(3, tariffs=tariffs), ["battery"])
    episodes.reset([0])
    assert episodes.observations[0, 0, NAMES.index("feed_in")] == -BOUND
    assert np.abs(episodes.observations).max() == BOUND


@pytest.mark.parametrize(
    ("start", "weekday"),
    [
        (1_709_510_400, 0),  # Monday 2024-03-04 00:00 UTC
        (1_451_602_800, 4),  # Friday 2016-01-01 00:00 in Berlin
        (1_704_085_200, 0),  # Monday 2024-01-01 00:00 in New York
        (1_704_070_800 - 8 * 3600, 0),  # Monday 2024-01-01 00:00 in Tokyo
    ],
)
def test_the_week_begins_on_monday(start: int, weekday: int) -> None:
    table = calendar(start, 96)
    assert table.shape == (96, 6)
    angle = np.arctan2(table[0, 2], table[0, 3]) / (2 * np.pi) % 1
    assert angle * 7 == pytest.approx(weekday, abs=1e-5)
    assert table[0, :2].tolist() == [0, 1]
    assert table[24, :2] == pytest.approx([1, 0], abs=1e-6)  # six in the morning


@pytest.mark.parametrize("tariff", ["flat", "time_of_use"])
def test_usual_ranges_hold_on_real_data(tariff: str) -> None:
    """A day of every second week, with everybody who has a device learning at random."""
    scenario = SCENARIOS["rural"](tariff=tariff)
    names = [m.name for m in scenario.members if m.flexible]
    weeks = np.arange(0, 52, 2)
    episodes = Episodes(scenario, names, worlds=len(weeks), rounds=96)
    sim = episodes.simulation
    sim.reset(weeks, weeks * 7 * DAY + weeks % 7 * DAY)
    episodes.elapsed[:] = 0
    rng = np.random.default_rng(0)
    low, high = np.full(77, np.inf), np.full(77, -np.inf)
    outside = np.zeros(77)
    usual = np.array([[f.low, f.high] for f in FIELDS])
    for _ in range(96):
        for k, levers in enumerate(episodes.levers):
            episodes.act(k, rng.uniform(-1, 1, (len(weeks), len(levers))))
        episodes.step()
        seen = episodes.observations.reshape(-1, 77)
        low, high = np.minimum(low, seen.min(axis=0)), np.maximum(high, seen.max(axis=0))
        outside += ((seen < usual[:, 0]) | (seen > usual[:, 1])).mean(axis=0) / 96
    report = dict(zip(NAMES, np.stack([low, high], axis=1).round(3).tolist(), strict=True))
    assert outside.max() < 0.0005, [report[NAMES[i]] for i in np.flatnonzero(outside > 0)]
    assert np.abs([low, high]).max() < 2
    constant = {name for name, (a, b) in report.items() if b - a < 0.05}
    steady = {"feed_in", "heat_retail"}
    if tariff == "flat":
        steady |= {"retail"} | {name for name in NAMES if name.startswith("retail_")}
    assert constant == steady
