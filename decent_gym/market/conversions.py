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

from decent_gym.clearing.conversion_faults import ALONE, conversion_fault
from decent_gym.clearing.coupled_inputs import FLOW_CAP
from decent_gym.errors import InputError, OfferError, shown
from decent_gym.models import CONVERSION_FIELDS, ConversionOffer
from decent_gym.units import PRODUCT_CAP, IntArray, exact_int

MOST_CONVERSIONS: Final = 16
"""Of one organization in a round."""

UNKNOWN_OWNER = 20
DISABLED = 21
TOO_MANY = 22
TOO_MUCH = 23
GROUP_OF_ONE = 24
GROUP_SPLIT = 25
GROUP_REFUSED = 26
BAD_ACCOUNT = 27

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
    code of :mod:`decent_gym.clearing.conversion_faults` or of this module.

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


def flow_limits(accounts: int) -> tuple[int, int]:
    """Activity times ratios (mWh) and times cost (n-euro) that one account may offer a round."""
    return FLOW_CAP // accounts, PRODUCT_CAP // accounts


@njit(cache=True, nogil=True, _nrt=False)
def conversion_room(first, last, o_count, rows, b_count):  # type: ignore[no-untyped-def]
    """The most conversions that a world needs room for; -1 if a count is not in [0, rows]."""
    needed = 0
    for w in range(first, last):
        if o_count[w] < 0 or o_count[w] > rows:
            return -1
        needed = max(needed, b_count[w] + o_count[w])
    return needed


@njit(cache=True, nogil=True, _nrt=False)
def admit_conversions(  # type: ignore[no-untyped-def]
    first, last, o_sequence, o_owner, o_electricity, o_heat, o_cost, o_most, o_group, o_fuel,
    o_source, o_supply, o_count, status, sequence, owner, electricity, heat, cost, most, group,
    fuel, source, supply, count, next_sequence, enabled, balances, most_rows, flow_limit,
    cost_limit,
):  # fmt: skip
    """Write every admissible conversion into its world's; `status` holds what was judged before.

    Of a group all are admitted, or none.  Returns the number of refused ones.
    """
    refused = 0
    accounts = enabled.shape[0]
    for w in range(first, last):
        r = 0
        while r < o_count[w]:
            a, label = o_owner[w, r], o_group[w, r]
            end = r + 1
            while (
                label >= 0
                and end < o_count[w]
                and o_owner[w, end] == a
                and (o_group[w, end] == label)
            ):
                end += 1
            standing = count[w]
            held, flow, spent = 0, 0, 0
            split = False
            for k in range(standing):
                if owner[w, k] == a:
                    held += 1
                    flow += (abs(electricity[w, k]) + abs(heat[w, k])) * most[w, k]
                    spent += abs(cost[w, k]) * most[w, k]
                    split |= label >= 0 and group[w, k] == label
            bad = 0
            for i in range(r, end):
                code = status[w, i]
                if a < 0 or a >= accounts:
                    code = 20
                elif not enabled[a]:
                    code = 21
                elif code == 0 and abs(balances[w, a]) > 2**60:
                    code = 27
                elif code == 0 and label >= 0 and end == r + 1:
                    code = 24
                elif code == 0 and split:
                    code = 25
                elif code == 0 and held >= most_rows:
                    code = 22
                elif code == 0:
                    held += 1
                    flow += (abs(o_electricity[w, i]) + abs(o_heat[w, i])) * o_most[w, i]
                    spent += abs(o_cost[w, i]) * o_most[w, i]
                    if flow > flow_limit or spent > cost_limit:
                        code = 23
                status[w, i] = code
                bad += 1 if code != 0 else 0
            if bad > 0:
                refused += end - r
                for i in range(r, end):
                    if status[w, i] == 0:
                        status[w, i] = 26
            else:
                for i in range(r, end):
                    k = count[w]
                    sequence[w, k] = next_sequence[w]
                    o_sequence[w, i] = next_sequence[w]
                    owner[w, k] = a
                    electricity[w, k] = o_electricity[w, i]
                    heat[w, k] = o_heat[w, i]
                    cost[w, k] = o_cost[w, i]
                    most[w, k] = o_most[w, i]
                    group[w, k] = label
                    fuel[w, k] = o_fuel[w, i]
                    source[w, k] = o_source[w, i]
                    supply[w, k] = o_supply[w, i]
                    next_sequence[w] += 1
                    count[w] = k + 1
            r = end
    return refused


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
    label = row["group"]
    known = {
        UNKNOWN_OWNER: ("organization", "is not an organization of this market"),
        DISABLED: ("organization", "is disabled and may not submit"),
        TOO_MANY: ("organization", f"has {MOST_CONVERSIONS} conversions in this round already"),
        TOO_MUCH: (
            "max",
            f"{row['most']} is too much with what stands already: activity times ratio may sum to "
            f"{limits[0]} mWh, times cost to {limits[1]} n-euro",
        ),
        GROUP_OF_ONE: (
            "group",
            f"{label} has one conversion only: a group shares a capacity among at least two, "
            "submitted together; use -1 for no group",
        ),
        GROUP_SPLIT: ("group", f"{label} stands already; submit a group's conversions together"),
        BAD_ACCOUNT: ("organization", "has an account beyond what sums in 64 bits allow"),
    }
    field, text = known[code] if code in known else conversion_fault(code, row)
    value: object = row.get("most" if field == "max" else field)
    if field == "temperatures":
        value = (row["source"], row["supply"])
    if field == "organization":
        value = owner
    sign = f"electricity {row['electricity']}, heat {row['heat']} per 1000"
    return OfferError(f"{owner}'s conversion ({sign}): {field} {text}", field=field, value=value)
