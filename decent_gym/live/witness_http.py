"""A witness over HTTP: the call ``add-checkpoint``, on this machine or behind a proxy.

::

    POST /add-checkpoint            200  a signature line
        old 97                      409  the size that was seen last
        <base64 of a hash>          400 403 404 422  why not
                                    (an empty line, then the checkpoint)

Plain HTTP: signatures protect what is said, a proxy the connection.  One request a connection,
which must be whole within ten seconds.  When all connections are taken, the one that has been
sending for longest makes room: requests are small, and honest ones soon over.

Source: C2SP tlog-witness.
"""

import re
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from decent_gym.errors import DataError, InputError
from decent_gym.ledger.checkpoint import Checkpoint
from decent_gym.ledger.note import NOTE_CAP, decode_base64
from decent_gym.live.witness import Answer, Verdict, Witness

CALL: Final = "/add-checkpoint"
BODY_CAP: Final = NOTE_CAP + 4_096
PATH_CAP: Final = 63
HEAD_CAP: Final = 8_192
"""Most bytes before the body."""
SECONDS: Final = 10.0
"""A request must be whole after so long."""
CONNECTIONS: Final = 64
"""Connections, and so threads, at one time."""
_SLOW: Final = f"a request must be whole within {SECONDS:g} s\n"
_FULL: Final = f"{CONNECTIONS} connections are open, which is as many as may be; try again\n"
_OLD: Final = re.compile(rb"old (0|[1-9][0-9]{0,18})\n")


def parse_request(body: bytes) -> tuple[int, list[bytes], Checkpoint]:
    """Old size, consistency proof and checkpoint of a request.

    Raises
    ------
    DataError
        It is none.
    """
    if len(body) > BODY_CAP:
        raise DataError(f"a request of {len(body)} bytes is longer than {BODY_CAP}")
    first = _OLD.match(body)
    proof, empty, note = body.partition(b"\n\n")
    if first is None or not empty:
        raise DataError("a request is 'old SIZE', proof lines, an empty line and a checkpoint")
    lines = proof.split(b"\n")[1:]
    if len(lines) > PATH_CAP:
        raise DataError(f"{len(lines)} proof lines are more than {PATH_CAP}")
    path = [decode_base64(line.decode("latin-1"), "a proof line") for line in lines]
    return int(first[1]), path, Checkpoint.parse(note)


class WitnessServer(ThreadingHTTPServer):
    """Answers for a witness; serve with ``serve_forever``, stop with ``shutdown``.

    Parameters
    ----------
    witness : Witness
    host : str
        By default this machine alone.
    port : int
        0: any free one, see ``server_port``.

    Raises
    ------
    InputError
        The port cannot be had.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, witness: Witness, host: str = "127.0.0.1", port: int = 0) -> None:
        self.witness = witness
        self._lock = threading.Lock()
        self._sending: dict[socket.socket, float] = {}  # since when, the longest first
        self._answered: set[socket.socket] = set()
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError, ValueError) as error:  # ValueError: no host's name
            raise InputError(f"cannot listen on {host}:{port}: {error}") from None

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for a connection, made by ending a slow one if need be."""
        ended = None
        with self._lock:
            if len(self._sending) + len(self._answered) >= CONNECTIONS:
                ended = next(iter(self._sending), request)
                self._sending.pop(ended, None)
            if ended is not request:
                self._sending[request] = time.monotonic()
        if ended is not None:
            _end(ended, "503 Service Unavailable", _FULL)
        return ended is not request

    def service_actions(self) -> None:
        """End what takes too long; called twice a second and after every connection."""
        with self._lock:
            old = time.monotonic() - SECONDS
            slow = [request for request, begun in self._sending.items() if begun < old]
            for request in slow:
                del self._sending[request]
        for request in slow:
            _end(request, "408 Request Timeout", _SLOW)

    def take(self, request: socket.socket) -> bool:
        """Answer this one, come what may; False if it has been ended."""
        with self._lock:
            is_there = self._sending.pop(request, None) is not None
            if is_there:
                self._answered.add(request)
        return is_there

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection and close it."""
        with self._lock:
            self._sending.pop(request, None)
            self._answered.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are no news."""


def _end(request: socket.socket, status: str, text: str) -> None:
    """Say why and hang up; whoever reads from it in another thread is at its end."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
    with suppress(OSError):  # it has hung up itself
        request.send(f"{head}Connection: close\r\n\r\n{text}".encode())
        request.shutdown(socket.SHUT_RDWR)


class _Head:
    """The lines of a request until its body, ``HEAD_CAP`` bytes at most."""

    def __init__(self, stream: Any) -> None:
        self.read = stream.read
        self.close = stream.close
        self._left = HEAD_CAP
        self._stream = stream

    def readline(self, size: int) -> bytes:
        line: bytes = self._stream.readline(min(size, self._left))
        self._left -= len(line)
        return line if self._left > 0 else b" " * size  # which http.server finds too long


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    timeout = SECONDS
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Read through a cap."""
        super().setup()
        self.rfile: Any = _Head(self.rfile)

    def do_POST(self) -> None:
        """Answer one request."""
        length = self.headers.get("Content-Length", "")
        if self.path != CALL:
            self._send(404, f"there is only {CALL}\n")
        elif not length.isascii() or not length.isdigit() or len(length) > 9:
            self._send(411, "say the Content-Length\n")
        elif int(length) > BODY_CAP:
            self._send(413, f"at most {BODY_CAP} bytes\n")
        else:
            body = self.rfile.read(int(length))
            if self.server.take(self.connection):
                self._answer(body)

    def _answer(self, body: bytes) -> None:
        try:
            old, path, checkpoint = parse_request(body)
        except DataError as error:
            self._send(Verdict.MALFORMED, f"{error}\n")
            return
        try:
            answer = self.server.witness.update(checkpoint, old, path)
        except (DataError, InputError, OSError):
            self._send(503, "the witness cannot write down what it sees\n")
            return
        self._say(answer)

    def _say(self, answer: Answer) -> None:
        if answer.cosignature is not None:
            self._send(answer.verdict, answer.cosignature.line)
        elif answer.verdict is Verdict.CONFLICT:
            self._send(answer.verdict, f"{answer.size}\n", "text/x.tlog.size")
        else:
            self._send(answer.verdict, f"{answer.reason}\n")

    def _send(self, code: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        data = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the library does not print."""
