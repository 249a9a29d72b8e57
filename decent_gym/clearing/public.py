"""`clear`: what a mechanism would do with one book."""

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.inputs import (
    NOTHING,
    book_error,
    checked_book,
    checked_organizations,
    checked_priority,
    checked_sequence,
    checked_tariffs,
    equally_long,
    integers,
)
from decent_gym.clearing.lottery import lottery_keys
from decent_gym.clearing.mechanism import MECHANISMS, Mechanism
from decent_gym.clearing.merit_order import MERIT_ORDER, clear_one
from decent_gym.clearing.preference_inputs import checked_wishes, refuse_self_trade
from decent_gym.clearing.preference_result import clear_with_wishes
from decent_gym.clearing.result import OwnPricesResult, Result, figures_of, own_prices, to_beat
from decent_gym.clearing.rules import Rules
from decent_gym.errors import InputError
from decent_gym.registry import unknown_name
from decent_gym.units import IntArray

ArrayLike = npt.ArrayLike

_TARIFFS = ("retail", "feed_in")
_COMMON = (
    *("priority", "sequence", "organization", "seed", "mechanism", "price_rule", "tie_rule"),
    *("attributes", "premium", "partner"),
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
    attributes: ArrayLike | None = None,
    premium: ArrayLike | None = None,
    partner: Any = None,
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
    attributes : array-like of int (n,), optional
        For ``mechanism="preference"``: what the energy is, or is wished to be, the sum of 1 (LOCAL)
        and 2 (RENEWABLE); default all 0.
    premium : array-like of int (n,), optional
        Likewise, of a BUY with a wish: -1 (HARD, the default) takes nothing else; 0 to 1000 is what
        the wished-for energy is worth more, per mille of the limit.
    partner : sequence of int, str or None (n,), optional
        Likewise: the only organization to trade with, named as in `organization`; None or -1: any.
    **needs
        What the mechanism needs beside these (its ``needs``): the price-taking ones take
        ``retail`` and ``feed_in``, integers in micro-euro per kWh.

    Returns
    -------
    Result
        An :class:`OwnPricesResult` where offers have prices of their own, a
        :class:`PreferenceResult` for ``mechanism="preference"``.

    Raises
    ------
    UnknownNameError
        For a misspelt mechanism, rule or keyword, or a partner who offers nothing; says the nearest
        right one.
    InputError
        For a value out of place; names array, index and value.
    """
    rules = _rules(mechanism, price_rule, tie_rule, seed)
    kind = MECHANISMS[mechanism]
    if needs:
        _refuse_unknown(needs, kind)
    side = integers(side, "side")
    price = integers(price, "price")
    energy = integers(energy, "energy")
    n = equally_long(side, price, energy)
    classes = NOTHING if priority is None else checked_priority(priority, n)
    numbers = NOTHING if sequence is None else checked_sequence(sequence, n)
    wishes = None
    if kind.wishes:
        wishes = checked_wishes(attributes, premium, partner, organization, n)
    elif attributes is not None or premium is not None or partner is not None:
        raise _reads_no_wishes(kind, attributes=attributes, premium=premium, partner=partner)
    if organization is None:
        owner = None
    elif wishes is None:
        owner = checked_organizations(organization, side, price)
    else:
        owner = refuse_self_trade(organization, side, price, wishes)
    draws = rules.tie_rule == "random" or kind.draws
    lottery = lottery_keys(rules.seed, 0, 0, 0) if draws else 0
    if kind is MERIT_ORDER:
        figures, fault = clear_one(side, price, energy, classes, numbers, lottery, rules.codes)
        if fault:
            raise book_error(fault, side, price, energy)
        return Result(figures, side.copy(), price.copy(), energy.copy())
    checked_book(side, price, energy)
    tariffs = checked_tariffs(needs, kind.needs, mechanism, energy)
    books = _book(side, price, energy, classes, numbers, owner, lottery, tariffs)
    return _cleared(rules, books) if wishes is None else clear_with_wishes(rules, books, wishes)


def _book(
    side: IntArray,
    price: IntArray,
    energy: IntArray,
    classes: IntArray,
    numbers: IntArray,
    owner: IntArray | None,
    lottery: int,
    tariffs: tuple[int, int],
) -> Books:
    """One book as a batch of one."""
    n = side.shape[0]
    return Books(
        np.array([n]),
        side[None],
        price[None],
        energy[None],
        classes[None] if classes.size else np.zeros((1, n), np.int64),
        (numbers if numbers.size else np.arange(n))[None],
        (_ranks(numbers, n) if owner is None else owner)[None],
        np.array([lottery]),
        np.array([[*tariffs, 0, 0]]),
    )


def _cleared(rules: Rules, books: Books) -> Result:
    outcome = Outcome.empty(*books.side.shape)
    mechanism = MECHANISMS[rules.mechanism]
    mechanism.clear(books, rules, outcome, 0, 1)
    side, price, energy = (c[0].copy() for c in (books.side, books.price, books.offered))
    figures = figures_of(outcome)
    if mechanism.uniform:
        return Result(figures, side, price, energy)
    accepted, paid = outcome.accepted[0], outcome.pays[0] * (2 * side - 1)
    worse = np.where(side == 1, paid > price * accepted, paid < price * accepted)
    return OwnPricesResult(
        figures,
        side,
        price,
        energy,
        prices=own_prices(accepted, paid),
        limits_passed=int(np.count_nonzero(worse)),
        to_beat=to_beat(books, outcome, mechanism.bar == "limit"),
    )


def _ranks(numbers: IntArray, n: int) -> IntArray:
    """Owners for offers without organizations: one each, numbered by arrival."""
    ranks = np.arange(n)
    if numbers.size:
        ranks[np.argsort(numbers)] = np.arange(n)
    return ranks


def _rules(mechanism: str, price_rule: Any, tie_rule: str, seed: int) -> Rules:
    try:
        # typed: True == 1 == 1.0 must not share an entry, or a bool would pass as k = 1
        return _cached_rules(mechanism, price_rule, tie_rule, seed)
    except TypeError:  # an unhashable argument: let Rules name it
        return Rules(mechanism, price_rule, tie_rule, seed, None)


@lru_cache(maxsize=256, typed=True)
def _cached_rules(mechanism: str, price_rule: Any, tie_rule: str, seed: int) -> Rules:
    return Rules(mechanism, price_rule, tie_rule, seed, None)


def _reads_no_wishes(kind: Mechanism, **given: Any) -> InputError:
    name = next(name for name, value in given.items() if value is not None)
    return InputError(f"mechanism {kind.name!r} reads no {name}; write mechanism='preference'")


def _refuse_unknown(needs: dict[str, Any], kind: Mechanism) -> None:
    own = kind.needs if kind.respects_limits else _TARIFFS  # bill_sharing takes both, reads none
    for name in needs:
        if name not in own:
            raise unknown_name(f"keyword of clear(mechanism={kind.name!r})", name, _COMMON + own)
