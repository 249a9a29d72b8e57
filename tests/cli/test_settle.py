"""``decent-gym settle``: deploys once, goes on, checks."""

import json
import re
import sys

import pytest
from oracles import forger
from oracles.json_node import served

from decent_gym.cli import main

pytest.importorskip("pyrevm", reason="pyrevm is not installed: the extra chain")


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settle")
    argv = ["run", "--rounds", "6", "--start", "10080", "--quiet", "--ledger", str(folder / "l")]
    assert main([*argv, "--origin", "district.example/a"]) == 0
    return folder / "l"


@pytest.fixture
def ledger(market, tmp_path):
    header, rounds = forger.read(market)
    forger.write(tmp_path / "l", header, rounds)
    return tmp_path / "l"


def settle(capsys, *argv):
    capsys.readouterr()
    code = main(["settle", "--quiet", "--ledger", *map(str, argv)])
    return code, *capsys.readouterr()


def test_in_process_it_shows_what_there_is_to_send(market, capsys):
    code, out, err = settle(capsys, market)
    assert code == 0 and "new contract 0x" in out and "in this process" in out
    assert "6 rounds committed, now up to round 10085: 7 records" in out
    assert "building_03" in out and "operator" in out
    assert "all this happened in this process and is gone" in err
    assert not list(market.glob("settlement*"))
    code, out, _ = settle(capsys, market, "--every", 4, "--json")
    facts = json.loads(out)
    assert code == 0 and facts["chain"] is None
    assert [facts["transactions"][kind]["count"] for kind in ("deploy", "commit", "settle")] == [
        1, 2, 1
    ]  # fmt: skip
    balances = {name: money["balance"] for name, money in facts["accounts"].items()}
    assert sum(balances.values()) == 0 and any(balances.values())
    *_, last = forger.read(market)[1]
    assert list(balances.values()) == last.accounts.tolist()
    assert list(balances)[-3:] == ["fuel", "network", "operator"]


def test_on_a_chain_the_contract_is_found_again(ledger, capsys, tmp_path):
    header, rounds = forger.read(ledger)
    forger.write(ledger, header, rounds[:4])
    with served() as node:
        code, out, err = settle(capsys, ledger, "--rpc", node.url)
        assert code == 0 and "new contract" in out and err == ""
        address = (ledger / "settlement-31337.txt").read_text().strip()
        forger.write(ledger, header, rounds)
        code, out, _ = settle(capsys, ledger, "--rpc", node.url)
        assert code == 0 and out.startswith(f"contract {address} on chain 31337")
        assert "2 rounds committed" in out
        for option in ([], ["--contract", address]):
            code, out, _ = settle(capsys, ledger, "--rpc", node.url, "--check", *option)
            assert code == 0 and out.startswith(f"ok: {address} holds")
        code, out, _ = settle(capsys, ledger, "--rpc", node.url, "--check", "--json")
        assert code == 0 and json.loads(out)["committed_before"] == 10_086
        forger.write(ledger, header, rounds[:3])
        for option in ([], ["--check"]):
            code, out, err = settle(capsys, ledger, "--rpc", node.url, *option)
            assert code == 1 and out == "" and "its end was cut off" in err
            assert err.count("\n") == 1
    with served() as fresh:
        code, _, err = settle(capsys, ledger, "--rpc", fresh.url)
        assert code == 2 and f"there is no contract at {address}" in err
        assert "settlement-31337.txt says" in err and fresh.receipts == {}
        (ledger / "settlement-31337.txt").write_text("elsewhere")
        code, _, err = settle(capsys, ledger, "--rpc", fresh.url)
        assert code == 2 and "settlement-31337.txt must be 0x and forty" in err


def test_a_contract_whose_address_cannot_be_kept_is_gone_on_with(ledger, capsys):
    (ledger / "settlement-31337.new").mkdir()  # as good as a disk that is full or read-only
    with served() as node:
        code, _, err = settle(capsys, ledger, "--rpc", node.url)
        assert code == 2 and err.count("\n") == 1 and len(node.receipts) == 1
        address = re.search(r"go on with --contract (0x[0-9a-f]{40})$", err)[1]
        code, out, _ = settle(capsys, ledger, "--rpc", node.url, "--contract", address)
        assert code == 0 and out.startswith(f"contract {address} on") and len(node.receipts) == 8


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--check"], "need a chain that stays"),
        (["--key-file", "k"], "need a chain that stays"),
        (["--contract", "0x"], "need a chain that stays"),
        (["--every", "0"], "every must be"),
        (["--rpc", "here"], "a node is at http://host:port"),
    ],
)
def test_what_is_wrong_is_one_line(market, capsys, argv, words):
    code, out, err = settle(capsys, market, *argv)
    assert (code, out) == (2, "") and words in err and err.count("\n") == 1


def test_no_ledger_and_no_contract_are_named(market, tmp_path, capsys):
    code, _, err = settle(capsys, tmp_path)
    assert code == 2 and "there is no ledger at" in err
    with served() as node:
        code, _, err = settle(capsys, market, "--rpc", node.url, "--check")
        assert code == 2 and "give --contract" in err
        assert node.receipts == {}


def test_without_the_extra_one_line_says_what_to_install(market, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyrevm", None)
    code, _, err = settle(capsys, market)
    assert code == 2 and "pip install 'decent-gym[chain]'" in err and err.count("\n") == 1
