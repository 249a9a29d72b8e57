"""A small MQTT broker inside this process, for trying things out and for tests.

It is amqtt: pure Python, MQTT 3.1.1, nothing kept on disk.  For a market that matters run a broker
of its own (mosquitto, for one) and name its URL.
"""

import asyncio
import threading
import time
from contextlib import suppress
from typing import Any, Final

from decent_gym.closing import Closing
from decent_gym.errors import InputError, MissingExtraError
from decent_gym.units import checked_int

HOST: Final = "127.0.0.1"
_STOP_SECONDS: Final = 5.0


class EmbeddedBroker(Closing):
    """Listens on the loopback interface from the moment it is made until :meth:`stop`.

    Anyone on this machine may connect, and nobody else can.  It runs in a thread of its own; what
    it retains is forgotten when it stops.  A context manager: leaving the block stops it.

    Parameters
    ----------
    port : int
        0: any free one.

    Attributes
    ----------
    port : int
        The one that it listens on.
    url : str
        For :class:`decent_gym.views.mqtt_outbox.Publisher` and other clients.

    Raises
    ------
    MissingExtraError
        amqtt is not installed.
    InputError
        `port` is no port, or taken.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = checked_int(port, "broker port", 0, 2**16 - 1)
        try:
            import amqtt.broker  # noqa: F401 - an error in the thread would reach nobody
        except ImportError:
            raise MissingExtraError("amqtt", "broker", "the embedded MQTT broker") from None
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stopping = asyncio.Event()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="mqtt-broker", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise InputError(
                f"broker port {port} cannot be listened on ({self._failure}); choose another, or 0"
            )
        self.url = f"mqtt://{HOST}:{self.port}"

    def close(self, linger: float = 0.0) -> None:
        """Close all connections; a second call does nothing.

        Parameters
        ----------
        linger : float
            Seconds to go on delivering before that: amqtt acknowledges what it has not delivered
            yet, and does not tell when it has.
        """
        if self._thread.is_alive():
            time.sleep(linger)
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
        from amqtt.broker import Broker
        from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

        # An external listener, because of its own ones amqtt does not tell a free port's number.
        listener = ListenerConfig(type=ListenerType.EXTERNAL)
        plugin = "amqtt.plugins.authentication.AnonymousAuthPlugin"
        broker = Broker(BrokerConfig(listeners={"default": listener}, plugins={plugin: {}}))
        writers: set[asyncio.StreamWriter] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.add(writer)
            try:
                await broker.external_connected(
                    StreamReaderAdapter(reader), StreamWriterAdapter(writer), "default"
                )
            except OSError:
                pass  # the client has left meanwhile
            finally:
                writers.discard(writer)
                writer.close()

        try:
            server = await asyncio.start_server(connected, HOST, self.port)
        except OSError as error:
            self._failure = error
            self._ready.set()
            return
        self.port = server.sockets[0].getsockname()[1]
        await broker.start()
        self._ready.set()
        await self._stopping.wait()
        server.close()
        await _shut_down(broker, writers)


async def _shut_down(broker: Any, writers: set[asyncio.StreamWriter]) -> None:
    # a client that does not read must not keep the broker from ending
    for writer in list(writers):
        writer.transport.abort()
    with suppress(TimeoutError):
        await asyncio.wait_for(broker.shutdown(), _STOP_SECONDS)
