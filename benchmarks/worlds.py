"""Batches of `synthetic` districts to measure, everything on and one learner in each."""

from collections.abc import Callable
from functools import partial

import gymnasium
import numpy as np

import decent_gym
from benchmarks.timing import Time, calls_for, clock
from decent_gym.envs import TraderVectorEnv
from decent_gym.scenarios import Scenario

ROUNDS = 96
"""An episode: a day."""
ENOUGH = 0.2
"""Seconds that a timed run takes at least."""
Measured = tuple[Callable[[], Time], int]
"""What runs some rounds and says how long they took, and how many rounds."""


def district(organizations: int, days: int = 28) -> tuple[Scenario, str]:
    """`synthetic` with so many organizations, and one of them that has something to decide."""
    scenario = decent_gym.scenario("synthetic", organizations=organizations, days=days)
    return scenario, next(member.name for member in scenario.members if member.flexible)


def vector(worlds: int, organizations: int, threads: int = 1, days: int = 28) -> TraderVectorEnv:
    """The vector face, reset."""
    scenario, learner = district(organizations, days)
    env = TraderVectorEnv(worlds, scenario, learner, threads=threads)
    env.reset(seed=0)
    return env


def random_actions(shape: tuple[int, ...], count: int = ROUNDS) -> list[np.ndarray]:
    """Actions drawn before the clock starts."""
    return list(np.random.default_rng(0).uniform(-1, 1, (count, *shape)).astype(np.float32))


def days_of(env: gymnasium.vector.VectorEnv, enough: float = ENOUGH) -> Measured:
    """Days in a vector environment, which resets itself; they begin and end together."""
    return _days(env, lambda: None, lambda: None, enough)


def whole_days(env: gymnasium.Env, enough: float = ENOUGH, rounds: int = ROUNDS) -> Measured:
    """Episodes of so many rounds in one environment, each from its reset to the ledger's head."""
    return _days(env, env.reset, lambda: env.unwrapped.head, enough, rounds)


def _days(
    env: gymnasium.vector.VectorEnv | gymnasium.Env,
    begin: Callable[[], object],
    end: Callable[[], object],
    enough: float,
    rounds: int = ROUNDS,
) -> Measured:
    """As many days of random actions as take at least `enough` seconds."""
    actions = random_actions(env.action_space.shape, rounds)
    env.reset(seed=0)
    env.step(actions[0])  # loads the kernels
    env.reset(seed=0)

    def day() -> None:
        begin()
        for action in actions:
            env.step(action)
        end()

    count = calls_for(day, enough)

    def run() -> None:
        for _ in range(count):
            day()

    return partial(clock, run), count * rounds
