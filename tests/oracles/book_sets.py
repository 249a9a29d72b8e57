"""Sets of random books with true values, and what comes of them counted order by order."""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from decent_gym.replay import BookSet
from decent_gym.testing.books import random_books

SELL, BUY = 0, 1


def random_set(seed, books=150, slots=9, *, utility=False):
    """Tie-heavy books; true values are off the limits, both ways.

    With a utility it is the last account; it quotes at its tariffs in the last slots it has.
    """
    rng = np.random.default_rng(seed)
    drawn = random_books(rng, books, slots)
    value = drawn.price + rng.integers(-4, 5, drawn.price.shape)
    names = [f"n{i}" for i in range(max(slots, 7))]
    if not utility:
        return BookSet(drawn, value, np.arange(books), rng.integers(0, 2, books), tuple(names))
    account, rows = len(names), np.arange(books)
    wide = {
        name: np.concatenate([getattr(drawn, name), np.zeros((books, 2), np.int64)], axis=1)
        for name in ("side", "price", "offered", "priority", "sequence", "owner")
    }
    value = np.concatenate([value, np.zeros((books, 2), np.int64)], axis=1)
    for side in (SELL, BUY):
        at = rows, drawn.orders + side
        wide["side"][at] = side
        wide["price"][at] = value[at] = drawn.tariffs[:, 0 if side == SELL else 1]
        wide["offered"][at] = 10**6
        wide["priority"][at] = 1
        wide["sequence"][at] = 1000 + side
        wide["owner"][at] = account
    return BookSet(
        drawn._replace(orders=drawn.orders + 2, **wide),
        value, rows, rng.integers(0, 2, books), (*names, "utility"), utility=account,
    )  # fmt: skip


def truthful(book_set):
    """The same set with true limits."""
    return replace(book_set, books=book_set.books._replace(price=book_set.value.copy()))


def orders(book_set, cleared, b):
    """(owner, side, limit, value, offered, accepted, pays) of a book's orders, Python integers."""
    books = book_set.books
    columns = (books.owner, books.side, books.price, book_set.value, books.offered)
    columns += (cleared.outcome.accepted, cleared.outcome.pays)
    n = int(books.orders[b])
    return [tuple(int(column[b, i]) for column in columns) for i in range(n)]


def surplus(book_set, cleared, b):
    """What every account gained in book b."""
    gained = defaultdict(int)
    for owner, side, _, value, _, accepted, pays in orders(book_set, cleared, b):
        worth = value * accepted if side == BUY else -value * accepted
        gained[owner] += worth - pays
    return gained


def best_welfare(book_set, b):
    """Wh by Wh: the dearest bid takes the cheapest ask as long as it gains."""
    books = book_set.books
    retail, feed_in = (int(books.tariffs[b, k]) for k in (0, 1))
    bids, asks = [], []
    for i in range(int(books.orders[b])):
        if books.owner[b, i] != book_set.utility:
            units = [int(book_set.value[b, i])] * int(books.offered[b, i])
            (bids if books.side[b, i] == BUY else asks).extend(units)
    if book_set.utility is not None:
        asks, bids = asks + [retail] * len(bids), bids + [feed_in] * len(asks)
    bids.sort(reverse=True)
    asks.sort()
    return sum(max(bid - ask, 0) for bid, ask in zip(bids, asks, strict=False))
