"""What a fresh process waits for: the import, compiling, and loading what was compiled before.

Every figure is a process of its own.  Compiling everything happens once, in an empty cache.
Run: ``python -m benchmarks.bench_start [--quick] [--write docs/benchmarks.md]``
"""

import json
import os
import subprocess
import sys
import tempfile
from functools import partial

from benchmarks.report import Report, Table, main
from benchmarks.timing import Time, alternated

CLOCK = """
import json, time
def now():
    return time.perf_counter(), time.process_time()
begin = now()
{task}
print(json.dumps([b - a for a, b in zip(begin, now())]))
"""
NUMPY = "import numpy"
IMPORT = "import decent_gym"
FIRST_STEP = """
import decent_gym, gymnasium
env = gymnasium.make("decent_gym/Trader-v0")
env.reset(seed=0)
env.step(env.action_space.sample())
"""
FIRST_BATCH = """
import decent_gym, gymnasium
envs = gymnasium.make_vec("decent_gym/Trader-v0", 256, "vector_entry_point")
envs.reset(seed=0)
envs.step(envs.action_space.sample())
"""


def child(task: str, cache: str | None = None) -> Time:
    """How long `task` takes in a new process, by that process's clocks."""
    environment = os.environ | ({} if cache is None else {"NUMBA_CACHE_DIR": cache})
    command = [sys.executable, "-c", CLOCK.format(task=task)]
    answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return Time(*json.loads(answer.stdout))


def measure(runs: int, quick: bool) -> Report:
    """One table; a trial uses the cache there is and compiles nothing anew."""
    with tempfile.TemporaryDirectory() as folder:
        cache = None if quick else folder
        compiling = None if quick else child(FIRST_STEP, cache)
        tasks = {
            "`import numpy`, for comparison": NUMPY,
            "`import decent_gym`": IMPORT,
            "import to first step of one world, all compiled before": FIRST_STEP,
            "the same of 256 worlds": FIRST_BATCH,
        }
        times = alternated({name: partial(child, t, cache) for name, t in tasks.items()}, runs)
    rows = [[name, *time] for name, time in times.items()]
    if compiling is not None:
        rows.append(["import to first step of one world, compiling everything, once", *compiling])
    return Report([Table("start", {"": "", "s": ".2f", "s of CPU": ".2f"}, rows)])


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
