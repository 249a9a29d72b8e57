"""Books for every mechanism: random and tie-heavy, or all small ones."""

from collections.abc import Iterator
from itertools import combinations_with_replacement, product

import numpy as np
from oracles.merit_order import Order

from decent_gym.clearing import Books, Outcome


def random_books(rng: np.random.Generator, books: int, slots: int) -> Books:
    """Few prices (some negative), small energies, two classes, gaps, tariffs in order."""
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


def small_books(energies: tuple[int, ...]) -> Books:
    """Three asks and three bids: every pair of multisets over 5 prices and these energies."""
    raw = np.array(list(_exhaustive(energies)))
    n = len(raw)
    rng = np.random.default_rng(3)
    return Books(
        np.full(n, 6),
        np.tile([0, 0, 0, 1, 1, 1], (n, 1)),
        np.ascontiguousarray(raw[:, :, 0]),
        np.ascontiguousarray(raw[:, :, 1]),
        np.zeros((n, 6), np.int64),
        rng.permuted(np.tile(np.arange(6), (n, 1)), axis=1),
        np.tile(np.arange(6), (n, 1)),
        np.arange(n),
        np.tile([5, 1, 0, 0], (n, 1)),
    )


def _exhaustive(energies: tuple[int, ...]) -> Iterator[tuple[tuple[int, int], ...]]:
    sides = list(combinations_with_replacement(product(range(5), energies), 3))
    for asks, bids in product(sides, sides):
        yield (*asks, *bids)


def orders_of(books: Books, b: int) -> tuple[list[int], list[Order]]:
    """Slots and orders of one book, in plain integers."""
    slots = [i for i in range(int(books.orders[b])) if books.offered[b, i] > 0]
    columns = (books.side, books.price, books.offered, books.priority, books.sequence)
    return slots, [Order(*(int(column[b, i]) for column in columns)) for i in slots]


def soiled(books: Books) -> Outcome:
    """An outcome full of rubbish, as a reused one is."""
    return Outcome(*(np.full_like(column, -77) for column in Outcome.empty(*books.side.shape)))


def rows(books: Books, chosen: np.ndarray) -> Books:
    """Some of the books, in that order."""
    return Books(
        *(np.ascontiguousarray(column[chosen]) if column.size else column for column in books)
    )
