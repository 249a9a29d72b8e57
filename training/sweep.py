"""Run scenarios x mechanisms x options x seeds as tasks of a Ray cluster, into one Parquet table.

    python -m training.sweep --seeds 0 1 2 --options price_rule=midpoint,0 tariff=flat,time_of_use

A task is one combination: all held-out weeks of its scenario under its rules, side by side, with
everybody scripted or with a learned policy in its place.  The table has a row per combination,
week and organization, and one for the whole district; training/figures.py says what is in it.
A combination that fails is named, its rows are missing, and all others are there.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import ray
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agents.learned import LearnedPolicy
from decent_gym import MECHANISMS, SCENARIOS, Scenario
from decent_gym import scenario as find_scenario
from decent_gym.errors import DecentGymError, InputError
from decent_gym.traders import TRADERS
from training.cluster import join
from training.figures import Row, week_rows
from training.held_out import ROUNDS_PER_WEEK, cells

SCRIPTED = "scripted"
FAILED = b"decent_gym.failed"
"""Metadata of the table: the combinations whose rows are missing, as JSON."""


@dataclass(frozen=True, kw_only=True)
class Args:
    """Run scenarios x mechanisms x options x seeds as tasks of a Ray cluster."""

    scenarios: tuple[str, ...] = ("rural",)
    """names in SCENARIOS, or paths of .toml files"""
    mechanisms: tuple[str, ...] = tuple(MECHANISMS)
    """names in MECHANISMS"""
    options: tuple[str, ...] = ()
    """further axes, keywords of the scenarios: tie_rule=pro_rata,random utility=book,none"""
    seeds: tuple[int, ...] = (0,)
    """of forecast errors and everything else that is drawn"""
    split: Literal["test", "validation", "train"] = "validation"
    weeks: int | None = None
    """only the first so many weeks of the split; by default all"""
    rounds: int = ROUNDS_PER_WEEK
    """only the first so many rounds of each"""
    trader: str | None = None
    """the scripted trader of everybody; by default each member's own"""
    policy: Path | None = None
    """a folder that training.ppo or training.rllib_ppo wrote; acts for its organization"""
    address: str | None = None
    """of a cluster: auto, HOST:PORT or ray://HOST:PORT; by default one is made on this machine"""
    output: Path = Path("runs/sweep.parquet")
    """the table, on this machine"""
    progress: bool = True
    """a bar on stderr, if it is a terminal"""

    def __post_init__(self) -> None:
        for name in ("scenarios", "mechanisms", "seeds"):
            given = getattr(self, name)
            if not given or len(set(given)) < len(given):
                raise InputError(f"{name} must be different and at least one, got {given!r}")
        for mechanism in self.mechanisms:
            MECHANISMS[mechanism]
        for scenario in self.scenarios:
            if not scenario.endswith(".toml"):
                SCENARIOS[scenario]
        if self.trader is not None:
            TRADERS[self.trader]
        for name in ("weeks", "rounds"):
            given = getattr(self, name)
            if given is not None and given < 1:
                raise InputError(f"{name} must be 1 or more, got {given}")
        axes(self.options)


@dataclass(frozen=True)
class Combination:
    """One cell of the sweep."""

    scenario: str
    mechanism: str
    options: Mapping[str, Any]
    seed: int

    def __str__(self) -> str:
        options = "".join(f" {name}={value}" for name, value in self.options.items())
        return f"{self.scenario} {self.mechanism}{options} seed {self.seed}"


def sweep(args: Args) -> tuple[pa.Table, dict[str, str]]:
    """Run every combination; returns the table and, by combination, why some failed.

    Raises
    ------
    InputError
        If nobody answers at `address`, or `output` has no place.
    DataError
        If the policy's files cannot be trusted.
    """
    try:
        args.output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # said before hours of work, not after
        raise InputError(f"output {args.output} cannot be written: {error}") from None
    policy = None if args.policy is None else LearnedPolicy.load(args.policy)
    cells_of = list(combinations(args))
    join(args.address, os.cpu_count() or 1 if args.address is None else 1)
    try:
        files = {name: find_scenario(name) for name in args.scenarios if name.endswith(".toml")}
        shared = ray.put((policy, files))  # sent to each machine once
        tasks = {run.remote(args, cell, shared): cell for cell in cells_of}
        found, failed = gather(tasks, args.progress)
    finally:
        ray.shutdown()
    rows = [row for cell in cells_of for row in found.get(str(cell), ())]  # whoever ended first
    return as_table(rows, args, failed), failed


@ray.remote
def run(args: Args, cell: Combination, shared: tuple[Any, Mapping[str, Scenario]]) -> list[Row]:
    """One combination, on whichever machine has a processor free."""
    policy, files = shared
    where = files.get(cell.scenario, cell.scenario)
    district = find_scenario(where, mechanism=cell.mechanism, **cell.options)
    these = cells(district, args.split, cell.seed, args.weeks)
    rows = week_rows(district, these, trader=args.trader, policy=policy, rounds=args.rounds)
    by = SCRIPTED if policy is None else policy.description.learner
    key = {"scenario": cell.scenario, "mechanism": cell.mechanism, **cell.options}
    return [{**key, "seed": cell.seed, "learned": by, **row} for row in rows]


def combinations(args: Args) -> Iterator[Combination]:
    """All of them, in the order in which the table has them."""
    extra = axes(args.options)
    values = [dict(zip(extra, chosen, strict=True)) for chosen in product(*extra.values())]
    for scenario, mechanism, options, seed in product(
        args.scenarios, args.mechanisms, values, args.seeds
    ):
        yield Combination(scenario, mechanism, options, seed)


def axes(texts: Sequence[str]) -> dict[str, list[str | int | None]]:
    """``["tie_rule=pro_rata,random"]`` as ``{"tie_rule": ["pro_rata", "random"]}``.

    Raises
    ------
    InputError
        If one does not look like that, or a name stands twice.
    """
    found: dict[str, list[str | int | None]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name or not all(values.split(",")):
            raise InputError(f"options must look like tie_rule=pro_rata,random, got {text!r}")
        if name in found:
            raise InputError(f"options: {name!r} stands twice; give all its values at once")
        if name in ("scenario", "mechanism", "seed"):
            raise InputError(f"options: {name!r} is an axis already, --{name}s")
        found[name] = [_plain(value) for value in values.split(",")]
    return found


def _plain(text: str) -> str | int | None:
    if text == "none":
        return None
    return int(text) if text.removeprefix("-").isdigit() else text


def gather(
    tasks: Mapping[Any, Combination], progress: bool
) -> tuple[dict[str, list[Row]], dict[str, str]]:
    """Wait for all tasks; rows of those that succeeded, reasons of those that did not."""
    console = Console(stderr=True)
    found: dict[str, list[Row]] = {}
    failed: dict[str, str] = {}
    waiting = list(tasks)
    bar = Progress(
        TextColumn("sweep"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not (progress and console.is_terminal),
    )  # fmt: skip
    with bar:
        shown = bar.add_task("", total=len(tasks))
        while waiting:
            (done,), waiting = ray.wait(waiting, num_returns=1)
            name = str(tasks[done])
            try:
                found[name] = ray.get(done)
            except ray.exceptions.RayTaskError as error:
                failed[name] = f"{type(error.cause).__name__}: {error.cause}"
            except ray.exceptions.RayError as error:  # its machine was lost, more than once
                failed[name] = f"{type(error).__name__}: {error}"
            if name in failed:
                console.print(f"failed: {name}: {failed[name]}", soft_wrap=True, markup=False)
            bar.advance(shown)
    return found, failed


def as_table(rows: Sequence[Row], args: Args, failed: Mapping[str, str]) -> pa.Table:
    """All rows under all their columns; what a row does not have is null.

    An option stands as text, because one column has one type: 0 and midpoint are both price rules.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    options = set(axes(args.options))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if name in options:
            values = [None if value is None else str(value) for value in values]
        columns[name] = pa.array(values)
    metadata = {FAILED: json.dumps(dict(failed)).encode()}
    return pa.table(columns).replace_schema_metadata(metadata)


def main() -> None:
    """The command line; exit code 1 if a combination failed."""
    console = Console(soft_wrap=True, highlight=False)
    try:
        args = tyro.cli(Args)
        table, failed = sweep(args)
    except DecentGymError as error:
        sys.exit(f"training.sweep: {error}")
    pq.write_table(table, args.output)
    console.print(f"{table.num_rows} rows of {table.num_columns} columns: {args.output}")
    if failed:
        sys.exit(f"training.sweep: {len(failed)} combinations failed, see above")


if __name__ == "__main__":
    main()
