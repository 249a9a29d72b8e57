"""Joint clearing by HiGHS: the welfare programme, and its optimal prices, in floats.

Run: ``PYTHONPATH=.:tests python -m oracles.coupled 10000`` checks so many random markets.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from decent_gym.clearing import CoupledResult, clear_coupled


@dataclass
class Market:
    """One instance, as `clear_coupled` takes it; `conversions` are rows of five."""

    side: np.ndarray
    commodity: np.ndarray
    price: np.ndarray
    energy: np.ndarray
    conversions: np.ndarray


@dataclass
class Optimum:
    """Welfare, the amounts and duals that HiGHS chose, and how long its own solve took."""

    welfare: float
    accepted: np.ndarray
    activity: np.ndarray
    duals: np.ndarray
    seconds: float


def solver() -> Any:
    """HiGHS with its own defaults, silent, one thread."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    return highs


def _sparse(rows: np.ndarray) -> Any:
    """A dense matrix as HiGHS takes it."""
    row, column = np.nonzero(rows)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = rows.shape
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.searchsorted(row, np.arange(rows.shape[0] + 1)).astype(np.int32)
    lp.a_matrix_.index_ = column.astype(np.int32)
    lp.a_matrix_.value_ = rows[row, column].astype(np.float64)
    return lp


def program(market: Market) -> Any:
    """The welfare programme, minimising minus the welfare."""
    n, k = len(market.side), len(market.conversions)
    groups = sorted({int(g) for g in market.conversions[:, 4]} - {-1})
    rows = np.zeros((2 + len(groups), n + k))
    sign = np.where(market.side == 0, 1.0, -1.0)
    for m in range(2):
        rows[m, :n] = np.where(market.commodity == m, sign, 0)
        rows[m, n:] = market.conversions[:, m] / 1000
    top = np.zeros(len(rows))
    for row, group in enumerate(groups, 2):
        members = market.conversions[:, 4] == group
        rows[row, n:] = members
        top[row] = market.conversions[members, 3].max()
    lp = _sparse(rows)
    lp.col_cost_ = np.concatenate([sign * market.price, market.conversions[:, 2]]).astype(float)
    lp.col_lower_ = np.zeros(n + k)
    lp.col_upper_ = np.concatenate([market.energy, market.conversions[:, 3]]).astype(float)
    lp.row_lower_ = np.where(np.arange(len(rows)) < 2, 0.0, -highspy.kHighsInf)
    lp.row_upper_ = top
    return lp


def optimum(market: Market, highs: Any, lp: Any = None) -> Optimum:
    """The best that can be done; building the model is not in the time."""
    lp = program(market) if lp is None else lp
    highs.clearSolver()
    highs.passModel(lp)
    before = highs.getRunTime()
    highs.run()
    seconds = highs.getRunTime() - before
    if highs.getModelStatus() == highspy.HighsModelStatus.kModelEmpty:
        return Optimum(0.0, np.zeros(0), np.zeros(0), np.zeros(2), seconds)
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    found = highs.getSolution()
    values = np.array(found.col_value)
    n = len(market.side)
    duals = np.array(found.row_dual)[:2]
    welfare = -highs.getObjectiveValue()
    return Optimum(welfare, values[:n], values[n:], duals, seconds)


def gain(market: Market, electricity: float, heat: float) -> float:
    """What everybody gains at given prices: at optimal ones, the welfare."""
    at = np.where(market.commodity == 0, electricity, heat)
    sign = np.where(market.side == 0, 1, -1)
    total = float((np.maximum(0, sign * (at - market.price)) * market.energy).sum())
    rows = market.conversions
    gains = np.maximum(0, rows[:, 0] / 1000 * electricity + rows[:, 1] / 1000 * heat - rows[:, 2])
    for group in set(rows[:, 4].tolist()):
        members = np.flatnonzero(rows[:, 4] == group)
        left = rows[members, 3].max()
        for k in members[np.argsort(-gains[members], kind="stable")]:
            runs = rows[k, 3] if group == -1 else min(left, rows[k, 3])
            left -= runs
            total += float(gains[k] * runs)
    return total


def price_interval(
    market: Market, welfare: float, highs: Any, of: int, given: float | None = None
) -> tuple[float, float]:
    """Lowest and highest optimal price of a commodity, infinite where there is no bound.

    The dual programme with its objective held at the optimum; `given` fixes electricity's price.
    """
    n, k = len(market.side), len(market.conversions)
    rows = market.conversions
    groups = sorted({int(g) for g in rows[:, 4]} - {-1})
    sign = np.where(market.side == 0, 1.0, -1.0)
    matrix = np.zeros((n + k + 1, 2 + n + k + len(groups)))
    for i in range(n):  # rent_i >= sign_i (price_m - limit_i)
        matrix[i, market.commodity[i]], matrix[i, 2 + i] = -sign[i], 1
    for j in range(k):
        matrix[n + j, :2] = -rows[j, :2] / 1000
        matrix[n + j, 2 + n + j] = 1
        if rows[j, 4] >= 0:
            matrix[n + j, 2 + n + k + groups.index(int(rows[j, 4]))] = 1
    capacities = [rows[rows[:, 4] == g, 3].max() for g in groups]
    matrix[-1, 2:] = np.concatenate([market.energy, rows[:, 3], capacities])
    lp = _sparse(matrix)
    columns = matrix.shape[1]
    lp.col_lower_ = np.zeros(columns)
    lp.col_upper_ = np.full(columns, highspy.kHighsInf)
    lower, upper = np.zeros(columns), np.full(columns, highspy.kHighsInf)
    lower[:2] = -highspy.kHighsInf
    if given is not None:
        lower[0] = upper[0] = given
    lp.col_lower_, lp.col_upper_ = lower, upper
    lp.row_lower_ = np.concatenate([-sign * market.price, -rows[:, 2], [-highspy.kHighsInf]])
    held = welfare + 1e-9 * abs(welfare)
    lp.row_upper_ = np.concatenate([np.full(n + k, highspy.kHighsInf), [held]])
    ends = []
    for direction in (1.0, -1.0):
        cost = np.zeros(columns)
        cost[of] = direction
        lp.col_cost_ = cost
        highs.clearSolver()
        highs.passModel(lp)
        highs.run()
        bounded = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        ends.append(direction * (highs.getObjectiveValue() if bounded else -np.inf))
    return ends[0], ends[1]


def random_market(rng: np.random.Generator, orders: int = 40, conversions: int = 10) -> Market:
    """Up to so many orders a commodity: tie-heavy small integers, or prices as in a district."""
    heavy = rng.random() < 0.5
    n = int(rng.integers(0, orders + 1)) + int(rng.integers(0, orders + 1))
    k = int(rng.integers(0, conversions + 1))
    prices = (-3, 12) if heavy else (-20_000, 350_000)
    energies = (1, 12) if heavy else (1, 5_000)
    if heavy and rng.random() < 0.5:
        energies = (1, 2)
    rows = np.empty((k, 5), np.int64)
    few = rng.integers(1, 6) * 500
    for j in range(k):
        kind = rng.integers(0, 5)
        ratio = int(few if heavy and rng.random() < 0.6 else rng.integers(1_000, 5_000))
        pair = [(-1000, ratio), (-1000, 990), (1000, ratio), (300, 600), (33, -1000)][kind]
        rows[j, :2] = pair
        rows[j, 2] = rng.integers(0, 4) if heavy else rng.integers(0, 80_000)
        rows[j, 3] = rng.integers(*energies)
        rows[j, 4] = rng.integers(-1, 3) if rng.random() < 0.5 else -1
    for group in range(3):
        if (rows[:, 4] == group).sum() == 1:
            rows[rows[:, 4] == group, 4] = -1
    return Market(
        rng.integers(0, 2, n),
        rng.integers(0, 2, n) if rng.random() < 0.9 else np.zeros(n, np.int64),
        rng.integers(*prices, n),
        rng.integers(*energies, n),
        rows,
    )


def run(market: Market, **options: Any) -> CoupledResult:
    """What the library does with it."""
    return clear_coupled(
        market.side, market.commodity, market.price, market.energy, market.conversions, **options
    )


def faults(market: Market, result: CoupledResult, best: Optimum) -> set[str]:
    """Everything that is wrong with a result; "strict" alone is a welfare only just too low.

    Whole Wh may cost 1 Wh times the span of limits, costs and prices per partial fill and
    conversion, where 1 Wh of activity counts as the Wh that it moves; "strict" counts it as 1.
    """
    bad = set()
    rows, sign = market.conversions, np.where(market.side == 0, 1, -1)
    prices = [p if p is not None else result.price_low[m] or 0 for m, p in enumerate(result.price)]
    at = np.array(prices)[market.commodity]
    for m in range(2):
        mine = market.commodity == m
        if (sign * result.accepted)[mine].sum() + result.delivered[:, m].sum():
            bad.add("energy does not balance")
        if result.price[m] is None and result.accepted[mine].any():
            bad.add("trade without a price")
    if result.surplus or (result.pays != -sign * at * result.accepted).any():
        bad.add("money does not balance")
    if (sign * (at - market.price) * result.accepted < 0).any():
        bad.add("a limit is broken")
    if (result.accepted < 0).any() or (result.accepted > market.energy).any():
        bad.add("more than offered")
    if (result.activity < 0).any() or (result.activity > rows[:, 3]).any():
        bad.add("more than can run")
    for group in set(rows[:, 4].tolist()) - {-1}:
        members = rows[:, 4] == group
        if result.activity[members].sum() > rows[members, 3].max():
            bad.add("a group passes what it shares")
    if (result.remainders < 0).any():
        bad.add("energy from nothing")
    priced = 1000 * result.profit.astype(object) + result.remainders.astype(object) @ prices
    if (priced < -(np.maximum(0, rows[:, :2]).sum(axis=1) * result.activity)).any():
        bad.add("a converter loses more than a tick times its output")
    levels = np.concatenate([market.price, rows[:, 2], prices])
    partial = int(((result.accepted > 0) & (result.accepted < market.energy)).sum())
    moved = np.maximum(1, np.abs(rows[:, :2]).max(axis=1) / 1000).sum() if len(rows) else 0
    gap = abs(best.welfare - result.welfare) - 1e-6 * abs(best.welfare) - 1e-6
    if gap > np.ptp(levels) * (partial + moved):
        bad.add("welfare")
    elif gap > np.ptp(levels) * (partial + len(rows)):
        bad.add("strict")
    if None not in result.price:
        tick = market.energy.sum() + (np.abs(rows[:, :2]).sum(axis=1) * rows[:, 3]).sum() / 1000
        if gain(market, *prices) > best.welfare + tick + 1e-6 * abs(best.welfare) + 1e-6:
            bad.add("prices are not optimal")
    return bad


if __name__ == "__main__":
    highs, found = solver(), Counter()
    for seed in range(int(sys.argv[1])):
        market = random_market(np.random.default_rng(seed))
        wrong = faults(market, run(market), optimum(market, highs))
        found.update(wrong or {"right"})
        if wrong:
            print(seed, *wrong)
    print(dict(found))
    sys.exit(0 if set(found) <= {"right", "strict"} else 1)
