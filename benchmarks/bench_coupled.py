"""Joint clearing of heat and electricity against HiGHS's own solve time.

Distinct markets per call, all outputs written.  Building HiGHS's model and reading its answer are
not counted; it starts without an earlier basis, with its defaults and, beside that, with the
options that suit it best here (no presolve, simplex).
Run: ``python -m benchmarks.bench_coupled [--quick]``
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.report import Aim, Report, Table, main
from benchmarks.timing import Time, alternated, clock
from decent_gym.clearing import clear_coupled
from decent_gym.clearing.coupled_inputs import checked_conversions
from decent_gym.clearing.coupled_problems import Problems
from decent_gym.units import IntArray

MARKETS = 1_024
SOLVES = 32
ORGANIZATIONS = (20, 100)
LEAST = 50.0
"""Times as fast as HiGHS, for 20 organizations."""
RETAIL, FEED_IN, BOILER = 300_000, 80_000, 110_000


def district(organizations: int, seed: int) -> tuple[IntArray, ...]:
    """Side, commodity, price, energy (MARKETS, M) and conversions (K, 5) of a winter round.

    Every organization bids for electricity and heat; two in five have solar power to sell, three
    in ten a heat pump, one in twenty a CHP plant; the utility quotes both prices of electricity,
    the heat plant sells at the boiler's cost.
    """
    rng = np.random.default_rng(seed)
    n = organizations
    solar, pumps, plants = 2 * n // 5, 3 * n // 10, max(1, n // 20)
    kinds = (  # count, side, commodity, lowest and highest price, most energy
        (n, 1, 0, FEED_IN, RETAIL, 800),
        (n, 1, 1, BOILER // 2, 2 * BOILER, 2_000),
        (solar, 0, 0, FEED_IN, 2 * FEED_IN, 2_000),
        (1, 0, 0, RETAIL, RETAIL + 1, 10**6),
        (1, 1, 0, FEED_IN, FEED_IN + 1, 10**6),
        (1, 0, 1, BOILER, BOILER + 1, 10**6),
    )
    columns: list[list[IntArray]] = [[], [], [], []]
    for count, side, commodity, low, high, most in kinds:
        shape = (MARKETS, count)
        columns[0].append(np.full(shape, side))
        columns[1].append(np.full(shape, commodity))
        columns[2].append(rng.integers(low, high, shape))
        columns[3].append(rng.integers(1, most, shape))
    rows = [(-1000, int(rng.integers(2_200, 4_500)), 0, 1_500, -1) for _ in range(pumps)]
    rows += [(1000, 2_000, 230_000, 5_000, -1) for _ in range(plants)]
    return (*(np.concatenate(column, axis=1) for column in columns), np.array(rows))


def batched(market: tuple[IntArray, ...]) -> Callable[[], object]:
    """Clearing all markets in one call."""
    side, commodity, price, energy, rows = market
    problems = Problems.empty(*side.shape, len(rows))
    problems.rows[:] = checked_conversions(rows, None, None).rows
    priority = np.zeros_like(side)
    return lambda: problems.clear(side, commodity, price, energy, priority, 0, MARKETS)


def public(market: tuple[IntArray, ...]) -> Callable[[], object]:
    """Clearing one after the other by the public function, checks included."""
    *columns, rows = market
    books = [[column[b].copy() for column in columns] for b in range(MARKETS)]

    def run() -> None:
        for side, commodity, price, energy in books:
            clear_coupled(side, commodity, price, energy, rows)

    return run


def highs_time(market: tuple[IntArray, ...], options: dict[str, str]) -> Callable[[], Time]:
    """HiGHS's `run` alone, over the first SOLVES markets."""
    import highspy

    models = [_model(highspy, [column[b] for column in market[:4]], market[4]) for b in
              range(SOLVES)]  # fmt: skip
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    for name, value in options.items():
        solver.setOptionValue(name, value)

    def run() -> Time:
        wall = cpu = 0.0
        for model in models:
            solver.clearSolver()
            solver.passModel(model)
            start = time.perf_counter(), time.process_time()
            solver.run()
            wall += time.perf_counter() - start[0]
            cpu += time.process_time() - start[1]
        return Time(wall, cpu)

    return run


def _model(highspy: Any, columns: list[IntArray], rows: IntArray) -> Any:
    """The welfare programme, column by column."""
    side, commodity, price, energy = columns
    n, k = len(side), len(rows)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = n + k, 2
    model.col_cost_ = np.concatenate([np.where(side == 0, price, -price), rows[:, 2]]).astype(float)
    model.col_lower_ = np.zeros(n + k)
    model.col_upper_ = np.concatenate([energy, rows[:, 3]]).astype(float)
    model.row_lower_ = model.row_upper_ = np.zeros(2)
    matrix = model.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kColwise
    matrix.start_ = np.concatenate([np.arange(n), n + 2 * np.arange(k + 1)]).astype(np.int32)
    matrix.index_ = np.concatenate([commodity, np.tile([0, 1], k)]).astype(np.int32)
    matrix.value_ = np.concatenate([np.where(side == 0, 1.0, -1.0), rows[:, :2].ravel() / 1000])
    return model


def measure(runs: int, quick: bool) -> Report:
    """One row a size."""
    sizes = ORGANIZATIONS[:1] if quick else ORGANIZATIONS
    tasks: dict[Any, Callable[[], Time]] = {}
    markets = {n: district(n, seed=n) for n in sizes}
    for n, market in markets.items():
        tasks["batch", n] = partial(clock, batched(market))
        tasks["public", n] = partial(clock, public(market))
        tasks["default", n] = highs_time(market, {})
        tasks["best", n] = highs_time(market, {"presolve": "off", "solver": "simplex"})
    times = alternated(tasks, runs)
    rows: list[list[float]] = []
    for n, market in markets.items():
        ours, ours_public = (times[kind, n].cpu / MARKETS * 1e6 for kind in ("batch", "public"))
        default, best = (times[kind, n].cpu / SOLVES * 1e6 for kind in ("default", "best"))
        rows.append([n, market[0].shape[1], len(market[4]), ours, ours_public, default, best,
                     default / ours, best / ours])  # fmt: skip
    columns = {
        "organizations": ",",
        "orders": ",",
        "conversions": ",",
        "µs of CPU a market": ",.2f",
        "by `clear_coupled`": ",.1f",
        "HiGHS": ",.0f",
        "HiGHS, best options": ",.0f",
        "times as fast": ",.0f",
        "than its best": ",.0f",
    }
    aim = Aim("joint clearing, 20 organizations, times HiGHS's solve", rows[0][-2], at_least=LEAST)
    return Report([Table("coupled", columns, rows)], [aim], ("numpy", "numba", "highspy"))


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
