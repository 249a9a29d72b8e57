"""What is recorded is what the environments give."""

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from offline.recordings import KEYWORDS, Wavering, assert_same, recorded

import decent_gym
from decent_gym.errors import ActionError, InputError, UnknownNameError
from decent_gym.offline import EpisodeSource, collect, content_digest
from decent_gym.offline import collecting as module


def test_an_episode_is_the_single_environments(source: EpisodeSource) -> None:
    env: Any = gymnasium.make(source.origin.environment, **source.origin.keywords()).unwrapped
    assert env.scenario.digest.hex() == source.origin.scenario_digest
    assert env.action_names == source.origin.actions
    for number, episode in enumerate(source):
        seen, info = env.reset(seed=episode.seed)
        assert (episode.seed, episode.start) == (40 + number, info["round"])
        assert np.array_equal(seen, episode.observations[0])
        for step, action in enumerate(episode.actions):
            seen, reward, _, truncated, info = env.step(action)
            assert np.array_equal(seen, episode.observations[step + 1])
            assert reward == episode.rewards[step]
            assert list(info["reward_terms"].values()) == episode.terms[step].tolist()
            assert tuple(info["reward_terms"]) == source.origin.terms
            assert truncated is (step == 5)


def test_episodes_are_the_vector_environments(source: EpisodeSource) -> None:
    episodes = list(source)
    envs = gymnasium.make_vec(
        source.origin.environment,
        num_envs=5,
        vectorization_mode="vector_entry_point",
        **source.origin.keywords(),
    )
    seen, _ = envs.reset(seed=40)
    for step in range(6):
        assert np.array_equal(seen, [e.observations[step] for e in episodes])
        seen, rewards, _, _, infos = envs.step(np.stack([e.actions[step] for e in episodes]))
        assert np.array_equal(rewards, [e.rewards[step] for e in episodes])
    assert np.array_equal(infos["final_obs"], [e.observations[-1] for e in episodes])
    sums = [e.rewards.sum() for e in episodes]
    np.testing.assert_allclose(infos["final_info"]["score"], sums, atol=1e-9)


def test_actions_are_the_policys_clipped(source: EpisodeSource) -> None:
    episodes = list(source)
    for episode in episodes:
        wanted = Wavering().predict(episode.observations[:-1])
        np.testing.assert_array_equal(episode.actions, np.clip(wanted, -1, 1).astype(np.float32))
    assert (np.abs([e.actions for e in episodes]) == 1).any()


@pytest.mark.parametrize("rows", [1, 14, 22])
def test_batches_change_nothing(
    source: EpisodeSource, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", rows)
    assert_same(recorded(), source)


def test_every_iteration_begins_anew(source: EpisodeSource) -> None:
    ran = recorded()
    first, second = iter(ran), iter(ran)
    next(first)
    for mine, other in zip(first, list(second)[1:], strict=True):
        assert np.array_equal(mine.observations, other.observations)
    assert content_digest(ran.origin, ran) == content_digest(source.origin, source)


def test_digest_tells_everything_apart(source: EpisodeSource) -> None:
    digests = {
        content_digest(changed.origin, changed)
        for changed in (
            source,
            recorded(4),
            recorded(seed=41),
            recorded(split="validation"),
            recorded(reward="money"),
            recorded(policy_name="other"),
            recorded(traders="truthful"),
            recorded(traders={"household_00003": "truthful"}),
        )
    }
    assert len(digests) == 8


@pytest.mark.parametrize("name", ["seed", "start", "observations", "actions", "rewards", "terms"])
def test_digest_sees_every_number(source: EpisodeSource, name: str) -> None:
    first, *others = source
    changed = replace(first, **{name: getattr(first, name) + 1})
    digest = content_digest(source.origin, [changed, *others])
    assert digest != content_digest(source.origin, source)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"scenario": "sinthetic"}, UnknownNameError, "synthetic"),
        ({"learner": "houshold_00001"}, UnknownNameError, "household_00001"),
        ({"dais": 3}, UnknownNameError, "days"),
        ({"split": "trian"}, UnknownNameError, "train"),
        ({"reward": "scores"}, UnknownNameError, "score"),
        ({"episodes": 0}, InputError, "episodes"),
        ({"episodes": 2.0}, InputError, "episodes"),
        ({"rounds": 0}, InputError, "rounds"),
        ({"seed": -1}, InputError, "seed"),
        ({"seed": 2**63 - 2}, InputError, "seed"),
    ],
)
def test_mistakes_are_named_at_once(change: dict[str, Any], error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        collect(Wavering(), **{"episodes": 2, **KEYWORDS, **change})


@pytest.mark.parametrize(
    "chosen", [np.full((3, 2), np.nan), np.zeros((3, 3)), np.array([["a", "b"]] * 3)]
)
def test_a_policy_must_act_in_numbers(chosen: Any) -> None:
    class Odd:
        def predict(self, obs: Any) -> Any:
            return chosen

    with pytest.raises(ActionError, match="household_00001"):
        list(collect(Odd(), episodes=3, **KEYWORDS))


class Counting:
    """Acts by how often it was asked since it was reset."""

    def __init__(self) -> None:
        self.asked = 0

    def reset(self) -> None:
        self.asked = 0

    def predict(self, obs: np.ndarray) -> np.ndarray:
        self.asked += 1
        return np.full((len(obs), 2), min(self.asked / 100, 1.0), np.float32)


def test_a_policy_that_remembers_begins_anew_with_every_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 20)
    scenario = decent_gym.scenario("synthetic", organizations=5, days=14)
    source = collect(Counting(), scenario, "household_00001", episodes=7, rounds=6)
    for _ in range(2):  # and with every iteration
        for episode in source:
            assert np.allclose(episode.actions[:, 0], np.arange(1, 7) / 100)
