"""What a contract needs of a chain, and what its refusals mean."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from decent_gym.errors import DecentGymError, InputError, NotAuthorizedError, RoundOrderError

_REASON: Final = bytes.fromhex("08c379a0")
"""How a refusal begins that gives its reason as text: Error(string)."""
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_KINDS: Final[dict[str, type[DecentGymError]]] = {
    "not the owner": NotAuthorizedError,
    "not the next owner": NotAuthorizedError,
    "round is committed already": RoundOrderError,
    "a round is left out": RoundOrderError,
    "round is settled already": RoundOrderError,
    "round is not committed": RoundOrderError,
    "another settlement is open": RoundOrderError,
    "part out of order": RoundOrderError,
}


class RefusedError(Exception):
    """A call that the contract does not accept; it has changed nothing.

    Never leaves the package: the contract turns it into the error that fits.

    Attributes
    ----------
    output : bytes
        What the contract said.
    """

    def __init__(self, output: bytes) -> None:
        super().__init__(reason_of(output))
        self.output = output


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction that the chain has taken.

    Attributes
    ----------
    gas : int
    address : str or None
        Of the contract that it has deployed.
    transaction : str or None
        Its hash; None where there is none.
    """

    gas: int
    address: str | None = None
    transaction: str | None = None


class Chain(Protocol):
    """A chain, as seen by one of its accounts.

    Attributes
    ----------
    name : str
        Tells chains apart; the empty text for one that ends with the process.
    sender : str
        The account that sends, ``0x`` and forty lower-case digits.
    """

    name: str
    sender: str

    def deploy(self, code: bytes) -> Receipt:
        """Create a contract."""

    def send(self, to: str, data: bytes) -> Receipt:
        """Call a contract for good; RefusedError if it refuses, then nothing has changed."""

    def call(self, to: str, data: bytes) -> bytes:
        """Ask a contract; RefusedError if it refuses."""

    def calls(self, to: str, many: Sequence[bytes]) -> list[bytes]:
        """Ask a contract several things at once, as :meth:`call` each."""

    def code(self, address: str) -> bytes:
        """The code at an address, empty if there is none."""


def refusal(what: str, output: bytes) -> DecentGymError:
    """The error that says why the contract refused `what`."""
    reason = reason_of(output)
    return _KINDS.get(reason, InputError)(f"the contract refuses {what}: {reason}")


def reason_of(output: bytes) -> str:
    """The reason in what a contract said when it refused."""
    length = int.from_bytes(output[36:68], "big")
    if output[:4] != _REASON or len(output) < 68 + length:
        return "no reason given, as when a number is out of range or gas runs out"
    return output[68 : 68 + length].decode("ascii", "replace")


def checked_address(text: object, name: str) -> str:
    """An address in lower case.

    Raises
    ------
    InputError
        It is none.
    """
    if not isinstance(text, str) or not _ADDRESS.fullmatch(text):
        raise InputError(f"{name} must be 0x and forty hexadecimal digits, got {text!r:.80}")
    return text.lower()
