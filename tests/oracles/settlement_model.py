"""What the settlement contract must do, in plain Python, and random calls to try it with.

Written from what the contract promises, not from its source; it shares no code with it or with the
package's side of it, but what is known of Merkle trees, which has an oracle of its own.
"""

import hashlib
import random
from dataclasses import dataclass, field

from decent_gym.audit.paths import inclusion_fault
from decent_gym.ledger.merkle import Tree

NO_REASON = "no reason given, as when a number is out of range or gas runs out"
ZERO = f"0x{'00' * 20}"
LIMIT = 2**255


class ModelError(Exception):
    """The call is refused; nothing has changed."""


def demand(condition: bool, reason: str) -> None:
    if not condition:
        raise ModelError(reason)


def fits(value: int) -> int:
    demand(-LIMIT <= value < LIMIT, NO_REASON)
    return value


@dataclass
class Model:
    """One contract; every method has the name and the arguments of the contract's function."""

    owner: str
    ledger: bytes
    accounts: int
    first_round: int
    pending_owner: str = ZERO
    roots: dict[int, bytes] = field(default_factory=dict)
    size: int = 1
    open_round: int = 0
    reached: int = 0

    def __post_init__(self) -> None:
        self.next_round = self.next_unsettled = self.first_round
        self.money = [0] * self.accounts

    def commit(self, sender: str, first: int, last: int, size: int, root: bytes) -> None:
        demand(sender == self.owner, "not the owner")
        demand(first >= self.next_round, "round is committed already")
        demand(first == self.next_round, "a round is left out")
        demand(first <= last < 2**256 - 1, "rounds out of range")
        demand(size < 2**63 and size - self.size >= last - first + 1, "size out of range")
        demand(any(root), "root is empty")
        self.next_round, self.size = last + 1, size
        self.roots[size] = root

    def settle(self, sender: str, number: int, first: int, deltas: list[int]) -> None:
        demand(sender == self.owner, "not the owner")
        demand(number >= self.next_unsettled, "round is settled already")
        demand(number < self.next_round, "round is not committed")
        demand(not self.reached or number == self.open_round, "another settlement is open")
        demand(first == self.reached, "part out of order")
        demand(len(deltas) > 1, "too few deltas")
        demand(first + len(deltas) <= self.accounts, "too many deltas")
        total = 0
        for delta in deltas:
            total = fits(total + delta)
        demand(total == 0, "deltas do not sum to zero")
        money = list(self.money)
        places = [*range(first, first + len(deltas) - 1), self.accounts - 1]
        for place, delta in zip(places, deltas, strict=True):
            money[place] = fits(money[place] + delta)
        self.money = money
        if first + len(deltas) == self.accounts:
            self.next_unsettled, self.reached = number + 1, 0
        else:
            self.open_round, self.reached = number, first + len(deltas) - 1

    def offer_ownership(self, sender: str, to: str) -> None:
        demand(sender == self.owner, "not the owner")
        self.pending_owner = to

    def accept_ownership(self, sender: str) -> None:
        demand(sender == self.pending_owner, "not the next owner")
        self.owner, self.pending_owner = sender, ZERO

    def verify(self, leaf: bytes, index: int, size: int, proof: list[bytes]) -> bool:
        root = self.roots.get(size)
        return root is not None and inclusion_fault(leaf, index, size, proof, root) is None

    def status(self) -> tuple:
        return (
            self.ledger,
            self.accounts,
            self.first_round,
            self.next_round,
            self.size,
            self.roots.get(self.size, bytes(32)),
            self.next_unsettled,
            self.open_round,
            self.reached,
            self.owner,
            self.pending_owner,
        )


@dataclass(frozen=True)
class Call:
    sender: str
    function: str
    arguments: tuple


def random_call(rng: random.Random, model: Model, senders: list[str], tree: Tree) -> Call:
    """A call that is right in most respects, and in some case wrong in one."""
    sender = model.owner if rng.random() < 0.9 else rng.choice(senders)
    kind = rng.choices(("commit", "settle", "offer_ownership", "accept_ownership"), (4, 5, 1, 1))[0]
    if kind == "commit":
        first = model.next_round + rng.choice((0,) * 8 + (-1, 1))
        last = first + rng.choice((0, 0, 0, 1, 5, -1))
        size = model.size + rng.choice((1, 1, 2, 6, 7, 0, -1))
        if rng.random() < 0.03:
            first, last, size = rng.choice(
                [(0, 2**256 - 1, 1), (model.next_round, 2**256 - 1, 2**256 - 1), (first, last, 0),
                 (first, last, 2**63), (first, last, 2**256 - 1)]
            )  # fmt: skip
        root = bytes(32) if rng.random() < 0.03 else tree.root(min(max(size, 1), tree.size))
        return Call(sender, kind, (max(first, 0), max(last, 0), max(size, 0), root))
    if kind == "settle":
        return Call(sender, kind, _settlement(rng, model))
    if kind == "offer_ownership":
        return Call(sender, kind, (rng.choice([*senders, ZERO]),))
    heir = model.pending_owner if rng.random() < 0.8 else sender
    return Call(heir if heir != ZERO else sender, kind, ())


def _settlement(rng: random.Random, model: Model) -> tuple[int, int, list[int]]:
    number = model.open_round if model.reached else model.next_unsettled + rng.choice((0, 0, 1))
    number = max(0, number + rng.choice((0,) * 12 + (-1, 1, 9)))
    first = model.reached + rng.choice((0,) * 20 + (1,))
    left = model.accounts - first
    count = min(
        256, max(0, rng.choice((left, left, left, left - 1, 2, left // 2 + 1, 1, 0, left + 1)))
    )
    others = [rng.choice((0, rng.randrange(-(10**12), 10**12))) for _ in range(count - 1)]
    deltas = [*others, -sum(others)][:count]
    if count > 1 and rng.random() < 0.1:
        deltas[rng.randrange(count)] += rng.choice((-1, 1, 2**200, -LIMIT // 2))
    if count > 2 and rng.random() < 0.1:  # sums and balances at the limits, the operator's too
        rich, poor, last = *rng.sample(range(count), 2), count - 1
        deltas = [0] * count
        deltas[rich], deltas[poor] = LIMIT - 1, 1 - LIMIT
        if rng.random() < 0.5:
            deltas[:2], deltas[last] = [LIMIT - 1] * 2, 2 - LIMIT
    return number, first, deltas


def rfc_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it is written there."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + rfc_root(leaves[:k]) + rfc_root(leaves[k:])).digest()
