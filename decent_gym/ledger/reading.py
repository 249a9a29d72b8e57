"""Reading many rounds: what ``encoding.decode_round`` reads, several times as fast.

Bytes that the kernel does not take for a round's one encoding go to ``decode_round``, which says
what is wrong with them; so do optional sections that stand in no table here.
"""

from functools import lru_cache
from typing import Final

import numpy as np

from decent_gym.ledger.canonical import ANY, AS_BEFORE, AT_MOST_ONE, SOME, read_canonical
from decent_gym.ledger.encoding import ROUND_TAGS, decode_round
from decent_gym.ledger.frames import PREFIX_BYTES, RecordType, has_prefix
from decent_gym.ledger.header import FIXED_ACCOUNTS
from decent_gym.models import (
    COMMODITIES,
    CONVERSION_FIELDS,
    NO_CONVERSIONS,
    ORDER_FIELDS,
    Case,
    ClearedBook,
    Converted,
    Money,
    Round,
    Tariff,
)
from decent_gym.units import IntArray

_COLUMNS: Final = len(ORDER_FIELDS) + 3
_UNSETTLED: Final = ORDER_FIELDS.index("unsettled")
_CAP: Final = ORDER_FIELDS.index("cap")
_CONVERSION_COLUMNS: Final = len(CONVERSION_FIELDS) + 4
_BOOK: Final = (3, *3 * (AT_MOST_ONE,), ANY, *(_COLUMNS - 1) * (AS_BEFORE,))
_FIRST_BOOK: Final = 2
_OPTIONAL: Final = {11: (SOME, *(_CONVERSION_COLUMNS - 1) * (AS_BEFORE,))}
"""Tag of an optional section -> how many values its vectors have."""
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
    return decode_round(body, accounts) if found is None else _round_of(*found, accounts)


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
    number, timestamp = found[0][:2].tolist()
    return number, timestamp


def _read(body: bytes | memoryview, accounts: int) -> tuple[IntArray, list[int]] | None:
    """All values of a round and how many each vector has; None where only a closer look helps."""
    if not has_prefix(body, RecordType.ROUND):
        return None
    found = read_canonical(body, PREFIX_BYTES, _TAGS, _wanted(accounts), len(ROUND_TAGS))
    if found is None:
        return None
    values, counts = found[0], found[1].tolist()
    at = counts[0] + counts[1]
    for book in range(COMMODITIES):
        if values[at + 2] not in _CASES:
            return None
        first = _FIRST_BOOK + book * len(_BOOK)
        at += sum(counts[first : first + len(_BOOK)])
    return values, counts


@lru_cache(maxsize=256)
def _wanted(accounts: int) -> IntArray:
    """How many values each vector of a round must have."""
    fixed = (2, COMMODITIES * len(Tariff), *COMMODITIES * _BOOK)
    energies = 2 * (COMMODITIES * accounts,)
    rest = (accounts - FIXED_ACCOUNTS, *(len(Money) + 1) * (accounts,), ANY)
    optional = (count for counts in _OPTIONAL.values() for count in counts)
    return np.array([*fixed, *energies, *rest, *optional], np.int64)


def _round_of(values: IntArray, counts: list[int], accounts: int) -> Round:
    rest = _Rest(values.copy())  # what was read into has room for more
    number, timestamp = rest.take(2).tolist()
    tariffs = rest.take(COMMODITIES, len(Tariff))
    firsts = range(_FIRST_BOOK, _FIRST_BOOK + COMMODITIES * len(_BOOK), len(_BOOK))
    return Round(
        number=number,
        timestamp=timestamp,
        books=tuple(_book(rest, counts[first : first + len(_BOOK)]) for first in firsts),
        tariffs=tariffs,
        traded=rest.take(accounts, COMMODITIES),
        metered=rest.take(accounts, COMMODITIES),
        unserved=rest.take(accounts - FIXED_ACCOUNTS),
        money=rest.take(len(Money), accounts),
        accounts=rest.take(accounts),
        actions=rest.take(counts[len(ROUND_TAGS) - 1]),
        conversions=_conversions(rest, counts[-1]) if counts[-1] else NO_CONVERSIONS,
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


def _book(rest: _Rest, counts: list[int]) -> ClearedBook:
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
    )


def _conversions(rest: _Rest, count: int) -> Converted:
    columns = rest.take(_CONVERSION_COLUMNS, count)
    fields = len(CONVERSION_FIELDS)
    return Converted(
        offers=np.ascontiguousarray(columns[:fields].T),
        activity=columns[fields],
        delivered=np.ascontiguousarray(columns[fields + 1 : fields + 3].T),
        earns=columns[fields + 3],
    )
