"""What is wrong with an order that may not stand in a book: codes, and what is said of each."""

from collections.abc import Mapping
from typing import Final

from decent_gym.models import HARD, PREMIUM_CAP
from decent_gym.units import ENERGY_CAP, JSON_INTEGER_CAP, PRICE_CAP

ADMITTED = 0
UNKNOWN_OWNER = 1
DISABLED = 2
BAD_SIDE = 3
BAD_ENERGY = 4
BAD_PRICE = 5
IN_THE_PAST = 6
TOO_FAR = 7
EMPTY_WINDOW = 8
TOO_LONG = 9
BAD_CAP = 10
BAD_DEVICE = 11
TOO_MANY = 12
TOO_MUCH = 13
SELF_CROSSING = 14
DUPLICATE_ID = 15
BAD_ID = 16
BAD_ACCOUNT = 17
NO_WISHES = 18
BAD_ATTRIBUTES = 19
BAD_PREMIUM = 20
BAD_PARTNER = 21

_ACCOUNT_CAP: Final = 2**60


def order_fault(
    code: int, row: Mapping[str, int], now: int, limits: Mapping[str, int]
) -> tuple[str, str]:
    """The field that a status blames, what is wrong with it, and the remedy.

    Parameters
    ----------
    code : int, not 0
        Of this module.
    row : mapping
        The order's ``start``.
    now : int
        The open round.
    limits : mapping
        ``horizon`` in rounds, the owner's ``max_offers``, and its ``energy`` in Wh.
    """
    last = now + limits["horizon"]
    return {
        UNKNOWN_OWNER: ("organization", "is not an organization of this market"),
        DISABLED: ("organization", "is disabled and may not submit"),
        BAD_SIDE: ("side", "must be Side.SELL or Side.BUY"),
        BAD_ENERGY: ("energy", f"must be 1 to {ENERGY_CAP} Wh"),
        BAD_PRICE: ("price", f"must be within +-{PRICE_CAP} micro-euro/kWh"),
        IN_THE_PAST: ("start", f"lies in the past: the open round is {now}"),
        TOO_FAR: ("start", f"is too far ahead: at most round {last}"),
        EMPTY_WINDOW: ("valid_until", f"must be after its start {row['start']}"),
        TOO_LONG: ("valid_until", f"is too far ahead: at most round {last}"),
        BAD_CAP: ("max_per_round", f"must be 1 to {ENERGY_CAP} Wh"),
        BAD_DEVICE: ("device", f"must be -1 (none) to {JSON_INTEGER_CAP}"),
        BAD_ID: ("id", f"must be 0 to {JSON_INTEGER_CAP}"),
        BAD_ACCOUNT: (
            "organization",
            f"has an account beyond +-{_ACCOUNT_CAP} n-euro, past which sums might not fit 64 bits",
        ),
        TOO_MANY: (
            "organization",
            f"has {limits['max_offers']} offers in this book already, counting those ended since "
            "the round opened; wait for the next round",
        ),
        TOO_MUCH: (
            "energy",
            f"would pass the organization's share of the book, {limits['energy']} Wh",
        ),
        SELF_CROSSING: (
            "price",
            "would trade with an offer of the same organization; withdraw that one first",
        ),
        DUPLICATE_ID: ("id", "is taken already; every offer needs an id of its own"),
        NO_WISHES: (
            "wish",
            "cannot be read by this market's mechanism; its rules must say mechanism='preference'",
        ),
        BAD_ATTRIBUTES: (
            "attributes",
            "must be 0 (any), 1 (LOCAL), 2 (RENEWABLE) or 3 (both)",
        ),
        BAD_PREMIUM: (
            "premium",
            f"must be {HARD} (HARD) or, of a BUY that wishes for a type, 0 to {PREMIUM_CAP} per "
            "mille of its limit",
        ),
        BAD_PARTNER: ("partner", "must be the account index of another organization"),
    }[code]
