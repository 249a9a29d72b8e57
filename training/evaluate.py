"""Judge trained policies on held-out weeks against every scripted trader, pair by pair.

    python -m training.evaluate --runs runs/ppo-0 runs/ppo-1 runs/ppo-2 runs/ppo-3 runs/ppo-4

Every policy gets the same weeks, forecast errors, initial states and neighbours: run i is compared
with each trader on the cells of repetition i.  Seeds and weeks are both few, so both are resampled,
independently of each other, for the intervals.

Source: crossed bootstrap, A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1
(2007); intervals instead of the best run, R. Agarwal et al., "Deep reinforcement learning at the
edge of the statistical precipice", NeurIPS 2021.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import track

from agents.learned import DESCRIPTION, LearnedPolicy
from agents.storage_rule import StorageRule
from decent_gym import Scenario
from decent_gym import scenario as find_scenario
from decent_gym.errors import DecentGymError, InputError
from decent_gym.traders import TRADERS
from training import report
from training.held_out import Totals, cells, score_learned, score_scripted
from training.report import Evaluation, FloatArray, Line

LEARNED = "ppo"
RULE = "storage rule"
NO_MARKET = "no local market"
BOOTSTRAP_SEED = 20_260_101


@dataclass(frozen=True, kw_only=True)
class Args:
    """Judge trained policies on held-out weeks."""

    runs: tuple[Path, ...]
    """folders of training.ppo, one per seed; at least 5 for a claim"""
    split: Literal["test", "validation", "train"] = "test"
    """tune on validation, look at test once"""
    weeks: int | None = None
    """only the first so many weeks of the split; by default all"""
    traders: tuple[str, ...] = tuple(TRADERS)
    """scripted traders to compare with"""
    rule: bool = True
    """compare with the rule by hand in agents/storage_rule.py as well"""
    scenario: str | None = None
    """if it is not the policies' own, or is a .toml file; with the same options"""
    folder: Path = Path("runs/evaluation")
    """where evaluation.json, .csv and .png go"""
    resamples: int = 10_000
    """of the bootstrap"""
    picture: bool = True
    """draw evaluation.png, if matplotlib is installed"""
    progress: bool = True
    """a bar on stderr, if it is a terminal"""


def evaluate(args: Args) -> Evaluation:
    """Run everything that `args` asks for; writes no file.

    Raises
    ------
    DataError
        If a run's files cannot be trusted.
    InputError
        If there are no runs, or they are not of one scenario, learner and set of options.
    """
    torch.set_num_threads(1)
    policies = [LearnedPolicy.load(policy_folder(run)) for run in args.runs]
    facts = [policy.description for policy in policies]
    scenario = _scenario_of(policies, args)
    learner = facts[0].learner
    grid = [cells(scenario, args.split, i, args.weeks) for i in range(len(policies))]
    flat = [cell for row in grid for cell in row]
    console = Console(stderr=True)
    shown = args.progress and console.is_terminal

    learned = [
        score_learned(policy, scenario, learner, row, actions=policy.description.actions)
        for policy, row in track(
            list(zip(policies, grid, strict=True)), "learned policies", console=console,
            transient=True, disable=not shown,
        )
    ]  # fmt: skip
    totals: dict[str, Totals] = {LEARNED: _stacked(learned)}
    if args.rule:
        rule = StorageRule.of(scenario, facts[0].actions)
        totals[RULE] = score_learned(rule, scenario, learner, flat)
    for trader in args.traders:
        totals[trader] = score_scripted(trader, scenario, learner, flat)
    totals[NO_MARKET] = {"score": totals[LEARNED]["reference"]}

    shape = (len(policies), len(grid[0]))
    lines = [_line(name, totals, shape, args.resamples) for name in totals]
    return Evaluation(
        scenario=scenario.name,
        options=facts[0].options,
        learner=learner,
        split=args.split,
        weeks=tuple(cell.week for cell in grid[0]),
        runs=tuple(map(str, args.runs)),
        seeds=tuple(fact.seed for fact in facts),
        steps=tuple(fact.steps for fact in facts),
        is_trained_on_it=scenario.digest.hex() == facts[0].scenario_digest,
        lines=(lines[0], *sorted(lines[1:], key=lambda line: -line.mean)),
    )


def crossed_bootstrap(values: FloatArray, resamples: int) -> tuple[float, float]:
    """95 % interval of the mean of `values` (R, K): rows and columns are drawn independently.

    A single row or column has no spread that could be resampled; then only the other one is.
    """
    random = np.random.default_rng(BOOTSTRAP_SEED)
    many_rows, many_columns = values.shape
    rows = random.integers(many_rows, size=(resamples, many_rows))
    columns = random.integers(many_columns, size=(resamples, many_columns))
    means = values[rows[:, :, None], columns[:, None, :]].mean(axis=(1, 2))
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def policy_folder(run: Path) -> Path:
    """The folder with ``policy.json``: `run` itself, or its ``policy``."""
    return run if (run / DESCRIPTION).exists() else run / "policy"


def _scenario_of(policies: Sequence[LearnedPolicy], args: Args) -> Scenario:
    facts = [policy.description for policy in policies]
    if not facts:
        raise InputError("runs must name at least one folder of training.ppo")
    for run, fact in zip(args.runs, facts, strict=True):
        for name in ("scenario_digest", "learner", "actions"):
            here, first = getattr(fact, name), getattr(facts[0], name)
            if here != first:
                raise InputError(
                    f"{run} has {name} {here!r}, {args.runs[0]} {first!r}; judge them apart"
                )
    return find_scenario(args.scenario or facts[0].scenario, **facts[0].options)


def _stacked(parts: Sequence[Totals]) -> Totals:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _line(name: str, totals: dict[str, Totals], shape: tuple[int, int], resamples: int) -> Line:
    scores = totals[name]["score"].reshape(shape)
    differences = totals[LEARNED]["score"].reshape(shape) - scores
    low, high = crossed_bootstrap(differences, resamples)
    return Line(
        name=name,
        scores=scores,
        terms={term: float(total.mean()) for term, total in totals[name].items()},
        difference=float(differences.mean()),
        low=low,
        high=high,
        wins=float((differences > 0).mean()),
    )


def main() -> None:
    """The command line."""
    args = tyro.cli(Args)
    console = Console()
    try:
        found = evaluate(args)
    except DecentGymError as error:
        sys.exit(f"training.evaluate: {error}")
    console.print(report.table(found))
    for path in report.write(found, args.folder, picture=args.picture):
        console.print(f"written: {path}")


if __name__ == "__main__":
    main()
