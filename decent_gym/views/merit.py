"""A cleared book as the two curves that people draw of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.models import ClearedBook, Side
from decent_gym.units import IntArray, eur_per_kwh

FloatArray = npt.NDArray[np.float64]

_UTILITY_CLASS: Final = 1
_NICE: Final = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)


@dataclass(frozen=True, slots=True)
class MeritSteps:
    """One side of a book in merit order, one step per order.

    Attributes
    ----------
    price : float64 EUR/kWh (n,)
    begin, end : float64 kWh (n,)
        The stretch of cumulative energy that the order covers.
    accepted : float64 kWh (n,)
    owner : int64 (n,)
    """

    price: FloatArray
    begin: FloatArray
    end: FloatArray
    accepted: FloatArray
    owner: IntArray

    @classmethod
    def of(cls, book: ClearedBook, side: Side) -> "MeritSteps":
        """The steps of `side`: cheapest ask or dearest bid first, members before the utility."""
        rows = np.flatnonzero(book.column("side") == side)
        sign = 1 if side == Side.SELL else -1
        keys = (book.column("sequence"), book.column("priority"), sign * book.column("price"))
        rows = rows[np.lexsort([key[rows] for key in keys])]
        end = np.cumsum(book.offered[rows]) / 1000
        return cls(
            price=book.column("price")[rows] / 1e6,
            begin=end - book.offered[rows] / 1000,
            end=end,
            accepted=book.accepted[rows] / 1000,
            owner=book.column("owner")[rows],
        )

    def line(self, edge: float) -> tuple[FloatArray, FloatArray]:
        """The stepped curve as x and y; after the last order it leaves the picture at `edge`."""
        x = np.stack([self.begin, self.end], axis=1).ravel()
        y = np.repeat(self.price, 2)
        return np.append(x, x[-1:]), np.append(y, [edge] * bool(len(y)))

    def accepted_line(self) -> tuple[FloatArray, FloatArray]:
        """The accepted part as x and y, NaN between its pieces.

        Equal limits are one step: who of them was rationed is not to be read from the curve.
        """
        x, y = [], []
        for price in dict.fromkeys(self.price.tolist()):
            level = self.price == price
            begin, taken = float(self.begin[level][0]), float(self.accepted[level].sum())
            if taken > 0:
                x += [begin, begin + taken, np.nan]
                y += [price, price, np.nan]
        return np.array(x, np.float64), np.array(y, np.float64)


def energy_range(book: ClearedBook) -> float:
    """A kWh range that shows what matters: the volume and the members, not 100 MWh of tariff.

    The longer side is cut at twice the shorter one; the end is rounded up to a figure that stays
    the same over many rounds.
    """
    members = book.column("priority") != _UTILITY_CLASS
    selling = book.column("side") == Side.SELL
    supply = float(book.offered[members & selling].sum()) / 1000
    demand = float(book.offered[members & ~selling].sum()) / 1000
    short = max(min(supply, demand), book.volume / 1000)
    wanted = min(max(supply, demand), 2 * short) if short else max(supply, demand)
    return nice_ceiling(1.1 * max(wanted, short)) if wanted else 1.0


def nice_ceiling(value: float) -> float:
    """The next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times 10^k that is at least `value` > 0."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * next((nice for nice in _NICE if nice * power >= value), 10.0))


def price_range(book: ClearedBook, retail: int, feed_in: int) -> tuple[float, float]:
    """EUR/kWh from below to above the tariffs, the price and every limit not far off them."""
    span = max(retail - feed_in, 50_000)
    limits = book.column("price")
    near = limits[(limits >= feed_in - span) & (limits <= retail + span)].tolist()
    prices = [p for p in (book.price_low, book.price, book.price_high) if p is not None]
    low, high = min([retail, feed_in, *near, *prices]), max([retail, feed_in, *near, *prices])
    margin = 0.1 * max(high - low, 50_000)
    return eur_per_kwh(round(low - margin)), eur_per_kwh(round(high + margin))
