"""A witness's port: whoever holds connections keeps nobody else from being answered."""

import base64
import http.client
import selectors
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from live.test_witness import KEY, NOW, OWN, TREE, post, signed
from oracles.rounds import header, rounds

from decent_gym.errors import DataError
from decent_gym.ledger import Checkpoints, Ledger
from decent_gym.live import witness_http
from decent_gym.live.cosigning import cosign
from decent_gym.live.witness import Witness
from decent_gym.live.witness_http import CONNECTIONS, HEAD_CAP, WitnessServer

HEAD = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 5000\r\nX: "
PATIENCE = 30


@contextmanager
def running(folder, clock=lambda: NOW):
    with Witness(folder, OWN, [KEY.verifier], clock=clock) as one, WitnessServer(one) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Drip:
    """Clients that send a byte at a time; those that are thrown out come back."""

    def __init__(self, port, clients):
        self._address = "127.0.0.1", port
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self.thrown_out = 0
        for _ in range(clients):
            self._begin()
        self._thread = threading.Thread(target=self._run)

    def _begin(self):
        one = socket.create_connection(self._address, timeout=PATIENCE)
        one.sendall(HEAD)
        self._selector.register(one, selectors.EVENT_READ)

    def _run(self):
        while not self._over.wait(0.01):
            gone = [key.fileobj for key, _ in self._selector.select(0)]
            for one in gone:
                self._end(one)
                self.thrown_out += 1
                self._begin()
            for key in list(self._selector.get_map().values()):
                with suppress(OSError):
                    key.fileobj.send(b"x")

    def _end(self, one):
        self._selector.unregister(one)
        one.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            self._end(key.fileobj)


def test_honest_requests_are_answered_while_two_hundred_drip(tmp_path):
    before = threading.active_count()
    with running(tmp_path / "state") as server, Drip(server.server_port, 200) as crowd:
        threads, codes = [], []
        for _ in range(PATIENCE * 100):
            if crowd.thrown_out >= 200 - CONNECTIONS:  # all that there is room for hang on
                break
            time.sleep(0.01)
        for size in range(1, 41):
            path = TREE.consistency(size - 1, size) if size > 1 else []
            proof = b"".join(b"%s\n" % base64.b64encode(node) for node in path)
            body = b"old %d\n%s\n%s" % (size - 1, proof, signed(size).to_bytes())
            codes.append(post(server, body)[0])
            threads.append(threading.active_count() - before)
    assert codes == [200] * 40
    assert crowd.thrown_out > 200 - CONNECTIONS
    # the server's, the crowd's, and a few that are about to end
    assert CONNECTIONS / 2 < max(threads) <= CONNECTIONS + 20


def answer_of(connection):
    response = http.client.HTTPResponse(connection, method="POST")
    response.begin()
    return response.status, response.read().decode()


def test_a_request_that_never_ends_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(witness_http, "SECONDS", 0.2)
    with running(tmp_path / "state") as server:
        for start in (b"", b"POST", HEAD, HEAD + b"\r\n\r\nold 0\n"):
            with socket.create_connection(("127.0.0.1", server.server_port), PATIENCE) as one:
                ready = selectors.DefaultSelector()
                ready.register(one, selectors.EVENT_READ)
                one.sendall(start)
                for _ in range(PATIENCE * 100):
                    if ready.select(0.01):
                        break
                    one.send(b"x")
                code, text = answer_of(one)
                assert (code, "must be whole" in text) == (408, True)


def test_nobody_more_when_all_are_being_answered(tmp_path, monkeypatch):
    monkeypatch.setattr(witness_http, "CONNECTIONS", 2)
    inside, go_on = threading.Semaphore(0), threading.Event()

    def clock():
        inside.release()
        assert go_on.wait(PATIENCE)
        return NOW

    body, codes = b"old 0\n\n" + signed(10).to_bytes(), []
    with running(tmp_path / "state", clock) as server:
        asking = [
            threading.Thread(target=lambda: codes.append(post(server, body)[0])) for _ in range(2)
        ]
        for one in asking:
            one.start()
        assert inside.acquire(timeout=PATIENCE)
        for _ in range(PATIENCE * 100):
            if len(server._answered) == 2:
                break
            time.sleep(0.01)
        with socket.create_connection(("127.0.0.1", server.server_port), PATIENCE) as one:
            code, text = answer_of(one)
        go_on.set()
        for one in asking:
            one.join()
        assert (code, "as many as may be" in text) == (503, True)
        assert post(server, b"")[0] == 400  # there is room again
    assert sorted(codes) == [200, 409]  # one after the other, and both say 'old 0'


def test_who_asks_a_full_witness_hears_why(tmp_path, monkeypatch):
    with Ledger.create(
        tmp_path / "ledger",
        header(operator_key=KEY.verifier.public),
        checkpoints=Checkpoints(1, KEY),
    ) as ledger:
        ledger.on_round(rounds(1)[0])
    monkeypatch.setattr(witness_http, "CONNECTIONS", 0)
    with running(tmp_path / "state") as server:
        for _ in range(20):
            with pytest.raises(DataError, match=r"refuses \(503\): \d+ connections are open"):
                cosign(tmp_path / "ledger", f"http://127.0.0.1:{server.server_port}", OWN.verifier)


@pytest.mark.parametrize("count", [1, 90])
def test_a_head_has_an_end(tmp_path, count):
    with running(tmp_path / "state") as server:
        long = {f"X-{n}": "x" * (HEAD_CAP // count) for n in range(count)}
        assert post(server, b"", headers=long)[0] == 431
        body = b"old 0\n\n" + signed(10).to_bytes()
        assert post(server, body, headers={"X": "x" * 7_000})[0] == 200


def test_one_request_a_connection(tmp_path):
    with running(tmp_path / "state") as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=PATIENCE)
        connection.request("POST", "/add-checkpoint", b"old 0\n\n" + signed(10).to_bytes())
        response = connection.getresponse()
        assert (response.status, response.headers["Connection"]) == (200, "close")
        connection.close()
