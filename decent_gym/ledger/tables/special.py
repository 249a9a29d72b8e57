"""The tables of what only some markets have: wishes with their certificates, and signed messages.

A row of ``wishes`` is an offer of a book in which anybody sells or wishes for anything special,
in the order of the book; ``round``, ``commodity`` and ``sequence`` say which one.  A row of
``signed`` is a message as it was signed, in order of arrival.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import DataError, LedgerError
from decent_gym.ledger.header import LedgerHeader
from decent_gym.ledger.tables.columns import Columns, Kind, objects
from decent_gym.models import (
    NO_ORIGIN,
    NO_WISHES,
    TYPE_NAMES,
    Commodity,
    Round,
    SignedOffers,
)
from decent_gym.units import IntArray

ANYBODY: Final = "(anybody)"
_WISH_COLUMNS: Final = ("attributes", "premium_permille", "partner")
_CERTIFICATES: Final = tuple(f"{name}_wh" for name in TYPE_NAMES)

Values = dict[str, npt.NDArray[Any]]


def wish_kinds(header: LedgerHeader) -> dict[str, Kind]:
    """Column of ``wishes`` -> its kind."""
    kinds: dict[str, Kind] = {"round": False, "commodity": tuple(c.name for c in Commodity)}
    kinds |= {"sequence": False, "attributes": TYPE_NAMES, "premium_permille": False}
    kinds["partner"] = (ANYBODY, *header.names)
    return kinds | dict.fromkeys(_CERTIFICATES, False)


def signed_kinds(header: LedgerHeader) -> dict[str, Kind]:
    """Column of ``signed`` -> its kind."""
    return {"round": False, "owner": header.names, "signature": bytes, "message": str}


def wish_values(rounds: Sequence[Round]) -> Values:
    """The columns of ``wishes``."""
    books = [(r.number, c, b) for r in rounds for c, b in enumerate(r.books) if len(b.wishes)]
    counts = [len(book.wishes) for _, _, book in books]
    wishes = np.concatenate([NO_WISHES, *(book.wishes for _, _, book in books)])
    origin = np.concatenate([NO_ORIGIN, *(book.origin for _, _, book in books)])
    sequences = [book.column("sequence") for _, _, book in books]
    values: Values = {
        "round": np.repeat(np.array([n for n, _, _ in books], np.int64), counts),
        "commodity": np.repeat(np.array([c for _, c, _ in books], np.int64), counts),
        "sequence": np.concatenate([np.zeros(0, np.int64), *sequences]),
    }
    values |= dict(zip(_WISH_COLUMNS, wishes.T, strict=True))
    values["partner"] = values["partner"] + 1  # nobody is the first name
    return values | dict(zip(_CERTIFICATES, origin.T, strict=True))


def signed_values(rounds: Sequence[Round]) -> Values:
    """The columns of ``signed``.

    Raises
    ------
    LedgerError
        A message is no text.
    """
    found = [(record.number, message) for record in rounds for message in record.signed]
    for number, message in found:
        try:
            message.payload.decode("utf-8")
        except UnicodeDecodeError as error:
            raise LedgerError(
                f"round {number}: a signed message is no text ({error}); 'decent-gym verify' says "
                "what is wrong"
            ) from None
    return {
        "round": np.array([number for number, _ in found], np.int64),
        "owner": np.array([message.owner for _, message in found], np.int64),
        "signature": objects([message.signature for _, message in found]),
        "message": objects([message.payload for _, message in found]),
    }


def wishes_of(rows: Columns, commodity: Commodity, sequence: IntArray) -> tuple[IntArray, IntArray]:
    """Wishes and certificates of one book of one round, whose orders have these sequences.

    Raises
    ------
    DataError
        The rows are not those of its orders.
    """
    which = rows["commodity"].values
    if (np.diff(which) < 0).any():
        raise DataError("wishes: those of one commodity must follow each other, in their order")
    own = which == commodity
    if not own.any():
        return NO_WISHES, NO_ORIGIN
    if not np.array_equal(rows["sequence"].values[own], sequence):
        raise DataError("wishes: there must be a row for each of the book's offers, in their order")
    values = {name: rows[name].values[own] for name in (*_WISH_COLUMNS, *_CERTIFICATES)}
    values["partner"] = values["partner"] - 1
    wishes = np.stack([values[name] for name in _WISH_COLUMNS], axis=1)
    return wishes, np.stack([values[name] for name in _CERTIFICATES], axis=1)


def signed_of(rows: Columns) -> tuple[SignedOffers, ...]:
    """The signed messages of one round."""
    columns = (rows[name].values.tolist() for name in ("owner", "signature", "message"))
    return tuple(SignedOffers(*values) for values in zip(*columns, strict=True))
