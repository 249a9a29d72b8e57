"""Listens to a district's rounds and misses none: what does not arrive is fetched."""

import logging
import queue
import secrets
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from decent_gym.closing import Closing
from decent_gym.errors import DataError
from decent_gym.live.archive import Archive
from decent_gym.live.follower import Follower, Taken
from decent_gym.live.messages import request_payload
from decent_gym.live.session import Session
from decent_gym.live.topics import MarketTopics
from decent_gym.views.mqtt_link import Address

ASK_AGAIN_SECONDS: Final = 1.0
"""After so long without an answer the same records are asked for again."""
STALLED_SECONDS: Final = 5.0
"""After so long without an answer it is said that they are missing."""
_LOG: Final = logging.getLogger(__name__)


class Subscriber(Closing):
    """Hears rounds, drops what comes twice, fetches what is missing, checks every link.

    Missing records come from a copy of the ledger, or from the market itself by MQTT; either way
    their hashes must fit.  A context manager: leaving the block closes it.

    Parameters
    ----------
    url : str
        The broker's.
    district : str
    ledger : Path, optional
        Where to fetch what is missing; by default the market is asked.
    from_start, reclear, keep
        As in :class:`Follower`.
    tls : ssl.SSLContext, optional

    Attributes
    ----------
    fetched : int
        Rounds that were not heard but fetched.
    """

    def __init__(
        self,
        url: str,
        district: str,
        *,
        ledger: Path | None = None,
        from_start: bool = False,
        reclear: bool = False,
        keep: Callable[[str, bytes], None] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._topics = MarketTopics(district)
        self._archive = None if ledger is None else Archive(ledger)
        self._source = "nobody sends them" if ledger is None else f"{ledger} does not hold them"
        self._follower = Follower(district, from_start=from_start, reclear=reclear, keep=keep)
        self._heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._asked: tuple[tuple[int, int], float] | None = None
        self._stalled: tuple[tuple[int, int], float] | None = None
        self._has_told = False
        self._echoes = 0
        self.fetched = 0
        # the access list lets a user read only what was asked for in its name
        self._user = Address.parse(url).user or f"guest-{secrets.token_hex(8)}"
        topics = self._topics
        self._session = Session(
            url,
            [f"{topics.root}/rounds/+", topics.status, topics.records(self._user)],
            lambda topic, payload: self._heard.put((topic, payload)),
            tls=tls,
        )

    @property
    def dropped(self) -> int:
        """Rounds that came again, but for those that came as the last one, too."""
        return self._follower.dropped - self._echoes

    @property
    def missing(self) -> tuple[int, int] | None:
        """First and last of the records that are waited for; None if nothing is missing."""
        found = self._follower.missing()
        return None if found is None else (found[0], sum(found) - 1)

    @property
    def ledger(self) -> str | None:
        """Hash of the header of the ledger that was heard of last."""
        return self._follower.ledger

    @property
    def head(self) -> str | None:
        """Hash of the last round."""
        return self._follower.head

    def run(
        self,
        taken: Callable[[Taken], None],
        status: Callable[[bytes], None],
        is_over: Callable[[], bool],
    ) -> None:
        """Listen until `is_over` says True; it is asked at least once a second.

        Parameters
        ----------
        taken : callable
            Told every round, each once and in order.
        status : callable
            Told the publisher's status, as it comes.

        Raises
        ------
        DataError
            Somebody publishes what the ledger does not hold, or has changed the past.
        """
        while not is_over():
            try:
                topic, payload = self._heard.get(timeout=0.25)
            except queue.Empty:
                found = []
            else:
                if topic == self._topics.status:
                    status(payload)
                    continue
                found = self._hear(topic, payload)
            while True:
                for one in found:
                    self.fetched += one.is_fetched
                    taken(one)
                    if is_over():
                        return
                found = self._fetch()
                if not found:
                    break

    def close(self) -> None:
        """Leave; a second call does nothing."""
        self._session.close()

    def _hear(self, topic: str, payload: bytes) -> list[Taken]:
        if topic == self._topics.records(self._user):
            return self._follower.record(payload)
        dropped = self._follower.dropped
        found = self._follower.heard(payload)
        if topic == self._topics.last:  # where every round is published a second time
            self._echoes += self._follower.dropped - dropped
        return found

    def _fetch(self) -> list[Taken]:
        """Ask for what is missing, or read it; returns what could be read at once."""
        missing = self._follower.missing()
        now = time.monotonic()
        self._complain(missing, now)
        if missing is None:
            return []
        if self._archive is not None:
            return self._read(self._archive, missing)
        if self._asked is None or self._is_due(missing, now):
            self._session.post(self._topics.requests(self._user), request_payload(*missing))
            self._asked = missing, now
        return []

    def _complain(self, missing: tuple[int, int] | None, now: float) -> None:
        """Say once that what is missing does not come."""
        if missing is None or self._stalled is None or self._stalled[0][0] != missing[0]:
            self._stalled, self._has_told = (None if missing is None else (missing, now)), False
        elif now - self._stalled[1] > STALLED_SECONDS and not self._has_told:
            self._has_told = True
            _LOG.warning(
                "records %d to %d of the ledger %s are missing: %s; waiting for them",
                missing[0], sum(missing) - 1, self._follower.ledger, self._source,
            )  # fmt: skip

    def _is_due(self, missing: tuple[int, int], now: float) -> bool:
        assert self._asked is not None
        (first, count), when = self._asked
        is_answered = missing[0] >= first + count or (first == 0 and missing[0] > 0)
        return is_answered or now - when > ASK_AGAIN_SECONDS

    def _read(self, archive: Archive, missing: tuple[int, int]) -> list[Taken]:
        found: list[Taken] = []
        try:
            for raw in archive.records(*missing):
                found += self._follower.record(raw)
        except OSError as error:
            raise DataError(f"the ledger cannot be read: {error}") from None
        following = self._follower.missing()
        if missing[0] == 0 and following is not None and following[0] > 0:
            found += self._read(archive, following)  # the header has been read, now the rounds
        return found
