"""What a check of a mechanism found, and a broken law as code that shows it."""

from dataclasses import dataclass

import numpy as np

from decent_gym.clearing import Books, Rules
from decent_gym.testing.books import per_order


@dataclass(frozen=True, slots=True)
class BrokenLaw:
    """One law that a mechanism breaks.

    Attributes
    ----------
    law, says : str
        Its name, and what it demands.
    found : str
        What was found instead; may be empty.
    books : int
        How many of the books tried so far with the same rules break it.
    code : str
        At most eight lines of Python that show it on the smallest book found; the last line
        raises AssertionError.  The mechanism must have been registered.
    """

    law: str
    says: str
    found: str
    books: int
    code: str

    def __str__(self) -> str:
        found = f"\n  found: {self.found}" if self.found else ""
        code = "\n".join(f"    {line}" for line in self.code.splitlines())
        return f"{self.law}: {self.says}{found}\n{code}"


@dataclass(frozen=True, slots=True)
class MechanismReport:
    """What :func:`check_mechanism` found; true if no law is broken.

    Attributes
    ----------
    mechanism : str
    laws : dict of str to int
        Every law that was looked at, and on how many books.
    traded : float
        Share of the random books in which something traded.
    lies : int
        Misreports tried.
    harmful_lies : int
        Of the random ones, those that cost the liar something: if none did, nothing was tried.
    limits_passed : float
        Share of the accepted orders in random books that pay more than their bid or get less than
        their ask.
    broken : tuple of BrokenLaw
    """

    mechanism: str
    laws: dict[str, int]
    traded: float
    lies: int
    harmful_lies: int
    limits_passed: float
    broken: tuple[BrokenLaw, ...] = ()

    def __bool__(self) -> bool:
        return not self.broken

    def __str__(self) -> str:
        if not self.broken:
            lies = f", {self.lies:,} lies gained nothing" if self.lies else ""
            most = max(self.laws.values(), default=0)
            return f"{self.mechanism!r} keeps all {len(self.laws)} laws on {most:,} books{lies}"
        head = f"{self.mechanism!r} breaks {len(self.broken)} of {len(self.laws)} laws"
        return "\n".join([head, *map(str, self.broken)])


class BrokenLawError(AssertionError):
    """A mechanism breaks a law; the message shows each with code that reproduces it.

    Attributes
    ----------
    report : MechanismReport
    """

    def __init__(self, report: MechanismReport) -> None:
        super().__init__(str(report))
        self.report = report

    def __reduce__(self) -> tuple[type["BrokenLawError"], tuple[MechanismReport]]:
        return BrokenLawError, (self.report,)


def code_for(law: str, rules: Rules, books: Books, oracle: object = None) -> str:
    """At most eight lines that clear the one row of `books` and assert the law."""
    given = {"tie_rule": rules.tie_rule, "price_rule": rules.price_rule}
    changed = [f"{name}={value!r}" for name, value in given.items()
               if value != getattr(Rules(rules.mechanism, utility=None), name)]  # fmt: skip
    arguments = ", ".join([repr(rules.mechanism), "books", *changed])
    lines = ["from decent_gym.testing import book, cleared, keeps"]
    if oracle is not None:
        module, name = getattr(oracle, "__module__", ""), getattr(oracle, "__qualname__", "")
        lines.append(f"from {module} import {name} as oracle")
        changed.append("oracle=oracle")
    demand = ", ".join([repr(law), repr(rules.mechanism), "books", *changed])
    side, price, energy = (_listed(books, name) for name in ("side", "price", "offered"))
    lines += ["books = book(", f"    side={side}, price={price}, energy={energy},"]
    others = _others(books)
    if others:
        lines.append(f"    {', '.join(others)},")
    lines += [")", f"print(cleared({arguments}))", f"assert keeps({demand})"]
    return "\n".join(lines)


def _others(books: Books) -> list[str]:
    """Keywords of :func:`book` that are not at their default."""
    slots = np.arange(books.side.shape[1])
    default = {"priority": 0 * slots, "sequence": slots, "owner": slots}
    found = []
    for name in per_order(books):
        if name in ("side", "price", "offered"):
            continue
        if name not in default or not np.array_equal(getattr(books, name)[0], default[name]):
            found.append(f"{name}={_listed(books, name)}")
    if books.orders[0] != len(slots):
        found.append(f"orders={int(books.orders[0])}")
    if books.lottery[0]:
        found.append(f"lottery={int(books.lottery[0])}")
    if books.tariffs.any():
        found.append(f"tariffs={_listed(books, 'tariffs')}")
    return found


def _listed(books: Books, name: str) -> str:
    return str(getattr(books, name)[0].tolist())
