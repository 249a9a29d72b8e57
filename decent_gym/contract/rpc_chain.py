"""A chain behind a node's JSON-RPC: any of Ethereum's kind."""

import http.client
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult

from decent_gym.contract.chain import Receipt, RefusedError, checked_address
from decent_gym.errors import DataError, InputError, MissingExtraError, plain
from decent_gym.json_text import load_json
from decent_gym.ledger.checkpoint import read_capped
from decent_gym.web_address import http_address

_NUMBER_DIGITS: Final = 18
"""Of numbers, with the 0x: gas, prices, counts and ids of chains stay within 64 bits."""
_ANSWER_CAP: Final = 2**22
_KEY_FILE_CAP: Final = 200
_KEY_DIGITS: Final = 64
_BATCH: Final = 100
_REQUEST_SECONDS: Final = 30.0
_POLL_SECONDS: Final = (0.005, 2.0)
"""Time between two looks for a receipt: it doubles from the first to the second."""


class RpcChain:
    """A node's chain, seen by an account whose key is here, or that the node has unlocked.

    Every transaction is tried first (``eth_estimateGas``), so that one that would be refused is
    never sent; then it is sent and awaited.

    Parameters
    ----------
    url : str
        Of the node, ``http://host:port/...`` or https.
    key_file : str or Path, optional
        File with the private key of the sender, 64 hexadecimal digits; by default the node signs,
        for the first account that it has unlocked.
    sender : str, optional
        Another account that the node has unlocked.
    seconds : float
        How long a transaction may take to get into a block.

    Raises
    ------
    InputError
        No such URL or key file; the node has unlocked no account.
    DataError
        What answers is no such node.
    OSError
        Nothing answers.
    MissingExtraError
        A key file, without eth-account.
    """

    def __init__(
        self,
        url: str,
        key_file: str | Path | None = None,
        sender: str | None = None,
        seconds: float = 300.0,
    ) -> None:
        if key_file is not None and sender is not None:
            raise InputError("a key file says who sends; give no other sender")
        self._url = _checked_url(url)
        # a URL's path may hold a secret
        port = "" if self._url.port is None else f":{self._url.port}"
        self._shown = f"{self._url.scheme}://{self._url.hostname}{port}"
        self._seconds = seconds
        self._requests = 0
        self._is_idle = False
        self._takes_batches = True
        self._account = None if key_file is None else _account(key_file)
        self.chain_id = _number(self.ask("eth_chainId"), "chain id")
        self.name = str(self.chain_id)
        self.sender = self._first_sender(sender)

    def deploy(self, code: bytes) -> Receipt:
        """Create a contract."""
        return self._transact({"data": _hex(code)})

    def send(self, to: str, data: bytes) -> Receipt:
        """Call a contract for good."""
        return self._transact({"to": to, "data": _hex(data)})

    def call(self, to: str, data: bytes) -> bytes:
        """Ask a contract."""
        return self.calls(to, [data])[0]

    def calls(self, to: str, many: Sequence[bytes]) -> list[bytes]:
        """Ask a contract several things, a hundred in one request if the node takes that."""
        about = [({"from": self.sender, "to": to, "data": _hex(data)}, "latest") for data in many]
        found: list[Any] = []
        while len(found) < len(about):
            some = about[len(found) : len(found) + _BATCH]
            found += (self._batch("eth_call", some) if len(some) > 1 else None) or [
                self.ask("eth_call", *arguments) for arguments in some
            ]
        return [_bytes(one, "eth_call") for one in found]

    def code(self, address: str) -> bytes:
        """The code at an address, empty if there is none."""
        return _bytes(self.ask("eth_getCode", address, "latest"), "eth_getCode")

    def ask(self, method: str, *arguments: Any) -> Any:
        """One request to the node.

        Raises
        ------
        RefusedError
            A contract refuses what was asked of it.
        DataError
            The node knows no answer, or it is not one.
        OSError
            Nothing answers.
        """
        request = self._request(method, arguments)
        return self._result(request, self._post(json.dumps(request).encode()))

    def _batch(self, method: str, many: Sequence[Sequence[Any]]) -> list[Any] | None:
        """The results of many requests that go as one; None if the node takes no such."""
        if not self._takes_batches:
            return None
        requests = [self._request(method, arguments) for arguments in many]
        try:
            answers = self._post(json.dumps(requests).encode())
        except DataError:
            answers = None
        if not isinstance(answers, list):  # one by one, from now on; a fault is then named
            self._takes_batches = False
            return None
        # a node may answer them in any order
        by_id = {str(one.get("id")): one for one in answers if isinstance(one, dict)}
        return [self._result(request, by_id.get(str(request["id"]))) for request in requests]

    def _request(self, method: str, arguments: Sequence[Any]) -> dict[str, Any]:
        self._requests += 1
        return {"jsonrpc": "2.0", "id": self._requests, "method": method, "params": arguments}

    def _result(self, request: dict[str, Any], answer: Any) -> Any:
        method = request["method"]
        if not isinstance(answer, dict) or answer.get("id") != request["id"]:
            raise DataError(f"{self._shown} does not answer {method} as a node does")
        if "error" in answer:
            raise _failure(method, answer["error"])
        return answer.get("result")

    def _first_sender(self, sender: str | None) -> str:
        if self._account is not None:
            return str(self._account.address).lower()
        if sender is not None:
            return checked_address(sender, "the sender")
        accounts = self.ask("eth_accounts")
        if not isinstance(accounts, list) or not accounts:
            raise InputError(f"the node at {self._shown} signs for nobody; give a --key-file")
        return checked_address(accounts[0], "the node's first account")

    def _transact(self, request: dict[str, Any]) -> Receipt:
        request = {"from": self.sender, **request}
        gas = _number(self.ask("eth_estimateGas", request), "eth_estimateGas")
        request["gas"] = hex(gas + gas // 4)  # what it needs may have changed once it is its turn
        self._check_idle()
        if self._account is None:
            sent = self.ask("eth_sendTransaction", request)
        else:
            sent = self.ask("eth_sendRawTransaction", self._signed(request))
        return self._await(_hex(_bytes(sent, "a transaction's hash")))

    def _check_idle(self) -> None:
        """What an interrupted run has sent must be in a block before anything is decided."""
        if self._is_idle:
            return
        done, sent = (
            _number(self.ask("eth_getTransactionCount", self.sender, block), "count")
            for block in ("latest", "pending")
        )
        if sent > done:
            raise InputError(
                f"{sent - done} transactions of {self.sender} are still on their way; try again "
                "once they are in a block"
            )
        self._is_idle = True

    def _signed(self, request: dict[str, Any]) -> str:
        assert self._account is not None
        tip = _number(self.ask("eth_maxPriorityFeePerGas"), "tip")
        price = _number(self.ask("eth_gasPrice"), "gas price")
        nonce = self.ask("eth_getTransactionCount", self.sender, "latest")
        transaction = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": _number(nonce, "nonce"),
            "gas": int(request["gas"], 16),
            "maxPriorityFeePerGas": tip,
            "maxFeePerGas": 2 * price + tip,
            "value": 0,
            "data": request["data"],
        }
        if "to" in request:
            transaction["to"] = bytes.fromhex(request["to"][2:])
        return _hex(bytes(self._account.sign_transaction(transaction).raw_transaction))

    def _await(self, transaction: str) -> Receipt:
        wait, longest = _POLL_SECONDS
        deadline = time.monotonic() + self._seconds
        while (receipt := self.ask("eth_getTransactionReceipt", transaction)) is None:
            if time.monotonic() > deadline:
                raise DataError(
                    f"transaction {transaction} is in no block after {self._seconds:g} s; try "
                    "again later: what is on the chain is asked first"
                )
            time.sleep(wait)
            wait = min(2 * wait, longest)
        if not isinstance(receipt, dict):
            raise DataError(f"{self._shown} gives no receipt of {transaction}")
        if receipt.get("status") != "0x1":
            raise DataError(
                f"transaction {transaction} has failed, though its trial did not: something came "
                "in between; try again"
            )
        address = receipt.get("contractAddress")
        return Receipt(
            _number(receipt.get("gasUsed"), "gas"),
            None if address is None else checked_address(address, "the contract's address"),
            transaction,
        )

    def _post(self, body: bytes) -> Any:
        url = self._url
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        assert url.hostname is not None
        connection = kind(url.hostname, url.port, timeout=_REQUEST_SECONDS)
        where = (url.path or "/") + (f"?{url.query}" if url.query else "")
        try:
            connection.request("POST", where, body, {"Content-Type": "application/json"})
            with connection.getresponse() as answer:
                data = answer.read(_ANSWER_CAP + 1)
        except http.client.HTTPException as error:
            raise DataError(f"{self._shown} does not answer as a node does: {error!r}") from None
        except OSError as error:
            raise ConnectionError(f"no node answers at {self._shown}: {error}") from None
        finally:
            connection.close()
        if answer.status >= 300 and not data.lstrip().startswith(b"{"):  # some send errors so
            raise DataError(
                f"{self._shown} answers with HTTP status {answer.status}; is the URL that of a "
                "node, with whatever it wants to know? Redirections are not followed"
            )
        try:
            return load_json(data, _ANSWER_CAP)
        except ValueError as error:
            raise DataError(
                f"{self._shown} does not answer in JSON: {error}, in {data[:80]!r}"
            ) from None


def _checked_url(text: str) -> SplitResult:
    url = http_address(text)
    if url is None:
        raise InputError("a node is at http://host:port, or https; got another address")
    if url.username is not None:
        raise InputError(
            "user names and passwords in a node's URL are not understood; the path may hold a token"
        )
    return url


def _account(path: str | Path) -> Any:
    """The account of a private key; no message ever shows it."""
    try:
        from eth_account import Account
    except ImportError:
        raise MissingExtraError("eth-account", "chain", "signing transactions") from None
    text = read_capped(path, _KEY_FILE_CAP, "key").decode("latin-1").strip().removeprefix("0x")
    try:
        key = bytes.fromhex(text) if len(text) == _KEY_DIGITS else b""
        return Account.from_key(key)
    except ValueError:
        raise InputError(
            f"{path} holds no private key of an account: 64 hexadecimal digits and nothing else"
        ) from None


def _failure(method: str, error: Any) -> Exception:
    """What a node's error means: a contract's refusal, or that the node knows no answer."""
    message, data = "", None
    if isinstance(error, dict):
        message, data = str(error.get("message", ""))[:500], error.get("data")
    if isinstance(data, dict):  # some nodes wrap it
        data = data.get("data", data.get("result"))
    if isinstance(data, str) and data.startswith("0x"):
        return RefusedError(_bytes(data, "a refusal"))
    if "revert" in message:
        return RefusedError(b"")
    return DataError(f"the node has no answer to {method}: {plain(message)}")


def _number(value: Any, what: str) -> int:
    try:
        if isinstance(value, str) and value.startswith("0x") and len(value) <= _NUMBER_DIGITS:
            return int(value, 16)
    except ValueError:
        pass
    raise DataError(f"the node gives no number as {what}: {value!r:.80}")


def _bytes(value: Any, what: str) -> bytes:
    try:
        if isinstance(value, str) and value.startswith("0x"):
            return bytes.fromhex(value[2:])
    except ValueError:
        pass
    raise DataError(f"the node gives no bytes as {what}: {value!r:.80}")


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
