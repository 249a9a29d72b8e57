"""`clear`: what a mechanism would do with one book."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.inputs import (
    checked_book,
    checked_organizations,
    checked_priority,
    checked_sequence,
    checked_tariffs,
    integers,
)
from decent_gym.clearing.lottery import lottery_keys
from decent_gym.clearing.mechanism import MECHANISMS
from decent_gym.clearing.merit_order import MERIT_ORDER, clear_one
from decent_gym.clearing.rules import Rules
from decent_gym.models import Case
from decent_gym.registry import unknown_name
from decent_gym.units import IntArray

ArrayLike = npt.ArrayLike
FloatArray = npt.NDArray[np.float64]

_COMMON = ("priority", "sequence", "organization", "seed", "mechanism", "price_rule", "tie_rule")


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a mechanism would do with a book of n offers; nothing has been applied.

    Attributes
    ----------
    figures : int64 (2 n + 6,)
        Everything in one array: ``accepted``, ``pays``, then volume, price_low, price,
        price_high, surplus and case.  The properties below read it.
    own_prices : float64 (n,) or None
        :attr:`prices` where orders have prices of their own; None where there is one price.
    limits_passed : int
        How many offers pay more than their bid or get less than their ask; 0 for all mechanisms
        but the price-taking ones, which do not look at limits.
    """

    figures: IntArray
    own_prices: FloatArray | None = None
    limits_passed: int = 0

    @property
    def accepted(self) -> IntArray:
        """Accepted energy, int64 Wh (n,)."""
        return self.figures[: (len(self.figures) - 6) // 2]

    @property
    def pays(self) -> IntArray:
        """What each offer pays, int64 n-euro (n,), buyers positive."""
        return self.figures[(len(self.figures) - 6) // 2 : -6]

    @property
    def volume(self) -> int:
        """Traded energy, Wh."""
        return int(self.figures[-6])

    @property
    def price_low(self) -> int | None:
        """Lower end of the valid prices, micro-euro per kWh; None if nothing trades.

        Where offers have prices of their own: the lowest of them, rounded down.
        """
        return int(self.figures[-5]) if self.figures[-6] else None

    @property
    def price(self) -> int | None:
        """The price, micro-euro per kWh; None if nothing trades.

        Where offers have prices of their own: the mean of what a kWh cost the buyers and brought
        the sellers, rounded down.
        """
        return int(self.figures[-4]) if self.figures[-6] else None

    @property
    def price_high(self) -> int | None:
        """Upper end of the valid prices, micro-euro per kWh; None if nothing trades.

        Where offers have prices of their own: the highest of them, rounded up.
        """
        return int(self.figures[-3]) if self.figures[-6] else None

    @property
    def prices(self) -> FloatArray:
        """What a kWh costs or brings each offer, float64 micro-euro per kWh (n,).

        NaN where nothing was accepted.  For people and statistics: `pays` is the exact figure.
        """
        if self.own_prices is not None:
            return self.own_prices
        return np.where(self.accepted > 0, float(self.figures[-4]), np.nan)

    @property
    def surplus(self) -> int:
        """What the mechanism keeps, n-euro: the sum of `pays`; below 0, a deficit it bears."""
        return int(self.figures[-2])

    @property
    def case(self) -> Case:
        """How the book cleared."""
        return Case(int(self.figures[-1]))

    def __repr__(self) -> str:
        return (
            f"Result(volume={self.volume}, price={self.price}, price_low={self.price_low}, "
            f"price_high={self.price_high}, case={self.case.name}, surplus={self.surplus}, "
            f"accepted={self.accepted!r})"
        )


def clear(
    side: ArrayLike,
    price: ArrayLike,
    energy: ArrayLike,
    mechanism: str = "merit_order",
    price_rule: str | int | float | Fraction = "midpoint",
    tie_rule: str = "pro_rata",
    priority: ArrayLike | None = None,
    sequence: ArrayLike | None = None,
    organization: ArrayLike | None = None,
    seed: int = 0,
    **needs: Any,
) -> Result:
    """Compute what a mechanism would do with one book of n offers.

    Integers only: a float, even an integral one, is refused, because it is usually kWh or EUR.

    Parameters
    ----------
    side : array-like of int (n,)
        0 SELL, 1 BUY.
    price : array-like of int (n,)
        Limits in micro-euro per kWh, within +-10^8.
    energy : array-like of int (n,)
        Wh, 1 to 10^8.
    mechanism : str
        A name in ``MECHANISMS``.
    price_rule : str, int, Fraction or float
        ``"midpoint"`` or an exact k in [0, 1]; see :class:`Rules`.
    tie_rule : str
        ``pro_rata``, ``time``, ``random`` or ``equal_share``, at the margin.
    priority : array-like of int (n,), optional
        Class of each offer, the lower one is filled first at the margin; default all 0.
    sequence : array-like of int (n,), optional
        Order of arrival, unique, >= 0; default the position.
    organization : array-like of int or str (n,), optional
        Who offers; if given, an organization that crosses itself is refused.
    seed : int
        Of the lottery: of the tie rule ``random``, and of mechanisms that draw lots.
    **needs
        What the mechanism needs beside these (its ``needs``): ``retail`` and ``feed_in``,
        integers in micro-euro per kWh, for the price-taking ones.

    Returns
    -------
    Result

    Raises
    ------
    UnknownNameError
        For a misspelt mechanism, rule or keyword; says the nearest right one.
    InputError
        For a value out of place; names array, index and value.
    """
    rules = _rules(mechanism, price_rule, tie_rule, seed)
    own = MECHANISMS[mechanism].needs
    if needs or own:
        _refuse_unknown(needs, mechanism)
    side = integers(side, "side")
    price = integers(price, "price")
    energy = integers(energy, "energy")
    checked_book(side, price, energy)
    n = side.shape[0]
    classes = checked_priority(priority, n)
    numbers = checked_sequence(sequence, n)
    owner = None if organization is None else checked_organizations(organization, side, price)
    draws = rules.tie_rule == "random" or MECHANISMS[mechanism].draws
    lottery = lottery_keys(rules.seed, 0, 0, 0) if draws else 0
    if MECHANISMS[mechanism] is MERIT_ORDER:
        return Result(clear_one(side, price, energy, classes, numbers, lottery, rules.codes))
    tariffs = checked_tariffs(needs, own, mechanism, energy)
    return _cleared(rules, side, price, energy, classes, numbers, owner, lottery, tariffs)


def _cleared(
    rules: Rules,
    side: IntArray,
    price: IntArray,
    energy: IntArray,
    classes: IntArray,
    numbers: IntArray,
    owner: IntArray | None,
    lottery: int,
    tariffs: tuple[int, int],
) -> Result:
    """One book as a batch of one."""
    n = side.shape[0]
    books = Books(
        np.array([n]),
        side[None],
        price[None],
        energy[None],
        classes[None] if classes.size else np.zeros((1, n), np.int64),
        (numbers if numbers.size else np.arange(n))[None],
        (np.arange(n) if owner is None else owner)[None],
        np.array([lottery]),
        np.array([[*tariffs, 0, 0]]),
    )
    outcome = Outcome.empty(1, n)
    mechanism = MECHANISMS[rules.mechanism]
    mechanism.clear(books, rules, outcome, 0, 1)
    tail = (
        outcome.volume,
        outcome.price_low,
        outcome.price,
        outcome.price_high,
        outcome.surplus,
        outcome.case,
    )
    figures = np.concatenate((outcome.accepted[0], outcome.pays[0], *tail))
    if mechanism.uniform:
        return Result(figures)
    accepted, paid = outcome.accepted[0], outcome.pays[0] * (2 * side - 1)
    own = np.divide(paid, accepted, out=np.full(n, np.nan), where=accepted > 0)
    worse = np.where(side == 1, paid > price * accepted, paid < price * accepted)
    return Result(figures, own, int(np.count_nonzero(worse)))


def _rules(mechanism: str, price_rule: Any, tie_rule: str, seed: int) -> Rules:
    try:
        # typed: True == 1 == 1.0 must not share an entry, or a bool would pass as k = 1
        return _cached_rules(mechanism, price_rule, tie_rule, seed)
    except TypeError:  # an unhashable argument: let Rules name it
        return Rules(mechanism, price_rule, tie_rule, seed, None)


@lru_cache(maxsize=256, typed=True)
def _cached_rules(mechanism: str, price_rule: Any, tie_rule: str, seed: int) -> Rules:
    return Rules(mechanism, price_rule, tie_rule, seed, None)


def _refuse_unknown(needs: dict[str, Any], mechanism: str) -> None:
    own = MECHANISMS[mechanism].needs
    for name in needs:
        if name not in own:
            raise unknown_name(f"keyword of clear(mechanism={mechanism!r})", name, _COMMON + own)
