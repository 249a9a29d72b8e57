"""Steps per second of the single face, with and without a ledger, and of 8 or 64 in a row.

Days of 96 rounds with random actions, resets included.
Run: ``python -m benchmarks.bench_single [--quick] [--write docs/benchmarks.md]``
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

import gymnasium
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from benchmarks.report import Aim, Report, Table, main
from benchmarks.timing import alternated
from benchmarks.worlds import ENOUGH, days_of, district, vector, whole_days
from decent_gym.envs import TraderEnv

SMALL, LARGE = 14, 20
BATCHES = (8, 64)
LONG = 672


def measure(runs: int, quick: bool) -> Report:
    """Both tables."""
    enough = 0.01 if quick else ENOUGH
    batches = BATCHES[:1] if quick else BATCHES
    small, large = ({"scenario": s, "learner": name} for s, name in map(district, (SMALL, LARGE)))
    with tempfile.TemporaryDirectory() as folder:
        on_disk = TraderEnv(**large, ledger=Path(folder) / "ledgers")
        long_on_disk = TraderEnv(**large, rounds=LONG, ledger=Path(folder) / "long")
        singles = {
            "`rural`, 15 organizations": TraderEnv(),
            f"`synthetic`, {SMALL} organizations": TraderEnv(**small),
            f"`synthetic`, {LARGE} organizations": TraderEnv(**large),
            "the same through `gymnasium.make`, which checks": gymnasium.make(
                "decent_gym/Trader-v0", **large
            ),
            "the same, ledger in memory": TraderEnv(**large, ledger="memory"),
            "the same, ledger on disk": on_disk,
            "on disk, episodes of a week": long_on_disk,
        }
        recorded = list(singles)[-3:]
        tasks = {
            name: whole_days(env, enough, LONG if env is long_on_disk else 96)
            for name, env in singles.items()
        }
        for count in batches:
            make = partial(TraderEnv, **large)
            in_a_row = SyncVectorEnv([make] * count, autoreset_mode=AutoresetMode.SAME_STEP)
            tasks[f"sync {count}"] = days_of(in_a_row, enough)
            tasks[f"vector {count}"] = days_of(vector(count, LARGE), enough)
        times = alternated({name: task for name, (task, _) in tasks.items()}, runs)
        on_disk.close()
        long_on_disk.close()
    rate = {name: tasks[name][1] / times[name].wall for name in tasks}
    rows = [[name, rate[name], times[name].cpu / tasks[name][1] * 1e6] for name in singles]
    against = [
        [n, n * rate[f"sync {n}"], n * rate[f"vector {n}"], rate[f"vector {n}"] / rate[f"sync {n}"]]
        for n in batches
    ]
    tables = [
        Table("single", {"`Trader-v0`": "", "steps/s": ",.0f", "µs of CPU": ",.0f"}, rows),
        Table(
            "sync",
            {"worlds": ",", "SyncVectorEnv": ",.0f", "vector face": ",.0f", "times": ".1f"},
            against,
        ),
    ]
    plain = rate[f"`synthetic`, {LARGE} organizations"]
    aims = [Aim(f"single face, {LARGE} organizations, steps/s", plain, at_least=10_000)]
    aims += [
        Aim(f"recording, {name}: share of steps/s", 1 - rate[name] / plain, at_most=0.2)
        for name in recorded
    ]
    return Report(tables, aims, ("numpy", "numba", "gymnasium"))


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
