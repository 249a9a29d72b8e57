"""The numbers of orders and conversions over the rounds: each is given once, and they rise."""

from bisect import bisect_right
from typing import Final

import numpy as np

from decent_gym.clearing.order_admission import HORIZON
from decent_gym.units import IntArray

_KEPT: Final = 2**20
"""So many of the highest numbers are remembered, at least, and about twice as many at most."""


class NumbersGiven:
    """Remembers the numbers that orders had when they were first seen, and conversions.

    An order of a later window is first seen after some that came after it, so numbers need not
    rise from record to record; but an order with a lower number than one of round n was handed in
    in round n or before.
    """

    def __init__(self) -> None:
        self._given: IntArray = np.empty(0, np.int64)
        self._count = 0
        self._tops: list[int] = []
        self._first = 0

    def late(self, fresh: IntArray) -> int:
        """How many of the rising numbers `fresh` are not above all that were given."""
        top = self._tops[-1] if self._tops else -1
        if not len(fresh) or fresh[0] > top:
            return 0
        return int(np.searchsorted(fresh, top, side="right"))

    def twice(self, late: IntArray) -> int | None:
        """The first of the rising numbers `late` that was given before, as far as remembered."""
        given = self._given[: self._count]
        again = late[given[np.searchsorted(given, late)] == late]
        return int(again[0]) if len(again) else None

    def latest(self, number: int) -> int:
        """The first round, as far as remembered, that had a higher number than this late one."""
        return self._first + bisect_right(self._tops, number)

    def add(self, round_number: int, fresh: IntArray) -> None:
        """Remember the numbers that came in a round, rising."""
        if not self._tops:
            self._first = round_number
        top = self._tops[-1] if self._tops else -1
        self._tops.append(max(top, int(fresh[-1])) if len(fresh) else top)
        if len(self._tops) > 2 * HORIZON:
            del self._tops[:HORIZON]
            self._first += HORIZON
        self._make_room(len(fresh))
        end = self._count + len(fresh)
        self._given[self._count : end] = fresh
        if len(fresh) and fresh[0] <= top:
            from_here = int(np.searchsorted(self._given[: self._count], fresh[0]))
            self._given[from_here:end].sort()
        self._count = end

    def _make_room(self, more: int) -> None:
        if self._count + more <= len(self._given):
            return
        kept = self._given[max(self._count - _KEPT, 0) : self._count]
        self._given = np.empty(max(2 * (len(kept) + more), 1024), np.int64)
        self._given[: len(kept)] = kept
        self._count = len(kept)
