"""Reads a ledger that somebody is still writing, and goes on where it stopped."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from decent_gym.errors import InputError, LedgerError
from decent_gym.files import open_regular
from decent_gym.json_text import load_json
from decent_gym.ledger.encoding import decode_round
from decent_gym.ledger.frames import PREFIX_BYTES, TAIL_BYTES, RecordType, read_prefix
from decent_gym.ledger.hashing import GENESIS, HASH_BYTES, link
from decent_gym.ledger.header import decode_header
from decent_gym.ledger.segments import segment_numbers, segment_path
from decent_gym.models import Round
from decent_gym.units import exact_int
from decent_gym.views.mqtt_payload import round_payload

CURSOR: Final = "mqtt-cursor.json"
_CURSOR_CAP: Final = 1_000
_LOG: Final = logging.getLogger(__name__)


class LedgerTail:
    """The payloads of a ledger's rounds, one by one, as far as they are written.

    Checks every hash and link, as :class:`decent_gym.ledger.scan.Scan` does, which reads from the
    start each time; this one keeps its place, so that hearing of a round costs one record.

    Parameters
    ----------
    folder : Path
    district : str
        Goes into the payloads.

    Attributes
    ----------
    index : int
        Of the last round read, 1 for the first; -1 before the header.  A change of the operator's
        key is a record of its own and is passed over: receivers hear of rounds alone.
    head : bytes (32,)
        Hash of the last record read.
    round : int or None
        Number of the round last read.
    record : Round or None
        What :meth:`read` read last.

    Raises
    ------
    InputError
        There is no ledger at `folder`.
    """

    def __init__(self, folder: Path, district: str) -> None:
        if not folder.is_dir() or not segment_numbers(folder):
            raise InputError(f"there is no ledger at {folder}; begin one with Ledger.create")
        self.index = -1
        self.head = GENESIS
        self.round: int | None = None
        self.record: Round | None = None
        self._folder = folder
        self._district = district
        self._heard = self._previous = self._ledger = GENESIS
        self._accounts = 0
        self._segment = self._position = 0
        self._file: BinaryIO | None = None

    def read(self) -> bytes | None:
        """Payload of the next round; None if it has not been written yet.

        Raises
        ------
        LedgerError
            The ledger is damaged or cannot be read.
        """
        body = self._round()
        if body is None:
            return None
        record = self.record = decode_round(body, self._accounts)
        self.round = record.number
        return round_payload(
            record,
            self._district,
            ledger=self._ledger,
            index=self.index,
            previous=self._previous,
            own=self.head,
        )

    @property
    def ledger(self) -> bytes:
        """Hash of the ledger's header, once a round has been read."""
        return self._ledger

    def skip(self, index: int | None = None) -> None:
        """Pass over rounds until `index` has been read (None: all), or the last there is."""
        while index is None or max(self.index, 0) < index:
            if self._round() is None:
                return

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _round(self) -> bytes | None:
        body = self._next()
        if body is not None and self.index == 0:
            self._accounts, self._ledger = decode_header(body).accounts, self.head
            self._heard = self.head
            body = self._next()
        while body is not None and read_prefix(body)[1] is RecordType.KEY:
            self.index -= 1
            body = self._next()
        if body is not None:
            self._previous, self._heard = self._heard, self.head
        return body

    def _next(self) -> bytes | None:
        while True:
            # asked before reading: once a segment has a follower, nothing is added to it
            is_final = segment_path(self._folder, self._segment + 1).exists()
            try:
                record = self._record()
            except OSError as error:
                raise LedgerError(f"cannot read the ledger {self._folder}: {error}") from error
            if record is not None:
                return self._checked(record)
            if not is_final:
                return None
            self.close()
            self._segment, self._position = self._segment + 1, 0

    def _record(self) -> bytes | None:
        if self._file is None:
            self._file = open_regular(segment_path(self._folder, self._segment))
        self._file.seek(self._position)
        prefix = self._file.read(PREFIX_BYTES)
        if len(prefix) < PREFIX_BYTES:
            return None
        length, _ = read_prefix(prefix)
        record = prefix + self._file.read(length - PREFIX_BYTES)
        return record if len(record) == length else None

    def _checked(self, record: bytes) -> bytes:
        body = record[:-TAIL_BYTES]
        previous, own = record[-TAIL_BYTES:-HASH_BYTES], record[-HASH_BYTES:]
        if previous != self.head or own != link(previous, body):
            raise LedgerError(
                f"the ledger {self._folder} is damaged after record {self.index}; verify it"
            )
        self.head = own
        self._position += len(record)
        self.index += 1
        return body


def read_cursor(folder: Path) -> tuple[int, bytes] | None:
    """Index and hash of the last record that was published; None if there is nothing readable."""
    try:
        with open_regular(folder / CURSOR) as file:
            cursor = load_json(file.read(_CURSOR_CAP + 1), _CURSOR_CAP)
        return exact_int(cursor["record"], "record"), bytes.fromhex(cursor["hash"])
    except (OSError, ValueError, TypeError, KeyError):
        return None  # then rounds are published again, which receivers can bear


def write_cursor(folder: Path, index: int, head: bytes) -> None:
    """Remember what was published: the old file stays or the new one stands, never a half.

    Not synced: what a power cut takes back is published twice.
    """
    draft = folder / f"{CURSOR}.draft"
    try:
        draft.unlink(missing_ok=True)  # it may be somebody's link to a file elsewhere
        draft.write_text(json.dumps({"hash": head.hex(), "record": index}) + "\n", "utf-8")
        draft.replace(folder / CURSOR)
    except OSError as error:
        _LOG.info("cannot write %s: %s; the next publisher repeats rounds", folder / CURSOR, error)


def read_payloads(folder: str | Path, district: str, first: int = 1) -> Iterator[bytes]:
    """Payloads of a ledger's rounds from record `first` on: what a receiver missed.

    Raises
    ------
    InputError
        There is no ledger at `folder`.
    LedgerError
        It is damaged or cannot be read.
    """
    tail = LedgerTail(Path(folder), district)
    try:
        tail.skip(first - 1)
        while (payload := tail.read()) is not None:
            yield payload
    finally:
        tail.close()
