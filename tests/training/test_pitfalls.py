"""What the pitfalls' page is made of."""

import numpy as np
import pytest

from agents.observed import AT
from agents.storage_rule import StorageRule
from decent_gym.envs import TraderEnv
from decent_gym.scenarios import Scenario, scenario
from training.held_out import Cell, cells, score_learned
from training.pitfalls import (
    Emptying,
    Peeking,
    RollingHorizon,
    end_of_episode,
    price_shares,
    recorded,
)

LEARNER = "household_00001"


@pytest.fixture(scope="module")
def district() -> Scenario:
    return scenario("synthetic", organizations=5)


@pytest.fixture(scope="module")
def these(district: Scenario) -> list[Cell]:
    return cells(district, "test")


def test_without_flexibility_electricity_always_clears_at_a_tariff(district, these) -> None:
    rows = price_shares(district, LEARNER, these)
    assert [row[:2] for row in rows] == [
        ["as the scenario says", "electricity"],
        ["as the scenario says", "heat"],
        ["all no_flexibility", "electricity"],
        ["all no_flexibility", "heat"],
    ]
    retail, feed_in = (int(share.rstrip("%")) for share in rows[2][2:4])
    assert retail + feed_in == pytest.approx(100, abs=1)
    assert retail > 0
    assert feed_in > 0
    assert rows[2][4] == "none"
    assert rows[0][4] != "none"


def test_selling_out_brings_money_and_no_score(district, these) -> None:
    kept, emptied = end_of_episode(district, LEARNER, these)
    assert float(emptied[1]) > float(kept[1])
    assert float(emptied[2]) < float(emptied[1])
    rule = StorageRule.of(district, TraderEnv(district, LEARNER).action_names)
    policy = Emptying(rule)
    obs = np.zeros((1, 77), np.float32)
    obs[0, AT["retail"]] = 1  # above the last price, so the rule charges
    sold = [bool((policy.predict(obs) == -1).all()) for _ in range(96)]
    assert sold[-12:] == [True] * 12
    assert not any(sold[:-12])


def test_peeking_knows_the_prices_of_the_run(district, these) -> None:
    plain = RollingHorizon(district, LEARNER)
    prices = recorded(plain, district, LEARNER, these)
    assert prices.shape == (1, 672, 2)
    assert np.isfinite(prices[..., 0]).all()
    peeking = Peeking(district, LEARNER, prices)
    told = []
    expected = peeking._expected

    def watched(seen):
        told.append(expected(seen))
        return told[-1]

    peeking._expected = watched
    score_learned(peeking, district, LEARNER, these, rounds=4)
    for t, (electricity, _) in enumerate(told):
        assert electricity[:8].tolist() == prices[0, t : t + 8, 0].tolist()
    assert len(told) == 4
