"""A market mechanism of your own, from an empty file to a benchmark row.

    python examples/my_mechanism.py

Copy this file, keep the five steps, change what is between them.  This one is *posted price*: the
price is the middle of retail and feed-in, set before anybody offers; whoever's limit allows it
trades, first come, first served.  docs/new-mechanism.md walks through it.
"""

import sys
import time

import numpy as np
from numba import njit

from decent_gym.clearing import MECHANISMS, Books, Mechanism, Outcome, Rules
from decent_gym.clearing.totals import write_totals
from decent_gym.testing import check_mechanism, cleared, unit_books

# 1. The rule, as compiled code: it fills `accepted` (Wh) and `pays` (nano-euro, buyers positive) of
#    the rows first .. last-1 and reads nothing but its arguments.  Constants stand in this file.
SELL, BUY = 0, 1
RETAIL, FEED_IN = 0, 1


@njit(cache=True, nogil=True)
def trade(first, last, orders, side, limit, offered, tariffs, arrival, accepted, pays):
    """Fill the willing of both sides in order of arrival, up to what the shorter side offers."""
    for b in range(first, last):
        price = (tariffs[b, RETAIL] + tariffs[b, FEED_IN]) // 2
        left = np.zeros(2, np.int64)
        for i in range(orders[b]):
            if willing(side[b, i], limit[b, i], price):
                left[side[b, i]] += offered[b, i]
        left[:] = min(left[SELL], left[BUY])
        accepted[b] = 0
        pays[b] = 0
        for i in arrival[b - first]:
            if i < orders[b] and willing(side[b, i], limit[b, i], price):
                energy = min(left[side[b, i]], offered[b, i])
                left[side[b, i]] -= energy
                accepted[b, i] = energy
                pays[b, i] = energy * price if side[b, i] == BUY else -energy * price


@njit(cache=True, nogil=True)
def willing(side, limit, price):
    """Whether the limit allows the price."""
    return limit >= price if side == BUY else limit <= price


# 2. The shell: whole batches in and out.  `write_totals` completes volume, prices, surplus, case.
def clear_books(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    """Clear the rows ``first <= b < last``."""
    arrival = np.argsort(books.sequence[first:last], axis=1)
    trade(
        first, last, books.orders, books.side, books.price, books.offered, books.tariffs, arrival,
        outcome.accepted, outcome.pays,
    )  # fmt: skip
    write_totals(books, outcome, first, last)


# 3. What it promises.  Every promise is checked in step 5: claim truthful="several", or forget
#    needs=..., and see what happens.
POSTED_PRICE = Mechanism(
    "posted_price",
    clear_books,
    uniform=True,
    summary="The middle of the tariffs, for everybody whose limit allows it, first come first.",
    needs=("retail", "feed_in"),
    truthful="divisible",
)
# In the package itself this line stands in decent_gym/clearing/__init__.py.
MECHANISMS.add(POSTED_PRICE.name, POSTED_PRICE)


# 4. The same once more, slow and obvious, from the definition and not from the code above.
def oracle(books: Books, b: int, rules: Rules) -> tuple[list[int], list[int]]:
    """What each slot of row b gets and pays."""
    price = sum(books.tariffs[b, :2].tolist()) // 2
    queues: list[list[int]] = [[], []]
    for i in np.argsort(books.sequence[b]).tolist():
        willing = (books.price[b, i] - price) * (1 if books.side[b, i] == BUY else -1) >= 0
        if i < books.orders[b] and willing:
            queues[books.side[b, i]] += [i] * int(books.offered[b, i])  # one entry a Wh
    accepted = [0] * books.side.shape[1]
    pays = list(accepted)
    for seller, buyer in zip(*queues, strict=False):
        accepted[seller] += 1
        accepted[buyer] += 1
        pays[seller] -= price
        pays[buyer] += price
    return accepted, pays


# 5. The proof; in your own tests it is the whole test.
def test_posted_price() -> None:
    """Every law, on every kind of book."""
    check_mechanism("posted_price", books=2_000, oracle=oracle)


def row(name: str, books: Books) -> str:
    """A line to compare by: welfare against the optimum, what traders gain, time for a book."""
    worth = (2 * books.side - 1) * books.price
    optimum = int((cleared("merit_order", books).accepted * worth).sum())
    began = time.perf_counter()
    outcome = cleared(name, books)
    took = (time.perf_counter() - began) / len(books.orders) * 1e6
    welfare = int((outcome.accepted * worth).sum())
    traders = welfare - int(outcome.surplus.sum())
    shares = f"{100 * welfare / optimum:>9.1f} {100 * traders / optimum:>12.1f}"
    return f"{name:<14} {shares} {took:>9.2f}"


def main() -> int:
    """Check, then compare."""

    def told(what: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{done:>3} of {total}  {what:<40}")

    report = check_mechanism("posted_price", books=2_000, oracle=oracle, progress=told)
    print(f"\r{report}\n")
    books = unit_books(np.random.default_rng(1), 20_000, 10)  # limits uniform on 1 .. 1000
    books.tariffs[:, [RETAIL, FEED_IN]] = 700, 300
    print(f"{'mechanism':<14} {'welfare %':>9} {'to traders %':>12} {'us a book':>9}")
    for name in ("merit_order", "mcafee", "posted_price"):
        row(name, books)  # the first call compiles
        print(row(name, books))
    return 0


if __name__ == "__main__":
    sys.exit(main())
