"""A checkpoint: three lines that stand for a whole ledger, and who signed them.

::

    district.example/rural                          origin: which ledger
    673                                             how many records
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    root of the Merkle tree over them

    — district.example/rural Az3grl...              operator
    — neighbour.example/witness jWbPPw...           witnesses, if any

Source: C2SP tlog-checkpoint v1.0.0, tlog-cosignature (cosignature/v1).
"""

import base64
import re
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from decent_gym.errors import DataError, InputError
from decent_gym.files import open_regular
from decent_gym.ledger.hashing import HASH_BYTES
from decent_gym.ledger.note import (
    NOTE_CAP,
    SIGNATURE_BYTES,
    KeyKind,
    Note,
    Signature,
    VerifierKey,
    check_name,
    decode_base64,
)
from decent_gym.ledger.signing import SigningKey, is_signed

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_INT64_CAP: Final = 2**63 - 1
_TIME: Final = struct.Struct(">Q")
_FILE: Final = re.compile(r"checkpoint-([0-9]{9,19})\.txt")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a ledger was when it had so many records; signatures are carried, not yet checked.

    Attributes
    ----------
    origin : str
        Name of the ledger.
    size : int
        Records, the header among them.
    root : bytes (32,)
        Of the Merkle tree over their hashes.
    note : Note
        The text that is signed, which may hold further lines, and the signatures.
    """

    origin: str
    size: int
    root: bytes
    note: Note

    @classmethod
    def of(cls, origin: str, size: int, root: bytes) -> "Checkpoint":
        """An unsigned checkpoint."""
        text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        return cls(origin, size, root, Note(text))

    @classmethod
    def parse(cls, data: bytes) -> "Checkpoint":
        """Read a checkpoint from anybody.

        Raises
        ------
        DataError
            It is none.
        """
        note = Note.parse(data)
        origin, *rest = note.text[:-1].split("\n")
        if len(rest) < 2 or not all(rest):
            raise DataError("a checkpoint has three lines: origin, size and root")
        check_name(origin, "a checkpoint's origin")
        if not _SIZE.fullmatch(rest[0]) or int(rest[0]) > _INT64_CAP:
            raise DataError(f"a checkpoint's size must be a count of records, got {rest[0][:80]!r}")
        root = decode_base64(rest[1], "a checkpoint's root")
        if len(root) != HASH_BYTES:
            raise DataError(f"a checkpoint's root has {len(root)} bytes instead of {HASH_BYTES}")
        return cls(origin, int(rest[0]), root, note)

    @classmethod
    def read(cls, path: str | Path) -> "Checkpoint":
        """Read a checkpoint from a file.

        Raises
        ------
        InputError
            The file cannot be read.
        DataError
            It holds no checkpoint.
        """
        data = read_capped(path, NOTE_CAP, "checkpoint")
        try:
            return cls.parse(data)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None

    @property
    def text(self) -> bytes:
        """What is signed."""
        return self.note.text.encode()

    def to_bytes(self) -> bytes:
        """The checkpoint with its signatures."""
        return self.note.to_bytes()

    def says_the_same(self, other: "Checkpoint") -> bool:
        """Whether both are of one ledger, size and root, whoever signed them."""
        return (self.origin, self.size, self.root) == (other.origin, other.size, other.root)

    def signed(self, key: SigningKey, time: int | None = None) -> "Checkpoint":
        """With one more signature: of an operator, or of a witness who saw it at `time`.

        Parameters
        ----------
        key : SigningKey
        time : int, optional
            UTC seconds since 1970; for a witness's key, and only for it.
        """
        if key.verifier.kind is KeyKind.WITNESS:
            if time is None:
                raise InputError(
                    f"{key.name} is a witness's key; an operator signs with one that was made "
                    "without --witness"
                )
            value = _TIME.pack(time) + key.sign(_cosigned(time, self.text))
        else:
            value = key.sign(self.text)
        return self.carrying(Signature(key.name, key.verifier.id, value))

    def carrying(self, *signatures: Signature) -> "Checkpoint":
        """With further signatures that somebody has made."""
        note = replace(self.note, signatures=(*self.note.signatures, *signatures))
        return replace(self, note=note)

    def check(self, key: VerifierKey) -> int:
        """Check that `key` has signed; says when, for a witness (UTC seconds), else 0.

        Raises
        ------
        DataError
            It has not signed, or a signature in its name is wrong.
        MissingExtraError
            ``cryptography`` is not installed.
        """
        found = [
            one for one in self.note.signatures if (one.name, one.key_id) == (key.name, key.id)
        ]
        if not found:
            signers = ", ".join(f"{one.name}+{one.key_id.hex()}" for one in self.note.signatures)
            raise DataError(
                f"the checkpoint of {self.origin} at {self.size} is not signed by "
                f"{key.name}+{key.id.hex()}, but by {signers or 'nobody'}"
            )
        return max(self._time(one, key) for one in found)

    def _time(self, signature: Signature, key: VerifierKey) -> int:
        time, message, value = 0, self.text, signature.value
        if key.kind is KeyKind.WITNESS and len(value) == _TIME.size + SIGNATURE_BYTES:
            (time,) = _TIME.unpack_from(value)
            message, value = _cosigned(time, self.text), value[_TIME.size :]
        if (
            time > _INT64_CAP
            or len(value) != SIGNATURE_BYTES
            or not is_signed(key.public, value, message)
        ):
            raise DataError(
                f"the signature of {key.name} on the checkpoint of {self.origin} at {self.size} "
                "is wrong"
            )
        return int(time)


def _cosigned(time: int, text: bytes) -> bytes:
    return b"cosignature/v1\ntime %d\n" % time + text


def may_sign(name: str, origin: str) -> bool:
    """Whether a key of this name signs for this ledger: for its own name and what lies below."""
    return origin == name or origin.startswith(f"{name}/")


def checkpoint_name(size: int) -> str:
    """Name of the file, in a ledger's folder, of its checkpoint at `size` records."""
    return f"checkpoint-{size:09d}.txt"


def read_checkpoints(folder: Path) -> list[Checkpoint]:
    """The checkpoints in a ledger's folder by rising size; signatures and roots are not checked.

    Raises
    ------
    DataError
        A file holds no checkpoint, or one of another size than its name says.
    """
    names = [entry.name for entry in folder.iterdir()]
    sizes = sorted(
        int(match[1])
        for match in map(_FILE.fullmatch, names)
        if match and checkpoint_name(int(match[1])) == match[0]  # no zeros more than there must be
    )
    found = []
    for size in sizes:
        path = folder / checkpoint_name(size)
        checkpoint = Checkpoint.read(path)
        if checkpoint.size != size:
            raise DataError(f"{path} holds a checkpoint of {checkpoint.size} records")
        found.append(checkpoint)
    return found


def read_capped(path: str | Path, cap: int, what: str) -> bytes:
    """A file's bytes, of which there must not be too many.

    Raises
    ------
    InputError
        The file cannot be read.
    DataError
        It is longer than `cap` bytes; the rest has not been read.
    """
    try:
        with open_regular(path) as file:
            data = file.read(cap + 1)
    except OSError as error:
        raise InputError(f"cannot read the {what} {path}: {error.strerror or error}") from None
    if len(data) > cap:
        raise DataError(f"{path} is longer than a {what} may be, {cap} bytes")
    return data
