"""Signed notes: a text and the signatures below it, and the public keys that check them.

::

    text, ending in a newline
                                               an empty line
    — name base64(key id, 4 bytes | signature)     one or more

Only the one form of a note is read: no other line ends, no loose base64, nothing before or after.

Source: C2SP signed-note v1.0.0 (notes, key ids, the text form of verifier keys); C2SP
tlog-cosignature (keys of kind 4).
"""

import base64
import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from decent_gym.errors import DataError
from decent_gym.ledger.weak_keys import is_weak

NAME_CAP: Final = 255
NOTE_CAP: Final = 100_000
"""Longest note that is read, bytes: sixteen of the longest signatures in use fit."""
SIGNATURES_CAP: Final = 64
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
KEY_ID_BYTES: Final = 4
_MARK: Final = "— "


class KeyKind(IntEnum):
    """What a key signs; part of its id, so that one kind never passes for another."""

    LOG = 1
    """The text of a note: an operator's checkpoints."""
    WITNESS = 4
    """That a text was seen at a time and continues what was seen before: cosignature/v1."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and the name of its owner.

    Parameters
    ----------
    name : str
        1 to 255 printable ASCII characters without space and ``+``; by habit an address without
        scheme, such as ``district.example/rural``.
    public : bytes (32,)
        Ed25519; none with which anybody can sign, see :mod:`decent_gym.ledger.weak_keys`.
    kind : KeyKind

    Raises
    ------
    DataError
        Naming the part that is wrong.
    """

    name: str
    public: bytes
    kind: KeyKind = KeyKind.LOG

    def __post_init__(self) -> None:
        check_name(self.name, "key name")
        if len(self.public) != KEY_BYTES:
            raise DataError(f"a public key has {KEY_BYTES} bytes, got {len(self.public)}")
        if is_weak(self.public):
            raise DataError(
                f"the key of {self.name!r} is one with which anybody can sign: "
                f"{self.public.hex()}; take one that keygen made"
            )

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read ``name+id+base64(kind | public key)``, as :meth:`__str__` writes it.

        Raises
        ------
        DataError
            It is anything else, or its id is not that of its key.
        """
        if len(text) > 2 * NAME_CAP:
            raise DataError(f"a verifier key has at most {2 * NAME_CAP} characters")
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise DataError(f"a verifier key looks like name+id+base64, got {text!r}")
        name, number, encoded = parts
        material = decode_base64(encoded, "verifier key")
        if len(material) != 1 + KEY_BYTES or material[0] not in set(KeyKind):
            raise DataError(
                f"verifier key {name!r} is no Ed25519 key of kind {[int(k) for k in KeyKind]}"
            )
        key = cls(name, material[1:], KeyKind(material[0]))
        if number != key.id.hex():
            raise DataError(f"verifier key {name!r} says id {number!r}, its key has {key.id.hex()}")
        return key

    @property
    def id(self) -> bytes:
        """Four bytes by which a signature names its key."""
        return key_id(self.name, bytes([self.kind]) + self.public)

    def __str__(self) -> str:
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{material}"


def key_id(name: str, material: bytes) -> bytes:
    """The id of a key: `material` is its kind in one byte and the public key."""
    return hashlib.sha256(name.encode() + b"\n" + material).digest()[:KEY_ID_BYTES]


def check_name(name: str, what: str) -> None:
    """Refuse a name that cannot stand in a note.

    Raises
    ------
    DataError
        It is empty, too long, or holds a space, a ``+`` or something beyond printable ASCII.
    """
    plain = name.isascii() and name.isprintable() and " " not in name and "+" not in name
    if not plain or not 0 < len(name) <= NAME_CAP:
        raise DataError(
            f"{what} must be 1 to {NAME_CAP} printable ASCII characters without space and '+', "
            f"got {name[:NAME_CAP]!r}"
        )


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note: who signed, with which key, and the signature's bytes."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """As it stands in a note, with its newline."""
        return f"{_MARK}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"

    @classmethod
    def parse(cls, line: str) -> "Signature":
        """Read a line without its newline.

        Raises
        ------
        DataError
            It is no signature line.
        """
        mark, *words = line.split(" ")
        if mark != _MARK.strip() or len(words) != 2:
            raise DataError(f"a signature line is '{_MARK}name base64', got {line[:80]!r}")
        check_name(words[0], "the name in a signature line")
        value = decode_base64(words[1], "signature")
        if len(value) <= KEY_ID_BYTES:
            raise DataError(f"a signature has more than {KEY_ID_BYTES} bytes, got {len(value)}")
        return cls(words[0], value[:KEY_ID_BYTES], value[KEY_ID_BYTES:])


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures below it; none have been checked.

    Attributes
    ----------
    text : str
        With its final newline; this is what is signed.
    signatures : tuple of Signature
        Empty for a note that nobody has signed yet.
    """

    text: str
    signatures: tuple[Signature, ...] = ()

    def to_bytes(self) -> bytes:
        """The note, UTF-8."""
        return (f"{self.text}\n" + "".join(one.line for one in self.signatures)).encode()

    @classmethod
    def parse(cls, data: bytes) -> "Note":
        """Read what :meth:`to_bytes` writes, and nothing else.

        Raises
        ------
        DataError
            Saying what is wrong.
        """
        if len(data) > NOTE_CAP:
            raise DataError(f"a note of {len(data)} bytes is longer than {NOTE_CAP}")
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise DataError(f"a note must be UTF-8: {error}") from None
        if any(character < " " and character != "\n" for character in whole):
            raise DataError("a note holds no control characters but newlines")
        text, empty, below = whole.rpartition("\n\n")
        if not empty or not text:
            raise DataError("a note is a text, an empty line and signature lines; none was found")
        lines = below.split("\n")
        if lines.pop():
            raise DataError("the last line of a note must end with a newline")
        if len(lines) > SIGNATURES_CAP:
            raise DataError(f"a note of {len(lines)} signatures has more than {SIGNATURES_CAP}")
        return cls(text + "\n", tuple(Signature.parse(line) for line in lines))


def decode_base64(text: str, what: str) -> bytes:
    """Read standard base64 with padding, in its one form.

    Raises
    ------
    DataError
        Another alphabet, white space, missing padding, or bits left over.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        data = None
    if data is None or base64.b64encode(data).decode() != text:
        raise DataError(f"{what} is not strict base64: {text[:80]!r}")
    return data
