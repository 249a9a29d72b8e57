"""A chain in this process, for trying things out: it ends with the process."""

import re
from collections.abc import Sequence
from typing import Final

from decent_gym.contract.chain import Receipt, RefusedError
from decent_gym.errors import MissingExtraError

_OUTPUT: Final = re.compile(r"^Revert \{.*output: 0x([0-9a-f]*)", re.S)
_PURPOSE: Final = "a chain in this process (made for Python up to 3.12; else use a node's --rpc)"
_SENDER: Final = f"0x{'11' * 20}"


class LocalChain:
    """An Ethereum virtual machine (pyrevm) without blocks, gas prices or signatures.

    Its gas is less than a chain takes for all but the deployment: storage that one call has read,
    the next one reads at the lower price.

    Parameters
    ----------
    sender : str
        Any address; may be changed between calls.

    Raises
    ------
    MissingExtraError
        pyrevm is not installed.
    """

    def __init__(self, sender: str = _SENDER) -> None:
        try:
            from pyrevm import EVM
        except ImportError:
            raise MissingExtraError("pyrevm", "chain", _PURPOSE) from None
        self.name = ""
        self.sender = sender
        self._machine = EVM()

    def deploy(self, code: bytes) -> Receipt:
        """Create a contract."""
        try:
            address = self._machine.deploy(self.sender, code)
        except RuntimeError as error:
            raise _refused(error) from None
        return Receipt(self._gas(), address.lower())

    def send(self, to: str, data: bytes) -> Receipt:
        """Call a contract for good."""
        self._message(to, data, is_static=False)
        return Receipt(self._gas())

    def call(self, to: str, data: bytes) -> bytes:
        """Ask a contract."""
        return self._message(to, data, is_static=True)

    def calls(self, to: str, many: Sequence[bytes]) -> list[bytes]:
        """Ask a contract several things."""
        return [self.call(to, data) for data in many]

    def code(self, address: str) -> bytes:
        """The code at an address, empty if there is none."""
        return bytes(self._machine.get_code(address) or b"")

    def _message(self, to: str, data: bytes, is_static: bool) -> bytes:
        try:
            return bytes(
                self._machine.message_call(self.sender, to, calldata=data, is_static=is_static)
            )
        except RuntimeError as error:
            raise _refused(error) from None

    def _gas(self) -> int:
        result = self._machine.result
        assert result is not None
        return result.gas_used


def _refused(error: RuntimeError) -> RefusedError:
    match = _OUTPUT.match(str(error))  # the machine gives it in words only
    return RefusedError(bytes.fromhex(match[1]) if match else b"")
