"""The table of expected and found: on the terminal, as JSON, as Markdown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from training.truth.checks import Check
from training.truth.settings import SETTINGS

COLUMNS = ("quantity", "expected", "found", "allowed", "by", "verdict", "CPU s")
NUMBERS = ("expected", "CPU s")
FEW = 3


@dataclass(frozen=True)
class Line:
    """A check, where it belongs and what it cost."""

    setting: str
    check: Check
    seconds: float
    """CPU seconds of all checks that were made together with it, all seeds"""

    @property
    def cells(self) -> tuple[str, ...]:
        """As text, in the order of the columns."""
        check = self.check
        return (
            check.quantity,
            number(check.expected),
            found(check),
            allowed(check),
            check.how,
            "ok" if check.passed else "FAILED",
            f"{self.seconds:.0f}",
        )

    def to_dict(self) -> dict[str, Any]:
        """For machines; a bound that there is not is null."""
        check = self.check
        low, high = (x if math.isfinite(x) else None for x in (check.low, check.high))
        return {
            "setting": self.setting,
            "quantity": check.quantity,
            "expected": check.expected,
            "low": low,
            "high": high,
            "found": list(check.found),
            "by": check.how,
            "passed": check.passed,
            "seconds": round(self.seconds, 1),
        }


def found(check: Check) -> str:
    """What each seed found; of many figures the one nearest to failing."""
    if len(check.found) > FEW:
        return f"{number(check.worst)}, worst of {len(check.found)}"
    return ", ".join(map(number, check.found)) or "nothing"


def number(value: float) -> str:
    """Four digits that mean something, without an exponent."""
    if not math.isfinite(value):
        return str(value)
    digits = 0 if abs(value) >= 1000 else 2 if abs(value) >= 10 else 3 if abs(value) >= 1 else 4
    shown = f"{value:,.{digits}f}"
    shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return "0" if shown == "-0" else shown


def allowed(check: Check) -> str:
    """The interval as people write it."""
    if check.low == -math.inf:
        return f"at most {number(check.high)}"
    if check.high == math.inf:
        return f"at least {number(check.low)}"
    if check.low == check.high:
        return "exactly"
    return f"{number(check.low)} to {number(check.high)}"


def table(lines: Sequence[Line]) -> Group:
    """For the terminal: a table a setting, under the truth in words."""
    shown: list[Text | Table] = []
    for name, members in groupby(lines, key=lambda line: line.setting):
        part = Table(box=None, padding=(0, 2, 0, 0))
        for column in COLUMNS:
            part.add_column(column, justify="right" if column in NUMBERS else "left")
        for line in members:
            part.add_row(*line.cells, style=None if line.check.passed else "bold red")
        shown += [Text(f"{name}: {SETTINGS[name].truth}", style="bold"), part, Text()]
    return Group(*shown)


def markdown(lines: Sequence[Line]) -> str:
    """For the documentation."""
    rules = ["---:" if name in NUMBERS else "---" for name in COLUMNS]
    shown = []
    for name, members in groupby(lines, key=lambda line: line.setting):
        rows = [COLUMNS, rules, *(line.cells for line in members)]
        body = "".join(f"| {' | '.join(row)} |\n" for row in rows)
        shown.append(f"### {name}\n{SETTINGS[name].truth}.\n\n{body}")
    return "\n".join(shown)
