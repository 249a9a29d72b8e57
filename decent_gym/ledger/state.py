"""Rounds to bytes straight from the grid operator's arrays.

A :class:`Round` in between would cost a third of a step of one world, and be taken apart again.
"""

from typing import Any, Final, Protocol

import numpy as np

from decent_gym.clearing.batch import Outcome
from decent_gym.ledger.batch import Batch
from decent_gym.ledger.encoding import ROUND_TAGS
from decent_gym.ledger.frames import PREFIX_BYTES, RecordType, write_prefix
from decent_gym.ledger.vectors import FRAMING_BYTES, pack_state
from decent_gym.models import COMMODITIES, ORDER_FIELDS, Money, OrderBook, Tariff
from decent_gym.units import ROUND_SECONDS, IntArray

_COLUMNS: Final = len(ORDER_FIELDS) + 3
_FIGURES: Final = 6


class RoundState(Protocol):
    """What a grid operator holds of a round that is settled and not yet over."""

    start: int
    round: IntArray
    tariffs: IntArray
    book: OrderBook
    by_world: Outcome
    offered: IntArray
    accepted: IntArray
    pays: IntArray
    reason: IntArray
    traded: IntArray
    metered: IntArray
    unserved: IntArray
    money: IntArray
    accounts: IntArray
    actions: IntArray


class StateEncoder:
    """Encodes the rounds of one operator, in arrays of its own that it uses again."""

    def __init__(self) -> None:
        self._book: OrderBook | None = None
        self._actions: IntArray | None = None
        self._accounts = self._size = 0
        self._arguments: tuple[Any, ...] = ()

    def encode(self, state: RoundState, world: int, batch: Batch) -> tuple[int, int, int, int]:
        """Write the round in `world` into the room of `batch`.

        Returns
        -------
        tuple of int
            Accounts, number and timestamp of the round, and where the record's body ends.
        """
        if state.book is not self._book or state.actions is not self._actions:
            self._prepare(state)
        number = state.round.item(world)
        timestamp = state.start + number * ROUND_SECONDS
        out, first = batch.room(self._size)
        end = pack_state(world, number, timestamp, *self._arguments, out, first + PREFIX_BYTES)
        write_prefix(out.data, RecordType.ROUND, first, end)
        return self._accounts, number, timestamp, end

    def _prepare(self, state: RoundState) -> None:
        """Argument list and room for a book of this size; made anew when the book has grown."""
        book, figures = state.book, state.by_world
        accounts, learners = state.accounts.shape[1], state.actions.shape[1]
        room = 2 + COMMODITIES * (len(Tariff) + _FIGURES + _COLUMNS * book.capacity)
        room += (2 * COMMODITIES + len(Money) + 2) * accounts + learners
        self._size = PREFIX_BYTES + 8 * room + FRAMING_BYTES * len(ROUND_TAGS)
        self._book, self._actions, self._accounts = book, state.actions, accounts
        self._arguments = (
            state.tariffs, book.count, book.orders, state.offered, state.accepted, state.pays,
            state.reason, figures.volume, figures.surplus, figures.case, figures.price_low,
            figures.price, figures.price_high, state.traded, state.metered, state.unserved,
            state.money, state.accounts, state.actions, np.empty(room, np.int64),
        )  # fmt: skip
