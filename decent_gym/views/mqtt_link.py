"""One connection to a broker, given up at the first sign of trouble.

Nothing is queued here: one message is in flight, and whoever sent it knows whether it was
acknowledged.  Everything that goes wrong is an ``OSError``.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from decent_gym.errors import InputError, MissingExtraError

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_FORMS: Final = "mqtt://[user[:password]@]host[:port], or mqtts:// for TLS"
_KEEPALIVE: Final = 20
_TCP_SECONDS: Final = 5.0
_CONNACK_SECONDS: Final = 3.0
_ACK_SECONDS: Final = 20.0
_OTHER_VERSION: Final = 0x84
_TAKEN_OVER: Final = 0x8E
_LOST: Final = "the connection was lost"
_RIVAL: Final = (
    "another client with the same identifier took this one's place; is the same district published "
    "twice?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is.

    Its text, in messages and logs, holds neither user nor password.
    """

    host: str
    port: int
    is_secure: bool
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read ``mqtt://[user[:password]@]host[:port]`` or ``mqtts://...``.

        User and password are percent-decoded.

        Raises
        ------
        InputError
            Anything else; the message repeats no part of the URL that may be secret.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            host.encode("idna")
        except (ValueError, TypeError, AttributeError):
            raise InputError(f"the broker's URL cannot be read; write {_FORMS}") from None
        if parts.scheme not in _PORTS:
            raise InputError(f"the broker's URL has scheme {parts.scheme!r}; write {_FORMS}")
        if not host or port == 0 or parts.path.strip("/") or parts.query or parts.fragment:
            raise InputError(f"the broker's URL must hold a host and no path; write {_FORMS}")
        if parts.password is not None and not parts.username:
            raise InputError(f"the broker's URL has a password without a user; write {_FORMS}")
        return cls(
            host=host,
            port=_PORTS[parts.scheme] if port is None else port,
            is_secure=parts.scheme == "mqtts",
            **_credentials(parts),
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.is_secure else 'mqtt'}://{host}:{self.port}"


def _credentials(parts: SplitResult) -> dict[str, str | None]:
    texts = {"user": parts.username, "password": parts.password}
    return {name: unquote(text) if text else None for name, text in texts.items()}


def load_paho() -> Any:
    """The paho client's module.

    Raises
    ------
    MissingExtraError
        paho-mqtt is not installed.
    """
    try:
        import paho.mqtt.client as paho
    except ImportError:
        raise MissingExtraError("paho-mqtt", "mqtt", "publishing rounds by MQTT") from None
    return paho


class VersionError(ConnectionError):
    """Somebody listens there but does not answer in this version of the protocol."""


class RefusedError(ConnectionError):
    """The broker does not allow what was asked, and will not before somebody changes its rights."""


class Link:
    """A connection that stands, or has been lost for good.

    Parameters
    ----------
    address : Address
    version : {5, 4}
        5: MQTT 5.0, 4: MQTT 3.1.1.
    client : str
        Client identifier: another connection with the same one ends this one.
    will : tuple of str and bytes, or None
        Topic and payload that the broker publishes, retained, if the connection is cut.
    tls : ssl.SSLContext or None
        For ``mqtts``; None: the system's certificates.
    changed : threading.Event
        Set whenever something happens, so that one thread can wait for several things.
    is_over : callable
        Asked while waiting; once it says True, waiting ends with an OSError.
    heard : callable, optional
        ``heard(topic, payload)`` for every message that comes, in a thread that must not wait.

    Raises
    ------
    VersionError
        The broker does not speak this version: it says so, hangs up or keeps silent.
    RefusedError
        It does not let this user in.
    OSError
        It cannot be reached, or refuses for another reason.
    """

    def __init__(
        self,
        address: Address,
        version: int,
        client: str,
        will: tuple[str, bytes] | None,
        tls: ssl.SSLContext | None,
        changed: threading.Event,
        is_over: Callable[[], bool],
        heard: Callable[[str, bytes], None] | None = None,
    ) -> None:
        paho = load_paho()
        self._changed = changed
        self._is_over = is_over
        self._is_open = self._is_refused = False
        self._acknowledged: int | None = None
        self._subscribed: int | None = None
        self._wanted: Sequence[str] = ()
        self._who = (
            "a user without a name" if address.user is None else f"the user {address.user!r}"
        )
        self._outstanding = 0
        self._counting = threading.Lock()
        self._heard = heard
        self._trouble: str | None = None
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client, protocol=version, reconnect_on_failure=False
        )
        self._client.connect_timeout = _TCP_SECONDS
        if will is not None:
            self._client.will_set(*will, qos=1, retain=True)
        if address.user is not None:
            self._client.username_pw_set(address.user, address.password)
        if address.is_secure:
            self._client.tls_set_context(tls or ssl.create_default_context())
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect(address.host, address.port, _KEEPALIVE)
        # an answer must not wait until the acknowledgement that was sent before it has arrived
        self._client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.loop_start()
        try:
            self._wait(lambda: self._is_open, _CONNACK_SECONDS)
        except OSError as error:
            self.cut()
            if self._is_refused:
                raise
            raise VersionError(str(error)) from None

    def send(self, topic: str, payload: bytes) -> None:
        """Publish for those who listen now; return when the broker has acknowledged.

        Raises
        ------
        OSError
            It has not: the connection was lost, the broker refused or took too long.
        """
        self._send(topic, payload, is_retained=False)

    def retain(self, topic: str, payload: bytes) -> None:
        """Publish for those, too, who will listen later; as :meth:`send` otherwise."""
        self._send(topic, payload, is_retained=True)

    def post(self, topic: str, payload: bytes, *, is_retained: bool = False) -> None:
        """Publish without waiting; see :meth:`settle`.

        Raises
        ------
        OSError
            The connection is lost.
        """
        self.check()
        self._count(1)
        if self._client.publish(topic, payload, qos=1, retain=is_retained).rc:
            raise ConnectionError(_LOST)

    @property
    def outstanding(self) -> int:
        """Messages that were published and are not acknowledged."""
        return self._outstanding

    def settle(self, seconds: float) -> None:
        """Return when the broker has acknowledged everything that was published.

        Raises
        ------
        OSError
            It has not within that time.
        """
        self._wait(lambda: self._outstanding == 0, seconds)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Hear of `topics` from now on; return when the broker has agreed.

        Raises
        ------
        RefusedError
            This user may not read one of them; says which, if the broker does.
        OSError
            It has not agreed.
        """
        self._subscribed, self._wanted = None, topics
        code, asked = self._client.subscribe([(topic, 1) for topic in topics])
        if code:
            raise ConnectionError(_LOST)
        self._wait(lambda: self._subscribed == asked, _ACK_SECONDS)

    def check(self) -> None:
        """Raise OSError if the connection is lost, RefusedError if a right is missing."""
        if self._trouble is not None:
            raise (RefusedError if self._is_refused else ConnectionError)(self._trouble)

    def close(self) -> None:
        """Leave in good order: the broker drops the will."""
        self._client.disconnect()
        self._client.loop_stop()

    def cut(self) -> None:
        """Leave without a word, as a crash does: the broker publishes the will."""
        connection = self._client.socket()
        if connection is not None:
            with suppress(OSError):  # it was gone already
                connection.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()
        if connection is not None:  # paho may have ended before it saw the end
            connection.close()

    def _send(self, topic: str, payload: bytes, *, is_retained: bool) -> None:
        self.check()
        self._count(1)
        sent = self._client.publish(topic, payload, qos=1, retain=is_retained)
        if sent.rc:
            raise ConnectionError(_LOST)
        self._wait(lambda: self._acknowledged == sent.mid, _ACK_SECONDS)

    def _wait(self, is_done: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self._changed.clear()
            if is_done():
                return
            self.check()
            left = deadline - time.monotonic()
            if left <= 0 or self._is_over():
                raise TimeoutError("the broker does not answer")
            self._changed.wait(left)

    def _count(self, change: int) -> None:
        # never held while paho is called: its callbacks come while it holds locks of its own
        with self._counting:
            self._outstanding += change

    def _on_connect(self, client: Any, data: Any, flags: Any, code: Any, more: Any) -> None:
        if code.is_failure:
            self._trouble = f"the broker refuses: {code}"
            self._is_refused = code.value != _OTHER_VERSION
        else:
            self._is_open = True
        self._changed.set()

    def _on_disconnect(self, client: Any, data: Any, flags: Any, code: Any, more: Any) -> None:
        is_rival = flags.is_disconnect_packet_from_server and code.value == _TAKEN_OVER
        self._trouble = self._trouble or (_RIVAL if is_rival else _LOST)
        self._changed.set()

    def _on_publish(self, client: Any, data: Any, mid: int, code: Any, more: Any) -> None:
        if code.is_failure:
            self._trouble = f"the broker refuses what is published: {code}"
            self._is_refused = True
        else:
            self._acknowledged = mid
            self._count(-1)
        self._changed.set()

    def _on_subscribe(self, client: Any, data: Any, mid: int, codes: Any, more: Any) -> None:
        pairs = zip(self._wanted, codes, strict=False)
        refused = [f"{topic} ({code})" for topic, code in pairs if code.is_failure]
        if refused:
            self._trouble = (
                f"the broker does not let {self._who} read {', '.join(refused)}; whoever "
                "runs it can grant that, or connect as a user who may"
            )
            self._is_refused = True
        else:
            self._subscribed = mid
        self._changed.set()

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        if self._heard is not None:
            self._heard(message.topic, bytes(message.payload))
