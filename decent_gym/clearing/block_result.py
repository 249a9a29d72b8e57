"""What becomes of a book once its blocks are chosen: the divisible rest, prices, reasons."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.block_inputs import BlockBook
from decent_gym.clearing.merit_order import MERIT_ORDER
from decent_gym.clearing.result import Result
from decent_gym.clearing.rules import Rules
from decent_gym.units import IntArray


class BlockReason(IntEnum):
    """What became of an offer."""

    FILLED = 1
    """All of its energy was accepted."""
    MARGINAL = 2
    """Its limit is the price: some or all of its energy was not needed."""
    OUT_OF_THE_MONEY = 3
    """Its limit was worse than the price."""
    GROUP = 4
    """Another offer of its group was accepted that gains at least as much."""
    PARADOXICALLY_REJECTED = 5
    """Better than the price, but with it there was no price for all, or less welfare."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class BlockResult(Result):
    """A :class:`Result`, and what it cost that some offers cannot be divided.

    Attributes
    ----------
    welfare : int
        Values of accepted bids minus limits of accepted asks, n-euro.
    relaxed_welfare : int
        The same if every offer could be divided and no group excluded any.
    reasons : int64 (n,)
        :class:`BlockReason` of each offer.
    forgone : int64 (n,)
        What a rejected offer would have gained at the price, less what its group does gain,
        n-euro; never below 0.  Where offers cross and yet nothing trades, at the place of the
        price rule between the crossing limits that suits the plain offers.
    """

    welfare: int
    relaxed_welfare: int
    reasons: IntArray
    forgone: IntArray

    @property
    def paradoxically_rejected(self) -> IntArray:
        """Indices of the offers that were rejected though better than the price, int64."""
        return np.flatnonzero(self.forgone > 0)

    def __repr__(self) -> str:
        return (
            f"BlockResult(volume={self.volume}, price={self.price}, welfare={self.welfare}, "
            f"relaxed_welfare={self.relaxed_welfare}, accepted={self.accepted!r}, "
            f"paradoxically_rejected={self.paradoxically_rejected!r})"
        )


def result_of(
    book: BlockBook, selected: npt.NDArray[np.bool_], rules: Rules, lottery: int, relaxed: int
) -> BlockResult:
    """Clear `book` with the blocks that are `selected` and without the others."""
    present = selected | (book.least == 0)
    accepted, outcome = _cleared(book, present, rules, lottery)
    traded = bool(outcome.volume[0])
    if traded:  # a price for the rest, at which no accepted block loses
        low = _highest(book, selected, 0, int(outcome.price_low[0]))
        high = _lowest(book, selected, 1, int(outcome.price_high[0]))
    else:
        low, high = _between(book)
    at = low + rules.k_numerator * (high - low) // rules.k_denominator
    if low <= high:
        reasons, forgone = _verdicts(book, accepted, at)
    else:
        reasons = np.full(len(accepted), int(BlockReason.OUT_OF_THE_MONEY))
        forgone = np.zeros_like(reasons)
    prices = (low, at, high) if traded else (0, 0, 0)
    return BlockResult(
        np.concatenate(
            (accepted, _sign(book) * accepted * at, outcome.volume, prices, [0], outcome.case)
        ),
        book.side.copy(),
        book.price.copy(),
        book.energy.copy(),
        welfare=int((_sign(book) * book.price * accepted).sum()),
        relaxed_welfare=relaxed,
        reasons=reasons,
        forgone=forgone,
    )


def _cleared(
    book: BlockBook, present: npt.NDArray[np.bool_], rules: Rules, lottery: int
) -> tuple[IntArray, Outcome]:
    """Merit order of two halves: what blocks take at least, at any price, and all the rest."""
    n = len(book.side)
    least = np.where(present, book.least, 0)
    rest = np.where(present, book.energy, 0) - least
    lowest, highest = (book.price.min() - 1, book.price.max() + 1) if n else (0, 0)
    columns = (
        np.tile(book.side, 2),
        np.concatenate((np.where(book.side == 1, highest, lowest), book.price)),
        np.concatenate((least, rest)),
        np.tile(book.priority, 2),
        np.tile(book.sequence, 2),  # the first half is never rationed
        np.arange(2 * n),
    )
    rows = [np.ascontiguousarray(column[None]) for column in columns]
    side, price, offered, priority, sequence, owner = rows
    books = Books(
        np.array([2 * n]), side, price, offered, priority, sequence, owner, np.array([lottery])
    )
    outcome = Outcome.empty(1, 2 * n)
    MERIT_ORDER.clear(books, rules, outcome, 0, 1)
    return outcome.accepted[0, :n] + outcome.accepted[0, n:], outcome


def _verdicts(book: BlockBook, accepted: IntArray, at: int) -> tuple[IntArray, IntArray]:
    """Reasons, and what was forgone, at a price."""
    n = len(accepted)
    gains = _sign(book) * (book.price - at)
    gained, served = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    np.add.at(gained, book.group, gains * accepted)
    np.add.at(served, book.group, accepted)
    gained[-1] = served[-1] = 0  # of those without a group
    lost = gains * book.energy - gained[book.group]
    forgone = np.where(accepted == 0, np.maximum(0, lost), 0)
    is_rejected = (accepted == 0) & (gains >= 0)
    cases = (
        (accepted == book.energy, BlockReason.FILLED),
        (forgone > 0, BlockReason.PARADOXICALLY_REJECTED),
        (is_rejected & (served[book.group] > 0), BlockReason.GROUP),
        (is_rejected | (accepted > 0), BlockReason.MARGINAL),
    )
    reasons = np.select(
        [where for where, _ in cases],
        [np.int64(reason) for _, reason in cases],
        np.int64(BlockReason.OUT_OF_THE_MONEY),
    )
    return reasons, forgone


def _between(book: BlockBook) -> tuple[int, int]:
    """Where nothing trades: prices between crossing offers that suit the plain ones.

    The lower end is above the upper one if no offers cross.
    """
    if not len(book.side):
        return 1, 0
    everything, is_plain = np.full(len(book.side), True), book.least == 0
    ask = _lowest(book, everything, 0, int(book.price.max()) + 1)
    bid = _highest(book, everything, 1, int(book.price.min()) - 1)
    return _highest(book, is_plain, 1, ask), _lowest(book, is_plain, 0, bid)


def _highest(book: BlockBook, among: npt.NDArray[np.bool_], side: int, least: int) -> int:
    return int(np.max(book.price[among & (book.side == side)], initial=least))


def _lowest(book: BlockBook, among: npt.NDArray[np.bool_], side: int, most: int) -> int:
    return int(np.min(book.price[among & (book.side == side)], initial=most))


def _sign(book: BlockBook) -> IntArray:
    return 2 * book.side - 1
