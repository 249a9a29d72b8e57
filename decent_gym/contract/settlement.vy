# pragma version 0.4.3
# pragma evm-version shanghai
# SPDX-License-Identifier: Apache-2.0
"""
@title Settlement of a local energy market
@notice What the operator of a market must keep to, whoever it is: the rounds of its ledger are
        anchored in order and once, money only moves between accounts, and anybody can check that a
        record is in the ledger.  The market is cleared off the chain; that the ledger follows its
        own rules, whoever has a copy of it checks (decent-gym verify).
@dev Amounts are nano-euro.  Accounts are numbered as in the ledger: its organizations, then fuel,
     network and operator.
"""

MOST_ACCOUNTS: constant(uint256) = 65_535
MOST_DELTAS: constant(uint256) = 256
MOST_RECORDS: constant(uint256) = 2**63 - 1
DEPTH: constant(uint256) = 63


event Committed:
    first: indexed(uint256)
    last: indexed(uint256)
    size: uint256
    root: bytes32


event Settled:
    round: indexed(uint256)
    first: uint256
    deltas: uint256
    whole: bool


event OwnershipOffered:
    to: indexed(address)


event OwnershipTaken:
    owner: indexed(address)


struct Status:
    # Hash of the ledger's first record, which says whose rounds these are.
    ledger: bytes32
    accounts: uint256
    first_round: uint256
    # Rounds before this one are committed.
    next_round: uint256
    # Records under the last root, and the root.
    size: uint256
    root: bytes32
    # Rounds before this one are settled.
    next_unsettled: uint256
    # A settlement in parts: its round, and how many accounts it has reached.
    open_round: uint256
    reached: uint256
    owner: address
    pending_owner: address


LEDGER: immutable(bytes32)
ACCOUNTS: immutable(uint256)
FIRST_ROUND: immutable(uint256)

owner: public(address)
pending_owner: public(address)
# Root of the Merkle tree (RFC 6962) over the ledger's first `size` records.
roots: public(HashMap[uint256, bytes32])

next_round: uint256
size: uint256
next_unsettled: uint256
open_round: uint256
reached: uint256
money: int256[MOST_ACCOUNTS]


@deploy
def __init__(ledger: bytes32, accounts: uint256, first_round: uint256):
    """
    @param ledger Hash of the ledger's first record.
    @param accounts How many accounts its rounds have.
    @param first_round Number of its first round.
    """
    assert 2 <= accounts and accounts <= MOST_ACCOUNTS, "accounts out of range"
    LEDGER = ledger
    ACCOUNTS = accounts
    FIRST_ROUND = first_round
    self.owner = msg.sender
    self.next_round = first_round
    self.next_unsettled = first_round
    self.size = 1  # the first record is the ledger's header


@external
def commit(first: uint256, last: uint256, size: uint256, root: bytes32):
    """
    @notice Anchor the rounds first to last: the ledger had `size` records after the last of them,
            and their Merkle root was this.
    """
    assert msg.sender == self.owner, "not the owner"
    assert first >= self.next_round, "round is committed already"
    assert first == self.next_round, "a round is left out"
    assert last >= first and last < max_value(uint256), "rounds out of range"
    # every round is a record, so the tree has grown by at least as many
    assert size <= MOST_RECORDS and last - first < size, "size out of range"
    assert self.size <= size - (last - first + 1), "size out of range"
    assert root != empty(bytes32), "root is empty"
    self.next_round = last + 1
    self.size = size
    self.roots[size] = root
    log Committed(first=first, last=last, size=size, root=root)


@external
def settle(round: uint256, first: uint256, deltas: DynArray[int256, MOST_DELTAS]):
    """
    @notice Add deltas that sum to zero to the balances, which then are those after `round`.
    @dev The last delta is always that of the last account, the operator's; the others are those
         of the accounts from `first` on.  A settlement of more than 255 other accounts takes
         several calls in order, each of which sums to zero, and counts once it has reached them
         all.
    """
    assert msg.sender == self.owner, "not the owner"
    assert round >= self.next_unsettled, "round is settled already"
    assert round < self.next_round, "round is not committed"
    reached: uint256 = self.reached
    assert reached == 0 or round == self.open_round, "another settlement is open"
    assert first == reached, "part out of order"
    assert len(deltas) >= 2, "too few deltas"
    others: uint256 = len(deltas) - 1
    # first is what was reached before, so it is small
    assert first + others < ACCOUNTS, "too many deltas"
    total: int256 = 0
    for delta: int256 in deltas:
        total += delta
    assert total == 0, "deltas do not sum to zero"
    account: uint256 = first
    for i: uint256 in range(others, bound=MOST_DELTAS):
        if deltas[i] != 0:
            self.money[account] += deltas[i]
        account += 1
    if deltas[others] != 0:
        self.money[ACCOUNTS - 1] += deltas[others]
    whole: bool = account == ACCOUNTS - 1
    if whole:
        self.next_unsettled = round + 1
        account = 0
    else:
        self.open_round = round
    if account != reached:
        self.reached = account
    log Settled(round=round, first=first, deltas=len(deltas), whole=whole)


@external
@view
def verify(
    leaf: bytes32, index: uint256, size: uint256, proof: DynArray[bytes32, DEPTH]
) -> bool:
    """
    @notice Whether the ledger's record number `index` has the hash `leaf`, under the root that was
            committed for `size` records.
    @dev RFC 9162, section 2.1.3.2.
    """
    root: bytes32 = self.roots[size]
    if root == empty(bytes32) or index >= size:
        return False
    node: uint256 = index
    last: uint256 = size - 1
    found: bytes32 = sha256(concat(b"\x00", leaf))
    for sibling: bytes32 in proof:
        if last == 0:
            return False
        if node % 2 == 1 or node == last:
            found = sha256(concat(b"\x01", sibling, found))
            for _: uint256 in range(DEPTH):  # levels where the node has no sibling
                if node % 2 == 1 or node == 0:
                    break
                node //= 2
                last //= 2
        else:
            found = sha256(concat(b"\x01", found, sibling))
        node //= 2
        last //= 2
    return last == 0 and found == root


@external
@view
def balance_of(account: uint256) -> int256:
    """
    @notice What an account has received minus paid up to the last settlement, nano-euro.
    """
    assert account < ACCOUNTS, "no such account"
    return self.money[account]


@external
@view
def balances(first: uint256) -> DynArray[int256, MOST_DELTAS]:
    """
    @notice Balances of at most 256 accounts from `first` on.
    """
    found: DynArray[int256, MOST_DELTAS] = []
    if first < ACCOUNTS:
        for i: uint256 in range(min(ACCOUNTS - first, MOST_DELTAS), bound=MOST_DELTAS):
            found.append(self.money[first + i])
    return found


@external
@view
def status() -> Status:
    """
    @notice All that one must know before one goes on.
    """
    return Status(
        ledger=LEDGER,
        accounts=ACCOUNTS,
        first_round=FIRST_ROUND,
        next_round=self.next_round,
        size=self.size,
        root=self.roots[self.size],
        next_unsettled=self.next_unsettled,
        open_round=self.open_round,
        reached=self.reached,
        owner=self.owner,
        pending_owner=self.pending_owner,
    )


@external
def offer_ownership(to: address):
    """
    @notice Let `to` become the owner, once it accepts; the zero address withdraws the offer.
    """
    assert msg.sender == self.owner, "not the owner"
    self.pending_owner = to
    log OwnershipOffered(to=to)


@external
def accept_ownership():
    """
    @notice Become the owner.
    """
    assert msg.sender == self.pending_owner, "not the next owner"
    self.owner = msg.sender
    self.pending_owner = empty(address)
    log OwnershipTaken(owner=msg.sender)
