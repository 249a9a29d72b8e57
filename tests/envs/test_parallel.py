"""The parallel face: PettingZoo's own checks, and the same head as the single face."""

import gymnasium
import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

import decent_gym
from decent_gym.errors import ActionError, InputError, RoundOrderError, UnknownNameError
from decent_gym.ledger import verify
from decent_gym.replay import replay


def test_pettingzoo_accepts_it():
    parallel_api_test(decent_gym.parallel_env(scenario="rural", rounds=12), num_cycles=40)
    parallel_seed_test(lambda: decent_gym.parallel_env(scenario="rural", rounds=12), 12)


def test_all_flexible_organizations_are_agents_by_default():
    env = decent_gym.parallel_env()
    assert env.possible_agents[0] == "building_02"
    assert "heat_plant" in env.possible_agents and "building_01" not in env.possible_agents
    assert {env.action_space(name).shape for name in env.possible_agents} == {(2,), (6,), (4,)}


def test_one_agent_alone_is_the_single_environment():
    options = {"scenario": "rural", "rounds": 20, "ledger": "memory"}
    many = decent_gym.parallel_env(learners=["building_04"], **options)
    one = gymnasium.make("decent_gym/Trader-v0", learner="building_04", **options).unwrapped
    left, infos = many.reset(seed=11)
    right, info = one.reset(seed=11)
    assert infos["building_04"]["seed"] == info["seed"]
    random = np.random.default_rng(0)
    for _ in range(20):
        assert np.array_equal(left["building_04"], right)
        action = random.uniform(-1, 1, 6)
        left, rewards, ended, truncated, infos = many.step({"building_04": action})
        right, reward, _, over, info = one.step(action)
        assert rewards["building_04"] == reward
        assert truncated["building_04"] is over and ended["building_04"] is False
    assert infos["building_04"]["score"] == info["score"]
    assert many.head == one.head
    assert many.agents == []
    with pytest.raises(RoundOrderError, match="reset"):
        many.step({})


def test_what_many_agents_did_is_recorded_verified_and_replayed(tmp_path):
    env = decent_gym.parallel_env(rounds=16, ledger=tmp_path, tie_rule="random")
    env.reset(seed=3)
    random = np.random.default_rng(1)
    while env.agents:
        env.step({a: random.uniform(-1, 1, env.action_space(a).shape) for a in env.agents})
    env.close()
    assert verify(tmp_path / "episode-000000").ok
    assert replay(tmp_path / "episode-000000").ok


def test_bad_input_is_named():
    env = decent_gym.parallel_env(learners=["building_02", "building_08"], rounds=4)
    env.reset(seed=1)
    good = {name: np.zeros(env.action_space(name).shape) for name in env.agents}
    with pytest.raises(ActionError, match="missing: building_08"):
        env.step({"building_02": good["building_02"]})
    with pytest.raises(UnknownNameError, match="did you mean 'building_0"):
        env.step({**good, "building_0": good["building_02"]})
    with pytest.raises(ActionError, match=r"building_08.*battery must be in"):
        env.step({**good, "building_08": [2, 0]})
    assert env.episodes.elapsed[0] == 0
    for learners in ("building_02", [], ["building_02", "building_02"]):
        with pytest.raises(InputError, match="learners must be different organizations"):
            decent_gym.parallel_env(learners=learners)
    with pytest.raises(UnknownNameError, match="did you mean 'start'"):
        env.reset(options={"strat": 5})
    with pytest.raises(UnknownNameError, match="did you mean 'learners'"):
        decent_gym.parallel_env(learner=["building_02"])
    with pytest.raises(InputError, match=r"building_01.*nothing to decide"):
        decent_gym.parallel_env(learners=["building_01"])


def test_a_taken_folder_stops_a_reset_before_anything_changes(tmp_path):
    (tmp_path / "episode-000001").write_text("somebody else's")
    env = decent_gym.parallel_env(rounds=16, ledger=tmp_path)
    env.reset(seed=3)
    now, head = env.episodes.simulation.operator.round.copy(), env.head
    with pytest.raises(InputError, match="episode-000001 is taken"):
        env.reset(seed=4)
    assert np.array_equal(now, env.episodes.simulation.operator.round) and env.head == head
    env.close()
