"""n traders a side, k = 1/2, all others truthful: liquidity cures shading.

Source: M. A. Satterthwaite and S. R. Williams, "The rate of convergence to efficiency in the
buyer's bid double auction as the market becomes large", Review of Economic Studies 56 (1989);
A. Rustichini, M. A. Satterthwaite and S. R. Williams, Econometrica 62 (1994).
"""

from collections.abc import Sequence

import numpy as np

from training.truth.auction import Auction, Yardstick, learned, truthful
from training.truth.checks import Check, Setting, at_most, within
from training.truth.learning import train
from training.truth.market import BUY

VALUE = 0.8
SHADES = {1: 0.267, 2: 0.159, 4: 0.084, 8: 0.038, 16: 0.023}
SHADE_TOLERANCE = 0.03
BIDS = np.linspace(0.4, 0.8, 41)
ME = np.array([VALUE])


def market(n: int, worlds: int, seed: int) -> Auction:
    """N truthful sellers, a learner who values a unit at 0.8, n - 1 truthful buyers."""
    return Auction(
        [truthful] * n, [None] + [truthful] * (n - 1), worlds, fixed={n: VALUE}, seed=seed
    )


def yardstick(n: int, seed: int) -> Yardstick:
    return Yardstick(market(n, max(2**15 // n, 2**12), seed), n, BIDS)


def core() -> list[Check]:
    checks = []
    for n, shade in SHADES.items():
        grid = yardstick(n, seed=0)
        truth = np.array([VALUE - shade])
        found = VALUE - grid.best(ME)[0]
        regret = grid.regret(ME, lambda _, truth=truth: truth)
        checks.append(within(f"best shade, n = {n}", shade, 0.02, [found], "grid"))
        checks.append(at_most(f"regret of that shade, n = {n}", 1e-3, [regret], "grid", 0))
    return checks


def learn(seeds: Sequence[int]) -> list[Check]:
    checks = []
    for n, shade in SHADES.items():
        grid = yardstick(n, seed=1)
        shades, regrets = [], []
        for seed in seeds:
            game = market(n, 1024, seed)
            mine = learned(train(game, seed, updates=150, hidden=(8,)), BUY)
            shades.append(VALUE - mine(ME)[0])
            regrets.append(grid.regret(ME, mine))
        checks.append(at_most(f"regret, n = {n}", 0.01, regrets, "PPO", 0))
        if n <= 2:
            checks.append(within(f"shade, n = {n}", shade, SHADE_TOLERANCE, shades, "PPO"))
    return checks


SETTINGS = (
    Setting(
        "n-traders",
        "n a side, others truthful, v = 0.8: best shade 0.267, 0.159, 0.084, 0.038, 0.023 for "
        "n = 1, 2, 4, 8, 16",
        core,
        learn,
    ),
)
