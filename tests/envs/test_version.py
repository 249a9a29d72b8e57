"""The returns of the current version of the environment, to the last nano-euro.

Results can only be compared if the environment under one name always pays the same.  This test is
where a change of returns shows: the rule is in docs/environment.md, "Versions".
"""

import re

import gymnasium
import numpy as np
import pytest

from decent_gym.envs import TraderEnv, run_scripted

VERSION = 0
ROUNDS, SEED = 96, 2024
STARTS = {"rural": 96 * 100, "synthetic": 96 * 16}  # a day in April, one in March
PINNED = {
    ("rural", "flat", "building_03", "truthful"): -14_925_743_223,
    ("rural", "flat", "building_03", "zero_intelligence"): -14_037_127_708,
    ("rural", "flat", "building_03", "self_consumption"): -15_091_354_151,
    ("rural", "flat", "building_03", "price_threshold"): -14_385_233_492,
    ("rural", "flat", "building_03", "no_flexibility"): -15_170_492_858,
    ("rural", "flat", "building_03", "fixed actions"): -15_020_084_599,
    ("rural", "time_of_use", "building_03", "truthful"): -14_998_093_915,
    ("rural", "time_of_use", "building_03", "zero_intelligence"): -14_451_825_833,
    ("rural", "time_of_use", "building_03", "self_consumption"): -16_192_668_954,
    ("rural", "time_of_use", "building_03", "price_threshold"): -16_338_438_531,
    ("rural", "time_of_use", "building_03", "no_flexibility"): -16_791_117_474,
    ("rural", "time_of_use", "building_03", "fixed actions"): -16_445_598_254,
    ("rural", "flat", "heat_plant", "truthful"): 28_983_766_337,
    ("rural", "flat", "heat_plant", "zero_intelligence"): 64_923_472_165,
    ("rural", "flat", "heat_plant", "self_consumption"): 28_983_766_337,
    ("rural", "flat", "heat_plant", "price_threshold"): 73_589_921_400,
    ("rural", "flat", "heat_plant", "no_flexibility"): 2_138_916_200,
    ("rural", "flat", "heat_plant", "fixed actions"): 29_588_833_741,
    ("synthetic", "", "household_00001", "truthful"): -1_616_957_966,
    ("synthetic", "", "household_00001", "zero_intelligence"): -703_220_784,
    ("synthetic", "", "household_00001", "self_consumption"): -936_202_321,
    ("synthetic", "", "household_00001", "price_threshold"): -703_220_784,
    ("synthetic", "", "household_00001", "no_flexibility"): -1_761_083_784,
    ("synthetic", "", "household_00001", "fixed actions"): -864_445_284,
}  # fmt: skip


def act(scenario: str, options: dict[str, str], learner: str) -> int:
    """The score of actions that are always the same, nano-euro."""
    env = TraderEnv(scenario, learner, rounds=ROUNDS, **options)
    env.reset(seed=SEED, options={"start": STARTS[scenario]})
    many = env.action_space.shape[0]
    for at in range(ROUNDS):
        eighths = (5 * at + 3 * np.arange(many)) % 17 - 8
        info = env.step((eighths / 8).astype(np.float32))[-1]
    return round(info["score"] * 10**9)


def returns(scenario: str, tariff: str, learner: str, policy: str) -> int:
    options = {"tariff": tariff} if tariff else {}
    if policy == "fixed actions":
        return act(scenario, options, learner)
    episode = {"starts": [STARTS[scenario]], "seeds": [SEED], "rounds": ROUNDS}
    score = run_scripted(scenario, learner, policy, **episode, **options)["score"][0]
    return round(score * 10**9)


def fault(case: tuple[str, str, str, str], pinned: int, found: int) -> str | None:
    """What to do if returns have changed, or None if they have not."""
    if found == pinned:
        return None
    return (
        f"the returns of decent_gym/Trader-v{VERSION} have changed: {' '.join(filter(None, case))} "
        f"scores {found} nano-euro, pinned {pinned}.  If that is on purpose, register "
        f"decent_gym/Trader-v{VERSION + 1}, pin its returns here, and renew the table of reference "
        "returns: python -m training.reference"
    )


@pytest.mark.parametrize("case", PINNED, ids=" ".join)
def test_returns_are_those_of_this_version(case: tuple[str, str, str, str]) -> None:
    problem = fault(case, PINNED[case], returns(*case))
    assert problem is None, problem


def test_the_pinned_version_is_the_newest() -> None:
    names = [re.fullmatch(r"decent_gym/Trader-v(\d+)", name) for name in gymnasium.registry]
    assert max(int(found[1]) for found in names if found) == VERSION, (
        "a new version needs its own returns pinned here"
    )


def test_a_change_is_told_with_its_remedy() -> None:
    told = fault(("rural", "", "building_03", "truthful"), 1, 2)
    assert told is not None
    assert "register decent_gym/Trader-v1" in told
    assert "python -m training.reference" in told
    assert fault(("rural", "", "building_03", "truthful"), 2, 2) is None
