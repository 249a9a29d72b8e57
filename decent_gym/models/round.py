"""What happened in one round of one world: everything needed to check it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np

from decent_gym.models.codes import Case, Commodity, Money
from decent_gym.models.conversion import CONVERSION_FIELDS
from decent_gym.models.order_book import ORDER_FIELDS
from decent_gym.models.signed import SignedOffers
from decent_gym.models.wish import (
    NO_WISH,
    TYPE_NAMES,
    TYPES,
    WISH_FIELDS,
    premia_of,
    prices_by_type,
)
from decent_gym.units import IntArray, eur, eur_per_kwh


def _nothing(columns: int) -> IntArray:
    array = np.zeros((0, columns), np.int64)
    array.flags.writeable = False
    return array


NO_WISHES: Final = _nothing(len(WISH_FIELDS))
NO_ORIGIN: Final = _nothing(TYPES)
"""Of a book in which nobody sells or wishes for anything special."""


@dataclass(frozen=True, slots=True, eq=False)
class ClearedBook:
    """One commodity of one round: n orders went in, this came out.

    Attributes
    ----------
    orders : int64 (n, 12)
        As the book stood at gate closure, columns as in ``ORDER_FIELDS``; only orders that were
        open in this round (``start <= round < until`` and unsettled energy > 0).
    offered : int64 Wh (n,)
        What went into the clearing: the smaller of unsettled energy and cap.
    accepted : int64 Wh (n,)
    pays : int64 n-euro (n,), buyers positive
    reason : int64 (n,), :class:`Reason` after the round
    volume : int, Wh
    price_low, price, price_high : int or None, micro-euro per kWh; None if nothing trades
    surplus : int, n-euro kept by the operator under the mechanism's rule
    case : Case
    wishes : int64 (n, 3), or (0, 3) if nobody sells or wishes for anything special
        Columns as in ``WISH_FIELDS``.
    origin : int64 Wh (n, 4), or (0, 4) likewise
        Certificates: how much of each order's accepted energy was of which type, columns by
        attributes: plain, LOCAL, RENEWABLE, both.
    """

    orders: IntArray
    offered: IntArray
    accepted: IntArray
    pays: IntArray
    reason: IntArray
    volume: int
    price_low: int | None
    price: int | None
    price_high: int | None
    surplus: int
    case: Case
    wishes: IntArray = field(default_factory=lambda: NO_WISHES)
    origin: IntArray = field(default_factory=lambda: NO_ORIGIN)

    def column(self, name: str) -> IntArray:
        """One column of the orders by its name in ``ORDER_FIELDS`` or ``WISH_FIELDS``."""
        if name not in WISH_FIELDS:
            return self.orders[:, ORDER_FIELDS.index(name)]
        at = WISH_FIELDS.index(name)
        return self.wishes[:, at] if len(self.wishes) else np.full(len(self.orders), NO_WISH[at])

    @property
    def type_prices(self) -> tuple[int | None, ...]:
        """Of plain, LOCAL, RENEWABLE energy and both among offers without partners: micro-euro/kWh.

        None where none of it is traded; without wishes all energy is plain.
        """
        side = self.column("side")
        wishes = np.stack([self.column(name) for name in WISH_FIELDS], axis=1)
        return prices_by_type(side, self.accepted, (2 * side - 1) * self.pays, wishes)

    @property
    def bought_by_type(self) -> tuple[int, ...]:
        """Of what was bought, how much was plain, LOCAL, RENEWABLE, both: Wh."""
        bids = self.column("side") == 1
        if not len(self.origin):
            return (int(self.accepted[bids].sum()), *(TYPES - 1) * (0,))
        return tuple(self.origin[bids].sum(axis=0).tolist())

    @property
    def premia(self) -> IntArray:
        """What each order's accepted energy was worth beyond its limit: int64 n-euro (n,).

        Above 0 for soft wishes alone, by as much as was of the wished-for type.
        """
        if not len(self.wishes):
            return np.zeros(len(self.orders), np.int64)
        side, price = self.column("side"), self.column("price")
        attributes, premium = self.column("attributes"), self.column("premium")
        return premia_of(side, price, attributes, premium, self.origin)

    @property
    def limits_passed(self) -> int:
        """How many orders paid more than their bid or got less than their ask.

        Always 0 but under the price-taking mechanisms, which do not look at limits.
        """
        sign = 2 * self.column("side") - 1
        worth = sign * self.column("price") * self.accepted + self.premia
        return int(np.count_nonzero(self.pays > worth))


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """The k conversions that were offered in a round, and how much each ran.

    Attributes
    ----------
    offers : int64 (k, 10)
        Columns as in ``CONVERSION_FIELDS``, in order of arrival.
    activity : int64 Wh (k,)
    delivered : int64 Wh (k, 2)
        What each sold (above 0) or bought of electricity and heat.
    earns : int64 n-euro (k,)
        What both books paid each; below 0, it paid.
    """

    offers: IntArray
    activity: IntArray
    delivered: IntArray
    earns: IntArray

    def column(self, name: str) -> IntArray:
        """One column of the offers by its name in ``CONVERSION_FIELDS``."""
        return self.offers[:, CONVERSION_FIELDS.index(name)]

    @property
    def remainders(self) -> IntArray:
        """What each made beyond what it sold, and kept: int64 mWh (k, 2), never negative."""
        made = self.offers[:, 2:4] * self.activity[:, None]
        return made - 1000 * self.delivered


def _no_conversions() -> Converted:
    arrays = [np.zeros(shape, np.int64) for shape in ((0, len(CONVERSION_FIELDS)), 0, (0, 2), 0)]
    for array in arrays:
        array.flags.writeable = False
    return Converted(*arrays)


NO_CONVERSIONS = _no_conversions()
"""Of a round in which nobody offered to convert."""


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """One closed round of one world.  A = N + 3 accounts: N organizations, fuel, network, operator.

    Attributes
    ----------
    number : int
        Rounds since the scenario's start.
    timestamp : int
        UTC seconds since 1970 of the round's beginning, on the 15-minute grid.
    books : tuple of ClearedBook
        Indexed by Commodity.
    tariffs : int64 (C, 4), micro-euro per kWh, columns as in ``Tariff``
    traded : int64 Wh (A, C)
        Bought minus sold in this round; the network's account buys its loss.
    metered : int64 Wh (A, C)
        Drawn minus fed in.
    unserved : int64 Wh (N,)
        Heat that nobody could supply.
    money : int64 n-euro (K, A)
        Received minus paid per kind of ``Money`` and account; each row sums to 0.
    accounts : int64 n-euro (A,)
        Balances after the round; sums to 0.
    actions : int64 (A,)
        What learners asked for, in parts per million; empty where nobody learns.
    conversions : Converted
    signed : tuple of SignedOffers
        Messages of organizations whose keys the ledger names, in order of arrival.
    """

    number: int
    timestamp: int
    books: tuple[ClearedBook, ...]
    tariffs: IntArray
    traded: IntArray
    metered: IntArray
    unserved: IntArray
    money: IntArray
    accounts: IntArray
    actions: IntArray
    conversions: Converted = NO_CONVERSIONS
    signed: tuple[SignedOffers, ...] = ()

    @property
    def electricity(self) -> ClearedBook:
        """The electricity book."""
        return self.books[Commodity.ELECTRICITY]

    @property
    def heat(self) -> ClearedBook:
        """The heat book."""
        return self.books[Commodity.HEAT]

    @property
    def time(self) -> datetime:
        """Beginning of the round, UTC."""
        return datetime.fromtimestamp(self.timestamp, UTC)

    def __str__(self) -> str:
        lines = [f"round {self.number}  {self.time:%Y-%m-%d %H:%M} UTC"]
        for commodity, book in zip(Commodity, self.books, strict=True):
            price = "no trade" if book.price is None else f"{eur_per_kwh(book.price):.4f} EUR/kWh"
            lines.append(
                f"  {commodity.name.lower():<11} {book.volume / 1000:>9.3f} kWh  {price:<16}"
                f" {len(book.offered)} offers, {int(np.count_nonzero(book.accepted))} accepted,"
                f" {book.case.name}"
            )
            lines += _types(book)
        if len(self.conversions.activity):
            electricity, heat = (self.conversions.delivered.sum(axis=0) / 1000).tolist()
            lines.append(
                f"  conversions {len(self.conversions.activity)} offers, "
                f"{int(np.count_nonzero(self.conversions.activity))} run: "
                f"electricity {electricity:+.3f} kWh, heat {heat:+.3f} kWh"
            )
        trades = self.money[Money.TRADE]
        lines.append(f"  money moved {eur(int(trades[trades > 0].sum())):.4f} EUR, sums to 0")
        return "\n".join(lines)


def _types(book: ClearedBook) -> list[str]:
    """What was bought of every type and at what price, if there are types."""
    if not len(book.wishes):
        return []
    parts = [
        f"{name} {energy / 1000:.3f} kWh"
        + (f" at {eur_per_kwh(price):.4f}" if price is not None else "")
        for name, energy, price in zip(
            TYPE_NAMES, book.bought_by_type, book.type_prices, strict=True
        )
        if energy
    ]
    return [f"    {', '.join(parts)}"] if parts else []
