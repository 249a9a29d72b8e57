"""A district that runs by the clock and trades with whoever publishes offers.

A round, in order::

    open     every external organization is told the round and what it may know
    collect  offers are handed to the operator as they come, and answered at once
    close    at the gate, by a monotonic clock: what came before it is in, the rest is not
    step     the simulation clears, delivers and settles; the ledger has the round on the device
    publish  the outbox reads the ledger: the round, then a settlement for each organization

One thread does all of this but publishing and listening, so no lock is held while clearing.
"""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from decent_gym.closing import Closing
from decent_gym.ledger import Checkpoints
from decent_gym.live.archive import Librarian
from decent_gym.live.gate import Gate
from decent_gym.live.inbox import Inbox, Letter
from decent_gym.live.intake import Intake
from decent_gym.live.messages import opening_payload, settlement_payloads
from decent_gym.live.openings import observations_of, view_of
from decent_gym.live.plan import LivePlan, header_hash, ledger_of
from decent_gym.live.recovery import step_again
from decent_gym.live.session import Session
from decent_gym.live.topics import MarketTopics
from decent_gym.models import Round
from decent_gym.simulation import Simulation
from decent_gym.views.mqtt_link import Address
from decent_gym.views.mqtt_outbox import Publisher

_EMBEDDED: Final = "embedded"
_FOLLOWED_SECONDS: Final = 60.0
"""Somebody who has asked for records so lately may want the last one, too."""
_QUIET_SECONDS: Final = 0.3
_SEE_OFF_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Closed:
    """A round that was closed: its record, offers from outside, and seconds from gate to ledger."""

    record: Round
    taken: int
    refused: int
    seconds: float


class LiveMarket(Closing):
    """Runs a plan on a ledger and a broker.  A context manager: leaving the block closes it.

    Parameters
    ----------
    plan : LivePlan
    folder : Path
        The ledger's: a new one, or one that this plan began, which is gone on with.
    url : str
        The broker's, as for :class:`Publisher`; ``embedded`` starts one in this process.
    tls : ssl.SSLContext, optional
    checkpoints : Checkpoints, optional
        Also write checkpoints into the ledger's folder, with the key that it names.

    Attributes
    ----------
    recovered : int
        Rounds that the ledger had already.
    address : str
        Where the broker is.

    Raises
    ------
    InputError
        The ledger was begun by another plan or key, or an argument cannot be used.
    LedgerError
        The ledger cannot be gone on with.
    """

    def __init__(
        self,
        plan: LivePlan,
        folder: Path,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        if url.partition(":")[0] != _EMBEDDED:
            Address.parse(url)  # a mistake in it must not leave a ledger behind
        self.plan = plan
        self.topics = MarketTopics(plan.district)
        self._gate = Gate(plan.speed)
        self.simulation = Simulation(
            plan.scenario, learners=plan.external, traders=plan.traders, external=plan.external
        )
        self.simulation.reset([plan.seed], [plan.start])
        keys = plan.member_keys()
        self._ledger = ledger_of(plan, self.simulation, folder, checkpoints)
        try:
            self._first_hash = header_hash(self._ledger)
            self._intake = Intake(self.simulation, plan.district, self._first_hash, keys)
            if keys:
                self.simulation.operator.listen(0, self._intake.seals)
            self.recovered = step_again(self.simulation, self._ledger, folder)
            self._connect(folder, url, tls)
        except BaseException:
            self._ledger.close()
            raise
        self._closed: list[Round] = []
        self._held: Letter | None = None
        operator = self.simulation.operator
        operator.listen(0, self._ledger)
        operator.listen(0, self._publisher)
        operator.listen(0, _Last(self._closed))

    def _connect(self, folder: Path, url: str, tls: ssl.SSLContext | None) -> None:
        plan, topics = self.plan, self.topics
        self._publisher = Publisher(url, folder, plan.district, tls=tls, also=self._settlements)
        self.address = self._publisher.address
        is_embedded = url.partition(":")[0] == _EMBEDDED
        where, versions = (self.address, (4,)) if is_embedded else (url, (5, 4))
        members = [member.name for member in plan.scenario.members]
        self._inbox = Inbox(topics, members, self._gate.now)
        self._has_connected = threading.Event()
        self._session = Session(
            where, [topics.offers("+")], self._inbox.heard,
            ready=self._announce_again, tls=tls, versions=versions,
        )  # fmt: skip
        # a connection of its own: no receipt waits behind the records that somebody asked for
        self._librarian = Librarian(folder, topics, self._send_record, self._settle_records)
        self._library = Session(
            where, [topics.requests("+")], self._librarian.heard,
            tls=tls, versions=versions, is_quiet=True,
        )  # fmt: skip

    @property
    def rounds(self) -> int:
        """Rounds in the ledger, those of earlier runs included."""
        return self._ledger.rounds

    @property
    def head(self) -> str:
        """Hash of the ledger's last record, hexadecimal."""
        return self._ledger.head

    @property
    def dropped(self) -> int:
        """Messages that nobody answered."""
        return self._inbox.dropped + self._librarian.dropped + self._intake.silent

    @property
    def late(self) -> int:
        """Gates that closed a round or more too late."""
        return self._gate.late

    def run(
        self, until: int, closed: Callable[[Closed], None], is_over: Callable[[], bool]
    ) -> None:
        """Run rounds until the ledger has `until` of them, or `is_over` says True.

        Parameters
        ----------
        closed : callable
            Told of every round.
        is_over : callable
            Asked at least once a second; a round that is open then is left open.
        """
        self._gate.begin()
        until = min(until, self.plan.scenario.rounds - self.plan.start)
        while self.rounds < until and not is_over():
            self._open()
            if not self._collect(is_over):
                return
            taken, refused = self._intake.taken, self._intake.refused
            begun = self._gate.now()
            self.simulation.step()
            seconds = self._gate.now() - begun
            closed(Closed(self._closed.pop(), taken, refused, seconds))

    def close(self, timeout: float = 30.0) -> int:
        """Publish what is in the ledger, then leave; returns how many rounds remain unpublished."""
        self._see_off()
        for name in self.plan.external:  # nobody is to answer an opening after the market has left
            self._session.post(self.topics.opening(name), b"", is_retained=True)
        self._session.close()
        self._library.close()
        self._librarian.close()
        try:
            self._ledger.close()
        finally:  # what is in it is published, even if the disk has failed
            unpublished = self._publisher.close(timeout)
        return unpublished

    def _see_off(self) -> None:
        """Whoever fetches records asks for the last one as soon as it hears of the round."""
        begun = time.monotonic()
        rounds = int(self.simulation.operator.round[0]) - self.plan.start
        while self._librarian.last_asked > begun - _FOLLOWED_SECONDS:
            now = time.monotonic()
            is_told = self._publisher.published >= rounds
            since = now - max(begun, self._librarian.last_asked)
            if now - begun > _SEE_OFF_SECONDS or (is_told and since > _QUIET_SECONDS):
                return
            time.sleep(_QUIET_SECONDS / 10)

    def _open(self) -> None:
        self._intake.begin()
        self._gate.open()
        self._announce()

    def _collect(self, is_over: Callable[[], bool]) -> bool:
        """Hand in offers until the gate closes; False if everything is over before that."""
        if self._held is not None:
            self._answer(self._held)
            self._held = None
        while (left := self._gate.left()) > 0:
            if is_over():
                return False
            letter = self._inbox.get(min(left, 1.0))
            if letter is not None and self._is_late(letter):
                return True
            if letter is not None:
                self._answer(letter)
            elif self._has_connected.is_set():
                self._has_connected.clear()
                self._announce()
        for letter in self._inbox.rest():
            if self._is_late(letter):
                break
            self._answer(letter)
        return True

    def _is_late(self, letter: Letter) -> bool:
        """Whether it came after the gate; then it is answered once the next round is open."""
        if letter.stamp > self._gate.deadline:
            self._held = letter
        return self._held is not None

    def _answer(self, letter: Letter) -> None:
        receipt = self._intake.take(letter.organization, letter.payload)
        if receipt is not None:
            self._session.post(self.topics.receipts(letter.organization), receipt)

    def _announce(self) -> None:
        """Tell every external organization that the round is open, and what it may know."""
        simulation, names = self.simulation, self.plan.external
        if not names:
            return
        seen = observations_of(simulation)
        for k, (name, n) in enumerate(zip(names, simulation.external.tolist(), strict=True)):
            payload = opening_payload(
                self.plan.district,
                name,
                ledger=self._first_hash,
                number=int(simulation.operator.round[0]),
                closes_in=int(1000 * self._gate.left()),
                view=view_of(simulation.view, n),
                observation=seen[k],
            )
            self._session.post(self.topics.opening(name), payload, is_retained=True)

    def _announce_again(self) -> None:
        # the connection's thread must not look into a simulation that may be stepping
        self._has_connected.set()
        self._inbox.wake()

    def _send_record(self, user: str, record: bytes) -> None:
        self._library.post(self.topics.records(user), record)

    def _settle_records(self) -> None:
        self._library.settle()

    def _settlements(self, record: Round, ledger: bytes, own: bytes) -> Iterator[tuple[str, bytes]]:
        owners = zip(self.plan.external, self.simulation.external.tolist(), strict=True)
        for name, owner in owners:
            for payload in settlement_payloads(
                record, self.plan.district, name, owner, ledger=ledger.hex(), own=own.hex()
            ):
                yield self.topics.receipts(name), payload


class _Last:
    """Keeps the record of the round that has just been closed."""

    def __init__(self, kept: list[Round]) -> None:
        self._kept = kept

    def on_round(self, record: Round) -> None:
        self._kept[:] = [record]
