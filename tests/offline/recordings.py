"""A few short episodes to write and read."""

from typing import Any

import numpy as np

from decent_gym.offline import EpisodeSource, collect

KEYWORDS: dict[str, Any] = {
    "scenario": "synthetic",
    "learner": "household_00001",
    "rounds": 6,
    "organizations": 5,
    "days": 28,
}


class Wavering:
    """Acts by what it sees alone, mostly within ±1 and now and then beyond."""

    def predict(self, obs: Any) -> Any:
        return 1.2 * np.sin(np.stack([9 * obs.sum(axis=1), 5 * obs[:, 6]], axis=1))


def recorded(episodes: int = 5, **changes: Any) -> EpisodeSource:
    return collect(Wavering(), episodes=episodes, **{"seed": 40, **KEYWORDS, **changes})


def assert_same(first: EpisodeSource, second: EpisodeSource) -> None:
    """Origins and all numbers, to the last bit."""
    assert first.origin == second.origin
    assert len(first) == len(second)
    for mine, other in zip(first, second, strict=True):
        assert (mine.seed, mine.start) == (other.seed, other.start)
        for name in ("observations", "actions", "rewards", "terms"):
            ours, theirs = getattr(mine, name), getattr(other, name)
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
