"""Where output goes: results to stdout, progress to stderr, and only if somebody looks at it."""

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from decent_gym.errors import plain

PLAIN_WIDTH: Final = 110
"""Columns of a table that goes into a file or a pipe."""

LONGEST_COMPLAINT: Final = 2_000

Advance = Callable[[int], None]


def out(width: int = PLAIN_WIDTH) -> Console:
    """The console for results; `width` is for what is not a terminal."""
    if sys.stdout.isatty():
        return Console()
    return Console(width=width, highlight=False)


def write_json(value: Any) -> None:
    """One JSON object on stdout, keys in the order given."""
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)
    # names that are no UTF-8 come from the command line as lone surrogates; JSON escapes them
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")


def note(text: str) -> None:
    """One line on stderr that is no part of the result."""
    sys.stderr.write(f"{plain(text)}\n")


def complain(error: BaseException | str) -> None:
    """One line on stderr."""
    text = plain(" ".join(str(error).split()))
    cut = text if len(text) <= LONGEST_COMPLAINT else f"{text[: LONGEST_COMPLAINT - 3]}..."
    sys.stderr.write(f"decent-gym: {cut}\n")


@contextmanager
def terminable() -> Iterator[None]:
    """Within it SIGTERM ends a command as Ctrl-C does: with a last word."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def progress(
    what: str, total: int | None, *, quiet: bool = False, unit: str = "rounds"
) -> Iterator[Advance]:
    """A progress bar on stderr; gives a function that is told how many rounds (or so) are done.

    Nothing is shown if stderr is not a terminal or `quiet` is set.
    """
    stderr = Console(stderr=True)
    if quiet or not stderr.is_terminal:
        yield _nothing
        return
    with Progress(*_columns(total, unit), console=stderr, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _nothing(done: int) -> None:
    """Show no progress."""


def _columns(total: int | None, unit: str) -> tuple[ProgressColumn, ...]:
    start = (SpinnerColumn(), TextColumn("{task.description}"))
    if total is None:
        return (*start, TimeElapsedColumn())
    left = (TextColumn("left"), TimeRemainingColumn())
    return (*start, BarColumn(), MofNCompleteColumn(), _Rate(unit), *left)


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """How many per second, once known."""
        speed = task.finished_speed or task.speed
        return Text("compiling" if speed is None else f"{speed:,.0f} {self._unit}/s")
