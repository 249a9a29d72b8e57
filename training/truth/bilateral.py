"""One buyer, one seller, k = 1/2, values and costs U[0, 1].

Source: K. Chatterjee and W. Samuelson, "Bargaining under incomplete information", Operations
Research 31 (1983); R. Myerson and M. Satterthwaite, "Efficient mechanisms for bilateral trading",
Journal of Economic Theory 29 (1983).
"""

from collections.abc import Sequence

import numpy as np

from training.truth.auction import (
    Auction,
    Strategy,
    Yardstick,
    learned,
    linear_ask,
    linear_bid,
    truthful,
)
from training.truth.checks import Check, Setting, at_least, at_most, within
from training.truth.learning import train
from training.truth.market import BUY, SELL, FloatArray

GRID = np.linspace(0, 1, 201)
TYPES = (np.arange(100) + 0.5) / 100
DRAWS = 4_000
"""Of the other's type, evenly spread."""
WORLDS = 2048
MANY = 40_000
BOOKS = f"{MANY:,} books"
# trader 0 sells, trader 1 buys; where each trades at all in the linear equilibrium
TRADING = {SELL: TYPES[TYPES <= 0.75], BUY: TYPES[TYPES >= 0.25]}
NAMES = {SELL: "seller", BUY: "buyer"}


def against(side: int, other: Strategy, worlds: int, seed: int) -> Auction:
    """An auction in which `side` learns against `other`."""
    pair: list[Strategy | None] = [other, other]
    pair[side] = None
    return Auction(pair[:1], pair[1:], worlds, seed=seed)


def line(types: FloatArray, limits: FloatArray) -> tuple[float, float]:
    """Slope and intercept by least squares."""
    slope, intercept = np.polyfit(types, limits, 1)
    return float(slope), float(intercept)


def linear_core() -> list[Check]:
    both = Auction([linear_ask], [linear_bid], MANY)
    both.deal(evenly=True)
    gains = both.profits().sum()
    possible = np.maximum(both.types[:, 1] - both.types[:, 0], 0).sum()
    checks = [
        within("P(trade)", 9 / 32, 0.01, [np.isfinite(both.market.price).mean()], BOOKS),
        within("share of the gains", 27 / 32, 0.01, [gains / possible], BOOKS),
    ]
    for side, other, mine in ((BUY, linear_ask, linear_bid), (SELL, linear_bid, linear_ask)):
        checks += _best_response(side, other, mine, TRADING[side])
    return checks


def truthful_core() -> list[Check]:
    return [
        *_best_response(BUY, truthful, lambda v: 2 * v / 3, TYPES),
        *_best_response(SELL, truthful, lambda c: (1 + 2 * c) / 3, TYPES),
    ]


def _best_response(side: int, other: Strategy, truth: Strategy, types: FloatArray) -> list[Check]:
    """The core's best response is the one of the books, and the books' one misses nothing."""
    who, how = NAMES[side], "grid"
    yardstick = Yardstick(against(side, other, DRAWS, seed=0), side, GRID)
    slope, intercept = line(types, yardstick.best(types))
    expected = line(types, truth(types))
    return [
        within(f"{who}'s best slope", expected[0], 0.02, [slope], how),
        within(f"{who}'s best intercept", expected[1], 0.015, [intercept], how),
        at_most(f"{who}'s regret of the truth", 1e-3, [yardstick.regret(types, truth)], how, 0),
    ]


def linear_learned(seeds: Sequence[int]) -> list[Check]:
    checks = []
    for side, other, truth in ((BUY, linear_ask, linear_bid), (SELL, linear_bid, linear_ask)):
        lines, shares = _learn(side, other, TRADING[side], seeds)
        slope, intercept = line(TYPES, truth(TYPES))
        who = NAMES[side]
        checks += [
            within(f"{who}'s slope", slope, 0.05, [s for s, _ in lines], "PPO"),
            within(f"{who}'s intercept", intercept, 0.03, [i for _, i in lines], "PPO"),
            at_least(f"{who}'s profit / best response", 0.97, shares, "PPO", 1),
        ]
    return checks


def linear_quick() -> list[Check]:
    """Half a minute's training in five seconds: the buyer alone, with wider tolerances."""
    lines, shares = _learn(BUY, linear_ask, TRADING[BUY], (0,), updates=60)
    return [
        within("buyer's slope", 2 / 3, 0.12, [lines[0][0]], "PPO, short"),
        within("buyer's intercept", 1 / 12, 0.09, [lines[0][1]], "PPO, short"),
        at_least("buyer's profit / best response", 0.97, shares, "PPO, short", 1),
    ]


def truthful_learned(seeds: Sequence[int]) -> list[Check]:
    checks = []
    for side in (BUY, SELL):
        lines, shares = _learn(side, truthful, TYPES, seeds)
        who = NAMES[side]
        checks += [
            within(f"{who}'s slope", 2 / 3, 0.05, [s for s, _ in lines], "PPO"),
            at_least(f"{who}'s profit / best response", 0.97, shares, "PPO", 1),
        ]
    return checks


def _learn(
    side: int, other: Strategy, types: FloatArray, seeds: Sequence[int], updates: int = 300
) -> tuple[list[tuple[float, float]], list[float]]:
    """A line and the share of the best response's profit, a seed each."""
    yardstick = Yardstick(against(side, other, DRAWS, seed=1), side, GRID)
    lines, shares = [], []
    for seed in seeds:
        game = against(side, other, WORLDS, seed)
        mine = learned(train(game, seed, updates=updates), side)
        lines.append(line(types, mine(types)))
        shares.append(1 - yardstick.regret(types, mine))
    return lines, shares


def both_core() -> list[Check]:
    """Truth-telling would take all gains: the bound binds who maximises, not the rules."""
    both = Auction([truthful], [truthful], MANY)
    both.deal(evenly=True)
    possible = np.maximum(both.types[:, 1] - both.types[:, 0], 0).sum()
    share = both.profits().sum() / possible
    return [within("share of the gains, both truthful", 1, 1e-3, [share], BOOKS)]


def both_learned(seeds: Sequence[int]) -> list[Check]:
    shares, regrets = [], []
    for seed in seeds:
        model = train(Auction([None], [None], WORLDS, seed=seed), seed)
        pair = {side: learned(model, side) for side in (SELL, BUY)}
        both = Auction([pair[SELL]], [pair[BUY]], DRAWS, seed=1)
        both.deal(evenly=True)
        possible = np.maximum(both.types[:, 1] - both.types[:, 0], 0).sum()
        shares.append(both.profits().sum() / possible)
        regrets.append(
            max(Yardstick(both, side, GRID).regret(TYPES, pair[side]) for side in (SELL, BUY))
        )
    return [
        at_most("share of the gains", 27 / 32 + 0.015, shares, "PPO, both", 27 / 32),
        at_most("greater regret of the two", 0.03, regrets, "PPO, both", 0),
    ]


SETTINGS = (
    Setting(
        "bilateral",
        "linear opponent: b = 2v/3 + 1/12 (v >= 1/4), s = 2c/3 + 1/4 (c <= 3/4); trade in 9/32, "
        "27/32 of the gains",
        linear_core,
        linear_learned,
        linear_quick,
    ),
    Setting(
        "bilateral-truthful",
        "truthful opponent: b = 2v/3, s = (1 + 2c)/3",
        truthful_core,
        truthful_learned,
    ),
    Setting(
        "bilateral-both",
        "both learn: at most 27/32 of the gains (Myerson and Satterthwaite)",
        both_core,
        both_learned,
    ),
)
