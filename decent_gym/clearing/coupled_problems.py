"""Batches of markets to be cleared jointly, and the two stages of their clearing."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from decent_gym.clearing.coupled_energies import fill_problems
from decent_gym.clearing.coupled_prices import price_problems
from decent_gym.units import IntArray

DONE: Final = 0
"""Status of a problem that was cleared."""


@dataclass(frozen=True, slots=True, eq=False)
class Problems:
    """Room for B problems of M orders and K conversions, to be reused; all int64.

    Several threads may clear disjoint problems of one room.

    Attributes
    ----------
    rows : (B, K, 5)
        In: electricity and heat per 1000, cost per 1000, most activity in Wh, where the row's
        group ends: rows of a group stand together.  A row whose most is 0 is absent, and its group
        ends with it.
    at : (B, 5)
        Exact prices ``(x, fx, y, fy, det)``: ``x + fx / det`` of electricity, ``y + fy / det`` of
        heat.
    bounds, bounded : (B, 2, 2)
        Lowest and highest optimal price per commodity, rounded down, and whether there is one.
    status : (B,)
        :data:`DONE`, or that prices times energies pass 62 bits: then nothing is accepted.
    activity, earns : (B, K), Wh, n-euro
    delivered : (B, K, 2), Wh sold (above 0) or bought
    accepted, pays : (B, M), Wh, n-euro (buyers positive)
    volume : (B, 2), Wh
    """

    rows: IntArray
    rank: IntArray
    levels: IntArray
    count: IntArray
    at: IntArray
    bounds: IntArray
    bounded: IntArray
    status: IntArray
    activity: IntArray
    delivered: IntArray
    accepted: IntArray
    pays: IntArray
    earns: IntArray
    volume: IntArray

    @classmethod
    def empty(cls, books: int, slots: int, conversions: int) -> "Problems":
        """Room for `books` problems of so many orders and conversions; no conversions yet."""
        rows = np.zeros((books, conversions, 5), np.int64)
        rows[:, :, 4] = np.arange(1, conversions + 1)
        shapes = (
            (2, slots + 1),
            (2, 2, slots + 2),
            (2,),
            (5,),
            (2, 2),
            (2, 2),
            (),
            (conversions,),
            (conversions, 2),
            (slots,),
            (slots,),
            (conversions,),
            (2,),
        )
        return cls(rows, *(np.zeros((books, *shape), np.int64) for shape in shapes))

    def clear(
        self,
        side: IntArray,
        commodity: IntArray,
        price: IntArray,
        offered: IntArray,
        priority: IntArray,
        first: int,
        last: int,
    ) -> None:
        """Clear the problems ``first <= b < last``; orders (B, M) by arrival, 0 Wh absent.

        Trusts its input; :attr:`status` says which problems were too big.
        """
        slots, conversions = side.shape[1], self.rows.shape[1]
        pairs = self.rows[first:last, :, 4] - np.arange(conversions)
        lines = int(pairs.sum(axis=1).max(initial=0))  # one a row, one a pair in a group
        keys = np.empty(slots, np.int64)
        price_problems(
            first, last, commodity, side, price, offered, self.rows, keys, self.rank, self.levels,
            self.count, np.empty((lines, 3), np.int64), np.empty((conversions, 4), np.int64),
            np.empty((6, 5), np.int64), self.at, self.bounds, self.bounded, self.status,
        )  # fmt: skip
        fill_problems(
            first, last, side, offered, priority, self.rows, self.rank, self.levels, self.count,
            self.at, keys, np.empty((conversions, 11), np.int64),
            np.empty((4 + 2 * lines, 2), np.int64), np.empty((3, 4), np.int64), self.activity,
            self.delivered, self.accepted, self.pays, self.earns, self.volume, self.status,
        )  # fmt: skip
