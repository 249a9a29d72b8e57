"""Keys, checkpoints, proofs and a witness on the command line."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from oracles import forger

from decent_gym.cli import main
from decent_gym.ledger import signing

NAME = "district.example/rural"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with keys and a signed ledger of six rounds, checkpoints at 5 and 7 records."""
    folder = tmp_path_factory.mktemp("trust")
    assert main(["keygen", "--name", NAME, "--out", str(folder / "operator")]) == 0
    argv = ["keygen", "--name", "neighbour.example/w", "--witness", "--out"]
    assert main([*argv, str(folder / "witness")]) == 0
    argv = ["run", "--rounds", "6", "--start", "48", "--quiet", "--ledger", str(folder / "l")]
    assert main([*argv, "--key", str(folder / "operator"), "--checkpoint-every", "4"]) == 0
    return folder


@pytest.fixture
def at(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    capsys.readouterr()
    return place


FIRST, LAST = "l/checkpoint-000000005.txt", "l/checkpoint-000000007.txt"


def test_a_key_is_for_its_owner_alone_and_never_overwritten(at, capsys):
    assert stat.S_IMODE(Path("operator").stat().st_mode) == 0o600
    before = Path("operator").read_bytes()
    for name in ("operator", "l"):
        assert main(["keygen", "--name", NAME, "--out", name]) == 2
        assert "never overwritten" in capsys.readouterr().err
    assert Path("operator").read_bytes() == before
    Path("other.pub").write_text("kept")
    assert main(["keygen", "--name", NAME, "--out", "other"]) == 2
    assert not Path("other").exists() and Path("other.pub").read_text() == "kept"
    assert main(["keygen", "--name", "two words", "--out", "third"]) == 2
    assert "printable ASCII" in capsys.readouterr().err
    assert not Path("third").exists()


def test_a_secret_is_never_shown(at, capsys):
    secret = Path("operator").read_text().split("+", 4)[-1].strip()  # base64 may hold a +
    key = signing.SigningKey.read("operator")
    assert secret not in repr(key) + str(key.verifier)
    Path("broken").write_text(Path("operator").read_text()[:-3])
    for argv in (
        ["rotate", "l", "--key", "broken", "--to", "operator"],
        ["rotate", "l", "--key", "operator.pub", "--to", "operator"],
        ["verify", "l", "--checkpoint", LAST, "--key", "operator"],
        ["witness", "update", "--state", "x", "--key", "witness", "--log", "operator",
         "--checkpoint", LAST],
    ):  # fmt: skip
        assert main(argv) == 2
        said = capsys.readouterr().err
        assert secret[:12] not in said and "private key" in said


def test_a_proof_from_the_ledger_to_somebody_who_has_none(at, capsys):
    argv = ["prove", "l", "--round", "51", "--organization", "building_03"]
    assert main([*argv, "--from", FIRST, "--out", "mine.proof"]) == 0
    assert "record 4 under the checkpoint of district.example/rural at 7" in capsys.readouterr().out
    for held in (FIRST, LAST):
        argv = ["verify", "--proof", "mine.proof", "--checkpoint", held, "--key", "operator.pub"]
        assert main(argv) == 0
        said = capsys.readouterr().out
        assert said.startswith("ok, this is proven:\nrecord 4 of 7 is round 51")
        assert re.search(r"of building_03 to (buy|sell) [\d,]+ Wh of electricity", said)
        assert "building_02" not in said and "continues the one at 5" in said
    key = Path("operator.pub").read_text()
    assert main([*argv[:-1], key, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    proof = Path("mine.proof").read_text()
    Path("bad.proof").write_text(proof.replace('"index":4', '"index":5'))
    assert main(["verify", "--proof", "bad.proof", "--checkpoint", LAST]) == 1
    assert capsys.readouterr().out.startswith("NOT proven: form: ")
    assert main(["verify", "--proof", "bad.proof", "--checkpoint", LAST, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["failed"] == "form"
    assert main([*argv, "--witness", "witness.pub"]) == 1
    assert "signature" in capsys.readouterr().out


def test_the_ledger_against_a_checkpoint(at, capsys):
    assert main(["verify", "l"]) == 0
    assert "2 checkpoints fit" in capsys.readouterr().out
    assert main(["verify", "l", "--checkpoint", FIRST, "--key", "operator.pub"]) == 0
    assert main(["verify", "l", "--checkpoint", FIRST, "--witness", "witness.pub"]) == 1
    assert "not signed by neighbour.example/w" in capsys.readouterr().out
    header, rounds = forger.read(at / "l")
    forger.write(at / "short", header, rounds[:-1])
    assert main(["verify", "short"]) == 0
    assert main(["verify", "short", "--checkpoint", LAST]) == 1
    assert "rolled back" in capsys.readouterr().out
    assert main(["replay", "l"]) == 0


def test_a_witness_sees_rollback_and_fork(at, capsys):
    base = ["witness", "update", "--state", "state", "--key", "witness", "--log", "operator.pub"]
    assert main([*base, "--checkpoint", FIRST]) == 0
    assert capsys.readouterr().out.startswith("— neighbour.example/w ")
    assert main([*base, "--checkpoint", LAST]) == 1
    assert "prove that" in capsys.readouterr().out
    assert main(["prove", "l", "--from", FIRST, "--out", "on.proof"]) == 0
    argv = [*base, "--checkpoint", LAST, "--proof", "on.proof", "--out", "held.txt"]
    assert main(argv) == 0
    argv = ["verify", "l", "--checkpoint", "held.txt", "--key", "operator.pub"]
    assert main([*argv, "--witness", "witness.pub"]) == 0
    capsys.readouterr()
    assert main([*base, "--checkpoint", FIRST, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["size"]) == ("conflict", 7)
    assert found["reason"].startswith("ROLLBACK")
    # the operator runs the same rounds again, with other traders
    argv = ["run", "--rounds", "6", "--start", "48", "--quiet", "--trader", "no_flexibility"]
    argv += ["--key", "operator", "--checkpoint-every", "4", "--ledger", "again"]
    assert main(argv) == 0
    assert main([*base, "--checkpoint", "again/checkpoint-000000007.txt"]) == 1
    assert "FORK" in capsys.readouterr().out
    assert main(["prove", "again", "--from", FIRST, "--out", "x.proof"]) == 2
    assert "written anew" in capsys.readouterr().err
    assert main([*base, "--checkpoint", LAST]) == 0  # seen already: no proof is needed
    assert main([*base, "--checkpoint", FIRST, "--proof", "on.proof"]) == 2
    assert "does not lead" in capsys.readouterr().err


def test_a_witness_serves_and_an_operator_asks(at, capsys):
    command = [sys.executable, "-m", "decent_gym", "witness", "serve", "--port", "0"]
    command += ["--state", "served", "--key", "witness", "--log", "operator.pub"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            url = re.search(r"http://\S+:\d+", server.stderr.readline())[0]
            argv = ["cosign", "l", "--url", url, "--out", "served.txt", "--witness"]
            assert main([*argv, "witness.pub"]) == 0
            assert main([*argv, "operator.pub"]) == 2
            assert main(["cosign", "again", *argv[2:], "witness.pub"]) == 1
            assert "refuses (409)" in capsys.readouterr().err
        finally:
            server.send_signal(signal.SIGINT)
            rest = server.stderr.read()  # else it has nobody to say goodbye to
    assert "interrupted" in rest
    assert server.returncode == 130
    argv = ["verify", "l", "--checkpoint", "served.txt", "--witness", "witness.pub", "--json"]
    assert main(argv) == 0


def test_a_key_hands_over(at, capsys):
    assert main(["keygen", "--name", NAME, "--out", "next"]) == 0
    argv = ["run", "--rounds", "3", "--start", "48", "--quiet", "--ledger", "handed"]
    assert main([*argv, "--key", "operator"]) == 0
    assert main(["rotate", "handed", "--key", "next", "--to", "operator"]) == 2
    assert main(["rotate", "handed", "--key", "operator", "--to", "next", "--json"]) == 0
    assert main(["verify", "handed"]) == 0
    assert main(["replay", "handed"]) == 0
    assert "2 checkpoints fit" in capsys.readouterr().out
    assert main(["prove", "handed", "--round", "50", "--out", "h.proof"]) == 0
    held = "handed/checkpoint-000000005.txt"
    for key in ("operator.pub", "next.pub"):  # both have signed this one
        assert main(["verify", "--proof", "h.proof", "--checkpoint", held, "--key", key]) == 0
    Path("handed/segment-000000.dgl").rename("kept")
    assert main(["rotate", "handed", "--key", "next", "--to", "operator"]) == 2


@pytest.mark.parametrize(
    ("words", "argv"),
    [
        ("need --ledger", ["run", "--key", "operator"]),
        ("need --ledger", ["run", "--checkpoint-every", "4"]),
        ("--checkpoint-every must be", ["run", "--ledger", "n", "--checkpoint-every", "0"]),
        ("cannot read the key", ["run", "--ledger", "n", "--key", "nothing"]),
        ("holds no private key", ["run", "--ledger", "n", "--key", "operator.pub"]),
        ("witness's key", ["run", "--ledger", "n", "--key", "witness"]),
        ("not for the key", ["run", "--ledger", "n", "--key", "operator", "--origin", "x"]),
        ("one of them", ["verify"]),
        ("one of them", ["verify", "l", "--proof", "l"]),
        ("need the checkpoint", ["verify", "--proof", "l"]),
        ("need the checkpoint", ["verify", "l", "--key", "operator.pub"]),
        ("neither a verifier key", ["verify", "l", "--checkpoint", LAST, "--key", "nobody"]),
        ("cannot read", ["verify", "l", "--checkpoint", "nothing"]),
        ("a note is a text", ["verify", "l", "--checkpoint", "operator.pub"]),
        ("for ledgers", ["verify", "--proof", "l", "--checkpoint", LAST, "--no-reclear"]),
        ("say what to prove", ["prove", "l", "--out", "n"]),
        ("needs --checkpoint", ["witness", "update", "--state", "s", "--key", "witness",
                                "--log", "operator.pub"]),
        ("belong to", ["witness", "serve", "--state", "s", "--key", "witness", "--log",
                       "operator.pub", "--out", "n"]),
        ("did you mean 'serve'", ["witness", "server", "--state", "s", "--key", "witness",
                                  "--log", "operator.pub"]),
    ],
)  # fmt: skip
def test_mistakes_are_named_before_anything_is_written(at, capsys, words, argv):
    assert main(argv) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert not Path("n").exists()


def test_without_cryptography_one_sentence_says_what_to_install(at, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    for argv in (["keygen", "--name", NAME, "--out", "n"], ["verify", "l"]):
        assert main(argv) == 2
        assert "needs cryptography: pip install 'decent-gym[trust]'" in capsys.readouterr().err
