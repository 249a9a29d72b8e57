"""The vector face: the same numbers as the single one, world by world, whatever the threads."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import decent_gym
from decent_gym.errors import ActionError, InputError, UnknownNameError
from decent_gym.replay import replay

SCENARIO = decent_gym.scenario("synthetic", organizations=8, days=14)
LEARNER = next(m.name for m in SCENARIO.members if m.battery)
OPTIONS = {"scenario": SCENARIO, "learner": LEARNER, "rounds": 12}


def vector(n, **options):
    return gymnasium.make_vec(
        "decent_gym/Trader-v0",
        num_envs=n,
        vectorization_mode="vector_entry_point",
        **{**OPTIONS, **options},
    )


def only(envs):
    """The one batch of an environment whose worlds share a scenario."""
    ((episodes, _),) = envs.variants.batches
    return episodes


def actions(env, steps, seed=0):
    random = np.random.default_rng(seed)
    return random.uniform(-1, 1, (steps, *env.action_space.shape)).astype(np.float32)


def test_every_world_is_the_single_environment_with_its_seed():
    envs = vector(5)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    chosen = actions(envs, 30)
    observations, infos = envs.reset(seed=7)
    singles = [gymnasium.make("decent_gym/Trader-v0", **OPTIONS).unwrapped for _ in range(5)]
    for i, single in enumerate(singles):
        observation, info = single.reset(seed=7 + i)
        assert info["seed"] == infos["seed"][i]
        assert np.array_equal(observation, observations[i])
    for step, action in enumerate(chosen):
        observations, rewards, terminations, truncations, infos = envs.step(action)
        assert not terminations.any()
        assert truncations.all() == truncations.any() == ((step + 1) % 12 == 0)
        for i, single in enumerate(singles):
            observation, reward, _, truncated, info = single.step(action[i])
            assert (reward, truncated) == (rewards[i], truncations[i])
            if truncated:
                assert np.array_equal(observation, infos["final_obs"][i])
                assert info["score"] == infos["final_info"]["score"][i]
                observation, _ = single.reset()
            assert np.array_equal(observation, observations[i])
        assert ("final_obs" in infos) == truncations.any()


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing(threads):
    one, many = vector(7), vector(7, threads=threads)
    chosen = actions(one, 26, seed=1)
    assert np.array_equal(one.reset(seed=3)[0], many.reset(seed=3)[0])
    for action in chosen:
        left, right = one.step(action), many.step(action)
        for a, b in zip(left[:4], right[:4], strict=True):
            assert np.array_equal(a, b)
    many.close()


def test_worlds_that_end_at_different_times_begin_again_alone():
    envs = vector(4).unwrapped
    envs.reset(seed=1)
    only(envs).reset([91, 92], {"start": 0}, 1, 3)
    for _ in range(4):
        envs.step(np.zeros(envs.action_space.shape))
    only(envs).reset([93], None, 2, 3)
    seen = []
    for _ in range(12):
        *_, truncations, _ = envs.step(np.zeros(envs.action_space.shape))
        seen.append(truncations.tolist())
    assert seen[7] == [True, True, False, True]
    assert seen[11] == [False, False, True, False]


def test_a_recorded_world_has_the_head_of_the_single_face(tmp_path):
    envs = vector(3, threads=2, ledger={1: "memory", 2: tmp_path / "two"}).unwrapped
    envs.reset(seed=20)
    chosen = actions(envs, 12, seed=2)
    single = gymnasium.make("decent_gym/Trader-v0", ledger="memory", **OPTIONS).unwrapped
    single.reset(seed=21)
    for action in chosen[:-1]:  # the last step ends the episode, and with it the ledger
        envs.step(action)
        single.step(action[1])
    ledger = only(envs).ledgers[1]
    assert ledger.rounds == 11
    envs.step(chosen[-1])
    single.step(chosen[-1][1])
    assert ledger.rounds == 12
    assert ledger.head == single.head
    envs.close()
    from decent_gym.ledger import verify

    assert verify(tmp_path / "two" / "episode-000000").ok


def test_copying_is_a_choice():
    fresh, shared = vector(2).unwrapped, vector(2, copy=False).unwrapped
    first, _ = fresh.reset(seed=1)
    kept = first.copy()
    fresh.step(np.ones(fresh.action_space.shape))
    assert np.array_equal(first, kept)
    first, _ = shared.reset(seed=1)
    second = shared.step(np.ones(shared.action_space.shape))[0]
    assert np.shares_memory(first, second)


def test_bad_input_is_named_and_changes_nothing():
    envs = vector(3).unwrapped
    envs.reset(seed=1)
    before = only(envs).simulation.totals.copy()
    bad = np.zeros(envs.action_space.shape)
    bad[1, 0] = np.nan
    with pytest.raises(ActionError, match="battery must be in"):
        envs.step(bad)
    with pytest.raises(ActionError, match="shape"):
        envs.step(np.zeros((2, bad.shape[1])))
    assert np.array_equal(before, only(envs).simulation.totals)
    with pytest.raises(InputError, match="seed must be one integer or 3, got 2"):
        envs.reset(seed=[1, 2])
    with pytest.raises(UnknownNameError, match="did you mean 'threads'"):
        vector(2, thread=2)
    with pytest.raises(InputError, match="num_envs"):
        vector(0)
    with pytest.raises(InputError, match="ledger: world"):
        vector(2, ledger={2: "memory"})
    with pytest.raises(InputError, match="single"):
        vector(2, render_mode="ansi")


def test_a_recorded_world_can_be_replayed_and_is_never_overwritten(tmp_path):
    named = {"scenario": "synthetic", "organizations": 8, "days": 14}
    envs = vector(2, ledger={1: tmp_path / "one"}, **named).unwrapped
    envs.reset(seed=20)
    envs.step(np.ones(envs.action_space.shape))
    before = only(envs).simulation.operator.round.copy()
    (tmp_path / "one" / "episode-000001").write_text("somebody's file")
    with pytest.raises(InputError, match="episode-000001 is taken"):
        envs.reset(seed=21)
    for seed in (True, -1, [1, -1]):
        with pytest.raises(InputError, match="seed"):
            envs.reset(seed=seed)
    assert np.array_equal(before, only(envs).simulation.operator.round)
    (tmp_path / "one" / "episode-000001").unlink()
    envs.reset(seed=21)
    envs.step(np.ones(envs.action_space.shape))
    envs.close()
    for episode in ("episode-000000", "episode-000001"):
        again = replay(tmp_path / "one" / episode)
        assert again.ok and again.rounds == 1
    with pytest.raises(InputError, match="mapping of world to path"):
        vector(2, ledger=tmp_path)
