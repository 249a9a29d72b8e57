"""Ours and others' in turns, theirs in environments of their own, one core each.

Clearing: one book through our public `clear` and through ASSUME's ``PayAsClearRole.clear``, the
same distinct books, prepared in their own input types before the clock starts.  Stepping: ours,
CityLearn on profiles of `rural`, and EnvPool's CartPole, with random actions, resets included.
Run: ``make bench-peers``, or ``python -m benchmarks.bench_peers --assume PYTHON --envs PYTHON``
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.citylearn_data import BUILDINGS, write_dataset
from benchmarks.citylearn_data import ROUNDS as WEEK
from benchmarks.peer_assume import CALLS, books
from benchmarks.report import Report, Table, arguments, checked, conditions, show
from benchmarks.timing import Time, alternated, clock
from benchmarks.worlds import days_of, district, vector, whole_days
from decent_gym import clear
from decent_gym.envs import TraderEnv

ROOT = Path(__file__).resolve().parents[1]
CARTPOLES, CARTPOLE_STEPS = 1_024, 200
Ask = Callable[..., Time]


@contextmanager
def peer(python: str, module: str) -> Iterator[Ask]:
    """A peer that serves: call it with the arguments of its `prepare`."""
    command = [python, "-W", "ignore", "-m", f"benchmarks.{module}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def ask(*request: object) -> Time:
            print(json.dumps(request), file=requests, flush=True)
            answer = answers.readline()
            if not answer:
                raise SystemExit(f"{' '.join(command)} ended; what it said stands above")
            return Time(*json.loads(answer))

        yield ask
        requests.close()


def ours(orders: int, run: int) -> Time:
    """Our `clear` on the books of one run."""
    inputs = [tuple(map(np.array, zip(*book, strict=True))) for book in books(orders, run)]

    def task() -> None:
        for side, price, energy in inputs:
            clear(side, price, energy)

    return clock(task)


def clearing(assume: Ask, runs: int, quick: bool) -> Table:
    """One book a call."""
    sizes = list(CALLS)[: 1 if quick else None]
    tasks: dict[tuple[str, int], Callable[[], Time]] = {}
    for n in sizes:
        own, other = count(), count()  # every run has books of its own, the same for both
        tasks["ours", n] = lambda n=n, run=own: ours(n, next(run))
        tasks["theirs", n] = lambda n=n, run=other: assume(n, next(run))
    times = alternated(tasks, runs)
    rows = []
    for n in sizes:
        each = [times[who, n].cpu / CALLS[n] * 1e6 for who in ("ours", "theirs")]
        rows.append([n, *each, each[1] / each[0]])
    columns = {
        "orders": ",",
        "`decent_gym.clear`, µs of CPU": ",.1f",
        "`PayAsClearRole.clear`, µs of CPU": ",.1f",
        "ratio": ",.0f",
    }
    return Table("peers_clear", columns, rows)


def stepping(envs: Ask, runs: int, quick: bool) -> Table:
    """Environment steps a second, and what a step is."""
    enough = 0.01 if quick else 0.2
    scenario, learner = district(BUILDINGS)
    with tempfile.TemporaryDirectory() as folder:
        schema = str(write_dataset(Path(folder)))
        single, single_steps = whole_days(TraderEnv(scenario, learner), enough)
        batch, batch_steps = days_of(vector(CARTPOLES, BUILDINGS), enough)
        steps = WEEK // 7 if quick else WEEK
        cases: list[tuple[str, str, Callable[[], Time], int, int]] = [
            (
                f"CityLearn, {BUILDINGS} buildings",
                "load, PV and battery of each building, what the grid supplies; no market",
                partial(envs, "citylearn", schema, steps - 1),
                steps - 1,
                BUILDINGS,
            ),
            (
                f"single face, {BUILDINGS} organizations",
                "the devices of each organization and its scripted trader, offers, two books "
                "cleared and settled, forecasts, imbalance, reasons, rewards",
                single,
                single_steps,
                BUILDINGS,
            ),
            (
                f"vector face, {CARTPOLES:,} × {BUILDINGS}",
                "the same in every world",
                batch,
                batch_steps * CARTPOLES,
                BUILDINGS,
            ),
            (
                f"EnvPool's CartPole, {CARTPOLES:,}, one thread",
                "four floats by one Euler step, in C++",
                partial(envs, "envpool", CARTPOLES, CARTPOLE_STEPS),
                CARTPOLE_STEPS * CARTPOLES,
                1,
            ),
        ]
        times = alternated({name: task for name, _, task, _, _ in cases}, runs)
    rows = [
        [name, n / times[name].wall, n * agents / times[name].wall, times[name].cpu / n * 1e6, what]
        for name, what, _, n, agents in cases
    ]
    columns = {
        "": "",
        "env steps/s": ",.0f",
        "agent-steps/s": ",.0f",
        "µs of CPU a step": ",.2f",
        "a step is": "",
    }
    return Table("peers_envs", columns, rows)


def main() -> int:
    """The command line; exit code 0."""
    parser = arguments(__doc__)
    parser.add_argument("--assume", metavar="PYTHON", help="the interpreter that has ASSUME")
    parser.add_argument("--envs", metavar="PYTHON", help="the one that has CityLearn and EnvPool")
    args = checked(parser)
    if not (args.assume or args.envs):
        parser.error("--assume or --envs is needed; `make bench-peers` sets both up")
    tables = []
    with ExitStack() as stack:
        if args.assume:
            ask = stack.enter_context(peer(args.assume, "peer_assume"))
            tables.append(clearing(ask, args.runs, args.quick))
        if args.envs:
            ask = stack.enter_context(peer(args.envs, "peer_envs"))
            tables.append(stepping(ask, args.runs, args.quick))
    note = conditions(("numpy", "numba"), args.runs)
    show(Report(tables, conditions=note), args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
