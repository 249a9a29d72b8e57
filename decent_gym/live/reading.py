"""Reading what a stranger has sent: limits first, then one strict form, then nothing else.

Python's ``json`` takes NaN, 1e400 as infinity, keys twice and any depth; none of that passes here.
"""

import json
from typing import Any, Final, NoReturn

import numpy as np

from decent_gym.errors import DataError
from decent_gym.ledger.header import canonical_json
from decent_gym.ledger.note import KEY_ID_BYTES, SIGNATURE_BYTES, decode_base64
from decent_gym.live.offers_message import OffersMessage, Seal
from decent_gym.models import Commodity, Side
from decent_gym.units import JSON_INTEGER_CAP

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
    number, seal = _count(message, "number"), _seal(message)
    return OffersMessage(_count(message, "round"), number, rows, seal)


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
    if len(payload) > cap:
        raise DataError(f"the message is longer than {cap} bytes")
    try:
        return json.loads(
            payload.decode("utf-8"),
            object_pairs_hook=_without_twins,
            parse_constant=_refuse,
            parse_float=_finite if allow_floats else _refuse,
            parse_int=_long if allow_floats else _whole,
        )
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
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


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not an integer")


def _finite(text: str) -> float:
    number = float(text)
    if not np.isfinite(number):
        raise ValueError(f"{text[:20]} is not finite")
    return number


def _long(text: str) -> int:
    number = int(text) if len(text) <= 20 else 2**63
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{text[:20]} has more than 64 bits")
    return number


def _whole(text: str) -> int:
    number = int(text) if len(text) <= 20 else JSON_INTEGER_CAP + 1
    if abs(number) > JSON_INTEGER_CAP:
        raise ValueError(f"{text[:20]} is beyond 2^53 - 1")
    return number
