"""An auction of one unit a trader: private values, one limit price each, one round."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from gymnasium import spaces
from stable_baselines3 import PPO

from decent_gym import Rules
from training.truth.learning import action
from training.truth.market import BUY, SELL, FloatArray, IntArray, Market

Strategy = Callable[[FloatArray], FloatArray]
"""From private values (or costs) to limits, EUR/kWh."""


def truthful(values: FloatArray) -> FloatArray:
    return values


def linear_bid(values: FloatArray) -> FloatArray:
    """The buyer's side of the linear equilibrium of Chatterjee and Samuelson (1983)."""
    return 2 * values / 3 + 1 / 12


def linear_ask(costs: FloatArray) -> FloatArray:
    """The seller's."""
    return 2 * costs / 3 + 1 / 4


def sight(types: FloatArray, sides: IntArray | int) -> FloatArray:
    """What learners of these types and sides see, (types.size, 2)."""
    seen = np.stack(np.broadcast_arrays(2 * types - 1, 2.0 * np.asarray(sides) - 1), axis=-1)
    return seen.reshape(-1, 2)


def learned(model: PPO, side: int) -> Strategy:
    """The strategy that a network has learned for one side."""
    return lambda types: (action(model, sight(types, side))[:, 0].astype(float) + 1) / 2


class Auction:
    """Sellers, then buyers; types are drawn from U[0, 1] anew in every round.

    A learner sees its type and its side, both scaled to [-1, 1]; its action is its limit price,
    [-1, 1] for [0, 1] EUR/kWh; its reward is its profit, EUR.

    Parameters
    ----------
    sellers, buyers : strategies; None learns
    worlds : int
    rules : Rules, optional
        Default merit order, midpoint.
    fixed : mapping of trader to type, optional
        Traders whose type is not drawn.
    seed : int
        Of the types.
    """

    def __init__(
        self,
        sellers: Sequence[Strategy | None],
        buyers: Sequence[Strategy | None],
        worlds: int,
        rules: Rules | None = None,
        fixed: Mapping[int, float] | None = None,
        seed: int = 0,
    ) -> None:
        self.strategies = [*sellers, *buyers]
        self.sides = np.array([SELL] * len(sellers) + [BUY] * len(buyers))
        self.learners = [i for i, s in enumerate(self.strategies) if s is None]
        self.worlds = worlds
        self.market = Market(self.sides.tolist(), worlds, rules or Rules(utility=None))
        self.fixed = dict(fixed or {})
        self.random = np.random.default_rng(seed)
        self.rows = worlds * len(self.learners)
        self.observation_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.types = np.zeros((worlds, len(self.strategies)))
        self.limits = np.zeros_like(self.types)

    def deal(self, evenly: bool = False) -> FloatArray:
        """Draw everybody's type; what the learners see, (rows, 2).

        `evenly` draws a Latin hypercube: the same distribution with less noise, to compare on.
        """
        drawn = self.random.random(self.types.shape)
        if evenly:
            ranks = np.tile(np.arange(self.worlds)[:, None], self.types.shape[1])
            drawn = (self.random.permuted(ranks, axis=0) + drawn) / self.worlds
        self.types[:] = drawn
        for trader, value in self.fixed.items():
            self.types[:, trader] = value
        for i, strategy in enumerate(self.strategies):
            if strategy is not None:
                self.limits[:, i] = strategy(self.types[:, i])
        sides = np.broadcast_to(self.sides, self.types.shape)
        return sight(self.types[:, self.learners], sides[:, self.learners])

    def play(self, actions: FloatArray) -> FloatArray:
        """The learners' profits, (rows,)."""
        self.limits[:, self.learners] = (actions.reshape(self.worlds, -1) + 1) / 2
        return self.profits()[:, self.learners].reshape(self.rows)

    def profits(self) -> FloatArray:
        """Trade at the limits as they stand; everybody's profit, EUR (W, N)."""
        bought, money = self.market.trade(self.limits)
        return bought * self.types + money


class Yardstick:
    """The best response of one trader, by trying every limit of a grid through the core.

    What a limit brings does not depend on the trader's own type, so that one pass over the grid
    serves all types: profit = type x bought + money.

    Parameters
    ----------
    auction : Auction
        Types are dealt once; the learners' limits, if there are others, stand as they are.
    trader : int
    limits : (K,), EUR/kWh
    """

    def __init__(self, auction: Auction, trader: int, limits: FloatArray) -> None:
        self.auction, self.trader, self.limits = auction, trader, limits
        auction.deal(evenly=True)
        self._bought, self._money = self._responses(limits)

    def best(self, types: FloatArray) -> FloatArray:
        """The best limit on the grid for each type, EUR/kWh; the first of equals."""
        return self.limits[self._profits(types).argmax(axis=1)]

    def best_profit(self, types: FloatArray) -> FloatArray:
        """Its profit, EUR a round."""
        return self._profits(types).max(axis=1)

    def profit(self, types: FloatArray, limits: FloatArray) -> FloatArray:
        """What each type earns with the limit beside it, on the same draws, EUR a round."""
        bought, money = self._responses(limits)
        return types * bought + money

    def regret(self, types: FloatArray, strategy: Strategy) -> float:
        """The share of the best response's profit that `strategy` misses, over all types."""
        found = self.profit(types, strategy(types)).sum()
        return float(1 - found / self.best_profit(types).sum())

    def _profits(self, types: FloatArray) -> FloatArray:
        return types[:, None] * self._bought + self._money

    def _responses(self, limits: FloatArray) -> tuple[FloatArray, FloatArray]:
        bought, money = np.empty(len(limits)), np.empty(len(limits))
        for k, limit in enumerate(limits):
            self.auction.limits[:, self.trader] = limit
            energies, moneys = self.auction.market.trade(self.auction.limits)
            bought[k] = energies[:, self.trader].mean()
            money[k] = moneys[:, self.trader].mean()
        return bought, money
