"""Whether a round's arrays have the shapes that a ledger's records want."""

from functools import lru_cache
from typing import Final

import numpy as np

from decent_gym.errors import InputError
from decent_gym.ledger.header import FIXED_ACCOUNTS
from decent_gym.models import (
    COMMODITIES,
    CONVERSION_FIELDS,
    NO_WISH,
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

_FIELDS: Final = len(ORDER_FIELDS)
_UNSETTLED: Final = ORDER_FIELDS.index("unsettled")
_CAP: Final = ORDER_FIELDS.index("cap")


def check_shapes(record: Round, accounts: int) -> None:
    """Refuse a round whose arrays do not fit a ledger of so many accounts.

    Raises
    ------
    InputError
        Naming the array, its shape and the right one.
    """
    if len(record.books) != COMMODITIES:
        raise InputError(
            f"round {record.number}: needs {COMMODITIES} books, one a commodity, "
            f"got {len(record.books)}"
        )
    # one comparison where all is well; names are looked up only for the message
    n, m = len(record.books[0].orders), len(record.books[1].orders)
    wanted = _shapes(accounts, n, m, len(record.actions))
    if tuple([array.shape for array in _arrays(record)]) != wanted:
        for name, array, shape in zip(_NAMES, _arrays(record), wanted, strict=True):
            if array.shape != shape:
                raise InputError(
                    f"round {record.number}: {name} must have shape {shape}, has {array.shape}"
                )
    given = record.conversions
    if len(given.activity):
        _check_conversions(record.number, given)
    for book in record.books:
        if book.case not in _CASES:  # a reader would refuse it
            raise InputError(
                f"round {record.number}: case must be one of {_CASES}, got {book.case!r}"
            )
        offered = np.minimum(book.orders[:, _UNSETTLED], book.orders[:, _CAP])
        if offered.tobytes() != book.offered.tobytes():
            raise InputError(
                f"round {record.number}: offered must be the smaller of unsettled energy and cap "
                "in every order, as int64"
            )
        if len(book.wishes) or len(book.origin):
            _check_wishes(record.number, book)


def _check_wishes(number: int, book: ClearedBook) -> None:
    n = len(book.orders)
    for name, array, columns in (
        ("wishes", book.wishes, len(WISH_FIELDS)),
        ("origin", book.origin, TYPES),
    ):
        if array.shape != (n, columns) or array.dtype != np.int64:
            raise InputError(
                f"round {number}: {name} must be int64 of shape {(n, columns)}, or both empty, "
                f"is {array.dtype} of shape {array.shape}"
            )
    if (book.wishes == NO_WISH).all():
        raise InputError(f"round {number}: wishes must be left out where nobody has any")


def _check_conversions(number: int, given: Converted) -> None:
    k = len(given.activity)
    wanted = ((k, len(CONVERSION_FIELDS)), (k,), (k, COMMODITIES), (k,))
    arrays = (given.offers, given.activity, given.delivered, given.earns)
    for name, array, shape in zip(_CONVERTED, arrays, wanted, strict=True):
        if array.shape != shape or array.dtype != np.int64:
            raise InputError(
                f"round {number}: conversions' {name} must be int64 of shape {shape}, "
                f"is {array.dtype} of shape {array.shape}"
            )


_CONVERTED: Final = ("offers", "activity", "delivered", "earns")
_CASES: Final = tuple(int(case) for case in Case)

_NAMES: Final = (
    *("tariffs", "traded", "metered", "unserved", "money", "accounts", "actions"),
    *(
        f"{commodity.name.lower()} {name}"
        for commodity in Commodity
        for name in ("orders", "offered", "accepted", "pays", "reason")
    ),
)


def _arrays(record: Round) -> list[IntArray]:
    """All arrays of a round, in the order of ``_NAMES``."""
    first, second = record.books
    return [
        record.tariffs,
        record.traded,
        record.metered,
        record.unserved,
        record.money,
        record.accounts,
        record.actions,
        first.orders,
        first.offered,
        first.accepted,
        first.pays,
        first.reason,
        second.orders,
        second.offered,
        second.accepted,
        second.pays,
        second.reason,
    ]


@lru_cache(maxsize=4096)
def _shapes(accounts: int, first: int, second: int, actions: int) -> tuple[tuple[int, ...], ...]:
    energies = (accounts, COMMODITIES)
    return (
        (COMMODITIES, len(Tariff)),
        energies,
        energies,
        (accounts - FIXED_ACCOUNTS,),
        (len(Money), accounts),
        (accounts,),
        (actions,),
        *((first, _FIELDS), *[(first,)] * 4),
        *((second, _FIELDS), *[(second,)] * 4),
    )


def odd_ones(record: Round) -> str:
    """Names the arrays that are not int64, for a message."""
    pairs = zip(_NAMES, _arrays(record), strict=True)
    return ", ".join(f"{name} is {array.dtype}" for name, array in pairs if array.dtype != np.int64)
