"""From whatever array-likes people hand in to checked int64 arrays, with named errors.

Arrays that are int64, contiguous and writeable already pass without a copy: one kernel looks at
every value once and returns a code.
"""

import operator
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from decent_gym.clearing.merit_order import (
    FAULT_CODES,
    FAULTY_ENERGY,
    FAULTY_PRICE,
    FAULTY_SIDE,
    book_fault,
)
from decent_gym.errors import InputError, shown
from decent_gym.units import ENERGY_CAP, PRICE_CAP, PRODUCT_CAP, IntArray, checked_int

_INT64: Final = np.dtype(np.int64)
NOTHING: Final = np.empty(0, np.int64)
"""What kernels are given for a column that nobody named."""

_REMEDIES: Final = {
    "energy": "int64 Wh; convert kWh with decent_gym.units.wh",
    "price": "int64 micro-euro/kWh; convert EUR/kWh with decent_gym.units.micro_eur_per_kwh",
    "side": "0 (SELL) or 1 (BUY)",
    "priority": "a class, an integer >= 0",
    "sequence": "the order of arrival, unique integers >= 0",
    "attributes": "0 (any), 1 (LOCAL), 2 (RENEWABLE) or 3 (both)",
    "premium": "-1 (HARD) or per mille of the limit",
}


def integers(values: Any, name: str) -> IntArray:
    """`values` as an int64 array (n,), contiguous and writeable; not a copy if it is one already.

    Raises
    ------
    InputError
        For floats (also integral ones), bools, strings, NaN, the wrong number of dimensions, or
        integers beyond int64: names the array, and for lists the position and the value.
    """
    if type(values) is np.ndarray and values.dtype is _INT64 and values.ndim == 1:
        return values if values.flags.carray else values.copy()
    if isinstance(values, str | bytes):
        raise _not_integers(name, f"the {type(values).__name__} {shown(values)}")
    if isinstance(values, list | tuple | range):
        return _from_items(values, name)
    if isinstance(values, np.ma.MaskedArray):
        raise _not_integers(name, "a masked array, of which clear would take the masked values too")
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(f"{name} must have one dimension, got shape {array.shape}")
    if array.dtype == object:
        return _from_items(array.tolist(), name)
    if array.size == 0:
        return NOTHING
    if array.dtype.kind not in "iu":
        raise _not_integers(name, f"{array.dtype} values such as {name}[0] = {array[0]!r}")
    if array.dtype == np.uint64 and int(array.max()) > np.iinfo(np.int64).max:
        at = int(array.argmax())
        raise InputError(f"{name}[{at}] = {array[at]} does not fit into int64")
    return array.astype(np.int64)


def equally_long(side: IntArray, price: IntArray, energy: IntArray) -> int:
    """The number of offers, if all three arrays have as many."""
    n = len(side)
    if len(price) != n or len(energy) != n:
        raise InputError(
            f"side, price and energy must be equally long, got {n}, {len(price)} and {len(energy)}"
        )
    return n


def checked_book(side: IntArray, price: IntArray, energy: IntArray) -> None:
    """Refuse values that no book may hold; the arrays are equally long.

    Raises
    ------
    InputError
        Naming array, index and value: a side that is not 0 or 1, energy outside [1, ENERGY_CAP],
        price beyond +-PRICE_CAP, sums beyond PRODUCT_CAP.
    """
    fault = book_fault(side, price, energy)
    if fault:
        raise book_error(int(fault), side, price, energy)


def checked_priority(priority: Any, n: int) -> IntArray:
    """Priority classes (n,)."""
    classes = integers(priority, "priority")
    _same_length(classes, "priority", n)
    _not_negative(classes, "priority")
    return classes


def checked_sequence(sequence: Any, n: int) -> IntArray:
    """Sequence numbers (n,), unique."""
    numbers = integers(sequence, "sequence")
    _same_length(numbers, "sequence", n)
    _not_negative(numbers, "sequence")
    order = np.argsort(numbers, kind="stable")
    again = np.flatnonzero(np.diff(numbers[order]) == 0)
    if again.size:
        first, second = (int(order[again[0] + step]) for step in (0, 1))
        raise InputError(
            f"sequence numbers must be unique: sequence[{first}] and sequence[{second}] are both "
            f"{numbers[first]}"
        )
    return numbers


def checked_organizations(organization: Any, side: IntArray, price: IntArray) -> IntArray:
    """Index of each offer's organization (n,), numbered by sorted name.

    Raises
    ------
    InputError
        If an organization would trade with itself: names the two offers.
    """
    names, owner = numbered_organizations(organization, len(side))
    refuse_crossing(names, owner, side, price, np.arange(len(side)))
    return owner


def numbered_organizations(organization: Any, n: int) -> tuple[list[Any], IntArray]:
    """Name and index of each offer's organization (n,), numbered by sorted name."""
    if isinstance(organization, np.ndarray):
        organization = organization.tolist()
    names = list(organization) if isinstance(organization, Iterable) else []
    if isinstance(organization, str | bytes) or len(names) != n:
        raise InputError(
            f"organization must name one organization per offer ({n}), got {shown(organization)}"
        )
    for i, name in enumerate(names):
        if not isinstance(name, str) and _integer(name) is None:  # a bool would equal 0 or 1
            raise InputError(f"organization[{i}] must be an int or a str, got {shown(name)}")
    unique = {name: index for index, name in enumerate(sorted(set(names), key=_by_type))}
    return names, np.fromiter((unique[name] for name in names), np.int64, len(names))


def refuse_crossing(
    names: list[Any], owner: IntArray, side: IntArray, price: IntArray, among: IntArray
) -> None:
    """Refuse an organization that would trade with itself `among` some of the offers."""
    asks, bids = among[side[among] == 0], among[side[among] == 1]
    organizations = int(owner.max(initial=-1)) + 1
    best_ask = np.full(organizations, np.iinfo(np.int64).max)
    best_bid = np.full(organizations, np.iinfo(np.int64).min)
    np.minimum.at(best_ask, owner[asks], price[asks])
    np.maximum.at(best_bid, owner[bids], price[bids])
    crossing = np.flatnonzero(best_bid >= best_ask)
    if crossing.size:
        who = crossing[0]
        ask = int(asks[(owner[asks] == who) & (price[asks] == best_ask[who])][0])
        bid = int(bids[(owner[bids] == who) & (price[bids] == best_bid[who])][0])
        raise InputError(
            f"organization {names[ask]!r} crosses itself: it sells at {price[ask]} (offer {ask}) "
            f"and buys at {price[bid]} (offer {bid}); let it offer its net position"
        )


def checked_tariffs(
    given: dict[str, Any], needs: tuple[str, ...], mechanism: str, energy: IntArray
) -> tuple[int, int]:
    """Retail price and feed-in tariff, of which a mechanism `needs` some; the others are 0.

    Raises
    ------
    InputError
        For one that is missing, not an integer, out of range or out of order.
    """
    values = {"retail": 0, "feed_in": 0}
    for name in needs:
        if name not in given:
            raise InputError(
                f"mechanism {mechanism!r} needs the keyword {name}, an integer in micro-euro/kWh"
            )
    for name in values:
        if name in given:
            values[name] = checked_int(given[name], name, -PRICE_CAP, PRICE_CAP)
    retail, feed_in = values["retail"], values["feed_in"]
    if len(given) == 2 and feed_in > retail:
        raise InputError(f"feed_in must not be above retail, got {feed_in} > {retail}")
    if int(energy.sum()) * max(abs(retail), abs(feed_in)) > PRODUCT_CAP:
        raise InputError(
            f"the book is too big for exact integers: {int(energy.sum())} Wh times the tariffs "
            f"({retail}, {feed_in}) passes {PRODUCT_CAP}; split it"
        )
    return retail, feed_in


def _by_type(name: Any) -> tuple[str, Any]:
    return ("str", name) if isinstance(name, str) else ("int", operator.index(name))


def _integer(value: Any) -> int | None:
    if type(value) is int:
        return value
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _from_items(values: Any, name: str) -> IntArray:
    out = np.empty(len(values), np.int64)
    for i, value in enumerate(values):
        number = _integer(value)
        if number is None:
            if isinstance(value, list | tuple | np.ndarray):
                raise InputError(
                    f"{name} must have one dimension, but {name}[{i}] = {shown(value)}"
                )
            raise _not_integers(name, f"{name}[{i}] = {shown(value)} ({type(value).__name__})")
        try:
            out[i] = number
        except OverflowError:
            # Python refuses to print an integer of thousands of digits
            digits = number.bit_length() < 1024
            text = number if digits else f"an integer of {number.bit_length()} bits"
            raise InputError(f"{name}[{i}] = {text} does not fit into int64") from None
    return out


def _not_integers(name: str, got: str) -> InputError:
    return InputError(f"{name} must hold {_REMEDIES.get(name, 'integers')}; got {got}")


def _same_length(values: IntArray, name: str, n: int) -> None:
    if len(values) != n:
        raise InputError(f"{name} must have one entry per offer ({n}), got {len(values)}")


def _not_negative(values: IntArray, name: str) -> None:
    if values.size and values.min() < 0:
        at = int(values.argmin())
        raise InputError(f"{name}[{at}] must not be negative, got {values[at]}")


def book_error(fault: int, side: IntArray, price: IntArray, energy: IntArray) -> InputError:
    """What a fault found by ``book_fault`` is called."""
    at, code = divmod(fault, FAULT_CODES)
    if code == FAULTY_SIDE:
        return InputError(f"side[{at}] must be 0 (SELL) or 1 (BUY), got {side[at]}")
    if code == FAULTY_PRICE:
        return InputError(
            f"price[{at}] must be within +-{PRICE_CAP} micro-euro/kWh, got {price[at]}"
        )
    if code == FAULTY_ENERGY:
        return InputError(f"energy[{at}] must be in [1, {ENERGY_CAP}] Wh, got {energy[at]}")
    return InputError(
        f"the book is too big for exact integers: the energies sum to {int(energy.sum())} Wh, "
        f"which times the largest price ({int(np.abs(price).max())}) or energy "
        f"({int(energy.max())}) passes {PRODUCT_CAP}; split it"
    )
