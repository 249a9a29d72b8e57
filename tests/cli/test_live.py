"""``serve``, ``subscribe`` and ``broker-config``: what they print, write and refuse."""

import json
import sys
from pathlib import Path

import pytest

from agents import participant
from decent_gym.cli import main
from decent_gym.ledger import Checkpoint, verify
from decent_gym.replay import replay

FAST = ["serve", "--speed", "900000x", "--external", "building_03"]


def test_a_market_is_served_stopped_and_gone_on_with(tmp_path, capsys):
    ledger = str(tmp_path / "l")
    assert main([*FAST, "--ledger", ledger, "--rounds", "3"]) == 0
    first = capsys.readouterr()
    assert len(first.out.splitlines()) == 3
    assert "0 offers taken, 0 refused" in first.out
    assert "topics decent/v1/rural/#" in first.err
    assert "driven from outside: building_03" in first.err
    assert main([*FAST, "--ledger", ledger, "--rounds", "5", "--json"]) == 0
    second = capsys.readouterr()
    rounds = [json.loads(line)["round"] for line in second.out.splitlines()]
    assert rounds == [int(first.out.split()[0]) + 3, int(first.out.split()[0]) + 4]
    assert "3 rounds stepped again from the ledger" in second.err
    assert f"head {verify(ledger).head}" in second.err
    assert replay(ledger).rounds == 5


def test_a_served_ledger_is_signed_and_its_key_can_be_handed_over(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for key in ("operator", "operator2", "stranger"):
        assert main(["keygen", "--name", "district.example/rural", "--out", key]) == 0
    serve = [*FAST, "--ledger", "l", "--quiet", "--checkpoint-every", "2"]
    assert main([*serve, "--rounds", "3", "--key", "operator"]) == 0
    assert [Checkpoint.read(path).size for path in sorted(Path("l").glob("check*"))] == [3, 4]
    for key in ([], ["--key", "stranger"]):
        wanted = serve[:-2] if not key else serve
        assert main([*wanted, "--rounds", "4", *key]) == 2
        assert "key" in capsys.readouterr().err
    assert main(["rotate", "l", "--key", "operator", "--to", "operator2"]) == 0
    assert main([*serve, "--rounds", "5", "--key", "operator2"]) == 0
    newest = max(Path("l").glob("check*"))
    assert Checkpoint.read(newest).size == 7  # the header, five rounds and a key
    assert main(["verify", "l", "--checkpoint", str(newest), "--key", "operator2.pub"]) == 0
    assert replay("l").rounds == 5


def test_a_market_that_wants_signatures_and_a_participant_that_signs(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("building_03", "building_08"):
        assert main(["keygen", "--name", f"rural/{name}", "--out", name]) == 0
    serve = [*FAST, "--ledger", "l", "--quiet", "--keys", "."]
    assert main([*serve, "--rounds", "1"]) == 0
    assert "offers must be signed by: building_03\n" in capsys.readouterr().err
    assert main([*serve, "--rounds", "2"]) == 0
    assert main([*serve[:-2], "--rounds", "3"]) == 2  # the same market without its keys
    assert "keys of organizations" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["participant", "--trader", "truthful", "--organization", "x"])
    sys.argv += ["--key", "building_03"]
    assert participant.main() == 2
    assert "are signed with a key named 'rural/x'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--speed", "fast"], "--speed must be a number"),
        (["serve", "--speed", "0"], "speed must be from 0.001"),
        (["serve", "--speed", "nan"], "speed must be from 0.001"),
        (["serve", "--external", "building_99"], "building_"),
        (["serve", "--external", "utility"], "utility"),
        (["serve", "--rounds", "0"], "--rounds must be 1 or more"),
        (["serve", "--broker", "http://x"], "scheme 'http'"),
        (["serve", "--ca", "nothing.crt"], "no certificate"),
        (["serve", "--ledger", "l", "--key", "nothing"], "nothing"),
        (["serve", "--key", "nothing"], "need --ledger"),
        (["serve", "--keys", "nothing"], "cannot read keys from nothing"),
        (["serve", "--keys", "."], "holds no public keys"),
        (["serve", "--start", "9999999"], "--start"),
        (["serve", "--trader", "truthfull"], "truthful"),
        (["subscribe", "--broker", "x"], "broker's URL"),
        (["subscribe", "--rounds", "0"], "--rounds must be 1 or more"),
        (["subscribe", "--district", "a/b"], "district must be"),
        (["subscribe", "--ledger", "nothing"], "no ledger at nothing"),
        (["broker-config", "--out", "x"], "--organizations"),
        (["broker-config", "--out", "x", "--organizations", "a/b"], "1 to 64 letters"),
        (["broker-config", "--out", "x", "--organizations", "a", "--port", "0"], "port"),
    ],
)
def test_mistakes_are_one_line(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert words in lines[-1]
    assert lines[-1].startswith("decent-gym: ")
    assert list(tmp_path.iterdir()) == []


def test_broker_config_says_how_its_files_are_used(tmp_path, capsys):
    out = tmp_path / "broker"
    names = ["--organizations", "building_03", "--observers", "anna"]
    assert main(["broker-config", "--out", str(out), *names]) == 0
    told = capsys.readouterr().out
    assert "3 users: operator, building_03, anna" in told
    assert f"mosquitto -c {out / 'mosquitto.conf'}" in told
    users = json.loads((out / "users.json").read_text())
    assert not any(password in told for password in users.values())
    assert main(["broker-config", "--out", str(out), *names]) == 2
    assert "is taken" in capsys.readouterr().err
