"""What energy on sale is, and what buyers and sellers wish for beyond a price."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from decent_gym.errors import InputError
from decent_gym.units import PRICE_CAP, IntArray, checked_int

LOCAL: Final = 1
RENEWABLE: Final = 2
"""Attributes are sums of these."""
HARD: Final = -1
"""The premium of a bid that takes nothing but what it wishes for."""
PREMIUM_CAP: Final = 1_000
"""Most that a soft wish adds, per mille: the double; who wants more raises the limit."""
TYPES: Final = 4
TYPE_NAMES: Final = ("plain", "local", "renewable", "local_renewable")
"""Types of energy, by attributes."""
NOBODY: Final = -1

WISH_FIELDS: Final = ("attributes", "premium", "partner")
"""Columns beside an order's in a market that reads wishes, all int64.

``attributes``: what a SELL is or a BUY wishes for; ``premium``: of a BUY with a wish, per mille of
the limit, or HARD; ``partner``: account index of the only organization to trade with, or NOBODY.
"""
NO_WISH: Final = (0, HARD, NOBODY)
"""The three columns of an order that is, and wishes for, nothing special."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an organization wishes for when it buys, or with whom it wishes to trade.

    Parameters
    ----------
    local, renewable : bool
        The type of energy; a sell wishes for a partner at most.
    premium : int, optional
        What energy of that type is worth more, per mille of the limit, 0 to 1000; other energy is
        then taken at the limit.  None: nothing else is taken.
    partner : str, optional
        The only organization to trade with.

    Raises
    ------
    InputError
        For a wish for nothing, a premium without a type, or a value out of place.
    """

    local: bool = False
    renewable: bool = False
    premium: int | None = None
    partner: str | None = None

    def __post_init__(self) -> None:
        _check_flags("wish", self.local, self.renewable)
        if self.partner is not None and not isinstance(self.partner, str):
            raise InputError(f"wish: partner must be an organization's name, got {self.partner!r}")
        if not self.attributes and self.partner is None:
            raise InputError("wish: says nothing; give local=True, renewable=True or a partner")
        if self.premium is not None:
            checked_int(self.premium, "wish: premium (per mille)", 0, PREMIUM_CAP)
            if not self.attributes:
                raise InputError(
                    f"wish: premium {self.premium} is for a type of energy; add local=True or "
                    "renewable=True"
                )

    @property
    def attributes(self) -> int:
        """The type of energy that is wished for: a sum of LOCAL and RENEWABLE, 0 for any."""
        return LOCAL * self.local + RENEWABLE * self.renewable


@dataclass(frozen=True, slots=True)
class Source:
    """What energy on sale is; it may always be bought as something plainer.

    Parameters
    ----------
    local, renewable : bool

    Raises
    ------
    InputError
        For anything but True and False.
    """

    local: bool = False
    renewable: bool = False

    def __post_init__(self) -> None:
        _check_flags("source", self.local, self.renewable)

    @property
    def attributes(self) -> int:
        """A sum of LOCAL and RENEWABLE."""
        return LOCAL * self.local + RENEWABLE * self.renewable


def wished_value(price: IntArray, premium: IntArray) -> IntArray:
    """What wished-for energy is worth to bids with a wish, micro-euro per kWh, at most the cap."""
    more = np.abs(price) * np.maximum(premium, 0) // 1_000
    value: IntArray = np.minimum(price + more, PRICE_CAP)
    return value


def premia_of(
    side: IntArray, price: IntArray, attributes: IntArray, premium: IntArray, origin: IntArray
) -> IntArray:
    """What accepted energy is worth beyond the limit: n-euro, above 0 for soft wishes alone.

    Parameters
    ----------
    side, price, attributes, premium : int64 (..., M)
    origin : int64 Wh (..., M, 4)
        How much of it is of which type; as much counts as is of the wished-for one.
    """
    more = wished_value(price, premium) - price
    fits = np.arange(TYPES) & attributes[..., None] == attributes[..., None]
    soft = (side == 1) & (attributes > 0)
    return np.where(soft, more * np.where(fits, origin, 0).sum(axis=-1), 0)


def prices_by_type(
    side: IntArray, accepted: IntArray, paid: IntArray, wishes: IntArray
) -> tuple[int | None, ...]:
    """What a kWh of each type costs among offers without partners, None where none is traded.

    What buys without partners pay that take one type alone; else what is paid for such sells.

    Parameters
    ----------
    side, accepted : int64 (n,)
    paid : int64 n-euro (n,)
        By buyers or to sellers, both positive.
    wishes : int64 (n, 3)
        Columns as in ``WISH_FIELDS``.
    """
    attributes, premium, partner = wishes.T
    open_to_all = (partner < 0) & (accepted > 0)
    one_type = (premium < 0) | (attributes == 0)
    found: list[int | None] = []
    for kind in range(TYPES):
        mine = open_to_all & (attributes == kind)
        buys = np.flatnonzero(mine & (side == 1) & one_type)
        sells = np.flatnonzero(mine & (side == 0))
        bought, sold = (paid[at] // accepted[at] for at in (buys, sells))
        # whoever is named as a partner may sell dearer, for whom energy is reserved buy cheaper
        found.append(int(bought.max()) if buys.size else int(sold.min()) if sells.size else None)
    return tuple(found)


def _check_flags(what: str, local: object, renewable: object) -> None:
    for name, flag in (("local", local), ("renewable", renewable)):
        if not isinstance(flag, bool):
            raise InputError(f"{what}: {name} must be True or False, got {flag!r}")
