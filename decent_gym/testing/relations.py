"""Laws that compare clearings of the same books, asked for in different ways."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final

import numpy as np

from decent_gym.clearing import Books, Outcome, clear
from decent_gym.clearing.lottery import lottery_keys
from decent_gym.models import Tariff
from decent_gym.testing.books import book, poisoned, reordered, rows
from decent_gym.testing.case import BoolArray, Case, Law, differing, flagged
from decent_gym.units import ENERGY_CAP, IntArray

_TARIFFS: Final = {"retail": Tariff.RETAIL, "feed_in": Tariff.FEED_IN}
_THREADS: Final = 4


def _writes(case: Case) -> BoolArray:
    return differing(case.outcome, case.again(poison=-(10**15)))


def _reads(case: Case) -> BoolArray:
    """Rows of the input that are not as they were."""
    n = len(case.books.orders)
    wrong = np.zeros(n, np.bool_)
    for before, after in zip(case.books, case.seen, strict=True):
        if len(before) == n:
            wrong |= (before != after).reshape(n, -1).any(axis=1)
    return wrong


def _repeats(case: Case) -> BoolArray:
    return differing(case.outcome, case.again())


def _orders(case: Case) -> list[IntArray]:
    """Two other orders of each row's slots: backwards, and shuffled."""
    n, slots = case.books.side.shape
    shuffled = np.broadcast_to(np.random.default_rng(slots).random(slots), (n, slots))
    keys = (-np.arange(slots, dtype=np.float64)[None, :].repeat(n, 0), shuffled)
    return [np.argsort(np.where(case.inside, key, 2.0), axis=1, kind="stable") for key in keys]


def _permutation(case: Case) -> BoolArray:
    wrong = np.zeros(len(case.books.orders), np.bool_)
    for order in _orders(case):
        mixed = case.again(reordered(case.books, order))
        straight = case.outcome._replace(
            accepted=np.take_along_axis(case.outcome.accepted, order, axis=1),
            pays=np.take_along_axis(case.outcome.pays, order, axis=1),
        )
        wrong |= differing(straight, mixed)
    return wrong


def _tell_permutation(case: Case) -> str:
    order = _orders(case)[0]
    mixed = case.again(reordered(case.books, order))
    back = np.argsort(order, axis=1)
    accepted, pays = (np.take_along_axis(each, back, axis=1)[0] for each in mixed[:2])
    return f"with the slots backwards these orders get {accepted.tolist()}, pay {pays.tolist()}"


def _absent(case: Case) -> BoolArray:
    """Free slots and orders with nothing offered hold other rubbish, and there are more slots."""
    books, inside = case.books, case.inside
    absent = case.offered == 0
    changed = books._replace(
        side=np.where(absent, 1 - books.side, books.side),
        price=np.where(absent, 7 - books.price, books.price),
        offered=np.where(inside, books.offered, 9),
        priority=np.where(absent, 1 - books.priority, books.priority),
    )
    slots = books.side.shape[1]
    wider = np.minimum(np.arange(slots + 3), slots - 1)[None, :].repeat(len(books.orders), 0)
    wrong = differing(case.outcome, case.again(changed))
    if slots:
        more = reordered(books, wider)
        more.sequence[:, slots:] = books.sequence.max(axis=1)[:, None] + np.arange(1, 4)
        wide = case.again(more)
        tail = (wide.accepted[:, slots:] != 0) | (wide.pays[:, slots:] != 0)
        narrow = wide._replace(accepted=wide.accepted[:, :slots], pays=wide.pays[:, :slots])
        wrong |= differing(case.outcome, narrow) | tail.any(axis=1)
    return wrong


def _mirrored(books: Books) -> Books:
    """Neighbours that clear differently: bids for asks, and 1 Wh more of each."""
    offered = np.where(books.offered > 0, np.minimum(books.offered + 1, ENERGY_CAP), 0)
    return books._replace(side=1 - books.side, price=-books.price, offered=offered)


def _between(books: Books) -> Books:
    """Each row between two of its mirror: row b becomes row 3 b + 1."""
    n = len(books.orders)
    both = (np.concatenate(pair) for pair in zip(books, _mirrored(books), strict=True))
    index = np.stack([np.arange(n) + n, np.arange(n), np.arange(n) + n], axis=1)
    return rows(Books(*both), index.reshape(-1))


def _each_third(outcome: Outcome, start: int) -> Outcome:
    return Outcome(*(column[start::3] for column in outcome))


def _ranges(case: Case) -> BoolArray:
    """A row alone, or between others, clears the same, and no other row is touched."""
    books = _between(case.books)
    wrong = differing(case.outcome, _each_third(case.again(books), 1))
    parts = poisoned(books)
    for b in range(len(case.books.orders)):
        case.again(books, parts, (3 * b + 1, 3 * b + 2))
        case.again(books, parts, (3 * b, 3 * b))
    wrong |= differing(case.outcome, _each_third(parts, 1))
    clean = _each_third(poisoned(books), 1)
    return wrong | differing(_each_third(parts, 0), clean) | differing(_each_third(parts, 2), clean)


def _threads(case: Case) -> BoolArray:
    n = len(case.books.orders)
    books = _between(rows(case.books, np.arange(n).repeat(max(40 // n, 1))))  # time to collide
    shared = poisoned(books)
    edges = np.linspace(0, len(books.orders), 3 * _THREADS + 1).astype(int).tolist()
    with ThreadPoolExecutor(_THREADS) as pool:
        tasks = [pool.submit(case.again, books, shared, span) for span in pairwise(edges)]
        for task in tasks:
            task.result()
    expected = rows(case.outcome, np.arange(n).repeat(max(40 // n, 1)))
    return flagged(differing(expected, _each_third(shared, 1)).reshape(n, -1))


def _tariffs(case: Case) -> BoolArray:
    """Other values of tariffs that it does not declare, or none at all, change nothing."""
    unread = [column for name, column in _TARIFFS.items() if name not in case.kind.needs]
    tariffs = case.books.tariffs.copy()
    tariffs[:, [*unread, Tariff.SHORT, Tariff.LONG]] += 1_000
    wrong = differing(case.outcome, case.again(case.books._replace(tariffs=tariffs)))
    if not case.kind.needs:
        bare = case.again(case.books._replace(tariffs=np.empty((0, 4), np.int64)))
        wrong |= differing(case.outcome, bare)
    return wrong


def _lottery(case: Case) -> BoolArray:
    if case.kind.draws or case.rules.tie_rule == "random":
        return np.zeros(len(case.books.orders), np.bool_)
    other = case.books._replace(lottery=~case.books.lottery)
    return differing(case.outcome, case.again(other))


def _public(case: Case) -> BoolArray:
    return np.array([_public_fault(case, b) != "" for b in range(len(case.books.orders))])


def _tell_public(case: Case) -> str:
    return _public_fault(case, 0)


def _public_fault(case: Case, b: int) -> str:
    """How :func:`clear` differs on one book, without what `clear` cannot be told."""
    there = np.flatnonzero(case.offered[b] > 0)
    columns = ("side", "price", "offered", "priority", "sequence")
    side, price, energy, priority, sequence = (getattr(case.books, c)[b, there] for c in columns)
    rules = case.rules
    draws = case.kind.draws or rules.tie_rule == "random"
    arrival = np.argsort(np.argsort(sequence))
    lottery = lottery_keys(rules.seed, 0, 0, 0) if draws else 0
    plain = book(
        side.tolist(), price.tolist(), energy.tolist(), priority=priority.tolist(),
        sequence=sequence.tolist(), owner=arrival.tolist(), lottery=lottery,
        tariffs=case.books.tariffs[b].tolist(),
    )  # fmt: skip
    outcome = case.again(plain)
    named = [name for name in case.kind.needs if name in _TARIFFS]
    needs = {name: int(case.books.tariffs[b, _TARIFFS[name]]) for name in named}
    result = clear(
        side, price, energy, case.kind.name, rules.price_rule, rules.tie_rule, priority, sequence,
        seed=rules.seed, **needs,
    )  # fmt: skip
    worth = price * outcome.accepted[0] * (2 * side - 1)
    traded = bool(outcome.volume[0])
    pairs = {
        "accepted": (result.accepted.tolist(), outcome.accepted[0].tolist()),
        "pays": (result.pays.tolist(), outcome.pays[0].tolist()),
        "price": (result.price, int(outcome.price[0]) if traded else None),
        "surplus": (result.surplus, int(outcome.surplus[0])),
        "limits_passed": (result.limits_passed, int((outcome.pays[0] > worth).sum())),
    }
    wrong = [f"{name} {a}, not {z}" for name, (a, z) in pairs.items() if a != z]
    return "; ".join(["clear() gives " + ", ".join(wrong)] if wrong else [])


RELATIONS: Final = (
    Law("writes", "every entry of the rows is written, whatever stood there", _writes),
    Law("reads", "the books are read, not written", _reads),
    Law("repeats", "the same books give the same outcome again", _repeats),
    Law(
        "permutation", "a permuted book gives the permuted result", _permutation, _tell_permutation
    ),
    Law("absent", "free slots, and orders with nothing offered, do not matter", _absent),
    Law("tariffs", "no tariff is read that Mechanism.needs does not name", _tariffs),
    Law("lottery", "no lottery is read unless Mechanism.draws says so", _lottery),
)
FEW: Final = (
    Law("ranges", "a range of rows clears as the whole does, and touches no other row", _ranges),
    Law("threads", "disjoint ranges may be cleared by several threads", _threads),
    Law("public", "clear() gives the same, and counts the limits passed", _public, _tell_public),
)
"""Laws that ask once per book, so for fewer of them."""
