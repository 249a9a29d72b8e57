"""How a ledger is hashed: the one thing that its writer and its verifier must agree upon.

Every hash is SHA-256 and begins with a text that says what is hashed, so that no bytes of one
kind can ever pass for bytes of another (a checkpoint, a Merkle leaf and a record may share bytes).

A Merkle tree over the records shows what a chain cannot show in short: that one record is in the
ledger, and that a longer ledger continues a shorter one.  Its leaves are the records' hashes.

Source: NIST FIPS 180-4 (SHA-256); RFC 6962, section 2.1 (the tree, and the idea of separated
domains).
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


_LEAF: Final = hashlib.sha256(b"\x00")
_NODE: Final = hashlib.sha256(b"\x01")

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""Root of the Merkle tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf of the Merkle tree; in a ledger `data` is a record's own hash."""
    digest = _LEAF.copy()
    digest.update(data)
    return digest.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node of the Merkle tree."""
    digest = _NODE.copy()
    digest.update(left)
    digest.update(right)
    return digest.digest()
