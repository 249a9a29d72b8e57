"""Signed messages in a round's record: who signed, the signature, and every byte that was signed.

::

    account u16 | length u16 | signature, 64 bytes | payload          repeated, little-endian

The payload is kept as it was signed, so that nobody has to rebuild it, and so that what the market
refused of a message stands there, too.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Final

from decent_gym.errors import InputError, LedgerError
from decent_gym.ledger.note import SIGNATURE_BYTES
from decent_gym.models import SIGNED_CAP, SignedOffers

SIGNED: Final = 13
"""Tag of the section; it is there only if a message was signed."""
OFFERS_DOMAIN: Final = b"decent/offers/1\n"
"""What is signed before the payload, so that no other text passes for offers."""
SIGNED_BYTES_CAP: Final = 2**23
"""Most bytes of a round's signed messages that a market takes: half a record."""
_HEAD: Final = struct.Struct("<HH")
OVERHEAD: Final = _HEAD.size + SIGNATURE_BYTES
"""Bytes of a message in a record beside its payload."""


def encode_signed(messages: Sequence[SignedOffers]) -> bytes:
    """The section with its tag and length.

    Raises
    ------
    InputError
        For an account, signature or payload that cannot be written; names the message.
    """
    parts = []
    for at, message in enumerate(messages):
        fits = 0 <= message.owner < 2**16 and 0 < len(message.payload) <= SIGNED_CAP
        if not fits or len(message.signature) != SIGNATURE_BYTES:
            raise InputError(
                f"signed message {at}: account {message.owner}, {len(message.signature)} bytes of "
                f"signature and {len(message.payload)} of payload; they must be below 2^16, "
                f"{SIGNATURE_BYTES}, and 1 to {SIGNED_CAP}"
            )
        parts += [_HEAD.pack(message.owner, len(message.payload)), message.signature]
        parts.append(message.payload)
    body = b"".join(parts)
    return struct.pack("<HI", SIGNED, len(body)) + body


def decode_signed(section: bytes | memoryview) -> tuple[SignedOffers, ...]:
    """Read the section's payload; no signature is checked.

    Raises
    ------
    LedgerError
        Saying what is wrong with the bytes.
    """
    return tuple(_messages(bytes(section)))


def _messages(data: bytes) -> Iterator[SignedOffers]:
    at = 0
    while at < len(data):
        if at + OVERHEAD > len(data):
            raise LedgerError(f"{len(data) - at} bytes follow the last signed message")
        owner, length = _HEAD.unpack_from(data, at)
        signature = data[at + _HEAD.size : at + OVERHEAD]
        payload = data[at + OVERHEAD : at + OVERHEAD + length]
        if len(payload) != length or not 0 < length <= SIGNED_CAP:
            raise LedgerError(f"a signed message says {length} bytes, {len(payload)} are left")
        yield SignedOffers(owner, signature, payload)
        at += OVERHEAD + length
