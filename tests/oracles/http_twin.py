"""HTTP without a network: connections that end here, and a node behind them."""

import json
from collections.abc import Callable
from typing import Any
from unittest import mock

from decent_gym.contract import RpcChain

TRANSACTION = f"0x{'ab' * 32}"
GOOD_NODE = {
    "eth_chainId": "0x1",
    "eth_accounts": [f"0x{'11' * 20}"],
    "eth_estimateGas": "0x5208",
    "eth_getTransactionCount": "0x0",
    "eth_sendTransaction": TRANSACTION,
    "eth_getTransactionReceipt": {
        "status": "0x1", "gasUsed": "0x5208", "contractAddress": None
    },
}  # fmt: skip


def answering(answer: Callable[[bytes], tuple[int, bytes]]) -> Any:
    """Connections over HTTP that end here."""

    class Connection:
        def __init__(self, *where: object, **how: object) -> None:
            self.status, self.data = 0, b""

        def request(self, method: str, path: str, body: bytes, headers: object = None) -> None:
            self.status, self.data = answer(body)

        def getresponse(self) -> "Connection":
            return self

        def read(self, most: int) -> bytes:
            return self.data[:most]

        def __enter__(self) -> "Connection":
            return self

        def __exit__(self, *error: object) -> None:
            """Nothing is open."""

        def close(self) -> None:
            """Nothing is open."""

    return mock.patch("http.client.HTTPConnection", Connection)


def ask_node(answers: dict[str, Any], url: str = "http://node.example") -> None:
    """A transaction over a node that gives these answers: results, or bytes in their place."""

    def answer(body: bytes) -> tuple[int, bytes]:
        asked = json.loads(body)
        result = {**GOOD_NODE, **answers}[asked["method"]]
        if isinstance(result, bytes):
            return 200, result
        return 200, json.dumps({"id": asked["id"], "result": result}).encode()

    with answering(answer):
        RpcChain(url, seconds=0).send(f"0x{'22' * 20}", b"\x01")
