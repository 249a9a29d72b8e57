"""From a book that breaks a law to a small one that still does.

Source: the greedy form of delta debugging, Zeller and Hildebrandt, "Simplifying and isolating
failure-inducing input", IEEE Trans. Softw. Eng. 28 (2002).
"""

from collections.abc import Callable, Iterator

import numpy as np

from decent_gym.clearing import Books
from decent_gym.testing.books import per_order, reordered, rows
from decent_gym.testing.case import BoolArray

Broken = Callable[[Books], BoolArray]


def shrunk(books: Books, broken: Broken) -> Books:
    """A book, as a batch of one, from which nothing more can be taken without mending it.

    Parameters
    ----------
    books : Books
        One row, for which ``broken(books)`` is ``[True]``.
    broken : callable
        ``broken(books) -> bool (B,)``: the rows that break the law.
    """
    for _ in range(1_000):
        smaller = _smaller(books, broken)
        if smaller is None:
            break
        books = smaller
    return books


def _smaller(books: Books, broken: Broken) -> Books | None:
    """The first simpler version that is still broken, the boldest ones first."""
    for candidates in (_without_orders(books), *_narrower(books), _with_less(books)):
        if candidates is not None:
            found = np.flatnonzero(broken(candidates))
            if len(found):
                return rows(candidates, found[:1])
    return None


def _without_orders(books: Books) -> Books | None:
    """Every run of half the orders, a quarter, ... one of them left out."""
    n, slots = int(books.orders[0]), np.arange(books.side.shape[1])
    length, orders, kept = n, [], []
    while length:
        for start in range(0, n, length):
            out = (slots >= start) & (slots < min(start + length, n))
            orders.append(np.concatenate([slots[~out], slots[out]]))
            kept.append(n - min(length, n - start))
        length //= 2
    if not orders:
        return None
    many = rows(books, np.zeros(len(orders), np.int64))
    return reordered(many, np.array(orders))._replace(orders=np.array(kept))


def _narrower(books: Books) -> Iterator[Books]:
    """With fewer free slots, which may matter to a mechanism though they should not."""
    n, slots = int(books.orders[0]), books.side.shape[1]
    if n < slots:
        for width in dict.fromkeys((n, (n + slots) // 2, slots - 1)):
            yield reordered(books, np.arange(width)[None])
        yield reordered(books, np.delete(np.arange(slots), n)[None])


def _with_less(books: Books) -> Books | None:
    """One column, or one entry of it, made plain."""
    found = list(_plainer(books))
    if not found:
        return None
    return Books(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _plainer(books: Books) -> Iterator[Books]:
    slots = np.arange(books.side.shape[1])
    ranks = np.argsort(np.argsort(books.sequence[0]))[None]
    plain = {
        "owner": slots[None],
        "sequence": slots[None],
        "priority": np.zeros_like(books.priority),
        "lottery": np.zeros_like(books.lottery),
        "tariffs": np.zeros_like(books.tariffs),
    }
    for name, column in (*plain.items(), ("sequence", ranks)):
        before = getattr(books, name)
        if not np.array_equal(before, column) and not (
            name == "sequence" and np.array_equal(before, slots[None])
        ):
            yield books._replace(**{name: column.astype(np.int64)})
    for name in per_order(books):
        column = getattr(books, name)
        if name in ("side", "sequence", "owner") or column.ndim != 2:
            continue
        for i, value in enumerate(column[0].tolist()):
            floor = int(name == "offered" and i < books.orders[0] and value > 0)
            for less in dict.fromkeys((floor, int(value / 2), value - (value > 0) + (value < 0))):
                if abs(less) < abs(value) and less * (value > 0) >= floor:
                    changed = column.copy()
                    changed[0, i] = less
                    yield books._replace(**{name: changed})
