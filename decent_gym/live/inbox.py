"""What has come from the broker and waits for the market, with the time at which it came."""

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from decent_gym.live.reading import MESSAGE_CAP
from decent_gym.live.topics import MarketTopics

PENDING_CAP: Final = 256
"""Messages of one organization that may wait; its further ones are dropped, nobody else's are."""
_LOG: Final = logging.getLogger(__name__)


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
    ) -> None:
        self._senders = {topics.offers(name): name for name in organizations}
        self._clock = clock
        self._pending: Counter[str] = Counter()
        self._told: set[str] = set()
        self._lock = threading.Lock()
        self._letters: queue.Queue[Letter | None] = queue.Queue()
        self.dropped = 0

    def heard(self, topic: str, payload: bytes) -> None:
        """Take a message; called by the connection's thread, never waits, never raises."""
        name = self._senders.get(topic)
        if name is not None and self._has_room(name):
            # what is longer than a message may be is refused all the same, and need not be kept
            self._letters.put(Letter(name, payload[: MESSAGE_CAP + 1], self._clock()))
        else:
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
                if name not in self._told:
                    self._told.add(name)
                    _LOG.warning(
                        "%s sends faster than offers are taken: %d messages wait, what comes "
                        "beyond them is dropped", name, PENDING_CAP
                    )  # fmt: skip
                return False
            self._pending[name] += 1
            return True
