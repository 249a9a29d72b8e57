"""A ledger and its contract: what is brought to it, after any interruption, and what is refused."""

import random
from dataclasses import replace

import pytest
from oracles import forger
from oracles.json_node import served
from oracles.rounds import SlowMarket, header

from decent_gym.contract import (
    DifferenceError,
    LocalChain,
    RpcChain,
    SettlementContract,
    check_contract,
    settle_ledger,
)
from decent_gym.contract.artefact import artefact
from decent_gym.errors import DecentGymError, InputError, LedgerError, NotAuthorizedError
from decent_gym.ledger import Checkpoints, Ledger, SigningKey, prove
from decent_gym.ledger.merkle import Tree
from decent_gym.ledger.scan import Scan

pytest.importorskip("pyrevm", reason="pyrevm is not installed: the extra chain")
keccak = pytest.importorskip("eth_utils", reason="eth-utils is not installed: eth-abi").keccak

FIRST, ROUNDS = 40, 7
KEY = SigningKey("district.example/a", bytes(range(32)))
NEXT = SigningKey("district.example/a", bytes(range(1, 33)))


def recorded(organizations=5, seed=1):
    market = SlowMarket(organizations, seed=seed, first=FIRST)
    return [market.round() for _ in range(ROUNDS)]


SETTLE = artefact().call("settle", (0, 0, []))[:4]
HEADER, RECORDS = header(), recorded()
MANY_HEADER, MANY = header(600), recorded(600)


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "ledger"
    forger.write(path, HEADER, RECORDS)
    return path


class Interrupted(LocalChain):
    """Stops after `left` transactions; with `loses_answer`, when the next one is already taken."""

    left = None
    loses_answer = False

    def send(self, to, data):
        if self.left == 0 and not self.loses_answer:
            raise KeyboardInterrupt
        receipt = super().send(to, data)
        if self.left == 0:
            raise KeyboardInterrupt
        if self.left is not None:
            self.left -= 1
        return receipt


def test_every_root_and_the_balances_arrive(ledger):
    told, chain = [], LocalChain()
    done = settle_ledger(ledger, chain, deployed=told.append, progress=told.append)
    assert told == [done.contract.address, *range(1, ROUNDS + 1)]
    tree = Tree(raw.hash for raw in Scan(ledger))
    for size in range(2, ROUNDS + 2):
        assert done.contract.root(size) == tree.root(size)
    assert done.contract.balances() == list(done.balances) == RECORDS[-1].accounts.tolist()
    assert any(done.deltas) and done.deltas == done.balances
    status = check_contract(ledger, chain, done.contract.address)
    assert (status.next_round, status.next_unsettled) == (FIRST + ROUNDS, FIRST + ROUNDS)
    assert (len(done.commits), len(done.settlement)) == (ROUNDS, 1)


@pytest.mark.parametrize("every", [1, 2, 3, 7, 100])
def test_a_ledger_that_grew_is_gone_on_with(tmp_path, every):
    chain, address, then = LocalChain(), None, [0] * 8
    for rounds in (2, 2, 3, ROUNDS):
        forger.write(tmp_path / str(rounds), HEADER, RECORDS[:rounds])
        done = settle_ledger(tmp_path / str(rounds), chain, address, every=every)
        address, new = done.contract.address, done.after.next_round - done.before.next_round
        assert len(done.commits) == -(-new // every)
        assert len(done.settlement) == bool(new)
        due = RECORDS[rounds - 1].accounts.tolist()
        assert list(done.balances) == due
        assert list(done.deltas) == [now - was for now, was in zip(due, then, strict=True)]
        then = due
    check_contract(tmp_path / str(ROUNDS), chain, address)


@pytest.mark.parametrize("loses_answer", [False, True])
@pytest.mark.parametrize("every", [1, 3])
def test_interrupted_anywhere_it_ends_the_same(tmp_path, every, loses_answer):
    whole, begun = tmp_path / "whole", tmp_path / "begun"
    forger.write(whole, MANY_HEADER, MANY)
    forger.write(begun, MANY_HEADER, MANY[:4])
    transactions = -(-4 // every) + 3  # 602 accounts beside the operator's take three calls
    for left in range(transactions):
        chain = Interrupted()
        contract = []
        chain.left, chain.loses_answer = left, loses_answer
        with pytest.raises(KeyboardInterrupt):
            settle_ledger(begun, chain, every=every, deployed=contract.append)
        chain.left = None
        # the ledger has grown since: what was begun is ended first
        done = settle_ledger(whole, chain, contract[0], every=every)
        assert list(done.balances) == MANY[-1].accounts.tolist()
        assert done.after.next_unsettled == FIRST + ROUNDS and done.after.reached == 0
        check_contract(whole, chain, contract[0])


def test_two_runs_at_a_time_that_settle_the_same_twice_are_found(tmp_path):
    whole = tmp_path / "whole"
    forger.write(whole, HEADER, RECORDS)

    class Overtaken(LocalChain):
        other = None

        def send(self, to, data):
            if data[:4] == SETTLE and self.other is not None:
                other, self.other = self.other, None
                other()
            return super().send(to, data)

    chain = Overtaken()
    address = begun(whole, chain)
    contract = SettlementContract(chain, address)
    hashes = [raw.hash for raw in Scan(whole)]
    contract.commit(FIRST + 1, FIRST + ROUNDS - 1, ROUNDS + 1, Tree(hashes).root(ROUNDS + 1))
    # the slower run began when the ledger was shorter
    chain.other = lambda: contract.settle(FIRST + 2, RECORDS[2].accounts.tolist())
    with pytest.raises(DifferenceError, match="in the ledger after round 46"):
        settle_ledger(whole, chain, address)


def test_a_proof_of_the_ledger_verifies_on_the_chain(tmp_path):
    path = tmp_path / "ledger"
    signed = header(operator_key=KEY.verifier.public)
    with Ledger.create(path, signed, checkpoints=Checkpoints(10, KEY)) as opened:
        for record in RECORDS[:3]:
            opened.on_round(record)
        opened.checkpoint()
        early = prove(path, round=FIRST + 1)
        opened.rotate(KEY, NEXT)
        key_alone = prove(path, round=FIRST + 1)
        for record in RECORDS[3:]:
            opened.on_round(record)
    late = prove(path, round=FIRST + 5)
    done = settle_ledger(path, LocalChain())
    contract = done.contract
    assert done.after.size == ROUNDS + 2
    assert contract.verify_proof(early) and contract.verify_proof(late)
    with pytest.raises(InputError, match="no root was committed"):
        contract.verify_proof(key_alone)  # a change of keys is a record, but no round
    with pytest.raises(InputError, match="about no record"):
        contract.verify_proof(prove(path, since=early.checkpoint))


def changed(rounds, account):
    """The same rounds, with a nano-euro moved from one account to another."""
    accounts = rounds[-1].accounts.copy()
    accounts[account] += 1
    accounts[-1] -= 1
    return [*rounds[:-1], forger.edited(rounds[-1], accounts=accounts)]


@pytest.mark.parametrize(
    ("name", "write", "words"),
    [
        ("rolled back", lambda p: forger.write(p, HEADER, RECORDS[:5]), "its end was cut off"),
        ("edited", lambda p: forger.write(p, HEADER, changed(RECORDS[:6], 0)), "written anew"),
        ("another", lambda p: forger.write(p, header(seed=8), RECORDS), "of another ledger"),
        ("later", lambda p: forger.write(p, HEADER, RECORDS[1:]), "of another ledger"),
    ],
)
def test_another_past_is_refused_before_anything_is_sent(tmp_path, name, write, words):
    path, chain = tmp_path / "held", LocalChain()
    forger.write(path, HEADER, RECORDS[:6])
    done = settle_ledger(path, chain)
    write(tmp_path / name)
    before = done.contract.status(), done.contract.balances()
    for call in (settle_ledger, check_contract):
        with pytest.raises(DifferenceError, match=words):
            call(tmp_path / name, chain, done.contract.address)
    assert (done.contract.status(), done.contract.balances()) == before


def test_an_operator_that_pays_otherwise_is_found(ledger):
    chain = LocalChain()
    contract = settle_ledger(ledger, chain).contract
    contract.commit(FIRST + ROUNDS, FIRST + ROUNDS, ROUNDS + 2, bytes([1] * 32))
    contract.settle(FIRST + ROUNDS, [5, 0, 0, -5, 0, 0, 0, 0])
    with pytest.raises(DifferenceError, match="the contract has the rounds up to 47"):
        check_contract(ledger, chain, contract.address)
    address = begun(ledger, chain)
    other = SettlementContract(chain, address)
    lies = RECORDS[0].accounts.tolist()
    lies[0], lies[1] = lies[0] + 1, lies[1] - 1
    other.settle(FIRST, lies)
    with pytest.raises(DifferenceError, match=r"account 0 has .* in the ledger after round 40"):
        check_contract(ledger, chain, address)
    with pytest.raises(DifferenceError):
        settle_ledger(ledger, chain, address)


def begun(ledger, chain):
    """A contract with the ledger's first round."""
    hashes = [raw.hash for raw in Scan(ledger)]
    contract = SettlementContract.deploy(chain, hashes[0], HEADER.accounts, FIRST)
    contract.commit(FIRST, FIRST, 2, Tree(hashes).root(2))
    return contract.address


def test_a_false_root_between_true_ones_is_found(ledger):
    chain = LocalChain()
    hashes = [raw.hash for raw in Scan(ledger)]
    contract = SettlementContract.deploy(chain, hashes[0], HEADER.accounts, FIRST)
    contract.commit(FIRST, FIRST, 2, bytes([9] * 32))
    contract.commit(FIRST + 1, FIRST + 1, 3, Tree(hashes).root(3))
    with pytest.raises(DifferenceError, match=r"the root 0909.* for 2 records"):
        check_contract(ledger, chain, contract.address)


@pytest.mark.parametrize("takes_batches", [True, False])
def test_a_node_is_asked_for_a_hundred_roots_at_once_if_it_can(tmp_path, takes_batches):
    hashes = [bytes([n % 256, n // 256]) * 16 for n in range(1_000)]
    with served() as node:
        node.takes_batches = takes_batches
        chain = RpcChain(node.url)
        contract = SettlementContract.deploy(chain, hashes[0], 3, 0)
        contract.commit(0, 0, 2, hashes[2])
        contract.commit(1, 248, 250, hashes[9])
        node.posts = 0
        assert contract.roots(range(2, 252)) == [hashes[2], *[None] * 247, hashes[9], None]
        assert contract.roots(range(2, 102))[0] == hashes[2]
        assert node.posts == (4 if takes_batches else 1 + 350)
        assert contract.roots([]) == []


def with_roots(roots, accounts):
    """Code that deploys the contract with roots in its storage that were never committed."""
    runtime = artefact().runtime + b"".join(
        word.to_bytes(32, "big") for word in (1, accounts, FIRST)
    )
    # owner, next_round, size, next_unsettled: slots as `vyper -f layout` gives them
    stored = {1: int(LocalChain().sender, 16), 4: FIRST, 5: 1, 6: FIRST}
    for size, root in roots.items():
        place = keccak((3).to_bytes(32, "big") + size.to_bytes(32, "big"))
        stored[int.from_bytes(place, "big")] = int.from_bytes(root, "big")
    code = b"".join(
        b"\x7f" + value.to_bytes(32, "big") + b"\x7f" + slot.to_bytes(32, "big") + b"\x55"
        for slot, value in stored.items()
    )
    length = len(runtime).to_bytes(2, "big")
    begin = (len(code) + 13).to_bytes(2, "big")
    copy = b"\x61" + length + b"\x61" + begin + b"\x5f\x39"  # codecopy(0, begin, length)
    return code + copy + b"\x61" + length + b"\x5f\xf3" + runtime


def test_a_root_that_was_there_before_any_commit_proves_nothing(ledger):
    """The code at an address is the contract's, but nothing says how it came there."""
    chain, proof = LocalChain(), prove_at(ledger)
    size, root = proof.checkpoint.size, proof.checkpoint.root
    address = chain.deploy(with_roots({size: root}, HEADER.accounts)).address
    contract = SettlementContract(chain, address)
    assert contract.root(size) == root
    with pytest.raises(InputError, match="no root was committed; the last one is for 1"):
        contract.verify_proof(proof)


def prove_at(ledger):
    header_, rounds = forger.read(ledger)
    signed = ledger.with_name("signed")
    header_ = replace(header_, operator_key=KEY.verifier.public)
    with Ledger.create(signed, header_, checkpoints=Checkpoints(2**31, KEY)) as opened:
        for record in rounds:
            opened.on_round(record)
    return prove(signed, round=FIRST)


def test_a_node_that_lies_is_named(ledger):
    """Whatever single numbers of an answer are changed, an error of ours says that it is wrong."""
    rng, right = random.Random(4), 0
    with served() as node:
        address = settle_ledger(ledger, RpcChain(node.url)).contract.address
        near = [0, 1, 2, *range(FIRST - 1, FIRST + ROUNDS + 2), 2**63, 2**255, 2**256 - 1]

        def lie(request, block):
            answer = bytearray.fromhex(node.eth_call(request, block)[2:])
            place = 32 * rng.randrange(len(answer) // 32)
            answer[place : place + 32] = rng.choice(near).to_bytes(32, "big")
            return f"0x{answer.hex()}"

        sent = len(node.receipts)
        node.script["eth_call"] = lie
        for call in (settle_ledger, check_contract) * 60:
            try:
                call(ledger, RpcChain(node.url), address)
                right += 1
            except DecentGymError:
                pass
        assert right < 30 and len(node.receipts) == sent


def test_another_owner_sends_nothing(ledger):
    chain = LocalChain()
    address, chain.sender = begun(ledger, chain), f"0x{'55' * 20}"
    with pytest.raises(NotAuthorizedError, match=r"is owned by 0x1111.*, not by 0x5555"):
        settle_ledger(ledger, chain, address)


def test_what_cannot_be_settled_is_named(tmp_path, ledger):
    with pytest.raises(InputError, match="there is no ledger at"):
        settle_ledger(tmp_path, LocalChain())
    with pytest.raises(InputError, match="there is no contract at"):
        settle_ledger(ledger, LocalChain(), f"0x{'12' * 20}")
    with pytest.raises(InputError, match="every must be"):
        settle_ledger(ledger, LocalChain(), every=0)
    forger.write(tmp_path / "empty", HEADER, [])
    with pytest.raises(InputError, match="has no round yet"):
        settle_ledger(tmp_path / "empty", LocalChain())
    data = (ledger / forger.SEGMENT).read_bytes()
    (ledger / forger.SEGMENT).write_bytes(data[:-9])
    with pytest.raises(LedgerError, match=r"record 7: .*incomplete.*; verify it"):
        settle_ledger(ledger, LocalChain())
    forger.write(tmp_path / "gap", HEADER, [*RECORDS[:2], *RECORDS[3:]])
    with pytest.raises(LedgerError, match="round 43 is out of order"):
        settle_ledger(tmp_path / "gap", LocalChain())
