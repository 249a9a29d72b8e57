"""Laws of recorded conversions, and how they stand in the two books that they were cleared with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from decent_gym.models import ClearedBook, Commodity, Converted, Round, Side
from decent_gym.testing.case import BoolArray
from decent_gym.units import PRICE_CAP, IntArray

_MILLI: Final = 1_000


class Parts(NamedTuple):
    """What conversions bought and sold in one book, in the form of filled orders; all (k,)."""

    side: IntArray
    price: IntArray
    energy: IntArray
    owner: IntArray
    pays: IntArray


def parts_in(cleared: ClearedBook, given: Converted, commodity: Commodity) -> Parts:
    """The part of `given` in one book: buyers and sellers of what they took and gave, at its price.

    Their limits are beyond all others', because what a conversion accepts depends on both prices.
    """
    delivered = given.delivered[:, commodity]
    side = np.where(delivered < 0, Side.BUY, Side.SELL).astype(np.int64)
    highest = max(cleared.price_high or 0, PRICE_CAP)  # only conversions push a price beyond caps
    lowest = min(cleared.price_low or 0, -PRICE_CAP)
    limit = np.where(delivered < 0, highest, lowest).astype(np.int64)
    pays = -(cleared.price or 0) * delivered
    return Parts(side, limit, np.abs(delivered), given.column("owner"), pays)


@dataclass(frozen=True, slots=True)
class ConversionLaw:
    """What must hold of every conversion of a recorded round.

    Attributes
    ----------
    name : str
    says : str
        One sentence.
    find : callable
        ``find(record) -> bool (k,)``: the conversions that break it.
    """

    name: str
    says: str
    find: Callable[[Round], BoolArray]


def _runs(record: Round) -> BoolArray:
    given = record.conversions
    wrong = (given.activity < 0) | (given.activity > given.column("most"))
    owner, group, most = (given.column(name) for name in ("owner", "group", "most"))
    for k in np.flatnonzero(group >= 0).tolist():
        together = (owner == owner[k]) & (group == group[k])
        wrong[k] |= given.activity[together].sum() > most[together].max()
    return np.asarray(wrong, np.bool_)


def _whole(record: Round) -> BoolArray:
    """A whole Wh stays with a converter only where nobody there would have bought it."""
    left = record.conversions.remainders
    wanted = np.array([_would_buy(book) for book in record.books])
    wrong = (left < 0) | ((left >= _MILLI) & wanted)
    return np.asarray(wrong.any(axis=1), np.bool_)


def _would_buy(cleared: ClearedBook) -> bool:
    """Whether somebody sells who could give way, or buys less than wished for below its limit."""
    sells = cleared.column("side") == Side.SELL
    price = -PRICE_CAP if cleared.price is None else cleared.price
    short = (cleared.column("price") > price) & (cleared.accepted < cleared.offered)
    return bool(np.where(sells, cleared.accepted > 0, short).any())


def _earnings(record: Round) -> BoolArray:
    given, prices = record.conversions, [book.price or 0 for book in record.books]
    return np.asarray(given.earns != given.delivered @ np.array(prices, np.int64), np.bool_)


def _losses(record: Round) -> BoolArray:
    """At most one tick times the output; where what it keeps has no price, nothing is said.

    In Python's integers: cost times activity, in thousandths, passes 64 bits.
    """
    given, prices = record.conversions, [book.price for book in record.books]
    ratios = given.offers[:, 2:4].astype(object)
    activity = given.activity.astype(object)
    profit = given.earns.astype(object) - given.column("cost") * activity
    left = given.remainders.astype(object)
    worth = left @ np.array([price or 0 for price in prices], object)
    output = np.maximum(ratios, 0).sum(axis=1) * activity
    priced = [(left[:, c] == 0) | (price is not None) for c, price in enumerate(prices)]
    wrong = (_MILLI * profit + worth < -output) & priced[0] & priced[1]
    return np.asarray(wrong, np.bool_)


CONVERSION_LAWS: Final = (
    ConversionLaw("runs", "runs from 0 to its most, a group to the largest of theirs", _runs),
    ConversionLaw("whole", "delivers all of what it makes but less than a wanted Wh", _whole),
    ConversionLaw("earnings", "earns the two prices times what it delivers", _earnings),
    ConversionLaw("losses", "loses at most one tick times its output", _losses),
)
