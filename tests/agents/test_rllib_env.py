"""RLlib's face is the parallel one, scaled; `make ray-smoke` runs this."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="RLlib has an environment of its own: make ray-smoke")

from ray.rllib.env.env_context import EnvContext

import decent_gym
from agents.rllib_env import (
    LEAST_VARIANCE,
    RUNNERS_APART,
    TraderMultiAgentEnv,
    action_names,
    measure,
)

DISTRICT: dict[str, Any] = {"scenario": "synthetic", "options": {"organizations": 5, "days": 28}}
NAMES = ("household_00001", "household_00002", "heat_plant_0001")
WIDTH = len(decent_gym.observation_fields())


def parallel(**more: Any) -> Any:
    return decent_gym.parallel_env(scenario="synthetic", **DISTRICT["options"], **more)


def env_of(mean: float = 0.0, worker_index: int = 0, clip: float = 10.0) -> TraderMultiAgentEnv:
    statistics = dict.fromkeys(NAMES, (np.full(WIDTH, mean), np.full(WIDTH, 0.25)))
    config = {**DISTRICT, "learners": NAMES, "rounds": 4, "statistics": statistics, "clip": clip,
              "epsilon": 1e-8}  # fmt: skip
    return TraderMultiAgentEnv(EnvContext(config, worker_index=worker_index))


def test_it_is_the_parallel_environment_scaled() -> None:
    env, plain = env_of(mean=0.5), parallel(rounds=4)
    assert env.possible_agents == plain.possible_agents == list(NAMES)
    seen, _ = env.reset(seed=7)
    raw, _ = plain.reset(seed=7)
    random = np.random.default_rng(0)
    for step in range(4):
        for name in NAMES:
            wanted = np.clip((raw[name] - 0.5) / 0.5, -10, 10)
            np.testing.assert_allclose(seen[name], wanted, rtol=0, atol=1e-5)
            assert seen[name].dtype == np.float32
        actions = {n: random.uniform(-1, 1, env.get_action_space(n).shape) for n in NAMES}
        seen, rewards, terminated, truncated, infos = env.step(actions)
        raw, wanted_rewards, *_ = plain.step(actions)
        assert rewards == wanted_rewards
        assert not any(terminated.values())
        assert truncated == {**dict.fromkeys(NAMES, step == 3), "__all__": step == 3}
        assert infos == {}
    env.close()


def test_scaled_observations_are_clipped() -> None:
    seen, _ = env_of(mean=50.0, clip=3.0).reset(seed=1)
    assert all((x == -3).all() for x in seen.values())


def test_every_world_of_every_runner_has_its_own_days() -> None:
    """RLlib gives world i of runner k the seed k + i."""
    seeds = set()
    for runner in (1, 2):
        for world in range(3):
            env = env_of(worker_index=runner)
            env.reset(seed=100 + runner + world)
            seeds.add(int(env.market.episodes.simulation.seeds[0]))
            seen = env.market.episodes.next_seeds(0, 1)
            env.reset()
            assert [int(env.market.episodes.simulation.seeds[0])] == seen
    assert len(seeds) == 6
    assert min(seeds) == 100 + 1 + RUNNERS_APART


def test_names_of_actions() -> None:
    district = decent_gym.scenario("synthetic", **DISTRICT["options"])
    assert action_names(district, NAMES[0]) == ("battery", "battery_limit")


def test_measured_statistics_are_those_of_what_was_seen() -> None:
    env = parallel(rounds=16)
    rows: dict[str, list[Any]] = {name: [] for name in NAMES}
    original = env.step

    def step(actions: Any) -> Any:
        for name, x in latest.items():
            rows[name].append(x)
        out = original(actions)
        latest.update(out[0])
        return out

    latest: dict[str, Any] = {}
    reset = env.reset
    env.reset = lambda **k: (latest.clear(), latest.update((out := reset(**k))[0]), out)[2]
    env.step = step
    policies = {NAMES[0]: "home", NAMES[1]: "home", NAMES[2]: "plant"}
    found = measure(env, policies, rounds=40, seed=3)
    assert len(rows[NAMES[0]]) == 48, "whole episodes"
    home = np.array(rows[NAMES[0]] + rows[NAMES[1]], np.float64)
    plant = np.array(rows[NAMES[2]], np.float64)
    for name, values in ((NAMES[0], home), (NAMES[1], home), (NAMES[2], plant)):
        mean, variance = found[name]
        np.testing.assert_allclose(mean, values.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(variance, np.maximum(values.var(axis=0), LEAST_VARIANCE))
        assert (variance >= LEAST_VARIANCE).all()
        assert (variance > LEAST_VARIANCE).sum() > 10
    again = measure(parallel(rounds=16), policies, rounds=40, seed=3)
    assert all((again[n][k] == found[n][k]).all() for n in NAMES for k in (0, 1))
