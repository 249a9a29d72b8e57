"""``run_scripted``: mistakes are told before anything is run."""

from dataclasses import replace

import numpy as np
import pytest
from oracles.districts import district

from decent_gym.envs import TraderEnv, run_scripted, scripted_prices
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


def test_prices_are_those_that_a_learner_doing_the_same_is_told() -> None:
    found = scripted_prices(district(3), "battery", "no_flexibility", **EPISODES)
    assert found.shape == (2, 4, 2)
    for episode, (start, seed) in enumerate(
        zip(EPISODES["starts"], EPISODES["seeds"], strict=True)
    ):
        env = TraderEnv(district(3), "battery", rounds=4)
        env.reset(seed=seed, options={"start": start})
        for prices in found[episode]:
            told = env.step(np.zeros(2, np.float32))[-1]["price"]
            assert told == {"electricity": prices[0], "heat": prices[1]}


def test_where_nothing_trades_there_is_no_price() -> None:
    members = tuple(m for m in district(3).members if m.name in ("plain", "utility"))
    quiet = district(3, members=members)
    quiet = replace(quiet, **{k: np.zeros_like(quiet.load) for k in ("load", "pv", "heat")})
    found = scripted_prices(quiet, "plain", "truthful", **EPISODES)
    assert np.isnan(found[..., 0]).all()
    assert (found[..., 1] == 0.16).all()  # the network's loss is bought
