"""Whether recorded orders could have stood in a book: bounds, windows, and from round to round.

What passes here can be cleared: no later sum leaves int64.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.ledger.header import LedgerHeader
from decent_gym.models import (
    HARD,
    NO_DEVICE,
    NOBODY,
    ORDER_FIELDS,
    PREMIUM_CAP,
    TYPES,
    WISH_FIELDS,
    ClearedBook,
    Commodity,
    Round,
)
from decent_gym.units import BOOK_ENERGY_CAP, ENERGY_CAP, PRICE_CAP, IntArray

BoolArray = npt.NDArray[np.bool_]

_COLUMN: Final = {name: column for column, name in enumerate(ORDER_FIELDS)}
_BEYOND: Final = 2**62
_BOUNDS: Final = {
    "id": (-_BEYOND, _BEYOND),
    "sequence": (0, _BEYOND),
    "owner": (0, 0),
    "side": (0, 1),
    "price": (-PRICE_CAP, PRICE_CAP),
    "energy": (1, ENERGY_CAP),
    "unsettled": (1, ENERGY_CAP),
    "start": (0, 0),
    "until": (0, _BEYOND),
    "priority": (0, 1),
    "device": (NO_DEVICE, _BEYOND),
    "cap": (1, ENERGY_CAP),
}
_FIXED: Final = [column for name, column in _COLUMN.items() if name != "unsettled"]


class OrderCheck:
    """Checks the orders of one round after the other.

    Parameters
    ----------
    header : LedgerHeader
    wishes : bool
        Whether the header's rules read any.
    """

    def __init__(self, header: LedgerHeader, wishes: bool = False) -> None:
        self._wishes = wishes
        self._priorities = np.array(header.priorities, np.int64)
        self._network = len(header.names) + 1
        self._low = np.array([_BOUNDS[name][0] for name in ORDER_FIELDS], np.int64)
        self._high = np.array([_BOUNDS[name][1] for name in ORDER_FIELDS], np.int64)
        self._high[_COLUMN["owner"]] = self._network
        self._before: dict[Commodity, ClearedBook] = {}

    def fault(self, record: Round) -> str | None:
        """What is wrong with the orders of `record`, which must follow the one checked before."""
        self._high[_COLUMN["start"]] = record.number
        self._low[_COLUMN["until"]] = record.number + 1
        for commodity, book in zip(Commodity, record.books, strict=True):
            if len(book.orders):
                fault = (
                    self._range_fault(book)
                    or self._wish_fault(book)
                    or self._continuity_fault(commodity, book, record)
                )
                if fault is not None:
                    return f"{commodity.name.lower()} {fault}"
            self._before[commodity] = book
        return None

    def _range_fault(self, book: ClearedBook) -> str | None:
        orders = book.orders
        outside = (orders.min(axis=0) < self._low) | (orders.max(axis=0) > self._high)
        if outside.any():
            column = int(np.argmax(outside))
            low, high = int(self._low[column]), int(self._high[column])
            values = orders[:, column]
            at = int(np.argmax((values < low) | (values > high)))
            return f"{ORDER_FIELDS[column]} of order {at} is {values[at]}, not in [{low}, {high}]"
        fault = _first_fault(
            book.column("unsettled") > book.column("energy"), "unsettled", "more than its energy"
        ) or _first_fault(
            np.diff(book.column("sequence"), prepend=-1) <= 0,
            "sequence",
            "not above that of the order before",
        )
        if fault is not None:
            return fault
        if int(book.offered.sum()) > BOOK_ENERGY_CAP:
            return f"offers of {book.offered.sum()} Wh are more than a book may hold"
        return self._owner_fault(book)

    def _wish_fault(self, book: ClearedBook) -> str | None:
        if not len(book.wishes):
            return None
        if not self._wishes:
            return "wishes, but the rules read none"
        attributes, premium, partner = book.wishes.T
        owner = book.column("owner")
        bids = (book.column("side") == 1) & (attributes > 0)
        bad_premium = np.where(bids, (premium < HARD) | (premium > PREMIUM_CAP), premium != HARD)
        members = len(self._priorities)
        nobody = (partner < NOBODY) | (partner >= members) | (partner == owner)
        return (
            _first_fault((attributes < 0) | (attributes >= TYPES), "attributes", "no type")
            or _first_fault(bad_premium, "premium", "not one that an order can have")
            or _first_fault(nobody & (partner != NOBODY), "partner", "no other organization")
        )

    def _owner_fault(self, book: ClearedBook) -> str | None:
        owner = book.column("owner")
        members = owner < len(self._priorities)
        nobody = ~members & (owner != self._network)
        fault = _first_fault(nobody, "owner", "an account that cannot trade")
        if fault is not None or not members.any():
            return fault
        expected = self._priorities[np.where(members, owner, 0)]
        wrong = members & (book.column("priority") != expected)
        return _first_fault(wrong, "priority", "not its organization's")

    def _continuity_fault(
        self, commodity: Commodity, book: ClearedBook, record: Round
    ) -> str | None:
        known, at = self._seen_before(commodity, book)
        new = ~known
        fault = _first_fault(
            new & (book.column("start") != record.number),
            "start",
            "past, but the order was not in the round before",
        ) or _first_fault(
            new & (book.column("unsettled") != book.column("energy")),
            "unsettled",
            "not all of a new order's energy",
        )
        if fault is not None or not known.any():
            return fault
        before = self._before[commodity]
        now, then = book.orders[known], before.orders[at[known]]
        changed = np.argwhere(now[:, _FIXED] != then[:, _FIXED])
        if len(changed):
            row, column = changed[0]
            order = int(np.flatnonzero(known)[row])
            return (
                f"{ORDER_FIELDS[_FIXED[column]]} of order {order} is "
                f"{now[row, _FIXED[column]]}, was {then[row, _FIXED[column]]} a round before"
            )
        for name in WISH_FIELDS if len(book.wishes) or len(before.wishes) else ():
            other = np.zeros(len(book.orders), np.bool_)
            other[known] = book.column(name)[known] != before.column(name)[at[known]]
            if other.any():
                return _first_fault(other, name, "another than a round before")
        left = then[:, _COLUMN["unsettled"]] - before.accepted[at[known]]
        wrong = np.flatnonzero(now[:, _COLUMN["unsettled"]] != left)
        if len(wrong):
            order = int(np.flatnonzero(known)[wrong[0]])
            return (
                f"unsettled of order {order} is {now[wrong[0], _COLUMN['unsettled']]}, "
                f"the round before left {left[wrong[0]]}"
            )
        return None

    def _seen_before(self, commodity: Commodity, book: ClearedBook) -> tuple[BoolArray, IntArray]:
        """Which orders stood in the round before, and where."""
        before = self._before.get(commodity)
        if before is None or not len(before.orders):
            return np.zeros(len(book.orders), np.bool_), np.zeros(len(book.orders), np.int64)
        sequences = before.column("sequence")
        at = np.minimum(np.searchsorted(sequences, book.column("sequence")), len(sequences) - 1)
        return sequences[at] == book.column("sequence"), at


def _first_fault(wrong: BoolArray, field: str, what: str) -> str | None:
    return f"{field} of order {int(np.argmax(wrong))} is {what}" if wrong.any() else None
