"""How long a book takes, batched and through the public `clear`, against sorting its prices.

Distinct books per call, all outputs written.
Run: ``python -m benchmarks.bench_clear [--quick] [--write docs/benchmarks.md]``
"""

import sys
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.report import Aim, Report, Table, main
from benchmarks.timing import alternated, clock
from decent_gym.clearing import Books, Outcome, Rules, clear
from decent_gym.clearing.merit_order import clear_books

SIZES = {32: 4096, 100: 2048, 128: 2048, 1_000: 256, 10_000: 32, 1_000_000: 1}
"""Orders a book, and how many books a call."""
LARGEST_IN_A_TRIAL = 1_000
TICKS, FEW_TICKS = 220_000, 50
"""Distinct prices in the books."""
LOWEST = 80_000
CALLS = 300
MOST = {32: 12.0, 1_000: 4.0, 1_000_000: 2.0}
"""Times that np.sort takes."""


def random_books(orders: int, books: int, ticks: int, seed: int) -> Books:
    """Books whose limits lie on `ticks` prices from 0.08 EUR/kWh upwards."""
    rng = np.random.default_rng(seed)
    shape = (books, orders)
    return Books(
        np.full(books, orders),
        rng.integers(0, 2, shape),
        LOWEST + rng.integers(0, ticks, shape),
        rng.integers(1, 4_000, shape),
        np.zeros(shape, np.int64),
        np.tile(np.arange(orders), (books, 1)),
        np.tile(np.arange(orders), (books, 1)),
        np.arange(books),
    )


def batched(orders: int, books: int, ticks: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """Clearing a batch, and sorting the int32 prices of its rows."""
    batch = random_books(orders, books, ticks, seed=orders)
    outcome, rules = Outcome.empty(books, orders), Rules()
    prices = batch.price.astype(np.int32)
    buffer = np.empty_like(prices)

    def sort() -> None:
        buffer[:] = prices
        buffer.sort(axis=1)

    return lambda: clear_books(batch, rules, outcome, 0, books), sort


def public(orders: int) -> Callable[[], None]:
    """Calls of the public `clear`, every one on another book."""
    batch = random_books(orders, CALLS, TICKS, seed=orders)
    books = [tuple(column[i].copy() for column in batch[1:4]) for i in range(CALLS)]

    def run() -> None:
        for side, price, energy in books:
            clear(side, price, energy)

    return run


def measure(runs: int, quick: bool) -> Report:
    """Both tables."""
    sizes = [n for n in SIZES if not quick or n <= LARGEST_IN_A_TRIAL]
    kinds = [(n, TICKS) for n in sizes] + [(sizes[-1], FEW_TICKS)]
    tasks: dict[object, Callable[[], None]] = {}
    for orders, ticks in kinds:
        tasks["clear", orders, ticks], tasks["sort", orders, ticks] = batched(
            orders, SIZES[orders], ticks
        )
    calls = (100,) if quick else (10, 100, 1_000)
    tasks |= {n: public(n) for n in calls}
    times = alternated({name: partial(clock, task) for name, task in tasks.items()}, runs)
    rows: list[list[float]] = []
    for orders, ticks in kinds:
        cleared, sorted_ = times["clear", orders, ticks], times["sort", orders, ticks]
        each = 1e6 / SIZES[orders]
        ratio = cleared.cpu / sorted_.cpu  # one thread: the wall adds what others do meanwhile
        rows.append(
            [orders, ticks, cleared.wall * each, cleared.cpu * each, sorted_.cpu * each, ratio]
        )
    columns = {
        "orders a book": ",",
        "distinct prices": ",",
        "µs a book": ",.3g",
        "µs of CPU": ",.3g",
        "np.sort, µs of CPU": ",.3g",
        "ratio": ".1f",
    }
    aims = [
        Aim(f"clearing, {row[0]:,} orders a book, times np.sort", row[-1], at_most=MOST[row[0]])
        for row in rows
        if row[0] in MOST and row[1] == TICKS
    ]
    one = [[n, times[n].wall / CALLS * 1e6, times[n].cpu / CALLS * 1e6] for n in calls]
    one_columns = {"orders": ",", "µs a call": ".2f", "µs of CPU": ".2f"}
    return Report([Table("clear", columns, rows), Table("public", one_columns, one)], aims)


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
