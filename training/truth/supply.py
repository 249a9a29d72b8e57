"""n suppliers against a falling demand: quantities (Cournot) and slopes (supply functions).

Demand a - p, in steps of orders; a supplier's curve is as many orders.  Prices are EUR/kWh,
quantities kWh.

Source: A. Cournot (1838); P. Klemperer and M. Meyer, "Supply function equilibria in oligopoly under
uncertainty", Econometrica 57 (1989).
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from gymnasium import spaces

from decent_gym import Rules
from training.truth.checks import Check, Setting, within
from training.truth.learning import action, train
from training.truth.market import BUY, SELL, FloatArray, Market

A = 10.0
STEP = 0.2
"""kWh of an order; prices are as coarse."""
WORLDS = 512
BETA, SUPPLY_PRICE, COMPETITIVE, COURNOT = 0.618, 4.47, 10 / 3, 5.0
UNIT_COST = 1.0


class Demand:
    """n learners against a falling demand whose height differs a little from world to world.

    The height is a + U[-1, 1]: neither equilibrium's action depends on the last digit of it, and
    without it profits would be a staircase of the demand's steps.

    Parameters
    ----------
    suppliers : int
    orders : int
        Of a supplier.
    reach : float
        What the action +1 stands for; -1 is 0.
    """

    def __init__(
        self, suppliers: int, orders: int, reach: float, worlds: int = WORLDS, seed: int = 0
    ) -> None:
        bids = round((A + 1) / STEP)
        self.market = Market(
            [SELL] * (suppliers * orders) + [BUY] * bids,
            worlds,
            Rules(utility=None),
            owners=[i for i in range(suppliers) for _ in range(orders)] + [suppliers] * bids,
        )
        self.suppliers, self.worlds, self.reach = suppliers, worlds, reach
        self.steps = (np.arange(orders) + 0.5) * STEP
        self.bids = (np.arange(bids) + 0.5) * STEP
        self.heights = np.full(worlds, A)
        self.random = np.random.default_rng(seed)
        self.rows = worlds * suppliers
        self.observation_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def deal(self, evenly: bool = False) -> FloatArray:
        """Which of them one is: there is nothing else to see.

        `evenly` spreads the heights evenly, to compare on.
        """
        luck = (
            np.arange(self.worlds) + 0.5
            if evenly
            else self.random.uniform(0, self.worlds, self.worlds)
        )
        self.heights = A - 1 + 2 * luck / self.worlds
        return np.tile(np.linspace(-1, 1, self.suppliers), self.worlds)[:, None]

    def play(self, actions: FloatArray) -> FloatArray:
        choices = (actions.reshape(self.worlds, self.suppliers) + 1) / 2 * self.reach
        return self.profits(choices).reshape(-1) / A

    def profits(self, choices: FloatArray) -> FloatArray:
        """Of the suppliers, EUR (W, n)."""
        asks, quantities = self.curves(choices)
        bids = np.maximum(self.heights[:, None] - self.bids, 0)
        wanted = np.full(bids.shape, STEP)
        limits = np.concatenate((asks.reshape(self.worlds, -1), bids), axis=1)
        energies = np.concatenate((quantities.reshape(self.worlds, -1), wanted), axis=1)
        bought, money = self.market.trade(limits, energies)
        return money[:, : self.suppliers] - self.cost(-bought[:, : self.suppliers])

    def curves(self, choices: FloatArray) -> tuple[FloatArray, FloatArray]:
        raise NotImplementedError

    def cost(self, quantities: FloatArray) -> FloatArray:
        raise NotImplementedError


class Quantities(Demand):
    """Everybody offers one quantity at its constant unit cost of 1."""

    def __init__(self, suppliers: int, worlds: int = WORLDS, seed: int = 0) -> None:
        super().__init__(suppliers, 1, A / 2, worlds, seed)

    def curves(self, choices: FloatArray) -> tuple[FloatArray, FloatArray]:
        return np.full_like(choices, UNIT_COST), np.maximum(choices, 0.001)

    def cost(self, quantities: FloatArray) -> FloatArray:
        return UNIT_COST * quantities


class Slopes(Demand):
    """Everybody offers the quantity slope x price, at a cost of q^2 / 2."""

    def __init__(self, suppliers: int, worlds: int = WORLDS, seed: int = 0) -> None:
        super().__init__(suppliers, 30, 1.5, worlds, seed)

    def curves(self, choices: FloatArray) -> tuple[FloatArray, FloatArray]:
        asks = self.steps / np.maximum(choices, 0.06)[:, :, None]
        return asks, np.full(asks.shape, STEP)

    def cost(self, quantities: FloatArray) -> FloatArray:
        return quantities**2 / 2


def mean_price(game: Demand, choices: Sequence[float]) -> float:
    game.profits(np.tile(choices, (game.worlds, 1)))
    return float(game.market.price.mean())


def best(game: Demand, others: float, choices: FloatArray) -> float:
    """The first supplier's best choice when all others choose `others`."""
    game.deal(evenly=True)
    table = np.full((game.worlds, game.suppliers), others)
    profits = []
    for choice in choices:
        table[:, 0] = choice
        profits.append(game.profits(table)[:, 0].mean())
    return float(choices[np.argmax(profits)])


def cournot(n: int) -> tuple[float, float]:
    """Quantity of each, and price: p = (a + n c) / (n + 1)."""
    price = (A + n * UNIT_COST) / (n + 1)
    return (A - price) / n, price


def cournot_core() -> list[Check]:
    checks = []
    for n in (2, 3):
        quantity, price = cournot(n)
        game = Quantities(n)
        found = best(game, quantity, np.arange(1, 4.5, 0.05))
        checks.append(within(f"best quantity, n = {n}", quantity, 0.1, [found], "grid"))
        at = mean_price(game, [quantity] * n)
        checks.append(within(f"price with it, n = {n}", price, 0.1, [at], f"{WORLDS} books"))
    return checks


def slopes_core() -> list[Check]:
    game = Slopes(2, worlds=2 * WORLDS)
    found = best(game, BETA, np.arange(0.3, 1.2, 0.01))
    prices = [mean_price(game, [slope] * 2) for slope in (BETA, 1.0)]
    return [
        within("best slope against 0.618", BETA, 0.05, [found], "grid"),
        within("price at slope 0.618", SUPPLY_PRICE, 0.1, prices[:1], f"{game.worlds:,} books"),
        within("price at slope 1, cost", COMPETITIVE, 0.1, prices[1:], f"{game.worlds:,} books"),
    ]


def cournot_learned(seeds: Sequence[int]) -> list[Check]:
    checks = []
    for n in (2, 3):
        prices = [_learn(Quantities(n, seed=seed), seed)[1] for seed in seeds]
        checks.append(within(f"price, n = {n}", cournot(n)[1], 0.15, prices, "PPO, all"))
    return checks


def slopes_learned(seeds: Sequence[int]) -> list[Check]:
    found = [_learn(Slopes(2, seed=seed), seed) for seed in seeds]
    prices, slopes = [price for _, price in found], [slope for slope, _ in found]
    middle = partial(Check, "price, competitive to Cournot", SUPPLY_PRICE, COMPETITIVE, COURNOT)
    return [
        middle(tuple(prices), "PPO, both"),
        within("price", SUPPLY_PRICE, 0.15, prices, "PPO, both"),
        within("mean slope", BETA, 0.06, slopes, "PPO, both"),
    ]


def _learn(game: Demand, seed: int) -> tuple[float, float]:
    """Mean choice and mean price of trained suppliers."""
    model = train(game, seed, updates=150, n_steps=4, hidden=(8,))
    chosen = (action(model, game.deal(evenly=True)).reshape(game.worlds, -1) + 1) / 2 * game.reach
    return float(chosen.mean()), mean_price(game, chosen[0].tolist())


SETTINGS = (
    Setting(
        "cournot",
        "P = 10 - Q, constant cost 1: p = (a + n c) / (n + 1)",
        cournot_core,
        cournot_learned,
    ),
    Setting(
        "supply-functions",
        "linear supply functions, n = 2, demand 10 - p, cost q^2 / 2: slope 0.618, price 4.47 "
        "(competitive 3.33, Cournot 5)",
        slopes_core,
        slopes_learned,
    ),
)
