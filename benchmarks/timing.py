"""The clock: medians of alternated runs, CPU time beside wall time."""

import math
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

Name = TypeVar("Name")


class Time(NamedTuple):
    """Seconds; the CPU's are those of all threads of this process."""

    wall: float
    cpu: float


def clock(task: Callable[[], object]) -> Time:
    """How long one call takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    task()
    return Time(time.perf_counter() - wall, time.process_time() - cpu)


def alternated(tasks: Mapping[Name, Callable[[], Time]], runs: int) -> dict[Name, Time]:
    """Median times of tasks that measure themselves, each once in turn, `runs` times over.

    What disturbs the machine for a while so disturbs them all.  A run before the first warms up.
    """
    for task in tasks.values():
        task()
    times: dict[Name, list[Time]] = {name: [] for name in tasks}
    for _ in range(runs):
        for name, task in tasks.items():
            times[name].append(task())
    return {
        name: Time(*(statistics.median(column) for column in zip(*found, strict=True)))
        for name, found in times.items()
    }


def calls_for(task: Callable[[], object], seconds: float) -> int:
    """How many calls of `task` take that long, at least one."""
    return max(1, math.ceil(seconds / max(clock(task).wall, 1e-9)))
