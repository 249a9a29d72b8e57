"""The checker itself: each law is broken once on purpose, and found by its name."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from decent_gym.clearing import MECHANISMS, Books, Mechanism, Outcome, Rules
from decent_gym.clearing.totals import write_totals
from decent_gym.errors import InputError, UnknownNameError
from decent_gym.models import Case
from decent_gym.testing import BrokenLawError, check_mechanism, keeps, random_books

RIGHT = MECHANISMS["pay_as_bid"]
Clear = Callable[[Books, Rules, Outcome, int, int], None]


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    monkeypatch.setattr(MECHANISMS, "_entries", dict(MECHANISMS._entries))

    def register(clear: Clear, **declared: object) -> None:
        MECHANISMS.add("mine", replace(RIGHT, name="mine", clear=clear, **declared))

    return register


def after(change: Callable[[Books, Outcome, int, np.ndarray], None], totals: bool = True) -> Clear:
    """Pay-as-bid whose every row is changed, once it is cleared."""

    def clear(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
        RIGHT.clear(books, rules, outcome, first, last)
        for b in range(first, last):
            change(books, outcome, b, np.flatnonzero(outcome.accepted[b]))
        if totals:
            write_totals(books, outcome, first, last)

    return clear


def nothing_where(unlucky: Callable[[Books, int], bool]) -> Clear:
    def change(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
        if unlucky(books, b):
            outcome.accepted[b] = outcome.pays[b] = 0

    return after(change)


def wide(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    MECHANISMS["merit_order"].clear(books, rules, outcome, first, last)
    outcome.price_low[first:last] -= outcome.volume[first:last] > 0


def overfilled(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    for side in (0, 1):
        one = taken[books.side[b, taken] == side][:1]
        outcome.accepted[b, one] += 1


def leaking(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    outcome.accepted[b, taken[books.side[b, taken] == 1][:1]] -= 1


def hidden_fee(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    outcome.pays[b, taken[:1]] += 1


def kept_fee(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    outcome.pays[b, taken[:1]] -= 1


def entrance_fee(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    outcome.pays[b, : books.orders[b]] += 1


def for_nothing(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    outcome.pays[b] = 0


def turnover_twice(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    outcome.volume[b] *= 2


def last_price(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    if outcome.volume[b] == 0:
        outcome.price[b] = 5


def sellers_price(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    outcome.price[b] = outcome.price_low[b]


def never_rationed(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    outcome.case[b] = Case.EXACT if outcome.volume[b] else Case.NONE


def rounded(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    outcome.pays[b] = outcome.pays[b].astype(np.float32).astype(np.int64)


def scribbling(books: Books, outcome: Outcome, b: int, taken: np.ndarray) -> None:
    books.offered[b] -= outcome.accepted[b]


def half_written(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    before = outcome.price_high[first:last].copy()
    RIGHT.clear(books, rules, outcome, first, last)
    quiet = outcome.volume[first:last] == 0
    outcome.price_high[first:last][quiet] = before[quiet]


def by_position(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    slots = np.arange(books.side.shape[1])[None].repeat(len(books.orders), 0)
    RIGHT.clear(books._replace(sequence=slots), rules, outcome, first, last)


def every_slot(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    full = np.full_like(books.orders, books.side.shape[1])
    RIGHT.clear(books._replace(orders=full), rules, outcome, first, last)


def from_the_start(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    RIGHT.clear(books, rules, outcome, 0, last)


def off_by_first(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    part = Books(*(c[: last - first] if len(c) == len(books.orders) else c for c in books))
    RIGHT.clear(part, rules, Outcome(*(c[first:last] for c in outcome)), 0, last - first)


SHARED = {"books": None}


def one_shared_place(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    for b in range(first, last):
        SHARED["books"] = Books(
            *(c[b : b + 1] if len(c) == len(books.orders) else c for c in books)
        )
        time.sleep(1e-5)  # long enough for another thread to take the place
        RIGHT.clear(SHARED["books"], rules, Outcome(*(c[b : b + 1] for c in outcome)), 0, 1)


def dividing(books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
    RIGHT.clear(books, rules, outcome, first, last)
    for b in range(first, last):
        sum(outcome.pays[b].tolist()) // int(books.offered[b, : books.orders[b]].sum())


def in_turns() -> Clear:
    turn = itertools.count()
    return nothing_where(lambda books, b: next(turn) % 7 == 0)


BROKEN: dict[str, tuple[str, Clear, dict[str, object]]] = {
    "fills beyond the energy": ("fills", after(overfilled), {}),
    "loses a Wh": ("energy", after(leaking), {}),
    "states another surplus": ("money", after(hidden_fee, totals=False), {}),
    "keeps money in secret": ("budget", after(kept_fee), {}),
    "declares a surplus, makes a deficit": ("budget", after(kept_fee), {"budget": "surplus"}),
    "charges for nothing": ("idle", after(entrance_fee), {"budget": "any"}),
    "gives away": ("limits", after(for_nothing), {}),
    "counts both sides": ("volume", after(turnover_twice, totals=False), {}),
    "keeps the last price": ("no_price", after(last_price, totals=False), {}),
    "reports the sellers' price": ("prices", after(sellers_price, totals=False), {}),
    "never says who was rationed": ("case", after(never_rationed, totals=False), {}),
    "has no one price": ("uniform", RIGHT.clear, {"uniform": True}),
    "calls too many prices valid": ("interval", wide, {"uniform": True}),
    "leaves an entry": ("writes", half_written, {}),
    "uses its input as scratch": ("reads", after(scribbling), {}),
    "remembers": ("repeats", in_turns(), {}),
    "prefers the first slot": ("permutation", by_position, {}),
    "reads free slots": ("absent", every_slot, {}),
    "reads a tariff in secret": (
        "tariffs",
        nothing_where(lambda books, b: len(books.tariffs) > 0 and books.tariffs[b, 0] > 900),
        {},
    ),
    "draws in secret": ("lottery", nothing_where(lambda books, b: books.lottery[b] % 2), {}),
    "ignores first": ("ranges", from_the_start, {}),
    "reads the wrong rows": ("ranges", off_by_first, {}),
    "shares a place": ("threads", one_shared_place, {}),
    "hides passed limits": (
        "public",
        MECHANISMS["bill_sharing"].clear,
        {"uniform": True, "respects_limits": False},
    ),
    "reckons in floats": ("caps", after(rounded), {}),
    "never trades": ("trades", nothing_where(lambda books, b: True), {}),
    "divides by zero": ("clears", dividing, {}),
    "lies about truth": ("truth", RIGHT.clear, {"truthful": "unit"}),
    "lies about divisible offers": (
        "truth",
        MECHANISMS["sbba"].clear,
        {"truthful": "divisible", "draws": True},
    ),
    "lies about several offers": (
        "truth",
        MECHANISMS["mcafee"].clear,
        {"truthful": "several", "budget": "surplus"},
    ),
    "says nothing": ("declares", RIGHT.clear, {"summary": ""}),
    "speaks another language": ("declares", RIGHT.clear, {"budget": "zero"}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_law_is_named_and_shown(what: str, registered: Callable[..., None]) -> None:
    law, clear, declared = BROKEN[what]
    registered(clear, **declared)
    with pytest.raises(BrokenLawError, match="'mine' breaks") as caught:
        check_mechanism("mine", books=160, lies=160, exhaustive=False)
    report = caught.value.report
    assert not report and str(report) == str(caught.value)
    broken = {each.law: each for each in report.broken}
    assert law in broken, report
    assert broken[law].says and f"\n{law}: {broken[law].says}" in str(report)
    if law not in ("repeats", "threads"):  # what else these break depends on the moment
        for each in report.broken:
            shows(each.law, each.code)


def shows(law: str, code: str) -> None:
    """The lines run and end in the failure they promise; a few offers are enough."""
    if law in ("declares", "trades"):
        assert code == ""
        return
    lines = code.splitlines()
    assert len(lines) <= 8
    with pytest.raises(ZeroDivisionError if law == "clears" else AssertionError):
        exec(code, {"print": lambda outcome: None})
    energies = next(line for line in lines if "energy=" in line).partition("energy=")[2]
    assert law == "caps" or energies.count(",") <= 5, code


def test_the_right_one_passes_under_the_other_name(registered: Callable[..., None]) -> None:
    registered(RIGHT.clear)
    report = check_mechanism("mine", books=160, exhaustive=False)
    assert report and not report.broken and report.mechanism == "mine"
    assert 0.3 < report.traded < 0.9 and report.lies == 0 and report.limits_passed == 0
    assert str(report).startswith("'mine' keeps all 26 laws on 996 books")


def test_one_law_on_given_books(registered: Callable[..., None]) -> None:
    registered(by_position)
    books = random_books(np.random.default_rng(1), 50, 8)
    assert keeps("energy", "mine", books) and keeps("permutation", "pay_as_bid", books)
    assert not keeps("permutation", "mine", books, tie_rule="time")
    with pytest.raises(UnknownNameError, match="unknown law 'permutations'; did you mean"):
        keeps("permutations", "mine", books)


def slow(books: Books, b: int, rules: Rules) -> tuple[np.ndarray, np.ndarray]:
    """Pay-as-bid that forgets the price rule."""
    outcome = Outcome.empty(*books.side.shape)
    RIGHT.clear(books, replace(rules, mechanism="pay_as_bid", price_rule=0), outcome, b, b + 1)
    return outcome.accepted[b], outcome.pays[b]


def test_an_oracle_is_asked_about_every_book(registered: Callable[..., None]) -> None:
    registered(RIGHT.clear)
    with pytest.raises(BrokenLawError, match="the oracle accepts") as caught:
        check_mechanism("mine", books=160, oracle=slow, exhaustive=False)
    (broken,) = caught.value.report.broken
    assert broken.law == "oracle" and "as oracle" in broken.code
    assert caught.value.report.laws["oracle"] == 160 + 2 * 400 + 4 * 9


def test_what_cannot_be_checked_is_refused(registered: Callable[..., None]) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mcafee'"):
        check_mechanism("mcafe")
    with pytest.raises(InputError, match="books must be in"):
        check_mechanism("mcafee", books=0)
    with pytest.raises(InputError, match="inputs must return the Books"):
        check_mechanism("mcafee", books=16, inputs=lambda rng, books: None)


def test_progress_and_further_inputs() -> None:
    told: list[tuple[str, int, int]] = []

    def dearer(rng: np.random.Generator, books: Books) -> Books:
        return books._replace(tariffs=books.tariffs + 1)

    report = check_mechanism(
        "sbba", books=160, lies=160, exhaustive=False, inputs=dearer,
        progress=lambda *step: told.append(step),
    )  # fmt: skip
    steps = [done for _, done, _ in told]
    assert steps == list(range(len(told))) and told[-1] == ("done", len(told) - 1, len(told) - 1)
    assert {what for what, *_ in told} >= {"random books", "random lies", "odd and largest books"}
    assert report.harmful_lies > 10 and report.lies > 80_000


def test_an_unexpected_error_is_not_swallowed(registered: Callable[..., None]) -> None:
    def stopping(*_: object) -> None:
        raise KeyboardInterrupt

    registered(stopping)
    with pytest.raises(KeyboardInterrupt):
        check_mechanism("mine", books=16)


def test_mechanism_has_no_field_that_is_not_looked_at() -> None:
    """A new field of Mechanism is either a law's, or listed here with the reason why it is not."""
    free = {
        "members_only": "Rules refuses the utility; no outcome shows it",
        "wishes": "a mechanism may read wishes and pass over them; it loosens the law of prices",
    }
    laws = {"name", "summary", "bar", "clear", "uniform", "needs", "draws", "respects_limits"}
    assert set(Mechanism.__dataclass_fields__) == laws | {"budget", "truthful"} | set(free)
