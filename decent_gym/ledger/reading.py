"""Reading many rounds: what ``encoding.decode_round`` reads, several times as fast.

Bytes that are not taken for a round's one encoding here go to ``decode_round``, which says what is
wrong with them.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from decent_gym.errors import LedgerError
from decent_gym.ledger.canonical import ANY, AS_BEFORE, AT_MOST_ONE, SOME, read_canonical
from decent_gym.ledger.encoding import ROUND_TAGS, decode_round
from decent_gym.ledger.frames import PREFIX_BYTES, SECTION, RecordType, has_prefix
from decent_gym.ledger.header import FIXED_ACCOUNTS
from decent_gym.ledger.signed_section import SIGNED, decode_signed
from decent_gym.models import (
    COMMODITIES,
    CONVERSION_FIELDS,
    NO_CONVERSIONS,
    NO_ORIGIN,
    NO_WISH,
    NO_WISHES,
    ORDER_FIELDS,
    TYPES,
    WISH_FIELDS,
    Case,
    ClearedBook,
    Converted,
    Money,
    Round,
    SignedOffers,
    Tariff,
)
from decent_gym.units import IntArray

_COLUMNS: Final = len(ORDER_FIELDS) + 3
_UNSETTLED: Final = ORDER_FIELDS.index("unsettled")
_CAP: Final = ORDER_FIELDS.index("cap")
_CONVERSION_COLUMNS: Final = len(CONVERSION_FIELDS) + 4
_BOOK: Final = (3, *3 * (AT_MOST_ONE,), ANY, *(_COLUMNS - 1) * (AS_BEFORE,))
_FIRST_BOOK: Final = 2
_WISH_COLUMNS: Final = len(WISH_FIELDS) + TYPES
_WISHED: Final = (ANY, *(_WISH_COLUMNS - 1) * (AS_BEFORE,))
_OPTIONAL: Final = {
    11: (SOME, *(_CONVERSION_COLUMNS - 1) * (AS_BEFORE,)),
    12: COMMODITIES * _WISHED,
}
"""Tag of an optional section -> how many values its vectors have."""
_CONVERSIONS: Final = len(ROUND_TAGS)
_WISHES: Final = _CONVERSIONS + _CONVERSION_COLUMNS
"""First vectors of these."""
_NO_WISH: Final = np.array(NO_WISH)[:, None]
_TAGS: Final = np.concatenate([ROUND_TAGS, *(len(v) * [tag] for tag, v in _OPTIONAL.items())])
_CASES: Final = {int(case): case for case in Case}


def read_round(body: bytes | memoryview, accounts: int) -> Round:
    """Read a round record's body, as :func:`decent_gym.ledger.encoding.decode_round` does.

    Raises
    ------
    LedgerError
        Saying what is wrong with the bytes.
    """
    found = _read(body, accounts)
    return decode_round(body, accounts) if found is None else _round_of(found, accounts)


def read_time(body: bytes | memoryview, accounts: int) -> tuple[int, int]:
    """Number and timestamp of a round, whose body is checked as :func:`read_round` checks it.

    Raises
    ------
    LedgerError
        Saying what is wrong with the bytes.
    """
    found = _read(body, accounts)
    if found is None:
        record = decode_round(body, accounts)
        return record.number, record.timestamp
    number, timestamp = found.values[:2].tolist()
    return number, timestamp


class _Found(NamedTuple):
    """All values of a round, how many each vector has, wishes (7, n) of each book, messages."""

    values: IntArray
    counts: list[int]
    wishes: list[IntArray]
    signed: tuple[SignedOffers, ...]


def _read(body: bytes | memoryview, accounts: int) -> _Found | None:
    """What a body says; None where only a closer look helps."""
    if not has_prefix(body, RecordType.ROUND):
        return None
    found = read_canonical(body, PREFIX_BYTES, _TAGS, _wanted(accounts), len(ROUND_TAGS))
    if found is None:
        return None
    values, counts, end = found[0], found[1].tolist(), found[2]
    at = counts[0] + counts[1]
    for book in range(COMMODITIES):
        if values[at + 2] not in _CASES:
            return None
        first = _FIRST_BOOK + book * len(_BOOK)
        at += sum(counts[first : first + len(_BOOK)])
    wishes, signed = _read_wishes(values, counts), _read_signed(body, end)
    return None if wishes is None or signed is None else _Found(values, counts, wishes, signed)


def _read_wishes(values: IntArray, counts: list[int]) -> list[IntArray] | None:
    """The wishes of each book, which are the last values; None if they cannot be."""
    lengths = counts[_WISHES::_WISH_COLUMNS]
    if lengths[0] < 0:
        return []
    orders = [counts[_FIRST_BOOK + (c + 1) * len(_BOOK) - 1] for c in range(COMMODITIES)]
    at = len(values) - _WISH_COLUMNS * sum(lengths)
    wishes = []
    for length, n in zip(lengths, orders, strict=True):
        columns = values[at : at + _WISH_COLUMNS * length].reshape(_WISH_COLUMNS, length)
        if length and (length != n or (columns[: len(WISH_FIELDS)] == _NO_WISH).all()):
            return None
        at += columns.size
        wishes.append(columns)
    return wishes if any(lengths) else None


def _read_signed(body: bytes | memoryview, at: int) -> tuple[SignedOffers, ...] | None:
    """The messages of the body's last section, if it is this one."""
    if at == len(body):
        return ()
    if len(body) <= at + SECTION.size:
        return None
    if SECTION.unpack_from(body, at) != (SIGNED, len(body) - at - SECTION.size):
        return None
    try:
        return decode_signed(body[at + SECTION.size :])
    except LedgerError:
        return None


@lru_cache(maxsize=256)
def _wanted(accounts: int) -> IntArray:
    """How many values each vector of a round must have."""
    fixed = (2, COMMODITIES * len(Tariff), *COMMODITIES * _BOOK)
    energies = 2 * (COMMODITIES * accounts,)
    rest = (accounts - FIXED_ACCOUNTS, *(len(Money) + 1) * (accounts,), ANY)
    optional = (count for counts in _OPTIONAL.values() for count in counts)
    return np.array([*fixed, *energies, *rest, *optional], np.int64)


def _round_of(found: _Found, accounts: int) -> Round:
    counts = found.counts
    rest = _Rest(found.values.copy())  # what was read into has room for more
    number, timestamp = rest.take(2).tolist()
    tariffs = rest.take(COMMODITIES, len(Tariff))
    firsts = range(_FIRST_BOOK, _FIRST_BOOK + COMMODITIES * len(_BOOK), len(_BOOK))
    wishes = [_wishes(columns) for columns in found.wishes] or _NONE_WISHED
    return Round(
        number=number,
        timestamp=timestamp,
        books=tuple(
            _book(rest, counts[first : first + len(_BOOK)], *wished)
            for first, wished in zip(firsts, wishes, strict=True)
        ),
        tariffs=tariffs,
        traded=rest.take(accounts, COMMODITIES),
        metered=rest.take(accounts, COMMODITIES),
        unserved=rest.take(accounts - FIXED_ACCOUNTS),
        money=rest.take(len(Money), accounts),
        accounts=rest.take(accounts),
        actions=rest.take(counts[_CONVERSIONS - 1]),
        conversions=_conversions(rest, counts[_CONVERSIONS]),
        signed=found.signed,
    )


class _Rest:
    """The values that have not been taken yet."""

    def __init__(self, values: IntArray) -> None:
        self._values = values
        self._at = 0

    def take(self, rows: int, columns: int | None = None) -> IntArray:
        first = self._at
        self._at += rows * (1 if columns is None else columns)
        taken = self._values[first : self._at]
        return taken if columns is None else taken.reshape(rows, columns)


def _book(rest: _Rest, counts: list[int], wishes: IntArray, origin: IntArray) -> ClearedBook:
    volume, surplus, case = rest.take(3).tolist()
    low, price, high = (rest.take(1).item() if count else None for count in counts[1:4])
    columns = rest.take(_COLUMNS, counts[-1])
    accepted, pays, reason = columns[len(ORDER_FIELDS) :]
    return ClearedBook(
        orders=np.ascontiguousarray(columns[: len(ORDER_FIELDS)].T),
        offered=np.minimum(columns[_UNSETTLED], columns[_CAP]),
        accepted=accepted,
        pays=pays,
        reason=reason,
        volume=volume,
        price_low=low,
        price=price,
        price_high=high,
        surplus=surplus,
        case=_CASES[case],
        wishes=wishes,
        origin=origin,
    )


_NONE_WISHED: Final = COMMODITIES * [(NO_WISHES, NO_ORIGIN)]


def _wishes(columns: IntArray) -> tuple[IntArray, IntArray]:
    """Wishes and certificates of a book."""
    fields = len(WISH_FIELDS)
    wishes, origin = columns[:fields], columns[fields:]
    return wishes.T.copy(), origin.T.copy()


def _conversions(rest: _Rest, count: int) -> Converted:
    if count < 0:
        return NO_CONVERSIONS
    columns = rest.take(_CONVERSION_COLUMNS, count)
    fields = len(CONVERSION_FIELDS)
    return Converted(
        offers=np.ascontiguousarray(columns[:fields].T),
        activity=columns[fields],
        delivered=np.ascontiguousarray(columns[fields + 1 : fields + 3].T),
        earns=columns[fields + 3],
    )
