"""docs/contract.md: the walk does what the page says, and the page names every refusal."""

import re
from pathlib import Path

import pytest
from oracles.json_node import served
from oracles.walk_pages import commands

from decent_gym.cli import main

pytest.importorskip("pyrevm", reason="pyrevm is not installed: the extra chain")

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "contract.md").read_text("utf-8")


def test_the_walk_and_the_python(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    said = []
    with served() as node:
        for argv, code, words in commands(PAGE):
            argv = [node.url if word == "http://127.0.0.1:8545" else word for word in argv]
            if "CONTRACT" in argv:
                address = Path("market/settlement-31337.txt").read_text().strip()
                argv = [address if word == "CONTRACT" else word for word in argv]
            assert main([*argv, "--quiet"]) == code, argv
            out, err = capsys.readouterr()
            assert words in err
            said.append(out)
        assert len(node.receipts) == 4  # one deployment, two roots, one settlement
    assert "192 rounds committed" in said[2] and "0 rounds committed" in said[3]
    code = re.search(r"```python\n(.*?)```", PAGE, re.S)
    assert code is not None
    exec(code[1], {})
    verified, balance = capsys.readouterr().out.split()
    assert verified == "True" and int(balance) != 0


def test_every_refusal_of_the_page_is_one_of_the_contract():
    source = (ROOT / "decent_gym" / "contract" / "settlement.vy").read_text("utf-8")
    rows = PAGE.partition("| it says |")[2].partition("\n\n")[0]
    named = re.findall(r"`([^`]+)`", rows)
    assert len(named) == 7
    assert [reason for reason in named if f'"{reason}"' not in source] == []
