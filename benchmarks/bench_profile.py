"""Where a step's time goes: microseconds a world of every kernel, and what lies between them.

Kernels are timed one by one in the batched `synthetic` scenario, medians over steps.
Run: ``python benchmarks/bench_profile.py [--worlds 256] [--organizations 20] [--json]``
"""

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core.registry import CPUDispatcher

import decent_gym
from decent_gym.simulation import Episodes

Times = defaultdict[str, list[int]]


def timed(kernel: Any, times: Times) -> Callable[..., Any]:
    """`kernel`, with the nanoseconds of every call noted under its name."""
    name = f"{kernel.py_func.__module__.removeprefix('decent_gym.')}.{kernel.py_func.__name__}"

    def call(*arguments: Any) -> Any:
        start = time.perf_counter_ns()
        result = kernel(*arguments)
        times[name].append(time.perf_counter_ns() - start)
        return result

    return call


def watch(episodes: Episodes, times: Times) -> None:
    """Put a clock around every kernel, wherever the package holds it."""
    for module in [m for name, m in sys.modules.items() if name.startswith("decent_gym")]:
        for name, value in list(vars(module).items()):
            if isinstance(value, CPUDispatcher):
                setattr(module, name, timed(value, times))
    delivery = episodes.simulation._delivery
    delivery._steps = [(timed(kernel, times), arguments) for kernel, arguments in delivery._steps]


def run(episodes: Episodes, steps: int) -> list[int]:
    """Nanoseconds of CPU time of every step of a fresh episode."""
    episodes.reset(range(episodes.worlds))
    spent = []
    for _ in range(steps):
        start = time.process_time_ns()
        episodes.step()
        spent.append(time.process_time_ns() - start)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=256)
    parser.add_argument("--organizations", type=int, default=20)
    parser.add_argument("--steps", type=int, default=96)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    district = decent_gym.scenario("synthetic", organizations=args.organizations, days=7)
    learner = next(member.name for member in district.members if member.flexible)
    episodes = Episodes(district, [learner], worlds=args.worlds)
    episodes.reset(range(args.worlds))
    episodes.act(0, np.zeros(len(episodes.levers[0])))
    run(episodes, 4)  # compiles
    plain = statistics.median(run(episodes, args.steps))
    times: Times = defaultdict(list)
    watch(episodes, times)
    run(episodes, args.steps)
    unit = args.worlds * 1000
    table = {
        name: statistics.median(spent) * (len(spent) // args.steps)  # 0 for those of the reset
        for name, spent in times.items()
    }
    rows = sorted(((ns / unit, name) for name, ns in table.items() if ns), reverse=True)
    total = sum(us for us, _ in rows)
    if args.json:
        shown = {name: us for us, name in rows}
        print(json.dumps({"step_us": plain / unit, "kernels_us": shown}))
        return
    for us, name in rows:
        print(f"{us:8.3f}  {name}")
    print(f"{total:8.3f}  all kernels\n{plain / unit:8.3f}  the step, without clocks")


if __name__ == "__main__":
    main()
