"""What a market with coupled clearing has besides its books: the conversions of the open round."""

import numpy as np

from decent_gym.clearing import Rules
from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.conversion_admission import (
    MOST_CONVERSIONS,
    admit_conversions,
    flow_limits,
)
from decent_gym.clearing.conversion_faults import judge_conversions
from decent_gym.clearing.coupled_books import ConversionRows, Room, clear_together
from decent_gym.clearing.settlement import apply_conversions
from decent_gym.errors import InputError
from decent_gym.market.conversions import Conversions, conversion_room
from decent_gym.models import COMMODITIES, NO_CONVERSIONS, Converted
from decent_gym.units import IntArray


class JointClearing:
    """Conversions of W worlds and what came of them; the operator's, and nobody else's.

    Attributes
    ----------
    conversions : Conversions, of the open round
    activity, earns : int64 (W, K), Wh and n-euro, of the last clearing
    delivered : int64 Wh (W, K, 2)
    """

    def __init__(self, worlds: int, slots: int) -> None:
        self.conversions = Conversions.empty(worlds, 0)
        self.activity = self.earns = np.zeros((worlds, 0), np.int64)
        self.delivered = np.zeros((worlds, 0, COMMODITIES), np.int64)
        self.resize(slots)

    def resize(self, slots: int) -> None:
        """Make room for books of so many slots, and for the conversions there are room for.

        What came of the last clearing stays: other worlds may be cleared but not complete.
        """
        given = self.conversions
        worlds, rows = given.owner.shape
        self._room = Room.empty(worlds, slots, rows)
        self._slots = slots
        self._rows = ConversionRows(
            given.count, given.owner, given.electricity, given.heat, given.cost, given.most,
            given.group,
        )  # fmt: skip
        problems = self._room.problems
        for before, after in (
            (self.activity, problems.activity),
            (self.earns, problems.earns),
            (self.delivered, problems.delivered),
        ):
            after[:, : before.shape[1]] = before
        self.activity, self.earns = problems.activity, problems.earns
        self.delivered = problems.delivered

    def reserve(self, rows: int) -> None:
        """Make room for `rows` conversions a world; beforehand, where several threads submit."""
        if rows > self.conversions.owner.shape[1]:
            self.conversions = self.conversions.grown(rows)
            self.resize(self._slots)

    def submit(
        self,
        given: Conversions,
        next_sequence: IntArray,
        enabled: IntArray,
        accounts: IntArray,
        first: int,
        last: int,
    ) -> int:
        """Take what is admissible of `given`; how many were refused, see :class:`Conversions`.

        Raises
        ------
        InputError
            For a batch of another size.
        """
        worlds = len(self.conversions.count)
        if len(given.count) != worlds:
            raise InputError(f"conversions must be for {worlds} worlds, got {len(given.count)}")
        room = given.owner.shape[1]
        needed = int(conversion_room(first, last, given.count, room, self.conversions.count))
        if needed < 0:
            raise InputError(
                f"conversions.count must be in [0, {room}], the rows there are, "
                f"got {given.count[first:last].tolist()}"
            )
        self.reserve(needed)
        judge_conversions(first, last, given.count, *given.columns()[2:], given.status)
        return int(
            admit_conversions(
                first, last, *given.columns(), given.count, given.status,
                *self.conversions.columns(), self.conversions.count, next_sequence, enabled,
                accounts, MOST_CONVERSIONS, *flow_limits(len(enabled)),
            )
        )  # fmt: skip

    def clear(self, books: Books, rules: Rules, outcome: Outcome, first: int, last: int) -> None:
        """Clear both books of the worlds ``first .. last - 1`` with the conversions."""
        clear_together(books, self._rows, rules, self._room, outcome, first, last)

    def settle(self, first: int, last: int, money: IntArray, traded: IntArray) -> None:
        """Add what conversions traded to `money` (W, A) and `traded` (W, A, C)."""
        given = self.conversions
        apply_conversions(
            first, last, given.count, given.owner, self.delivered, self.earns, money, traded
        )

    def end_round(self, first: int, last: int) -> None:
        """Conversions stand for one round."""
        self.conversions.count[first:last] = 0

    def record(self, world: int) -> Converted:
        """What was offered in the round and what came of it, as an immutable copy."""
        n = int(self.conversions.count[world])
        if n == 0:
            return NO_CONVERSIONS
        columns = self.conversions.columns()
        copies = [np.stack([column[world, :n] for column in columns], axis=1)]
        copies += [part[world, :n].copy() for part in (self.activity, self.delivered, self.earns)]
        for copy in copies:
            copy.flags.writeable = False
        return Converted(*copies)
