"""The other ends of a publisher: a receiver, a broker that can be killed, and one that is told
what to answer."""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress

import paho.mqtt.client as paho

from decent_gym.views.mqtt_payload import Arrival, RoundFeed
from decent_gym.views.mqtt_tail import read_payloads

PATIENCE = 60.0
SERVE = """
import sys
from decent_gym.views.mqtt_broker import EmbeddedBroker
broker = EmbeddedBroker(int(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""
PUBLISH = """
import sys
from decent_gym.views.mqtt_outbox import Publisher
publisher = Publisher(sys.argv[1], sys.argv[2], "rural")
print("ready", flush=True)
sys.stdin.read()
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(is_done):
    deadline = time.monotonic() + PATIENCE
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Receiver:
    """Subscribes to everything of a district and keeps it, in order of arrival."""

    def __init__(self, port, district="rural"):
        self.messages = []
        self.changed = threading.Condition()
        self.subscriptions = 0
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.reconnect_delay_set(0.02, 0.1)
        self.client.on_connect = lambda client, *_: client.subscribe(f"decent/v1/{district}/#", 1)
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.connect_async("127.0.0.1", port)
        self.client.loop_start()

    def _on_subscribe(self, *_):
        with self.changed:
            self.subscriptions += 1
            self.changed.notify_all()

    def _on_message(self, client, data, message):
        with self.changed:
            self.messages.append((message.topic, bytes(message.payload), message.retain))
            self.changed.notify_all()

    def wait(self, is_done):
        with self.changed:
            assert self.changed.wait_for(lambda: is_done(self), PATIENCE), self.messages[-3:]

    def of(self, topic):
        """What came under a topic, as objects."""
        return [json.loads(payload) for name, payload, _ in self.messages if name == topic]

    @property
    def rounds(self):
        """Payloads of rounds, without those that are repeated as the last one."""
        return [p for name, p, _ in self.messages if name.rpartition("/")[2].isdigit()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()


def chain(payloads, folder, district="rural"):
    """What a receiver has in the end: new payloads, catching up from the ledger at each gap."""
    feed, heard, fetched, dropped = RoundFeed(), [], 0, 0
    for payload in payloads:
        arrival = feed.feed(payload)
        if arrival is Arrival.GAP:
            upto = json.loads(payload)["record"]
            for missed in read_payloads(folder, district, feed.missing_from):
                if json.loads(missed)["record"] == upto:
                    break
                assert feed.feed(missed) is Arrival.NEW
                heard.append(missed)
                fetched += 1
            arrival = feed.feed(payload)
        if arrival is Arrival.NEW:
            heard.append(payload)
        else:
            assert arrival is Arrival.DUPLICATE
            dropped += 1
    return heard, fetched, dropped


class Peer:
    """A script in a process of its own, ready when it has written a line; leaving kills it."""

    def __init__(self, script, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


class ScriptedBroker:
    """Speaks just enough MQTT 5.0 and 3.1.1 to answer a publisher as it is told.

    `versions` it takes; `connack` are the codes of its refusals by version, `puback` is the code
    of its acknowledgements, `None` gives none.  It hangs up instead of acknowledging the messages
    whose place in the order of arrival is in `drop`.  `suback` are the codes of subscriptions that
    it refuses, by topic.
    """

    def __init__(self, versions=(4, 5), connack=None, puback=0, tls=None, drop=(), suback=None):
        self.versions, self.connack, self.puback = versions, connack, puback
        self.connects, self.publishes, self.goodbyes = [], [], 0
        self.tls, self.drop, self.suback = tls, drop, suback or {}
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        version = 4
        if self.tls:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                return
        with connection, connection.makefile("rb") as stream:
            while header := stream.read(1):
                length = shift = 0
                while True:
                    byte = stream.read(1)[0]
                    length |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                body = stream.read(length)
                kind = header[0] >> 4
                try:
                    if kind == 1:
                        version = self._connect(connection, body)
                    elif kind == 3:
                        self._publish(connection, header[0], body, version)
                    elif kind == 8:
                        self._subscribe(connection, body, version)
                    elif kind == 12:
                        connection.sendall(b"\xd0\x00")
                    elif kind == 14:
                        self.goodbyes += 1
                except OSError:
                    return

    def _connect(self, connection, body):
        version, flags = body[6], body[7]
        rest = body[10:]
        if version == 5:
            rest = rest[1 + rest[0] :]
        client, rest = _text(rest)
        will = None
        if flags & 4:
            if version == 5:
                rest = rest[1 + rest[0] :]
            topic, rest = _text(rest)
            payload, rest = _text(rest)
            will = (topic.decode(), payload, flags & 0b111000)
        user, rest = _text(rest) if flags & 128 else (None, rest)
        password, rest = _text(rest) if flags & 64 else (None, rest)
        self.connects.append((version, client, user, password, will))
        code = (self.connack or {}).get(version, 0)
        if version not in self.versions:
            code = 1 if version == 4 or 5 not in self.versions else 0x84
        tail = b"\0" if version == 5 and version in self.versions else b""
        connection.sendall(bytes([0x20, 2 + len(tail), 0, code]) + tail)
        if code:
            connection.shutdown(socket.SHUT_WR)
        return version

    def _publish(self, connection, header, body, version):
        topic, rest = _text(body)
        identifier, rest = rest[:2], rest[2:]
        if version == 5:
            rest = rest[1 + rest[0] :]
        self.publishes.append((topic.decode(), rest, header & 0b1111))
        if len(self.publishes) in self.drop:
            connection.shutdown(socket.SHUT_RDWR)
        elif self.puback is not None:
            code = bytes([self.puback]) if self.puback and version == 5 else b""
            connection.sendall(bytes([0x40, 2 + len(code)]) + identifier + code)

    def _subscribe(self, connection, body, version):
        identifier, rest = body[:2], body[2:]
        if version == 5:
            rest = rest[1 + rest[0] :]
        codes = []
        while rest:
            topic, rest = _text(rest)
            codes.append(self.suback.get(topic.decode(), rest[0] & 3))
            rest = rest[1:]
        answer = identifier + (b"\0" if version == 5 else b"") + bytes(codes)
        connection.sendall(bytes([0x90, len(answer)]) + answer)

    def hang_up(self):
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.hang_up()


def _text(data):
    (length,) = struct.unpack_from(">H", data)
    return data[2 : 2 + length], data[2 + length :]
