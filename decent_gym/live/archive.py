"""Records of a ledger for those who missed some, while somebody is still writing it."""

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from decent_gym.errors import DataError, LedgerError
from decent_gym.ledger.frames import PREFIX_BYTES, RecordType, read_prefix
from decent_gym.ledger.segments import segment_numbers, segment_path
from decent_gym.live.reading import MESSAGE_CAP, read_request
from decent_gym.live.topics import MarketTopics

ANSWER_CAP: Final = 2**22
"""Most bytes that answer one request; who wants more asks again."""
WAITING_CAP: Final = 64
"""Users whose requests wait; those of further ones are not heard, and asked again."""
_USER: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
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

    Each user has one request waiting at most, the last it sent, and an answer is on its way before
    the next one is looked up: whoever asks without end keeps nobody else waiting for long.

    Parameters
    ----------
    folder : Path
        A ledger's.
    topics : MarketTopics
    post : callable
        ``post(user, record)`` sends one record.
    settle : callable
        Called after every answer; may wait until what was posted has arrived.

    Attributes
    ----------
    dropped : int
        Requests that were not heard: too many users ask, or the topic names none.
    last_asked : float
        When the last one was, by the monotonic clock; minus infinity before the first.
    """

    def __init__(
        self,
        folder: Path,
        topics: MarketTopics,
        post: Callable[[str, bytes], object],
        settle: Callable[[], object] = lambda: None,
    ) -> None:
        self._archive = Archive(folder)
        self._requests = topics.requests("")
        self._post, self._settle = post, settle
        self._waiting: dict[str, bytes] = {}
        self._changed = threading.Condition()
        self._is_closing = False
        self.dropped = 0
        self.last_asked = -math.inf
        self._thread = threading.Thread(target=self._run, name="librarian", daemon=True)
        self._thread.start()

    def heard(self, topic: str, payload: bytes) -> None:
        """Take a request, whatever is in it; called by a connection's thread, never waits."""
        user = topic.removeprefix(self._requests)
        with self._changed:
            has_room = user in self._waiting or len(self._waiting) < WAITING_CAP
            if not (topic.startswith(self._requests) and _USER.fullmatch(user) and has_room):
                self.dropped += 1
                return
            self._waiting[user] = payload[: MESSAGE_CAP + 1]
            self.last_asked = time.monotonic()
            self._changed.notify()

    def close(self) -> None:
        """Answer those that wait, then end."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (request := self._next()) is not None:
            self._answer(*request)
            self._settle()

    def _next(self) -> tuple[str, bytes] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closing)
            if not self._waiting:
                return None
            user = next(iter(self._waiting))
            return user, self._waiting.pop(user)

    def _answer(self, user: str, payload: bytes) -> None:
        try:
            first, count = read_request(payload)
        except DataError as error:
            _LOG.info("a request of %s is not answered: %s", user, error)
            return
        sent = 0
        try:
            for record in self._archive.records(first, count):
                self._post(user, record)
                sent += len(record)
                if sent > ANSWER_CAP:
                    return
        except (OSError, LedgerError) as error:
            _LOG.warning("records for %s cannot be read: %s", user, error)
