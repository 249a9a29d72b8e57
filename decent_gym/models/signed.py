"""Offers that somebody has put a signature under."""

from dataclasses import dataclass
from typing import Final

SIGNED_CAP: Final = 8_000
"""Longest signed text, bytes: as long as a message of offers may be."""


@dataclass(frozen=True, slots=True)
class SignedOffers:
    """A message of offers as its sender signed it.

    Attributes
    ----------
    owner : int
        Account of the organization.
    signature : bytes (64,)
        Ed25519, over a line that says what is signed, then `payload`.
    payload : bytes
        Canonical JSON: the message without its signature.
    """

    owner: int
    signature: bytes
    payload: bytes
