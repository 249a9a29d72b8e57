"""Whether recorded orders could have stood in a book: by themselves, and from round to round.

What passes here can be cleared: no later sum leaves int64.
"""

from typing import Final

import numpy as np

from decent_gym.audit import order_kernels
from decent_gym.audit.numbers_given import NumbersGiven
from decent_gym.audit.order_kernels import continuity, not_replaced
from decent_gym.audit.readmission import Readmission
from decent_gym.clearing import MECHANISMS, Rules
from decent_gym.clearing.order_admission import HORIZON
from decent_gym.ledger.header import LedgerHeader
from decent_gym.models import (
    COMMODITIES,
    NO_WISH,
    ORDER_FIELDS,
    WISH_FIELDS,
    Commodity,
    OrderBook,
    Round,
)
from decent_gym.units import IntArray

_COLUMNS: Final = (*ORDER_FIELDS, *WISH_FIELDS)
_NO_WISH: Final = np.array(NO_WISH, np.int64)[:, None]
_NONE: Final = np.zeros(0, np.int64)
_SAYS: Final = {
    order_kernels.BAD_SEQUENCE: ("sequence", "beyond what a market numbers"),
    order_kernels.NOT_RISING: ("sequence", "not above that of the order before"),
    order_kernels.BAD_ID: ("id", "below -1, which means none"),
    order_kernels.BAD_START: ("start", "not a round up to this one"),
    order_kernels.BAD_UNSETTLED: ("unsettled", "not 1 to its energy"),
    order_kernels.BAD_PRIORITY: ("priority", "not its organization's"),
    order_kernels.LATE_START: ("start", "past, but the order was not in the round before"),
    order_kernels.NOT_WHOLE: ("unsettled", "not all of a new order's energy"),
    order_kernels.TWICE: ("sequence", "one that an order of the other book has, too"),
}


class OrderCheck:
    """Checks the orders of one round after the other.

    Parameters
    ----------
    header : LedgerHeader
    rules : Rules
        Those of the header.
    """

    def __init__(self, header: LedgerHeader, rules: Rules) -> None:
        self._wishes = MECHANISMS[rules.mechanism].wishes
        self._market = Readmission(header, rules)
        self._given = NumbersGiven()
        self._highest = np.full(COMMODITIES + 1, -1, np.int64)
        self._last = np.zeros(header.accounts, np.int64)
        self._place = np.zeros(4, np.int64)
        self._now = self._before = OrderBook.empty(1, 0, self._wishes)
        self._accepted = np.zeros((COMMODITIES, 0), np.int64)

    def fault(self, record: Round) -> str | None:
        """What is wrong with the orders of `record`, which must follow the one checked before."""
        fault = self._size_fault(record)
        if fault is not None:
            return fault
        book = self._fill(record)
        fresh = self._fresh
        code = 0
        fault = self._market.fault(book, record.number)
        if fault is None:
            before = self._before
            code = continuity(
                book.orders, book.wishes, book.count, before.orders, before.wishes, before.count,
                self._accepted, record.number, self._market.priority, fresh, self._place,
            )  # fmt: skip
            fault = self._continuity_fault(code) if code else None
        if fault is not None:
            return fault
        given = record.conversions
        converted = given.column("sequence").copy() if len(given.activity) else _NONE
        fresh = fresh[: self._place[2]]
        fault = self._number_fault(fresh) or self._device_fault(converted)
        if len(converted):
            fresh = np.sort(np.concatenate([fresh, converted]))
        self._given.add(record.number, fresh)
        self._keep(record, converted)
        return fault

    def _size_fault(self, record: Round) -> str | None:
        for commodity, book in zip(Commodity, record.books, strict=True):
            fault = self._market.crowd_fault(len(book.orders))
            if len(book.wishes) and not self._wishes:
                fault = "wishes, but the rules read none"
            if fault is not None:
                return f"{commodity.name.lower()} {fault}"
        return None

    def _fill(self, record: Round) -> OrderBook:
        """The orders of the round, columns first, in the arrays of the one before the last."""
        most = max(len(book.orders) for book in record.books)
        if self._now.capacity < most or self._now is self._before:
            self._now = OrderBook.empty(1, max(64, 2 * most), self._wishes)
            widest = max(self._now.capacity, self._before.capacity)
            self._fresh = np.zeros(COMMODITIES * widest, np.int64)
            self._chain = np.zeros(widest, np.int64)
        now = self._now
        for c, book in enumerate(record.books):
            n = now.count[0, c] = len(book.orders)
            now.orders[:, 0, c, :n] = book.orders.T
            if self._wishes:
                now.wishes[:, 0, c, :n] = book.wishes.T if len(book.wishes) else _NO_WISH
        return now

    def _keep(self, record: Round, converted: IntArray) -> None:
        """Remember the round for the next one."""
        now = self._now
        if self._accepted.shape[1] < now.capacity:
            self._accepted = np.zeros((COMMODITIES, now.capacity), np.int64)
        for c, book in enumerate(record.books):
            n = len(book.orders)
            if n:
                self._accepted[c, :n] = book.accepted
                self._highest[c] = max(self._highest[c], now.sequence[0, c, n - 1])
        if len(converted):
            self._highest[COMMODITIES] = converted.max()
        self._now, self._before = self._before, now

    def _continuity_fault(self, code: int) -> str:
        c, at, column, before = self._place.tolist()
        place, slot = Commodity(c).name.lower(), (0, c, at)
        if code in _SAYS:
            field, what = _SAYS[code]
            return f"{place} {field} of order {at} is {what}"
        if code == order_kernels.WRONG_REST:
            return (
                f"{place} unsettled of order {at} is {self._now.unsettled[slot]}, the round before "
                f"left {column}"
            )
        then, now = _row(self._before, c, before)[column], _row(self._now, c, at)[column]
        return f"{place} {_COLUMNS[column]} of order {at} is {now}, was {then} a round before"

    def _number_fault(self, fresh: IntArray) -> str | None:
        """Whether a number is given once, and by when an order came in that has a low one."""
        late = fresh[: self._given.late(fresh)]
        twice = self._given.twice(late) if len(late) else None
        if twice is not None:
            return f"{self._named(twice)}: its number was given in a round before"
        for number in late.tolist():
            came = self._given.latest(number)
            slot = self._slot(number)
            until = int(self._now.until[slot])
            if until > came + HORIZON:
                return (
                    f"{self._named(number)}: valid_until {until} is too far ahead: round {came} "
                    f"has higher numbers, so it came by then and may reach to {came + HORIZON}"
                )
        return None

    def _device_fault(self, converted: IntArray) -> str | None:
        """Whether an order stands that a newer one of its device must have replaced."""
        book = self._now
        if not not_replaced(
            book.orders, book.count, converted, self._highest, self._last, self._chain, self._place
        ):
            return None
        c, at, older = self._place[:3].tolist()
        return (
            f"{self._market.named(book, c, older)}: it stands beside order {at} of the same device "
            "and side, which came later and must have replaced it"
        )

    def _named(self, number: int) -> str:
        return self._market.named(self._now, *self._slot(number)[1:])

    def _slot(self, number: int) -> tuple[int, int, int]:
        """Where an order of the round stands that has this number."""
        for c, n in enumerate(self._now.count[0].tolist()):
            at = int(np.searchsorted(self._now.sequence[0, c, :n], number))
            if at < n and self._now.sequence[0, c, at] == number:
                return 0, c, at
        raise AssertionError(f"no order has number {number}")


def _row(book: OrderBook, c: int, at: int) -> list[int]:
    """All columns of one order, its wish after the rest."""
    wish = book.wishes[:, 0, c, at].tolist() if book.reads_wishes else []
    return [*book.orders[:, 0, c, at].tolist(), *wish]
