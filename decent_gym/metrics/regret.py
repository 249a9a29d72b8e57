"""Whether a lie would pay: one trader's best misreport under a mechanism, the others as given.

Two questions, both answered by clearing every candidate limit as a row of its own:

* *ex post*, book by book: what is the most that this trader could have gained, had it known the
  others' limits?  Zero for a truthful mechanism.
* *ex ante*, over all books: which constant shading of its values earns most?  That is what a
  trader can do who knows no more than the market's habits.

Regret of truth is what the better answer earns more than true limits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.clearing import MECHANISMS, Rules
from decent_gym.errors import InputError
from decent_gym.metrics.bootstrap import percentile_interval, resampled_weights
from decent_gym.metrics.misreports import Misreports, orders_of
from decent_gym.registry import unknown_name
from decent_gym.replay import BookSet
from decent_gym.units import NANO_EUR_PER_EUR, IntArray, checked_int

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LOTS: Final = 8
"""Lotteries over which profits are averaged where lots decide."""


@dataclass(frozen=True, slots=True, eq=False)
class Regret:
    """What lying would earn one trader under one mechanism.

    Money is n-euro, per book the sum over the lots (:attr:`lots`); the properties are EUR a book.

    Attributes
    ----------
    rules : Rules
    trader : str
    rows : int64 (R,)
        The books, by row of the set, in which the trader has an order.
    lots : int
        Lotteries over which was summed; 1 where nothing is drawn.
    truth : int64 n-euro (R,)
        Profit with true limits.
    best : int64 n-euro (R,)
        Profit with the best limit for each book.
    best_limit : int64 micro-euro/kWh (R,)
        That limit; the true value where no lie gains.
    best_slot : int64 (R,)
        Which order of the book it belongs to.
    shade : int
        The best constant shading, per mille of the value: bids are lowered and asks raised by it;
        0 where none gains.
    shaded : int64 n-euro (R,)
        Profit with that shading.
    interval : tuple of float, or None
        95 % bootstrap interval of :attr:`regret`, over books; None for a single book.
    """

    rules: Rules
    trader: str
    rows: IntArray
    lots: int
    truth: IntArray
    best: IntArray
    best_limit: IntArray
    best_slot: IntArray
    shade: int
    shaded: IntArray
    interval: tuple[float, float] | None

    @property
    def profit_of_truth(self) -> float:
        """EUR a book, with true limits."""
        return self._mean(self.truth)

    @property
    def profit_of_best_response(self) -> float:
        """EUR a book, with the best limit for each book."""
        return self._mean(self.best)

    @property
    def profit_of_shade(self) -> float:
        """EUR a book, with the best constant shading."""
        return self._mean(self.shaded)

    @property
    def regret(self) -> float:
        """EUR a book that truth misses of the best response to each book."""
        return self._mean(self.best - self.truth)

    @property
    def regret_of_shade(self) -> float:
        """EUR a book that truth misses of the best constant shading."""
        return self._mean(self.shaded - self.truth)

    @property
    def lying_gains(self) -> float:
        """Share of the trader's books in which some other limit earns more than the truth."""
        return float((self.best > self.truth).mean())

    def _mean(self, profits: IntArray) -> float:
        return float(profits.sum()) / self.lots / len(profits) / NANO_EUR_PER_EUR


def regret_of_truth(
    book_set: BookSet,
    rules: Rules,
    trader: str,
    *,
    lots: int | None = None,
    seed: int = 0,
    on_books: Callable[[int], None] | None = None,
) -> Regret:
    """Optimise one trader's misreport under `rules`, the other limits as they stand in the books.

    The best limit for a book is exact for a trader with one order in it: between two neighbouring
    critical limits (those of the others, the tariffs, the ends of the allowed prices) a trader's
    profit is monotone in its own limit under every mechanism that comes with decent-gym, so each
    of them and one tick to either side are tried.  A trader with several orders misreports one of
    them at a time, the others stay true: a lower bound of what it could gain.  Nobody crosses
    itself.

    Where lots decide, profit is the mean over several lotteries, drawn anew: a trader knows the
    others' limits, but not the lot.

    Parameters
    ----------
    book_set : BookSet
    rules : Rules
    trader : str
        One of ``book_set.names``, not the utility.
    lots : int, optional
        How many lotteries; default 8 where the rules draw lots, else 1.
    seed : int
        Of these lotteries and of the bootstrap.
    on_books : callable, optional
        Called with the number of books done, for progress.

    Raises
    ------
    UnknownNameError
        For a trader who is not in the set.
    InputError
        For the utility, a trader without orders, books with wishes, or rules whose utility the set
        does not have.

    Source of the ex-ante question: M. A. Satterthwaite, S. R. Williams, "The rate of convergence
    to efficiency in the buyer's bid double auction as the market becomes large", Review of
    Economic Studies 56 (1989) 477.
    """
    game = Misreports(book_set, rules, _account(book_set, trader), _checked_lots(rules, lots), seed)
    truth = game.truth()
    best, limit, slot = game.respond(truth, on_books)
    shade, shaded = game.shade(truth)
    interval = None
    if len(truth) > 1:
        means = resampled_weights(len(truth), seed) @ (best - truth) / len(truth)
        interval = percentile_interval(means / game.lots / NANO_EUR_PER_EUR)
    return Regret(
        rules, trader, game.rows, game.lots, truth, best, limit, slot, shade, shaded, interval
    )


def best_shade(
    book_set: BookSet, rules: Rules, trader: str, *, lots: int | None = None, seed: int = 0
) -> tuple[int, float]:
    """The ex-ante half of :func:`regret_of_truth` alone: much cheaper for large sets.

    Returns
    -------
    shade : int
        Per mille of the value; 0 where no constant shading gains.
    gain : float
        What it earns more than the truth, EUR a book.

    Raises
    ------
    UnknownNameError, InputError
        As :func:`regret_of_truth`.
    """
    game = Misreports(book_set, rules, _account(book_set, trader), _checked_lots(rules, lots), seed)
    truth = game.truth()
    shade, shaded = game.shade(truth)
    return shade, float((shaded - truth).sum()) / game.lots / len(truth) / NANO_EUR_PER_EUR


def _account(book_set: BookSet, trader: str) -> int:
    if trader not in book_set.names:
        raise unknown_name("trader", trader, book_set.names)
    if book_set.wishes:
        raise InputError(
            "these books hold wishes, and what a wish is worth beyond its limit no misreport "
            "counts; leave the best response out, or take a recording without wishes"
        )
    account = book_set.names.index(trader)
    if account == book_set.utility:
        raise InputError(f"{trader!r} is the utility, whose quotes are the tariffs; name a member")
    if not (orders_of(book_set.books, account)).any():
        raise InputError(f"{trader!r} has no order in these books; name another trader")
    return account


def _checked_lots(rules: Rules, lots: int | None) -> int:
    if lots is not None:
        return checked_int(lots, "lots", 1, 10_000)
    draws = MECHANISMS[rules.mechanism].draws or rules.tie_rule == "random"
    return LOTS if draws else 1
