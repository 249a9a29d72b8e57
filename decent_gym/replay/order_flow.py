"""Fresh order flow: books drawn from a seed, whose true values are therefore known.

A kind says what traders value and how much they offer (:data:`ORDER_FLOWS`), a behaviour what they
ask for (:data:`BEHAVIOURS`).  Random numbers are a counter-based hash of (seed, stream, trader,
book), so neither the number of books nor that of other traders changes what a trader values.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from decent_gym.clearing import Books
from decent_gym.clearing.lottery import fill_lottery
from decent_gym.models import Commodity, Side
from decent_gym.registry import Registry
from decent_gym.replay.book_set import BookSet
from decent_gym.scenarios.synthetic import randoms
from decent_gym.units import JSON_INTEGER_CAP, PRICE_CAP, IntArray, checked_int

MOST_TRADERS: Final = 1_000
MOST_SLOTS: Final = 2**26
"""Books times orders: nine tables of int64 of that size are 4.8 GB."""

STREAMS_PER_SIDE: Final = 8
ARRIVAL, LIMIT, SUN = 2 * STREAMS_PER_SIDE + np.arange(3)
"""Streams of random numbers; those below belong to sellers, then to buyers."""


class Drawn(NamedTuple):
    """Orders of one kind in B books, in the same M slots of each.

    Attributes
    ----------
    owner : int64 (M,), account index: sellers, then buyers
    side : int64 (M,)
    value : int64 micro-euro/kWh (B, M)
    energy : int64 Wh (B, M); 0: not in this book
    """

    owner: IntArray
    side: IntArray
    value: IntArray
    energy: IntArray


@dataclass(frozen=True, slots=True)
class Dice:
    """Random integers for every trader and book.

    Parameters
    ----------
    seed, books : int
    """

    seed: int
    books: int

    def draw(self, stream: int, side: Side, who: IntArray, low: int, high: int) -> IntArray:
        """Integers in [low, high], (B, len(who)); `who` counts the traders of a side from 0."""
        which = int(side) * STREAMS_PER_SIDE + stream
        number = np.arange(self.books)[:, None]
        return low + randoms(self.seed, which, who, number, high - low + 1)


@dataclass(frozen=True, slots=True)
class OrderFlow:
    """A kind of order flow.

    Attributes
    ----------
    name : str
    summary : str
        One sentence for lists.
    draw : callable
        ``draw(dice, sellers, buyers)`` -> :class:`Drawn`.
    lowest, highest : int, micro-euro/kWh
        Between these all values lie, and what zero-intelligence traders may ask for.
    retail, feed_in : int, micro-euro/kWh
        The utility's tariffs.
    utility : bool
        Whether there is one; then its quotes stand in every book.
    """

    name: str
    summary: str
    draw: Callable[[Dice, int, int], Drawn]
    lowest: int
    highest: int
    retail: int
    feed_in: int
    utility: bool = False


ORDER_FLOWS: Registry[OrderFlow] = Registry("order flow")
"""Name -> :class:`OrderFlow`."""

Behaviour = Callable[[OrderFlow, Drawn, int], IntArray]
"""From kind, orders and seed to limits, int64 micro-euro/kWh (B, M)."""

BEHAVIOURS: Registry[Behaviour] = Registry("behaviour of order flow")
"""Name -> how limits follow from values."""


def order_flow(
    kind: str = "uniform",
    *,
    books: int = 1_000,
    buyers: int = 8,
    sellers: int = 8,
    seed: int = 0,
    limits: str = "truthful",
    fixed: Mapping[int, int] | None = None,
) -> BookSet:
    """Draw books of one commodity whose true values are known.

    Parameters
    ----------
    kind : str
        A name in :data:`ORDER_FLOWS`.
    books : int
        1 or more.
    buyers, sellers : int
        Organizations of each sort, 1 to 1000; accounts 0 to ``sellers - 1`` are the sellers.
    seed : int
        0 to 2^53 - 1.
    limits : str
        ``"truthful"``, or ``"zero_intelligence"``: uniform between the true value and the end of
        the kind's prices, never at a loss.
    fixed : mapping of int to int, optional
        Accounts whose orders have this true value in every book, micro-euro/kWh.

    Returns
    -------
    BookSet

    Raises
    ------
    UnknownNameError
        For a misspelt kind or behaviour.
    InputError
        Naming the argument, the value and the range.

    Source of the behaviours: D. K. Gode, S. Sunder, "Allocative efficiency of markets with
    zero-intelligence traders", Journal of Political Economy 101 (1993) 119.
    """
    flow, behaviour = ORDER_FLOWS[kind], BEHAVIOURS[limits]
    count = checked_int(books, "books", 1, MOST_SLOTS)
    n = checked_int(sellers, "sellers", 1, MOST_TRADERS)
    m = checked_int(buyers, "buyers", 1, MOST_TRADERS)
    checked_int(seed, "seed", 0, JSON_INTEGER_CAP)
    checked_int(count * (n + m) * 2, "books x (sellers + buyers) x 2", 1, MOST_SLOTS)
    drawn = flow.draw(Dice(seed, count), n, m)
    for account, value in (fixed or {}).items():
        checked_int(account, "fixed: account", 0, n + m - 1)
        drawn.value[:, drawn.owner == account] = checked_int(
            value, f"fixed: value of account {account}", -PRICE_CAP, PRICE_CAP
        )
    price = behaviour(flow, drawn, seed)
    if flow.utility:
        drawn, price = _with_quotes(flow, drawn, price, n + m)
    names = [f"seller_{i + 1}" for i in range(n)] + [f"buyer_{i + 1}" for i in range(m)]
    return BookSet(
        books=_books(flow, drawn, price, seed, n + m if flow.utility else -1),
        value=drawn.value,
        times=np.arange(count),
        commodity=np.full(count, int(Commodity.ELECTRICITY)),
        names=(*names, "utility") if flow.utility else tuple(names),
        utility=n + m if flow.utility else None,
    )


def _books(flow: OrderFlow, drawn: Drawn, price: IntArray, seed: int, utility: int) -> Books:
    """Dense rows: who offers nothing in a book keeps its slot with 0 Wh."""
    rows, slots = price.shape
    number, slot = np.arange(rows), np.arange(slots)
    chance = randoms(seed, int(ARRIVAL), slot, number[:, None], 2**31)
    sequence = np.empty((rows, slots), np.int64)
    np.put_along_axis(
        sequence, np.argsort(chance, axis=1, kind="stable"), np.tile(slot, (rows, 1)), axis=1
    )
    lottery = np.empty((rows, 1), np.int64)
    fill_lottery(0, rows, seed, np.zeros(rows, np.int64), number, lottery)
    short, long = 2 * flow.retail - flow.feed_in, 2 * flow.feed_in - flow.retail
    return Books(
        orders=np.full(rows, slots),
        side=np.tile(drawn.side, (rows, 1)),
        price=price,
        offered=drawn.energy,
        priority=np.tile((drawn.owner == utility).astype(np.int64), (rows, 1)),
        sequence=sequence,
        owner=np.tile(drawn.owner, (rows, 1)),
        lottery=lottery[:, 0],
        tariffs=np.tile(np.array([flow.retail, flow.feed_in, short, long]), (rows, 1)),
    )


def _with_quotes(
    flow: OrderFlow, drawn: Drawn, price: IntArray, utility: int
) -> tuple[Drawn, IntArray]:
    """The utility sells at retail and buys at feed-in as much as anybody could want."""
    rows = len(price)
    quotes = np.tile(np.array([flow.retail, flow.feed_in]), (rows, 1))
    amount = np.repeat(drawn.energy.sum(axis=1, keepdims=True), 2, axis=1)
    wider = Drawn(
        np.append(drawn.owner, [utility, utility]),
        np.append(drawn.side, [Side.SELL, Side.BUY]),
        np.hstack([drawn.value, quotes]),
        np.hstack([drawn.energy, amount]),
    )
    return wider, np.hstack([price, quotes])


def _truthful(flow: OrderFlow, drawn: Drawn, seed: int) -> IntArray:
    return drawn.value.copy()


def _zero_intelligence(flow: OrderFlow, drawn: Drawn, seed: int) -> IntArray:
    """Uniform on whole micro-euros, up to rounding; no room for values beyond the kind's end."""
    number, slot = np.arange(len(drawn.value)), np.arange(len(drawn.side))
    chance = randoms(seed, int(LIMIT), slot, number[:, None], 2**31)
    sells = drawn.side == Side.SELL
    room = np.where(sells, flow.highest - drawn.value, drawn.value - flow.lowest)
    step = chance * (np.maximum(room, 0) + 1) >> 31  # below 2^31 x 2^28
    limits: IntArray = np.where(sells, drawn.value + step, drawn.value - step)
    return limits


BEHAVIOURS.add("truthful", _truthful)
BEHAVIOURS.add("zero_intelligence", _zero_intelligence)
