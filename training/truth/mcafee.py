"""McAfee's auction: truth is the best report, and it costs little.

Source: R. P. McAfee, "A dominant strategy double auction", Journal of Economic Theory 56 (1992).
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from decent_gym import Rules
from decent_gym.units import MICRO_EUR_PER_EUR, NANO_EUR_PER_EUR
from training.truth.auction import Auction, Yardstick, learned, truthful
from training.truth.checks import Check, Setting, at_least, at_most, within
from training.truth.learning import train
from training.truth.market import BUY, SELL, FloatArray, IntArray, Market

MCAFEE = Rules(mechanism="mcafee", utility=None)
MERIT_ORDER = Rules(utility=None)
TOTAL = {2: 0.772, 5: 0.946, 10: 0.984, 50: 0.999}
TO_TRADERS = {2: 0.690, 5: 0.861, 10: 0.918, 50: 0.981}
TOLERANCE = {2: 0.006, 5: 0.003, 10: 0.003, 50: 0.001}
LEVELS = 5
MISREPORTS = 10_000
SIDE = 3


def nano(market: Market, limits: IntArray, types: IntArray) -> IntArray:
    """Everybody's profit in whole n-euro; limits and types in micro-euro/kWh, a unit is 1 kWh."""
    bought, money = market.trade(limits / MICRO_EUR_PER_EUR)
    # 1 kWh at 1 micro-euro/kWh is 1,000 n-euro; a float holds both factors exactly
    return np.rint(bought * types * 1000 + money * NANO_EUR_PER_EUR).astype(np.int64)


def exhaustive(rules: Rules) -> int:
    """The most that any misreport in any 3 x 3 book of five price levels gains, n-euro."""
    types = np.array(list(product(range(1, LEVELS + 1), repeat=2 * SIDE)))
    market = Market([SELL] * SIDE + [BUY] * SIDE, len(types), rules)
    truth = nano(market, types, types)
    best = np.iinfo(np.int64).min
    for trader, report in product(range(2 * SIDE), range(LEVELS + 2)):
        limits = types.copy()
        limits[:, trader] = report
        lies = limits[:, trader] != types[:, trader]
        gain = (nano(market, limits, types) - truth)[lies, trader]
        best = max(best, int(gain.max()))
    return best


def random_misreports(rules: Rules) -> int:
    """The most that one trader's misreport gains in 10^4 random books of 10 a side, n-euro."""
    random = np.random.default_rng(0)
    types = random.integers(0, MICRO_EUR_PER_EUR, (MISREPORTS, 20))
    liar, worlds = random.integers(0, 20, MISREPORTS), np.arange(MISREPORTS)
    market = Market([SELL] * 10 + [BUY] * 10, MISREPORTS, rules)
    truth = nano(market, types, types)
    limits = types.copy()
    limits[worlds, liar] = random.integers(0, MICRO_EUR_PER_EUR, MISREPORTS)
    return int((nano(market, limits, types) - truth)[worlds, liar].max())


def truth_core() -> list[Check]:
    return [
        at_most("most gained, 10^4 random misreports, n€", 0, [random_misreports(MCAFEE)], "exact"),
        at_most("most gained, all 3 x 3 books, n€", 0, [exhaustive(MCAFEE)], "exact"),
        at_least(
            "the same under merit_order, n€", 1, [exhaustive(MERIT_ORDER)], "exact: it can fail"
        ),
    ]


def truth_learned(seeds: Sequence[int]) -> list[Check]:
    types = (np.arange(50) + 0.5) / 50

    def game(worlds: int, seed: int) -> Auction:
        return Auction([truthful] * 3, [None, truthful, truthful], worlds, MCAFEE, seed=seed)

    grid = Yardstick(game(20_000, seed=1), SIDE, np.linspace(0, 1, 101))
    regrets = [grid.regret(types, learned(train(game(2048, seed), seed), BUY)) for seed in seeds]
    return [at_most("regret, 3 a side", 0.01, regrets, "PPO", 0)]


def shares(n: int) -> tuple[float, float]:
    """What McAfee's rule takes of the efficient gains, U[1, 1000]: in total, and for traders."""
    random = np.random.default_rng(n)
    types = random.integers(1, 1001, (100_000 // n, 2 * n))
    gains: list[FloatArray] = []
    kept: list[FloatArray] = []
    for rules in (MCAFEE, MERIT_ORDER):
        market = Market([SELL] * n + [BUY] * n, len(types), rules)
        bought, money = market.trade(types / MICRO_EUR_PER_EUR)
        gains.append((bought * types).sum())
        kept.append((bought * types + money * MICRO_EUR_PER_EUR).sum())
    return float(gains[0] / gains[1]), float(kept[0] / gains[1])


def shares_core() -> list[Check]:
    checks = []
    for n in TOTAL:
        total, traders = shares(n)
        how = f"{100_000 // n:,} books"
        checks.append(within(f"total, n = {n}", TOTAL[n], TOLERANCE[n], [total], how))
        checks.append(
            within(f"to traders, n = {n}", TO_TRADERS[n], 2 * TOLERANCE[n], [traders], how)
        )
    return checks


SETTINGS = (
    Setting(
        "mcafee",
        "truth is optimal: no misreport gains, exactly",
        truth_core,
        truth_learned,
    ),
    Setting(
        "mcafee-shares",
        "U[1, 1000], n = 2, 5, 10, 50 a side: 77.2, 94.6, 98.4, 99.9 % of the optimum in total, "
        "69.0, 86.1, 91.8, 98.1 % to traders",
        shares_core,
    ),
)
