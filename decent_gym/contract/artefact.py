"""The compiled contract that is checked in, and its calls as bytes.

``tools/build_contract.py`` makes ``settlement.json`` from ``settlement.vy`` and compares the two.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from decent_gym.errors import DataError, MissingExtraError

_PATH: Final = Path(__file__).with_name("settlement.json")
_WORD_BYTES: Final = 32
_IMMUTABLES: Final = 3


@dataclass(frozen=True, slots=True)
class Artefact:
    """What the compiler made of the contract's source.

    Attributes
    ----------
    compiler : str
        With its version.
    source_sha256 : str
    bytecode : bytes
        What is deployed, without the constructor's arguments.
    runtime : bytes
        What then lies on the chain, without the three words that the constructor puts behind it.
    """

    compiler: str
    source_sha256: str
    bytecode: bytes
    runtime: bytes
    _functions: dict[str, tuple[bytes, list[str], list[str]]]

    def creation(self, ledger: bytes, accounts: int, first_round: int) -> bytes:
        """The code that deploys a contract."""
        types = self._functions["constructor"][1]
        return self.bytecode + bytes(load_abi().encode(types, (ledger, accounts, first_round)))

    def call(self, function: str, arguments: Sequence[Any]) -> bytes:
        """What is sent to the contract to call a function."""
        selector, types, _ = self._functions[function]
        return selector + bytes(load_abi().encode(types, tuple(arguments)))

    def result(self, function: str, output: bytes) -> Any:
        """What a function has answered.

        Raises
        ------
        DataError
            No answer of this function looks like that.
        """
        abi = load_abi()
        _, _, types = self._functions[function]
        try:
            (value,) = abi.decode(types, output)
        except (abi.exceptions.DecodingError, ValueError, OverflowError) as error:
            raise DataError(f"the answer to {function} is not one: {error}") from None
        return value

    def is_code_of(self, code: bytes) -> bool:
        """Whether code found on a chain is this contract's, whatever it was deployed with."""
        # what lies behind is never reached; some machines fill up with zeros
        length = len(self.runtime) + _IMMUTABLES * _WORD_BYTES
        return len(code) >= length and code.startswith(self.runtime)


@cache
def artefact() -> Artefact:
    """The artefact that belongs to this version of decent-gym."""
    found = json.loads(_PATH.read_text("utf-8"))
    selectors = {
        signature.partition("(")[0]: int(selector, 16).to_bytes(4, "big")
        for signature, selector in found["method_identifiers"].items()
    }
    functions = {}
    for entry in found["abi"]:
        if entry["type"] in ("function", "constructor"):
            name = entry.get("name", "constructor")
            types = [[_type(one) for one in entry[side]] for side in ("inputs", "outputs")]
            functions[name] = (selectors.get(name, b""), types[0], types[1])
    return Artefact(
        compiler=found["compiler"],
        source_sha256=found["source_sha256"],
        bytecode=bytes.fromhex(found["bytecode"][2:]),
        runtime=bytes.fromhex(found["bytecode_runtime"][2:]),
        _functions=functions,
    )


def load_abi() -> ModuleType:
    """The package that encodes calls.

    Raises
    ------
    MissingExtraError
        eth-abi is not installed.
    """
    try:
        import eth_abi
        import eth_abi.exceptions
    except ImportError:
        raise MissingExtraError("eth-abi", "chain", "the settlement contract") from None
    return eth_abi


def _type(entry: dict[str, Any]) -> str:
    if entry["type"] == "tuple":
        return f"({','.join(_type(part) for part in entry['components'])})"
    return str(entry["type"])
