"""How many offers of an organization a round's record has room for."""

from typing import Final

from decent_gym.clearing import MECHANISMS, Rules
from decent_gym.clearing.conversion_admission import MOST_CONVERSIONS
from decent_gym.ledger.frames import RECORD_CAP
from decent_gym.ledger.signed_section import SIGNED_BYTES_CAP
from decent_gym.models import COMMODITIES

ORDER_BYTES: Final = 73
"""What an order can need in a round's record, each column at its widest."""
WISH_BYTES: Final = 21
CONVERSION_BYTES: Final = 74
ACCOUNT_BYTES: Final = 160
_FRAME_BYTES: Final = 1_024
_LEAST_OFFERS: Final = 8
"""What a member of a district needs for its devices; the promise then ends at some 6,000 accounts
(3,000 where they convert)."""


def offer_limit(accounts: int, rules: Rules) -> int:
    """The most offers that one organization may have in one book, in any market.

    Whatever the organizations offer and sign, a ledger can take the round: nobody can void it for
    the others.
    """
    room = RECORD_CAP - SIGNED_BYTES_CAP - _FRAME_BYTES
    each = room // accounts - ACCOUNT_BYTES
    if rules.clearing == "coupled":
        each -= MOST_CONVERSIONS * CONVERSION_BYTES
    order = ORDER_BYTES + WISH_BYTES * MECHANISMS[rules.mechanism].wishes
    return max(each // (COMMODITIES * order), _LEAST_OFFERS)
