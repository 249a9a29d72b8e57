"""Wishes as people hand them in, checked: attributes, premium and partner of every offer."""

from typing import Any, NamedTuple

import numpy as np

from decent_gym.clearing.inputs import integers, numbered_organizations, refuse_crossing
from decent_gym.errors import InputError, shown
from decent_gym.models import HARD, NOBODY, PREMIUM_CAP, TYPES, wished_value
from decent_gym.registry import unknown_name
from decent_gym.units import IntArray


class Wishes(NamedTuple):
    """Three checked columns, int64 (n,), as in :class:`decent_gym.clearing.Books`."""

    attributes: IntArray
    premium: IntArray
    partner: IntArray

    def worth(self, kind: int, side: IntArray, price: IntArray) -> tuple[IntArray, Any]:
        """What energy of a type is worth to each offer, and which bids take it, bool (n,)."""
        fits = self.attributes & kind == self.attributes
        soft = fits & (side == 1) & (self.attributes > 0)
        worth = np.where(soft, wished_value(price, self.premium), price)
        return worth, (side == 1) & (fits | (self.premium >= 0))


def checked_wishes(
    attributes: Any, premium: Any, partner: Any, organization: Any, n: int
) -> Wishes:
    """The three columns, each None if nobody named it.

    Raises
    ------
    InputError
        For a value out of place, partners without organizations, an offer that is its own partner.
    UnknownNameError
        For a partner that offers nothing in this book.
    """
    return Wishes(
        _within(attributes, "attributes", n, 0, TYPES - 1, 0),
        _within(premium, "premium", n, HARD, PREMIUM_CAP, HARD),
        _partners(partner, organization, n),
    )


def refuse_self_trade(
    organization: Any, side: IntArray, price: IntArray, wishes: Wishes
) -> IntArray:
    """Index of each offer's organization, if none of them would trade with itself.

    Energy of a type that the organization's own bid does not take crosses nothing, nor does an
    offer for a partner.
    """
    names, owner = numbered_organizations(organization, len(side))
    for kind in range(TYPES):
        worth, takes = wishes.worth(kind, side, price)
        sells = (side == 0) & (wishes.attributes == kind)
        among = np.flatnonzero((sells | takes) & (wishes.partner == NOBODY))
        refuse_crossing(names, owner, side, worth, among)
    return owner


def _within(values: Any, name: str, n: int, low: int, high: int, default: int) -> IntArray:
    if values is None:
        return np.full(n, default)
    column = integers(values, name)
    if len(column) != n:
        raise InputError(f"{name} must have one entry per offer ({n}), got {len(column)}")
    bad = np.flatnonzero((column < low) | (column > high))
    if bad.size:
        meaning = {
            "attributes": "0 (any), 1 (LOCAL), 2 (RENEWABLE) or 3 (both)",
            "premium": f"-1 (HARD) or 0 to {PREMIUM_CAP} per mille of the limit",
        }[name]
        raise InputError(f"{name}[{bad[0]}] must be {meaning}, got {column[bad[0]]}")
    return column


def _partners(partner: Any, organization: Any, n: int) -> IntArray:
    if partner is None:
        return np.full(n, NOBODY)
    if organization is None:
        raise InputError("partner names organizations; say whose each offer is: organization=[...]")
    if isinstance(partner, np.ndarray):
        partner = partner.tolist()
    if not isinstance(partner, list | tuple) or len(partner) != n:
        raise InputError(f"partner must have one entry per offer ({n}), got {shown(partner)}")
    names, owner = numbered_organizations(organization, n)
    known = dict(zip(names, owner.tolist(), strict=True))
    column = np.full(n, NOBODY)
    for i, name in enumerate(partner):
        if name is None or (not isinstance(name, bool | str) and name == NOBODY):
            continue
        if isinstance(name, bool | np.bool_ | float) or name not in known:
            raise unknown_name(
                f"partner (of offer {i}; it must be an organization of this book)", name,
                {str(other) for other in known},
            )  # fmt: skip
        column[i] = known[name]
        if column[i] == owner[i]:
            raise InputError(f"partner[{i}] = {name!r} is the organization that offers")
    return column
