"""Publishes a ledger's rounds by MQTT: the ledger first, MQTT second.

A thread reads the ledger and sends one message at a time; a round counts as published when the
broker has acknowledged it, and ``mqtt-cursor.json`` beside the ledger remembers the last one.  So
a broker that is dead, late, or killed costs neither time nor rounds: what it did not acknowledge is
sent again, by this process or the next.
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from decent_gym.closing import Closing
from decent_gym.errors import InputError, LedgerError
from decent_gym.models import Round
from decent_gym.views.mqtt_broker import EmbeddedBroker
from decent_gym.views.mqtt_link import Address, Link, RefusedError, VersionError, load_paho
from decent_gym.views.mqtt_payload import Status, Topics, status_payload
from decent_gym.views.mqtt_tail import CURSOR, LedgerTail, read_cursor, write_cursor

_FIRST_DELAY: Final = 0.2
_LAST_DELAY: Final = 15.0
_POLL_SECONDS: Final = 1.0
_LEAVE_SECONDS: Final = 1.0
_LINGER_SECONDS: Final = 0.2
_STEADY_SECONDS: Final = 3.0
"""A connection that has stood for so long is told of, if its want was; the next want is, too."""
_RIVALRY: Final = 6
"""Connections that are lost as soon as they stand, before another publisher is suspected."""
_VERSIONS: Final = (5, 4)
Further: TypeAlias = Callable[[Round, bytes, bytes], Iterable[tuple[str, bytes]]]
_LOG: Final = logging.getLogger(__name__)


class Publisher(Closing):
    """Publishes every round of a ledger at least once and in order, until it is closed.

    Hand it to :meth:`GridOperator.listen` after the ledger: it then looks into the ledger as soon
    as a round is closed, and once a second anyway.  A ledger with ``sync="round"`` has the round on
    the device by then; one with ``sync="checkpoint"`` shows its rounds in batches, or after
    :meth:`Ledger.flush`.  A context manager: leaving the block closes it.

    Nothing here raises because of a broker, or waits for one but :meth:`close`.

    Parameters
    ----------
    url : str
        ``mqtt://[user[:password]@]host[:port]``, ``mqtts://...``, or ``embedded[:port]``, which
        starts a broker in this process.
    folder : str or Path
        The ledger's.
    district : str
        Part of the topics: 1 to 64 letters, digits, ``_`` or ``-``.
    tls : ssl.SSLContext, optional
        For ``mqtts``; the default trusts the system's certificates.
    also : callable, optional
        ``also(record, ledger, own)``, with the hashes of the ledger's header and of the record,
        gives further messages (topic, payload) that belong to a round; the round counts as
        published when they are acknowledged, too.

    Attributes
    ----------
    address : str
        Where the broker is, without user and password.

    Raises
    ------
    InputError
        A URL, a folder without a ledger, or a district that cannot be used.
    MissingExtraError
        paho-mqtt, or amqtt for ``embedded``, is not installed.
    """

    def __init__(
        self,
        url: str,
        folder: str | Path,
        district: str,
        *,
        tls: ssl.SSLContext | None = None,
        also: Further | None = None,
    ) -> None:
        load_paho()
        port = _embedded_port(url)
        where = None if port is not None else Address.parse(url)
        self._topics = Topics(district)
        self._folder = Path(folder)
        self._tail = LedgerTail(self._folder, district)
        self._broker = None if port is None else EmbeddedBroker(port)
        # of the embedded broker it is known that 3.1.1 is all it speaks
        self._version = None if self._broker is None else _VERSIONS[-1]
        self._where = where or Address.parse(self._broker.url if self._broker else url)
        self.address = str(self._where)
        self._tls = tls
        self._also = also
        self._published = 0
        self._last: bytes | None = None
        self._waiting: bytes | None = None
        self._delay = _FIRST_DELAY
        self._has_warned = self._has_finished = False
        self._thrown_out = 0
        self._has_forgotten = False
        self._changed, self._closing, self._over = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._run, name="mqtt-outbox", daemon=True)
        self._thread.start()

    @property
    def published(self) -> int:
        """Rounds that a broker has acknowledged, from the ledger's first."""
        return self._published

    def notify(self) -> None:
        """Say that the ledger has grown; returns at once."""
        self._changed.set()

    def on_round(self, record: Round) -> None:
        """As :meth:`notify`: what is published comes from the ledger."""
        self._changed.set()

    def close(self, timeout: float = 10.0) -> int:
        """Wait until everything in the ledger's files is published, then leave.

        A broker that cannot be reached is tried once more, not waited for.  Flush or close the
        ledger before.  A second call does nothing more.

        Parameters
        ----------
        timeout : float
            Seconds to wait, at most.

        Returns
        -------
        int
            Rounds that remain unpublished.  The ledger has them, and the next publisher of this
            ledger begins with them.
        """
        self._closing.set()
        self._changed.set()
        self._thread.join(timeout)
        self._over.set()
        self._changed.set()
        self._thread.join(_LEAVE_SECONDS)
        if self._broker is not None:
            self._broker.close(_LINGER_SECONDS)
        if self._has_finished:
            return 0
        remaining = self._remaining()
        if remaining > 0:
            _LOG.log(
                logging.INFO if self._has_warned else logging.WARNING,
                "%d rounds are not published to %s; the ledger %s has them",
                remaining,
                self.address,
                self._folder,
            )
        return remaining

    def _run(self) -> None:
        try:
            self._resume()
            self._work()
        except LedgerError as error:
            _LOG.error("publishing to %s stops: %s", self.address, error)
        finally:
            self._tail.close()

    def _work(self) -> None:
        while not (self._has_finished or self._over.is_set()):
            try:
                link = self._connect()
            except OSError as error:
                self._warn(error)
                if self._closing.is_set():
                    return
            else:
                is_allowed = self._serve(link)
                if self._closing.is_set() and not is_allowed:
                    return
            if not self._has_finished:
                (self._over if self._closing.is_set() else self._closing).wait(self._delay)
                self._delay = min(2 * self._delay, _LAST_DELAY)

    def _connect(self) -> Link:
        refusal = VersionError("no version of MQTT was tried")
        for version in _VERSIONS if self._version is None else (self._version,):
            try:
                link = Link(
                    self._where,
                    version,
                    self._topics.client(self._where.user, self._where.password),
                    (self._topics.status, self._status(Status.LOST)),
                    self._tls,
                    self._changed,
                    self._over.is_set,
                )
            except VersionError as error:
                refusal, self._version = error, None
            else:
                self._version = version
                return link
        raise refusal

    def _serve(self, link: Link) -> bool:
        """Publish until the connection is lost or all is done; False if the broker forbids it."""
        begun = time.monotonic()
        try:
            link.retain(self._topics.status, self._status(Status.ONLINE))
            if self._last is not None:  # a broker that was killed may have forgotten it
                link.retain(self._topics.last, self._last)
            while not self._has_finished:
                self._changed.clear()
                link.check()
                if self._has_warned and time.monotonic() - begun > _STEADY_SECONDS:
                    self._has_warned = False
                    _LOG.warning("publishing to %s again", self.address)
                is_closing = self._closing.is_set()
                self._waiting = self._waiting or self._tail.read()
                if self._waiting is not None:
                    self._publish(link, self._waiting)
                elif is_closing:
                    link.retain(self._topics.status, self._status(Status.OFFLINE))
                    self._has_finished = True
                else:
                    self._forget(link)
                    self._changed.wait(_POLL_SECONDS)
        except OSError as error:
            self._warn(error)
            if isinstance(error, RefusedError):
                return False
            self._suspect(time.monotonic() - begun < _STEADY_SECONDS)
        finally:
            (link.close if self._has_finished else link.cut)()
        return True

    def _publish(self, link: Link, payload: bytes) -> None:
        assert self._tail.round is not None
        link.send(self._topics.round(self._tail.round), payload)
        link.retain(self._topics.last, payload)
        if self._also is not None:
            assert self._tail.record is not None, "a payload was read"
            for topic, message in self._also(self._tail.record, self._tail.ledger, self._tail.head):
                link.send(topic, message)
        self._last, self._waiting = payload, None
        self._published = self._tail.index
        self._delay = _FIRST_DELAY
        write_cursor(self._folder, self._published, self._tail.head)

    def _forget(self, link: Link) -> None:
        """A new ledger has no last round; what the broker may retain is another ledger's."""
        if self._last is None and not self._has_forgotten:
            link.retain(self._topics.last, b"")
            self._has_forgotten = True

    def _status(self, status: Status) -> bytes:
        return status_payload(self._topics.district, status)

    def _resume(self) -> None:
        """Go to where the last publisher of this ledger stopped."""
        cursor = read_cursor(self._folder)
        if cursor is None:
            return
        self._tail.skip(cursor[0] - 1)
        payload = self._tail.read()
        if payload is not None and (self._tail.index, self._tail.head) == cursor:
            self._last, self._published = payload, self._tail.index
            return
        _LOG.warning(
            "%s names no record of the ledger %s, which is published from its first round",
            CURSOR,
            self._folder,
        )
        self._tail.close()
        self._tail = LedgerTail(self._folder, self._topics.district)

    def _warn(self, error: OSError) -> None:
        _LOG.log(
            logging.INFO if self._has_warned else logging.WARNING,
            "cannot publish to %s (%s); going on without it, the ledger %s has every round",
            self.address,
            error,
            self._folder,
        )
        self._has_warned = True

    def _suspect(self, is_thrown_out: bool) -> None:
        """Few brokers tell a client that another one with its identifier has taken its place."""
        self._thrown_out = self._thrown_out + 1 if is_thrown_out else 0
        if self._thrown_out == _RIVALRY:
            _LOG.warning(
                "thrown out of %s %d times in a row: is the district %s published by another "
                "process, too? There can be one at a time",
                self.address,
                _RIVALRY,
                self._topics.district,
            )

    def _remaining(self) -> int:
        written = 0
        with suppress(LedgerError, InputError):  # damaged, or gone: as many as can be read
            tail = LedgerTail(self._folder, self._topics.district)
            try:
                tail.skip()
            finally:
                written = tail.index
                tail.close()
        return max(written - self._published, 0)


def _embedded_port(url: object) -> int | None:
    """Port of ``embedded[:port]``, 0 if it names none; None for another URL."""
    name, colon, port = str(url).partition(":")
    if name != "embedded":
        return None
    if colon and not (port.isascii() and port.isdigit()):
        raise InputError(f"embedded broker's port must be a number, got {port!r}")
    return int(port or 0)
