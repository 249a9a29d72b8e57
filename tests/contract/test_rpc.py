"""A chain behind JSON-RPC: nodes that answer nonsense, keys, transactions that get lost."""

import sys

import pytest
from oracles.json_node import ScriptedError, served

from decent_gym.contract import RpcChain, SettlementContract
from decent_gym.errors import (
    DataError,
    InputError,
    MissingExtraError,
    NotAuthorizedError,
    RoundOrderError,
)

pytest.importorskip("pyrevm", reason="pyrevm is not installed: the extra chain")

LEDGER = bytes([3] * 32)
SECRET = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


@pytest.fixture
def node():
    with served() as server:
        yield server


@pytest.fixture
def contract(node):
    return SettlementContract.deploy(RpcChain(node.url), LEDGER, 3, 0)


def fails(code=-32000, message="", data=None):
    def answer(*_):
        error = {"code": code, "message": message}
        raise ScriptedError(error if data is None else {**error, "data": data})

    return answer


REASON = "0x08c379a0" + f"{32:064x}" + f"{13:064x}" + b"not the owner".hex().ljust(64, "0")


def test_what_would_be_refused_is_never_sent(contract, node):
    node.asked.clear()
    with pytest.raises(RoundOrderError, match="a round is left out"):
        contract.commit(1, 1, 2, LEDGER)
    assert node.asked == ["eth_estimateGas"]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (fails(3, "execution reverted", REASON), NotAuthorizedError, "not the owner"),
        (fails(3, "execution reverted", {"data": REASON}), NotAuthorizedError, "not the owner"),
        (fails(3, "execution reverted", "0x"), InputError, "no reason given"),
        (fails(3, "execution reverted"), InputError, "no reason given"),
        (fails(3, "execution reverted", REASON[:80]), InputError, "no reason given"),
        (fails(3, "execution reverted", "0xzz"), DataError, "gives no bytes as a refusal"),
        (fails(-1, "out of cheese"), DataError, "no answer to eth_estimateGas: out of cheese"),
        ("0xzz", DataError, "no number as eth_estimateGas"),
        (None, DataError, "no number as eth_estimateGas: None"),
        (17, DataError, "no number as eth_estimateGas: 17"),
        (b"<html>", DataError, "does not answer in JSON"),
        (b"[" * 10**5, DataError, "does not answer in JSON"),
        (b'{"a":' * 33, DataError, "does not answer in JSON"),
        (b"[]", DataError, "does not answer eth_estimateGas as a node does"),
        (b'{"id": 0, "result": "0x1"}', DataError, "does not answer eth_estimateGas"),
        (b'{"id": 1, "result": "0x' + b"1" * 2**22 + b'"}', DataError, "does not answer in JSON"),
    ],
)
def test_a_nodes_errors_are_named(contract, node, error, kind, words):
    node.script["eth_estimateGas"] = error
    with pytest.raises(kind, match=words) as caught:
        contract.commit(0, 0, 2, LEDGER)
    assert type(caught.value) is kind
    assert contract.status().next_round == 0


def test_a_transaction_that_fails_after_its_trial_is_named(contract, node):
    node.script["eth_getTransactionReceipt"] = {"status": "0x0", "gasUsed": "0x1"}
    with pytest.raises(DataError, match="has failed, though its trial did not"):
        contract.commit(0, 0, 2, LEDGER)
    node.script["eth_getTransactionReceipt"] = "yes"
    with pytest.raises(DataError, match="gives no receipt"):
        contract.commit(1, 1, 3, LEDGER)


def test_a_transaction_that_takes_too_long_is_named_and_waited_for(node):
    chain = RpcChain(node.url, seconds=0.05)
    contract = SettlementContract.deploy(chain, LEDGER, 3, 0)
    node.script["eth_getTransactionReceipt"] = None
    with pytest.raises(DataError, match=r"is in no block after 0\.05 s"):
        contract.commit(0, 0, 2, LEDGER)
    del node.script["eth_getTransactionReceipt"]
    node.script["eth_getTransactionCount"] = lambda _, block: hex(2 + (block == "pending"))
    again = SettlementContract(RpcChain(node.url), contract.address)
    with pytest.raises(InputError, match=r"1 transactions of 0x1111.* still on their way"):
        again.commit(1, 1, 3, LEDGER)
    assert again.status().next_round == 1


@pytest.mark.parametrize(
    "url",
    [
        "", "node", "ftp://node", "http://", "http://node:99999", "http://node:0", "http://[::1",
        f"http://{'n' * 64}/", "http://.node/", "http://node/sec ret", "http://no de/", "http://é/",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_named(url):
    with pytest.raises(InputError, match="a node is at http://host:port") as caught:
        RpcChain(url)
    assert "sec ret" not in str(caught.value)


def test_a_password_that_would_not_be_sent_is_refused(node):
    with pytest.raises(InputError, match="are not understood") as caught:
        RpcChain(f"http://user:word@127.0.0.1:{node.server_port}/")
    assert "word@" not in str(caught.value) and node.asked == []


@pytest.mark.parametrize("status", [302, 401, 429, 500])
def test_what_is_no_answer_of_a_node_names_the_status(contract, node, status):
    node.status = status
    node.script["eth_chainId"] = b"<html>secret</html>"
    with pytest.raises(DataError, match=f"HTTP status {status}"):
        RpcChain(node.url)
    del node.script["eth_chainId"]  # some nodes give their errors so
    node.script["eth_estimateGas"] = fails(3, "execution reverted", REASON)
    with pytest.raises(NotAuthorizedError, match="not the owner"):
        contract.commit(0, 0, 2, LEDGER)


def test_where_nobody_listens_is_named_without_secrets(node):
    port = node.server_port
    node.shutdown()
    node.server_close()
    with pytest.raises(OSError, match="no node answers at") as caught:
        RpcChain(f"http://127.0.0.1:{port}/v3/secret?key=secret")
    assert "secret" not in str(caught.value)
    assert f"127.0.0.1:{port}" in str(caught.value)


def test_a_node_that_signs_for_nobody_wants_a_key(node):
    node.accounts = []
    with pytest.raises(InputError, match="signs for nobody; give a --key-file"):
        RpcChain(node.url)
    with pytest.raises(InputError, match="the sender must be"):
        RpcChain(node.url, sender="me")
    with pytest.raises(InputError, match="give no other sender"):
        RpcChain(node.url, "key", sender=f"0x{'11' * 20}")


@pytest.mark.parametrize(
    "text", ["", "0x", SECRET[:-1], SECRET + "0", "z" * 64, "0" * 64, "f" * 64, "é" * 64]
)
def test_a_key_file_without_a_key_is_named_and_never_shown(node, tmp_path, text):
    pytest.importorskip("eth_account", reason="eth-account is not installed")
    (tmp_path / "key").write_text(text, "utf-8")
    with pytest.raises(InputError, match="holds no private key") as caught:
        RpcChain(node.url, tmp_path / "key")
    assert caught.value.__suppress_context__
    assert not text or text not in str(caught.value)
    with pytest.raises(InputError, match="cannot read the key"):
        RpcChain(node.url, tmp_path / "none")
    (tmp_path / "key").write_text("1" * 500)
    with pytest.raises(DataError, match="is longer than a key may be"):
        RpcChain(node.url, tmp_path / "key")


def test_a_key_signs_what_the_chain_reads(node, tmp_path):
    """The transaction that is sent, decoded by the library's other half."""
    account = pytest.importorskip("eth_account", reason="eth-account is not installed").Account
    from eth_account.typed_transactions import TypedTransaction
    from hexbytes import HexBytes

    (tmp_path / "key").write_text(f"0x{SECRET}\n")
    seen = []

    def take(raw):
        transaction = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        sender = account.recover_transaction(raw).lower()
        seen.append((sender, transaction))
        request = {"from": sender, "data": f"0x{bytes(transaction['data']).hex()}"}
        if transaction["to"]:
            request["to"] = f"0x{bytes(transaction['to']).hex()}"
        return node.eth_sendTransaction(request)

    node.script |= {
        "eth_sendRawTransaction": take,
        "eth_gasPrice": "0x3b9aca00",
        "eth_maxPriorityFeePerGas": "0x5",
    }
    chain = RpcChain(node.url, tmp_path / "key")
    contract = SettlementContract.deploy(chain, LEDGER, 3, 0)
    contract.commit(0, 0, 2, LEDGER)
    assert contract.status().owner == chain.sender == account.from_key(SECRET).address.lower()
    assert [sender for sender, _ in seen] == [chain.sender] * 2
    for nonce, (_, transaction) in enumerate(seen):
        assert (transaction["chainId"], transaction["nonce"]) == (0x7A69, nonce)
        assert transaction["maxFeePerGas"] == 2 * 10**9 + 5 and transaction["value"] == 0
        assert transaction["gas"] == 1_250_000


def test_without_eth_account_one_sentence_says_what_to_install(node, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "eth_account", None)
    with pytest.raises(MissingExtraError, match=r"eth-account: pip install 'decent-gym\[chain\]'"):
        RpcChain(node.url, tmp_path / "key")


@pytest.mark.parametrize(
    "lie",
    [
        lambda many: [],
        lambda many: many[1:],
        lambda many: [7, None, [], *many[:1]],
        lambda many: [{**one, "id": [one["id"]]} for one in many],
        lambda many: [{**one, "id": one["id"] + 1} for one in many],
        lambda many: [{**many[0], "result": 5}, *many[1:]],
        lambda many: [{"id": one["id"], "error": []} for one in many],
    ],
)
def test_a_batch_that_is_answered_with_nonsense(contract, node, lie, monkeypatch):
    post = RpcChain._post
    monkeypatch.setattr(
        RpcChain,
        "_post",
        lambda *one: lie(found) if isinstance(found := post(*one), list) else found,
    )
    with pytest.raises(DataError):
        contract.roots(range(2, 9))


@pytest.mark.parametrize("status", [413, 500])
def test_a_node_that_does_not_like_batches_is_asked_one_by_one(contract, node, status, monkeypatch):
    post, refused = RpcChain._post, []

    def no_batches(chain, body):
        if body.startswith(b"["):
            refused.append(status)
            raise DataError(f"answers with HTTP status {status}")
        return post(chain, body)

    monkeypatch.setattr(RpcChain, "_post", no_batches)
    assert contract.roots(range(2, 300)) == [None] * 298
    assert refused == [status]
