"""What learning agents must find, and whether they do.

    python -m training.truth
    python -m training.truth --fast
    python -m training.truth --only bilateral cournot --seeds 0

Small markets with a known equilibrium run through the same grid operator as everything else.  What
can be said without learning is checked by trying every action of a grid; then PPO learns it.  Of
several seeds every one must be within the tolerance; the worst is shown.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path

import tyro
from rich.console import Console

from decent_gym.errors import DecentGymError, InputError
from training.truth.checks import Check, Setting
from training.truth.report import Line, markdown, table
from training.truth.settings import SETTINGS


@dataclass(frozen=True, kw_only=True)
class Args:
    """Print expected, found, tolerance and verdict; exit code 1 if a row fails."""

    only: tuple[str, ...] = ()
    """names of settings, as in the table's first column; default all"""
    fast: bool = False
    """what needs no learning, and two short trainings: for every commit"""
    seeds: tuple[int, ...] = (0, 1, 2)
    """of the trainings"""
    json: bool = False
    """one JSON document on stdout instead of the table"""
    markdown: Path | None = None
    """also write the table here"""
    progress: bool = True
    """say on stderr what is running, if it is a terminal"""


def chosen(names: Sequence[str]) -> list[Setting]:
    """The settings of these names; all for none."""
    for name in names:
        if name not in SETTINGS:
            near = get_close_matches(name, SETTINGS, 1, 0)
            raise InputError(f"there is no setting {name!r}; did you mean {near[0]!r}?")
    return [SETTINGS[name] for name in names or SETTINGS]


def parts(setting: Setting, args: Args) -> list[Callable[[], list[Check]]]:
    """What is to be run of a setting."""
    learned = setting.learned
    if args.fast:
        return [setting.core, *([setting.quick] if setting.quick else [])]
    return [setting.core, *([lambda: learned(args.seeds)] if learned else [])]


def run(args: Args) -> list[Line]:
    """Run the chosen settings, one after the other.

    Raises
    ------
    InputError
        For a setting that does not exist, or no seeds.
    """
    if not args.seeds:
        raise InputError("seeds: give at least one")
    console = Console(stderr=True)
    lines = []
    for setting in chosen(args.only):
        for part in parts(setting, args):
            with console.status(setting.name) if args.progress else console:
                begin = time.process_time()
                checks = part()
                seconds = time.process_time() - begin
            lines += [Line(setting.name, check, seconds) for check in checks]
    return lines


def document(lines: Sequence[Line], args: Args) -> str:
    """The table in Markdown, with what it was made by."""
    words = "python -m training.truth" + " --fast" * args.fast
    words += f" --only {' '.join(args.only)}" if args.only else ""
    seeds = ", ".join(map(str, args.seeds))
    return f"`{words}`, seeds {seeds}, {date.today().isoformat()}:\n\n{markdown(lines)}"


def main() -> int:
    args = tyro.cli(Args, description=__doc__)
    try:
        lines = run(args)
    except DecentGymError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if args.markdown is not None:
        args.markdown.write_text(document(lines, args), encoding="utf-8")
    if args.json:
        rows = [line.to_dict() for line in lines]
        print(json.dumps({"schema": 1, "seeds": args.seeds, "rows": rows}, indent=2))
    else:
        console = Console()
        console.print(table(lines))
        failed = sum(not line.check.passed for line in lines)
        console.print(f"{len(lines) - failed} of {len(lines)} rows within tolerance")
    return 0 if all(line.check.passed for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
