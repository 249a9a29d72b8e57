"""What is checked in is what the compiler makes of the source."""

import hashlib
import importlib.util
import sys

import pytest

from decent_gym.contract.artefact import artefact
from decent_gym.contract.local_chain import LocalChain
from decent_gym.errors import DataError, MissingExtraError
from tools import build_contract

pytest.importorskip("eth_abi", reason="eth-abi is not installed: the extra chain")


def test_the_source_is_the_one_that_was_compiled():
    assert (
        artefact().source_sha256 == hashlib.sha256(build_contract.SOURCE.read_bytes()).hexdigest()
    )
    assert artefact().compiler == f"vyper {build_contract.COMPILER}"


@pytest.mark.skipif(
    importlib.util.find_spec("vyper") is None, reason="vyper is not installed: vyper==0.4.3"
)
def test_the_compiler_gives_the_same_again(tmp_path):
    built = build_contract.build()
    assert build_contract.text(built) == build_contract.ARTEFACT.read_text("utf-8")
    other = tmp_path / build_contract.SOURCE.name
    text = build_contract.SOURCE.read_text("utf-8")
    assert text.count("assert total == 0") == 1
    other.write_text(text.replace("assert total == 0", "assert total >= 0"), "utf-8")
    assert build_contract.build(other)["bytecode"] != built["bytecode"]


def test_it_fits_on_every_chain():
    assert len(artefact().runtime) + 96 <= 24_576  # EIP-170
    assert len(artefact().creation(bytes(32), 2, 0)) <= 49_152  # EIP-3860


def test_code_is_recognised():
    made = artefact()
    assert made.is_code_of(made.runtime + bytes(96))
    assert not made.is_code_of(made.runtime)
    assert not made.is_code_of(b"\x60" + made.runtime[1:] + bytes(96))


@pytest.mark.parametrize("output", [b"", bytes(31), bytes(32), b"\xff" * 352])
def test_an_answer_that_is_none_is_named(output):
    with pytest.raises(DataError, match="the answer to status"):
        artefact().result("status", output)


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("pyrevm", LocalChain),
        ("eth_abi", lambda: artefact().call("status", ())),
    ],
)
def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch, package, call):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'decent-gym\[chain\]'"):
        call()
