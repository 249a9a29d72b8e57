"""Room for a batch of orders in the books, and the error for one that they do not take."""

import numpy as np
from numba import njit

from decent_gym.clearing.order_faults import order_fault
from decent_gym.errors import OfferError
from decent_gym.market.orders import Orders
from decent_gym.models import WISH_FIELDS, Commodity, Side
from decent_gym.units import IntArray


@njit(cache=True, nogil=True, _nrt=False)
def room_needed(first, last, o_count, rows, b_count):  # type: ignore[no-untyped-def]
    """The most slots that a book needs to take all orders; -1 if a count is not in [0, rows]."""
    needed = 0
    for w in range(first, last):
        for c in range(o_count.shape[1]):
            if o_count[w, c] < 0 or o_count[w, c] > rows:
                return -1
            needed = max(needed, b_count[w, c] + o_count[w, c])
    return needed


def refusal(
    orders: Orders, at: tuple[int, int, int], owner: str, now: int, limits: dict[str, int]
) -> OfferError:
    """The error that says why the order at (world, commodity, row) was refused, and the remedy."""
    value = {name: int(column[at]) for name, column in _named(orders).items()}
    field, text = order_fault(int(orders.status[at]), value, now, limits)
    side = Side(value["side"]).name if value["side"] in (0, 1) else value["side"]
    place = f"{owner}'s {side} offer of {Commodity(at[1]).name.lower()}"
    shown: dict[str, object] = {
        "organization": owner,
        "valid_until": value["until"],
        "max_per_round": value["cap"],
    }
    if orders.wishes.size:
        wish = dict(zip(WISH_FIELDS, orders.wishes[:, *at].tolist(), strict=True))
        shown |= {**wish, "wish": wish}
    held = shown.get(field, value.get(field))
    return OfferError(f"{place}: {field} {held!r} {text}", field=field, value=held)


def _named(orders: Orders) -> dict[str, IntArray]:
    return {
        name: np.asarray(getattr(orders, name))
        for name in ("id", "side", "price", "energy", "start", "until", "device", "cap")
    }
