"""What has come from the broker and waits for the market, with the time at which it came."""

import queue
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from decent_gym.live.reading import MESSAGE_CAP
from decent_gym.live.topics import MarketTopics

PENDING_CAP: Final = 256
"""Messages of one organization that may wait; its further ones are dropped, nobody else's are."""
_USER: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of offers: who sent it, what it holds, when it came (seconds of the clock)."""

    organization: str
    payload: bytes
    stamp: float


class Inbox:
    """Sorts messages by their topics and keeps those with offers until the market takes them.

    Parameters
    ----------
    topics : MarketTopics
    organizations : iterable of str
        Those there are; a topic that names another means nothing.
    clock : callable
        Seconds that only rise.
    asked : callable
        ``asked(user, payload)`` is given requests for records.

    Attributes
    ----------
    dropped : int
        Messages that were not kept: too many, or under a topic that means nothing.
    """

    def __init__(
        self,
        topics: MarketTopics,
        organizations: Iterable[str],
        clock: Callable[[], float],
        asked: Callable[[str, bytes], bool],
    ) -> None:
        self._senders = {topics.offers(name): name for name in organizations}
        self._requests = topics.requests("")
        self._clock = clock
        self._asked = asked
        self._pending: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._letters: queue.Queue[Letter | None] = queue.Queue()
        self.dropped = 0

    def heard(self, topic: str, payload: bytes) -> None:
        """Take a message; called by the connection's thread, never waits, never raises."""
        name = self._senders.get(topic)
        if name is not None and self._has_room(name):
            # what is longer than a message may be is refused all the same, and need not be kept
            self._letters.put(Letter(name, payload[: MESSAGE_CAP + 1], self._clock()))
            return
        user = topic.removeprefix(self._requests)
        is_asked = name is None and topic.startswith(self._requests) and _USER.fullmatch(user)
        if not (is_asked and self._asked(user, payload[: MESSAGE_CAP + 1])):
            self.dropped += 1

    def wake(self) -> None:
        """Let :meth:`get` return None."""
        self._letters.put(None)

    def get(self, seconds: float) -> Letter | None:
        """The next letter; None after so many seconds without one, or after :meth:`wake`."""
        try:
            return self._taken(self._letters.get(timeout=max(seconds, 0)))
        except queue.Empty:
            return None

    def rest(self) -> Iterator[Letter]:
        """What waits, letter by letter, without waiting for more."""
        while True:
            try:
                letter = self._taken(self._letters.get_nowait())
            except queue.Empty:
                return
            if letter is not None:
                yield letter

    def _taken(self, letter: Letter | None) -> Letter | None:
        if letter is not None:
            with self._lock:
                self._pending[letter.organization] -= 1
        return letter

    def _has_room(self, name: str) -> bool:
        with self._lock:
            if self._pending[name] >= PENDING_CAP:
                return False
            self._pending[name] += 1
            return True
