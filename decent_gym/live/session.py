"""A connection to a broker that comes back by itself, for those who listen and answer.

What is posted while there is no connection is dropped: every sender here says again what matters
when somebody asks or when the connection is back.
"""

import logging
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from decent_gym.closing import Closing
from decent_gym.errors import InputError
from decent_gym.files import open_regular
from decent_gym.views.mqtt_link import Address, Link, VersionError, load_paho

_FIRST_DELAY: Final = 0.1
_LAST_DELAY: Final = 2.0
_LEAVE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.005
_VERSIONS: Final = (5, 4)
_PASSWORD_CAP: Final = 1_000
_LOG: Final = logging.getLogger(__name__)


class Session(Closing):
    """Stays connected until it is closed.  A context manager: leaving the block closes it.

    Parameters
    ----------
    url : str
        ``mqtt://[user[:password]@]host[:port]`` or ``mqtts://...``.
    topics : sequence of str
        To hear of; ``+`` stands for any one level.
    heard : callable
        ``heard(topic, payload)``, in a thread that must not wait.
    ready : callable, optional
        Called after every connection, once the subscriptions stand; may :meth:`post`.
    tls : ssl.SSLContext, optional
    versions : sequence of int
        Of the protocol, tried in order: 5, and 4 for MQTT 3.1.1.
    is_quiet : bool
        Warn of nothing: somebody else does, who is connected to the same broker.

    Raises
    ------
    InputError
        The URL cannot be used.
    MissingExtraError
        paho-mqtt is not installed.
    """

    def __init__(
        self,
        url: str,
        topics: Sequence[str],
        heard: Callable[[str, bytes], None],
        *,
        ready: Callable[[], None] | None = None,
        tls: ssl.SSLContext | None = None,
        versions: Sequence[int] = _VERSIONS,
        is_quiet: bool = False,
    ) -> None:
        load_paho()
        self._where = Address.parse(url)
        self._topics = tuple(topics)
        self._forward = heard
        self._ready = ready
        self._tls = tls
        self._versions = tuple(versions)
        self._client = f"decent-{secrets.token_hex(8)}"
        self._link: Link | None = None
        self._has_warned = False
        self._is_quiet = is_quiet
        self._connected, self._closing, self._changed = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._run, name="mqtt-session", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where the broker is, without user and password."""
        return str(self._where)

    def wait(self, seconds: float) -> bool:
        """Whether a connection stands, or comes to stand within that time."""
        return self._connected.wait(seconds)

    def post(self, topic: str, payload: bytes, *, is_retained: bool = False) -> bool:
        """Publish without waiting; False if there is no connection and nothing was sent."""
        link = self._link
        if link is None:
            return False
        try:
            link.post(topic, payload, is_retained=is_retained)
        except OSError:
            return False
        return True

    def settle(self) -> None:
        """Return when what was posted is acknowledged, the connection is lost or this closes."""
        while (link := self._link) is not None and link.outstanding:
            if self._closing.wait(_POLL_SECONDS):
                return

    def close(self) -> None:
        """Wait until what was posted is acknowledged, then leave; a second call does nothing."""
        self._closing.set()
        self._changed.set()
        self._thread.join()

    def _run(self) -> None:
        delay = _FIRST_DELAY
        while not self._closing.is_set():
            try:
                link = self._connect()
            except OSError as error:
                self._warn("no connection to %s (%s); trying again", error)
            else:
                begun = time.monotonic()
                self._stay(link)
                if time.monotonic() - begun > _LAST_DELAY:  # else it is thrown out each time
                    delay = _FIRST_DELAY
            self._closing.wait(delay)
            delay = min(2 * delay, _LAST_DELAY)

    def _warn(self, text: str, error: OSError) -> None:
        if not self._closing.is_set():
            _LOG.log(
                logging.INFO if self._has_warned else logging.WARNING, text, self._where, error
            )
            self._has_warned = True

    def _connect(self) -> Link:
        refusal: OSError = ConnectionError("no version of MQTT was tried")
        for version in self._versions:
            try:
                link = Link(
                    self._where, version, self._client, None, self._tls, self._changed,
                    self._is_over, self._heard,
                )  # fmt: skip
            except VersionError as error:
                refusal = error
                continue
            try:
                if self._topics:
                    link.subscribe(self._topics)
            except OSError:
                (link.close if self._closing.is_set() else link.cut)()
                raise
            return link
        raise refusal

    def _heard(self, topic: str, payload: bytes) -> None:
        # amqtt sends every retained message to everybody who subscribes to anything
        if any(_matches(wanted, topic) for wanted in self._topics):
            self._forward(topic, payload)

    def _is_over(self) -> bool:
        # closing ends the wait for a connection, but not the one for last acknowledgements
        return self._closing.is_set() and self._link is None

    def _stay(self, link: Link) -> None:
        self._link = link
        begun = time.monotonic()
        try:
            if self._ready is not None:
                self._ready()
            self._connected.set()
            while not self._closing.is_set():
                self._changed.clear()
                link.check()
                if self._has_warned and time.monotonic() - begun > _LAST_DELAY:
                    self._has_warned = False
                    _LOG.warning("connected to %s again", self._where)
                self._changed.wait(1.0)
            link.settle(_LEAVE_SECONDS)
        except OSError as error:
            self._warn("the connection to %s ended (%s); trying again", error)
            link.cut()
        else:
            link.close()
        finally:
            self._connected.clear()
            self._link = None


def _matches(wanted: str, topic: str) -> bool:
    """Whether a topic is meant by one that may hold the wildcard ``+``."""
    parts, names = wanted.split("/"), topic.split("/")
    pairs = zip(parts, names, strict=False)
    return len(parts) == len(names) and all(part in ("+", name) for part, name in pairs)


def trusting(certificate: str | None) -> ssl.SSLContext | None:
    """A context that trusts the authority in a PEM file; None for the system's.

    Raises
    ------
    InputError
        The file holds no certificate.
    """
    if certificate is None:
        return None
    try:
        return ssl.create_default_context(cafile=certificate)
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"no certificate can be read from {certificate}: {error}") from None


def with_password(url: str, file: str | None) -> str:
    """A broker's URL with the password in a file, which no list of processes shows.

    Parameters
    ----------
    url : str
        ``mqtts://user@host``: names the user and no password.
    file : str or None
        Its first line is the password; None: the URL stays as it is.

    Raises
    ------
    InputError
        The file cannot be read or is empty, or the URL names no user, or a password, too.
    """
    if file is None:
        return url
    address = Address.parse(url)
    if address.user is None or address.password is not None:
        raise InputError(
            "with a password file the broker's URL names a user and no password: mqtts://user@host"
        )
    try:
        with open_regular(Path(file)) as stream:
            password = stream.readline(_PASSWORD_CAP).decode().strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"no password can be read from {file}: {error}") from None
    if not password:
        raise InputError(f"the first line of {file} is empty; it must be the broker's password")
    scheme, _, rest = url.partition("://")
    user, _, host = rest.rpartition("@")
    return f"{scheme}://{user.removesuffix(':')}:{quote(password, safe='')}@{host}"
