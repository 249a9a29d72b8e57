"""Every mechanism against its slow oracle and every law, at length; minutes, not seconds.

    python -m benchmarks.check_mechanisms [NAME ...] [--books N] [--lies N] [--write PAGE]

A mechanism that breaks a law is shown with the smallest book found, and the exit code is 1.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.report import Table, conditions, renewed
from decent_gym.clearing import MECHANISMS
from decent_gym.registry import unknown_name
from decent_gym.testing import BrokenLawError, MechanismReport, check_mechanism, cleared, unit_books

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the oracles are not installed

from oracles.mechanisms import INPUTS, ORACLES, oracle_of

BOOKS = 100_000
LIES = 10_000
PUBLISHED = {2: (77.2, 69.0), 5: (94.6, 86.1), 10: (98.4, 91.8), 50: (99.9, 98.1)}
"""McAfee's rule, U[1, 1000]: percent of the optimum in total, and to traders, by n a side."""


def main(words: list[str] | None = None) -> int:
    """Check, print a table, write it into a page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="mechanisms; default: all that are registered")
    add("--books", type=int, default=BOOKS, help=f"random tie-heavy books (default: {BOOKS:,})")
    add("--lies", type=int, default=LIES, help=f"random misreports (default: {LIES:,})")
    add("--seed", type=int, default=0)
    add("--write", type=Path, metavar="PAGE", help="renew the tables of a page")
    args = parser.parse_args(words)
    unknown = [name for name in args.names if name not in MECHANISMS]
    if unknown:
        parser.error(str(unknown_name("mechanism", unknown[0], MECHANISMS)))
    console = Console(stderr=True)
    rows, faults = [], []
    for name in args.names or MECHANISMS:
        row, report = checked(name, args.books, args.lies, args.seed, console)
        rows.append(row)
        faults += [] if report else [str(report)]
    tables = [_table(rows), mcafee_table(args.books // 2)]
    for table in tables:
        print(f"\n{table.text()}")
    for fault in faults:
        print(f"\n{fault}", file=sys.stderr)
    if args.write and not faults:
        when = conditions(("numpy", "numba"), 1).split("; medians")[0]
        note = f"{when}. `python -m benchmarks.check_mechanisms --write {args.write}`"
        page = renewed(args.write.read_text(encoding="utf-8"), tables, note)
        args.write.write_text(page, encoding="utf-8")
    return 1 if faults else 0


def checked(
    name: str, books: int, lies: int, seed: int, console: Console
) -> tuple[list[Any], MechanismReport]:
    """One mechanism: its row of the table, and what was found."""
    began = time.process_time()
    oracle = oracle_of(name) if name in ORACLES else None
    with _bar(name, console) as told:
        try:
            report = check_mechanism(
                name, books=books, lies=lies, seed=seed, oracle=oracle, progress=told,
                inputs=INPUTS.get(name),
            )  # fmt: skip
        except BrokenLawError as error:
            report = error.report
    random_lies = lies if MECHANISMS[name].truthful else None
    every = report.lies - lies if random_lies else None
    broken = ", ".join(each.law for each in report.broken) or "none"
    cells = [f"`{name}`", books, report.laws.get("oracle"), len(report.laws), broken]
    return [*cells, every, random_lies, time.process_time() - began], report


@contextmanager
def _bar(name: str, console: Console) -> Iterator[Any]:
    parts = (TextColumn("{task.description:<50}"), BarColumn(), MofNCompleteColumn())
    with Progress(*parts, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(name, total=None)

        def told(what: str, done: int, total: int) -> None:
            progress.update(task, description=f"{name}: {what}", completed=done, total=total)

        yield told


def _table(rows: list[list[Any]]) -> Table:
    columns = {
        "mechanism": "", "random books": ",", "books against the oracle": ",", "laws": ",",
        "broken": "", "every lie in small books": ",", "random lies": ",", "CPU s": ".0f",
    }  # fmt: skip
    return Table("check_mechanisms", columns, rows)


def mcafee_table(books: int) -> Table:
    """The published percentages beside those found."""
    columns = {"traders a side": "", "total %": ".1f", "published": ".1f",
               "to traders %": ".1f", "as published": ".1f"}  # fmt: skip
    rows = []
    for n, (total, traders) in PUBLISHED.items():
        found = mcafee_percentages(n, books, 17)
        rows.append([str(n), found[0], total, found[1], traders])
    return Table("mcafee", columns, rows)


def mcafee_percentages(a_side: int, books: int, seed: int) -> tuple[float, float]:
    """Of the optimum, in total and to traders, limits uniform on 1 .. 1000."""
    offers = unit_books(np.random.default_rng(seed), books, a_side)
    worth = (2 * offers.side - 1) * offers.price
    optimum = (cleared("merit_order", offers).accepted * worth).sum()
    outcome = cleared("mcafee", offers)
    total = (outcome.accepted * worth).sum()
    return 100 * total / optimum, 100 * (total - outcome.surplus.sum()) / optimum


if __name__ == "__main__":
    sys.exit(main())
