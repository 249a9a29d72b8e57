"""What `clear` returns."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from decent_gym.clearing.batch import Outcome
from decent_gym.models import Case
from decent_gym.units import IntArray

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a mechanism would do with a book of n offers; nothing has been applied.

    Attributes
    ----------
    figures : int64 (2 n + 6,)
        Everything in one array: ``accepted``, ``pays``, then volume, price_low, price,
        price_high, surplus and case.  The properties below read it.
    """

    figures: IntArray

    @property
    def accepted(self) -> IntArray:
        """Accepted energy, int64 Wh (n,)."""
        return self.figures[: (len(self.figures) - 6) // 2]

    @property
    def pays(self) -> IntArray:
        """What each offer pays, int64 n-euro (n,), buyers positive."""
        return self.figures[(len(self.figures) - 6) // 2 : -6]

    @property
    def volume(self) -> int:
        """Traded energy, Wh."""
        return int(self.figures[-6])

    @property
    def price_low(self) -> int | None:
        """Lower end of the valid prices, micro-euro per kWh; None if nothing trades.

        Where offers have prices of their own: the lowest of them, rounded down.
        """
        return int(self.figures[-5]) if self.figures[-6] else None

    @property
    def price(self) -> int | None:
        """The price, micro-euro per kWh; None if nothing trades.

        Where offers have prices of their own: the mean of what a kWh cost the buyers and brought
        the sellers, rounded down.
        """
        return int(self.figures[-4]) if self.figures[-6] else None

    @property
    def price_high(self) -> int | None:
        """Upper end of the valid prices, micro-euro per kWh; None if nothing trades.

        Where offers have prices of their own: the highest of them, rounded up.
        """
        return int(self.figures[-3]) if self.figures[-6] else None

    @property
    def prices(self) -> FloatArray:
        """What a kWh costs or brings each offer, float64 micro-euro per kWh (n,).

        NaN where nothing was accepted.  For people and statistics: `pays` is the exact figure.
        """
        return np.where(self.accepted > 0, float(self.figures[-4]), np.nan)

    @property
    def limits_passed(self) -> int:
        """How many offers pay more than their bid or get less than their ask.

        0 under all mechanisms but the price-taking ones, which do not look at limits.
        """
        return 0

    @property
    def surplus(self) -> int:
        """What the mechanism keeps, n-euro: the sum of `pays`; below 0, a deficit it bears."""
        return int(self.figures[-2])

    @property
    def case(self) -> Case:
        """How the book cleared."""
        return Case(int(self.figures[-1]))

    def __repr__(self) -> str:
        return (
            f"Result(volume={self.volume}, price={self.price}, price_low={self.price_low}, "
            f"price_high={self.price_high}, case={self.case.name}, surplus={self.surplus}, "
            f"accepted={self.accepted!r})"
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OwnPricesResult(Result):
    """The result of a mechanism under which offers have prices of their own."""

    prices: FloatArray
    limits_passed: int


def figures_of(outcome: Outcome) -> IntArray:
    """``Result.figures`` of a batch of one."""
    tail = (
        outcome.volume,
        outcome.price_low,
        outcome.price,
        outcome.price_high,
        outcome.surplus,
        outcome.case,
    )
    return np.concatenate((outcome.accepted[0], outcome.pays[0], *tail))


def own_prices(accepted: IntArray, paid: IntArray) -> FloatArray:
    """What a kWh costs or brings; NaN where nothing was accepted."""
    own: FloatArray = np.divide(paid, accepted, out=np.full(len(paid), np.nan), where=accepted > 0)
    return own
