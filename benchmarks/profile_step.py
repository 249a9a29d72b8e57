"""Where a step's time goes: microseconds a world in every kernel, in the order they run.

The kernels that a step enters are replaced, wherever a module of the package names them, by ones
that time themselves; an environment built afterwards runs on those.  What is left over is Python
and NumPy between the kernels.  CPU time of the thread, so that busy neighbours do not count.
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
from decent_gym.envs import TraderVectorEnv

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


def day(env: TraderVectorEnv, actions: list[np.ndarray], calls: Calls) -> list[float]:
    """CPU seconds of each step of a day; `calls` holds those of these steps alone."""
    env.reset(seed=0)
    calls.clear()
    seconds = []
    for action in actions:
        start = time.thread_time()
        env.step(action)
        seconds.append(time.thread_time() - start)
    return seconds


def profile(worlds: int, organizations: int, days: int) -> list[list[Any]]:
    """Rows: kernel, calls a step, microseconds a world, share of the step; medians over steps.

    The whole step is timed on days of its own, without clocks inside; the rest is the difference.
    """
    plain = vector(worlds, organizations)
    actions = random_actions(plain.action_space.shape, ROUNDS - 1)  # the day's last step resets
    calls: Calls = {}
    day(plain, actions[:1], calls)
    with timed_kernels(calls):
        timed = vector(worlds, organizations)
    steps: list[float] = []
    kernels: Calls = {}
    for _ in range(days):
        steps += day(plain, actions, calls)
        with timed_kernels(calls):
            day(timed, actions, calls)
        for name, seconds in calls.items():
            kernels.setdefault(name, []).extend(seconds)
    whole = float(np.median(steps))
    rows: list[list[Any]] = []
    for name, seconds in kernels.items():
        by_step = np.reshape(seconds, (len(steps), -1))
        each = float(np.median(by_step.sum(axis=1)))
        rows.append([f"`{name}`", by_step.shape[1], each / worlds * 1e6, each / whole])
    rest = 1.0 - sum(row[3] for row in rows)
    rows.append(["Python and NumPy between them", None, rest * whole / worlds * 1e6, rest])
    rows.append(["a step", None, whole / worlds * 1e6, 1.0])
    return rows


def main() -> int:
    """The command line; exit code 0."""
    parser = report.arguments(__doc__)
    parser.add_argument("--worlds", type=int, default=256)
    parser.add_argument("--organizations", type=int, default=20)
    args = report.checked(parser)
    columns = {"kernel": "", "calls": ",", "µs a world": ".3f", "share": ".1%"}
    rows = profile(args.worlds, args.organizations, args.runs)
    found = [report.Table("profile", columns, rows)]
    note = report.conditions(("numpy", "numba"), args.runs)
    report.show(report.Report(found, conditions=note), args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
