"""Two suppliers, one fixed demand up to a price cap: market power when one of them is needed.

Cost 20, demand 80, cap 200; capacity 60 each (residual supply index 0.75) or 90 each (more than
1).  Prices are EUR/MWh, quantities kWh.

Source: the pay-as-bid equilibrium makes everybody indifferent over [80, 200]: whoever is dearer
sells 20 at a margin of at most 180, whoever is cheaper sells 60, so (p - 20) (60 - 40 F(p)) = 3600;
N. Fabra, N.-H. von der Fehr and D. Harbord, "Designing electricity auctions", RAND Journal of
Economics 37 (2006).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from decent_gym import Rules
from training.truth.checks import Check, Setting, at_least, at_most, within
from training.truth.learning import action, train
from training.truth.market import BUY, SELL, FloatArray, Market

COST, DEMAND, CAP = 20.0, 80.0, 200.0
PIVOTAL, NOT_PIVOTAL = 60.0, 90.0
UNIFORM = Rules(utility=None)
PAY_AS_BID = Rules(mechanism="pay_as_bid", price_rule=0, utility=None)  # 0: paid as the ask says
WORLDS = 1024
LEVELS = 41
TEMPERATURE = 0.02
"""PPO's entropy coefficient where two must stay random, in shares of all that demand could pay:
the lowest at which self-play settles; at 0.01 it goes round in circles."""
Rival = Callable[[np.random.Generator, int], FloatArray]
"""Draws its asks, EUR/MWh (W,)."""


def at_cost(random: np.random.Generator, worlds: int) -> FloatArray:
    return np.full(worlds, COST)


def mixed(random: np.random.Generator, worlds: int) -> FloatArray:
    """The pay-as-bid equilibrium: F(p) = (60 - 3600 / (p - 20)) / 40 on [80, 200]."""
    return COST + 3600 / (60 - 40 * random.random(worlds))


class Suppliers:
    """A learner against a rival, or two learners (rival None); an action is an ask, 0 to the cap.

    With `levels` the action chooses one of so many asks, evenly spaced from 0 to the cap.
    """

    def __init__(
        self,
        capacity: float,
        rules: Rules,
        rival: Rival | None,
        worlds: int = WORLDS,
        levels: int | None = None,
        seed: int = 0,
    ) -> None:
        self.market = Market([SELL, SELL, BUY], worlds, rules)
        self.quantities = np.array([capacity, capacity, DEMAND])
        self.asks = np.zeros((worlds, 3))
        self.asks[:, 2] = CAP
        self.rival, self.worlds, self.learners = rival, worlds, 1 if rival else 2
        self.random = np.random.default_rng(seed)
        self.rows = worlds * self.learners
        self.levels = None if levels is None else np.linspace(0, CAP, levels)
        self.observation_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.action_space: spaces.Space[Any] = spaces.Box(-1.0, 1.0, (1,), np.float32)
        if levels is not None:
            self.action_space = spaces.Discrete(levels)

    def deal(self) -> FloatArray:
        """Which of the two one is: there is nothing else to see."""
        if self.rival is not None:
            self.asks[:, 1] = self.rival(self.random, self.worlds)
        return np.tile(np.linspace(-1, 1, 2)[: self.learners], self.worlds)[:, None]

    def play(self, actions: npt.NDArray[Any]) -> FloatArray:
        """Profits as shares of all that the demand could pay, (rows,)."""
        asks = (actions + 1) / 2 * CAP if self.levels is None else self.levels[actions]
        self.asks[:, : self.learners] = asks.reshape(self.worlds, self.learners)
        return self.profits()[:, : self.learners].reshape(-1) / (DEMAND * CAP)

    def profits(self) -> FloatArray:
        """Of the suppliers, kWh x EUR/MWh (W, 2)."""
        bought, money = self.market.trade(self.asks / 1000, self.quantities)
        self.paid = -money[:, 2] * 1000
        return bought[:, :2] * COST + money[:, :2] * 1000

    def price(self) -> float:
        """What the demand pays on average, EUR/MWh."""
        return float(self.paid.mean() / DEMAND)


def response(game: Suppliers, asks: FloatArray) -> FloatArray:
    """The learner's mean profit with each ask, on the same draws of the rival."""
    game.deal()
    found = []
    for ask in asks:
        game.asks[:, 0] = ask
        found.append(game.profits()[:, 0].mean())
    return np.array(found)


def _price(game: Suppliers, ask: float) -> float:
    response(game, np.array([ask]))
    return game.price()


def uniform_core() -> list[Check]:
    asks = np.arange(0, 201.0)
    needed = Suppliers(PIVOTAL, UNIFORM, at_cost, 1)
    best = asks[response(needed, asks).argmax()]
    idle = Suppliers(NOT_PIVOTAL, UNIFORM, at_cost, 1)
    gains = response(idle, asks)
    return [
        within("best ask, RSI 0.75", 200, 0, [best], "grid"),
        within("price with it", 200, 0, [_price(needed, best)], "grid"),
        at_most("most that an ask earns, RSI > 1", 0, [gains.max()], "grid"),
        within("price at any ask from 20, RSI > 1", 20, 0, _prices(idle, asks[20:]), "grid"),
    ]


def _prices(game: Suppliers, asks: FloatArray) -> list[float]:
    return [_price(game, ask) for ask in asks]


def uniform_learned(seeds: Sequence[int]) -> list[Check]:
    needed, idle, rivals = [], [], []
    for seed in seeds:
        needed.append(_learn(Suppliers(PIVOTAL, UNIFORM, at_cost, seed=seed), seed))
        idle.append(_learn(Suppliers(NOT_PIVOTAL, UNIFORM, at_cost, seed=seed), seed))
        rivals.append(_learn(Suppliers(NOT_PIVOTAL, UNIFORM, None, seed=seed), seed, 500))
    return [
        at_least("price, RSI 0.75", 0.95 * CAP, needed, "PPO", CAP),
        within("price, RSI > 1", COST, 0.05 * COST, idle, "PPO"),
        within("price, RSI > 1, both learn", COST, 0.05 * COST, rivals, "PPO, both"),
    ]


def uniform_quick() -> list[Check]:
    found = _learn(Suppliers(PIVOTAL, UNIFORM, at_cost), 0, updates=45)
    return [at_least("price, RSI 0.75", 0.85 * CAP, [found], "PPO, short", CAP)]


def pay_as_bid_core() -> list[Check]:
    """Every ask of the support earns the same against the mixture, and no other earns more."""
    worlds = 20_000
    game = Suppliers(PIVOTAL, PAY_AS_BID, mixed, worlds)
    inside = response(game, np.arange(82.5, 200, 5.0))
    outside = response(game, np.arange(20, 80, 2.5))
    both = Suppliers(PIVOTAL, PAY_AS_BID, mixed, worlds)
    both.deal()
    both.asks[:, 0] = mixed(np.random.default_rng(1), worlds)
    both.profits()
    alone = Suppliers(PIVOTAL, PAY_AS_BID, at_cost, 1)
    asks = np.arange(0, 201.0)
    best = asks[response(alone, asks).argmax()]
    return [
        within("profit of every ask in [80, 200]", 3600, 36, inside, "grid"),
        at_most("profit of any ask below 80", 3600, outside, "grid"),
        within("price, both mixing", 110, 1, [both.price()], f"{worlds:,} books"),
        within("best ask against cost", 200, 0, [best], "grid"),
        within("price with it", 65, 0, [_price(alone, best)], "grid"),
    ]


def pay_as_bid_learned(seeds: Sequence[int]) -> list[Check]:
    against_cost, prices, missed = [], [], []
    for seed in seeds:
        game = Suppliers(PIVOTAL, PAY_AS_BID, at_cost, seed=seed)
        against_cost.append(_learn(game, seed))
        price, share = _mix(seed)
        prices.append(price)
        missed.append(share)
    how = f"PPO, both, entropy {TEMPERATURE}"
    return [
        within("price against cost", 65, 2, against_cost, "PPO"),
        within("price, both learn to mix", 110, 11, prices, how),
        within("the same, logit equilibrium", logit_price(), 4, prices, how),
        at_most("missed against a best response", 0.07, missed, how, 0),
    ]


def logit_price() -> float:
    """The price where both choose asks with odds exp(profit / temperature): what entropy makes.

    Source: R. McKelvey and T. Palfrey, "Quantal response equilibria for normal form games", Games
    and Economic Behavior 10 (1995).
    """
    game = Suppliers(PIVOTAL, PAY_AS_BID, at_cost, LEVELS**2)
    asks = np.linspace(0, CAP, LEVELS)
    game.asks[:, :2] = np.stack(np.meshgrid(asks, asks, indexing="ij"), axis=-1).reshape(-1, 2)
    payoff = game.profits()[:, 0].reshape(LEVELS, LEVELS) / (DEMAND * CAP)
    odds = np.full(LEVELS, 1 / LEVELS)
    for _ in range(20_000):
        logits = payoff @ odds / TEMPERATURE
        answer = np.exp(logits - logits.max())
        odds += 0.002 * (answer / answer.sum() - odds)
    return float(odds @ game.paid.reshape(LEVELS, LEVELS) @ odds / DEMAND)


def _mix(seed: int) -> tuple[float, float]:
    """The price of two learners who stay random, and what each misses against the other."""
    model = train(
        Suppliers(PIVOTAL, PAY_AS_BID, None, levels=LEVELS, seed=seed),
        seed,
        updates=300,
        n_steps=2,
        hidden=(8,),
        learning_rate=1e-2,
        ent_coef=TEMPERATURE,
        normalize_advantage=False,
    )
    both = Suppliers(PIVOTAL, PAY_AS_BID, None, 20_000, LEVELS)
    chosen, _ = model.predict(both.deal().astype(np.float32), deterministic=False)
    earned = float(both.play(chosen).mean()) * DEMAND * CAP
    theirs = both.asks[:, 1].copy()
    alone = Suppliers(PIVOTAL, PAY_AS_BID, lambda *_: theirs, 20_000)
    best = response(alone, np.linspace(0, CAP, LEVELS)).max()
    return both.price(), float(1 - earned / best)


def _learn(game: Suppliers, seed: int, updates: int = 150) -> float:
    """The price when the trained networks act without noise, EUR/MWh."""
    model = train(game, seed, updates=updates, n_steps=4, hidden=(8,))
    game.play(action(model, game.deal()))
    return game.price()


SETTINGS = (
    Setting(
        "pivotal-uniform",
        "one price: a supplier that is needed (RSI 0.75) takes the cap, 200; one that is not "
        "(RSI > 1) gets cost, 20",
        uniform_core,
        uniform_learned,
        uniform_quick,
    ),
    Setting(
        "pivotal-pay-as-bid",
        "pay as bid: mixed equilibrium on [80, 200], mean price 110; against a rival at cost 65",
        pay_as_bid_core,
        pay_as_bid_learned,
    ),
)
