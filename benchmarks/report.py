"""What a benchmark found, as text, Markdown or JSON, and written into a page between markers.

A page holds, for each table of a report::

    <!-- bench:NAME -->
    what stands here is replaced
    <!-- end -->
"""

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RUNS = 5


@dataclass(frozen=True)
class Table:
    """Rows under headings; each heading comes with the format of its cells, ``""`` for text."""

    name: str
    columns: dict[str, str]
    rows: list[list[Any]]

    def cells(self) -> list[list[str]]:
        """As they are shown; None is empty."""
        return [
            [
                "" if cell is None else format(cell, how)
                for cell, how in zip(row, self.columns.values(), strict=True)
            ]
            for row in self.rows
        ]

    def text(self) -> str:
        """Columns aligned with spaces."""
        lines = [list(self.columns), *self.cells()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        sides = ["<" if how == "" else ">" for how in self.columns.values()]
        return "\n".join(
            "  ".join(map(format, line, map("{}{}".format, sides, widths))).rstrip()
            for line in lines
        )

    def markdown(self) -> str:
        """A table as GitHub shows it."""
        lines = [
            list(self.columns),
            [":--" if how == "" else "--:" for how in self.columns.values()],
        ]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines + self.cells())


@dataclass(frozen=True)
class Aim:
    """A figure that was asked for, and what was found."""

    what: str
    found: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the figure lies where it should."""
        low = -float("inf") if self.at_least is None else self.at_least
        high = float("inf") if self.at_most is None else self.at_most
        return low <= self.found <= high


@dataclass(frozen=True)
class Report:
    """Tables of one run, and on what they were measured."""

    tables: list[Table]
    aims: list[Aim] = field(default_factory=list)
    packages: tuple[str, ...] = ("numpy", "numba")
    conditions: str = ""

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """What :func:`main` printed with ``--json``."""
        found = json.loads(text)
        tables = [Table(**table) for table in found["tables"]]
        return cls(tables, [Aim(**aim) for aim in found["aims"]], (), found["conditions"])


def conditions(packages: Sequence[str], runs: int) -> str:
    """Date, processor, how busy it is, versions, runs: one line."""
    now = datetime.now(UTC)
    names = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            names.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            names.append(f"{package} (unknown version)")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{now.day} {now:%B %Y}; {_processor()}, {cores} cores{load}; {', '.join(names)}; "
        f"medians of {runs} alternated runs"
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            found = re.search(r"^model name\s*:\s*(.+)$", file.read(), re.M)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def renewed(page: str, tables: Sequence[Table], note: str) -> str:
    """`page` with the tables between their markers, and the note below the last of them.

    Raises
    ------
    ValueError
        If a table has no markers there, or more than one pair.
    """
    for table in tables:
        pattern = rf"(<!-- bench:{table.name} -->\n).*?(<!-- end -->)"
        text = table.markdown() + (f"\n\n*{note}*\n" if table is tables[-1] else "\n")
        page, count = re.subn(pattern, lambda m, text=text: m[1] + text + m[2], page, flags=re.S)
        if count != 1:
            raise ValueError(
                f"table {table.name!r} needs one pair of markers, '<!-- bench:{table.name} -->' "
                f"and '<!-- end -->', found {count}"
            )
    return page


def show(report: Report, args: argparse.Namespace) -> None:
    """Print a report as the arguments say, and write it into a page."""
    if args.json:
        print(json.dumps(asdict(report)))
    else:
        for table in report.tables:
            print(f"\n{table.name}\n{table.markdown() if args.markdown else table.text()}")
    if args.write:
        args.write.write_text(renewed(args.write.read_text(), report.tables, report.conditions))


def arguments(description: str) -> argparse.ArgumentParser:
    """What every benchmark understands."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--runs", type=int, help=f"alternated runs per figure ({RUNS})")
    parser.add_argument("--quick", action="store_true", help="a trial: one run of little")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="for machines")
    output.add_argument("--markdown", action="store_true", help="tables as in the documentation")
    output.add_argument("--write", type=Path, metavar="PAGE", help="renew the tables of a page too")
    return parser


def checked(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line; a trial's figures are not for a page."""
    args = parser.parse_args()
    if args.quick and args.write:
        parser.error("--quick is a trial and has no figures to --write")
    if args.write and not args.write.is_file():
        parser.error(f"--write: there is no page {args.write}")
    if args.runs is None:
        args.runs = 1 if args.quick else RUNS
    if args.runs < 1:
        parser.error(f"--runs must be at least 1, got {args.runs}")
    return args


def main(measure: Callable[[int, bool], Report], description: str) -> int:
    """A benchmark's command line: measure, show; exit code 0."""
    args = checked(arguments(description))
    found = measure(args.runs, args.quick)
    note = conditions(found.packages, args.runs)
    show(Report(found.tables, found.aims, found.packages, note), args)
    sys.stdout.flush()
    return 0
