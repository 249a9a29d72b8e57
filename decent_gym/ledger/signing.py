"""Ed25519 keys: made, kept in files that only their owner can read, used to sign.

Needs the extra ``trust``; everything else in the ledger works without it.

Source: RFC 8032; the text form of private keys is that of golang.org/x/mod/sumdb/note.
"""

import base64
import os
import secrets
from pathlib import Path
from types import ModuleType
from typing import Final

from decent_gym.errors import DataError, InputError, MissingExtraError, shown
from decent_gym.files import open_regular
from decent_gym.ledger.note import (
    KEY_BYTES,
    NAME_CAP,
    KeyKind,
    VerifierKey,
    check_name,
    decode_base64,
)
from decent_gym.ledger.weak_keys import is_weak

PUBLIC_SUFFIX: Final = ".pub"
_PRIVATE: Final = "PRIVATE+KEY+"
_FILE_CAP: Final = 3 * NAME_CAP


def load_ed25519(purpose: str = "signing") -> ModuleType:
    """The module that signs and verifies.

    Raises
    ------
    MissingExtraError
        ``cryptography`` is not installed.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise MissingExtraError("cryptography", "trust", purpose) from None
    return ed25519


def is_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` is that of the key `public` over `message`; a weak key has none.

    Raises
    ------
    MissingExtraError
        ``cryptography`` is not installed.
    """
    ed25519 = load_ed25519("checking signatures")
    if is_weak(public):
        return False
    from cryptography.exceptions import InvalidSignature

    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):  # ValueError: no point of the curve
        return False
    return True


class SigningKey:
    """A private key with its owner's name.

    Parameters
    ----------
    name : str
        As in :class:`VerifierKey`.
    seed : bytes (32,)
        The secret; never shown.
    kind : KeyKind
        ``LOG`` for an operator, ``WITNESS`` for a witness.

    Attributes
    ----------
    verifier : VerifierKey
        The public half.

    Raises
    ------
    InputError
        The name cannot stand in a note.
    MissingExtraError
        ``cryptography`` is not installed.
    """

    def __init__(self, name: str, seed: bytes, kind: KeyKind = KeyKind.LOG) -> None:
        try:
            check_name(name, "--name of a key")
        except DataError as error:
            raise InputError(str(error)) from None
        self._seed = seed
        self._private = load_ed25519().Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._private.public_key().public_bytes_raw(), kind)

    @classmethod
    def generate(cls, name: str, kind: KeyKind = KeyKind.LOG) -> "SigningKey":
        """A new key from the system's random numbers."""
        return cls(name, secrets.token_bytes(KEY_BYTES), kind)

    @property
    def name(self) -> str:
        """Its owner's name."""
        return self.verifier.name

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of a signature."""
        signature: bytes = self._private.sign(message)
        return signature

    def write(self, path: str | Path) -> Path:
        """Write the private key to `path`, mode 0600, and the public one to ``path.pub``.

        Returns
        -------
        Path
            Of the public key.

        Raises
        ------
        InputError
            One of the two files exists: a key is never overwritten.
        """
        private = Path(path)
        public = private.with_name(private.name + PUBLIC_SUFFIX)
        for file in (private, public):
            if file.exists() or file.is_symlink():
                raise InputError(f"{file} exists; a key is never overwritten, choose another name")
        _create(private, f"{self._text()}\n", 0o600)
        _create(public, f"{self.verifier}\n", 0o644)
        return public

    @classmethod
    def read(cls, path: str | Path) -> "SigningKey":
        """Read a private key that :meth:`write` wrote.

        Raises
        ------
        InputError
            There is no such file, or it holds no private key; the message never shows its content.
        MissingExtraError
            ``cryptography`` is not installed.
        """
        file = Path(path)
        try:
            with open_regular(file) as opened:
                data = opened.read(_FILE_CAP + 1)
        except OSError as error:
            raise InputError(f"cannot read the key {file}: {error.strerror or error}") from None
        try:
            return cls._parsed(data.decode("ascii").rstrip("\n"))
        except (DataError, ValueError):
            raise InputError(
                f"{file} holds no private key; give the file that decent-gym keygen wrote, not the "
                f"one that ends in {PUBLIC_SUFFIX}"
            ) from None

    @classmethod
    def _parsed(cls, text: str) -> "SigningKey":
        if not text.startswith(_PRIVATE):
            raise DataError("not a private key")
        name, number, encoded = text.removeprefix(_PRIVATE).split("+", 2)
        material = decode_base64(encoded, "private key")
        if len(material) != 1 + KEY_BYTES:
            raise DataError("a private key of another length")
        key = cls(name, material[1:], KeyKind(material[0]))
        if number != key.verifier.id.hex():
            raise DataError("the id is not that of the key")
        return key

    def _text(self) -> str:
        material = base64.b64encode(bytes([self.verifier.kind]) + self._seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{material}"

    def __repr__(self) -> str:
        return f"<SigningKey {self.verifier}>"


def read_verifier(text: str) -> VerifierKey:
    """A verifier key from its text, or from a file that holds it.

    Raises
    ------
    InputError
        It is neither.
    """
    found = text
    if "+" not in text or os.path.isfile(text):  # Path's own raises for a name of 256 letters
        try:
            with open_regular(text) as file:
                found = file.read(_FILE_CAP).decode("ascii")
        except (OSError, ValueError):
            raise InputError(
                f"{shown(text)} is neither a verifier key (name+id+base64) nor a file that "
                "holds one"
            ) from None
    if found.startswith(_PRIVATE):
        raise InputError(f"{text} is a private key; give the public one, {text}{PUBLIC_SUFFIX}")
    try:
        return VerifierKey.parse(found)
    except DataError as error:
        raise InputError(f"{text[:80]}: {error}") from None


def _create(path: Path, text: str, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise InputError(f"{path} exists; a key is never overwritten") from None
    except OSError as error:
        raise InputError(f"cannot write the key {path}: {error.strerror or error}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
