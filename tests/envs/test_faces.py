"""One scenario, seed and list of actions: the same ledger head from every face, however it runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import os
import sys

import gymnasium
import numpy as np

import decent_gym

rules = {
    "separate": {"tie_rule": "random"},
    "coupled": {"clearing": "coupled"},
    "preference": {"mechanism": "preference", "tie_rule": "random", "wishes": {
        "household_00002": decent_gym.Wish(renewable=True, premium=100),
        "household_00003": decent_gym.Wish(local=True),
        "household_00004": decent_gym.Wish(partner="household_00005"),
    }},
}[sys.argv[1]]
scenario = decent_gym.scenario("synthetic", organizations=20, days=14, **rules)
ROUNDS, SEED, WORLD = 12, 30, 5
LEARNER = next(m.name for m in scenario.members if m.heat_pump)
options = {"scenario": scenario, "rounds": ROUNDS}
start = {"start": 300}


def chosen(width):
    return np.random.default_rng(1).uniform(-1, 1, (ROUNDS - 1, width)).astype(np.float32)


def single():
    env = gymnasium.make(
        "decent_gym/Trader-v0", learner=LEARNER, ledger="memory", **options
    ).unwrapped
    env.reset(seed=SEED, options=start)
    for action in chosen(env.action_space.shape[0]):
        env.step(action)
    return env.head


def parallel():
    env = decent_gym.parallel_env(learners=[LEARNER], ledger="memory", **options)
    env.reset(seed=SEED, options=start)
    for action in chosen(env.action_space(LEARNER).shape[0]):
        env.step({LEARNER: action})
    return env.head


def vector(threads):
    envs = gymnasium.make_vec(
        "decent_gym/Trader-v0", num_envs=9, vectorization_mode="vector_entry_point",
        learner=LEARNER, ledger={WORLD: "memory"}, threads=threads, **options
    ).unwrapped
    envs.reset(seed=SEED - WORLD, options=start)
    others = np.random.default_rng(2)
    for action in chosen(envs.single_action_space.shape[0]):
        actions = others.uniform(-1, 1, envs.action_space.shape)
        actions[WORLD] = action
        envs.step(actions)
    head = envs.head(WORLD)
    envs.close()
    return head


heads = [single(), parallel()] + [vector(n) for n in (1, 2, os.cpu_count() or 1, 9)]
sys.stdout.write("\\n".join(heads))
"""


@pytest.mark.parametrize("rules", ["separate", "coupled", "preference"])
def test_faces_threads_and_compilation_change_no_head(rules: str) -> None:
    compiled, interpreted = run(rules, "0"), run(rules, "1")
    assert len(compiled) == 6 and len(compiled[0]) == 64
    assert set(compiled + interpreted) == {compiled[0]}


def run(rules: str, disabled: str) -> list[str]:
    """The heads that the script tells, with or without the compiler."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, rules],
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": disabled},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()
