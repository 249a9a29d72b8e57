"""Who may trade in a market, and how much of a book each may take."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from decent_gym.clearing import MECHANISMS, Rules
from decent_gym.clearing.conversion_admission import MOST_CONVERSIONS
from decent_gym.errors import InputError, shown
from decent_gym.ledger.frames import RECORD_CAP
from decent_gym.ledger.signed_section import SIGNED_BYTES_CAP
from decent_gym.models import COMMODITIES, Organization
from decent_gym.units import BOOK_ENERGY_CAP, IntArray

ORDER_BYTES: Final = 73
"""What an order can need in a round's record, each column at its widest."""
WISH_BYTES: Final = 21
CONVERSION_BYTES: Final = 74
ACCOUNT_BYTES: Final = 160
_FRAME_BYTES: Final = 1_024
_LEAST_OFFERS: Final = 8
"""What a member of a district needs for its devices; the promise then ends at some 6,000 accounts
(3,000 where they convert)."""


def checked_organizations(organizations: Sequence[Organization]) -> tuple[Organization, ...]:
    """The organizations as a tuple, if there are any and their names differ."""
    members = tuple(organizations)
    if not members:
        raise InputError("a market needs at least one organization, got none")
    for member in members:
        if not isinstance(member, Organization):
            raise InputError(f"organizations must be Organization objects, got {shown(member)}")
    names = [member.name for member in members]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"organization name {twice!r} is used twice; names must differ")
    return members


def energy_limits(priority: IntArray) -> IntArray:
    """Wh that each account may have in one book: half for the members, half for the utility."""
    members = priority == 0
    limits = np.empty(len(priority), np.int64)
    limits[members] = BOOK_ENERGY_CAP // 2 // max(int(members.sum()), 1)
    limits[~members] = BOOK_ENERGY_CAP // 2 // max(int((~members).sum()), 1)
    return limits


def offer_limit(accounts: int, rules: Rules, wanted: int) -> int:
    """Offers that one organization may have in one book: `wanted`, or what a record has room for.

    Whatever the organizations offer and sign, a ledger can take the round: nobody can void it for
    the others.
    """
    room = RECORD_CAP - SIGNED_BYTES_CAP - _FRAME_BYTES
    each = room // accounts - ACCOUNT_BYTES
    if rules.clearing == "coupled":
        each -= MOST_CONVERSIONS * CONVERSION_BYTES
    order = ORDER_BYTES + WISH_BYTES * MECHANISMS[rules.mechanism].wishes
    return min(wanted, max(each // (COMMODITIES * order), _LEAST_OFFERS))
