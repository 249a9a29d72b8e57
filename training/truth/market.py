"""A small market without a main grid, W times; everything in it is done by the project's core.

Prices are floats in EUR/kWh, quantities in kWh and money in EUR out here; inside they are the
operator's integers.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from decent_gym import Capability, GridOperator, Orders, Organization, Rules
from decent_gym.models import Commodity, Money
from decent_gym.units import MICRO_EUR_PER_EUR, NANO_EUR_PER_EUR, WH_PER_KWH

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SELL, BUY = 0, 1
_BOOK = int(Commodity.ELECTRICITY)


class Market:
    """One book in W worlds, cleared by the grid operator alone.

    Parameters
    ----------
    sides : (R,)
        SELL or BUY, of every row of orders.
    owners : (R,), optional
        Whose each row is; default everybody has one.
    worlds : int
    rules : Rules
        With ``utility=None``.
    """

    def __init__(
        self,
        sides: Sequence[int],
        worlds: int,
        rules: Rules,
        owners: Sequence[int] | None = None,
    ) -> None:
        self.sides = np.asarray(sides, np.int64)
        self.owners = np.arange(len(sides)) if owners is None else np.asarray(owners, np.int64)
        self.traders = int(self.owners.max()) + 1
        self.worlds = worlds
        self._capability = Capability()
        self.operator = GridOperator(
            [Organization(f"trader_{i}") for i in range(self.traders)],
            self._capability,
            worlds=worlds,
            rules=rules,
            capacity=len(sides),
        )
        self.orders = Orders.empty(worlds, len(sides))
        self.orders.count[:, _BOOK] = len(sides)
        self.orders.side[:] = self.sides
        self.orders.owner[:] = self.owners

    def trade(
        self, limits: npt.ArrayLike, quantities: npt.ArrayLike = 1.0
    ) -> tuple[FloatArray, FloatArray]:
        """Trade one round; every order lives for this round only.

        Parameters
        ----------
        limits : EUR/kWh, anything that broadcasts to (W, R)
        quantities : kWh, likewise

        Returns
        -------
        bought : kWh (W, N), less what was sold
        money : EUR (W, N), received less paid
        """
        orders = self.orders
        orders.price[:, _BOOK] = np.rint(np.multiply(limits, MICRO_EUR_PER_EUR))
        orders.energy[:, _BOOK] = np.rint(np.multiply(quantities, WH_PER_KWH))
        return self.send()

    def send(self, lasting: int = 1) -> tuple[FloatArray, FloatArray]:
        """Submit :attr:`orders` as they stand and run the round."""
        orders, operator = self.orders, self.operator
        orders.start[:] = operator.round[:, None, None]
        orders.until[:] = orders.start + lasting
        orders.cap[:] = orders.energy
        refused = operator.submit(orders, self._capability)
        if refused:
            raise RuntimeError(f"{refused} orders were refused: {np.unique(orders.status)}")
        operator.close_round(self._capability)
        bought = operator.traded[:, : self.traders, _BOOK] / WH_PER_KWH
        money = operator.money[Money.TRADE, :, : self.traders] / NANO_EUR_PER_EUR
        return bought, money

    @property
    def price(self) -> FloatArray:
        """Of the last round, EUR/kWh (W,); NaN where nothing was traded."""
        outcome = self.operator.by_world
        found = outcome.price[:, _BOOK] / MICRO_EUR_PER_EUR
        return np.where(outcome.volume[:, _BOOK] > 0, found, np.nan)
