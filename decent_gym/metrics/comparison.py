"""The same books under several rules, side by side.

Static: books as they are, nobody adapts to the rule.  What people do *under* a rule only a
simulation under that rule shows.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.clearing import MECHANISMS, Outcome, Rules
from decent_gym.errors import InputError
from decent_gym.metrics.book_figures import GAINS, PRICES, Sums, book_sums
from decent_gym.metrics.bootstrap import (
    FloatArray,
    percentile_interval,
    resampled_weights,
    summed,
)
from decent_gym.metrics.welfare import best_welfare
from decent_gym.models import Commodity
from decent_gym.registry import unknown_name
from decent_gym.replay import BookSet, Recleared, books_for, reclear, retailer_only
from decent_gym.units import NANO_EUR_PER_EUR, ROUNDS_PER_DAY, IntArray

RETAILER_ONLY: Final = "retailer only"
UNITS: Final = ("day", "round", "book")
_ENOUGH_DAYS: Final = 5
"""Fewer days say little about the next; then rounds are resampled, though neighbours are alike."""
_TIMED_SECONDS: Final = 0.02
_VARIANTS: Final = ("price_rule", "tie_rule")

Statistic = Callable[[Sums], FloatArray]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and the ends of its 95 % interval; None where there is nothing to measure."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One rule over all books.

    Attributes
    ----------
    name : str
        The mechanism as it was asked for, or ``"retailer only"``.
    cleared : Recleared
    figures : mapping
        ``"all"`` and, where there are several, commodities to the figures of
        :data:`decent_gym.metrics.book_figures.GAINS` and ``PRICES``.
    savings_eur, surplus_eur : mapping of str to float
        Of every member; savings are against :data:`RETAILER_ONLY`.
    microseconds : float or None
        Of clearing one book, the mean over all books of a warm call, by the wall clock.
    """

    name: str
    cleared: Recleared
    figures: Mapping[str, Mapping[str, Figure]]
    savings_eur: Mapping[str, float]
    surplus_eur: Mapping[str, float]
    microseconds: float | None

    @property
    def utility(self) -> str | None:
        """The part that the utility played: ``"book"``, ``"residual"`` or None."""
        return None if self.cleared.rules is None else self.cleared.rules.utility


def rules_for(text: str, like: Rules) -> Rules:
    """Rules like `like` under another mechanism.

    One that must clear the members alone gets ``utility="residual"`` for ``"book"``: the utility's
    quotes leave the book and it serves the rest at its tariffs.

    Parameters
    ----------
    text : str
        A mechanism, perhaps with a price rule or tie rule of its own:
        ``"merit_order:price_rule=0,tie_rule=time"``.
    like : Rules

    Raises
    ------
    UnknownNameError
        For a mechanism or rule that does not exist, naming the nearest.
    InputError
        For a rule out of range, or a text that cannot be read.
    """
    name, _, rest = text.partition(":")
    if name not in MECHANISMS:
        raise unknown_name("mechanism", name, MECHANISMS)
    values = {**like.to_dict(), "mechanism": name}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in _VARIANTS:
            raise unknown_name(f"rule in {text!r}", key, _VARIANTS)
        values[key] = value
    if like.utility == "book" and MECHANISMS[name].members_only:
        values["utility"] = "residual"
    return Rules.from_dict(values)


def compare(
    book_set: BookSet,
    rules: Mapping[str, Rules],
    *,
    unit: str = "day",
    seed: int = 0,
    on_rules: Callable[[int], None] | None = None,
) -> list[Measured]:
    """Clear `book_set` under each of `rules` and measure what comes out.

    Parameters
    ----------
    book_set : BookSet
    rules : mapping of str to Rules
        Under the name that each is to have, see :func:`rules_for`.
    unit : str
        What the intervals resample: ``"day"`` (96 rounds), ``"round"``, or ``"book"``.
    seed : int
        Of the resamples.
    on_rules : callable, optional
        Called with the number of rules done, for progress.

    Returns
    -------
    list of Measured
        ``"retailer only"`` first, then one for each of `rules`.

    Raises
    ------
    InputError
        For an unknown unit, no books, or rules whose utility the books do not have.
    """
    if not len(book_set):
        raise InputError("there is no book to clear")
    ruler = _Ruler(book_set, unit, seed)
    found = [ruler.measure(RETAILER_ONLY, retailer_only(book_set), None)]
    for done, (name, rule) in enumerate(rules.items(), 1):
        cleared = reclear(book_set, rule)
        found.append(ruler.measure(name, cleared, _microseconds(book_set, rule)))
        if on_rules is not None:
            on_rules(done)
    return found


def units_of(book_set: BookSet, unit: str) -> IntArray:
    """Number of the day, round or book that each book belongs to, (B,), from 0 without gaps.

    Raises
    ------
    UnknownNameError
        For another unit.
    """
    if unit not in UNITS:
        raise unknown_name("unit of the intervals", unit, UNITS)
    return np.arange(len(book_set)) if unit == "book" else units_at(book_set.times, unit)


def units_at(times: IntArray, unit: str) -> IntArray:
    """Number of the day or round of each of `times`, which are round numbers, without gaps."""
    which = times // ROUNDS_PER_DAY if unit == "day" else times
    return np.unique(which, return_inverse=True)[1].astype(np.int64)


def usual_unit(times: IntArray) -> str:
    """What intervals over rounds resample unless something else is asked for: days, if enough."""
    return "day" if int(units_at(times, "day").max()) + 1 >= _ENOUGH_DAYS else "round"


class _Ruler:
    """What is the same for all mechanisms: the optimum, the resamples, the scopes."""

    def __init__(self, book_set: BookSet, unit: str, seed: int) -> None:
        self._book_set = book_set
        self._best = best_welfare(book_set)
        self._group = units_of(book_set, unit)
        self._weights = resampled_weights(int(self._group.max()) + 1, seed)
        kinds = np.unique(book_set.commodity).tolist()
        rows = book_set.commodity
        self._scopes = {"all": rows >= 0}
        self._wanted: dict[str, Mapping[str, Statistic]] = {"all": {**GAINS, **PRICES}}
        if len(kinds) > 1:  # prices of two commodities do not mix
            self._wanted["all"] = GAINS
            for kind in kinds:
                scope = Commodity(kind).name.lower()
                self._scopes[scope] = rows == kind
                self._wanted[scope] = {**GAINS, **PRICES}

    def measure(self, name: str, cleared: Recleared, microseconds: float | None) -> Measured:
        """All figures of one rule."""
        book_set = self._book_set
        sums = book_sums(book_set, cleared, self._best)
        figures = {
            scope: self._figures(sums, rows, self._wanted[scope])
            for scope, rows in self._scopes.items()
        }
        members = [book_set.names[n] for n in book_set.members]
        savings, surplus = (
            dict(zip(members, (sums[key].sum(axis=0) / NANO_EUR_PER_EUR).tolist(), strict=True))
            for key in ("savings", "surpluses")
        )
        return Measured(name, cleared, figures, savings, surplus, microseconds)

    def _figures(
        self, sums: Sums, rows: npt.NDArray[np.bool_], wanted: Mapping[str, Statistic]
    ) -> dict[str, Figure]:
        units, group = self._weights.shape[1], self._group[rows]
        exact = {name: values[rows].sum(axis=0) for name, values in sums.items()}
        drawn = {
            name: self._weights @ summed(values[rows], group, units)
            for name, values in sums.items()
        }
        found = {}
        for name, statistic in wanted.items():
            value = float(np.ravel(statistic(exact))[0])
            interval = None
            if units > 1 and not np.isnan(value):
                interval = percentile_interval(statistic(drawn))
            found[name] = Figure(None if np.isnan(value) else value, *(interval or (None, None)))
        return found


def _microseconds(book_set: BookSet, rules: Rules) -> float:
    books = books_for(book_set, rules)
    mechanism = MECHANISMS[rules.mechanism]
    rows, slots = books.side.shape
    outcome = Outcome.empty(rows, slots, mechanism.wishes and book_set.wishes)
    clear = mechanism.clear
    spent, calls = 0.0, 0
    while spent < _TIMED_SECONDS:
        begun = time.perf_counter()
        clear(books, rules, outcome, 0, len(book_set))
        spent += time.perf_counter() - begun
        calls += 1
    return spent / calls / len(book_set) * 1e6
