"""Books to try a mechanism on: random and tie-heavy, all small ones, odd ones, the biggest."""

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, product
from typing import Any, Final, TypeVar

import numpy as np

from decent_gym.clearing import MECHANISMS, Books, Outcome, Rules
from decent_gym.units import ENERGY_CAP, PRICE_CAP, PRODUCT_CAP, IntArray

POISON: Final = -77
"""What every entry of an outcome holds before a mechanism has written it."""

Batch = TypeVar("Batch", Books, Outcome)

_PER_BOOK: Final = ("orders", "lottery", "tariffs")
_LARGEST_BOOK: Final = PRODUCT_CAP // (ENERGY_CAP * PRICE_CAP)


def book(
    side: Sequence[int],
    price: Sequence[int],
    energy: Sequence[int],
    *,
    priority: Sequence[int] | None = None,
    sequence: Sequence[int] | None = None,
    owner: Sequence[int] | None = None,
    orders: int | None = None,
    lottery: int = 0,
    tariffs: Sequence[int] = (0, 0, 0, 0),
    **more: Any,
) -> Books:
    """One book as a batch of one row, for :func:`cleared`.

    Parameters
    ----------
    side, price, energy, priority, sequence, owner : sequence of int (n,)
        Columns as in :class:`decent_gym.clearing.Books`; an energy of 0 is an order that is not
        in the book.  Priority is 0, sequence and owner are the position unless given.
    orders : int, optional
        How many of the slots are orders; default all.
    lottery : int
        Key of the book's lottery.
    tariffs : sequence of int (4,)
        Retail, feed-in, short, long.
    **more
        Further columns of ``Books``.
    """
    n = len(side)
    columns = {
        "side": side,
        "price": price,
        "offered": energy,
        "priority": [0] * n if priority is None else priority,
        "sequence": range(n) if sequence is None else sequence,
        "owner": range(n) if owner is None else owner,
        **more,
        "tariffs": tariffs,
    }
    wide = {name: np.array([values], np.int64) for name, values in columns.items()}
    count = np.array([n if orders is None else orders], np.int64)
    return Books(orders=count, lottery=np.array([lottery], np.int64), **wide)


def cleared(
    mechanism: str, books: Books, first: int = 0, last: int | None = None, **rules: Any
) -> Outcome:
    """What a mechanism does with the rows ``first <= b < last`` of `books`, by default all.

    Entries that the mechanism did not write are ``POISON``.  `rules` are keywords of
    :class:`decent_gym.clearing.Rules`; the utility is absent unless named.
    """
    made = Rules(mechanism, **{"utility": None, **rules})
    outcome = poisoned(books)
    last = len(books.orders) if last is None else last
    MECHANISMS[mechanism].clear(copied(books), made, outcome, first, last)
    return outcome


def poisoned(books: Books, poison: int = POISON) -> Outcome:
    """An outcome full of rubbish, as a reused one is."""
    return Outcome(*(np.full_like(column, poison) for column in Outcome.empty(*books.side.shape)))


def copied(books: Books) -> Books:
    """Arrays that may be written into."""
    return Books(*(column.copy() for column in books))


def per_order(books: Books) -> list[str]:
    """Names of the columns with one entry per order (a row's first two axes: book, slot)."""
    return [
        name
        for name in books._fields
        if name not in _PER_BOOK and getattr(books, name).shape[:2] == books.side.shape
    ]


def rows(books: Batch, chosen: Any) -> Batch:
    """Some of the books or outcomes, in that order; columns that were left out stay so."""
    n = len(books[0])
    picked = (np.ascontiguousarray(c[chosen]) if len(c) == n else c for c in books)
    return type(books)(*picked)


def reordered(books: Books, order: IntArray) -> Books:
    """The orders of every book in another order of slots, int (B, M'); M' may be smaller."""
    books_axis = np.arange(len(books.orders))[:, None]
    moved = {
        name: np.ascontiguousarray(getattr(books, name)[books_axis, order])
        for name in per_order(books)
    }
    return books._replace(**moved)


def random_books(rng: np.random.Generator, books: int, slots: int) -> Books:
    """Few prices, some below 0, ties, small energies, two classes, gaps, tariffs in order."""
    shape = (books, slots)
    spread = rng.integers(1, 9, (books, 1))
    energies = rng.integers(1, 8, shape) if rng.random() < 0.7 else np.ones(shape, np.int64)
    feed_in = rng.integers(-2, 8, books)
    tariffs = np.stack([feed_in + rng.integers(0, 9, books), feed_in, feed_in, feed_in], axis=1)
    side = rng.integers(0, 2, shape)
    arrival = np.tile(np.arange(slots) * 3 + 5, (books, 1))
    in_order = rng.random((books, 1)) < 0.3
    few = side + 2 * rng.integers(0, 3, shape)  # organizations with several offers on one side
    return Books(
        rng.integers(0, slots + 1, books),
        side,
        rng.integers(-3, -3 + spread, shape),
        energies * (rng.random(shape) < 0.9),
        rng.integers(0, 2, shape) * rng.integers(0, 2, (books, 1)),
        np.where(in_order, arrival, rng.permuted(arrival, axis=1)),
        np.where(rng.random((books, 1)) < 0.5, few, np.arange(slots)),
        rng.integers(-(2**63), 2**63 - 1, books),
        tariffs,
    )


def odd_books() -> Books:
    """Empty, one-sided and all-equal books."""
    sides = [[], [0], [1], [0] * 3, [1] * 3, [0, 1], [0, 1] * 3, [0, 0, 0, 1], [0, 1, 1, 1]]
    n, slots = len(sides), 6
    side = np.array([each + [0] * (slots - len(each)) for each in sides])
    return _plain(
        side,
        np.full((n, slots), 5),
        np.full((n, slots), 2),
        orders=np.array([len(each) for each in sides]),
    )


def small_books(energies: tuple[int, ...], prices: int = 5, a_side: int = 3) -> Books:
    """Every pair of multisets of asks and bids over these energies and prices 0, 1, ..."""
    raw = np.array(list(_exhaustive(energies, prices, a_side)))
    side = np.tile([0] * a_side + [1] * a_side, (len(raw), 1))
    books = _plain(side, raw[:, :, 0], raw[:, :, 1])
    rng = np.random.default_rng(3)
    return books._replace(
        sequence=rng.permuted(books.sequence, axis=1), lottery=np.arange(len(raw))
    )


def unit_books(rng: np.random.Generator, books: int, a_side: int, high: int = 1_000) -> Books:
    """So many offers of 1 Wh on either side, limits uniform on 1 .. `high`."""
    side = np.tile([0] * a_side + [1] * a_side, (books, 1))
    plain = _plain(side, rng.integers(1, high + 1, side.shape), np.ones_like(side))
    return plain._replace(
        sequence=rng.permuted(plain.sequence, axis=1),
        lottery=rng.integers(-(2**63), 2**63 - 1, books),
    )


def largest_books(rng: np.random.Generator) -> Books:
    """As many offers at the caps of energy and price as a book may hold."""
    shape = (4, _LARGEST_BOOK)
    low = np.array([[-PRICE_CAP], [PRICE_CAP - 2], [-PRICE_CAP], [PRICE_CAP - 2]])
    energy = rng.integers(1, ENERGY_CAP + 1, shape)
    energy[:2] = ENERGY_CAP
    side = rng.integers(0, 2, shape)
    books = _plain(side, rng.integers(low, PRICE_CAP + 1, shape), energy)
    return books._replace(tariffs=np.tile([PRICE_CAP, PRICE_CAP - 1, 0, 0], (4, 1)))


def _plain(
    side: IntArray, price: IntArray, energy: IntArray, orders: IntArray | None = None
) -> Books:
    """One class, arrival by position, everybody its own organization."""
    n, slots = side.shape
    return Books(
        np.full(n, slots) if orders is None else orders,
        np.ascontiguousarray(side),
        np.ascontiguousarray(price),
        np.ascontiguousarray(energy),
        np.zeros((n, slots), np.int64),
        np.tile(np.arange(slots), (n, 1)),
        np.tile(np.arange(slots), (n, 1)),
        np.zeros(n, np.int64),
        np.tile([5, 1, 0, 0], (n, 1)),
    )


def _exhaustive(
    energies: tuple[int, ...], prices: int, a_side: int
) -> Iterator[tuple[tuple[int, ...], ...]]:
    sides = list(combinations_with_replacement(product(range(prices), energies), a_side))
    for asks, bids in product(sides, sides):
        yield (*asks, *bids)
