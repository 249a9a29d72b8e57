"""Blocks and exclusive groups by HiGHS: one mixed integer program, in floats.

The primal-dual program of M. Madani and M. Van Vyve, "Computationally efficient MIP formulation
and algorithms for European day-ahead electricity market auctions", European Journal of Operational
Research 242 (2015).  With y a block's acceptance, x energy, p the price and s what each order
gains, sign +1 for bids and -1 for asks, M larger than any gain per Wh::

    maximise   sum of sign limit x
    such that  sum of sign x = 0
               0 <= x <= energy (plain),  minimum y <= x <= energy y (block)
               at most one y of a group
               s >= sign (limit - p)                    (plain), s >= 0
               s >= sign (limit - p) - M (1 - y)        (block)
               sign (limit - p) >= -M (1 - y)           (block: nobody accepted loses)
               sum of sign limit x >= sum of energy s   (strong duality)

Run: ``PYTHONPATH=.:tests python -m oracles.blocks_highs 1000`` compares so many random books.
"""

import sys
import time
from typing import Any

import highspy
import numpy as np
from oracles.blocks import Offer, random_offers, run


def solver() -> Any:
    """HiGHS, silent, one thread, without a tolerated gap."""
    highs = highspy.Highs()
    for name, value in (("output_flag", False), ("threads", 1), ("mip_rel_gap", 0.0)):
        highs.setOptionValue(name, value)
    return highs


def program(offers: list[Offer]) -> Any:
    """The program, minimising minus the welfare; columns x (n), s (n), y (n), p."""
    n = len(offers)
    side, price, energy = (np.array([o[c] for o in offers], float) for c in range(3))
    least = np.array([o.least for o in offers], float)
    sign = 2 * side - 1
    is_block = least > 0
    big = float(np.ptp(price)) if n else 0.0
    x, s, y, p = np.arange(n), n + np.arange(n), 2 * n + np.arange(n), 3 * n
    rows: list[tuple[list[tuple[int, float]], float]] = []  # coefficients, at least so much
    rows += [([(x[i], f * sign[i]) for i in range(n)], 0.0) for f in (1, -1)]
    for i in range(n):
        m = big if is_block[i] else 0.0
        rows.append(([(x[i], -1), (y[i], energy[i])], 0.0))
        rows.append(([(x[i], 1), (y[i], -least[i])], 0.0))
        rows.append(([(s[i], 1), (p, sign[i]), (y[i], -m)], sign[i] * price[i] - m))
        if is_block[i]:
            rows.append(([(p, -sign[i]), (y[i], -big)], -sign[i] * price[i] - big))
    for label in {o.group for o in offers} - {-1}:
        rows.append(([(y[i], -1) for i in range(n) if offers[i].group == label], -1.0))
    rows.append(
        ([(x[i], sign[i] * price[i]) for i in range(n)] + [(s[i], -energy[i]) for i in range(n)], 0)
    )
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = len(rows), 3 * n + 1
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.cumsum([0] + [len(row) for row, _ in rows]).astype(np.int32)
    lp.a_matrix_.index_ = np.array([c for row, _ in rows for c, _ in row], np.int32)
    lp.a_matrix_.value_ = np.array([v for row, _ in rows for _, v in row], float)
    lp.row_lower_ = np.array([at_least for _, at_least in rows], float)
    lp.row_upper_ = np.full(len(rows), highspy.kHighsInf)
    lp.col_cost_ = np.concatenate([-sign * price, np.zeros(2 * n + 1)])
    lp.col_lower_ = np.concatenate([np.zeros(2 * n), ~is_block, [price.min() if n else 0]])
    lp.col_upper_ = np.concatenate(
        [energy, np.full(n, big), np.ones(n), [price.max() if n else 0]]
    ).astype(float)
    kinds = highspy.HighsVarType
    lp.integrality_ = [kinds.kInteger if 2 * n <= c < 3 * n else kinds.kContinuous
                       for c in range(3 * n + 1)]  # fmt: skip
    return lp


def welfare(offers: list[Offer], highs: Any, lp: Any = None) -> tuple[float, float]:
    """The most welfare, and the solve's own seconds of CPU."""
    if not offers:
        return 0.0, 0.0
    highs.clearSolver()
    highs.passModel(program(offers) if lp is None else lp)
    before = time.process_time()
    highs.run()
    seconds = time.process_time() - before
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return -highs.getInfo().objective_function_value, seconds


if __name__ == "__main__":
    highs, wrong = solver(), 0
    for seed in range(int(sys.argv[1])):
        book = random_offers(np.random.default_rng(seed), most=20, blocks=20)
        theirs, ours = welfare(book, highs)[0], run(book).welfare
        if abs(theirs - ours) > 1e-4:
            wrong += 1
            print(seed, theirs, ours)
    print(f"{wrong} of {sys.argv[1]} differ")
    sys.exit(wrong > 0)
