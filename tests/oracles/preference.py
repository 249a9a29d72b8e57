"""Books with wishes by HiGHS: the welfare programme over pairs of orders, and what prices must be.

Knows nothing of products, flows or ties: who may trade with whom and what it is worth is written
down for every pair of an ask and a bid.

Run: ``PYTHONPATH=.:tests python -m oracles.preference 10000`` checks so many random books.
"""

import sys
from collections import Counter
from fractions import Fraction
from typing import Any

import highspy
import numpy as np
from oracles.coupled import _sparse, solver
from oracles.merit_order import mix

from decent_gym.clearing import MECHANISMS, Books, Outcome, Rules
from decent_gym.testing.books import poisoned as soiled
from decent_gym.testing.books import random_books

SELL, BUY, HARD, NOBODY = 0, 1, -1, -1
CAP = 10**8
Product = tuple[int, int, int]
BASE: Product = (0, NOBODY, NOBODY)


class Order:
    """One order with what it wishes for, in plain integers."""

    def __init__(self, books: Books, b: int, i: int) -> None:
        names = ("side", "price", "offered", "owner", "attributes", "premium", "partner")
        (self.side, self.price, self.energy, self.owner, self.kind, self.premium, self.partner) = (
            int(getattr(books, name)[b, i]) for name in names
        )

    def worth(self, kind: int) -> int | None:
        """What energy of a type is worth to this bid; None: it does not take it."""
        if kind & self.kind == self.kind:
            more = Fraction(abs(self.price) * max(self.premium, 0), 1000).__floor__()
            return min(CAP, self.price + more) if self.kind else self.price
        return None if self.premium == HARD else self.price

    def may_meet(self, other: "Order") -> bool:
        return self.partner in (NOBODY, other.owner) and other.partner in (NOBODY, self.owner)


def orders_of(books: Books, b: int) -> tuple[list[int], list[Order]]:
    slots = [i for i in range(int(books.orders[b])) if books.offered[b, i] > 0]
    return slots, [Order(books, b, i) for i in slots]


def pairs_of(orders: list[Order]) -> list[tuple[int, int, int]]:
    """Ask, bid, and what the ask's energy is worth to the bid."""
    return [
        (i, j, worth)
        for i, ask in enumerate(orders)
        for j, bid in enumerate(orders)
        if ask.side == SELL and bid.side == BUY and ask.may_meet(bid)
        and (worth := bid.worth(ask.kind)) is not None
    ]  # fmt: skip


def solved(highs: Any, rows: Any, cost: Any, lower: Any, upper: Any, low: Any, high: Any) -> Any:
    """Columns and value of the cheapest point of a programme; None if there is none."""
    lp = _sparse(np.array(rows, float).reshape(len(rows), len(cost)))
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = (np.array(x, float) for x in (cost, lower, upper))
    lp.row_lower_, lp.row_upper_ = (np.array(x, float) for x in (low, high))
    highs.clearSolver()
    highs.passModel(lp)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return np.array(highs.getSolution().col_value), highs.getObjectiveValue()


def most_welfare(orders: list[Order], highs: Any, volume: bool = False) -> int:
    """Of the best allocation; or, of the best ones, the most energy."""
    pairs = pairs_of(orders)
    if not pairs:
        return 0
    gains = np.array([worth - orders[i].price for i, _, worth in pairs])
    rows = np.array([[k in (i, j) for i, j, _ in pairs] for k in range(len(orders))], float)
    free, top = np.zeros(len(pairs)), np.full(len(pairs), highspy.kHighsInf)
    low, high = np.full(len(orders), -highspy.kHighsInf), [o.energy for o in orders]
    _, value = solved(highs, rows, -gains, free, top, low, high)
    if volume:  # a Wh is worth less than any tick of welfare
        big = 4 * sum(o.energy for o in orders)
        _, value = solved(highs, rows, -gains * big - 1, free, top, low, high)
        return round(-value) % big
    return round(-value)


def first_come(books: Books, b: int, side: int, by_lot: bool, highs: Any) -> dict[int, int]:
    """What the orders of a side get if each in turn takes the most that an optimum allows."""
    slots, orders = orders_of(books, b)
    pairs = pairs_of(orders)
    mine = [k for k, order in enumerate(orders) if order.side == side]

    def turn(k: int) -> tuple[int, int]:
        arrival = int(books.sequence[b, slots[k]])
        lot = mix(arrival ^ (int(books.lottery[b]) % 2**64)) if by_lot else arrival
        return int(books.priority[b, slots[k]]), lot

    mine.sort(key=turn)
    if not pairs:
        return dict.fromkeys(mine, 0)
    gains = np.array([worth - orders[i].price for i, _, worth in pairs])
    rows = [np.array([k in (i, j) for i, j, _ in pairs], float) for k in range(len(orders))]
    high = [order.energy for order in orders]
    volume = most_welfare(orders, highs, volume=True)
    low = [-highspy.kHighsInf] * len(orders) + [most_welfare(orders, highs), volume]
    rows += [gains, np.ones(len(pairs))]
    high += [highspy.kHighsInf] * 2
    got = {}
    for k in mine:
        free, top = np.zeros(len(pairs)), np.full(len(pairs), highspy.kHighsInf)
        _, value = solved(highs, rows, -rows[k], free, top, low, high)
        got[k] = low[k] = round(-value)
    return got


def scope(order: Order, orders: list[Order]) -> tuple[int, int]:
    """Whose energy, and whom for: both only where another order names that organization."""
    named = any(
        o.partner == order.owner and o.may_meet(order) for o in orders if o.side != order.side
    )
    own = order.owner if named else NOBODY
    return (order.partner, own) if order.side == BUY else (own, order.partner)


def serves(better: Product, less: Product) -> bool:
    return (
        better[0] & less[0] == less[0]
        and less[1] in (NOBODY, better[1])
        and better[2] in (NOBODY, less[2])
    )


class Prices:
    """The programme of optimal prices: of products, and rents of orders that cover them."""

    def __init__(self, orders: list[Order], welfare: int) -> None:
        self.orders = orders
        self.scopes = [scope(order, orders) for order in orders]
        kinds = {(o.kind, *s) for o, s in zip(orders, self.scopes, strict=True)}
        kinds |= {(0, *s) for s in self.scopes} | {BASE}
        self.products = sorted(kinds)
        n, m = len(orders), len(self.products)
        self.m = m
        rows, low = [], []
        at = {product: k for k, product in enumerate(self.products)}
        for k, (order, own) in enumerate(zip(orders, self.scopes, strict=True)):
            if order.side == SELL:
                terms = [(-1, (order.kind, *own), -order.price)]
            else:
                terms = [(1, (order.kind, *own), order.worth(order.kind))]
                if order.kind and order.premium != HARD:
                    terms.append((1, (0, *own), order.price))
            for sign, product, worth in terms:  # rent >= worth - price, or >= price - limit
                row = np.zeros(m + n)
                row[at[product]] = sign
                row[m + k] = 1
                rows.append(row)
                low.append(worth)
        for better in self.products:
            for less in self.products:
                if better != less and serves(better, less):
                    row = np.zeros(m + n)
                    row[at[better]], row[at[less]] = 1, -1
                    rows.append(row)
                    low.append(0)
        row = np.zeros(m + n)
        row[m:] = [-order.energy for order in orders]
        self.rows, self.low = [*rows, row], [*low, -welfare]

    def units(self, k: int, energy: int, kinds: list[int]) -> dict[Product, int]:
        """What an order trades of which product."""
        order, own = self.orders[k], self.scopes[k]
        wished = energy
        if order.side == BUY and order.premium != HARD:
            useful = order.worth(order.kind) != order.price
            fits = [q for kind, q in enumerate(kinds) if kind & order.kind == order.kind]
            wished = sum(fits) if useful else 0
        parts = {(order.kind, *own): wished, (0, *own): energy - wished}
        return {product: q for product, q in parts.items() if q} if order.kind else (
            {(0, *own): energy} if energy else {}
        )  # fmt: skip

    def least(self, highs: Any, product: Product, base: int) -> int:
        """The least that a product could cost, were the base as it is."""
        m, n = self.m, len(self.orders)
        lower = np.concatenate([np.full(m, -2.0 * CAP), np.zeros(n)])
        upper = np.full(m + n, 8.0 * CAP)
        at, zero = self.products.index(product), self.products.index(BASE)
        lower[zero] = upper[zero] = base
        cost = np.zeros(m + n)
        cost[at] = 1
        high = np.full(len(self.rows), highspy.kHighsInf)
        found, _ = solved(highs, self.rows, cost, lower, upper, self.low, high)
        return round(found[at])

    def base(self, highs: Any, traded: set[Product]) -> tuple[int, int]:
        """Interval of base prices at which the traded products are nearest to it."""
        m, n, wide = self.m, len(self.orders), 2 * CAP
        rows = [np.concatenate([row, np.zeros(2 * m)]) for row in self.rows]
        low = list(self.low)
        zero = self.products.index(BASE)
        for p in range(m):  # excess above and shortfall below the base
            for sign, block in ((-1, 0), (1, m)):
                row = np.zeros(m + n + 2 * m)
                row[p] += sign
                row[zero] -= sign
                row[m + n + block + p] = 1
                rows.append(row)
                low.append(0)
        columns = m + n + 2 * m
        lower = np.concatenate([np.full(m, -wide), np.zeros(n + 2 * m)])
        upper = np.full(columns, 4.0 * wide)
        counted = np.array([product in traded for product in self.products], float)
        ends = []
        for block in (0, m):
            cost = np.zeros(columns)
            cost[m + n + block : m + n + block + m] = counted
            high = np.full(len(rows), highspy.kHighsInf)
            _, least = solved(highs, rows, cost, lower, upper, low, high)
            rows.append(-cost)
            low.append(-round(least))
        for direction in (1, -1):
            cost = np.zeros(columns)
            cost[zero] = direction
            high = np.full(len(rows), highspy.kHighsInf)
            found, _ = solved(highs, rows, cost, lower, upper, low, high)
            ends.append(round(found[zero]))
        return ends[0], ends[1]


def faults(books: Books, outcome: Outcome, b: int, rules: Rules, highs: Any) -> list[str]:
    """Everything that is wrong with one cleared book."""
    slots, orders = orders_of(books, b)
    accepted, pays = (column[b, slots].tolist() for column in (outcome.accepted, outcome.pays))
    origin = outcome.origin[b, slots]
    idle = sorted(set(range(books.side.shape[1])) - set(slots))
    bad = []
    if (
        outcome.accepted[b, idle].any()
        or outcome.pays[b, idle].any()
        or outcome.origin[b, idle].any()
    ):
        bad.append("a free slot is not empty")
    sign = [1 if o.side == BUY else -1 for o in orders]
    if sum(s * x for s, x in zip(sign, accepted, strict=True)) or sum(pays) or outcome.surplus[b]:
        bad.append("energy or money does not balance")
    if any(not 0 <= x <= o.energy for x, o in zip(accepted, orders, strict=True)):
        bad.append("more than offered")
    if (origin < 0).any() or origin.sum(axis=1).tolist() != accepted:
        bad.append("certificates do not sum to what is accepted")
    if (np.array(sign)[:, None] * origin).sum(axis=0).any():
        bad.append("certificates out of nothing")
    gains = []
    for order, paid, kinds in zip(orders, pays, origin.tolist(), strict=True):
        if order.side == SELL:
            if any(q and kind != order.kind for kind, q in enumerate(kinds)):
                bad.append("a sell of another type than it is")
            gains.append(-paid - order.price * sum(kinds))
            continue
        worth = [order.worth(kind) for kind in range(4)]
        if any(q and w is None for q, w in zip(kinds, worth, strict=True)):
            bad.append("a hard wish is broken")
        gains.append(sum(q * (w or 0) for q, w in zip(kinds, worth, strict=True)) - paid)
    if bad:
        return bad
    welfare = most_welfare(orders, highs)
    if sum(gains) != welfare:
        bad.append(f"welfare {sum(gains)} instead of {welfare}")
    if sum(accepted) // 2 != most_welfare(orders, highs, volume=True):
        bad.append("volume")
    if min(gains, default=0) < 0:
        bad.append("somebody loses")
    # complementary slackness: rents are those of all units, and none can be bettered by a pair
    rents = []
    for order, x, gain in zip(orders, accepted, gains, strict=True):
        if x < order.energy and gain:
            bad.append("gains, and was not served in full")
        rents.append(Fraction(gain, order.energy))
    for i, j, worth in pairs_of(orders):
        if rents[i] + rents[j] < worth - orders[i].price:
            bad.append(f"orders {slots[i]} and {slots[j]} would rather trade with each other")
    if not any(accepted):
        return bad
    interval = int(outcome.price_low[b]), int(outcome.price_high[b])
    return bad + _price_faults(orders, accepted, pays, origin, rules, welfare, highs, interval)


def _price_faults(
    orders: list[Order], accepted: list[int], pays: list[int], origin: np.ndarray, rules: Rules,
    welfare: int, highs: Any, interval: tuple[int, int],
) -> list[str]:  # fmt: skip
    prices = Prices(orders, welfare)
    units = [prices.units(k, x, origin[k].tolist()) for k, x in enumerate(accepted)]
    seen: dict[Product, set[Fraction]] = {}
    for order, x, paid, parts in zip(orders, accepted, pays, units, strict=True):
        if len(parts) == 1:
            each = Fraction(paid if order.side == BUY else -paid, x)
            seen.setdefault(next(iter(parts)), set()).add(each)
    bad = [f"several prices of {p}: {sorted(each)}" for p, each in seen.items() if len(each) > 1]
    if bad:
        return bad
    one = {product: next(iter(each)) for product, each in seen.items()}
    for paid, parts in zip(pays, units, strict=True):
        priced = len(parts) == 2 and parts.keys() <= one.keys()
        if priced and paid != sum(one[product] * energy for product, energy in parts.items()):
            bad.append("a swap at other prices")
    low, high = prices.base(highs, {product for parts in units for product in parts})
    k = Fraction(rules.k_numerator, rules.k_denominator)
    base = low + (k * (high - low)).__floor__()
    if one.get(BASE, base) != base:
        bad.append(f"base price {one[BASE]} instead of {base} in [{low}, {high}]")
    single = set(one.values()) == {base} and all(len(parts) < 2 for parts in units)
    if single and interval != (low, high):
        bad.append(f"interval {interval} instead of {low}, {high}")
    for p in one:
        bad += [f"{p} is cheaper than {q}" for q in one if serves(p, q) and one[p] < one[q]]
        if serves(p, BASE) and one[p] != prices.least(highs, p, base):
            bad.append(f"{p} could be nearer to the base {base} than {one[p]}")
    return bad


def random_wishes(rng: np.random.Generator, books: Books, partners: bool = False) -> Books:
    """Wishes of every kind, partners among the organizations of the book."""
    shape = books.side.shape
    wishes = rng.integers(0, 4, shape) * (rng.random(shape) < rng.random((shape[0], 1)))
    hard = rng.random(shape) < rng.random((shape[0], 1))
    premium = np.where(hard, HARD, rng.choice([0, 100, 250, 333, 500, 1000], shape))
    partner = np.full(shape, NOBODY)
    if partners:
        count = np.maximum(books.orders, 1)[:, None]
        someone = np.take_along_axis(books.owner, rng.integers(0, count, shape), axis=1)
        chosen = (rng.random(shape) < 0.3) & (someone != books.owner)
        chosen &= (books.side == BUY) | (rng.random((shape[0], 1)) < 0.5)
        partner = np.where(chosen, someone, NOBODY)
    return books._replace(attributes=wishes, premium=premium, partner=partner)


def scaled(rng: np.random.Generator, books: Books) -> Books:
    """Prices that leave room for premia."""
    times = rng.choice([1, 10, 37], (len(books.orders), 1))
    return books._replace(price=books.price * times)


def cleared(books: Books, rules: Rules) -> Outcome:
    """By the library, into an outcome full of rubbish, with certificates."""
    rubbish = soiled(books)._replace(origin=np.full((*books.side.shape, 4), -77))
    MECHANISMS["preference"].clear(books, rules, rubbish, 0, len(books.orders))
    return rubbish


def some_books(rng: np.random.Generator, books: int, slots: int, partners: bool) -> Books:
    """Tie-heavy books with wishes, most of them full."""
    plain = scaled(rng, random_books(rng, books, slots))
    full = np.where(rng.random(books) < 0.7, slots, plain.orders)
    return random_wishes(rng, plain._replace(orders=full), partners)


if __name__ == "__main__":
    highs, found = solver(), Counter()
    for seed in range(int(sys.argv[1]) // 100):
        rng = np.random.default_rng(seed)
        books = some_books(rng, 100, int(rng.integers(4, 14)), bool(seed % 2))
        ties = ("pro_rata", "time", "random", "equal_share")
        rules = Rules(
            "preference", rng.choice(["midpoint", "0", "1", "1/3"]).item(), ties[seed % 4]
        )
        outcome = cleared(books, rules)
        for b in range(100):
            wrong = faults(books, outcome, b, rules, highs)
            found.update([w.split()[0] for w in wrong] or ["right"])
            for text in wrong:
                print(seed, b, text)
    print(dict(found))
    sys.exit(0 if set(found) == {"right"} else 1)
