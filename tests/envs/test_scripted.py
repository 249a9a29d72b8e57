"""``run_scripted``: mistakes are told before anything is run."""

import numpy as np
import pytest
from oracles.districts import district

from decent_gym.envs import run_scripted
from decent_gym.errors import InputError

EPISODES = {"starts": [0, 96], "seeds": [1, 2], "rounds": 4}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"organization": "utility"}, "'utility' is the utility"),
        ({"traders": 5}, "traders must be .* got int 5"),
        ({"starts": [], "seeds": []}, "one entry per episode, got 0 and 0"),
        ({"starts": [0]}, "one entry per episode, got 1 and 2"),
    ],
)
def test_a_mistake_is_told(changed: dict[str, object], says: str) -> None:
    wanted = {"organization": "battery", "trader": "truthful", **EPISODES, **changed}
    with pytest.raises(InputError, match=says):
        run_scripted(district(3), **wanted)


def test_episodes_may_be_arrays() -> None:
    plain = run_scripted(district(3), "battery", "truthful", **EPISODES)
    arrays = {name: np.array(value) for name, value in EPISODES.items() if name != "rounds"}
    same = run_scripted(district(3), "battery", "truthful", **arrays, rounds=4)
    assert np.array_equal(plain["score"], same["score"])
    assert plain["score"].shape == (2,)
