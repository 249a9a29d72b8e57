"""Many books whose true values are known, and clearing them all under one rule.

It does not matter where the books come from: a ledger (:func:`read_books`) or fresh order flow.
Whoever has a :class:`BookSet` can clear it under every mechanism and measure what came out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from decent_gym.clearing import MECHANISMS, Books, Outcome, Rules
from decent_gym.clearing.residual import certify_residual, serve_residual
from decent_gym.errors import InputError
from decent_gym.models import TYPES, WISH_FIELDS, Tariff
from decent_gym.units import ENERGY_CAP, IntArray

VALUES_TRUE = "true values"
VALUES_ARE_LIMITS = "limits taken as values"


@dataclass(frozen=True, slots=True, eq=False)
class BookSet:
    """B books of at most M orders, with what every order is truly worth to its owner.

    Attributes
    ----------
    books : Books
        B rows; a slot with 0 Wh offered is not in its book.  The lotteries are in it, so every
        mechanism draws the same lots.  Columns of wishes are full or empty; rules that read no
        wishes pass over them.
    value : int64 micro-euro/kWh (B, M)
        A bid's true value, an ask's true cost, whatever its limit says; premia not counted.
    times : int64 (B,)
        Number of the round each book belongs to; for fresh flow, of the book.
    commodity : int64 (B,), :class:`decent_gym.models.Commodity`
    names : tuple of str
        By account index, which is what ``books.owner`` holds.
    utility : int or None
        Account index of the utility, whose quotes stand in the books or that serves the rest; None
        if there is none.
    valued_by : str
        How the values are known: ``"true values"``, ``"limits taken as values"``, or a sentence.
    organizations : int or None
        How many of `names` are organizations; the others are the special accounts, of which the
        network's buys its loss.  None: all are.
    """

    books: Books
    value: IntArray
    times: IntArray
    commodity: IntArray
    names: tuple[str, ...]
    utility: int | None = None
    valued_by: str = VALUES_TRUE
    organizations: int | None = None

    def __post_init__(self) -> None:
        rows, slots = self.books.side.shape
        shapes = {"value": (rows, slots), "times": (rows,), "commodity": (rows,)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.dtype != np.int64 or array.shape != shape:
                raise InputError(
                    f"{name} must be int64 of shape {shape}, got {array.dtype} {array.shape}"
                )

    @property
    def members(self) -> IntArray:
        """Account indices of the organizations that are not the utility."""
        count = len(self.names) if self.organizations is None else self.organizations
        return np.array([n for n in range(count) if n != self.utility], np.int64)

    @property
    def wishes(self) -> bool:
        """Whether anybody sells or wishes for anything special."""
        return self.books.attributes.size > 0

    @property
    def live(self) -> npt.NDArray[np.bool_]:
        """Which slots hold an order of their book, (B, M)."""
        within = np.arange(self.value.shape[1]) < self.books.orders[:, None]
        held: npt.NDArray[np.bool_] = within & (self.books.offered > 0)
        return held

    def __len__(self) -> int:
        """How many books."""
        return len(self.times)


@dataclass(frozen=True, slots=True, eq=False)
class Recleared:
    """What one rule makes of a :class:`BookSet`.

    Attributes
    ----------
    rules : Rules or None
        None: there was no market, see :func:`retailer_only`.
    outcome : Outcome, arrays (B, M) and (B,)
        ``accepted`` and ``pays`` include what the utility served of the rest; ``volume``, prices
        and ``surplus`` are the mechanism's own.  ``origin`` is there if there are wishes and the
        rules read them.
    inside : int64 Wh (B, M)
        What the mechanism itself accepted: `accepted` less what the utility served of the rest.
    rest_energy : int64 Wh (B,)
        What the utility sold minus what it bought of the rest, 0 unless ``utility="residual"``.
    rest_pays : int64 n-euro (B,)
        What the utility pays for that minus what it receives.
    """

    rules: Rules | None
    outcome: Outcome
    inside: IntArray
    rest_energy: IntArray
    rest_pays: IntArray


def reclear(book_set: BookSet, rules: Rules) -> Recleared:
    """Clear every book of `book_set` under `rules`, in one call of the mechanism.

    With ``rules.utility="residual"`` the utility's quotes leave the books and it serves the rest
    at its tariffs; with None they leave and nobody does; with ``"book"`` they stay as they are.
    Limits are those of ``book_set.books``: nobody adapts to the rule.

    Raises
    ------
    InputError
        For ``utility="residual"`` where the set has no utility.
    """
    books = books_for(book_set, rules)
    rows, slots = books.side.shape
    mechanism = MECHANISMS[rules.mechanism]
    outcome = Outcome.empty(rows, slots, mechanism.wishes and book_set.wishes)
    mechanism.clear(books, rules, outcome, 0, rows)
    inside = outcome.accepted
    energy, pays = np.zeros((2, rows, 1), np.int64)
    if rules.utility == "residual":
        assert book_set.utility is not None
        inside = inside.copy()
        _serve(books, outcome, energy, pays, book_set.utility)
    return Recleared(rules, outcome, inside, energy[:, 0], pays[:, 0])


def books_for(book_set: BookSet, rules: Rules) -> Books:
    """The books that the mechanism of `rules` is to clear: with or without the utility's quotes.

    Raises
    ------
    InputError
        As :func:`reclear`.
    """
    if rules.utility == "residual" and book_set.utility is None:
        raise InputError("utility='residual', but these books have none; write utility=None")
    if rules.utility == "book" or book_set.utility is None:
        return book_set.books
    return without(book_set.books, book_set.utility)


def retailer_only(book_set: BookSet) -> Recleared:
    """What the same offers come to without a local market: the utility serves them, or nobody.

    Whatever they wish for: who cannot choose buys what there is.
    """
    rows, slots = book_set.value.shape
    outcome = Outcome.empty(rows, slots)
    energy, pays = np.zeros((2, rows, 1), np.int64)
    if book_set.utility is not None:
        books = without(book_set.books, book_set.utility)
        _serve(books, outcome, energy, pays, book_set.utility)
    return Recleared(None, outcome, np.zeros((rows, slots), np.int64), energy[:, 0], pays[:, 0])


def without(books: Books, owner: int) -> Books:
    """The same books, in which the orders of `owner` offer nothing."""
    return books._replace(offered=np.where(books.owner == owner, 0, books.offered))


def with_utility(book_set: BookSet) -> tuple[Books, IntArray]:
    """Books and values with the utility quoting any amount at its tariffs, and nothing else of it.

    Two slots are appended to every book: a sale at retail, a purchase at feed-in.  Wishes are left
    out.
    """
    assert book_set.utility is not None
    books = without(book_set.books, book_set.utility)
    rows = len(book_set)
    tariffs = books.tariffs[:, [Tariff.RETAIL, Tariff.FEED_IN]]
    # the quotes stand right behind the orders: slots 0 .. orders-1 are what a kernel reads
    at = np.arange(rows)[:, None], books.orders[:, None] + np.arange(2)
    latest = books.sequence.max(axis=1, initial=0)[:, None]
    quotes = {
        "side": [0, 1],
        "price": tariffs,
        "offered": ENERGY_CAP,
        "priority": 1,
        "sequence": latest + np.arange(1, 3),
        "owner": book_set.utility,
    }
    wide = {name: _wider(getattr(books, name)) for name in quotes}
    for name, values in quotes.items():
        wide[name][at] = values
    value = _wider(book_set.value)
    value[at] = tariffs
    plain = {name: np.empty((0, 0), np.int64) for name in WISH_FIELDS}
    return books._replace(orders=books.orders + 2, **wide, **plain), value


def _wider(array: IntArray) -> IntArray:
    """A copy with room for two more slots."""
    return np.concatenate([array, np.zeros((len(array), 2), np.int64)], axis=1)


def _serve(books: Books, outcome: Outcome, energy: IntArray, pays: IntArray, utility: int) -> None:
    """Let the utility serve the rest of every book: kernels know worlds of C books, here C is 1.

    Wishes count if the mechanism has written certificates.
    """
    rows, slots = books.side.shape
    wide = (rows, 1, slots)
    reads = outcome.origin.size > 0
    wishes = np.zeros((len(WISH_FIELDS), rows, 1, 0), np.int64)
    if reads:
        wishes = np.stack([getattr(books, name).reshape(wide) for name in WISH_FIELDS])
    count, side = books.orders.reshape(rows, 1), books.side.reshape(wide)
    accepted = outcome.accepted.reshape(wide)
    serve_residual(
        0, rows, count, side, books.price.reshape(wide), books.offered.reshape(wide), wishes,
        utility, books.tariffs.reshape(rows, 1, 4), accepted, outcome.pays.reshape(wide), energy,
        pays,
    )  # fmt: skip
    if reads:
        origin = outcome.origin.reshape(*wide, TYPES)
        certify_residual(0, rows, count, side, wishes, accepted, origin)
