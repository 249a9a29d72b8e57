"""A witness over HTTP: the call ``add-checkpoint``, on this machine or behind a proxy.

::

    POST /add-checkpoint            200  a signature line
        old 97                      409  the size that was seen last
        <base64 of a hash>          400 403 404 422  why not
                                    (an empty line, then the checkpoint)

Plain HTTP: signatures protect what is said, a proxy the connection.

Source: C2SP tlog-witness.
"""

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from decent_gym.errors import DataError, InputError
from decent_gym.ledger.checkpoint import Checkpoint
from decent_gym.ledger.note import NOTE_CAP, decode_base64
from decent_gym.live.witness import Answer, Verdict, Witness

CALL: Final = "/add-checkpoint"
BODY_CAP: Final = NOTE_CAP + 4_096
PATH_CAP: Final = 63
SECONDS: Final = 10.0
"""How long a connection may say nothing."""
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

    def __init__(self, witness: Witness, host: str = "127.0.0.1", port: int = 0) -> None:
        self.witness = witness
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError, ValueError) as error:  # ValueError: no host's name
            raise InputError(f"cannot listen on {host}:{port}: {error}") from None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are no news."""


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    timeout = SECONDS
    protocol_version = "HTTP/1.1"

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
            self._answer(self.rfile.read(int(length)))

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
        if code >= 400 and code != Verdict.CONFLICT:
            self.send_header("Connection", "close")  # a body may be left unread
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the library does not print."""
