"""VecNormalize and Stable-Baselines3's callbacks on the batched environment."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.callbacks import (
    BaseCallback,
    CheckpointCallback,
    EvalCallback,
    StopTrainingOnMaxEpisodes,
)
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor, VecNormalize

import decent_gym
from agents.sb3_env import TraderVecEnv

SCENARIO = decent_gym.scenario("synthetic", organizations=8, days=14)
LEARNER = next(member.name for member in SCENARIO.members if member.battery)
OPTIONS: dict[str, Any] = {"scenario": SCENARIO, "learner": LEARNER, "rounds": 10}
N = 3


def random_actions(steps: int) -> Any:
    random = np.random.default_rng(0)
    return random.uniform(-1, 1, (steps, N, 2)).astype(np.float32)


def test_it_is_normalised_like_a_vector_of_single_environments() -> None:
    def make() -> Any:
        return gymnasium.make("decent_gym/Trader-v0", **OPTIONS)

    both = [
        VecNormalize(VecMonitor(e)) for e in (TraderVecEnv(N, **OPTIONS), DummyVecEnv([make] * N))
    ]
    for envs in both:
        envs.seed(7)
    first = [envs.reset() for envs in both]
    np.testing.assert_array_equal(*first)
    for action in random_actions(25):
        left, right = (envs.step(action) for envs in both)
        for mine, theirs in zip(left[:3], right[:3], strict=True):
            np.testing.assert_array_equal(mine, theirs)
        for mine, theirs, done in zip(left[3], right[3], left[2], strict=True):
            assert ("terminal_observation" in mine) is bool(done)
            if done:
                np.testing.assert_array_equal(
                    mine["terminal_observation"], theirs["terminal_observation"]
                )
                assert mine["TimeLimit.truncated"]
                assert mine["episode"]["r"] == theirs["episode"]["r"]
                assert mine["episode"]["l"] == 10
    for name in ("obs_rms", "ret_rms"):
        ours, its = (getattr(envs, name) for envs in both)
        np.testing.assert_array_equal(ours.mean, its.mean)
        np.testing.assert_array_equal(ours.var, its.var)


def test_statistics_are_those_of_what_was_seen() -> None:
    envs = VecNormalize(TraderVecEnv(N, **OPTIONS))
    envs.seed(7)
    envs.reset()
    seen = [envs.get_original_obs()]
    for action in random_actions(25):
        envs.step(action)
        seen.append(envs.get_original_obs())
    np.testing.assert_allclose(envs.obs_rms.mean, np.mean(seen, axis=(0, 1)), atol=1e-4)
    np.testing.assert_allclose(envs.obs_rms.var, np.var(seen, axis=(0, 1)), atol=1e-3)
    assert envs.obs_rms.count == pytest.approx(26 * N, abs=1e-3)


def test_the_last_observation_of_an_episode_is_the_old_ones() -> None:
    """Normalised, it is not the first of the next episode, from which nothing may be learnt."""
    envs = VecNormalize(TraderVecEnv(N, **OPTIONS), training=False)
    envs.seed(7)
    envs.reset()
    for action in random_actions(10):
        seen, _, done, infos = envs.step(action)
    assert done.all()
    single = gymnasium.make("decent_gym/Trader-v0", **OPTIONS)
    single.reset(seed=8)
    for action in random_actions(10):
        last, *_ = single.step(action[1])
    np.testing.assert_array_equal(
        infos[1]["terminal_observation"], envs.normalize_obs(np.asarray(last))
    )
    assert not np.array_equal(infos[1]["terminal_observation"], seen[1])


class Bootstrapped(BaseCallback):
    """Keeps rewards as the environment gave them, and infos."""

    def _on_training_start(self) -> None:
        self.given: list[Any] = []

    def _on_step(self) -> bool:
        self.given.append((self.locals["rewards"].copy(), self.locals["infos"]))
        return True


def test_ppo_bootstraps_from_it() -> None:
    envs = VecNormalize(TraderVecEnv(N, **OPTIONS))
    model = PPO("MlpPolicy", envs, n_steps=10, batch_size=10, n_epochs=1, gamma=0.9, seed=1,
                device="cpu")  # fmt: skip
    watch = Bootstrapped()
    buffered = []
    model.train = lambda: buffered.append(model.rollout_buffer.rewards.copy())
    model.learn(10 * N, callback=watch)
    rewards = np.array([given for given, _ in watch.given])
    np.testing.assert_array_equal(buffered[0][:9], rewards[:9])
    last = np.stack([info["terminal_observation"] for info in watch.given[-1][1]])
    value = model.policy.predict_values(model.policy.obs_to_tensor(last)[0]).detach().numpy()
    np.testing.assert_allclose(buffered[0][9], rewards[9] + 0.9 * value[:, 0], rtol=1e-5)
    assert np.abs(value).max() > 1e-3


def test_sac_stores_what_it_saw() -> None:
    envs = VecNormalize(TraderVecEnv(N, **OPTIONS), clip_obs=1e6)
    model = SAC("MlpPolicy", envs, buffer_size=100 * N, learning_starts=1000, seed=1, device="cpu")
    model.learn(25 * N)
    buffer = model.replay_buffer
    assert buffer.size() == 25
    ends = buffer.dones[:25] > 0
    assert (np.flatnonzero(ends[:, 0]) == [9, 19]).all()
    np.testing.assert_array_equal(ends, buffer.timeouts[:25] > 0)
    after, seen = buffer.next_observations[:24], buffer.observations[1:25]
    np.testing.assert_array_equal(after[~ends[:24]], seen[~ends[:24]])
    assert not np.isclose(after[9], seen[9], atol=1e-3).all(axis=1).any()
    np.testing.assert_allclose(buffer.rewards[24], envs.get_original_reward())


def test_callbacks_work(tmp_path: Path) -> None:
    def make(n: int) -> VecNormalize:
        return VecNormalize(VecMonitor(TraderVecEnv(n, **OPTIONS)))

    envs, apart = make(N), make(2)
    apart.training = False
    evaluation = EvalCallback(apart, eval_freq=20, n_eval_episodes=2, verbose=0)
    kept = CheckpointCallback(20, str(tmp_path), save_vecnormalize=True)
    model = PPO("MlpPolicy", envs, n_steps=20, batch_size=20, n_epochs=1, device="cpu")
    model.learn(60 * N, callback=[evaluation, kept, StopTrainingOnMaxEpisodes(4)])
    assert model.num_timesteps == 40 * N - 0 or model.num_timesteps == 20 * N
    assert evaluation.n_calls > 0
    np.testing.assert_array_equal(apart.obs_rms.mean.shape, envs.obs_rms.mean.shape)
    assert np.isfinite(evaluation.last_mean_reward)
    assert list(tmp_path.glob("*vecnormalize*"))
