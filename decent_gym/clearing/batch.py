"""A batch of books going into a mechanism, and the batch of outcomes coming out of it.

B books stand side by side as rows; in the operator B = worlds x commodities and the rows are
reshaped views of its own (W, C, M) arrays, so nothing is copied.
"""

from typing import NamedTuple

import numpy as np

from decent_gym.models import TYPES
from decent_gym.units import IntArray


class Books(NamedTuple):
    """What a mechanism reads; all int64, C-contiguous.

    Attributes
    ----------
    orders : (B,)
        Slots ``0 .. orders-1`` of a row are orders.
    side : (B, M), 0 SELL, 1 BUY
    price : (B, M), limit in micro-euro per kWh
    offered : (B, M), Wh; 0 means that the order is not in this round's book
    priority : (B, M), the lower class is filled first at the margin
    sequence : (B, M), order of arrival, unique in a book, >= 0
    owner : (B, M), account index
    lottery : (B,), key of the book's lottery, read by the tie rule ``random`` and by mechanisms
        that draw lots
    tariffs : (B, 4), micro-euro per kWh, columns as in :class:`decent_gym.models.Tariff`; read by
        mechanisms that need tariffs, of which RETAIL and FEED_IN
    attributes : (B, M) or empty: nobody sells or wishes anything special
        What the energy is, or is wished to be: bit 0 LOCAL, bit 1 RENEWABLE.
    premium : (B, M) or empty: all HARD
        Of a BUY with a wish: ``HARD`` (-1), it takes nothing else; else what the wished-for energy
        is worth more, per mille of the limit.
    partner : (B, M) or empty: all -1
        Account index of the only organization to trade with, -1: any.

    The last three are read by the mechanism ``preference`` alone.
    """

    orders: IntArray
    side: IntArray
    price: IntArray
    offered: IntArray
    priority: IntArray
    sequence: IntArray
    owner: IntArray
    lottery: IntArray
    tariffs: IntArray = np.empty((0, 4), np.int64)
    attributes: IntArray = np.empty((0, 0), np.int64)
    premium: IntArray = np.empty((0, 0), np.int64)
    partner: IntArray = np.empty((0, 0), np.int64)


class Outcome(NamedTuple):
    """What a mechanism writes: every entry of the rows it clears; all int64.

    Attributes
    ----------
    accepted : (B, M), Wh
    pays : (B, M), n-euro, buyers positive
    price_low, price, price_high : (B,), micro-euro per kWh; 0 and without meaning where volume is 0
        Where orders have prices of their own: the lowest of them, their mean over all energy
        (rounded down), the highest.
    volume : (B,), Wh
    surplus : (B,), n-euro kept by the operator: the sum of the row's ``pays``
    case : (B,), :class:`decent_gym.models.Case`
    origin : (B, M, 4) or empty: not asked for
        Certificates, Wh: how much of each order's accepted energy was of which type (columns by
        attributes); written by the mechanism ``preference`` alone.
    bar : (B, M) or empty: not asked for
        What each order had to beat, micro-euro per kWh: the price of the energy that it could have
        traded, for a bid the least, for an ask the most; written by ``preference`` alone.
    """

    accepted: IntArray
    pays: IntArray
    price_low: IntArray
    price: IntArray
    price_high: IntArray
    volume: IntArray
    surplus: IntArray
    case: IntArray
    origin: IntArray = np.empty((0, 0, 4), np.int64)
    bar: IntArray = np.empty((0, 0), np.int64)

    @classmethod
    def empty(cls, books: int, slots: int, wishes: bool = False) -> "Outcome":
        """Zeros for `books` rows of `slots` slots, to be reused round after round.

        With `wishes`, of certificates and bars too.
        """
        wide = [np.zeros((books, slots), np.int64) for _ in range(2)]
        narrow = [np.zeros(books, np.int64) for _ in range(6)]
        outcome = cls(*wide, *narrow)
        if not wishes:
            return outcome
        origin = np.zeros((books, slots, TYPES), np.int64)
        return outcome._replace(origin=origin, bar=np.zeros((books, slots), np.int64))
