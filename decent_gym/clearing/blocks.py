"""`clear_blocks`: offers that are all or nothing, or one out of several."""

from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.clearing.block_inputs import BlockBook, checked_blocks
from decent_gym.clearing.block_result import BlockResult, result_of
from decent_gym.clearing.block_search import BY_LIMIT, ROWS, bound_levels, search
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
from decent_gym.clearing.merit_order import clear_one
from decent_gym.clearing.rules import Rules
from decent_gym.errors import InputError
from decent_gym.units import IntArray

BUDGET: Final = 10**8
"""Branches after which the search is given up, a few seconds.  Twenty blocks and 47 different
limits never need so many."""


def clear_blocks(
    side: npt.ArrayLike,
    price: npt.ArrayLike,
    energy: npt.ArrayLike,
    *,
    minimum: npt.ArrayLike | None = None,
    group: Any = None,
    price_rule: str | int | float | Fraction = "midpoint",
    tie_rule: str = "pro_rata",
    priority: npt.ArrayLike | None = None,
    sequence: npt.ArrayLike | None = None,
    organization: npt.ArrayLike | None = None,
    seed: int = 0,
) -> BlockResult:
    """Clear one book in which some offers are blocks: all or nothing, or at most one of several.

    A block is an offer with a `minimum` or a `group`; the others are plain.  An accepted block
    gets at least its minimum.

    Formula: maximise ``sum_b v_b x_b - sum_s c_s x_s`` such that ``sum_s x_s = sum_b x_b``, over
    the selections of blocks, at most one of a group, **for which one price exists that suits
    everybody but rejected blocks**: nobody accepted loses; whoever gains by the price and is
    plain or accepted gets all of its energy; who gets part of it has the price as its limit (a
    block may then get its minimum or more).  Rejected blocks may be better than the price: they
    are *paradoxically* rejected, and reported with what they forgo.  With them there would be no
    such price, or less welfare.

    Price: the `price_rule` between the ends of the interval of such prices.

    Ties: of selections of equal welfare, the one that accepts the earliest block (by `priority`,
    then `sequence`) that not all of them accept, and so on.  The divisible rest is shared as by
    :func:`clear`: an accepted block has its minimum already and stands in line with what is above
    it.  Without blocks the result is that of ``clear(..., mechanism="merit_order")``.

    Properties: individual rationality, budget balance, maximal welfare among selections with a
    price.  Not truthful; who cannot be divided may lose the deal to dearer ones who can.
    All is exact in integers; no solver takes part.

    Parameters
    ----------
    side, price, energy, price_rule, tie_rule, priority, sequence, organization, seed
        As for :func:`clear`.
    minimum : array-like of int (n,), optional
        Least energy with which each offer may be accepted, Wh: 0 any (the default), its energy
        all or nothing.
    group : sequence of str, int or None (n,), optional
        Label of each offer's exclusive group, None or -1 for none: at most one offer of a group
        is accepted, in part only if its limit is the price.  Bids and asks may share a group; if
        `organization` is given, only offers of one organization.

    Returns
    -------
    BlockResult

    Raises
    ------
    InputError
        For a value out of place, a minimum above the energy, a group of one; names array, index
        and value.  For a book that is undecided after 10^8 branches of the search, which takes
        more than twenty blocks.

    Source
    ------
    Block orders, minimum acceptance ratio, exclusive groups and paradoxical rejection as in the
    European day-ahead auction: NEMO Committee, *EUPHEMIA Public Description*; M. Madani and M. Van
    Vyve, "Computationally efficient MIP formulation and algorithms for European day-ahead
    electricity market auctions", European Journal of Operational Research 242 (2015).  Why no
    price may exist: R. P. O'Neill et al., "Efficient market-clearing prices in markets with
    nonconvexities", ibid. 164 (2005).

    Examples
    --------
    A washing machine wants 10 Wh up to 30 or nothing.  The cheap plant has 6, the dear one wants
    40 for more: without the machine, the small bid at 20 is served.

    >>> from decent_gym.clearing import clear_blocks
    >>> result = clear_blocks([0, 0, 1, 1], [12, 40, 30, 20], [6, 9, 10, 3], minimum=[0, 0, 10, 0])
    >>> result.accepted.tolist(), result.price, result.paradoxically_rejected.tolist()
    ([3, 0, 0, 3], 12, [2])
    >>> result.forgone.tolist(), result.welfare, result.relaxed_welfare
    ([0, 0, 180, 0], 24, 108)

    """
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
    book = BlockBook(side, price, energy, classes, arrival, *blocks)
    selected = np.zeros(n, np.bool_)
    selected[_chosen(book)] = True
    lottery = lottery_keys(rules.seed, 0, 0, 0) if rules.tie_rule == "random" else 0
    relaxed, _ = clear_one(side, price, energy, NOTHING, NOTHING, 0, rules.codes)
    relaxed_welfare = int(((2 * side - 1) * price * relaxed[:n]).sum())
    return result_of(book, selected, rules, lottery, relaxed_welfare)


def _chosen(book: BlockBook) -> IntArray:
    """Indices of the blocks to accept."""
    order: IntArray = np.lexsort((book.sequence, book.priority))
    order = order[book.least[order] > 0]
    if not order.size:
        return order
    columns = (book.side, book.price, book.energy)
    plain = np.stack([column[book.least == 0] for column in columns])
    blocks = np.stack([column[order] for column in (*columns, book.least)])
    group, levels = book.group[order], np.unique(book.price)
    room = np.zeros((ROWS, order.size), np.int64)
    room[BY_LIMIT] = np.argsort(blocks[1], kind="stable")
    bounds = np.empty((4, levels.size), np.int64)
    bound_levels(levels, plain, blocks, group, room, bounds)
    best = np.zeros(order.size, np.int64)
    ranked = np.argsort(-bounds[3], kind="stable")
    if search(levels, ranked, bounds, blocks, group, BUDGET, room, best) > BUDGET:
        raise InputError(
            f"the {order.size} blocks are undecided after {BUDGET} branches of the search; "
            "offer fewer blocks, or rounder energies"
        )
    chosen: IntArray = order[best == 1]
    return chosen
