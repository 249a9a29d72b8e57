"""Bringing a ledger's roots and balances to its contract, and holding the one against the other.

Nothing is remembered here: what is still to be done is the difference between the ledger and what
the contract says of itself, so a run that was interrupted goes on where the chain is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from decent_gym.contract.chain import Chain, Receipt
from decent_gym.contract.settlement import SettlementContract, Status
from decent_gym.errors import DataError, InputError, LedgerError, NotAuthorizedError
from decent_gym.ledger import LedgerHeader, open_records
from decent_gym.ledger.encoding import decode_round
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.header import decode_header
from decent_gym.ledger.merkle import Tree
from decent_gym.units import checked_int

_NO_ROOT: Final = bytes(32)


class DifferenceError(DataError):
    """A contract that says something else than the ledger does."""


@dataclass(frozen=True, slots=True)
class Settling:
    """What :func:`settle_ledger` has done.

    Attributes
    ----------
    contract : SettlementContract
    names : tuple of str
        Of the organizations, whose accounts come first.
    commits : tuple of Receipt
    settlement : tuple of Receipt
        One a call; none if all was settled before.
    before, after : Status
    deltas : tuple of int
        What was added to each account's balance, n-euro.
    balances : tuple of int
        After it, n-euro.
    """

    contract: SettlementContract
    names: tuple[str, ...]
    commits: tuple[Receipt, ...]
    settlement: tuple[Receipt, ...]
    before: Status
    after: Status
    deltas: tuple[int, ...]
    balances: tuple[int, ...]


def settle_ledger(
    path: str | Path,
    chain: Chain,
    address: str | None = None,
    *,
    every: int = 1,
    deployed: Callable[[str], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Settling:
    """Commit the rounds of a ledger that its contract lacks, and settle up to the last one.

    Parameters
    ----------
    path : str or Path
        The ledger's folder, or its exported tables; nothing in it is changed.
    chain : Chain
    address : str, optional
        Of the ledger's contract; by default a new one is deployed.
    every : int
        Rounds under one root; the last root may have fewer.
    deployed : callable, optional
        Told the address of a new contract before anything else is sent to it.
    progress : callable, optional
        Told how many rounds have been committed.

    Raises
    ------
    InputError
        There is no ledger, it has no round, or there is no such contract.
    LedgerError
        The ledger is damaged.
    DifferenceError
        The contract has taken something that is not in the ledger; nothing was sent.  Or another
        run has settled in between, and some of it twice.
    NotAuthorizedError
        The contract has another owner; nothing was sent.
    """
    checked_int(every, "every", 1, 2**31)
    ledger = _Anchored(path)
    contract = (
        SettlementContract.deploy(chain, ledger.hash, ledger.accounts, ledger.first)
        if address is None
        else SettlementContract(chain, address)
    )
    if deployed is not None and address is None:
        deployed(contract.address)
    before = contract.status()
    balances = contract.balances()
    ledger.check(before, balances)
    if before.owner != chain.sender:
        raise NotAuthorizedError(
            f"{contract.address} is owned by {before.owner}, not by {chain.sender}"
        )
    done: list[Receipt] = []

    def settle(number: int) -> None:
        """What lacks until the balances are those after a round."""
        status = contract.status()
        now = contract.balances()
        lacks = [due - is_ for due, is_ in zip(ledger.money(number), now, strict=True)]
        done.extend(contract.settle(number, lacks[status.reached :], status.reached))

    if before.reached:  # an interrupted settlement comes first: balances between two are none
        settle(before.open_round)
    commits = []
    for first in range(before.next_round, ledger.next, every):
        last = min(first + every, ledger.next) - 1
        size = ledger.size_after(last)
        commits.append(contract.commit(first, last, size, ledger.tree.root(size)))
        if progress is not None:
            progress(last + 1 - before.next_round)
    if contract.status().next_unsettled < ledger.next:
        settle(ledger.next - 1)
    after, now = contract.status(), contract.balances()
    ledger.check(after, now)
    return Settling(
        contract,
        ledger.header.names,
        tuple(commits),
        tuple(done),
        before,
        after,
        tuple(is_ - was for is_, was in zip(now, balances, strict=True)),
        tuple(now),
    )


def check_contract(path: str | Path, chain: Chain, address: str) -> Status:
    """Hold every root and every balance of a contract against a ledger; nothing is sent.

    Raises
    ------
    DifferenceError
        Naming the first.
    InputError, LedgerError
        As in :func:`settle_ledger`.
    """
    ledger = _Anchored(path)
    contract = SettlementContract(chain, address)
    status = contract.status()
    ledger.check(status, contract.balances())
    sizes = range(2, status.size + 1)
    for size, root in zip(sizes, contract.roots(sizes), strict=True):
        if root not in (None, ledger.tree.root(size)):
            raise DifferenceError(
                f"{contract.address} holds the root {root.hex()} for {size} records, the ledger's "
                f"is {ledger.tree.root(size).hex()}"
            )
    return status


class _Anchored:
    """A ledger as its contract sees it: roots by size, balances by round."""

    header: LedgerHeader
    hash: bytes

    def __init__(self, path: str | Path) -> None:
        scan = open_records(path)
        hashes: list[bytes] = []
        self._sizes: list[int] = []
        self._money: list[list[int]] = []
        self.first = 0
        for raw in scan:
            hashes.append(raw.hash)
            if raw.kind is RecordType.HEADER:
                self.header, self.hash = decode_header(raw.body), raw.hash
            elif raw.kind is RecordType.ROUND:
                record = decode_round(raw.body, self.header.accounts)
                if not self._sizes:
                    self.first = record.number
                if record.number != self.first + len(self._sizes):
                    raise LedgerError(f"{path}: round {record.number} is out of order; verify it")
                self._sizes.append(raw.index + 1)
                self._money.append(record.accounts.tolist())
        if scan.damage is not None:
            raise LedgerError(f"{path}: record {scan.records}: {scan.reason}; verify it")
        if not self._sizes:
            raise InputError(f"{path} has no round yet: nothing to settle")
        self.tree = Tree(hashes)
        self.accounts = self.header.accounts
        self.next = self.first + len(self._sizes)

    def size_after(self, number: int) -> int:
        """Records up to a round."""
        return self._sizes[number - self.first]

    def money(self, number: int) -> list[int]:
        """Balances after a round; all zero after the one before the first."""
        place = number - self.first
        return self._money[place] if place >= 0 else [0] * self.accounts

    def check(self, status: Status, balances: list[int]) -> None:
        """Raise DifferenceError if a contract has taken what the ledger does not say."""
        ours = (self.hash, self.accounts, self.first)
        theirs = (status.ledger, status.accounts, status.first_round)
        if theirs != ours:
            raise DifferenceError(
                f"the contract is of another ledger: its header is {status.ledger.hex()}, with "
                f"{status.accounts} accounts and rounds from {status.first_round}; this one's is "
                f"{self.hash.hex()}, with {self.accounts} accounts and rounds from {self.first}"
            )
        if status.next_round > self.next:
            raise DifferenceError(
                f"the contract has the rounds up to {status.next_round - 1}, the ledger ends with "
                f"{self.next - 1}: its end was cut off, or it was rolled back"
            )
        size, root = 1, _NO_ROOT
        if status.next_round > self.first:
            size = self.size_after(status.next_round - 1)
            root = self.tree.root(size)
        if (status.size, status.root) != (size, root):
            raise DifferenceError(
                f"after round {status.next_round - 1} the contract has the root "
                f"{status.root.hex()} of {status.size} records, the ledger {root.hex()} of {size}: "
                "one of the two was written anew"
            )
        self._check_money(status, balances)

    def _check_money(self, status: Status, balances: list[int]) -> None:
        due = list(self.money(status.next_unsettled - 1))
        compared = self.accounts
        if status.reached:  # in between, the operator's account stands in for the others
            due[: status.reached] = self.money(status.open_round)[: status.reached]
            compared -= 1
        for account in range(compared):
            if balances[account] != due[account]:
                raise DifferenceError(
                    f"account {account} has {balances[account]} n-euro in the contract and "
                    f"{due[account]} in the ledger after round {status.next_unsettled - 1}"
                )
