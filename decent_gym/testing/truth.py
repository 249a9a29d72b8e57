"""No other limit brings more: every lie in small books, random ones in large books, exactly.

The claim (``Mechanism.truthful``) speaks of limits, not of energies, and holds however the lot
falls: truth and lie are cleared with the same lottery.  A lottery that made a lie gain, were it
only once, would break it; so there is nothing to average.

Source: the definition of dominant-strategy incentive compatibility.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from decent_gym.clearing import Books, Outcome
from decent_gym.testing.books import rows, small_books, unit_books
from decent_gym.testing.case import BoolArray, Case, Law, flagged
from decent_gym.units import IntArray

_NO_GAIN: Final = -(2**62)
SIDES: Final = (1, 2, 3, 5, 8, 20)
"""Offers a side in the books of random lies."""


class Lies(NamedTuple):
    """The best lie found in each of B books.

    ``gain`` is n-euro beyond the truth's, ``order`` and ``other`` slots (the same one if a single
    limit was misreported), ``report`` and ``second`` their limits; all int64 (B,).
    """

    gain: IntArray
    order: IntArray
    report: IntArray
    other: IntArray
    second: IntArray


def truth_books(claim: str, rng: np.random.Generator, few: int) -> list[Books]:
    """Small books in which every lie is tried: all of unit offers, `few` of the others."""
    units = small_books((1,))
    units = units._replace(price=2 * units.price)
    if claim == "unit":
        return [units]
    mixed = small_books((1, 2))
    mixed = rows(mixed, np.sort(rng.permutation(len(mixed.orders))[:few]))
    found = [units, mixed._replace(price=2 * mixed.price)]
    if claim == "several":
        for pair in ((0, 1), (4, 5)):
            owner = units.owner.copy()
            owner[:, pair[1]] = owner[:, pair[0]]
            found.append(units._replace(owner=owner))
    return found


def lying_books(claim: str, rng: np.random.Generator, books: int, a_side: int) -> Books:
    """Random books of the kind that the claim speaks of, limits 1 .. 60."""
    made = unit_books(rng, books, a_side, high=60)
    if claim != "unit":
        made = made._replace(offered=rng.integers(1, 5, made.side.shape))
    if claim == "several":  # two on the same side belong together
        made = made._replace(owner=np.where(made.side == 1, 1_000, 0) + made.owner % a_side // 2)
    return made


def best_lie(case: Case, reports: IntArray, pairs: bool) -> Lies:
    """Try every limit of `reports`, int64 (B, R), for every order of each book.

    With `pairs`, also every two of them for every two orders of one organization.
    """
    n, slots = case.books.side.shape
    best = Lies(np.full(n, _NO_GAIN), *np.zeros((4, n), np.int64))
    full = np.arange(slots)[:, None].repeat(n, 1)
    for i, j in _liars(slots, pairs):
        able = (case.offered[:, i] > 0) & (case.offered[:, j] > 0)
        able &= case.books.owner[:, i] == case.books.owner[:, j]
        if not able.any():
            continue
        honest = _worth(case, case.outcome, i)
        for first in range(reports.shape[1]):
            for second in range(reports.shape[1]) if i != j else [first]:
                price = case.books.price.copy()
                price[:, i] = reports[:, first]
                price[:, j] = reports[:, second]
                told = _worth(case, case.again(case.books._replace(price=price)), i)
                gain = np.where(able, told - honest, _NO_GAIN)
                lie = (gain, full[i], reports[:, first], full[j], reports[:, second])
                better = gain > best.gain
                best = Lies(*(np.where(better, a, z) for a, z in zip(lie, best, strict=True)))
    return best


def lies_told(case: Case, reports: int, pairs: bool) -> int:
    """How many lies :func:`best_lie` tries."""
    there = case.offered > 0
    told = int(there.sum()) * reports
    if pairs:
        same = case.books.owner[:, :, None] == case.books.owner[:, None, :]
        both = there[:, :, None] & there[:, None, :] & same
        told += (int(both.sum()) - int(there.sum())) // 2 * reports**2
    return told


def random_lies(case: Case, rng: np.random.Generator) -> Lies:
    """One order of every book at one other limit."""
    n, slots = case.books.side.shape
    every = np.arange(n)
    who: IntArray = rng.integers(0, slots, (n,))
    report: IntArray = rng.integers(-5, 70, (n,))
    price = case.books.price.copy()
    price[every, who] = report
    lie = case.again(case.books._replace(price=price))
    gain = _worth(case, lie, who) - _worth(case, case.outcome, who)
    return Lies(gain, who, report, who, report)


def _liars(slots: int, pairs: bool) -> Iterator[tuple[int, int]]:
    for i in range(slots):
        yield i, i
        if pairs:
            yield from ((i, j) for j in range(i + 1, slots))


def _worth(case: Case, outcome: Outcome, who: int | IntArray) -> IntArray:
    """What `outcome` is worth to the organization that owns slot `who`, at its true limits."""
    books = case.books
    owner = books.owner[np.arange(len(books.orders)), who]
    gain = case.sign * books.price * outcome.accepted - outcome.pays
    worth: IntArray = np.where(books.owner == owner[:, None], gain, 0).sum(axis=1)
    return worth


def _telling_reports(books: Books) -> IntArray:
    """Every limit of a book, one beside it, the middles between them, and limits beyond all."""
    limits = np.sort(books.price, axis=1)
    middles = (limits[:, :-1] + limits[:, 1:]) // 2
    return np.concatenate(
        [limits - 1, limits, limits + 1, middles, limits[:, :1] - 9, limits[:, -1:] + 9], axis=1
    )


def _claimed(case: Case) -> BoolArray:
    """Books that the claim speaks of."""
    claim, books, there = case.kind.truthful, case.books, case.offered > 0
    same = (books.owner[:, :, None] == books.owner[:, None, :]) & there[:, :, None]
    same &= there[:, None, :] & ~np.eye(books.side.shape[1], dtype=np.bool_)
    if claim == "several":  # an organization that crosses itself is refused elsewhere
        opposite = books.side[:, :, None] != books.side[:, None, :]
        return ~flagged(same & opposite)
    single = ~flagged(same)
    if claim == "unit":
        low = np.where(there, case.offered, np.iinfo(np.int64).max).min(axis=1, initial=2**62)
        single &= ~flagged(there & (case.offered != low[:, None]))
    return single


def _telling_lies(case: Case) -> Lies:
    return best_lie(case, _telling_reports(case.books), case.kind.truthful == "several")


def _gainful(case: Case) -> BoolArray:
    if not case.kind.truthful or not case.books.side.shape[1]:
        return np.zeros(len(case.books.orders), np.bool_)
    return (_telling_lies(case).gain > 0) & _claimed(case)


def tell_lie(lies: Lies, price: IntArray, row: int) -> str:
    """A lie in words."""
    gain, i, report, j, second = (int(column[row]) for column in lies)
    text = f"order {i} says {report} instead of {int(price[row, i])}"
    if j != i:
        text += f", order {j} says {second} instead of {int(price[row, j])}"
    return f"{text} and gains {gain} n-euro"


def _tell(case: Case) -> str:
    return tell_lie(_telling_lies(case), case.books.price, 0)


TRUTH: Final = Law(
    "truth", "no misreported limit gains where Mechanism.truthful says so", _gainful, _tell
)
