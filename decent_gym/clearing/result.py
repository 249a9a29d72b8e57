"""What `clear` returns."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.reasons import bars, give_reasons
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
    side, limit, energy : int64 (n,)
        The book as it was given.
    """

    figures: IntArray
    side: IntArray
    limit: IntArray
    energy: IntArray

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
    def to_beat(self) -> tuple[int, int] | None:
        """At what price a rejected bid, a rejected ask would have traded; None if nothing trades.

        Micro-euro per kWh: the price.  Where offers have prices of their own: the worst that its
        side paid, or, where everybody pays by its own limit, the worst limit accepted.
        """
        price = self.price
        return None if price is None else (price, price)

    @property
    def reasons(self) -> IntArray:
        """What became of each offer, int64 (n,): :class:`decent_gym.models.Reason`.

        FILLED; MARGINAL, in part, or dropped or rationed though the limit is not worse than
        `to_beat`; OUT_OF_THE_MONEY, nothing and worse.
        """
        return reasons_of(self)

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


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class OwnPricesResult(Result):
    """The result of a mechanism under which offers have prices of their own."""

    prices: FloatArray
    limits_passed: int
    to_beat: tuple[int, int] | None


def reasons_of(result: Result) -> IntArray:
    """``Result.reasons`` by the rule of a round: every offer stood in this one alone."""
    n = len(result.side)
    wide = (1, 1, n)
    start, reason = np.zeros((2, *wide), np.int64)
    bid, ask = (np.full((1, 1), price) for price in result.to_beat or (0, 0))
    give_reasons(
        0, 1, np.zeros(1, np.int64), np.full((1, 1), n), result.side.reshape(wide),
        result.limit.reshape(wide), start, start + 1,
        (result.energy - result.accepted).reshape(wide), result.energy.reshape(wide),
        result.accepted.reshape(wide), np.full((1, 1), result.volume), bid, ask, reason,
    )  # fmt: skip
    return reason.reshape(n)


def to_beat(books: Books, outcome: Outcome, by_limit: bool) -> tuple[int, int] | None:
    """``OwnPricesResult.to_beat`` of a batch of one."""
    wide = (1, 1, books.side.shape[1])
    found = np.zeros((2, 1, 1), np.int64)
    bars(
        0, 1, books.orders.reshape(1, 1), books.side.reshape(wide), books.price.reshape(wide),
        outcome.accepted.reshape(wide), outcome.pays.reshape(wide), by_limit, *found,
    )  # fmt: skip
    return (int(found[0, 0, 0]), int(found[1, 0, 0])) if outcome.volume[0] else None


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
