"""Held-out weeks, and what a policy scores on them: the same for training and evaluation.

A *cell* is one week with one seed of its forecast errors.  Every policy is run on the same cells,
so that scores can be compared pair by pair.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import gymnasium
import numpy as np
import numpy.typing as npt

from decent_gym import Scenario
from decent_gym.envs import TraderEnv, run_scripted
from decent_gym.errors import InputError, ScenarioError

ROUNDS_PER_WEEK: Final = 672
SEEDS_APART: Final = 7_919
FIRST_SEED: Final = 2**40
"""Far from the seeds of training."""

Totals = dict[str, npt.NDArray[np.float64]]


class Policy(Protocol):
    """Whatever has ``predict``, such as :class:`agents.learned.LearnedPolicy`.

    If it has ``reset()`` as well, that is called when its episodes begin.
    """

    def predict(self, obs: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Actions (n, A) for observations (n, F)."""
        ...


class Cell(NamedTuple):
    """One episode to be judged on."""

    week: int
    start: int
    seed: int


def cells(scenario: Scenario, split: str, repeat: int = 0, most: int | None = None) -> list[Cell]:
    """All whole weeks of a split, with the seeds of one repetition; `most` keeps the first ones.

    Raises
    ------
    ScenarioError
        If the split holds no whole week.
    """
    weeks = scenario.splits.weeks(split, scenario.rounds)[:most]
    if not weeks:
        raise ScenarioError(
            f"scenario {scenario.name!r} has no whole week in its {split} split; take a longer one"
        )
    first = FIRST_SEED + repeat * SEEDS_APART
    return [Cell(week, week * ROUNDS_PER_WEEK, first + week) for week in weeks]


def score_learned(
    policy: Policy,
    scenario: Scenario,
    learner: str,
    these: Sequence[Cell],
    *,
    rounds: int = ROUNDS_PER_WEEK,
    actions: Sequence[str] | None = None,
) -> Totals:
    """Run a policy on cells, side by side; EUR by term and ``score``, as in :func:`run_scripted`.

    Raises
    ------
    InputError
        If `actions`, the names that the policy was trained with, are not those of `learner`.
    """
    envs = [TraderEnv(scenario, learner, rounds=rounds) for _ in these]
    if actions is not None and tuple(actions) != envs[0].action_names:
        raise InputError(
            f"the policy moves {', '.join(actions)}, but {learner!r} has "
            f"{', '.join(envs[0].action_names)}; choose the learner it was trained for"
        )
    seen = np.stack([_begin(env, cell) for env, cell in zip(envs, these, strict=True)])
    forget = getattr(policy, "reset", None)
    if forget is not None:
        forget()
    totals: list[dict[str, float]] = [{} for _ in these]
    for _ in range(rounds):
        chosen = policy.predict(seen)
        for at, env in enumerate(envs):
            seen[at], _, _, _, info = env.step(chosen[at])
            _add(totals[at], info)
    for env in envs:
        env.close()
    return {name: np.array([total[name] for total in totals]) for name in totals[0]}


def score_scripted(
    trader: str,
    scenario: Scenario,
    learner: str,
    these: Sequence[Cell],
    *,
    rounds: int = ROUNDS_PER_WEEK,
) -> Totals:
    """Run a scripted trader in the learner's place on the same cells."""
    starts, seeds = [cell.start for cell in these], [cell.seed for cell in these]
    return run_scripted(scenario, learner, trader, starts=starts, seeds=seeds, rounds=rounds)


def _begin(env: gymnasium.Env[Any, Any], cell: Cell) -> npt.NDArray[np.float32]:
    observation, _ = env.reset(seed=cell.seed, options={"start": cell.start})
    return np.asarray(observation, np.float32)


def _add(total: dict[str, float], info: Mapping[str, Any]) -> None:
    for name, value in info["reward_terms"].items():
        total[name] = total.get(name, 0.0) + value
    if "score" in info:
        total["score"] = info["score"]
