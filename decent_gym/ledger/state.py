"""Rounds to bytes straight from the grid operator's arrays.

A :class:`Round` in between would cost a third of a step of one world, and be taken apart again.
"""

from typing import Any, Final, Protocol

import numpy as np

from decent_gym.clearing.batch import Outcome
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
        self._arguments: tuple[Any, ...] = ()

    def encode(self, state: RoundState, world: int) -> tuple[int, int, memoryview]:
        """Number, timestamp and record body, without the hashes, of the round in `world`.

        The body is valid until the next call.
        """
        if state.book is not self._book or state.actions is not self._actions:
            self._prepare(state)
        number = int(state.round[world])
        timestamp = state.start + number * ROUND_SECONDS
        end = pack_state(world, number, timestamp, *self._arguments)
        body = self._out[:end]
        write_prefix(body, RecordType.ROUND)
        return number, timestamp, body

    def _prepare(self, state: RoundState) -> None:
        """Argument list and room for a book of this size; made anew when the book has grown."""
        book, figures = state.book, state.by_world
        accounts, learners = state.accounts.shape[1], state.actions.shape[1]
        room = 2 + COMMODITIES * (len(Tariff) + _FIGURES + _COLUMNS * book.capacity)
        room += (2 * COMMODITIES + len(Money) + 2) * accounts + learners
        size = PREFIX_BYTES + 8 * room + FRAMING_BYTES * len(ROUND_TAGS)
        out = np.empty(size, np.uint8)
        self._book, self._actions, self._out = book, state.actions, out.data
        self._arguments = (
            state.tariffs, book.count, state.offered, state.accepted, state.pays, state.reason,
            *book.columns(), figures.volume, figures.surplus, figures.case, figures.price_low,
            figures.price, figures.price_high, state.traded, state.metered, state.unserved,
            state.money, state.accounts, state.actions, ROUND_TAGS,
            np.zeros(len(ROUND_TAGS), np.int64), np.zeros(room, np.int64), out, PREFIX_BYTES,
        )  # fmt: skip
