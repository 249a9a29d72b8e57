"""Gains from trade of books that were cleared again, on true values and costs, never on turnover.

All amounts are exact: int64 n-euro, rows as in the :class:`decent_gym.replay.BookSet`.
"""

import numpy as np
import numpy.typing as npt

from decent_gym.clearing import MECHANISMS, Outcome, Rules
from decent_gym.models import Side, premia_of
from decent_gym.replay import BookSet, Recleared, retailer_only, with_utility
from decent_gym.units import IntArray

BoolArray = npt.NDArray[np.bool_]


def welfare(book_set: BookSet, cleared: Recleared) -> IntArray:
    """Gains from trade of every book, (B,): sum of v x over bids minus sum of c x over asks.

    What the utility served of the rest is valued at its tariffs.

    Source: A. Mas-Colell, M. D. Whinston, J. R. Green, "Microeconomic Theory" (1995), section
    10.D, Marshallian aggregate surplus.
    """
    inside = _signed(book_set, book_set.value * cleared.outcome.accepted).sum(axis=1)
    gains: IntArray = inside + cleared.rest_pays
    return gains


def best_welfare(book_set: BookSet) -> IntArray:
    """The most gains that any rule could make of these offers, (B,): W*.

    Merit order on the true values, with the utility (if there is one) quoting any amount at its
    tariffs.  Efficiency is ``welfare / best_welfare``.

    Source: as :func:`welfare`; efficiency of a market institution as the share of the possible
    gains, C. R. Plott, V. L. Smith, "An experimental examination of two exchange institutions",
    Review of Economic Studies 45 (1978) 133.
    """
    books, value = book_set.books, book_set.value
    if book_set.utility is not None:
        books, value = with_utility(book_set)
    outcome = Outcome.empty(*books.side.shape)
    truth = books._replace(price=value)
    MECHANISMS["merit_order"].clear(truth, Rules(utility=None), outcome, 0, len(book_set))
    sign = np.where(books.side == Side.BUY, 1, -1)
    gains: IntArray = (sign * value * outcome.accepted).sum(axis=1)
    return gains


def surplus(book_set: BookSet, cleared: Recleared) -> IntArray:
    """Surplus of every account in every book, (B, A): what it got is worth, less what it paid.

    With the operator's ``outcome.surplus`` a row sums to :func:`welfare`.
    The utility serves the rest at its own prices and gains nothing from it.
    """
    own = _signed(book_set, book_set.value * cleared.outcome.accepted) - cleared.outcome.pays
    return _by_owner(book_set, own)


def savings(book_set: BookSet, cleared: Recleared) -> IntArray:
    """Surplus of every account less that without a local market, (B, A).

    Without a market the utility serves all at its tariffs ("retailer only"), or, where there is
    no utility, nobody trades.
    """
    gained: IntArray = surplus(book_set, cleared) - surplus(book_set, retailer_only(book_set))
    return gained


def limits_passed(book_set: BookSet, cleared: Recleared) -> IntArray:
    """How many orders of every book pay more than their bid or get less than their ask, (B,).

    A violation of individual rationality: 0 but under rules that do not look at limits.  What was
    delivered as wished for is worth its premium more, where the rules read wishes.
    """
    books, origin = book_set.books, cleared.outcome.origin
    worth = _signed(book_set, books.price * cleared.outcome.accepted)
    if origin.size:
        worth += premia_of(books.side, books.price, books.attributes, books.premium, origin)
    passed: IntArray = (cleared.outcome.pays > worth).sum(axis=1)
    return passed


def energy_by_side(book_set: BookSet, energy: IntArray, side: Side) -> IntArray:
    """Wh of one side of every account in every book, (B, A), from an array (B, M)."""
    return _by_owner(book_set, np.where(book_set.books.side == side, energy, 0))


def _signed(book_set: BookSet, amount: IntArray) -> IntArray:
    return np.where(book_set.books.side == Side.BUY, amount, -amount)


def _by_owner(book_set: BookSet, amount: IntArray) -> IntArray:
    """Sums per account of an array (B, M), over the slots that hold an order."""
    out = np.zeros((len(book_set), len(book_set.names)), np.int64)
    live = book_set.live
    row, _ = np.nonzero(live)
    np.add.at(out, (row, book_set.books.owner[live]), amount[live])
    return out
