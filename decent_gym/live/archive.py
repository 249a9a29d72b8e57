"""Records of a ledger for those who missed some, while somebody is still writing it."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from decent_gym.errors import DataError, LedgerError
from decent_gym.ledger.frames import PREFIX_BYTES, RecordType, read_prefix
from decent_gym.ledger.segments import segment_numbers, segment_path
from decent_gym.live.reading import read_request

ANSWER_CAP: Final = 2**22
"""Most bytes that answer one request; who wants more asks again."""
WAITING_CAP: Final = 64
"""Requests that wait; further ones are not heard, and asked again."""
_LOG: Final = logging.getLogger(__name__)
SPACING: Final = 64
"""A place is remembered for every so many records."""


class Archive:
    """Finds records without reading all that come before them, after the first time.

    Nothing is checked: whoever receives a record can, since it states its hash and the one before.
    Rounds are counted, as MQTT counts them: a change of keys comes along with the round after it.

    Parameters
    ----------
    folder : Path
        A ledger's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places = [(0, 0)]  # of records 0, SPACING, 2 SPACING ...: segment and byte

    def records(self, first: int, count: int) -> Iterator[bytes]:
        """Header (0) and rounds (1 ...) from `first` on, up to `count`, as far as they are written.

        Raises
        ------
        OSError, LedgerError
            The files cannot be read.
        """
        known = min(first // SPACING, len(self._places) - 1)
        index, (segment, position) = known * SPACING, self._places[known]
        numbers = segment_numbers(self._folder)
        while segment in numbers and index < first + count:
            with segment_path(self._folder, segment).open("rb") as file:
                while index < first + count:
                    file.seek(position)
                    prefix = file.read(PREFIX_BYTES)
                    if len(prefix) < PREFIX_BYTES:
                        break
                    length, kind = read_prefix(prefix)
                    body = file.read(length - PREFIX_BYTES) if index >= first else b""
                    if index >= first and len(body) < length - PREFIX_BYTES:
                        return
                    if index == len(self._places) * SPACING:
                        self._places.append((segment, position))
                    if index >= first:
                        yield prefix + body
                    index, position = index + (kind is not RecordType.KEY), position + length
            segment, position = segment + 1, 0


class Librarian:
    """Answers requests for records in a thread of its own, so that no round waits for a reader.

    Parameters
    ----------
    folder : Path
        A ledger's.
    post : callable
        ``post(user, record)`` sends one record.
    """

    def __init__(self, folder: Path, post: Callable[[str, bytes], object]) -> None:
        self._archive = Archive(folder)
        self._post = post
        self._waiting: queue.Queue[tuple[str, bytes] | None] = queue.Queue(WAITING_CAP)
        self._thread = threading.Thread(target=self._run, name="librarian", daemon=True)
        self._thread.start()

    def ask(self, user: str, payload: bytes) -> bool:
        """Take a request, whatever is in it; False if too many wait."""
        try:
            self._waiting.put_nowait((user, payload))
        except queue.Full:
            return False
        return True

    def close(self) -> None:
        """Answer those that wait, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (request := self._waiting.get()) is not None:
            user, payload = request
            try:
                first, count = read_request(payload)
            except DataError as error:
                _LOG.info("a request of %s is not answered: %s", user, error)
                continue
            sent = 0
            try:
                for record in self._archive.records(first, count):
                    self._post(user, record)
                    sent += len(record)
                    if sent > ANSWER_CAP:
                        break
            except (OSError, LedgerError) as error:
                _LOG.warning("records for %s cannot be read: %s", user, error)
