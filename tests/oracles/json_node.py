"""A node over HTTP, made of the chain in process, that can be told to answer wrongly."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from decent_gym.contract import LocalChain, Receipt
from decent_gym.contract.chain import RefusedError


class ScriptedError(Exception):
    """A node's error; its argument is the error's JSON."""


class Node(ThreadingHTTPServer):
    """A node over HTTP whose chain is in this process; ``script`` replaces single answers, with
    bytes the whole of one; ``status`` is that of HTTP.

    ``asked`` are the methods, in order.
    """

    daemon_threads = True

    def __init__(self, chain: LocalChain | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.chain = LocalChain() if chain is None else chain
        self.accounts = [self.chain.sender, f"0x{'22' * 20}"]
        self.script: dict[str, Any] = {}
        self.status = 200
        self.takes_batches = True
        self.posts = 0
        self.asked: list[str] = []
        self.receipts: dict[str, Receipt] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"

    def answer(self, method: str, arguments: list[Any]) -> Any:
        self.asked.append(method)
        if method in self.script:
            found = self.script[method]
            return found(*arguments) if callable(found) else found
        return getattr(self, method)(*arguments)

    def eth_chainId(self) -> str:  # noqa: N802
        return "0x7a69"

    def eth_accounts(self) -> list[str]:
        return self.accounts

    def eth_getTransactionCount(self, account: str, block: str) -> str:  # noqa: N802
        return hex(len(self.receipts))

    def eth_getCode(self, address: str, block: str) -> str:  # noqa: N802
        return f"0x{self.chain.code(address).hex()}"

    def eth_call(self, request: dict[str, str], block: str) -> str:
        self.chain.sender = request["from"]
        return f"0x{self.chain.call(request['to'], bytes.fromhex(request['data'][2:])).hex()}"

    def eth_estimateGas(self, request: dict[str, str]) -> str:  # noqa: N802
        if "to" in request:
            machine = self.chain._machine
            before = machine.snapshot()
            try:
                self._run(request)
            finally:
                machine.revert(before)
        return hex(10**6)

    def eth_sendTransaction(self, request: dict[str, str]) -> str:  # noqa: N802
        transaction = f"0x{len(self.receipts):064x}"
        self.receipts[transaction] = self._run(request)
        return transaction

    def eth_getTransactionReceipt(self, transaction: str) -> dict[str, Any]:  # noqa: N802
        receipt = self.receipts[transaction]
        return {"status": "0x1", "gasUsed": hex(receipt.gas), "contractAddress": receipt.address}

    def _run(self, request: dict[str, str]) -> Receipt:
        self.chain.sender = request["from"]
        data = bytes.fromhex(request["data"][2:])
        return self.chain.send(request["to"], data) if "to" in request else self.chain.deploy(data)


@contextmanager
def served() -> Iterator[Node]:
    """A node that answers while the context is open."""
    with Node() as node:
        thread = threading.Thread(target=lambda: node.serve_forever(0.01), daemon=True)
        thread.start()
        try:
            yield node
        finally:
            node.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Node

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posts += 1
        if isinstance(asked, list) and not self.server.takes_batches:
            data = b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "no"}}'
        elif isinstance(asked, list):  # in any order, says JSON-RPC 2.0
            data = json.dumps([self.answer(one)[0] for one in reversed(asked)]).encode()
        else:
            answer, data = self.answer(asked)
            data = json.dumps(answer).encode() if data is None else data
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            answer["result"] = self.server.answer(request["method"], request["params"])
        except RefusedError as error:
            data = f"0x{error.output.hex()}"
            answer["error"] = {"code": 3, "message": "execution reverted", "data": data}
        except ScriptedError as error:
            answer["error"] = error.args[0]
        found = answer.get("result")
        return (answer, found) if isinstance(found, bytes) else (answer, None)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
