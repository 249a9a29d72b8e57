r"""A proof as a file: one line of canonical JSON that needs nothing beside it.

::

    {"checkpoint": "district.example/rural\n673\n...",       the ledger as it was signed
     "consistency": {"from": "...", "path": [...]} | null,    an older checkpoint it continues
     "digest": "...",                                         SHA-256 of all the rest
     "format": "decent-gym/proof/v1",
     "header": {"body": "...", "path": [...]} | null,         the first record: names and rules
     "record": {"body": "...", "index": 13, "path": [...],    the round
                "previous": "..."} | null,
     "offers": [[5, 7], []] | null}                           rows of its books; null: all of them

Bytes are strict base64.  The digest shows damage, such as a flipped bit that would turn the proof
of one offer into that of its neighbour; that the proof is true follows from the paths alone.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Final

from decent_gym.errors import DataError, InputError
from decent_gym.ledger.checkpoint import Checkpoint
from decent_gym.ledger.hashing import GENESIS, HASH_BYTES
from decent_gym.ledger.header import JSON_BYTES_CAP, canonical_json, parse_json
from decent_gym.ledger.note import decode_base64
from decent_gym.models import COMMODITIES

FORMAT: Final = "decent-gym/proof/v1"
PROOF_CAP: Final = JSON_BYTES_CAP
"""Longest proof that is written or read, bytes."""
_DEPTH: Final = 3
_PATH_CAP: Final = 64
_FIELDS: Final = {"checkpoint", "consistency", "digest", "format", "header", "offers", "record"}

Rows = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class ProvenRecord:
    """A record and its way up to the checkpoint's root.

    Attributes
    ----------
    index : int
        0 for the header.
    body : bytes
        Without the two hashes.
    previous : bytes (32,)
        Hash of the record before.
    path : tuple of bytes (32,)
    """

    index: int
    body: bytes
    previous: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof file holds; nothing of it has been checked but its form.

    Attributes
    ----------
    checkpoint : Checkpoint
    since : Checkpoint or None
        An older one, which `checkpoint` continues.
    path : tuple of bytes (32,)
        The consistency proof between the two.
    header, record : ProvenRecord or None
        Both or neither.
    offers : tuple of tuple of int, or None
        Rows of each commodity's book that the proof is about; None: the whole round.
    """

    checkpoint: Checkpoint
    since: Checkpoint | None = None
    path: tuple[bytes, ...] = ()
    header: ProvenRecord | None = None
    record: ProvenRecord | None = None
    offers: Rows | None = None

    def to_bytes(self) -> bytes:
        """The file's content.

        Raises
        ------
        InputError
            It would be longer than a proof may be.
        """
        consistency = None
        if self.since is not None:
            consistency = {"from": self.since.to_bytes().decode(), "path": _texts(self.path)}
        header = record = None
        if self.header is not None and self.record is not None:
            header = {"body": _text(self.header.body), "path": _texts(self.header.path)}
            record = {
                "body": _text(self.record.body),
                "index": self.record.index,
                "path": _texts(self.record.path),
                "previous": _text(self.record.previous),
            }
        value = {
            "checkpoint": self.checkpoint.to_bytes().decode(),
            "consistency": consistency,
            "format": FORMAT,
            "header": header,
            "offers": None if self.offers is None else [list(rows) for rows in self.offers],
            "record": record,
        }
        data = canonical_json({**value, "digest": _digest(value)})
        if len(data) > PROOF_CAP:
            raise InputError(f"the proof would take {len(data)} bytes, more than {PROOF_CAP}")
        return data + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> "Proof":
        """Read a proof from anybody.

        Raises
        ------
        DataError
            It is none.
        """
        value = _checked_json(data)
        since: Checkpoint | None = None
        path: tuple[bytes, ...] = ()
        if value["consistency"] is not None:
            found = _object(value["consistency"], "consistency", {"from", "path"})
            since, path = _checkpoint(found["from"], "from"), _path(found["path"], "consistency")
        header = record = offers = None
        if (value["header"] is None) != (value["record"] is None):
            raise DataError("proof: header and record come together")
        if value["record"] is not None:
            found = _object(value["header"], "header", {"body", "path"})
            header = ProvenRecord(
                0, _bytes(found["body"], "header"), GENESIS, _path(found["path"], "header")
            )
            found = _object(value["record"], "record", {"body", "index", "path", "previous"})
            record = ProvenRecord(
                _index(found["index"], "record"),
                _bytes(found["body"], "record"),
                _bytes(found["previous"], "previous", HASH_BYTES),
                _path(found["path"], "record"),
            )
            offers = _offers(value["offers"])
        elif value["offers"] is not None:
            raise DataError("proof: offers without a record")
        checkpoint = _checkpoint(value["checkpoint"], "checkpoint")
        return cls(checkpoint, since, path, header, record, offers)


def _checked_json(data: bytes) -> dict[str, Any]:
    if len(data) > PROOF_CAP + 1 or data[-1:] != b"\n":
        raise DataError(
            f"proof: {len(data)} bytes; it is one line of at most {PROOF_CAP} with a newline"
        )
    try:
        value = parse_json(data[:-1], _DEPTH)
    except InputError as error:
        raise DataError(f"proof: {error}") from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise DataError(f"proof: the format is not {FORMAT}")
    value = _object(value, "its content", _FIELDS)
    rest = {key: part for key, part in value.items() if key != "digest"}
    if value["digest"] != _digest(rest):
        raise DataError("proof: the digest is not that of the content; the file is damaged")
    return value


def _digest(value: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _object(value: Any, what: str, fields: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != fields:
        raise DataError(f"proof: {what} must have the fields {', '.join(sorted(fields))}")
    return value


def _bytes(value: Any, what: str, length: int | None = None) -> bytes:
    if not isinstance(value, str):
        raise DataError(f"proof: {what} must be text, got {type(value).__name__}")
    data = decode_base64(value, f"proof: {what}")
    if length is not None and len(data) != length:
        raise DataError(f"proof: {what} must have {length} bytes, got {len(data)}")
    return data


def _path(value: Any, what: str) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) > _PATH_CAP:
        raise DataError(f"proof: the path of {what} must be a list of at most {_PATH_CAP} hashes")
    return tuple(_bytes(node, f"the path of {what}", HASH_BYTES) for node in value)


def _index(value: Any, what: str) -> int:
    if type(value) is not int or value < 0:
        raise DataError(f"proof: the index of {what} must be a whole number, got {value!r}")
    return value


def _checkpoint(value: Any, what: str) -> Checkpoint:
    if not isinstance(value, str):
        raise DataError(f"proof: {what} must be a checkpoint, got {type(value).__name__}")
    try:
        return Checkpoint.parse(value.encode())
    except (DataError, UnicodeEncodeError) as error:
        raise DataError(f"proof: {what}: {error}") from None


def _offers(value: Any) -> Rows | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != COMMODITIES:
        raise DataError(f"proof: offers must be {COMMODITIES} lists of rows")
    found = []
    for rows in value:
        if not isinstance(rows, list):
            raise DataError(f"proof: offers must be {COMMODITIES} lists of rows")
        found.append(tuple(_index(row, "an offer") for row in rows))
        if list(found[-1]) != sorted(set(found[-1])):
            raise DataError("proof: the rows of offers must rise")
    if not any(found):
        raise DataError("proof: it is about no offer at all")
    return tuple(found)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _texts(path: tuple[bytes, ...]) -> list[str]:
    return [_text(node) for node in path]
