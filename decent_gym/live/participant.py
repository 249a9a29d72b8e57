"""A member that trades over MQTT: hears that a round is open, offers, hears what became of it."""

import logging
import queue
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from decent_gym.closing import Closing
from decent_gym.errors import DataError
from decent_gym.ledger import SigningKey
from decent_gym.live.answers import read_answer
from decent_gym.live.messages import SETTLEMENT_SCHEMA, offers_payloads
from decent_gym.live.openings import Opening
from decent_gym.live.session import Session
from decent_gym.live.signer import Signer
from decent_gym.live.topics import MarketTopics

SETTLED_KEPT: Final = 100
"""Settlements that are remembered, to tell one that comes again."""
QUIET_SECONDS: Final = 30.0
"""After so long without any opening a participant wonders aloud whether it is expected."""
_LOG: Final = logging.getLogger(__name__)

Decide = Callable[[Opening], Sequence[Mapping[str, Any]]]


@dataclass(slots=True)
class Settled:
    """What a round came to for one organization, put together from its parts.

    Attributes
    ----------
    facts : dict
        The settlement's fields, but for the offers.
    offers : list of dict
        What became of each offer.
    """

    facts: dict[str, Any]
    offers: list[dict[str, Any]] = field(default_factory=list)
    parts: set[int] = field(default_factory=set)

    @property
    def round(self) -> int:
        """Number of the round."""
        number: int = self.facts["round"]
        return number

    @property
    def is_whole(self) -> bool:
        """Whether all parts have come."""
        parts: int = self.facts["parts"]
        return len(self.parts) == parts


class Participant(Closing):
    """Answers every opening with offers.  A context manager: leaving the block closes it.

    An opening that comes twice, after a crash of broker or market, is answered again with the same
    messages: the market takes a message once.

    Parameters
    ----------
    url : str
        The broker's, with the organization's user and password if it asks for them.
    district, organization : str
        Part of the topics.
    decide : callable
        ``decide(opening)`` gives offers: ``commodity``, ``side``, ``energy``, ``price`` each.
    tls : ssl.SSLContext, optional
    key : SigningKey, optional
        Signs every message; named ``DISTRICT/ORGANIZATION``.

    Attributes
    ----------
    taken, refused : int
        Offers that entered the book, and those that did not.

    Raises
    ------
    InputError
        The key is named otherwise.
    """

    def __init__(
        self,
        url: str,
        district: str,
        organization: str,
        decide: Decide,
        *,
        tls: ssl.SSLContext | None = None,
        key: SigningKey | None = None,
    ) -> None:
        self._signer = None if key is None else Signer(key, district, organization)
        self._topics = MarketTopics(district)
        self._organization = organization
        self._decide = decide
        self._last: tuple[str, int] | None = None
        self._payloads: list[bytes] = []
        self._receipts: set[tuple[str, int, int]] = set()
        self._settled: dict[str, Settled] = {}  # by the record's hash
        self._heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._passed_over: str | None = None
        self.taken = self.refused = 0
        topics = [self._topics.opening(organization), self._topics.receipts(organization)]
        self.session = Session(url, topics, self._hear, tls=tls)

    def run(
        self,
        settled: Callable[[Settled], None],
        refused: Callable[[dict[str, Any]], None],
        is_over: Callable[[], bool],
    ) -> None:
        """Trade until `is_over` says True; it is asked at least once a second.

        Parameters
        ----------
        settled : callable
            Told what became of each round, once.
        refused : callable
            Told of receipts that refuse something.
        """
        begun, is_expected = time.monotonic(), False
        while not is_over():
            try:
                topic, payload = self._heard.get(timeout=0.5)
            except queue.Empty:
                if not is_expected and time.monotonic() - begun > QUIET_SECONDS:
                    self._wonder()
                    is_expected = True
                continue
            is_expected = True
            try:
                self._take(topic, payload, settled, refused)
            except DataError as error:  # nobody but the market may write here, but who knows
                self._pass_over(str(error))

    def close(self) -> None:
        """Leave; a second call does nothing."""
        self.session.close()

    def _hear(self, topic: str, payload: bytes) -> None:
        self._heard.put((topic, payload))

    def _wonder(self) -> None:
        _LOG.warning(
            "no opening for %s came from %s in %d s; does anybody serve %s with --external "
            "%s, and may this user hear of it?",
            self._organization, self.session.address, QUIET_SECONDS,
            self._topics.district, self._organization,
        )  # fmt: skip

    def _pass_over(self, fault: str) -> None:
        level = logging.INFO if fault == self._passed_over else logging.WARNING
        self._passed_over = fault
        _LOG.log(level, "a message is passed over: %s", fault)

    def _take(
        self,
        topic: str,
        payload: bytes,
        settled: Callable[[Settled], None],
        refused: Callable[[dict[str, Any]], None],
    ) -> None:
        if topic == self._topics.opening(self._organization):
            if payload:  # else a market has left and takes its opening back
                self._answer(Opening.read(payload))
            return
        message = read_answer(payload)
        if message["schema"] == SETTLEMENT_SCHEMA:
            self._settle(message, settled)
        else:
            self._note(message, refused)

    def _answer(self, opening: Opening) -> None:
        key = opening.ledger, opening.round
        if key != self._last:
            self._payloads = self._messages(opening)
            self._last = key
        for payload in self._payloads:
            self.session.post(self._topics.offers(self._organization), payload)

    def _messages(self, opening: Opening) -> list[bytes]:
        offers, signer = self._decide(opening), self._signer
        if signer is None:
            return offers_payloads(opening.round, offers)
        return offers_payloads(opening.round, offers, lambda m: signer.sign(m, opening.ledger))

    def _note(self, message: dict[str, Any], told: Callable[[dict[str, Any]], None]) -> None:
        key = message["ledger"], message["round"], message["number"]
        if key in self._receipts:
            return  # the same one, sent again
        if len(self._receipts) > 10_000:
            self._receipts.clear()
        self._receipts.add(key)
        sequences = message["sequences"]
        lost = sequences.count(None)
        self.taken += len(sequences) - lost
        self.refused += lost
        if lost or message["reason"] is not None:
            told(message)

    def _settle(self, message: dict[str, Any], told: Callable[[Settled], None]) -> None:
        part, offers = message.pop("part"), message.pop("offers")
        found = self._settled.setdefault(message["hash"], Settled(message))
        if part in found.parts:
            return  # the same one, sent again
        found.parts.add(part)
        found.offers += offers
        if found.is_whole:
            told(found)
        for old in list(self._settled)[:-SETTLED_KEPT]:
            del self._settled[old]
