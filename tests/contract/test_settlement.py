"""The settlement contract against a model in plain Python, on every chain that is here."""

import random
import sys

import pytest
from oracles.json_node import served
from oracles.settlement_model import Model, ModelError, random_call, rfc_root

from benchmarks.chains import NO_ANVIL, NO_PY_EVM, PyEvmChain, anvil, find_anvil, has_py_evm
from decent_gym.contract import LocalChain, RpcChain, SettlementContract, Status
from decent_gym.contract.artefact import artefact
from decent_gym.contract.chain import RefusedError, reason_of
from decent_gym.errors import InputError, NotAuthorizedError, RoundOrderError
from decent_gym.ledger.hashing import leaf_hash, node_hash
from decent_gym.ledger.merkle import Tree

pytest.importorskip("pyrevm", reason="pyrevm is not installed: the extra chain")

LEDGER = bytes(range(32))
LEAVES = [bytes([i % 251] * 32) for i in range(4_000)]
TREE = Tree(LEAVES)
NOBODY = f"0x{'77' * 20}"


def agree(chain, senders, calls, accounts=67, first_round=10_080, seed=0):
    """The contract does what the model does, call by call; how often each outcome was seen."""
    rng, seen = random.Random(seed), {}
    chain.sender = senders[0]
    contract = SettlementContract.deploy(chain, LEDGER, accounts, first_round)
    model = Model(senders[0], LEDGER, accounts, first_round)
    for number in range(calls):
        call = random_call(rng, model, senders, TREE)
        expected = found = "taken"
        try:
            getattr(model, call.function)(call.sender, *call.arguments)
        except ModelError as refused:
            expected = str(refused)
        chain.sender = call.sender
        try:
            chain.send(contract.address, artefact().call(call.function, call.arguments))
        except RefusedError as refused:
            found = reason_of(refused.output)
        assert found == expected, (number, call)
        assert contract.status() == Status(*model.status()), (number, call)
        if number % 25 == 0 or number == calls - 1:
            assert contract.balances() == model.money
            assert sum(model.money) == 0
            compare_proofs(rng, contract, model)
        seen[call.function, expected] = seen.get((call.function, expected), 0) + 1
    return seen


def compare_proofs(rng, contract, model):
    for _ in range(4):
        size = rng.choice([*list(model.roots)[-20:], model.size, 3])
        if not 1 <= size <= len(LEAVES):
            continue
        index = rng.randrange(size)
        proof = TREE.inclusion(index, size)
        if proof and rng.random() < 0.4:
            proof = rng.choice((proof[1:], proof[::-1], [*proof, bytes(32)]))
        asked = (LEAVES[index], index + rng.choice((0, 0, 0, 1)), size, proof)
        assert contract.verify(*asked) is model.verify(*asked)


def test_a_thousand_random_calls_agree_with_the_model():
    senders = [f"0x{digit * 40}" for digit in "123"]
    seen = agree(LocalChain(), senders, 1_000)
    assert sum(seen.values()) == 1_000
    reasons = {reason for _, reason in seen}
    # every rule was broken at least once, and every function was taken often
    assert len(reasons) == 16, reasons
    taken = {function: count for (function, reason), count in seen.items() if reason == "taken"}
    assert taken["commit"] > 100 and taken["settle"] > 100 and taken["accept_ownership"] > 5


def test_few_accounts_and_round_zero_agree_with_the_model():
    senders = [f"0x{digit * 40}" for digit in "12"]
    agree(LocalChain(), senders, 150, accounts=2, first_round=0, seed=1)


@pytest.mark.skipif(not has_py_evm(), reason=NO_PY_EVM)
def test_py_evm_agrees_with_the_model():
    limit = sys.getrecursionlimit()
    chain = PyEvmChain()
    assert sys.getrecursionlimit() == limit  # tests of deep nesting share the process
    seen = agree(chain, chain.accounts[:3], 60, accounts=12, seed=2)
    assert len(seen) > 8


@pytest.mark.skipif(find_anvil() is None, reason=NO_ANVIL)
def test_anvil_agrees_with_the_model(tmp_path):
    with anvil() as url:
        on_anvil(url, tmp_path / "key")


def on_anvil(url, key):
    chain = RpcChain(url)
    seen = agree(chain, [a.lower() for a in chain.ask("eth_accounts")[:3]], 60, 12, seed=2)
    assert len(seen) > 8
    key.write_text("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n")
    signing = RpcChain(url, key)
    assert signing.sender == chain.ask("eth_accounts")[0].lower()
    contract = SettlementContract.deploy(signing, LEDGER, 4, 0)
    assert contract.status().owner == signing.sender
    assert contract.commit(0, 0, 2, LEDGER).transaction is not None
    with pytest.raises(RoundOrderError, match="committed already"):
        contract.commit(0, 0, 2, LEDGER)


def test_a_node_agrees_with_the_model():
    with served() as node:
        agree(RpcChain(node.url), node.accounts, 40, accounts=5, seed=3)


# -- what a caller sees ----------------------------------------------------------------------------


@pytest.fixture
def contract():
    made = SettlementContract.deploy(LocalChain(), LEDGER, 4, 7)
    made.commit(7, 8, 3, bytes([1] * 32))
    made.settle(7, [1, 2, 3, -6])
    return made


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda c: c.commit(8, 9, 5, LEDGER), RoundOrderError, "round is committed already"),
        (lambda c: c.commit(10, 10, 5, LEDGER), RoundOrderError, "a round is left out"),
        (lambda c: c.commit(9, 8, 5, LEDGER), InputError, "rounds out of range"),
        (lambda c: c.commit(9, 9, 3, LEDGER), InputError, "size out of range"),
        (lambda c: c.commit(9, 9, 4, bytes(32)), InputError, "root is empty"),
        (lambda c: c.commit(9, 9, 4, b"short"), InputError, "root must be 32 bytes"),
        (lambda c: c.commit(9, 9, True, LEDGER), InputError, "size must be an integer"),
        (lambda c: c.commit(-1, 9, 4, LEDGER), InputError, r"first must be in \[0"),
        (lambda c: c.settle(7, [0] * 4), RoundOrderError, "round is settled already"),
        (lambda c: c.settle(9, [0] * 4), RoundOrderError, "round is not committed"),
        (lambda c: c.settle(8, [1, 0, 0, 0]), InputError, "sum to 1 n-euro"),
        (lambda c: c.settle(8, [0.0] * 4), InputError, r"deltas\[0\] must be an integer"),
        (lambda c: c.settle(8, [2**63, 0, 0, -(2**63)]), InputError, "fit 64 bits"),
        (lambda c: c.settle(8, [0] * 3), InputError, "3 deltas for 4 accounts"),
        (lambda c: c.settle_part(8, 0, [1, 0, 0, 0]), InputError, "do not sum to zero"),
        (lambda c: c.settle_part(8, 1, [1, 0, -1]), RoundOrderError, "part out of order"),
        (lambda c: c.settle_part(8, 0, [0] * 5), InputError, "too many deltas"),
        (lambda c: c.settle_part(8, 0, [0]), InputError, "too few deltas"),
        (lambda c: c.accept_ownership(), NotAuthorizedError, "not the next owner"),
        (lambda c: c.offer_ownership("0x12"), InputError, "forty hexadecimal digits"),
        (lambda c: c.balance(4), InputError, r"account must be in \[0, 3\]"),
        (lambda c: SettlementContract(c.chain, NOBODY), InputError, "there is no contract at"),
        (lambda c: SettlementContract(c.chain, "0x1"), InputError, "the contract's address"),
        (
            lambda c: SettlementContract.deploy(c.chain, LEDGER, 1, 0),
            InputError,
            r"accounts must be in \[2, 65535\]",
        ),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(contract, call, kind, words):
    before = contract.status(), contract.balances()
    with pytest.raises(kind, match=words) as caught:
        call(contract)
    assert type(caught.value) is kind
    assert (contract.status(), contract.balances()) == before


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.commit(9, 9, 4, LEDGER),
        lambda c: c.settle(8, [0] * 4),
        lambda c: c.offer_ownership(NOBODY),
    ],
)
def test_only_the_owner_writes(contract, call):
    before = contract.status(), contract.balances()
    contract.chain.sender = NOBODY
    with pytest.raises(NotAuthorizedError, match="not the owner"):
        call(contract)
    assert (contract.status(), contract.balances()) == before


def test_the_owner_hands_over_in_two_steps(contract):
    old = contract.chain.sender
    contract.offer_ownership(NOBODY)
    assert contract.status().owner == old
    contract.chain.sender = NOBODY
    contract.accept_ownership()
    assert contract.status().owner == NOBODY
    contract.commit(9, 9, 4, LEDGER)
    contract.chain.sender = old
    with pytest.raises(NotAuthorizedError):
        contract.commit(10, 10, 5, LEDGER)


def test_many_accounts_take_several_calls_that_each_sum_to_zero():
    contract = SettlementContract.deploy(LocalChain(), LEDGER, 600, 0)
    contract.commit(0, 0, 2, LEDGER)
    deltas = [(-1) ** i * 1_000 * i for i in range(599)]
    deltas.append(-sum(deltas))
    part = contract.settle_part(0, 0, [*deltas[:255], -sum(deltas[:255])])
    status = contract.status()
    assert part.gas and (status.reached, status.open_round, status.next_unsettled) == (255, 0, 0)
    assert sum(contract.balances()) == 0
    contract.commit(1, 1, 3, LEDGER)
    with pytest.raises(RoundOrderError, match="another settlement is open"):
        contract.settle_part(1, 255, [0, 0])
    rest = [*deltas[255:599], -sum(deltas[255:599])]
    assert len(contract.settle(0, rest, reached=255)) == 2
    assert contract.balances() == deltas
    assert contract.status().next_unsettled == 1
    assert len(contract.settle(1, [0] * 600)) == 3
    assert contract.balance(599) == deltas[599]


def test_every_leaf_of_small_trees_verifies_and_nothing_else_does():
    contract = SettlementContract.deploy(LocalChain(), LEDGER, 2, 0)
    for size in range(2, 34):
        contract.commit(size - 2, size - 2, size, rfc_root(LEAVES[:size]))
        for index in range(size):
            proof = TREE.inclusion(index, size)
            assert contract.verify(LEAVES[index], index, size, proof)
            assert not contract.verify(LEAVES[index + 1], index, size, proof)
            assert not contract.verify(LEAVES[index], index, size, [*proof, LEDGER])
            assert not contract.verify(LEAVES[index], index, size, proof[:-1])
            assert not contract.verify(LEAVES[index], (index + 1) % size, size, proof)
            assert not contract.verify(LEAVES[index], index, size + 1, proof)
            assert not contract.verify(LEAVES[index], index + 64, size, proof)  # same low bits
    assert contract.root(33) == rfc_root(LEAVES[:33]) and contract.root(34) is None
    assert not contract.verify(LEDGER, 0, 2, [LEDGER] * 64)


def test_a_proof_of_another_length_than_the_size_has_is_refused():
    """Even under a root that the owner has committed for a wrong size."""
    contract = SettlementContract.deploy(LocalChain(), LEDGER, 2, 0)
    four = rfc_root(LEAVES[:4])
    for number, size in enumerate((2, 4, 8)):
        contract.commit(number, number, size, four)
    found = [contract.verify(LEAVES[0], 0, size, TREE.inclusion(0, 4)) for size in (2, 4, 8)]
    assert found == [False, True, False]
    made = node_hash(LEDGER, node_hash(leaf_hash(LEAVES[0]), LEDGER))
    small = SettlementContract.deploy(LocalChain(), LEDGER, 2, 0)
    small.commit(0, 0, 2, made)
    assert not small.verify(LEAVES[0], 0, 2, [LEDGER, LEDGER])


def test_the_contract_itself_checks_what_python_checks_before(contract):
    with pytest.raises(RefusedError, match="accounts out of range"):
        contract.chain.deploy(artefact().creation(LEDGER, 1, 0))
    with pytest.raises(RefusedError, match="accounts out of range"):
        contract.chain.deploy(artefact().creation(LEDGER, 65_536, 0))
    assert contract.chain.deploy(artefact().creation(LEDGER, 65_535, 0)).address
    for account in (4, 65_535, 2**256 - 1):
        with pytest.raises(RefusedError, match="no such account"):
            contract.chain.call(contract.address, artefact().call("balance_of", (account,)))


def test_the_limits_of_a_call_are_the_contracts_own():
    """What a caller without this package could send."""
    chain = LocalChain()
    contract = SettlementContract.deploy(chain, LEDGER, 600, 0)
    contract.commit(0, 2**40, 2**63 - 1, LEDGER)
    for count, is_taken in ((256, True), (257, False)):
        call = artefact().call("settle", (0, contract.status().reached, [0] * count))
        if is_taken:
            chain.send(contract.address, call)
            continue
        with pytest.raises(RefusedError, match="no reason given"):
            chain.send(contract.address, call)
    assert contract.status().reached == 255
    with pytest.raises(RefusedError, match="no reason given"):
        asked = artefact().call("verify", (LEDGER, 0, 2**63 - 1, [LEDGER] * 64))
        chain.call(contract.address, asked)


@pytest.mark.parametrize("size", [2**63 - 1, 2**62 + 1, 2**40, 2**40 + 2**20 + 1])
def test_the_deepest_trees_verify(size):
    """Leaves at both ends and in between, under roots made of paths."""
    for index in (0, size - 1, size // 2, size - 2):
        path, root = deep(index, size)
        contract = SettlementContract.deploy(LocalChain(), LEDGER, 2, 0)
        contract.commit(0, 0, size, root)
        assert contract.verify(LEDGER, index, size, path)
        assert not contract.verify(LEDGER, index, size, path[:-1])
        assert not contract.verify(LEDGER, index, size, [*path[:-1], LEDGER])
        assert not contract.verify(LEDGER, index ^ 1, size, path)


def deep(index, size):
    """A path as RFC 6962, section 2.1.1, makes it, whose siblings are anything; and its root."""
    if size == 1:
        return [], leaf_hash(LEDGER)
    k = 1 << (size - 1).bit_length() - 1
    is_left = index < k
    path, root = deep(index, k) if is_left else deep(index - k, size - k)
    sibling = bytes([len(path) + 1] * 32)
    return [*path, sibling], node_hash(root, sibling) if is_left else node_hash(sibling, root)


def test_another_contract_is_refused(contract):
    other = contract.chain.deploy(bytes.fromhex("600160005360016000f3"))
    with pytest.raises(InputError, match="is another one"):
        SettlementContract(contract.chain, other.address)
