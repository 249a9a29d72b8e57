"""What is said of an order whose wish was refused; the codes are `admission`'s, beyond its own."""

from typing import Final

from decent_gym.market.orders import Orders
from decent_gym.models import HARD, PREMIUM_CAP, WISH_FIELDS

NO_WISHES: Final = 18
BAD_ATTRIBUTES: Final = 19
BAD_PREMIUM: Final = 20
BAD_PARTNER: Final = 21

_SENTENCES: Final = {
    NO_WISHES: (
        "wish",
        "cannot be read by this market's mechanism; its rules must say mechanism='preference'",
    ),
    BAD_ATTRIBUTES: ("attributes", "must be 0 (any), 1 (LOCAL), 2 (RENEWABLE) or 3 (both)"),
    BAD_PREMIUM: (
        "premium",
        f"must be {HARD} (HARD) or, of a BUY that wishes for a type, 0 to {PREMIUM_CAP} per mille "
        "of its limit",
    ),
    BAD_PARTNER: ("partner", "must be the account index of another organization"),
}


def wish_fault(
    orders: Orders, at: tuple[int, int, int], code: int
) -> tuple[str, str, dict[str, object]]:
    """Field, sentence and the values of the columns of the refused order at (world, book, row)."""
    wish = dict(zip(WISH_FIELDS, orders.wishes[:, *at].tolist(), strict=True))
    return *_SENTENCES[code], {**wish, "wish": wish}
