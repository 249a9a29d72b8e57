"""The settlement contract on some chain, as Python sees it.

What the contract enforces, whoever the operator is, stands in ``settlement.vy``: rounds are
committed in order and once, deltas sum to zero, only the owner writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from decent_gym.contract.artefact import artefact
from decent_gym.contract.chain import (
    Chain,
    Receipt,
    RefusedError,
    checked_address,
    refusal,
)
from decent_gym.errors import DataError, InputError
from decent_gym.ledger import Proof
from decent_gym.ledger.hashing import HASH_BYTES, link
from decent_gym.units import checked_int, exact_int

MOST_ACCOUNTS: Final = 65_535
MOST_DELTAS: Final = 256
"""Deltas in one call; the last one is the operator's, so it reaches 255 other accounts."""
_NUMBER_CAP: Final = 2**63 - 1
_NO_ROOT: Final = bytes(HASH_BYTES)


@dataclass(frozen=True, slots=True)
class Status:
    """What a contract has taken so far.

    Attributes
    ----------
    ledger : bytes (32,)
        Hash of the ledger's first record.
    accounts : int
    first_round : int
    next_round : int
        Rounds before this one are committed.
    size : int
        Records under the last root; 1 if there is none yet.
    root : bytes (32,)
        Zero if there is none yet.
    next_unsettled : int
        Rounds before this one are settled.
    open_round : int
        The round of a settlement in parts that is not finished.
    reached : int
        Accounts that it has reached; 0: none is open.
    owner, pending_owner : str
        Addresses; the latter is zero if nobody is to follow.
    """

    ledger: bytes
    accounts: int
    first_round: int
    next_round: int
    size: int
    root: bytes
    next_unsettled: int
    open_round: int
    reached: int
    owner: str
    pending_owner: str


class SettlementContract:
    """Roots and balances of one ledger, kept by a chain.

    Every call that the contract refuses raises, and has changed nothing: NotAuthorizedError if the
    sender may not do it, RoundOrderError for a round out of order or twice, else InputError.

    Parameters
    ----------
    chain : Chain
        :class:`LocalChain` or :class:`RpcChain`; its ``sender`` is who calls.
    address : str
        Where the contract is; :meth:`deploy` makes one.

    Raises
    ------
    InputError
        There is no such contract.
    MissingExtraError
        Without the extra ``chain``.

    Examples
    --------
    >>> from decent_gym.contract import LocalChain, SettlementContract
    >>> contract = SettlementContract.deploy(LocalChain(), bytes(32), accounts=4, first_round=0)
    >>> contract.commit(0, 0, size=2, root=bytes([7] * 32)).gas > 0
    True
    >>> _ = contract.settle(0, [-5, 5, 0, 0])
    >>> contract.balances()
    [-5, 5, 0, 0]
    """

    def __init__(self, chain: Chain, address: str) -> None:
        self.chain = chain
        self.address = checked_address(address, "the contract's address")
        self.deployment: Receipt | None = None
        code = chain.code(self.address)
        if not code:
            raise InputError(f"there is no contract at {self.address} on this chain")
        if not artefact().is_code_of(code):
            raise InputError(
                f"the contract at {self.address} is another one, or of another version; this is "
                f"the one with source SHA-256 {artefact().source_sha256}"
            )
        self._accounts = self.status().accounts

    @classmethod
    def deploy(
        cls, chain: Chain, ledger: bytes, accounts: int, first_round: int
    ) -> "SettlementContract":
        """A new contract, owned by the chain's sender; ``.deployment`` is the receipt.

        Parameters
        ----------
        chain : Chain
        ledger : bytes (32,)
            Hash of the ledger's first record.
        accounts : int
            Organizations, fuel, network and operator: ``LedgerHeader.accounts``.
        first_round : int
            Number of the ledger's first round.
        """
        checked_int(accounts, "accounts", 2, MOST_ACCOUNTS)
        checked_int(first_round, "first_round", 0, _NUMBER_CAP)
        code = artefact().creation(_hash(ledger, "ledger"), accounts, first_round)
        try:
            receipt = chain.deploy(code)
        except RefusedError as error:
            raise refusal("to be deployed", error.output) from None
        if receipt.address is None:
            raise DataError("the chain does not say where it has put the contract")
        contract = cls(chain, receipt.address)
        contract.deployment = receipt
        return contract

    def status(self) -> Status:
        """What it has taken so far.

        Raises
        ------
        DataError
            The chain's answer is none that this contract gives.
        """
        found = Status(*self._ask("status"))
        in_order = found.first_round <= found.next_unsettled <= found.next_round
        in_parts = 0 <= found.reached < found.accounts - 1 <= MOST_ACCOUNTS - 1
        is_open = found.next_unsettled <= found.open_round < found.next_round
        if not (in_order and in_parts and (is_open or not found.reached) and found.size):
            raise DataError(f"{self.address} gives a status that its code cannot give: {found}")
        return found

    def commit(self, first: int, last: int, size: int, root: bytes) -> Receipt:
        """Anchor the rounds `first` to `last`.

        Parameters
        ----------
        first, last : int
            `first` is the round after the last committed one.
        size : int
            Records of the ledger up to round `last`, its header among them.
        root : bytes (32,)
            Of the Merkle tree over them.
        """
        for name, value in (("first", first), ("last", last), ("size", size)):
            checked_int(value, name, 0, _NUMBER_CAP)
        return self._send("commit", first, last, size, _hash(root, "root"))

    def settle(self, number: int, deltas: Sequence[int], reached: int = 0) -> list[Receipt]:
        """Add `deltas` to the balances, which then are those after round `number`.

        Parameters
        ----------
        number : int
            A committed round after the last settled one.
        deltas : sequence of int
            n-euro, one for each account from `reached` on; they sum to 0.  More than 256 take
            several calls, the operator's account standing in for the others in between.
        reached : int
            Accounts that an interrupted settlement has reached, as :meth:`status` says.

        Returns
        -------
        list of Receipt
            One a call.
        """
        checked_int(number, "round", 0, _NUMBER_CAP)
        checked_int(reached, "reached", 0, self._accounts - 2)
        values = [exact_int(delta, f"deltas[{i}]") for i, delta in enumerate(deltas)]
        if len(values) != self._accounts - reached:
            raise InputError(
                f"{len(values)} deltas for {self._accounts - reached} accounts: one each"
            )
        if sum(values):
            raise InputError(f"deltas sum to {sum(values)} n-euro, not to 0: nothing was sent")
        others, step = values[:-1], MOST_DELTAS - 1
        receipts = []
        for first in range(0, len(others), step):
            part = others[first : first + step]
            receipts.append(self.settle_part(number, reached + first, [*part, -sum(part)]))
        return receipts

    def settle_part(self, number: int, first: int, deltas: Sequence[int]) -> Receipt:
        """One call of a settlement: the accounts from `first` on, then the operator's."""
        return self._send("settle", number, first, list(deltas))

    def balance(self, account: int) -> int:
        """What an account has received minus paid up to the last settlement, n-euro."""
        checked_int(account, "account", 0, self._accounts - 1)
        return int(self._ask("balance_of", account))

    def balances(self) -> list[int]:
        """The balance of every account, n-euro."""
        found: list[int] = []
        while len(found) < self._accounts:
            part = self._ask("balances", len(found))
            if not 0 < len(part) <= self._accounts - len(found):
                raise DataError(
                    f"the contract says {len(part)} balances from account {len(found)} on"
                )
            found += part
        return found

    def root(self, size: int) -> bytes | None:
        """The root that was committed for `size` records, if one was."""
        return self.roots([size])[0]

    def roots(self, sizes: Sequence[int]) -> list[bytes | None]:
        """As :meth:`root`, for many sizes in few requests."""
        for size in sizes:
            checked_int(size, "size", 0, _NUMBER_CAP)
        found = map(bytes, self._ask_all("roots", [(size,) for size in sizes]))
        return [None if root == _NO_ROOT else root for root in found]

    def verify(self, leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bool:
        """Whether the record with the hash `leaf` is number `index` under the root for `size`.

        Parameters
        ----------
        leaf : bytes (32,)
            The record's own hash.
        index : int
            0 for the ledger's header.
        size : int
        proof : sequence of bytes (32,)
            From the leaf's sibling upwards, at most 63.
        """
        checked_int(index, "index", 0, _NUMBER_CAP)
        checked_int(size, "size", 0, _NUMBER_CAP)
        path = [_hash(node, f"proof[{i}]") for i, node in enumerate(proof)]
        return len(path) < 64 and bool(self._ask("verify", _hash(leaf, "leaf"), index, size, path))

    def verify_proof(self, proof: Proof) -> bool:
        """Whether the record in a proof file is in the ledger, by the contract's own word.

        Raises
        ------
        InputError
            The proof is about no record, or the contract has no root at the proof's size.
        """
        if proof.record is None:
            raise InputError("the proof is about no record")
        size, record = proof.checkpoint.size, proof.record
        # who deploys by code of its own can leave roots beyond those that were committed
        last = self.status().size
        if size > last or self.root(size) is None:
            raise InputError(
                f"the proof is under {size} records, for which no root was committed; the last one "
                f"is for {last}"
            )
        return self.verify(link(record.previous, record.body), record.index, size, record.path)

    def offer_ownership(self, to: str) -> Receipt:
        """Let `to` become the owner once it accepts; the zero address withdraws the offer."""
        return self._send("offer_ownership", checked_address(to, "the next owner"))

    def accept_ownership(self) -> Receipt:
        """Become the owner."""
        return self._send("accept_ownership")

    def _send(self, function: str, *arguments: Any) -> Receipt:
        data = artefact().call(function, arguments)
        try:
            return self.chain.send(self.address, data)
        except RefusedError as error:
            raise refusal(_words(function, arguments), error.output) from None

    def _ask(self, function: str, *arguments: Any) -> Any:
        return self._ask_all(function, [arguments])[0]

    def _ask_all(self, function: str, many: Sequence[Sequence[Any]]) -> list[Any]:
        data = [artefact().call(function, arguments) for arguments in many]
        try:
            outputs = self.chain.calls(self.address, data)
        except RefusedError as error:
            raise refusal(_words(function, many[0]), error.output) from None
        return [artefact().result(function, output) for output in outputs]


def _hash(value: object, name: str) -> bytes:
    if not isinstance(value, bytes) or len(value) != HASH_BYTES:
        raise InputError(f"{name} must be {HASH_BYTES} bytes, got {value!r:.80}")
    return value


def _words(function: str, arguments: Sequence[Any]) -> str:
    shown = [
        f"0x{one.hex()}" if isinstance(one, bytes)
        else f"{len(one)} deltas" if isinstance(one, list)
        else str(one)
        for one in arguments
    ]  # fmt: skip
    return f"{function}({', '.join(shown)})"
