"""Forecast errors: the table is exact, the process is what it says, counters decide everything."""

from decimal import Decimal, getcontext

import numpy as np
import pytest
from oracles.districts import TARIFFS, district
from oracles.simulation import shock

from decent_gym.scenarios import Forecasts
from decent_gym.simulation import Simulation, observation_fields
from decent_gym.simulation.forecast import (
    LEADS,
    TABLE_STEPS,
    UNIT,
    advance_errors,
    begin_errors,
    exp_table,
    forecast_now,
    shock_permille,
)
from decent_gym.simulation.keys import episode_key

NAMES = [field.name for field in observation_fields()]
KEYS = np.array([episode_key(seed) for seed in range(2_000)], np.int64)


def process(
    rounds: int, worlds: int = 2_000, organizations: int = 5, keys: np.ndarray = KEYS
) -> tuple[np.ndarray, np.ndarray]:
    """Errors (rounds, W, N, 2) and weather (rounds, W) in standard deviations."""
    errors = np.zeros((worlds, organizations, 2), np.int64)
    weather, now = np.zeros(worlds, np.int64), np.zeros(worlds, np.int64)
    begin_errors(0, worlds, keys, now, errors, weather)
    seen = [(errors.copy(), weather.copy())]
    for _ in range(rounds - 1):
        now += 1
        advance_errors(0, worlds, keys, now, 900, shock_permille(900), errors, weather)
        seen.append((errors.copy(), weather.copy()))
    return tuple(np.array(part) / UNIT for part in zip(*seen, strict=True))


def test_table_is_the_exponential() -> None:
    getcontext().prec = 40
    table = exp_table()
    assert len(table) == 4 * TABLE_STEPS
    for i, value in enumerate(table.tolist()):
        exact = (Decimal(i - 2 * TABLE_STEPS) / TABLE_STEPS).exp() * 65_536
        assert abs(value - exact) <= 1
    assert table[2 * TABLE_STEPS] == 65_536
    assert (np.diff(table) > 0).all()


def test_unit_is_the_standard_deviation_of_a_shock() -> None:
    assert round((4 * (2**32 - 1) / 12) ** 0.5) == UNIT
    for rho in (0, 500, 900, 999):
        assert abs(rho**2 + shock_permille(rho) ** 2 - 10**6) < 2 * 10**3


def test_shocks_are_those_of_the_counter() -> None:
    errors, weather = np.zeros((4, 3, 2), np.int64), np.zeros(4, np.int64)
    rounds = np.array([0, 5, 35_135, 2**40], np.int64)
    keys = np.array([0, -1, 2**63 - 1, -(2**63)], np.int64)
    begin_errors(0, 4, keys, rounds, errors, weather)
    for w in range(4):
        key, now = int(keys[w]), int(rounds[w])
        assert weather[w] == shock(key, now, 2, 0)
        for n in range(3):
            assert errors[w, n].tolist() == [shock(key, now, k, n) for k in (0, 1)]


def test_errors_are_a_stationary_first_order_process() -> None:
    errors, weather = process(100)
    for series, tolerance in ((errors, 0.03), (weather, 0.07)):  # 20,000 and 2,000 series
        for part in (series[:5], series[-5:]):
            assert abs(part.mean()) < tolerance
            assert part.std() == pytest.approx(1, abs=tolerance)
    flat = errors.reshape(100, -1)
    for lag, tolerance in ((1, 0.01), (5, 0.02), (20, 0.03)):
        assert (flat[lag:] * flat[:-lag]).mean() == pytest.approx(0.9**lag, abs=tolerance)
    assert (weather[1:] * weather[:-1]).mean() == pytest.approx(0.9, abs=0.02)


def test_streams_organizations_and_worlds_are_independent() -> None:
    errors, weather = process(2)
    series = np.concatenate([errors[0].reshape(2_000, -1), weather[0][:, None]], axis=1)
    assert np.abs(np.corrcoef(series, rowvar=False) - np.eye(11)).max() < 0.09
    assert np.abs(np.corrcoef(series[1:, 0], series[:-1, 0])[0, 1]) < 0.09  # seeds in a row


def test_lead_zero_is_off_by_ten_percent_and_nothing_stays_nothing() -> None:
    shape = (2_000, 2)
    errors, weather = np.zeros((*shape, 2), np.int64), np.zeros(2_000, np.int64)
    begin_errors(0, 2_000, KEYS, np.zeros(2_000, np.int64), errors, weather)
    actual = [np.full(shape, 10**6, np.int64) for _ in range(3)]
    for values in actual:
        values[:, 1] = 0
    got = [np.full(shape, -1, np.int64) for _ in range(3)]
    forecast_now(0, 2_000, 100, exp_table(), errors, weather, *actual, *got)
    for forecast in got:
        logs = np.log(forecast[:, 0] / 10**6)
        assert logs.std() == pytest.approx(0.1, rel=0.06)
        assert abs(logs.mean()) < 0.01
        assert not forecast[:, 1].any()
    exact = 10**6 * np.exp(weather / UNIT / 10)
    assert np.abs(got[1][:, 0] / exact - 1).max() < 1.1 / TABLE_STEPS


def test_error_grows_with_lead_and_the_sun_is_shared() -> None:
    rounds, members = 192, 8
    flat = np.full((rounds, members), 10_000, np.int64)
    flat[:, -1] = 0
    night = flat.copy()
    night[:40] = 0
    scenario = district(load=flat, pv=night, heat=flat)
    sim = Simulation(scenario, worlds=600, learners=("battery", "pump"))
    sim.reset(np.arange(600), np.zeros(600, np.int64))
    seen = np.zeros(sim.observation_shape(), np.float32)
    sim.observe(seen)
    own = np.maximum(sim._scale[[0, 1], 0], 1)
    for field in ("load", "heat", "pv"):
        for lead in LEADS:
            values = seen[:, :, NAMES.index(f"{field}_{lead}")]
            if field == "pv" and lead < 40:
                assert not values.any()
                continue
            spread = np.log(values).std(axis=0)
            assert spread == pytest.approx(0.1 + 0.1 * lead / 95, rel=0.12)
    dawn = seen[:, :, NAMES.index("pv_64")] * own
    np.testing.assert_allclose(dawn[:, 0], dawn[:, 1], rtol=1e-5)  # clouds over both alike
    load = seen[:, :, NAMES.index("load_64")] * own
    assert abs(np.corrcoef(np.log(load), rowvar=False)[0, 1]) < 0.15


def test_traders_and_learners_see_the_same_forecast() -> None:
    sim = Simulation(district(2), worlds=3, learners=("pump", "all"))
    sim.reset([1, 2, 3], [0, 30, 60])
    seen = np.zeros(sim.observation_shape(), np.float32)
    for _ in range(20):
        sim.observe(seen)
        for k, n in enumerate(sim.learners[0]):
            for name, c in (("load", 0), ("pv", 0), ("heat", 1)):
                shown = seen[:, k, NAMES.index(f"{name}_0")] * sim._scale[n, c]
                assert np.array_equal(np.rint(shown), getattr(sim.view, name)[:, n])
        sim.step()


def test_a_perfect_forecast_is_the_truth() -> None:
    sim = Simulation(district(forecasts=Forecasts(0, 0, 900)), learners=("pump",))
    sim.reset([3], [0])
    for t in range(100):
        for name in ("load", "pv", "heat"):
            assert np.array_equal(getattr(sim.view, name)[0], getattr(sim.scenario, name)[t])
        sim.step()
    assert TARIFFS[0][0] == sim.operator.tariffs[0, 0, 0]


def test_neither_batch_nor_order_nor_shard_shifts_the_numbers() -> None:
    errors, weather = process(10)
    part, sky = process(10, 50, 3, KEYS[100:150])
    assert np.array_equal(part, errors[:, 100:150, :3])
    assert np.array_equal(sky, weather[:, 100:150])
    back, _ = process(10, keys=KEYS[::-1].copy())
    assert np.array_equal(back[:, ::-1], errors)
    halves = np.full((2_000, 5, 2), 9, np.int64)
    clouds, now = np.full(2_000, 9, np.int64), np.zeros(2_000, np.int64)
    begin_errors(200, 2_000, KEYS, now, halves, clouds)
    assert (halves[:200] == 9).all()
    begin_errors(0, 200, KEYS, now, halves, clouds)
    assert np.array_equal(halves / UNIT, errors[0])
