"""Every mechanism carries an episode: money balances, and the ledger verifies."""

from pathlib import Path

import gymnasium
import numpy as np
import pytest

from decent_gym.clearing import MECHANISMS
from decent_gym.errors import InputError
from decent_gym.ledger import verify

ID = "decent_gym/Trader-v0"


def episode(**options: object) -> tuple[gymnasium.Env, float]:
    env = gymnasium.make(ID, **options)
    env.reset(seed=2)
    env.action_space.seed(2)
    total, over = 0.0, False
    while not over:
        observation, reward, _, over, _ = env.step(env.action_space.sample())
        assert np.isfinite(observation).all()
        total += float(reward)
    return env, total


@pytest.mark.parametrize("mechanism", sorted(MECHANISMS))
def test_an_episode_under_every_mechanism(tmp_path: Path, mechanism: str) -> None:
    options = {"mechanism": mechanism, "utility": "residual", "rounds": 48}
    env, total = episode(**options, ledger=tmp_path)
    operator = env.unwrapped.episodes.simulation.operator
    assert operator.accounts.any() and operator.accounts.sum() == 0
    env.close()
    result = verify(tmp_path / "episode-000000")
    assert result and result.rounds == 48, result
    assert episode(**options)[1] == total


def test_the_members_must_be_alone_where_the_mechanism_says_so() -> None:
    with pytest.raises(InputError, match="write utility='residual'"):
        gymnasium.make(ID, mechanism="mcafee")
    gymnasium.make(ID, mechanism="mcafee", utility=None).reset(seed=0)
    gymnasium.make(ID, mechanism="pay_as_bid").reset(seed=0)
