"""Recorded orders before the validator of every market once more."""

from typing import Final

import numpy as np

from decent_gym.clearing import MECHANISMS, Rules
from decent_gym.clearing.order_admission import HORIZON, admit, energy_limits
from decent_gym.clearing.order_faults import order_fault
from decent_gym.ledger.header import FIXED_ACCOUNTS, LedgerHeader
from decent_gym.ledger.record_room import offer_limit
from decent_gym.models import COMMODITIES, ORDER_FIELDS, WISH_FIELDS, Commodity, OrderBook

_SUBMITTED: Final = ("id", "owner", "side", "price", "energy", "start", "until", "device", "cap")
_PLACES: Final = tuple(ORDER_FIELDS.index(name) for name in _SUBMITTED)
_START: Final = _SUBMITTED.index("start")
_RECORDED: Final = {"valid_until": "until", "max_per_round": "cap", "organization": "owner"}


class Readmission:
    """Hands in at once what stood in a round's books, and names what a market refuses of it.

    All of it stood beside each other when the last of it was admitted, with windows that had the
    round in common: what cannot be admitted together now could not be then.

    Parameters
    ----------
    header : LedgerHeader
    rules : Rules
    """

    def __init__(self, header: LedgerHeader, rules: Rules) -> None:
        self._names = header.names
        self._wishes = MECHANISMS[rules.mechanism].wishes
        self.priority = np.array((*header.priorities, *[0] * FIXED_ACCOUNTS), np.int64)
        self._enabled = np.array([True] * len(header.names) + [False, True, False])
        self._energy = energy_limits(self.priority)
        self._most = offer_limit(header.accounts, rules)
        self._scratch = np.zeros((5, header.accounts), np.int64)
        self._balances = np.zeros((1, header.accounts), np.int64)
        self._rounds, self._numbers = np.zeros((2, 1), np.int64)
        self._make_room(0)

    def _make_room(self, capacity: int) -> None:
        self._book = OrderBook.empty(1, capacity, self._wishes)
        self._status, self._reason, self._start = np.zeros((3, 1, COMMODITIES, capacity), np.int64)
        self._places = np.zeros((2, capacity), np.int64)

    def crowd_fault(self, orders: int) -> str | None:
        """Whether a book has more orders than all accounts together may have."""
        accounts = len(self.priority)
        if orders <= self._most * accounts:
            return None
        return f"{orders} orders are more than {accounts} accounts may have, {self._most} each"

    def fault(self, book: OrderBook, number: int) -> str | None:
        """What a market must have refused of the orders of round `number`, in one world's book."""
        if self._book.capacity < book.capacity:
            self._make_room(book.capacity)
        own = self._book
        self._start[:] = self._rounds[0] = number
        columns = book.columns()
        submitted = [columns[place] for place in _PLACES]
        submitted[_START] = self._start
        own.count[:] = 0
        wishes = (book.wishes, own.wishes) if self._wishes else (None, None)
        refused = admit(
            0, 1, *submitted, book.count, self._status, wishes[0], *own.columns(), own.count,
            wishes[1], self._reason, self._rounds, self._numbers, self._enabled, self.priority,
            self._energy, self._balances, len(self._names), self._most, HORIZON, self._scratch,
            *self._places,
        )  # fmt: skip
        return self._first_refusal(book, number) if refused else None

    def _first_refusal(self, book: OrderBook, number: int) -> str:
        commodity = next(c for c in Commodity if self._status[0, c, : book.count[0, c]].any())
        at = int(np.flatnonzero(self._status[0, commodity])[0])
        slot = (0, int(commodity), at)
        owner = int(book.owner[slot])
        limits = {"horizon": HORIZON, "max_offers": self._most, "energy": 0}
        if 0 <= owner < len(self._energy):
            limits["energy"] = int(self._energy[owner])
        row = {name: int(getattr(book, name)[slot]) for name in ORDER_FIELDS} | {"start": number}
        field, text = order_fault(int(self._status[slot]), row, number, limits)
        wish = {
            name: int(column[slot])
            for name, column in zip(WISH_FIELDS, book.wishes if self._wishes else (), strict=False)
        }
        held = (row | wish)[_RECORDED.get(field, field)]
        return f"{self.named(book, commodity, at)}: {field} {held} {text}"

    def named(self, book: OrderBook, commodity: int, at: int) -> str:
        """An order as people find it: in the record, and by its number and organization."""
        owner = int(book.owner[0, commodity, at])
        members = 0 <= owner < len(self._names)
        name = self._names[owner] if members else f"account {owner}"
        number = int(book.sequence[0, commodity, at])
        return f"{Commodity(commodity).name.lower()} order {at}, offer #{number} of {name}"
