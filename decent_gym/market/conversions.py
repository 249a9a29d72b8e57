"""Conversions on their way into a market, and those of the open round.

They stand for one round: the next one has another COP.  Like an order, one that is refused leaves
no trace, and the caps per organization keep every later sum inside int64.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np
from numba import njit

from decent_gym.clearing.conversion_admission import GROUP_REFUSED, admission_fault
from decent_gym.clearing.conversion_faults import ALONE
from decent_gym.errors import InputError, OfferError, shown
from decent_gym.models import CONVERSION_FIELDS, ConversionOffer
from decent_gym.units import IntArray, exact_int

_SUBMITTED: Final = CONVERSION_FIELDS[1:]
_BY_HAND: Final = {
    "electricity": "electricity",
    "heat": "heat",
    "cost": "cost",
    "most": "max",
    "group": "group",
    "fuel": "fuel",
}


@dataclass(frozen=True, slots=True)
class Conversions:
    """Arrays of shape (W, K), int64, columns as in ``CONVERSION_FIELDS``; ``count`` is (W,).

    The first ``count[w]`` of a row are meant, those of a group next to each other.  ``sequence``
    is written by the operator, and so is ``status``: 0 where the conversion was admitted, else a
    code of :mod:`decent_gym.clearing.conversion_faults` or ``conversion_admission``.

    Raises
    ------
    InputError
        An array of another shape or type.
    """

    sequence: IntArray
    owner: IntArray
    electricity: IntArray
    heat: IntArray
    cost: IntArray
    most: IntArray
    group: IntArray
    fuel: IntArray
    source: IntArray
    supply: IntArray
    count: IntArray
    status: IntArray

    def __post_init__(self) -> None:
        shape = np.shape(self.owner)
        if len(shape) != 2:
            raise InputError(f"conversions: owner must have shape (W, K), got {shape}")
        for name in (*CONVERSION_FIELDS, "status", "count"):
            array = getattr(self, name)
            wanted = shape[:1] if name == "count" else shape
            if getattr(array, "dtype", None) != np.int64 or array.shape != wanted:
                raise InputError(
                    f"conversions: {name} must be int64 of shape {wanted}, got "
                    f"{getattr(array, 'dtype', type(array).__name__)} of shape {np.shape(array)}"
                )

    @classmethod
    def empty(cls, worlds: int, rows: int) -> "Conversions":
        """None yet, with room for `rows` a world."""
        columns = {name: np.zeros((worlds, rows), np.int64) for name in CONVERSION_FIELDS}
        conversions = cls(
            **columns,
            count=np.zeros(worlds, np.int64),
            status=np.zeros((worlds, rows), np.int64),
        )
        conversions.group[:] = -1
        conversions.fuel[:] = -1
        return conversions

    def columns(self) -> tuple[IntArray, ...]:
        """The arrays in the order of ``CONVERSION_FIELDS``."""
        return _COLUMNS(self)

    def grown(self, rows: int) -> "Conversions":
        """The same with room for `rows` a world."""
        bigger = Conversions.empty(len(self.count), rows)
        for old, new in zip(self.columns(), bigger.columns(), strict=True):
            new[:, : old.shape[1]] = old
        bigger.count[:] = self.count
        return bigger


_COLUMNS: Callable[[Conversions], tuple[IntArray, ...]] = attrgetter(*CONVERSION_FIELDS)


@njit(cache=True, nogil=True, _nrt=False)
def conversion_room(first, last, o_count, rows, b_count):  # type: ignore[no-untyped-def]
    """The most conversions that a world needs room for; -1 if a count is not in [0, rows]."""
    needed = 0
    for w in range(first, last):
        if o_count[w] < 0 or o_count[w] > rows:
            return -1
        needed = max(needed, b_count[w] + o_count[w])
    return needed


def one_group(offers: Sequence[ConversionOffer]) -> Conversions:
    """The offers as a batch for one world; owners are still to be written.

    Raises
    ------
    InputError
        No offer, something else, a value that is no integer, or several that are not one group.
    """
    if not offers:
        raise InputError("submit_conversion() takes one ConversionOffer, or those of a group")
    batch = Conversions.empty(1, len(offers))
    batch.count[0] = len(offers)
    for row, offer in enumerate(offers):
        if not isinstance(offer, ConversionOffer):
            raise InputError(
                f"submit_conversion() takes ConversionOffers, got {type(offer).__name__} "
                f"{shown(offer)}"
            )
        if (offer.organization, offer.group) != (offers[0].organization, offers[0].group):
            raise InputError(
                f"offers of one call must be one group of one organization, got group "
                f"{offers[0].group} of {offers[0].organization!r} and group {offer.group} of "
                f"{offer.organization!r}; submit them one by one"
            )
        who = f"{offer.organization}'s conversion"
        for column, field in _BY_HAND.items():
            getattr(batch, column)[0, row] = exact_int(getattr(offer, field), f"{who}: {field}")
        for column, value in zip(("source", "supply"), offer.temperatures or (0, 0), strict=True):
            getattr(batch, column)[0, row] = exact_int(value, f"{who}: temperatures")
    if len(offers) > 1 and offers[0].group == ALONE:
        raise InputError("several offers in one call must share a group >= 0, got -1")
    return batch


def conversion_refusal(conversions: Conversions, owner: str, limits: tuple[int, int]) -> OfferError:
    """The error that says which of a world's conversions was refused and why, and the remedy."""
    codes = conversions.status[0, : conversions.count[0]]
    at = int(np.flatnonzero((codes != 0) & (codes != GROUP_REFUSED))[0])
    code = int(codes[at])
    row = {name: int(getattr(conversions, name)[0, at]) for name in _SUBMITTED}
    field, text = admission_fault(code, row, limits)
    value: object = row.get("most" if field == "max" else field)
    if field == "temperatures":
        value = (row["source"], row["supply"])
    if field == "organization":
        value = owner
    sign = f"electricity {row['electricity']}, heat {row['heat']} per 1000"
    return OfferError(f"{owner}'s conversion ({sign}): {field} {text}", field=field, value=value)
