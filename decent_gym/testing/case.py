"""A batch of books that a mechanism has cleared, and what a law looks at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.clearing import Books, Mechanism, Outcome, Rules
from decent_gym.testing.books import POISON, copied, poisoned
from decent_gym.units import IntArray

BoolArray = npt.NDArray[np.bool_]

CAUGHT: Final = (ArithmeticError, AssertionError, LookupError, TypeError, ValueError)
"""Errors in a mechanism that are reported as a broken law; others end the check."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Books, what the mechanism made of them, and the means to ask it again.

    Attributes
    ----------
    kind : Mechanism
    rules : Rules
    books : Books
        As they were before.
    seen : Books
        The arrays that the mechanism was handed, which it may have written into.
    outcome : Outcome
    """

    kind: Mechanism
    rules: Rules
    books: Books
    seen: Books
    outcome: Outcome

    @classmethod
    def of(cls, kind: Mechanism, rules: Rules, books: Books) -> "Case":
        """Clear all of `books`."""
        seen, outcome = copied(books), poisoned(books)
        kind.clear(seen, rules, outcome, 0, len(books.orders))
        return cls(kind, rules, books, seen, outcome)

    def again(
        self,
        books: Books | None = None,
        into: Outcome | None = None,
        span: tuple[int, int] | None = None,
        poison: int = POISON,
    ) -> Outcome:
        """Clear once more: the same books or others, all rows or a range of them."""
        books = self.books if books is None else books
        outcome = poisoned(books, poison) if into is None else into
        first, last = (0, len(books.orders)) if span is None else span
        self.kind.clear(copied(books), self.rules, outcome, first, last)
        return outcome

    @property
    def inside(self) -> BoolArray:
        """Which slots hold orders, bool (B, M)."""
        slots = np.arange(self.books.side.shape[1])
        return np.less(slots, self.books.orders[:, None])

    @property
    def offered(self) -> IntArray:
        """Offered energy, 0 in slots that hold no order, int64 Wh (B, M)."""
        return self.books.offered * self.inside

    @property
    def sign(self) -> IntArray:
        """1 for bids, -1 for asks, int64 (B, M)."""
        return 2 * self.books.side - 1


@dataclass(frozen=True, slots=True)
class Law:
    """What must hold of every book.

    Attributes
    ----------
    name : str
    says : str
        One sentence.
    find : callable
        ``find(case) -> bool (B,)``: the rows in which the law is broken.
    tell : callable, optional
        ``tell(case) -> str`` for a case of one broken row: what was found.
    """

    name: str
    says: str
    find: Callable[[Case], BoolArray]
    tell: Callable[[Case], str] | None = None


def flagged(found: Any) -> BoolArray:
    """Rows in which anything is true, bool (B,), of (B,) or (B, M)."""
    array = np.asarray(found, np.bool_)
    rows: BoolArray = np.logical_or.reduce(array.reshape(len(array), -1), axis=1)
    return rows


def differing(one: Outcome, other: Outcome) -> BoolArray:
    """Rows in which two outcomes differ anywhere, bool (B,); columns nobody asked for are empty."""
    pairs = zip(one, other, strict=True)
    found = [flagged(a != b) for a, b in pairs if len(a) == len(one.volume)]
    return flagged(np.stack(found, axis=1))
