"""The record with which an operator's key hands over to the next one.

The old key says which one follows it, so nobody else can take over; the new key signs as well, so
that no key can be named that its owner does not hold.  Both sign the hash of the record before, so
that the record fits at one place of one ledger.
"""

from dataclasses import dataclass
from typing import Final

from decent_gym.errors import LedgerError
from decent_gym.ledger.frames import RecordType, frame, split
from decent_gym.ledger.note import KEY_BYTES, SIGNATURE_BYTES
from decent_gym.ledger.signing import SigningKey, is_signed

_DOMAIN: Final = b"decent-gym/ledger/key/v1\x00"
_TAGS: Final = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A change of keys.

    Attributes
    ----------
    key : bytes (32,)
        The new public key.
    by_old, by_new : bytes (64,)
        Signatures of both keys.
    """

    key: bytes
    by_old: bytes
    by_new: bytes

    @classmethod
    def of(cls, head: bytes, old: SigningKey, new: SigningKey) -> "KeyRecord":
        """The record that may follow the one with the hash `head`."""
        message = _message(head, old.verifier.public, new.verifier.public)
        return cls(new.verifier.public, old.sign(message), new.sign(message))

    def fault(self, head: bytes, old: bytes) -> str | None:
        """Why this does not hand over from the key `old` after the record `head`, or None.

        Raises
        ------
        MissingExtraError
            ``cryptography`` is not installed.
        """
        message = _message(head, old, self.key)
        if not is_signed(old, self.by_old, message):
            return "the new key is not signed by the old one"
        if not is_signed(self.key, self.by_new, message):
            return "the new key is not signed by itself"
        return None


def encode_key(record: KeyRecord) -> bytes:
    """A key record's body, without the two hashes."""
    payloads = (record.key, record.by_old, record.by_new)
    return frame(RecordType.KEY, zip(_TAGS, payloads, strict=True))


def decode_key(body: bytes | memoryview) -> KeyRecord:
    """Read a key record's body; signatures are not checked.

    Raises
    ------
    LedgerError
        Saying what is wrong with the bytes.
    """
    key, by_old, by_new = map(bytes, split(body, RecordType.KEY, _TAGS))
    if len(key) != KEY_BYTES or not len(by_old) == len(by_new) == SIGNATURE_BYTES:
        raise LedgerError("a key record holds a key of 32 bytes and two signatures of 64")
    return KeyRecord(key, by_old, by_new)


def _message(head: bytes, old: bytes, new: bytes) -> bytes:
    return _DOMAIN + head + old + new
