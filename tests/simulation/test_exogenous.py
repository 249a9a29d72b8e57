"""Profiles of the open round, remembered prices, and seeds."""

import numpy as np
import pytest
from oracles.districts import district

from decent_gym.errors import InputError
from decent_gym.scenarios import scenario
from decent_gym.simulation import Simulation
from decent_gym.simulation.exogenous import remember_prices
from decent_gym.simulation.keys import SEED_CAP, checked_seed, drawn_start, episode_key, next_seed


def test_profiles_are_those_of_the_round_and_begin_again_at_their_end() -> None:
    sim = Simulation(district(1), worlds=2)
    sim.reset([1, 2], [190, 0])
    for step in range(4):
        for w, t in enumerate(((190 + step) % 192, step)):
            for name in ("load", "pv"):
                assert np.array_equal(getattr(sim, name)[w], getattr(sim.scenario, name)[t])
            assert np.array_equal(sim.flows.heat_demand[w], sim.scenario.heat[t])
            assert np.array_equal(sim.operator.tariffs[w], sim.scenario.tariffs[t])
            pump = sim.scenario.index("pump")
            member = sim.scenario.members[pump]
            assert sim.flows.cop[w, pump] == member.heat_pump.cop(sim.scenario.temperature)[t]
        sim.step()


@pytest.mark.parametrize("high", [1, 5, 300_000])
def test_remembered_prices_are_the_means_of_the_cheapest_and_dearest_three_hours(
    high: int,
) -> None:
    rng = np.random.default_rng(high)
    history = rng.integers(-high, high, (2, 2, 96))
    rings = [[history[w, c].tolist() for c in range(2)] for w in range(2)]
    ranked = np.sort(history, axis=-1)
    last_price = history[:, :, 9].copy()
    low, upper, seen_low, seen_upper = np.full((4, 2, 2), -7, np.int64)
    for t in range(10, 300):
        now = np.array([t, t + 3], np.int64)
        volume, price = rng.integers(0, 3, (2, 2)), rng.integers(-high, high, (2, 2))
        before = last_price.copy()
        remember_prices(
            0, 2, now, volume, price, history, ranked, last_price, low, upper, seen_low, seen_upper
        )
        assert np.array_equal(ranked, np.sort(history, axis=-1))
        for w, c in np.ndindex(2, 2):
            shown = price[w, c] if volume[w, c] else before[w, c]
            assert last_price[w, c] == shown
            ring = rings[w][c]
            ring[now[w] % 96] = int(shown)
            assert low[w, c] == sum(sorted(ring)[:12]) // 12
            assert upper[w, c] == sum(sorted(ring)[-12:]) // 12
        # traders are shown heat's; electricity's come from the tariffs
        assert np.array_equal(seen_low[:, 1], low[:, 1])
        assert np.array_equal(seen_upper[:, 1], upper[:, 1])
        assert (seen_low[:, 0] == -7).all() and (seen_upper[:, 0] == -7).all()


def test_traders_forecast_the_coming_day_from_its_tariffs() -> None:
    sim = Simulation(scenario("rural", tariff="time_of_use"))
    for start in (0, 50, 35_100):
        sim.reset([1], [start])
        for t in range(start, start + 3):
            day = [sim.scenario.tariffs[k % 35_136, 0] for k in range(t, t + 96)]
            assert sim.view.price_low[0, 0] == min(row[1] for row in day)
            assert sim.view.price_high[0, 0] == max(row[0] for row in day)
            sim.step()


def test_seeds_are_checked() -> None:
    assert checked_seed(0) == 0
    assert checked_seed(np.int64(SEED_CAP)) == SEED_CAP
    for bad in (-1, 2**63, 1.0, "1", True, None):
        with pytest.raises(InputError, match="seed"):
            checked_seed(bad)


def test_keys_and_seeds_that_follow_differ() -> None:
    seeds = range(3_000)
    assert len({episode_key(seed) for seed in seeds}) == 3_000
    assert all(-(2**63) <= episode_key(seed) < 2**63 for seed in seeds)
    seen, seed = set(), 0
    for _ in range(3_000):
        seed = next_seed(seed)
        assert checked_seed(seed) == seed
        seen.add(seed)
    assert len(seen) == 3_000


def test_starts_are_drawn_evenly() -> None:
    starts = np.arange(0, 9_600, 960)
    drawn = np.bincount([drawn_start(seed, starts) // 960 for seed in range(5_000)], minlength=10)
    assert (np.abs(drawn - 500) < 90).all()
