"""All laws by name, and which rows of a batch break one."""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.clearing import MECHANISMS, Books, Mechanism, Rules
from decent_gym.testing.books import rows
from decent_gym.testing.case import CAUGHT, BoolArray, Case, Law
from decent_gym.testing.laws import CAPS, OUTCOME_LAWS
from decent_gym.testing.relations import FEW, RELATIONS
from decent_gym.testing.truth import TRUTH

Oracle = Callable[[Books, int, Rules], tuple[npt.ArrayLike, npt.ArrayLike]]


def _nowhere(case: Case) -> BoolArray:
    return np.zeros(len(case.books.orders), np.bool_)


CLEARS: Final = Law("clears", "every book is cleared, without an error", _nowhere)
DECLARES: Final = Law(
    "declares", "the fields of Mechanism contradict neither themselves nor the registry", _nowhere
)
TRADES: Final = Law("trades", "something trades in some random book", _nowhere)

_ALLOWED: Final = {
    "budget": ("balanced", "surplus", "deficit", "any"),
    "truthful": ("", "unit", "divisible", "several"),
    "bar": ("price", "limit"),
}


def laws(oracle: Oracle | None) -> list[Law]:
    """Every law that can be asked of a single book."""
    found = [CLEARS, *OUTCOME_LAWS, *RELATIONS, *FEW, CAPS, TRUTH]
    return found if oracle is None else [*found, oracle_law(oracle)]


def oracle_law(oracle: Oracle) -> Law:
    """Agreement with somebody's slow and obvious version."""

    def expected(case: Case, b: int) -> tuple[list[int], list[int]]:
        accepted, pays = oracle(case.books, b, case.rules)
        return np.asarray(accepted).tolist(), np.asarray(pays).tolist()

    def find(case: Case) -> BoolArray:
        got = zip(case.outcome.accepted.tolist(), case.outcome.pays.tolist(), strict=True)
        return np.array([pair != expected(case, b) for b, pair in enumerate(got)], np.bool_)

    def tell(case: Case) -> str:
        accepted, pays = expected(case, 0)
        return f"the oracle accepts {accepted} and lets them pay {pays}"

    return Law("oracle", "the same as the oracle, to the Wh and the nano-euro", find, tell)


def broken_rows(law: Law, kind: Mechanism, rules: Rules, books: Books) -> BoolArray:
    """Rows that break the law, bool (B,); rows that cannot be cleared break CLEARS alone."""
    try:
        return law.find(Case.of(kind, rules, books))
    except CAUGHT:
        if len(books.orders) == 1:
            return np.array([law is CLEARS])
        each = [broken_rows(law, kind, rules, rows(books, [b])) for b in range(len(books.orders))]
        return np.concatenate(each)


def false_declarations(kind: Mechanism) -> list[str]:
    """Fields of a mechanism that cannot be meant so."""
    wrong = [
        f"{field}={getattr(kind, field)!r} is none of {values}"
        for field, values in _ALLOWED.items()
        if getattr(kind, field) not in values
    ]
    if MECHANISMS.get(kind.name) is not kind:
        wrong.append(f"it is registered under another name than {kind.name!r}")
    if not kind.summary:
        wrong.append("summary is empty")
    if kind.truthful and not kind.respects_limits:
        wrong.append("truthful, but a limit that is not respected says nothing")
    return wrong
