"""What is published of a round, where, and how a receiver makes sure that it misses none.

A payload is a summary; the whole record, every offer included, is in the ledger.
"""

import re
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, Final

import numpy as np

from decent_gym.errors import DataError, InputError
from decent_gym.ledger.header import canonical_json, parse_json
from decent_gym.models import (
    TYPE_NAMES,
    ClearedBook,
    Commodity,
    Converted,
    Organization,
    Round,
    Tariff,
)
from decent_gym.units import IntArray

ROUND_SCHEMA: Final = "decent/round/1"
STATUS_SCHEMA: Final = "decent/status/1"
_REMEMBERED: Final = 10_000
"""Rounds whose hashes a receiver remembers, to know at once a past that was changed."""
PAYLOAD_CAP: Final = 8_000
"""Longest payload that is read, bytes; what is written stays below 2,000."""


class Status(Enum):
    """What the retained status says of the publisher."""

    ONLINE = "online"
    OFFLINE = "offline"
    """It has left, and published all it had."""
    LOST = "lost"
    """It was cut off: the broker says so in its stead."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of one district.

    Parameters
    ----------
    district : str
        1 to 64 letters, digits, ``_`` or ``-``, so that a name can never be a path or a wildcard.

    Raises
    ------
    InputError
        For any other name.
    """

    district: str

    def __post_init__(self) -> None:
        try:
            Organization("member", district=self.district)  # one rule for names, written there
        except InputError:
            raise InputError(
                f"district must be 1 to 64 letters, digits, '_' or '-', got {self.district!r}"
            ) from None

    @property
    def root(self) -> str:
        """What all of them begin with."""
        return f"decent/v1/{self.district}"

    def round(self, number: int) -> str:
        """Where round `number` is published."""
        return f"{self.root}/rounds/{number}"

    @property
    def last(self) -> str:
        """Where the last round is published, retained."""
        return f"{self.root}/rounds/last"

    @property
    def status(self) -> str:
        """Where the publisher's status stands, retained."""
        return f"{self.root}/status"

    def client(self, *secrets: str | None) -> str:
        """The publisher's client identifier: one at a time, in the 23 characters all brokers take.

        The broker ends the connection of a crashed publisher when the next one comes, so that the
        will of the dead one cannot overtake the status of the living.  Whoever knows the identifier
        can do the same, whatever its rights: so it follows from what the publisher alone knows.

        Parameters
        ----------
        secrets : str or None
            User and password.
        """
        known = "\0".join((self.district, *(text or "" for text in secrets)))
        return f"decent{sha256(known.encode()).hexdigest()[:16]}"


def status_payload(district: str, status: Status) -> bytes:
    """Canonical JSON, as docs/schemas/status.schema.json describes it."""
    return canonical_json({"district": district, "schema": STATUS_SCHEMA, "status": status.value})


def round_payload(
    record: Round, district: str, *, ledger: bytes, index: int, previous: bytes, own: bytes
) -> bytes:
    """Canonical JSON, as docs/schemas/round.schema.json describes it.

    Parameters
    ----------
    record : Round
    district : str
    ledger, previous, own : bytes (32,)
        Hashes of the ledger's header, of the record before and of this one.
    index : int
        Of the record in its ledger, 1 for the first round.

    Returns
    -------
    bytes
        Integers only: Wh and micro-euro per kWh.
    """
    return canonical_json(
        {
            "district": district,
            "hash": own.hex(),
            "ledger": ledger.hex(),
            "previous": previous.hex(),
            "record": index,
            "round": record.number,
            "schema": ROUND_SCHEMA,
            "time": f"{record.time:%Y-%m-%dT%H:%M:%SZ}",
            **{
                commodity.name.lower(): _book(record.books[commodity], record.tariffs[commodity])
                for commodity in Commodity
            },
            **_conversions(record.conversions),
        }
    )


def _conversions(given: Converted) -> dict[str, Any]:
    """Nothing where nobody offered to convert: then the payload is as without coupled clearing."""
    if not len(given.activity):
        return {}
    electricity, heat = given.delivered.sum(axis=0).tolist()
    return {
        "conversions": {
            "electricity": electricity,
            "heat": heat,
            "offers": len(given.activity),
            "running": int(np.count_nonzero(given.activity)),
        }
    }


def _book(book: ClearedBook, tariffs: IntArray) -> dict[str, Any]:
    return {
        "accepted": int(np.count_nonzero(book.accepted)),
        "case": book.case.name,
        "offers": len(book.offered),
        "price": book.price,
        "price_high": book.price_high,
        "price_low": book.price_low,
        "tariffs": {tariff.name.lower(): int(tariffs[tariff]) for tariff in Tariff},
        "volume": book.volume,
        **_types(book),
    }


def _types(book: ClearedBook) -> dict[str, Any]:
    """Nothing where nobody sells or wishes for anything special."""
    if not len(book.wishes):
        return {}
    figures = zip(TYPE_NAMES, book.type_prices, book.bought_by_type, strict=True)
    return {"types": {name: {"price": price, "volume": wh} for name, price, wh in figures}}


class Arrival(Enum):
    """What a payload is to those who have heard the ones before it."""

    NEW = "new"
    """The next one."""
    DUPLICATE = "duplicate"
    """Heard already: drop it."""
    GAP = "gap"
    """Something before it is missing: fetch it from the ledger, then feed this one again."""


class RoundFeed:
    """Sorts what arrives by MQTT, which may come twice or not at all, into an unbroken chain.

    Parameters
    ----------
    from_start : bool
        Wait for the ledger's first round; else begin with whatever comes first.

    Attributes
    ----------
    ledger, head : str or None
        Hashes of the ledger's header and of the last new record, in hexadecimal.
    record, round : int or None
        Index of the last new record in its ledger, and the number of its round.
    missing_from : int or None
        After a gap: index of the first record to fetch, from the ledger that the payload names.
    """

    def __init__(self, from_start: bool = True) -> None:
        self.ledger: str | None = None
        self.head: str | None = None
        self.record: int | None = None
        self.round: int | None = None
        self.missing_from: int | None = None
        self._anywhere = not from_start
        self._hashes: dict[int, str] = {}

    def feed(self, payload: bytes) -> Arrival:
        """Say what `payload` is.

        The first round of another ledger is new, too: with it another episode begins.

        Raises
        ------
        DataError
            It is no round's payload, or does not link to what was heard before: somebody has
            changed the past.  Nothing has changed here.
        """
        message = _read(payload)
        index = message["record"]
        is_followed = message["ledger"] == self.ledger
        heard = self.record if is_followed and self.record is not None else 0
        if index <= heard:
            if index in self._hashes:
                _check_link(message, "hash", self._hashes[index])
            return Arrival.DUPLICATE
        if index > heard + 1 and not self._anywhere:
            self.missing_from = heard + 1
            return Arrival.GAP
        if not self._anywhere:
            _check_link(message, "previous", self.head if is_followed else message["ledger"])
        if not is_followed:
            self._hashes.clear()
        self.ledger, self.head = message["ledger"], message["hash"]
        self._hashes[index] = message["hash"]
        self._hashes.pop(index - _REMEMBERED, None)
        self.record, self.round = index, message["round"]
        self.missing_from, self._anywhere = None, False
        return Arrival.NEW


def _check_link(message: dict[str, Any], field: str, expected: str | None) -> None:
    if message[field] != expected:
        raise DataError(
            f"round {message['round']} (record {message['record']}): {field} is "
            f"{message[field]}, expected {expected}; verify the ledger"
        )


def _read(payload: bytes) -> dict[str, Any]:
    if len(payload) > PAYLOAD_CAP:
        raise DataError(f"payload of {len(payload)} bytes is longer than {PAYLOAD_CAP}")
    try:
        message = parse_json(bytes(payload))
    except InputError as error:
        raise DataError(f"payload: {error}") from None
    if not isinstance(message, dict) or message.get("schema") != ROUND_SCHEMA:
        raise DataError(f"payload is not a {ROUND_SCHEMA}: {payload[:80]!r}")
    for field, kind in _NEEDED.items():
        if type(message.get(field)) is not kind:
            raise DataError(f"payload: {field} is {message.get(field)!r}, not of {kind}")
    for commodity in Commodity:
        _check_book(commodity.name.lower(), message[commodity.name.lower()])
    if message["record"] < 1:
        raise DataError(f"payload: record is {message['record']}, the first round's is 1")
    if message["round"] < 0:
        raise DataError(f"payload: round is {message['round']}, the first one is 0")
    for field in _HASHES:
        if not _HASH.fullmatch(message[field]):
            raise DataError(f"payload: {field} is {message[field][:80]!r}, not 64 hex digits")
    unknown = sorted(message.keys() - _FIELDS)
    if unknown:
        raise DataError(
            f"payload: a {ROUND_SCHEMA} has no field {unknown[0][:80]!r}; another version has "
            "another schema"
        )
    return message


def _check_book(name: str, book: dict[str, Any]) -> None:
    for field, kinds in _BOOK.items():
        if field not in book or type(book[field]) not in kinds:
            raise DataError(f"payload: {name}: {field} is {book.get(field)!r:.80}, which cannot be")


_HASH: Final = re.compile(r"[0-9a-f]{64}")
_HASHES: Final = ("ledger", "previous", "hash")
_FIELDS: Final = {
    *("conversions", "district", "electricity", "hash", "heat", "ledger", "previous", "record"),
    *("round", "schema", "time"),
}
_NEEDED: Final = {
    "ledger": str, "previous": str, "hash": str, "record": int, "round": int, "time": str,
    "district": str, "electricity": dict, "heat": dict,
}  # fmt: skip
_PRICE: Final = (int, type(None))
_BOOK: Final = {
    "accepted": (int,), "case": (str,), "offers": (int,), "price": _PRICE, "price_high": _PRICE,
    "price_low": _PRICE, "tariffs": (dict,), "volume": (int,),
}  # fmt: skip
