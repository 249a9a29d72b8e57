"""One trader's limits varied in many books at once: every try is a row of one batch.

The books do not react.  Between two neighbouring critical limits (those of the others, the
tariffs, the ends of the allowed prices) what a trader earns is monotone in its own limit under
every mechanism that comes with decent-gym: its limit either only ranks it, or sets a price that
rises with it.  So the best limit is a critical one or a tick beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.clearing import Books, Rules
from decent_gym.clearing.lottery import fill_lottery
from decent_gym.models import Side, Tariff
from decent_gym.replay import BookSet, reclear
from decent_gym.units import PRICE_CAP, IntArray

BoolArray = npt.NDArray[np.bool_]

SHADES: Final = (-200, 1_000)
"""Smallest and largest constant shading tried, per mille of the value."""
STEPS: Final = (50, 10, 2, 1)
"""Of the search for the best shading: a grid, then ever finer ones around the best."""
CELLS_AT_ONCE: Final = 2**20
"""Rows times slots of one call of a mechanism: 8 MB for each of its tables."""


def orders_of(books: Books, account: int) -> BoolArray:
    """Where the orders of an account stand, (B, M)."""
    live = np.arange(books.side.shape[1]) < books.orders[:, None]
    own: BoolArray = live & (books.owner == account) & (books.offered > 0)
    return own


class Misreports:
    """One trader's profits in the books of a set in which it has orders, R of them.

    Parameters
    ----------
    book_set : BookSet
    rules : Rules
    account : int
        The trader, who has at least one order.
    lots : int
        Lotteries to sum profits over; with 1 those of the set.
    seed : int
        Of the lotteries.

    Attributes
    ----------
    rows : int64 (R,), the books by row of the set
    lots : int
    """

    def __init__(self, book_set: BookSet, rules: Rules, account: int, lots: int, seed: int) -> None:
        own = orders_of(book_set.books, account)
        self.rows = np.flatnonzero(own.any(axis=1))
        self.rules, self.lots = rules, lots
        self._own = own[self.rows]
        price = np.where(own, book_set.value, book_set.books.price)  # the trader tells the truth
        books = _taken(book_set.books._replace(price=price), self.rows)
        self._set = replace(
            book_set,
            books=books,
            value=book_set.value[self.rows],
            times=book_set.times[self.rows],
            commodity=book_set.commodity[self.rows],
        )
        self._lotteries = np.zeros((lots, len(self.rows)), np.int64)
        worlds = self.rows.astype(np.int64)
        for lot, keys in enumerate(self._lotteries):
            fill_lottery(0, len(keys), seed, worlds, np.full_like(worlds, lot), keys[:, None])
        if lots == 1:
            self._lotteries[0] = books.lottery

    def truth(self) -> IntArray:
        """Profit with true limits, int64 n-euro (R,)."""
        profits = np.empty(len(self.rows), np.int64)
        for part in self._parts(np.arange(len(self.rows)), 1):
            profits[part] = self._profits(part, self._set.books.price[part][:, None])[:, 0]
        return profits

    def respond(
        self, truth: IntArray, on_books: Callable[[int], None] | None = None
    ) -> tuple[IntArray, IntArray, IntArray]:
        """Profit with the best limit for each book, that limit and its slot, (R,) each."""
        books, rows = self._set.books, np.arange(len(self.rows))
        best, slot = truth.copy(), self._own.argmax(axis=1)
        limit = self._set.value[rows, slot]
        most = int(self._own.sum(axis=1).max())
        for number in range(most):
            with_order = np.flatnonzero(self._own.sum(axis=1) > number)
            which = np.argsort(~self._own, axis=1, kind="stable")[:, number]
            for part in self._parts(with_order, len(_critical(books, with_order[:1])[0])):
                tried = self._tried(part, which[part])
                prices = np.repeat(books.price[part][:, None], tried.shape[1], axis=1)
                np.put_along_axis(prices, which[part][:, None, None], tried[:, :, None], axis=2)
                profits = self._profits(part, prices)
                at = profits.argmax(axis=1)
                found = profits[np.arange(len(part)), at]
                better = found > best[part]
                best[part] = np.maximum(found, best[part])
                limit[part[better]] = tried[np.arange(len(part)), at][better]
                slot[part[better]] = which[part][better]
                if on_books is not None and number == 0:
                    on_books(int(part[-1]) + 1)
        return best, limit, slot

    def shade(self, truth: IntArray) -> tuple[int, IntArray]:
        """The best constant shading, per mille, and the profits with it; the least of equals."""
        best, profits = 0, truth
        buys, sells = (self._set.books.side == side for side in (Side.BUY, Side.SELL))
        both = ((self._own & buys).any(axis=1) & (self._own & sells).any(axis=1)).any()
        lowest, highest = (0 if both else SHADES[0]), SHADES[1]  # it must not cross itself
        low, high = lowest, highest
        for step in STEPS:
            around = np.arange(low, high + 1, step)
            found = self._shaded(around[np.argsort(np.abs(around), kind="stable")])
            for shade, earned in found:
                if int(earned.sum()) > int(profits.sum()):
                    best, profits = shade, earned
            low, high = max(best - step, lowest), min(best + step, highest)
        return best, profits

    def _shaded(self, shades: IntArray) -> list[tuple[int, IntArray]]:
        """Profits with each of these shadings, (R,)."""
        rows = np.arange(len(self.rows))
        found = np.empty((len(rows), len(shades)), np.int64)
        for part in self._parts(rows, len(shades)):
            books, own = self._set.books, self._own[part][:, None]
            value = self._set.value[part][:, None]
            taken = np.abs(value) * shades[:, None] // 1_000
            lies = np.where(books.side[part][:, None] == Side.BUY, value - taken, value + taken)
            prices = np.where(own, lies, books.price[part][:, None])
            found[part] = self._profits(part, np.clip(prices, -PRICE_CAP, PRICE_CAP))
        return [(int(shade), found[:, k]) for k, shade in enumerate(shades)]

    def _parts(self, rows: IntArray, tries: int) -> Sequence[IntArray]:
        """`rows` in parts so small that so many tries of each fit one call of the mechanism."""
        at_once = max(1, CELLS_AT_ONCE // (tries * self._set.books.side.shape[1]))
        return [rows[i : i + at_once] for i in range(0, len(rows), at_once)]

    def _tried(self, part: IntArray, slot: IntArray) -> IntArray:
        """Limits worth trying for one order of each book, (P, K): none crosses the trader itself.

        Instead of a limit that would, the true value is tried again.
        """
        books, at = self._set.books, (np.arange(len(part)), slot)
        tried = _critical(books, part)
        own, side, price = self._own[part], books.side[part], books.price[part]
        buys = (side[at] == Side.BUY)[:, None]
        asks = np.where(own & (side == Side.SELL), price, PRICE_CAP + 1).min(axis=1)[:, None]
        bids = np.where(own & (side == Side.BUY), price, -PRICE_CAP - 1).max(axis=1)[:, None]
        crosses = np.where(buys, tried >= asks, tried <= bids)
        return np.where(crosses, self._set.value[part][at][:, None], tried)

    def _profits(self, part: IntArray, prices: IntArray) -> IntArray:
        """What the trader earns in these books with these limits, (P, K) of (P, K, M); all lots."""
        rows, tries, slots = prices.shape
        many = np.repeat(part, tries)
        books = _taken(self._set.books, many)._replace(price=prices.reshape(-1, slots))
        value, own = self._set.value[many], self._own[many]
        sign = np.where(books.side == Side.BUY, 1, -1)
        total = np.zeros(len(many), np.int64)
        for keys in self._lotteries:
            batch = replace(
                self._set,
                books=books._replace(lottery=keys[many]),
                value=value,
                times=self._set.times[many],
                commodity=self._set.commodity[many],
            )
            outcome = reclear(batch, self.rules).outcome
            profit = sign * value * outcome.accepted - outcome.pays
            total += np.where(own, profit, 0).sum(axis=1)
        return total.reshape(rows, tries)


def _taken(books: Books, rows: IntArray) -> Books:
    return Books(*(np.ascontiguousarray(c[rows]) if len(c) else c for c in books))


def _critical(books: Books, part: IntArray) -> IntArray:
    """Where a trader's profit may change its direction, (P, K): see :func:`regret_of_truth`."""
    tariffs = books.tariffs[part][:, [Tariff.RETAIL, Tariff.FEED_IN]]
    ends = np.tile(np.array([-PRICE_CAP, PRICE_CAP]), (len(part), 1))
    points = np.hstack([books.price[part], tariffs, ends])
    tried: IntArray = np.clip(np.hstack([points, points - 1, points + 1]), -PRICE_CAP, PRICE_CAP)
    return tried
