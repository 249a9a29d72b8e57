"""What a market tells a participant, read as strictly as what it is told."""

import re
from collections.abc import Callable
from typing import Any, Final

from decent_gym.errors import DataError, shown
from decent_gym.live.messages import RECEIPT_SCHEMA, SETTLEMENT_SCHEMA
from decent_gym.live.reading import read_object
from decent_gym.models import Commodity, Money

ANSWER_CAP: Final = 64_000
"""Longest receipt or settlement that is read, bytes."""
PARTS_CAP: Final = 10_000

Check = Callable[[object], bool]
_HASH: Final = re.compile("[0-9a-f]{64}")


def is_hash(value: object) -> bool:
    """Whether it is a hash in hexadecimal."""
    return type(value) is str and _HASH.fullmatch(value) is not None


def _is_integer(value: object) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _is_whole(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_text(value: object) -> bool:
    return type(value) is str


def _maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _list_of(check: Check) -> Check:
    return lambda value: type(value) is list and all(map(check, value))


def _object_of(**fields: Check) -> Check:
    def check(value: object) -> bool:
        return (
            type(value) is dict
            and value.keys() == fields.keys()
            and all(fields[name](part) for name, part in value.items())
        )

    return check


_BY_COMMODITY: Final = _object_of(**{c.name.lower(): _is_integer for c in Commodity})
_ABOUT: Final[dict[str, Check]] = {
    "district": _is_text,
    "ledger": is_hash,
    "organization": _is_text,
    "schema": _is_text,
}
_RECEIPT: Final[dict[str, Check]] = {
    **_ABOUT,
    "number": _maybe(_is_whole),
    "reason": _maybe(_is_text),
    "refused": _list_of(_object_of(offer=_is_whole, reason=_is_text, text=_maybe(_is_text))),
    "round": _maybe(_is_whole),
    "sequences": _list_of(_maybe(_is_whole)),
    "text": _maybe(_is_text),
}
_OFFER: Final = _object_of(
    accepted=_is_whole,
    commodity=_is_text,
    pays=_is_integer,
    reason=_is_text,
    sequence=_is_whole,
)
_SETTLEMENT: Final[dict[str, Check]] = {
    **_ABOUT,
    "balance": _is_integer,
    "hash": is_hash,
    "metered": _BY_COMMODITY,
    "money": _object_of(**{kind.name.lower(): _is_integer for kind in Money}),
    "offers": _list_of(_OFFER),
    "part": _is_whole,
    "parts": lambda value: _is_whole(value) and 0 < value <= PARTS_CAP,  # type: ignore[operator]
    "round": _is_whole,
    "traded": _BY_COMMODITY,
}


def read_answer(payload: bytes) -> dict[str, Any]:
    """Read a receipt or a settlement, or a part of one; its ``schema`` says which.

    Raises
    ------
    DataError
        It is not as docs/schemas/receipt.schema.json or settlement.schema.json describes it; says
        which field.
    """
    message = read_object(payload, (RECEIPT_SCHEMA, SETTLEMENT_SCHEMA), ANSWER_CAP)
    if message["schema"] == RECEIPT_SCHEMA:
        return _checked(message, "receipt", _RECEIPT)
    found = _checked(message, "settlement", _SETTLEMENT)
    if found["part"] >= found["parts"]:
        raise DataError(f"settlement: part is {found['part']} of {found['parts']}, counted from 0")
    return found


def _checked(message: dict[str, Any], what: str, fields: dict[str, Check]) -> dict[str, Any]:
    if message.keys() != fields.keys():
        wrong = min(message.keys() ^ fields.keys())
        raise DataError(f"{what}: the field {wrong[:40]!r} is missing or unknown")
    for name, is_right in fields.items():
        if not is_right(message[name]):
            raise DataError(f"{what}: {name} is {shown(message[name])}, which cannot be")
    return message
