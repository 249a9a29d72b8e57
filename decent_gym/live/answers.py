"""What the market answers an organization, read as strictly as what it is sent."""

from collections.abc import Mapping
from typing import Any, Final

from decent_gym.errors import DataError
from decent_gym.live.messages import RECEIPT_SCHEMA, SETTLEMENT_SCHEMA
from decent_gym.live.reading import read_object
from decent_gym.models import Commodity, Money

ANSWER_CAP: Final = 64_000
"""Longest receipt or settlement that is read, bytes."""
_TEXT: Final = (str, type(None))
_NUMBER: Final = (int, type(None))
_RECEIPT: Final = {
    "ledger": (str,), "number": _NUMBER, "reason": _TEXT, "refused": (list,), "round": _NUMBER,
    "sequences": (list,), "text": _TEXT,
}  # fmt: skip
_REFUSAL: Final = {"offer": (int,), "reason": (str,), "text": _TEXT}
_SETTLEMENT: Final = {
    "balance": (int,), "hash": (str,), "ledger": (str,), "metered": (dict,), "money": (dict,),
    "offers": (list,), "part": (int,), "parts": (int,), "round": (int,), "traded": (dict,),
}  # fmt: skip
_OFFER: Final = {
    "accepted": (int,), "commodity": (str,), "pays": (int,), "reason": (str,), "sequence": (int,),
}  # fmt: skip
_WH: Final = {commodity.name.lower(): (int,) for commodity in Commodity}
_MONEY: Final = {kind.name.lower(): (int,) for kind in Money}


def read_answer(payload: bytes) -> dict[str, Any]:
    """Read a receipt or a settlement; its ``schema`` says which.

    Raises
    ------
    DataError
        It is neither.
    """
    message = read_object(payload, (RECEIPT_SCHEMA, SETTLEMENT_SCHEMA), ANSWER_CAP)
    if message["schema"] == RECEIPT_SCHEMA:
        _check(message, _RECEIPT, "receipt")
        for entry in message["refused"]:
            _check(entry, _REFUSAL, "receipt: refused")
        if not all(type(number) in _NUMBER for number in message["sequences"]):
            raise DataError("receipt: sequences must be integers or null")
        return message
    _check(message, _SETTLEMENT, "settlement")
    for entry in message["offers"]:
        _check(entry, _OFFER, "settlement: offers")
    for name, kinds in (("metered", _WH), ("traded", _WH), ("money", _MONEY)):
        _check(message[name], kinds, f"settlement: {name}")
    return message


def _check(value: Any, kinds: Mapping[str, tuple[type, ...]], place: str) -> None:
    if type(value) is not dict:
        raise DataError(f"{place} must be an object")
    for name, allowed in kinds.items():
        if name not in value or type(value[name]) not in allowed:
            wanted = " or ".join(
                "null" if kind is type(None) else kind.__name__ for kind in allowed
            )
            raise DataError(f"{place}: {name} must be {wanted}, got {value.get(name)!r:.60}")
