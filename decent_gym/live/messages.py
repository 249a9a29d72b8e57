"""What a live market writes: openings, receipts and settlements, and what is written to it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.ledger.header import canonical_json
from decent_gym.live.reading import OFFERS_SCHEMA, REQUEST_SCHEMA
from decent_gym.models import ORDER_FIELDS, Commodity, Money, Reason, Round, Side

OPENING_SCHEMA: Final = "decent/opening/1"
RECEIPT_SCHEMA: Final = "decent/receipt/1"
SETTLEMENT_SCHEMA: Final = "decent/settlement/1"
SETTLED_CAP: Final = 60
"""Offers in one settlement; more come in further parts, so that each stays below 8,000 bytes."""
OFFERS_CAP: Final = 80
"""Offers that are written into one message; it may have devices, ids and the longest numbers."""

_OWNER: Final = ORDER_FIELDS.index("owner")
_SEQUENCE: Final = ORDER_FIELDS.index("sequence")
_COMMODITIES: Final = [commodity.name.lower() for commodity in Commodity]


def opening_payload(
    district: str,
    organization: str,
    *,
    ledger: str,
    number: int,
    closes_in: int,
    view: Mapping[str, Any],
    observation: npt.NDArray[np.float32],
) -> bytes:
    """JSON as docs/schemas/opening.schema.json describes it; the only message with floats."""
    message = {
        "closes_in": closes_in,
        "district": district,
        "ledger": ledger,
        # a float32 is written as the float64 it equals, so that nothing is lost on the way
        "observation": [float(value) for value in observation],
        "organization": organization,
        "round": number,
        "schema": OPENING_SCHEMA,
        "view": dict(view),
    }
    return json.dumps(message, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def receipt_payload(
    district: str,
    organization: str,
    *,
    ledger: str,
    round: int | None,
    number: int | None,
    sequences: Sequence[int | None] = (),
    refused: Sequence[Mapping[str, Any]] = (),
    reason: str | None = None,
    text: str | None = None,
) -> bytes:
    """Canonical JSON, as docs/schemas/receipt.schema.json describes it.

    Parameters
    ----------
    round, number : int or None
        Of the message that is answered; None where it could not be read.
    sequences : one per offer of the message
        The number under which it stands in the book; None: it was refused.
    refused : ``offer`` (place in the message), ``reason``, ``text`` each
    reason, text : str or None
        Why the message as a whole was refused.
    """
    return canonical_json(
        {
            "district": district,
            "ledger": ledger,
            "number": number,
            "organization": organization,
            "reason": reason,
            "refused": [dict(entry) for entry in refused],
            "round": round,
            "schema": RECEIPT_SCHEMA,
            "sequences": list(sequences),
            "text": text,
        }
    )


def settlement_payloads(
    record: Round, district: str, organization: str, owner: int, *, ledger: str, own: str
) -> Iterator[bytes]:
    """What a closed round means to one organization, in one or more parts.

    JSON as docs/schemas/settlement.schema.json describes it; everything in it stands in
    the ledger's record with the hash `own`.
    """
    offers: list[dict[str, Any]] = []
    for commodity, book in zip(_COMMODITIES, record.books, strict=True):
        for i in np.flatnonzero(book.orders[:, _OWNER] == owner):
            offers.append(
                {
                    "accepted": int(book.accepted[i]),
                    "commodity": commodity,
                    "pays": int(book.pays[i]),
                    "reason": Reason(int(book.reason[i])).name.lower(),
                    "sequence": int(book.orders[i, _SEQUENCE]),
                }
            )
    parts = max(-(-len(offers) // SETTLED_CAP), 1)
    whole = {
        "balance": int(record.accounts[owner]),
        "district": district,
        "hash": own,
        "ledger": ledger,
        "metered": _by_commodity(record.metered[owner]),
        "money": {kind.name.lower(): int(record.money[kind, owner]) for kind in Money},
        "organization": organization,
        "parts": parts,
        "round": record.number,
        "schema": SETTLEMENT_SCHEMA,
        "traded": _by_commodity(record.traded[owner]),
    }
    for part in range(parts):
        some = offers[part * SETTLED_CAP : (part + 1) * SETTLED_CAP]
        # not canonical_json: a balance may pass 2^53, and must be told all the same
        message = {**whole, "offers": some, "part": part}
        yield json.dumps(message, sort_keys=True, separators=(",", ":")).encode()


def offers_payloads(
    round: int,
    offers: Sequence[Mapping[str, Any]],
    sign: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> list[bytes]:
    """Messages that offer all of `offers` in a round, numbered from 0.

    Parameters
    ----------
    offers : ``commodity``, ``side``, ``energy`` (Wh), ``price`` (micro-euro/kWh), perhaps
        ``device`` and ``id`` each
    sign : callable, optional
        Adds what a signature needs, and the signature: :meth:`Signer.sign`.
    """
    return [
        canonical_json(
            sign(
                {
                    "number": number,
                    "offers": [dict(offer) for offer in offers[begin : begin + OFFERS_CAP]],
                    "round": round,
                    "schema": OFFERS_SCHEMA,
                }
            )
        )
        for number, begin in enumerate(range(0, len(offers), OFFERS_CAP))
    ]


def offer_entry(commodity: int, side: int, energy: int, price: int) -> dict[str, Any]:
    """One offer, as it stands in a message."""
    return {
        "commodity": _COMMODITIES[commodity],
        "energy": int(energy),
        "price": int(price),
        "side": Side(side).name.lower(),
    }


def request_payload(first: int, count: int) -> bytes:
    """A request for `count` records of the ledger from index `first` on."""
    return canonical_json({"count": count, "first": first, "schema": REQUEST_SCHEMA})


def _by_commodity(row: npt.NDArray[np.int64]) -> dict[str, int]:
    return dict(zip(_COMMODITIES, map(int, row), strict=True))
