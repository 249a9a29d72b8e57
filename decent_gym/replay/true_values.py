"""What every order of a recorded episode is truly worth, found by stepping the episode again.

An order of the environment is a step of an organization's net-demand curve (``simulation.curve``):
it belongs to one block of flexible energy, or to the fixed net load.  Its true value is

- of fixed load: the retail price, its outside option;
- of PV beyond the load: the feed-in tariff, its outside option;
- of a block (battery, heat pump, CHP, boiler, stored heat): what the trader ``truthful`` would
  write there in the same state, whoever wrote the limit (``traders.truthful``): fuel costs are
  exact, what a stored kWh will be worth is that trader's estimate;
- of the utility and of the network's loss: the limit, which is a tariff.

So the values do not depend on how anybody bids.  Values of blocks lie within the tariffs, as the
trader's limits do.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from decent_gym.models import Commodity, Round, Side, Tariff
from decent_gym.replay.player import Player
from decent_gym.traders import NOBODY, TRADERS, Decisions, decide_all, traders_of
from decent_gym.units import IntArray

# energies and limits of an organization's blocks, in the order in which its curve takes them
_BLOCKS = {
    Commodity.ELECTRICITY: (
        ("charge", "charge_limit"),
        ("discharge", "discharge_limit"),
        ("pump_flex", "pump_limit"),
        ("chp", "chp_limit"),
    ),
    Commodity.HEAT: (
        ("heat_buy", "heat_buy_limit"),
        ("heat_sell", "heat_sell_limit"),
        ("boiler", "boiler_limit"),
    ),
}
_DRAWN = ("charge", "pump_flex", "heat_buy")
"""Blocks that are drawn below their limit; the others are fed in above it."""


class Step(NamedTuple):
    """One order of a net-demand curve: who, which way, how much (Wh), worth what."""

    owner: int
    side: int
    energy: int
    value: int


class TrueValues:
    """Values of the orders of one episode, round by round.

    Call :meth:`before` before a round is stepped and :meth:`after` once it is.

    Parameters
    ----------
    player : Player
    """

    def __init__(self, player: Player) -> None:
        self._simulation = player.simulation
        n = len(self._simulation.scenario.members)
        self._truth = Decisions.empty(1, n)
        truthful = TRADERS["truthful"]
        view = self._simulation.view
        policy = np.where(view.policy == NOBODY, NOBODY, truthful.code)
        self._view = replace(view, policy=policy)  # the other arrays are the simulation's own
        self._traders = traders_of([truthful.code])
        self._forecast = np.zeros((len(Commodity), n), np.int64)

    def before(self) -> None:
        """Remember the state that the coming round's orders are made in."""
        view = self._view
        decide_all(view, self._truth, self._traders, 0, 1)
        self._forecast[Commodity.ELECTRICITY] = view.load[0] - view.pv[0]
        self._forecast[Commodity.HEAT] = view.heat[0]

    def after(self, record: Round) -> list[IntArray]:
        """Values of the recorded orders, one int64 (n,) micro-euro/kWh per commodity."""
        return [self._values(record, commodity) for commodity in Commodity]

    def _values(self, record: Round, commodity: Commodity) -> IntArray:
        book = record.books[commodity]
        value = book.column("price").copy()  # the utility's and the network's stay
        if not len(value):
            return value
        retail = int(record.tariffs[commodity, Tariff.RETAIL])
        feed_in = int(record.tariffs[commodity, Tariff.FEED_IN])
        steps = [
            step
            for n in np.flatnonzero(self._view.policy[0] != NOBODY).tolist()
            for step in self._curve(n, commodity, retail, feed_in)
        ]
        owner, side = book.column("owner"), book.column("side")
        mine = np.isin(owner, [step.owner for step in steps])
        found = np.array(steps, np.int64).reshape(-1, len(Step._fields))
        orders = np.stack([owner, side, book.column("energy")], axis=1)[mine]
        assert np.array_equal(orders, found[:, :3]), "the orders are the steps of the curves"
        value[mine] = found[:, 3]
        return value

    def _curve(self, n: int, commodity: Commodity, retail: int, feed_in: int) -> list[Step]:
        """The steps of an organization's curve in the order of ``simulation.curve``."""
        own, truth = self._simulation.decisions, self._truth
        blocks = [
            (int(getattr(own, limit)[0, n]), int(getattr(own, name)[0, n]),
             int(getattr(truth, limit)[0, n]), name in _DRAWN)
            for name, limit in _BLOCKS[commodity]
        ]  # fmt: skip
        blocks = sorted((block for block in blocks if block[1] > 0), key=lambda block: block[0])
        level = self._fixed(n, commodity) + sum(block[1] for block in blocks if block[3])
        steps = [Step(n, Side.SELL, -level, feed_in)] if level < 0 else []
        for _, span, value, _ in blocks:
            after = level - span
            bought, sold = max(level, 0) - max(after, 0), max(-after, 0) - max(-level, 0)
            if bought > 0:
                steps.append(Step(n, Side.BUY, bought, value))
            if sold > 0:
                steps.append(Step(n, Side.SELL, sold, value))
            level = after
        return [*steps, Step(n, Side.BUY, level, retail)] if level > 0 else steps

    def _fixed(self, n: int, commodity: Commodity) -> int:
        own, forecast = self._simulation.decisions, int(self._forecast[commodity, n])
        if commodity is Commodity.ELECTRICITY:
            return forecast + int(own.pump_firm[0, n])
        return max(forecast - int(own.heat_firm[0, n]), 0)
