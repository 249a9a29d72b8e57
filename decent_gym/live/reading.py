"""Reading what a stranger has sent: limits first, then one strict form, then nothing else.

JSON is read by :mod:`decent_gym.json_text`, which says what it refuses.
"""

from typing import Any, Final

import numpy as np

from decent_gym.errors import DataError
from decent_gym.json_text import load_json
from decent_gym.ledger.header import canonical_json
from decent_gym.ledger.note import KEY_ID_BYTES, SIGNATURE_BYTES, decode_base64
from decent_gym.live.offers_message import OffersMessage, Seal
from decent_gym.models import Commodity, Side

MESSAGE_CAP: Final = 8_000
"""Longest message that is read, bytes: about 100 offers."""
OFFERS_SCHEMA: Final = "decent/offers/1"
REQUEST_SCHEMA: Final = "decent/request/1"
REQUEST_CAP: Final = 256
"""Most records that one request may ask for."""

_COMMODITIES: Final = {commodity.name.lower(): int(commodity) for commodity in Commodity}
_SIDES: Final = {side.name.lower(): int(side) for side in Side}
_MESSAGE: Final = {"schema", "round", "number", "offers"}
_SEAL: Final = {"district", "ledger", "nonce", "organization", "signature"}
_OFFER: Final = {"commodity", "side", "energy", "price"}
_OPTIONAL: Final = {"device", "id"}


def read_offers(payload: bytes) -> OffersMessage:
    """Read a message of offers.

    Raises
    ------
    DataError
        It is anything else; the message says what is wrong and where.
    """
    message = _object(_parse(payload), "the message", _MESSAGE, _SEAL)
    _check_schema(message, OFFERS_SCHEMA)
    offers = message["offers"]
    if type(offers) is not list or not offers:
        raise DataError("offers must be a list of at least one offer")
    rows = np.array([_offer(entry, f"offers[{n}]") for n, entry in enumerate(offers)], np.int64)
    number, round = _count(message, "number"), _count(message, "round")
    # last: what is written down as canonical JSON has been found to be flat
    return OffersMessage(round, number, rows, _seal(message))


def read_request(payload: bytes) -> tuple[int, int]:
    """Read a request for records: index of the first, and how many.

    Raises
    ------
    DataError
        It is anything else.
    """
    message = _object(_parse(payload), "the message", {"schema", "first", "count"})
    _check_schema(message, REQUEST_SCHEMA)
    first, count = _count(message, "first"), _count(message, "count")
    if not 1 <= count <= REQUEST_CAP:
        raise DataError(f"count must be 1 to {REQUEST_CAP}, got {count}")
    return first, count


def read_object(payload: bytes, schemas: tuple[str, ...], cap: int = MESSAGE_CAP) -> dict[str, Any]:
    """Read a message of one of the schemas, as strictly, but leave its fields to the caller.

    Here are floats, and integers of 64 bits: the market tells a balance, however large.

    Raises
    ------
    DataError
        It is no JSON object of these schemas.
    """
    message = _parse(payload, cap, allow_floats=True)
    if type(message) is not dict:
        raise DataError(f"the message must be an object, got {_shown(message)}")
    _check_schema(message, *schemas)
    return message


def _parse(payload: bytes, cap: int = MESSAGE_CAP, *, allow_floats: bool = False) -> Any:
    try:
        return load_json(payload, cap, whole=not allow_floats)
    except ValueError as error:
        raise DataError(f"no JSON as it is read here: {str(error)[:120]}") from None


def _seal(message: dict[str, Any]) -> Seal | None:
    if not _SEAL & message.keys():
        return None
    _object(message, "a signed message", _MESSAGE | _SEAL)
    for name in ("district", "ledger", "organization", "signature"):
        if type(message[name]) is not str:
            raise DataError(f"{name} must be a text, got {_shown(message[name])}")
    signature = decode_base64(message["signature"], "signature")
    if len(signature) != KEY_ID_BYTES + SIGNATURE_BYTES:
        raise DataError(
            f"signature must be {KEY_ID_BYTES} bytes that name the key and {SIGNATURE_BYTES} of "
            f"signature, got {len(signature)}"
        )
    nonce = _count(message, "nonce")
    return Seal(
        message["organization"],
        message["district"],
        message["ledger"],
        nonce,
        key_id=signature[:KEY_ID_BYTES],
        signature=signature[KEY_ID_BYTES:],
        payload=canonical_json({k: v for k, v in message.items() if k != "signature"}),
    )


def _offer(entry: object, place: str) -> tuple[int, ...]:
    offer = _object(entry, place, _OFFER, _OPTIONAL)
    for name in ("energy", "price", *(_OPTIONAL & offer.keys())):
        if type(offer[name]) is not int:
            raise DataError(f"{place}: {name} must be an integer, got {_shown(offer[name])}")
    if offer.get("id", 0) < 0:
        raise DataError(f"{place}: id must be 0 or more, got {offer['id']}")
    return (
        _choice(offer, "commodity", _COMMODITIES, place),
        _choice(offer, "side", _SIDES, place),
        offer["energy"],
        offer["price"],
        offer.get("device", -1),
        offer.get("id", -1),
    )


def _object(
    value: object,
    place: str,
    needed: set[str],
    optional: set[str] = frozenset(),  # type: ignore[assignment]
) -> dict[str, Any]:
    if type(value) is not dict:
        raise DataError(f"{place} must be an object, got {_shown(value)}")
    missing, extra = needed - value.keys(), value.keys() - needed - optional
    if missing or extra:
        fault = (
            f"lacks {min(missing)!r}" if missing else f"has the unknown field {min(extra)[:40]!r}"
        )
        raise DataError(f"{place} {fault}; its fields are {', '.join(sorted(needed | optional))}")
    return value


def _choice(offer: dict[str, Any], name: str, allowed: dict[str, int], place: str) -> int:
    value = offer[name]
    if type(value) is not str or value not in allowed:
        raise DataError(f"{place}: {name} must be {' or '.join(allowed)}, got {_shown(value)}")
    return allowed[value]


def _count(message: dict[str, Any], name: str) -> int:
    value = message[name]
    if type(value) is not int or value < 0:
        raise DataError(f"{name} must be an integer, 0 or more, got {_shown(value)}")
    return value


def _check_schema(message: dict[str, Any], *schemas: str) -> None:
    if message.get("schema") not in schemas:
        wanted = " or ".join(map(repr, schemas))
        raise DataError(f"schema must be {wanted}, got {_shown(message.get('schema'))}")


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return f"a {type(value).__name__}"
    return repr(value)[:60]
