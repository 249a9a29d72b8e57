"""The run of a check: which books are tried under which rules, and what is remembered of them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, Final

import numpy as np

from decent_gym.clearing import TIE_RULES, Books, Mechanism, Rules
from decent_gym.errors import InputError
from decent_gym.testing.books import largest_books, odd_books, random_books, rows, small_books
from decent_gym.testing.case import CAUGHT, BoolArray, Case, Law
from decent_gym.testing.catalogue import (
    CLEARS,
    DECLARES,
    TRADES,
    Oracle,
    broken_rows,
    false_declarations,
    oracle_law,
)
from decent_gym.testing.laws import CAPS, OUTCOME_LAWS
from decent_gym.testing.relations import FEW, RELATIONS
from decent_gym.testing.report import BrokenLaw, MechanismReport, code_for
from decent_gym.testing.shrink import shrunk
from decent_gym.testing.truth import (
    SIDES,
    TRUTH,
    Lies,
    best_lie,
    lies_told,
    lying_books,
    random_lies,
    tell_lie,
    truth_books,
)

Inputs = Callable[[np.random.Generator, Books], Books]

PRICE_RULES: Final = ("midpoint", 0, 1, "1/3")
_SLOTS: Final = (8, 5, 11, 8)
_FEW: Final = 60
_CHUNK: Final = 2_000
_LYING_RULES: Final = (
    ("pro_rata", "midpoint"),
    ("random", "1/3"),
    ("time", 0),
    ("equal_share", 1),
)
_SAMPLE: Final = 400


class Check:
    """The state of one check: how many books each law has seen, and what is broken."""

    def __init__(
        self, kind: Mechanism, seed: int, oracle: Oracle | None, inputs: Inputs | None
    ) -> None:
        self._kind = kind
        self._rng = np.random.default_rng(seed)
        self._oracle = oracle
        self._inputs = inputs
        self._every_law = [CLEARS, *OUTCOME_LAWS, *RELATIONS]
        if oracle is not None:
            self._every_law.append(oracle_law(oracle))
        self._laws = dict.fromkeys(["declares", "trades"], 0)
        self._broken: dict[str, BrokenLaw] = {}
        self._random = self._traded = self._accepted = self._passed = 0
        self._lies = self._harmful = 0

    def steps(
        self, books: int, lies: int, exhaustive: bool
    ) -> list[tuple[str, Callable[[], None]]]:
        """What to try, in order, each with its name."""
        self._declares()
        if "declares" in self._broken:
            return []
        combinations = list(product(TIE_RULES, PRICE_RULES))
        steps: list[tuple[str, Callable[[], None]]] = []
        for c, (tie, price) in enumerate(combinations):
            for share in _chunks(books, len(combinations), c):
                steps.append(
                    ("random books", self._random_step(tie, price, share, _SLOTS[(c + c // 4) % 4]))
                )
        mixed = exhaustive and self._kind.respects_limits  # if not, few of them differ
        small = ((1,), exhaustive), ((1, 2), mixed)
        steps += [("books of three by three", self._small_step(*each)) for each in small]
        steps += [("odd and largest books", self._odd_step)]
        if self._kind.truthful:
            steps += [("every lie in small books", self._every_lie_step)]
            for c, (tie, price) in enumerate(combinations):
                for share in _chunks(lies, len(combinations), c):
                    steps.append(("random lies", self._lies_step(tie, price, share, c)))
        return steps

    def report(self, name: str) -> MechanismReport:
        """What has been found so far."""
        if self._random and not self._traded:
            self._state("trades", TRADES.says, "nothing traded in any", "")
        self._laws["trades"] = self._random
        return MechanismReport(
            name,
            dict(self._laws),
            self._traded / max(self._random, 1),
            self._lies,
            self._harmful,
            self._passed / max(self._accepted, 1),
            tuple(self._broken.values()),
        )

    def _declares(self) -> None:
        wrong = false_declarations(self._kind)
        if wrong:
            self._state("declares", DECLARES.says, "; ".join(wrong), "")

    def _random_step(self, tie: str, price: Any, count: int, slots: int) -> Callable[[], None]:
        def step() -> None:
            rules = self._rules(tie, price)
            books = self._filled(random_books(self._rng, count, slots))
            case = self._look(rules, books, self._every_law)
            self._look(rules, rows(books, slice(_FEW)), FEW)
            if case is None:
                return
            worth = case.books.price * case.outcome.accepted * case.sign
            self._random += count
            self._traded += int((case.outcome.volume > 0).sum())
            self._accepted += int((case.outcome.accepted > 0).sum())
            self._passed += int((case.outcome.pays > worth).sum())

        return step

    def _small_step(self, energies: tuple[int, ...], every: bool) -> Callable[[], None]:
        def step() -> None:
            books = small_books(energies)
            if not every:
                books = rows(books, self._rng.permutation(len(books.orders))[:_SAMPLE])
            books = self._filled(books)
            self._look(self._rules(), books, self._every_law)

        return step

    def _odd_step(self) -> None:
        for tie in TIE_RULES:
            books = self._filled(odd_books())
            self._look(self._rules(tie), books, [*self._every_law, *FEW])
            if not any(
                law.name in self._broken for law in OUTCOME_LAWS
            ):  # else it says nothing new
                self._look(self._rules(tie), self._filled(largest_books(self._rng)), [CAPS])

    def _every_lie_step(self) -> None:
        several = self._kind.truthful == "several"
        for at, books in enumerate(truth_books(self._kind.truthful, self._rng, 3_000)):
            for tie, price in _LYING_RULES:
                chosen = books if price == "midpoint" else rows(books, slice(at, None, 5))
                case = self._look(self._rules(tie, price), self._filled(chosen), [CLEARS])
                if case is None:
                    return
                reports = np.arange(-1, 10)[None, :].repeat(len(chosen.orders), 0)
                lies = best_lie(case, reports, several)
                self._lies += lies_told(case, reports.shape[1], several)
                self._judge_lies(case, lies)

    def _lies_step(self, tie: str, price: Any, count: int, c: int) -> Callable[[], None]:
        def step() -> None:
            a_side = SIDES[c % len(SIDES)]
            books = self._filled(lying_books(self._kind.truthful, self._rng, count, a_side))
            case = self._look(self._rules(tie, price), books, [CLEARS])
            if case is not None:
                lies = random_lies(case, self._rng)
                self._lies += count
                self._harmful += int((lies.gain < 0).sum())
                self._judge_lies(case, lies)

        return step

    def _judge_lies(self, case: Case, lies: Lies) -> None:
        self._laws["truth"] = self._laws.get("truth", 0) + len(lies.gain)
        gains = np.flatnonzero(lies.gain > 0)
        if len(gains) and "truth" not in self._broken:
            found = tell_lie(lies, case.books.price, int(gains[0]))
            self._tell(TRUTH, case.rules, rows(case.books, gains[:1]), len(gains), found)

    def _look(self, rules: Rules, books: Books, laws: Sequence[Law]) -> Case | None:
        """Try laws that are not broken yet; None if a book cannot be cleared."""
        try:
            case = Case.of(self._kind, rules, books)
            for law in laws:
                self._laws[law.name] = self._laws.get(law.name, 0) + len(books.orders)
                if law.name not in self._broken:
                    found = np.flatnonzero(law.find(case))
                    if len(found):
                        self._tell(law, rules, rows(books, found), len(found))
        except CAUGHT as error:
            if "clears" not in self._broken:
                found = np.flatnonzero(broken_rows(CLEARS, self._kind, rules, books))
                worst = rows(books, found) if len(found) else books
                what = f"{type(error).__name__}: {error}"
                self._tell(CLEARS, rules, worst, len(found), what)
            return None
        return case

    def _tell(self, law: Law, rules: Rules, books: Books, count: int, found: str = "") -> None:
        """Record a broken law with the smallest book that shows it, from those that seem to."""

        def broken(books: Books) -> BoolArray:
            return broken_rows(law, self._kind, rules, books)

        each = (rows(books, [b]) for b in range(min(len(books.orders), _FEW)))
        book = next((one for one in each if broken(one)[0]), None)
        if book is not None:
            book = shrunk(book, broken)
            if law.tell is not None:
                found = law.tell(Case.of(self._kind, rules, book))
        else:  # it shows in this batch only
            book = rows(books, [0])
        oracle = self._oracle if law.name == "oracle" else None
        self._state(law.name, law.says, found, code_for(law.name, rules, book, oracle), count)

    def _state(self, law: str, says: str, found: str, code: str, count: int = 0) -> None:
        self._broken[law] = BrokenLaw(law, says, found, count, code)

    def _rules(self, tie: str = "pro_rata", price: Any = "midpoint") -> Rules:
        return Rules(self._kind.name, price, tie, utility=None)

    def _filled(self, books: Books) -> Books:
        if self._inputs is None:
            return books
        filled = self._inputs(self._rng, books)
        if not isinstance(filled, Books):
            raise InputError(
                f"inputs must return the Books it was given, with further columns filled "
                f"(books._replace(...)), got {type(filled).__name__}"
            )
        return filled


def _chunks(total: int, parts: int, part: int) -> Iterator[int]:
    """The part-th of `parts` shares of `total`, at least 1, in pieces that fit the cache."""
    left = max(total // parts + (part < total % parts), 1)
    while left > 0:
        yield min(left, _CHUNK)
        left -= _CHUNK
