"""The page's gas is what the machines take now."""

import re
from pathlib import Path

import pytest

from benchmarks.bench_contract import ROWS, gas, measure
from benchmarks.chains import NO_PY_EVM, PyEvmChain, has_py_evm
from decent_gym.contract import LocalChain

pytest.importorskip("pyrevm", reason="pyrevm is not installed: the extra chain")
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "contract.md").read_text("utf-8")


def on_the_page(column):
    table = PAGE.partition("<!-- bench:gas -->\n")[2].partition("<!-- end -->")[0]
    rows = [re.findall(r"[^|]+", line) for line in table.splitlines()[2:]]
    assert [row[0].strip() for row in rows] == list(ROWS)
    return [int(row[column].replace(",", "")) for row in rows]


@pytest.mark.skipif(not has_py_evm(), reason=NO_PY_EVM)
def test_py_evm_takes_what_the_page_says():
    assert gas(PyEvmChain()) == on_the_page(1) == on_the_page(2)


def test_the_chain_in_process_takes_what_the_page_says():
    assert gas(LocalChain()) == on_the_page(3)


def test_a_trial_fills_the_tables(monkeypatch):
    monkeypatch.setattr("benchmarks.bench_contract.has_py_evm", lambda: False)
    monkeypatch.setattr("benchmarks.bench_contract.find_anvil", lambda: None)
    costs, rates = measure(quick=True).tables
    assert [row[0] for row in costs.rows] == list(ROWS)
    assert all(row[1] is row[2] is None and row[3] > 0 for row in (*costs.rows, *rates.rows))
