"""How long a book takes, batched and through the public `clear`, against sorting its prices.

Distinct books per call, all outputs written, medians of alternated runs.
Run: ``python benchmarks/bench_clear.py [--runs 15] [--ticks 220000] [--json]``
"""

import argparse
import json
import sys
import time
from collections.abc import Callable

import numpy as np

from decent_gym.clearing import Books, Outcome, Rules, clear
from decent_gym.clearing.merit_order import clear_books

SIZES = {32: 4096, 100: 2048, 128: 2048, 1_000: 256, 10_000: 32, 1_000_000: 1}
LOWEST = 80_000


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


def medians(tasks: dict[str, Callable[[], None]], runs: int) -> dict[str, tuple[float, float]]:
    """Median wall and CPU seconds of each task, the tasks taking turns."""
    wall: dict[str, list[float]] = {name: [] for name in tasks}
    cpu: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(runs):
        for name, task in tasks.items():
            wall_start, cpu_start = time.perf_counter(), time.process_time()
            task()
            cpu[name].append(time.process_time() - cpu_start)
            wall[name].append(time.perf_counter() - wall_start)
    return {name: (float(np.median(wall[name])), float(np.median(cpu[name]))) for name in tasks}


def batched(orders: int, books: int, ticks: int, runs: int) -> dict[str, float]:
    """Microseconds a book: clearing and np.sort of the int32 prices, in the same run."""
    batch = random_books(orders, books, ticks, seed=orders)
    outcome = Outcome.empty(books, orders)
    rules = Rules()
    prices = batch.price.astype(np.int32)
    buffer = np.empty_like(prices)

    def sort() -> None:
        buffer[:] = prices
        buffer.sort(axis=1)

    def run() -> None:
        clear_books(batch, rules, outcome, 0, books)

    run()
    times = medians({"clear": run, "sort": sort}, runs)
    return {
        "orders": orders,
        "clear_us": times["clear"][0] / books * 1e6,
        "clear_cpu_us": times["clear"][1] / books * 1e6,
        "sort_us": times["sort"][0] / books * 1e6,
    }


def public(orders: int, ticks: int, runs: int, calls: int = 300) -> dict[str, float]:
    """Microseconds a call of the public `clear`, every call on another book."""
    batch = random_books(orders, calls, ticks, seed=orders)
    books = [tuple(column[i].copy() for column in batch[1:4]) for i in range(calls)]

    def run() -> None:
        for side, price, energy in books:
            clear(side, price, energy)

    run()
    wall, cpu = medians({"clear": run}, runs)["clear"]
    return {"orders": orders, "call_us": wall / calls * 1e6, "call_cpu_us": cpu / calls * 1e6}


def main() -> int:
    """Print the table; exit code 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15, help="alternated runs per figure")
    parser.add_argument("--ticks", type=int, default=220_000, help="distinct prices in the books")
    parser.add_argument("--json", action="store_true", help="for machines")
    args = parser.parse_args()
    rows = [batched(n, books, args.ticks, args.runs) for n, books in SIZES.items()]
    calls = [public(n, args.ticks, args.runs) for n in (100, 1_000)]
    if args.json:
        print(json.dumps({"batched": rows, "public": calls}))
        return 0
    print(f"{'orders':>9} {'clear us':>10} {'cpu us':>10} {'np.sort us':>11} {'ratio':>6}")
    for row in rows:
        ratio = row["clear_us"] / row["sort_us"]
        print(
            f"{row['orders']:>9} {row['clear_us']:>10.3f} {row['clear_cpu_us']:>10.3f}"
            f" {row['sort_us']:>11.3f} {ratio:>6.1f}"
        )
    for row in calls:
        print(f"clear(), {row['orders']} orders: {row['call_us']:.2f} us a call")
    return 0


if __name__ == "__main__":
    sys.exit(main())
