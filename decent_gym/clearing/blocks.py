"""`clear_blocks`: offers that are all or nothing, or one out of several."""

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.block_inputs import Blocks, checked_blocks
from decent_gym.clearing.block_search import ROWS, bound_levels, search
from decent_gym.clearing.inputs import (
    NOTHING,
    checked_book,
    checked_organizations,
    checked_priority,
    checked_sequence,
    equally_long,
    integers,
)
from decent_gym.clearing.lottery import lottery_keys
from decent_gym.clearing.merit_order import MERIT_ORDER, clear_one
from decent_gym.clearing.public import Result
from decent_gym.clearing.rules import Rules
from decent_gym.errors import InputError
from decent_gym.units import PRICE_CAP, PRODUCT_CAP, IntArray

BUDGET: Final = 5_000_000
"""Branches of the search; a second or two."""
_BEYOND: Final = PRICE_CAP + 1


class BlockReason(IntEnum):
    """What became of an offer."""

    FILLED = 1
    """All of its energy has been accepted."""
    MARGINAL = 2
    """Its limit is the price: some or all of its energy was not needed."""
    OUT_OF_THE_MONEY = 3
    """Its limit was worse than the price."""
    GROUP = 4
    """Another offer of its group was accepted that gains at least as much."""
    PARADOXICALLY_REJECTED = 5
    """Better than the price, and rejected: with it, no price would have suited everybody."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BlockResult(Result):
    """A :class:`Result` and what its blocks cost.

    Attributes
    ----------
    welfare : int
        Values of accepted bids minus limits of accepted asks, n-euro.
    relaxed_welfare : int
        The same if all offers could be divided and no group excluded any.
    reasons : int64 (n,)
        :class:`BlockReason` of each offer.
    forgone : int64 (n,)
        What a rejected offer would have gained at the price, less what its group gains, n-euro.
        Above 0 exactly for the paradoxically rejected.
    """

    welfare: int
    relaxed_welfare: int
    reasons: IntArray
    forgone: IntArray

    @property
    def paradoxically_rejected(self) -> IntArray:
        """Indices of the offers better than the price that were rejected, int64."""
        return np.flatnonzero(self.forgone > 0)


def clear_blocks(
    side: npt.ArrayLike,
    price: npt.ArrayLike,
    energy: npt.ArrayLike,
    *,
    minimum: npt.ArrayLike | None = None,
    group: object = None,
    price_rule: str | int | float | Fraction = "midpoint",
    tie_rule: str = "pro_rata",
    priority: npt.ArrayLike | None = None,
    sequence: npt.ArrayLike | None = None,
    organization: npt.ArrayLike | None = None,
    seed: int = 0,
) -> BlockResult:
    """Docstring."""
    rules = Rules("merit_order", price_rule, tie_rule, seed, None)
    side = integers(side, "side")
    price = integers(price, "price")
    energy = integers(energy, "energy")
    n = equally_long(side, price, energy)
    classes = np.zeros(n, np.int64) if priority is None else checked_priority(priority, n)
    arrival = np.arange(n) if sequence is None else checked_sequence(sequence, n)
    owner = None if organization is None else checked_organizations(organization, side, price)
    checked_book(side, price, energy)
    blocks = checked_blocks(minimum, group, price, energy, owner)
    lottery = lottery_keys(rules.seed, 0, 0, 0) if tie_rule == "random" else 0
    relaxed, _ = clear_one(side, price, energy, NOTHING, NOTHING, 0, rules.codes)
    book = _Book(side, price, energy, classes, arrival, blocks)
    taken = blocks.least == 0
    chosen = _selection(book)
    taken[chosen] = True
    return _result(book, taken, rules, lottery, _welfare(side, price, relaxed[:n]))


@dataclass(frozen=True, slots=True)
class _Book:
    """Checked columns of n offers."""

    side: IntArray
    price: IntArray
    energy: IntArray
    priority: IntArray
    sequence: IntArray
    blocks: Blocks


def _selection(book: _Book) -> IntArray:
    """Indices of the blocks to accept."""
    is_block = book.blocks.least > 0
    order = np.lexsort((book.sequence, book.priority))
    order = order[is_block[order]]
    k = len(order)
    if k == 0:
        return order
    columns = (book.side, book.price, book.energy)
    plain = np.stack([column[~is_block] for column in columns])
    mine = np.stack([column[order] for column in (*columns, book.blocks.least)])
    group = book.blocks.group[order]
    levels = np.unique(book.price)
    room = np.zeros((ROWS, k), np.int64)
    room[3] = np.argsort(mine[1], kind="stable")
    bounds = np.empty((4, len(levels)), np.int64)
    bound_levels(levels, plain, mine, group, room, bounds)
    ranked = np.argsort(-bounds[3], kind="stable")
    best = np.zeros(k, np.int64)
    seen, _ = search(levels, ranked, bounds, mine, group, BUDGET, room, best)
    if seen > BUDGET:
        raise InputError(f"undecided after {BUDGET}")
    return order[best == 1]


def _welfare(side: IntArray, price: IntArray, accepted: IntArray) -> int:
    return int(((2 * side - 1) * price * accepted).sum())


def _result(
    book: _Book, taken: npt.NDArray[np.bool_], rules: Rules, lottery: int, relaxed: int
) -> BlockResult:
    """Clear what is left to divide: each block's least at any price, its rest as an order."""
    n = len(book.side)
    least = np.where(taken, book.blocks.least, 0)
    rest = np.where(taken, book.energy, 0) - least
    columns = (
        np.tile(book.side, 2),
        np.concatenate([np.where(book.side == 1, _BEYOND, -_BEYOND), book.price]),
        np.concatenate([least, rest]),
        np.tile(book.priority, 2),
        np.tile(book.sequence, 2),
        np.arange(2 * n),
    )
    books = Books(np.array([2 * n]), *(c[None] for c in columns), np.array([lottery]))
    outcome = Outcome.empty(1, 2 * n)
    MERIT_ORDER.clear(books, rules, outcome, 0, 1)
    accepted = outcome.accepted[0, :n] + outcome.accepted[0, n:]
    traded = bool(outcome.volume[0])
    if traded:
        mine = taken & (book.blocks.least > 0)
        low = _highest(book, mine, 0, int(outcome.price_low[0]))
        high = _lowest(book, mine, 1, int(outcome.price_high[0]))
    else:
        low, high = _untraded(book)
    at = low + rules.k_numerator * (high - low) // rules.k_denominator
    reasons, forgone = _verdicts(book, accepted, at) if low <= high else _nobody_meets(n)
    prices = (low, at, high) if traded else (0, 0, 0)
    pays = (2 * book.side - 1) * accepted * at
    return BlockResult(
        np.concatenate((accepted, pays, outcome.volume, prices, [0], outcome.case)),
        _welfare(book.side, book.price, accepted),
        relaxed,
        reasons,
        forgone,
    )


def _highest(book: _Book, among: npt.NDArray[np.bool_], side: int, least: int) -> int:
    return max([least, *book.price[among & (book.side == side)].tolist()])


def _lowest(book: _Book, among: npt.NDArray[np.bool_], side: int, most: int) -> int:
    return min([most, *book.price[among & (book.side == side)].tolist()])


def _untraded(book: _Book) -> tuple[int, int]:
    """Where nothing trades: the prices between crossing offers that suit the plain ones.

    The lower end is above the upper one if no offers cross.
    """
    is_plain, everything = book.blocks.least == 0, np.full(len(book.side), True)
    ask = _lowest(book, everything, 0, _BEYOND)
    bid = _highest(book, everything, 1, -_BEYOND)
    return _highest(book, is_plain, 1, ask), _lowest(book, is_plain, 0, bid)


def _nobody_meets(n: int) -> tuple[IntArray, IntArray]:
    return np.full(n, BlockReason.OUT_OF_THE_MONEY), np.zeros(n, np.int64)


def _verdicts(book: _Book, accepted: IntArray, at: int) -> tuple[IntArray, IntArray]:
    """Reasons and what was forgone, at a price."""
    n = len(accepted)
    group = book.blocks.group
    each = (2 * book.side - 1) * (book.price - at)
    gained = np.zeros(n + 1, np.int64)
    served = np.zeros(n + 1, np.bool_)
    np.add.at(gained, group, each * accepted)
    np.logical_or.at(served, group, accepted > 0)
    gained[-1], served[-1] = 0, False  # of those without a group
    forgone = np.where(accepted == 0, np.maximum(0, each * book.energy - gained[group]), 0)
    reasons = np.select(
        [accepted == book.energy, forgone > 0, served[group] & (accepted == 0) & (each >= 0),
         (accepted > 0) | (each == 0)],
        [BlockReason.FILLED, BlockReason.PARADOXICALLY_REJECTED, BlockReason.GROUP,
         BlockReason.MARGINAL],
        BlockReason.OUT_OF_THE_MONEY,
    )
    return reasons, forgone
