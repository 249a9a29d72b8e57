"""Judge trained policies on held-out weeks against every scripted trader, pair by pair.

    python -m training.evaluate --runs runs/ppo-0 runs/ppo-1 runs/ppo-2 runs/ppo-3 runs/ppo-4

Every policy gets the same weeks, forecast errors, initial states and neighbours: run i of an
algorithm acts on the cells of repetition i, and is compared there with every trader and with run i
of the other algorithms.  The first run's algorithm is the one that the others are compared with.
Seeds and weeks are both few, so both are resampled, independently of each other, for the intervals.

Source: crossed bootstrap, A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1
(2007); intervals instead of the best run, R. Agarwal et al., "Deep reinforcement learning at the
edge of the statistical precipice", NeurIPS 2021.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import track

from agents.description import Description
from agents.learned import DESCRIPTION, LearnedPolicy
from agents.storage_rule import StorageRule
from decent_gym import Scenario
from decent_gym import scenario as find_scenario
from decent_gym.errors import DecentGymError, InputError
from decent_gym.traders import TRADERS
from training import report
from training.held_out import Cell, Totals, cells, score_learned, score_scripted
from training.report import Evaluation, FloatArray, Line

RULE = "storage rule"
NO_MARKET = "no local market"
BOOTSTRAP_SEED = 20_260_101


@dataclass(frozen=True, kw_only=True)
class Args:
    """Judge trained policies on held-out weeks."""

    runs: tuple[Path, ...]
    """folders of training scripts, of one algorithm or several, a seed each; 5 for a claim"""
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
    scenario = _scenario_of(facts, args)
    runs_of: dict[str, list[int]] = {}
    for at, fact in enumerate(facts):
        runs_of.setdefault(fact.algorithm, []).append(at)
    repetitions = range(max(map(len, runs_of.values())))
    grid = [cells(scenario, args.split, i, args.weeks) for i in repetitions]

    totals = _learned(policies, runs_of, scenario, grid, args.progress)
    longest = max(totals.values(), key=lambda total: len(total["score"]))
    totals |= _others(args, scenario, facts[0], [cell for row in grid for cell in row])
    totals[NO_MARKET] = {"score": longest["reference"]}

    first = totals[facts[0].algorithm]["score"].reshape(-1, len(grid[0]))
    lines = []
    for name, total in totals.items():
        scores = total["score"].reshape(-1, len(grid[0]))
        here = runs_of.get(name, [])
        lines.append(
            Line(
                name=name,
                scores=scores,
                terms={term: float(values.mean()) for term, values in total.items()},
                **compared(first, scores, args.resamples),
                runs=tuple(str(args.runs[at]) for at in here),
                seeds=tuple(facts[at].seed for at in here),
                steps=tuple(facts[at].steps for at in here),
            )
        )
    return Evaluation(
        scenario=scenario.name,
        options=facts[0].options,
        learner=facts[0].learner,
        split=args.split,
        weeks=tuple(cell.week for cell in grid[0]),
        is_trained_on_it=scenario.digest.hex() == facts[0].scenario_digest,
        lines=(lines[0], *sorted(lines[1:], key=lambda line: -line.mean)),
    )


def compared(first: FloatArray, scores: FloatArray, resamples: int) -> dict[str, float]:
    """How the first line (R, K) does against another, on the repetitions that both have."""
    both = min(len(first), len(scores))
    differences = first[:both] - scores[:both]
    low, high = crossed_bootstrap(differences, resamples)
    wins = float((differences > 0).mean())
    return {"difference": float(differences.mean()), "low": low, "high": high, "wins": wins}


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


def _scenario_of(facts: Sequence[Description], args: Args) -> Scenario:
    if not facts:
        raise InputError("runs must name at least one folder of a training script")
    for run, fact in zip(args.runs, facts, strict=True):
        for name in ("scenario_digest", "learner", "actions"):
            here, first = getattr(fact, name), getattr(facts[0], name)
            if here != first:
                raise InputError(
                    f"{run} has {name} {here!r}, {args.runs[0]} {first!r}; judge them apart"
                )
    return find_scenario(args.scenario or facts[0].scenario, **facts[0].options)


def _learned(
    policies: Sequence[LearnedPolicy],
    runs_of: Mapping[str, Sequence[int]],
    scenario: Scenario,
    grid: Sequence[Sequence[Cell]],
    progress: bool,
) -> dict[str, Totals]:
    """What the runs of each algorithm did, one after the other."""
    console = Console(stderr=True)
    todo = [(name, i, at) for name, runs in runs_of.items() for i, at in enumerate(runs)]
    parts: dict[str, list[Totals]] = {name: [] for name in runs_of}
    for name, i, at in track(
        todo, "learned policies", console=console, transient=True,
        disable=not (progress and console.is_terminal),
    ):  # fmt: skip
        fact = policies[at].description
        parts[name].append(
            score_learned(policies[at], scenario, fact.learner, grid[i], actions=fact.actions)
        )
    return {
        name: {term: np.concatenate([part[term] for part in these]) for term in these[0]}
        for name, these in parts.items()
    }


def _others(
    args: Args, scenario: Scenario, fact: Description, flat: Sequence[Cell]
) -> dict[str, Totals]:
    """What the rule by hand and the scripted traders do in the learner's place."""
    totals = {}
    if args.rule:
        rule = StorageRule.of(scenario, fact.actions)
        totals[RULE] = score_learned(rule, scenario, fact.learner, flat)
    for trader in args.traders:
        totals[trader] = score_scripted(trader, scenario, fact.learner, flat)
    return totals


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
