"""How a ledger is hashed: the one thing that its writer and its verifier must agree upon.

Every hash is SHA-256 and begins with a text that says what is hashed, so that no bytes of one
kind can ever pass for bytes of another (a checkpoint, a Merkle leaf and a record may share bytes).

Source: NIST FIPS 180-4 (SHA-256); the idea of separated domains as in RFC 6962, section 2.1.
"""

import hashlib
from typing import Final

HASH_BYTES: Final = 32

_RECORD: Final = hashlib.sha256(b"decent-gym/ledger/record/v1\x00")

GENESIS: Final = hashlib.sha256(b"decent-gym/ledger/genesis/v1\x00").digest()
"""What stands in the first record as the hash of the one before."""


def link(previous: bytes, body: bytes | memoryview) -> bytes:
    """Hash a record's body together with the hash of the record before it.

    Parameters
    ----------
    previous : bytes (32,)
        :data:`GENESIS` for the first record.
    body : bytes
        The record from its magic to the end of its last section.

    Returns
    -------
    bytes (32,)
    """
    digest = _RECORD.copy()
    digest.update(previous)
    digest.update(body)
    return digest.digest()
