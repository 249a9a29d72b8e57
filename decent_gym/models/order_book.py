"""The books of all worlds as arrays: (world, commodity, slot).

A book is *dense* and in order of arrival: slots ``0 .. count-1`` are taken, in rising sequence
number, and an expiry compacts them.  There is no free list to keep, kernels run over plain rows,
and a world's book reads like a table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from decent_gym.models.codes import Commodity
from decent_gym.models.wish import NO_WISH, WISH_FIELDS
from decent_gym.units import IntArray

COMMODITIES = len(Commodity)

ORDER_FIELDS = (
    "id",
    "sequence",
    "owner",
    "side",
    "price",
    "energy",
    "unsettled",
    "start",
    "until",
    "priority",
    "device",
    "cap",
)
"""Columns of an order, in the order in which records and tables hold them, all int64.

``owner`` is the organization's account index; ``until`` is valid_until; ``cap`` is max_per_round.
"""


@dataclass(slots=True)
class OrderBook:
    """Arrays of shape (W, C, M), int64, one per name in ``ORDER_FIELDS``; ``count`` is (W, C).

    They are the rows of ``orders``, (12, W, C, M), so that a kernel can take them as one.
    ``wishes`` is (3, W, C, M), rows as in ``WISH_FIELDS``, or of length 0 in a market whose
    mechanism reads none.
    """

    id: IntArray
    sequence: IntArray
    owner: IntArray
    side: IntArray
    price: IntArray
    energy: IntArray
    unsettled: IntArray
    start: IntArray
    until: IntArray
    priority: IntArray
    device: IntArray
    cap: IntArray
    count: IntArray
    wishes: IntArray
    orders: IntArray

    @classmethod
    def empty(cls, worlds: int, capacity: int, wishes: bool = False) -> "OrderBook":
        """Books without orders, with room for `capacity` orders each, and for their wishes."""
        books = (worlds, COMMODITIES)
        orders = np.zeros((len(ORDER_FIELDS), *books, capacity), np.int64)
        count = np.zeros(books, np.int64)
        columns = dict(zip(ORDER_FIELDS, orders, strict=True))
        wished = no_wishes(*books, capacity * wishes)
        return cls(**columns, count=count, wishes=wished, orders=orders)

    @property
    def reads_wishes(self) -> bool:
        """Whether orders may say what they are and wish for."""
        return self.wishes.size > 0

    @property
    def capacity(self) -> int:
        """Slots per book."""
        return int(self.price.shape[2])

    def columns(self) -> tuple[IntArray, ...]:
        """The arrays in the order of ``ORDER_FIELDS``."""
        return _COLUMNS(self)

    def grown(self, capacity: int) -> "OrderBook":
        """The same books with room for `capacity` orders each."""
        bigger = OrderBook.empty(self.count.shape[0], capacity, self.reads_wishes)
        bigger.orders[..., : self.capacity] = self.orders
        bigger.count[:] = self.count
        bigger.wishes[..., : self.wishes.shape[3]] = self.wishes
        return bigger

    def table(self, world: int, commodity: int) -> IntArray:
        """A copy of one book, shape (n, 12), columns as in ``ORDER_FIELDS``."""
        n = int(self.count[world, commodity])
        return np.ascontiguousarray(self.orders[:, world, commodity, :n].T)


def no_wishes(worlds: int, commodities: int, slots: int) -> IntArray:
    """Columns (3, W, C, M) of orders that are and wish for nothing special."""
    columns = np.empty((len(WISH_FIELDS), worlds, commodities, slots), np.int64)
    columns[:] = np.array(NO_WISH)[:, None, None, None]
    return columns


_COLUMNS: Callable[[OrderBook], tuple[IntArray, ...]] = attrgetter(*ORDER_FIELDS)
