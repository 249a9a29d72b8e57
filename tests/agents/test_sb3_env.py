"""The batched environment under Stable-Baselines3: the same as its own vector of single ones."""

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import decent_gym
from agents.sb3_env import TraderVecEnv
from decent_gym.errors import InputError

SCENARIO = decent_gym.scenario("synthetic", organizations=8, days=14)
LEARNER = next(member.name for member in SCENARIO.members if member.battery)
OPTIONS = {"scenario": SCENARIO, "learner": LEARNER, "rounds": 10}


def test_it_is_a_vector_of_single_environments():
    batched = TraderVecEnv(4, **OPTIONS)
    singles = DummyVecEnv([lambda: gymnasium.make("decent_gym/Trader-v0", **OPTIONS)] * 4)
    batched.seed(30)
    singles.seed(30)
    assert np.array_equal(batched.reset(), singles.reset())
    assert [info["seed"] for info in batched.reset_infos] == [30, 31, 32, 33]
    random = np.random.default_rng(0)
    for step in range(1, 31):
        action = random.uniform(-1, 1, (4, *batched.action_space.shape)).astype(np.float32)
        left, right = batched.step(action), singles.step(action)
        for a, b in zip(left[:3], right[:3], strict=True):
            assert np.array_equal(a, b)
        assert left[2].all() == (step % 10 == 0)
        for mine, theirs in zip(left[3], right[3], strict=True):
            assert mine.get("TimeLimit.truncated", False) is theirs["TimeLimit.truncated"]
            if mine:
                assert np.array_equal(mine["terminal_observation"], theirs["terminal_observation"])
                assert mine["score"] == theirs["score"]


def test_an_episode_goes_on_with_fresh_seeds_where_none_are_given():
    envs = TraderVecEnv(2, **OPTIONS)
    envs.reset()
    assert len({info["seed"] for info in envs.reset_infos}) == 2


def test_every_organization_of_every_world_may_share_one_policy():
    envs = TraderVecEnv(10, scenario=SCENARIO, learners="all", rounds=4)
    envs.seed(5)
    envs.reset()
    assert [info["seed"] for info in envs.reset_infos] == [5] * 5 + [6] * 5
    learned = VecNormalize(envs)
    model = PPO("MlpPolicy", learned, n_steps=8, batch_size=40, n_epochs=1, seed=1, device="cpu")
    model.learn(160)
    assert model.num_timesteps == 160
    assert len({info["seed"] for info in envs.reset_infos}) == 2
    ends = [envs.step(np.zeros((10, *envs.action_space.shape)))[2] for _ in range(4)]
    assert [end.tolist() for end in ends].count([True] * 10) == 1


def test_ppo_learns_on_it():
    envs = VecNormalize(TraderVecEnv(8, threads=2, **OPTIONS))
    model = PPO("MlpPolicy", envs, n_steps=16, batch_size=64, n_epochs=1, seed=1, device="cpu")
    model.learn(256)
    assert model.num_timesteps == 256
    envs.close()


def test_options_of_single_worlds_are_heard_or_refused():
    envs = TraderVecEnv(3, **OPTIONS)
    envs.set_options([{"start": 0}, {"start": 96}, {"start": 192}])
    envs.reset()
    assert envs.core.variants.batches[0].episodes.simulation.operator.round.tolist() == [0, 96, 192]
    envs.set_options([{"split": "test"}, {"split": "train"}, {"split": "train"}])
    with pytest.raises(InputError, match="may differ in the option start alone"):
        envs.reset()
    with pytest.raises(InputError, match="copy=False is not for"):
        TraderVecEnv(3, copy=False, **OPTIONS)


def test_worlds_share_one_core():
    envs = TraderVecEnv(3, **OPTIONS)
    assert envs.get_attr("learner") == [LEARNER] * 3
    assert envs.env_is_wrapped(gymnasium.Wrapper) == [False] * 3
    with pytest.raises(AttributeError, match="share one core"):
        envs.set_attr("learner", "x")
    with pytest.raises(AttributeError, match="share one core"):
        envs.env_method("reset")
