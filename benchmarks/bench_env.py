"""World-steps per second of the vector face: worlds x organizations, threads, memory.

``synthetic``, one learner a world with random actions, everything on: both books, forecasts,
scripted traders, delivery, imbalance, reason codes, rewards, observations; days of 96 rounds,
resets included.
Run: ``python -m benchmarks.bench_env [--quick] [--write docs/benchmarks.md]``
"""

import sys
import tracemalloc

from benchmarks.report import Aim, Report, Table, main
from benchmarks.timing import alternated
from benchmarks.worlds import days_of, random_actions, vector

WORLDS = (1, 8, 64, 256, 1_024)
ORGANIZATIONS = (5, 20, 100)
THREADED = (256, 1_024)
MANY = 128
"""Worlds whose memory is compared with one world's."""


def measure(runs: int, quick: bool) -> Report:
    """The three tables."""
    worlds, organizations = (WORLDS[:2], ORGANIZATIONS[:2]) if quick else (WORLDS, ORGANIZATIONS)
    threaded = worlds[-1:] if quick else THREADED
    kinds = [(w, n, 1) for n in organizations for w in worlds] + [(w, 20, 2) for w in threaded]
    enough = 0.01 if quick else 0.2
    tasks = {kind: days_of(vector(*kind), enough) for kind in kinds}
    times = alternated({kind: task for kind, (task, _) in tasks.items()}, runs)
    per_world = {(w, n, k): (tasks[w, n, k][1] * w, times[w, n, k]) for w, n, k in kinds}
    rate = {kind: steps / time.wall for kind, (steps, time) in per_world.items()}
    grid = [
        [w, n, rate[w, n, k], rate[w, n, k] * n, time.wall / steps * 1e6, time.cpu / steps * 1e6]
        for (w, n, k), (steps, time) in per_world.items()
        if k == 1
    ]
    few, many = threaded[0], threaded[-1]
    gain = [[w, rate[w, 20, 1], rate[w, 20, 2], rate[w, 20, 2] / rate[w, 20, 1]] for w in threaded]
    aims = [
        Aim(f"{few:,} worlds × 20, world-steps/s, one thread", rate[few, 20, 1], at_least=100_000),
        Aim(f"{many:,} worlds × 20, times with a second thread", gain[-1][-1], at_least=1.5),
    ]
    return Report([_grid(grid), _threads(gain), _memory(organizations)], aims)


def _grid(rows: list[list[float]]) -> Table:
    columns = {
        "worlds": ",",
        "organizations": ",",
        "world-steps/s": ",.0f",
        "agent-steps/s": ",.0f",
        "µs a world-step": ",.2f",
        "µs of CPU": ",.2f",
    }
    return Table("env", columns, rows)


def _threads(rows: list[list[float]]) -> Table:
    columns = {"worlds": ",", "1 thread": ",.0f", "2 threads": ",.0f", "times": ".2f"}
    return Table("threads", columns, rows)


def _memory(organizations: tuple[int, ...]) -> Table:
    """Bytes that Python and numpy allocate, the profiles of the scenario shared by all worlds."""
    rows = []
    for n in organizations:
        one, many = _allocated(1, n), _allocated(1 + MANY, n)
        each = (many - one) / MANY
        rows.append([n, each / 1e3, each / 1e3 / n, (one - each) / 1e6])
    columns = {
        "organizations": ",",
        "kB a world": ",.1f",
        "kB an organization": ",.2f",
        "shared by all worlds, MB": ",.1f",
    }
    return Table("memory", columns, rows)


def _allocated(worlds: int, organizations: int) -> int:
    """Bytes held after the first step."""
    tracemalloc.start()
    try:
        env = vector(worlds, organizations)
        env.step(random_actions(env.action_space.shape, 1)[0])
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
