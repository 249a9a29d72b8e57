"""Ethereum machines that the settlement contract is tried on beside the one in process.

py-evm, the reference in Python, comes with ``pip install eth-tester==0.14.0b1 py-evm==0.12.1b1``;
anvil, a whole node, with ``npm install @foundry-rs/anvil``, and ANVIL says where it is if it is not
in the path.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from decent_gym.contract import Receipt
from decent_gym.contract.chain import RefusedError

NO_ANVIL = "anvil is not installed: npm install @foundry-rs/anvil, and ANVIL=path of its binary"
NO_PY_EVM = "py-evm is not installed: pip install eth-tester==0.14.0b1 py-evm==0.12.1b1"


def has_py_evm() -> bool:
    return find_spec("eth_tester") is not None and find_spec("eth") is not None


def find_anvil() -> str | None:
    return os.environ.get("ANVIL") or shutil.which("anvil")


@contextmanager
def anvil() -> Iterator[str]:
    """Where a fresh anvil listens; it ends with the context."""
    command = find_anvil()
    if command is None:
        raise FileNotFoundError(NO_ANVIL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # npm's command is a script around the program: both end, as a session of their own
    process = subprocess.Popen([command, "--port", str(port), "--silent"], start_new_session=True)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError(f"anvil ended with {process.returncode}") from None
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class PyEvmChain:
    """py-evm by way of eth-tester."""

    def __init__(self) -> None:
        limit = sys.getrecursionlimit()
        from eth_tester import EthereumTester, PyEVMBackend
        from eth_tester.exceptions import TransactionFailed

        self._failed = TransactionFailed
        self._tester = EthereumTester(PyEVMBackend())
        # py-evm raises it so far that deep nesting ends the process instead of raising
        sys.setrecursionlimit(limit)
        self.accounts = [account.lower() for account in self._tester.get_accounts()]
        self.name, self.sender = "py-evm", self.accounts[0]

    def deploy(self, code: bytes) -> Receipt:
        return self._transact({"data": f"0x{code.hex()}"})

    def send(self, to: str, data: bytes) -> Receipt:
        self.call(to, data)  # only this gives the reason of a refusal
        return self._transact({"to": _summed(to), "data": f"0x{data.hex()}"})

    def call(self, to: str, data: bytes) -> bytes:
        request = {"from": _summed(self.sender), "to": _summed(to), "data": f"0x{data.hex()}"}
        try:
            return bytes.fromhex(self._tester.call({**request, "gas": 10**7})[2:])
        except self._failed as error:
            raise RefusedError(_output(error)) from None

    def calls(self, to: str, many: Sequence[bytes]) -> list[bytes]:
        return [self.call(to, data) for data in many]

    def code(self, address: str) -> bytes:
        return bytes.fromhex(self._tester.get_code(_summed(address))[2:])

    def _transact(self, request: dict[str, Any]) -> Receipt:
        request = {"from": _summed(self.sender), **request}
        sent = self._tester.send_transaction({**request, "gas": self._tester.estimate_gas(request)})
        receipt = self._tester.get_transaction_receipt(sent)
        assert receipt["status"] == 1
        address = receipt["contract_address"]
        return Receipt(receipt["gas_used"], address and address.lower(), sent)


def _summed(address: str) -> str:
    from eth_utils import to_checksum_address

    return to_checksum_address(address)


def _output(error: Exception) -> bytes:
    """eth-tester gives the reason decoded, where it can."""
    found = error.args[0]
    if isinstance(found, str) and not found.startswith("0x") and found not in ("", "b''"):
        text = found.encode()
        word = len(text).to_bytes(32, "big")
        return bytes.fromhex("08c379a0") + (32).to_bytes(32, "big") + word + text
    return b""
