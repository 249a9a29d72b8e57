"""Preferences: energy of several types in one book, wishes for a type or for a partner.

Supply is of a type: local or not, renewable or not.  Types form a lattice, {any} above {local},
{renewable} and {local, renewable}: energy may always be sold as a less special type.  A *hard* wish
restricts a bid to the types at or above it; a *soft* wish makes them worth more, ``value = limit +
floor(|limit| premium / 1000)`` (at most the cap of limits), other energy being worth the limit.  A
*partner* restricts an offer to the other side's offers of one organization.

Formula: maximise ``sum value_ij x_ij - sum ask_i x_ij`` over the energies x_ij that ask i sends to
bid j, which may meet, within what both offer.  One price per type (and per pair that a partner
makes): the duals of this programme; a special type is never cheaper than a plainer one.  Of the
optimal prices those are taken whose differences from plain energy's price are least, for the types
that trade; then plain energy's price lies in the middle of what is left (the price rule).  So where
nothing is scarce there is one price for all.

Properties: maximal welfare, exactly; everything that trades equally, trades at one price; budget
balance to 0 n-euro; nobody pays more than what it got is worth to it, or sells below its ask.  Not
truthful, also not about wishes.  Without wishes it is `merit_order`.

Ties: those who gain nothing at the prices share what is left by priority class, then by the tie
rule, as far as they can serve whom is left (see `preference_shares`).

Certificates: ``Outcome.origin`` says of which types the energy of each accepted bid was.  Sellers
serve the most special wishes first, each from the plainest energy that will do; among equal bids
the earlier one gets the plainer energy.

Source: a transportation problem and its duals, Shapley and Shubik, "The assignment game I: the
core", Int. J. of Game Theory 1 (1971); products that substitute downwards as in guarantees of
origin (Directive (EU) 2018/2001, article 19).

>>> from decent_gym.clearing import RENEWABLE, clear
>>> book = dict(side=[0, 0, 1, 1], price=[10, 10, 80, 60], attributes=[RENEWABLE, 0, RENEWABLE, 0])
>>> plenty = clear(**book, energy=[100, 100, 100, 100], mechanism="preference")
>>> plenty.prices.tolist(), plenty.price_low, plenty.price_high
([35.0, 35.0, 35.0, 35.0], 10, 60)
>>> scarce = clear(**book, energy=[50, 100, 100, 100], mechanism="preference")
>>> scarce.accepted.tolist(), scarce.prices.tolist()
([50, 100, 50, 100], [80.0, 60.0, 80.0, 60.0])
"""

import numpy as np

from decent_gym.clearing import merit_order
from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import Mechanism
from decent_gym.clearing.preference_flow import optimal_prices
from decent_gym.clearing.preference_prices import certify_plain, price_all
from decent_gym.clearing.preference_products import find_products
from decent_gym.clearing.preference_shares import share_out
from decent_gym.clearing.rules import Rules
from decent_gym.clearing.totals import write_totals
from decent_gym.models import HARD, NOBODY


def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the books ``first <= b < last`` and write every entry of those rows of `outcome`.

    Books in which no wish makes a difference take the short way: `merit_order`, then certificates.
    Figures of a book that trades at one price are those of `merit_order`; else the lowest, the
    mean and the highest price, as where orders have prices of their own.
    """
    merit_order.clear_books(books, rules, outcome, first, last)
    if outcome.bar.size:
        outcome.bar[first:last] = outcome.price[first:last, None]
    certified = outcome.origin.size > 0
    if books.attributes.size == books.partner.size == 0 and not certified:
        return
    books = _completed(books)
    products = find_products(books, first, last)
    if certified:
        certify_plain(books, products, outcome, first, last)
    if not products.counts.any():
        return
    low, high = outcome.price_low[first:last].copy(), outcome.price_high[first:last].copy()
    bounds, volume = optimal_prices(books, products, first, last)
    deliveries = share_out(books, rules, products, bounds, volume, outcome, first, last)
    base = price_all(books, rules, products, bounds, deliveries, outcome, first, last)
    write_totals(books, outcome, first, last)
    plain = products.counts == 0
    one = (plain | (base.single > 0)) & (outcome.volume[first:last] > 0)
    outcome.price_low[first:last][one] = np.where(plain, low, base.low)[one]
    outcome.price_high[first:last][one] = np.where(plain, high, base.high)[one]


PREFERENCE = Mechanism(
    "preference",
    clear_books,
    uniform=False,
    summary="One price per type of energy: wishes for local or renewable energy, or a partner.",
    wishes=True,
    budget="balanced",
)


def _completed(books: Books) -> Books:
    """With all three columns of wishes."""
    shape = books.side.shape
    return books._replace(
        attributes=books.attributes if books.attributes.size else np.zeros(shape, np.int64),
        premium=books.premium if books.premium.size else np.full(shape, HARD),
        partner=books.partner if books.partner.size else np.full(shape, NOBODY),
    )
