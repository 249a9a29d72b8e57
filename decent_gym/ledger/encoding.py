"""A round to bytes and back.

Nothing is stored twice: what follows from the rest (the energy offered is the smaller of unsettled
energy and cap) is computed when a record is read.
"""

from array import array
from typing import Final

import numpy as np

from decent_gym.errors import InputError, LedgerError
from decent_gym.ledger.frames import PREFIX_BYTES, RecordType, split, write_prefix
from decent_gym.ledger.shapes import check_shapes, odd_ones
from decent_gym.ledger.signed_section import SIGNED, decode_signed, encode_signed
from decent_gym.ledger.vectors import FRAMING_BYTES, pack, unpack
from decent_gym.models import (
    COMMODITIES,
    CONVERSION_FIELDS,
    NO_CONVERSIONS,
    NO_ORIGIN,
    NO_WISHES,
    ORDER_FIELDS,
    TYPES,
    WISH_FIELDS,
    Case,
    ClearedBook,
    Commodity,
    Converted,
    Money,
    Round,
    Tariff,
)
from decent_gym.units import IntArray

_TIME, _TARIFFS, _ELECTRICITY, _HEAT, _TRADED = 1, 2, 3, 4, 5
_METERED, _UNSERVED, _MONEY, _ACCOUNTS, _ACTIONS = 6, 7, 8, 9, 10
_CONVERSIONS, _WISHES = 11, 12
_BOOKS: Final = {Commodity.ELECTRICITY: _ELECTRICITY, Commodity.HEAT: _HEAT}

_FIELDS: Final = len(ORDER_FIELDS)
_UNSETTLED: Final = ORDER_FIELDS.index("unsettled")
_CAP: Final = ORDER_FIELDS.index("cap")
_TARIFF_COUNT: Final = COMMODITIES * len(Tariff)
_KINDS: Final = len(Money)
_BOOK_VECTORS: Final = 4 + _FIELDS + 3
"""Numbers, three prices of none or one value, the orders' columns, accepted, pays, reason."""

_VECTORS: Final = (
    (_TIME, 1),
    (_TARIFFS, 1),
    (_ELECTRICITY, _BOOK_VECTORS),
    (_HEAT, _BOOK_VECTORS),
    (_TRADED, 1),
    (_METERED, 1),
    (_UNSERVED, 1),
    (_MONEY, len(Money)),
    (_ACCOUNTS, 1),
    (_ACTIONS, 1),
)
"""Sections of a round and the vectors in each."""

_CONVERSION_VECTORS: Final = len(CONVERSION_FIELDS) + 4
"""The offers' columns, activity, electricity and heat delivered, earnings; only if any."""

_WISH_VECTORS: Final = len(WISH_FIELDS) + TYPES
"""Of each book the orders' columns and certificates by type; only if any order is special."""

_NONE_WISHED: Final = [(NO_WISHES, NO_ORIGIN)] * COMMODITIES

_SECTIONS: Final = tuple(tag for tag, _ in _VECTORS)
ROUND_TAGS: Final = np.repeat([t for t, _ in _VECTORS], [n for _, n in _VECTORS]).astype(np.int64)
_CONVERSION_TAGS: Final = np.full(_CONVERSION_VECTORS, _CONVERSIONS)
_WISH_TAGS: Final = np.full(COMMODITIES * _WISH_VECTORS, _WISHES)


def encode_round(record: Round, accounts: int) -> bytes:
    """A round record's body, without the two hashes.

    Parameters
    ----------
    record : Round
    accounts : int
        As many as the ledger's header says: shapes are checked against it.

    Raises
    ------
    InputError
        An array of another shape or type, or an integer beyond int64; nothing has been written.
    """
    check_shapes(record, accounts)
    counts = [2, _TARIFF_COUNT]
    parts = [_small((record.number, record.timestamp), "time"), record.tariffs.ravel()]
    for book in record.books:
        _add_book(book, counts, parts)
    counts += (COMMODITIES * accounts, COMMODITIES * accounts, len(record.unserved))
    counts += [accounts] * (_KINDS + 1)
    counts.append(len(record.actions))
    parts += (record.traded.ravel(), record.metered.ravel(), record.unserved)
    parts += (record.money.ravel(), record.accounts, record.actions)
    tags = ROUND_TAGS
    given = record.conversions
    if len(given.activity):
        tags = np.append(tags, _CONVERSION_TAGS)
        counts += [len(given.activity)] * _CONVERSION_VECTORS
        parts += (given.offers.T.ravel(), given.activity, given.delivered.T.ravel(), given.earns)
    if any(len(book.wishes) for book in record.books):
        tags = np.append(tags, _WISH_TAGS)
        for book in record.books:
            counts += [len(book.wishes)] * _WISH_VECTORS
            parts += (book.wishes.T.ravel(), book.origin.T.ravel())
    values = np.concatenate(parts)
    if values.dtype != np.int64:
        raise InputError(f"round {record.number}: every array must be int64: {odd_ones(record)}")
    out = np.empty(PREFIX_BYTES + 8 * len(values) + FRAMING_BYTES * len(counts), np.uint8)
    end = pack(tags, np.array(counts, np.int64), values, out, PREFIX_BYTES)
    body = out[:end]
    if record.signed:
        body = np.append(body, np.frombuffer(encode_signed(record.signed), np.uint8))
    write_prefix(body.data, RecordType.ROUND)
    return body.tobytes()


def decode_round(body: bytes | memoryview, accounts: int) -> Round:
    """Read a round record's body; only the bytes that :func:`encode_round` writes are read.

    That the numbers make sense (a side is 0 or 1, an owner exists) is for the verifier to say.

    Raises
    ------
    LedgerError
        Saying what is wrong with the bytes.
    """
    *payloads, converted, wished, signed = split(
        body, RecordType.ROUND, _SECTIONS, (_CONVERSIONS, _WISHES, SIGNED)
    )
    wishes = _read_wishes(wished) if len(wished) else _NONE_WISHED
    vectors = {
        tag: unpack(payload, count)
        for (tag, count), payload in zip(_VECTORS, payloads, strict=True)
    }
    (time,), (tariffs,) = vectors[_TIME], vectors[_TARIFFS]
    (traded,), (metered,), (unserved,) = vectors[_TRADED], vectors[_METERED], vectors[_UNSERVED]
    for name, vector, count in (
        ("time", time, 2),
        ("tariffs", tariffs, COMMODITIES * len(Tariff)),
        ("traded", traded, COMMODITIES * accounts),
        ("metered", metered, COMMODITIES * accounts),
        ("accounts", vectors[_ACCOUNTS][0], accounts),
        *(("money", row, accounts) for row in vectors[_MONEY]),
    ):
        if len(vector) != count:
            raise LedgerError(f"{name} has {len(vector)} values instead of {count}")
    record = Round(
        number=int(time[0]),
        timestamp=int(time[1]),
        books=tuple(
            _read_book(vectors[_BOOKS[commodity]], commodity, *wishes[commodity])
            for commodity in Commodity
        ),
        tariffs=tariffs.reshape(COMMODITIES, len(Tariff)),
        traded=traded.reshape(accounts, COMMODITIES),
        metered=metered.reshape(accounts, COMMODITIES),
        unserved=unserved,
        money=np.stack(vectors[_MONEY]),
        accounts=vectors[_ACCOUNTS][0],
        actions=vectors[_ACTIONS][0],
        conversions=_read_conversions(converted) if len(converted) else NO_CONVERSIONS,
        signed=decode_signed(signed),
    )
    try:
        canonical = encode_round(record, accounts)
    except InputError as error:
        raise LedgerError(str(error)) from None
    if canonical != body:
        raise LedgerError("round is not in its canonical form")
    return record


def _read_conversions(payload: memoryview) -> Converted:
    columns = unpack(payload, _CONVERSION_VECTORS)
    if len({len(column) for column in columns}) != 1:
        raise LedgerError("conversions have columns of different lengths")
    fields = len(CONVERSION_FIELDS)
    activity, electricity, heat, earns = columns[fields:]
    return Converted(
        offers=np.stack(columns[:fields], axis=1),
        activity=activity,
        delivered=np.stack([electricity, heat], axis=1),
        earns=earns,
    )


def _read_wishes(payload: memoryview) -> list[tuple[IntArray, IntArray]]:
    """Wishes and certificates of each book."""
    vectors = unpack(payload, COMMODITIES * _WISH_VECTORS)
    books = []
    for commodity in Commodity:
        columns = vectors[commodity * _WISH_VECTORS : (commodity + 1) * _WISH_VECTORS]
        if len({len(column) for column in columns}) != 1:
            raise LedgerError(
                f"wishes of the {commodity.name.lower()} book have columns of different lengths"
            )
        fields = len(WISH_FIELDS)
        books.append((np.stack(columns[:fields], axis=1), np.stack(columns[fields:], axis=1)))
    return books


def _add_book(book: ClearedBook, counts: list[int], parts: list[IntArray]) -> None:
    n = len(book.orders)
    numbers = [book.volume, book.surplus, book.case]
    counts.append(len(numbers))
    for price in (book.price_low, book.price, book.price_high):
        counts.append(price is not None)
        if price is not None:
            numbers.append(price)
    counts += [n] * (_FIELDS + 3)
    parts.append(_small(numbers, "book"))
    parts += (book.orders.T.ravel(), book.accepted, book.pays, book.reason)


def _read_book(
    vectors: list[IntArray], commodity: Commodity, wishes: IntArray, origin: IntArray
) -> ClearedBook:
    place = commodity.name.lower()
    numbers, *prices = vectors[:4]
    columns = vectors[4:]
    if len(numbers) != 3:
        raise LedgerError(f"{place} book has {len(numbers)} numbers instead of 3")
    if any(len(price) > 1 for price in prices):
        raise LedgerError(f"{place} book has more than one price in a place")
    if len({len(column) for column in columns}) != 1:
        raise LedgerError(f"{place} book has columns of different lengths")
    try:
        case = Case(int(numbers[2]))
    except ValueError as error:
        raise LedgerError(f"{place} book: {error}") from None
    orders = np.stack(columns[:_FIELDS], axis=1)
    low, price, high = (int(price[0]) if len(price) else None for price in prices)
    return ClearedBook(
        orders=orders,
        offered=np.minimum(orders[:, _UNSETTLED], orders[:, _CAP]),
        accepted=columns[_FIELDS],
        pays=columns[_FIELDS + 1],
        reason=columns[_FIELDS + 2],
        volume=int(numbers[0]),
        price_low=low,
        price=price,
        price_high=high,
        surplus=int(numbers[1]),
        case=case,
        wishes=wishes,
        origin=origin,
    )


def _small(numbers: list[int] | tuple[int, ...], place: str) -> IntArray:
    try:
        # array refuses the floats that np.array would cut off
        return np.frombuffer(array("q", numbers), np.int64)
    except (OverflowError, TypeError) as error:
        raise InputError(f"round's {place}: {numbers} must be 64-bit integers: {error}") from None
