"""Blocks and exclusive groups: `clear_blocks`, HiGHS's own solve time, and every selection.

Distinct books of a district of 20 organizations with 40 orders; all three must find the same
welfare.  Building HiGHS's model is not counted; it has one thread, its defaults and no gap.
Run: ``PYTHONPATH=.:tests python -m benchmarks.bench_blocks [--quick]``
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from oracles.blocks import Offer, run
from oracles.blocks_highs import program, solver, welfare

from benchmarks.report import Report, Table, main
from benchmarks.timing import Time, alternated, clock

BOOKS = 20
BLOCKS = (5, 10, 20, 40)
MOST_TRIED = 20
"""Blocks with which every selection is tried."""
RETAIL, FEED_IN = 300_000, 80_000


def district(blocks: int, seed: int) -> list[Offer]:
    """Twenty loads and twenty offers of solar power, some of them blocks.

    Of ten blocks two are a battery that charges or sells, four are all or nothing, four take half
    or more.
    """
    rng = np.random.default_rng(seed)
    n = 40
    side = np.arange(n) % 2
    price = rng.integers(FEED_IN, RETAIL, n)
    energy = np.where(side == 1, rng.integers(50, 2_000, n), rng.integers(50, 1_500, n))
    minimum, group = np.zeros(n, np.int64), np.full(n, -1)
    minimum[:blocks] = energy[:blocks] // np.where(np.arange(blocks) % 5 < 3, 1, 2)
    for at in range(0, blocks - 1, 10):  # a pair, so two of ten
        group[at : at + 2] = at
        low, high = np.sort(price[at : at + 2])
        price[at : at + 2] = high, low  # sells dear, charges cheap
    columns = (side, price, energy, minimum, group, np.zeros(n, np.int64), rng.permutation(n))
    return [Offer(*(int(column[i]) for column in columns)) for i in range(n)]


def tried(offers: list[Offer]) -> int:
    """The most welfare, by trying every selection at every limit."""
    side, price, energy = (np.array([o[c] for o in offers]) for c in range(3))
    is_plain = np.array([not o.is_block for o in offers])
    best = 0
    for p in np.unique(price):
        gain = (2 * side - 1) * (price - p)
        wants = np.where(is_plain & (gain > 0), energy, 0)
        indifferent = np.where(is_plain & (gain == 0), energy, 0)
        most = (2 * side - 1) @ wants + indifferent[side == 1].sum()  # Wh that blocks must sell
        least = (2 * side - 1) @ wants - indifferent[side == 0].sum()
        low, high, worth = (np.zeros(1, np.int64) for _ in range(3))
        for unit in _units(offers):
            options = [(0, 0, 0)]
            for i in unit:
                if gain[i] >= 0:
                    few = offers[i].least if gain[i] == 0 else offers[i].energy
                    ends = sorted((few, offers[i].energy) if side[i] == 0 else
                                  (-few, -offers[i].energy))  # fmt: skip
                    options.append((*ends, int(gain[i] * energy[i])))
            low, high, worth = (
                np.concatenate([column + option[c] for option in options])
                for c, column in enumerate((low, high, worth))
            )
        balances = (low <= most) & (high >= least)
        found = int(worth[balances].max(initial=-1))
        best = max(best, found + int(gain @ wants)) if found >= 0 else best
    return best


def _units(offers: list[Offer]) -> list[list[int]]:
    """Single blocks and groups."""
    groups: dict[int, list[int]] = {}
    for i, offer in enumerate(offers):
        if offer.is_block:
            groups.setdefault(offer.group if offer.group >= 0 else -2 - i, []).append(i)
    return list(groups.values())


def highs_time(books: list[list[Offer]]) -> Callable[[], Time]:
    """HiGHS's `run` alone."""
    models = [program(offers) for offers in books]
    highs = solver()

    def solve() -> Time:
        pairs = zip(books, models, strict=True)
        cpu = sum(welfare(offers, highs, model)[1] for offers, model in pairs)
        return Time(cpu, cpu)

    return solve


def check(offers: list[Offer], highs: Any) -> tuple[int, float, int]:
    """The same welfare thrice; paradoxically rejected, and the per cent of welfare that are lost.

    Raises
    ------
    SystemExit
        If they differ.
    """
    result = run(offers)
    theirs = round(welfare(offers, highs)[0])
    blocks = sum(offer.is_block for offer in offers)
    every = tried(offers) if blocks <= MOST_TRIED else result.welfare
    if not result.welfare == every == theirs:
        raise SystemExit(f"welfare differs: {result.welfare}, {every} tried, HiGHS {theirs}")
    lost = 100 * (1 - result.welfare / result.relaxed_welfare)
    return len(result.paradoxically_rejected), lost, blocks


def measure(runs: int, quick: bool) -> Report:
    """One row a number of blocks."""
    sizes = BLOCKS[:2] if quick else BLOCKS
    highs = solver()
    rows: list[list[float | None]] = []
    for blocks in sizes:
        books = [district(blocks, seed) for seed in range(BOOKS)]
        found = [check(offers, highs) for offers in books]
        tasks: dict[str, Callable[[], Time]] = {
            "ours": partial(clock, lambda books=books: [run(offers) for offers in books]),
            "highs": highs_time(books),
        }
        if blocks <= MOST_TRIED:
            few = books[:2]
            tasks["tried"] = partial(clock, lambda few=few: [tried(offers) for offers in few])
        times = alternated(tasks, runs)
        ours, theirs = (times[name].cpu / BOOKS * 1e3 for name in ("ours", "highs"))
        every = times["tried"].cpu / 2 * 1e3 if "tried" in times else None
        rejected, lost = (float(np.mean([f[c] for f in found])) for c in range(2))
        rows.append([blocks, ours, theirs, theirs / ours, every, rejected, lost])
    columns = {
        "blocks of 40 orders": ",",
        "`clear_blocks`, ms of CPU": ",.2f",
        "HiGHS's run, ms of CPU": ",.1f",
        "times as fast": ",.0f",
        "every selection, ms of CPU": ",.1f",
        "paradoxically rejected": ",.1f",
        "welfare lost, %": ",.1f",
    }
    return Report([Table("blocks", columns, rows)], [], ("numpy", "numba", "highspy"))


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
