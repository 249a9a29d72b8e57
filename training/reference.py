"""Reference returns: what known policies score on the test weeks, as a file and as a page.

    python -m training.reference
    python -m training.reference --runs runs/ppo-0 runs/ppo-1 runs/sac-0

Every policy gets the same weeks, forecast errors, initial stores and neighbours.  What has been
computed is kept in ``training/reference_returns.json``; before it is used again, the cheapest rows
are run anew and must be the same to the last digit, so that numbers of another version of the
environment never stand beside new ones.  Trained policies are put to the scenario and learner they
were trained for.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import gymnasium
import numpy as np
import numpy.typing as npt
import tyro
from rich.console import Console
from rich.progress import track

from agents.optimal import PriceSeries, optimal
from agents.rolling_horizon import RollingHorizon
from agents.storage_rule import StorageRule
from decent_gym import Scenario
from decent_gym import scenario as find_scenario
from decent_gym.envs import TraderEnv, scripted_prices
from decent_gym.errors import DataError, DecentGymError, InputError
from decent_gym.traders import TRADERS
from training.held_out import ROUNDS_PER_WEEK, Cell, cells, score_learned, score_scripted
from training.reference_returns import (
    FILE,
    ONE,
    ZERO,
    Case,
    ReferenceReturns,
    load,
    save,
)

SPLIT: Final = "test"
RANDOM, RULE, ROLLING = "random", "storage rule", "rolling horizon"
NO_MARKET, TARIFFS = "no local market", "LP, tariffs only"
Facts = tuple[str, str, dict[str, Any], str]
CASES: Final[tuple[Facts, ...]] = (
    ("rural, flat tariff", "rural", {}, "building_03"),
    ("rural, time-of-use tariff", "rural", {"tariff": "time_of_use"}, "building_03"),
    ("rural, the heat plant", "rural", {}, "heat_plant"),
    ("synthetic, 20 organizations", "synthetic", {"organizations": 20}, "household_00001"),
)
FloatArray = npt.NDArray[np.float64]
BEGIN, END = "<!-- tables: written by training.reference -->", "<!-- end of tables -->"


@dataclass(frozen=True, kw_only=True)
class Args:
    """Compute the table of reference returns."""

    runs: tuple[Path, ...] = ()
    """folders of trained policies; they replace earlier runs of the same algorithm and case"""
    fresh: bool = False
    """compute everything again, and forget earlier trained runs"""
    file: Path = FILE
    """all scores, and the constants of normalisation"""
    page: Path = Path("docs/reference-returns.md")
    """the page whose tables are replaced"""
    progress: bool = True
    """a bar on stderr, if it is a terminal"""


class RandomPolicy:
    """Uniform actions, the same ones every time."""

    def __init__(self, actions: int) -> None:
        self._random, self._actions = np.random.default_rng(0), actions

    def predict(self, obs: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Actions (n, A) for observations (n, F)."""
        return self._random.uniform(-1, 1, (len(np.asarray(obs)), self._actions)).astype(np.float32)


def reference(args: Args, which: Sequence[Facts] = CASES) -> ReferenceReturns:
    """Compute what is missing; writes no file.

    Raises
    ------
    DataError
        If a run's files cannot be trusted.
    InputError
        If a run belongs to none of the cases.
    MissingExtraError
        If HiGHS is not installed.
    """
    known = {} if args.fresh else _known(args.file)
    console = Console(stderr=True)
    shown = args.progress and console.is_terminal
    found = [
        _case(*facts, known)
        for facts in track(
            which, "reference returns", console=console, transient=True, disable=not shown
        )
    ]
    if args.runs:
        found = _with_runs(found, args.runs)
    return ReferenceReturns(
        environment=environment(),
        split=SPLIT,
        date=datetime.now(UTC).date().isoformat(),
        cases=tuple(found),
    )


def environment() -> str:
    """The newest registered version of the environment."""
    names = [name for name in gymnasium.registry if name.startswith("decent_gym/Trader-v")]
    return max(names, key=lambda name: int(name.rpartition("-v")[2]))


def score_optimal(
    scenario: Scenario, learner: str, these: Sequence[Cell], prices: Sequence[PriceSeries] | None
) -> tuple[FloatArray, str]:
    """Best scores of the weeks at given prices (or tariffs), and which kind of number they are."""
    best = [
        optimal(scenario, learner, cell.start, ROUNDS_PER_WEEK, prices[at] if prices else None)
        for at, cell in enumerate(these)
    ]
    return np.array([one.score for one in best]), best[0].kind


def _case(
    title: str, name: str, options: dict[str, Any], learner: str, known: dict[Any, Case]
) -> Case:
    """One case, from what is known if that still holds."""
    scenario = find_scenario(name, **options)
    these = cells(scenario, SPLIT)
    fast = {trader: score_scripted(trader, scenario, learner, these) for trader in TRADERS}
    rows = {trader: _row(totals["score"]) for trader, totals in fast.items()}
    before = known.get((scenario.digest.hex(), learner))
    if before is not None and all(before.rows.get(trader) == rows[trader] for trader in rows):
        return replace(before, title=title, scenario=name, options=options)
    starts, seeds = [cell.start for cell in these], [cell.seed for cell in these]
    recorded = scripted_prices(
        scenario, learner, ZERO, starts=starts, seeds=seeds, rounds=ROUNDS_PER_WEEK
    )
    at_market = [
        PriceSeries.of_market(scenario, start, prices)
        for start, prices in zip(starts, recorded, strict=True)
    ]
    names = TraderEnv(scenario, learner).action_names
    acting: dict[str, Callable[[], Any]] = {
        RANDOM: lambda: RandomPolicy(len(names)),
        RULE: lambda: StorageRule.of(scenario, names),
        ROLLING: lambda: RollingHorizon(scenario, learner),
    }
    for policy, make in acting.items():
        rows[policy] = _row(score_learned(make(), scenario, learner, these, actions=names)["score"])
    rows[NO_MARKET] = _row(fast[ZERO]["reference"])
    rows[TARIFFS] = _row(score_optimal(scenario, learner, these, None)[0])
    best, kind = score_optimal(scenario, learner, these, at_market)
    rows[ONE] = _row(best)
    return Case(
        title, name, options, learner, scenario.digest.hex(),
        tuple(cell.week for cell in these), tuple(seeds), kind, rows,
    )  # fmt: skip


def _with_runs(found: list[Case], runs: Sequence[Path]) -> list[Case]:
    """The cases with the rows of trained policies."""
    import torch

    from agents.learned import LearnedPolicy
    from training.evaluate import policy_folder

    torch.set_num_threads(1)
    rows: dict[tuple[int, str], list[list[float]]] = {}
    for run in runs:
        policy = LearnedPolicy.load(policy_folder(run))
        facts = policy.description
        at = next(
            (i for i, case in enumerate(found)
             if (case.digest, case.learner) == (facts.scenario_digest, facts.learner)), None,
        )  # fmt: skip
        if at is None:
            raise InputError(
                f"{run} was trained for {facts.learner!r} in {facts.scenario!r} "
                f"{facts.options or ''}, which is no case of this table; known: "
                + ", ".join(f"{case.learner!r} in {case.title!r}" for case in found)
            )
        case = found[at]
        scenario = find_scenario(case.scenario, **case.options)
        these = cells(scenario, SPLIT)
        scores = score_learned(policy, scenario, case.learner, these, actions=facts.actions)
        rows.setdefault((at, facts.algorithm), []).extend(_row(scores["score"]))
    for (at, algorithm), scored in rows.items():
        found[at] = replace(found[at], rows={**found[at].rows, algorithm: scored})
    return found


def _known(file: Path) -> dict[Any, Case]:
    """What was computed before, by digest and learner; nothing of another version."""
    try:
        before = load(file)
    except DataError:
        return {}
    is_usable = before.environment == environment() and before.split == SPLIT
    return {(case.digest, case.learner): case for case in before.cases} if is_usable else {}


def _row(scores: FloatArray) -> list[list[float]]:
    return [[round(float(score), 9) for score in scores]]


def tables(returns: ReferenceReturns) -> str:
    """Markdown: one table per case, the best first."""
    text = [f"`{returns.environment}`, {returns.split} weeks, {returns.date}."]
    for case in returns.cases:
        weeks = f"{len(case.weeks)} weeks" if len(case.weeks) > 1 else "1 week"
        text += [
            "",
            f"### {case.title}: `{case.learner}`",
            "",
            f"{weeks}; *normalised* 0 is {case.mean(ZERO):.2f} EUR/week (`{ZERO}`), 1 is "
            f"{case.mean(ONE):.2f} ({ONE}: {case.kind}).",
            "",
            "| policy | runs | EUR/week | normalised |",
            "|---|---:|---:|---:|",
        ]
        for name in sorted(case.rows, key=lambda name: -case.mean(name)):
            runs, mean = len(case.rows[name]), case.mean(name)
            # + 0.0: a rounded nothing has no sign
            share = round(case.normalised(mean), 2) + 0.0
            text.append(f"| {name} | {runs} | {round(mean, 2) + 0.0:.2f} | {share:.2f} |")
    return "\n".join(text) + "\n"


def write_page(text: str, page: Path) -> None:
    """Put the tables between their marks on the page, or on a new page."""
    old = page.read_text(encoding="utf-8") if page.exists() else f"{BEGIN}\n{END}\n"
    if BEGIN not in old or END not in old:
        raise InputError(f"{page} has no place for the tables: {BEGIN!r} ... {END!r}")
    head, _, rest = old.partition(BEGIN)
    page.write_text(f"{head}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main() -> None:
    """The command line."""
    args = tyro.cli(Args)
    console = Console()
    try:
        found = reference(args)
        write_page(tables(found), args.page)
        save(found, args.file)
    except DecentGymError as error:
        sys.exit(f"training.reference: {error}")
    console.print(tables(found), markup=False, highlight=False, soft_wrap=True)
    console.print(f"written: {args.file}, {args.page}")


if __name__ == "__main__":
    main()
