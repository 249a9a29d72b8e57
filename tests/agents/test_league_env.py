"""The league: who learns in which row, and that the others do what they are said to do."""

import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

import decent_gym
from agents.league_env import LeagueVecEnv, one_hot
from agents.sb3_env import TraderVecEnv
from decent_gym.errors import InputError

SCENARIO = decent_gym.scenario("synthetic", organizations=8, days=14)
MEMBERS = [m.name for m in SCENARIO.members if m.flexible]
OPTIONS = {"members": MEMBERS, "scenario": SCENARIO, "rounds": 6}


class Constant:
    """Always the same action."""

    def __init__(self, level: float) -> None:
        self.level = level
        self.rows = 0

    def predict(self, obs):
        self.rows += len(obs)
        return np.full((len(obs), 10), self.level, np.float32)


def random_actions(env, steps, seed=0):
    shape = (steps, env.num_envs, *env.action_space.shape)
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def wide(league, observations):
    """What the environment shows, and who looks."""
    return np.concatenate([observations, one_hot(league.learner_names, MEMBERS)], axis=1)


def compare(league, left, right):
    assert np.array_equal(left[0], wide(league, right[0]))
    for a, b in zip(left[1:3], right[1:3], strict=True):
        assert np.array_equal(a, b)
    assert [i.get("score") for i in left[3]] == [i.get("score") for i in right[3]]
    for at, (mine, theirs) in enumerate(zip(left[3], right[3], strict=True)):
        if mine:
            who = one_hot([league.learner_names[at]], MEMBERS)[0]
            last = np.append(theirs["terminal_observation"], who)
            assert np.array_equal(mine["terminal_observation"], last)


def test_scripted_worlds_are_the_single_environment_of_each_member():
    league = LeagueVecEnv(scripted=7, **OPTIONS)
    plain = TraderVecEnv(7, learner=(MEMBERS * 2)[:7], scenario=SCENARIO, rounds=6)
    assert league.learner_names == tuple((MEMBERS * 2)[:7])
    assert league.action_names == plain.core.action_names
    league.seed(3)
    plain.seed(3)
    assert np.array_equal(league.reset(), wide(league, plain.reset()))
    for actions in random_actions(league, 8):
        compare(league, league.step(actions), plain.step(actions))


def test_mirror_worlds_are_everybody_learning_at_once():
    league = LeagueVecEnv(mirror=2, **OPTIONS)
    plain = TraderVecEnv(2 * len(MEMBERS), learners=MEMBERS, scenario=SCENARIO, rounds=6)
    league.seed(3)
    plain.seed(3)
    assert np.array_equal(league.reset(), wide(league, plain.reset()))
    for actions in random_actions(league, 8):
        compare(league, league.step(actions), plain.step(actions))


def test_frozen_worlds_are_mirror_worlds_in_which_the_others_do_as_their_opponent():
    league = LeagueVecEnv(frozen=3, focal=MEMBERS[1:3], **OPTIONS)
    plain = TraderVecEnv(3 * len(MEMBERS), learners=MEMBERS, scenario=SCENARIO, rounds=6)
    assert league.learner_names == (MEMBERS[1], MEMBERS[2], MEMBERS[1])
    rows = [1, 5 + 2, 10 + 1]
    opponent = Constant(0.25)
    league.opponents = [opponent]
    league.seed(8)
    plain.seed(8)
    assert np.array_equal(league.reset(), wide(league, plain.reset()[rows]))
    for actions in random_actions(league, 8):
        whole = np.full((15, actions.shape[1]), 0.25, np.float32)
        whole[rows] = actions
        seen, rewards, ends, infos = plain.step(whole)
        compare(league, league.step(actions), (seen[rows], rewards[rows], ends[rows],
                                       [infos[row] for row in rows]))  # fmt: skip
    assert opponent.rows == 12 * 8


def test_opponents_are_drawn_anew_for_every_episode():
    league = LeagueVecEnv(frozen=40, focal=MEMBERS[:1], **OPTIONS)
    league.opponents = [Constant(0.0), Constant(1.0)]
    league.reset()
    drawn = [part.opponents.copy() for part in league._parts]
    assert len(set(map(id, drawn[0]))) == 2
    for actions in random_actions(league, 5):
        league.step(actions)
    assert league._parts[0].opponents == drawn[0]
    league.opponents = [Constant(0.5)]
    league.step(actions)
    assert set(league._parts[0].opponents) == set(league.opponents)


def test_a_mixed_league_learns():
    league = LeagueVecEnv(scripted=2, frozen=2, mirror=1, **OPTIONS)
    league.opponents = [Constant(0.0)]
    assert league.num_envs == 2 + 2 + len(MEMBERS)
    model = PPO("MlpPolicy", VecNormalize(league), n_steps=8, batch_size=24, seed=1, device="cpu")
    model.learn(144)
    assert model.num_timesteps == 144


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="needs worlds"):
        LeagueVecEnv(**OPTIONS)
    with pytest.raises(InputError, match="focal names 'x'"):
        LeagueVecEnv(scripted=1, focal=["x"], **OPTIONS)
    league = LeagueVecEnv(mirror=1, **OPTIONS)
    league.set_options({"start": 96})
    with pytest.raises(InputError, match="no reset options"):
        league.reset()
    with pytest.raises(InputError, match="copy=False is not for"):
        LeagueVecEnv(mirror=1, copy=False, **OPTIONS)
    with pytest.raises(InputError, match="need opponents"):
        LeagueVecEnv(frozen=1, **OPTIONS).reset()
