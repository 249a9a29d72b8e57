"""Where a step's time goes: microseconds a world in every kernel, in the order they run.

The kernels that a step enters are replaced, wherever a module of the package names them, by ones
that time themselves; an environment built afterwards runs on those.  What is left over is Python
between the kernels.  CPU time of the thread, so that busy neighbours do not count.
Run: ``python -m benchmarks.profile_step [--worlds 256] [--organizations 20] [--quick]``
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numba.core.registry import CPUDispatcher

from benchmarks import report
from benchmarks.worlds import ROUNDS, random_actions, vector

Calls = dict[str, list[float]]
"""Kernel -> seconds of each call."""


@contextmanager
def timed_kernels(calls: Calls) -> Iterator[None]:
    """Kernels of the package note their time in `calls`.

    Whatever was compiled before keeps what it calls; so compile first, then enter.
    """
    modules = [m for name, m in sys.modules.items() if name.partition(".")[0] == "decent_gym"]
    found = [
        (module, name, kernel)
        for module in modules
        for name, kernel in vars(module).items()
        if isinstance(kernel, CPUDispatcher)
    ]
    try:
        for module, name, kernel in found:
            setattr(module, name, _timed(kernel, calls))
        yield
    finally:
        for module, name, kernel in found:
            setattr(module, name, kernel)


def _timed(kernel: Any, calls: Calls) -> Callable[..., Any]:
    function = kernel.py_func
    name = f"{function.__module__.removeprefix('decent_gym.')}.{function.__name__}"

    def run(*args: Any) -> Any:
        start = time.thread_time()
        answer = kernel(*args)
        calls.setdefault(name, []).append(time.thread_time() - start)
        return answer

    return run


def profile(worlds: int, organizations: int, days: int) -> list[list[Any]]:
    """Rows: kernel, calls a step, microseconds a world, share of the step; medians over steps."""
    warm = vector(worlds, organizations)
    actions = random_actions(warm.action_space.shape, ROUNDS - 1)  # the day's last step resets
    warm.step(actions[0])
    calls: Calls = {}
    kernels: Calls = {}
    steps: list[float] = []
    with timed_kernels(calls):
        env = vector(worlds, organizations)
        for _ in range(days):
            env.reset(seed=0)
            calls.clear()
            for action in actions:
                start = time.thread_time()
                env.step(action)
                steps.append(time.thread_time() - start)
            for name, seconds in calls.items():
                kernels.setdefault(name, []).extend(seconds)
    by_step = {name: np.reshape(seconds, (len(steps), -1)) for name, seconds in kernels.items()}
    inside = np.sum([part.sum(axis=1) for part in by_step.values()], axis=0)
    whole = float(np.median(steps))

    def row(name: str, times: int | None, seconds: Any) -> list[Any]:
        middle = float(np.median(seconds))
        return [name, times, middle / worlds * 1e6, middle / whole]

    return [
        *(row(f"`{name}`", part.shape[1], part.sum(axis=1)) for name, part in by_step.items()),
        row("Python between them", None, np.array(steps) - inside),
        row("a step", None, steps),
    ]


def main() -> int:
    """The command line; exit code 0."""
    parser = report.arguments(__doc__)
    parser.add_argument("--worlds", type=int, default=256)
    parser.add_argument("--organizations", type=int, default=20)
    args = report.checked(parser)
    columns = {"kernel": "", "calls": "", "µs a world": ".3f", "share": ".1%"}
    rows = profile(args.worlds, args.organizations, args.runs)
    found = [report.Table("profile", columns, rows)]
    note = report.conditions(("numpy", "numba"), args.runs)
    report.show(report.Report(found, conditions=note), args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
