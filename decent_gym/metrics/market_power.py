"""Who could move a price: pivotal sellers, mark-ups, energy kept back by its limit."""

import numpy as np
import numpy.typing as npt

from decent_gym.metrics.welfare import energy_by_side
from decent_gym.models import Side
from decent_gym.replay import BookSet, Recleared
from decent_gym.units import ENERGY_CAP, IntArray

FloatArray = npt.NDArray[np.float64]


def residual_supplies(book_set: BookSet, *, utility: bool) -> FloatArray:
    """Residual supply index of every member in every book, (B, members): (S - S_i) / D.

    Below 1 it is pivotal.  NaN where nobody demands anything.

    Parameters
    ----------
    book_set : BookSet
    utility : bool
        Whether the utility's supply counts, any amount; else members and network stand alone.  What
        it would buy is no demand that anybody has to meet.

    Source: as :func:`decent_gym.metrics.residual_supply`, over the offered energies.
    """
    books = book_set.books
    supplied = energy_by_side(book_set, books.offered, Side.SELL)
    demanded = energy_by_side(book_set, books.offered, Side.BUY)
    own = supplied[:, book_set.members]
    if book_set.utility is not None:
        supplied[:, book_set.utility] = ENERGY_CAP if utility else 0
        demanded[:, book_set.utility] = 0
    supply, demand = supplied.sum(axis=1)[:, None], demanded.sum(axis=1)[:, None]
    index = np.full(own.shape, np.nan)
    np.divide(supply - own, demand, out=index, where=demand > 0)
    return index


def marginal_markup(book_set: BookSet, cleared: Recleared) -> FloatArray:
    """Lerner index of the marginal member that sells in every book, (B,): (p - c) / p.

    c is the highest true cost among the members' accepted asks, p what a Wh of these brings.
    NaN where p <= 0 or no member sells.

    Source: A. P. Lerner, "The concept of monopoly and the measurement of monopoly power", Review
    of Economic Studies 1 (1934) 157.
    """
    books, outcome = book_set.books, cleared.outcome
    sold = book_set.live & (books.side == Side.SELL) & (outcome.accepted > 0)
    sold &= np.isin(books.owner, book_set.members)
    lowest = np.iinfo(np.int64).min
    cost = np.where(sold, book_set.value, lowest).max(axis=1, initial=lowest)
    marginal = sold & (book_set.value == cost[:, None])
    energy = np.where(marginal, outcome.accepted, 0).sum(axis=1)
    earned = -np.where(marginal, outcome.pays, 0).sum(axis=1)
    markup = np.full(len(book_set), np.nan)
    spent = np.where(energy > 0, cost, 0) * energy
    np.divide(earned - spent, earned, out=markup, where=(energy > 0) & (earned > 0))
    return markup


def withheld(book_set: BookSet, cleared: Recleared) -> IntArray:
    """Wh that members would have traded at the book's price, had their limits been true, (B,).

    Energy that was not accepted, with a true value better than the price and a limit worse than
    it: the output gap.  Energy that was never offered cannot be seen.  Where orders have prices of
    their own the price is their mean; without a price nothing is counted.

    Source: P. L. Joskow, E. Kahn, "A quantitative analysis of pricing behavior in California's
    wholesale electricity market during summer 2000", The Energy Journal 23 (2002) 1.
    """
    books, outcome = book_set.books, cleared.outcome
    price = outcome.price[:, None]
    sells = books.side == Side.SELL
    wanted = np.where(sells, book_set.value < price, book_set.value > price)
    missed = np.where(sells, books.price > price, books.price < price)
    kept = book_set.live & wanted & missed & (outcome.volume > 0)[:, None]
    kept &= np.isin(books.owner, book_set.members)
    energy: IntArray = np.where(kept, books.offered - outcome.accepted, 0).sum(axis=1)
    return energy
