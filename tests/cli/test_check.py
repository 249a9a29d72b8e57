"""``verify``, ``replay`` and ``scenarios``, and what all commands share."""

import json
import subprocess
import sys

import pytest
from oracles import forger
from scenarios.street_files import write_street

from decent_gym.cli import COMMANDS, main
from decent_gym.cli.parser import parsed_value
from decent_gym.scenarios import SCENARIOS


@pytest.fixture
def ledger(tmp_path, capsys):
    folder = tmp_path / "ledger"
    argv = ["run", "--rounds", "5", "--seed", "2", "--trader", "heat_plant=no_flexibility"]
    assert main([*argv, "--tariff", "time_of_use", "--quiet", "--ledger", str(folder)]) == 0
    capsys.readouterr()
    return folder


def flip(folder):
    """A byte in the middle of the last round."""
    segment = folder / forger.SEGMENT
    data = bytearray(segment.read_bytes())
    data[-100] ^= 1
    segment.write_bytes(data)


def test_verify(ledger, capsys):
    assert main(["verify", str(ledger)]) == 0
    assert capsys.readouterr().out.startswith("ok: 5 rounds cleared again, head ")
    assert main(["verify", str(ledger), "--no-reclear"]) == 0
    assert "5 rounds hashed again" in capsys.readouterr().out


def test_verify_json(ledger, capsys):
    assert main(["verify", str(ledger), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert found["rounds"] == 5
    assert found["first_bad"] is None
    head = found["head"]
    assert main(["verify", str(ledger), "--expect-head", head]) == 0
    assert main(["verify", str(ledger), "--expect-head", "0" * 64]) == 1


def test_verify_names_the_flipped_round(ledger, capsys):
    flip(ledger)
    assert main(["verify", str(ledger)]) == 1
    assert "at round 4" in capsys.readouterr().out
    assert main(["verify", str(ledger), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["first_bad"] == 4


def test_reclearing_finds_what_hashes_do_not(ledger, capsys):
    header, rounds = forger.read(ledger)
    price = rounds[2].electricity.price
    rounds[2] = forger.edited(rounds[2], electricity={"price": price + 1})
    forger.write(ledger, header, rounds)
    assert main(["verify", str(ledger), "--no-reclear"]) == 0
    capsys.readouterr()
    assert main(["verify", str(ledger)]) == 1
    assert "round 2" in capsys.readouterr().out


def test_replay(ledger, capsys):
    assert main(["verify", str(ledger), "--json"]) == 0
    head = json.loads(capsys.readouterr().out)["head"]
    assert main(["replay", str(ledger)]) == 0
    assert f"5 rounds stepped again, head {head}" in capsys.readouterr().out
    assert main(["replay", str(ledger), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["head"], found["recorded_head"]) == (True, head, head)


def test_replay_under_other_traders(ledger, capsys):
    path = ledger / "meta.json"
    meta = json.loads(path.read_text())
    meta["traders"]["building_02"] = "no_flexibility"
    path.write_text(json.dumps(meta))
    assert main(["replay", str(ledger), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert f"round {found['first_different']}: " in found["reason"]
    assert main(["verify", str(ledger)]) == 0


def test_replay_of_a_scenario_file_that_moved_along(tmp_path, capsys, monkeypatch):
    home = tmp_path / "one"
    home.mkdir()
    write_street(home)
    monkeypatch.chdir(home)
    argv = ["run", "--scenario", "street.toml", "--rounds", "3", "--start", "0", "--quiet"]
    assert main([*argv, "--ledger", "ledger"]) == 0
    home.rename(tmp_path / "two")
    monkeypatch.chdir(tmp_path)
    assert main(["replay", "two/ledger"]) == 0
    (tmp_path / "two" / "street.toml").unlink()
    assert main(["replay", "two/ledger"]) == 2
    assert "put it back" in capsys.readouterr().err


def test_scenarios(capsys):
    assert main(["scenarios"]) == 0
    listed = capsys.readouterr().out
    assert main(["scenarios", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == SCENARIOS.keys()
    for name, facts in found.items():
        assert name in listed
        assert facts["about"]
        assert facts["organizations"] > 1
        assert facts["sources"]


def test_one_scenario(capsys):
    assert main(["scenarios", "rural"]) == 0
    text = capsys.readouterr().out
    for part in ("building_03", "battery 22.1 kWh 11 kW", "heat_plant", "0.3500", "ODbL"):
        assert part in text
    assert "None" not in text
    assert main(["scenarios", "rural", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["members"]) == found["organizations"] == 15
    assert found["tariffs"]["electricity"]["retail"] == [0.35, 0.35]
    assert found["devices"]["battery"] == 6


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "which command?"),
        (["rnu"], "unknown command 'rnu'; did you mean 'run'?"),
        (["--jsn"], "unknown option"),
        (["scenarios", "rurl"], "did you mean 'rural'?"),
        (["scenarios", "gone.toml"], "gone.toml"),
        (["verify"], "give PATH or --proof FILE"),
        (["verify", "nowhere"], "there is no ledger at nowhere"),
        (["replay", "nowhere"], "there is no ledger at nowhere"),
        (["verify", "--no-recler", "x"], "did you mean '--no-reclear'?"),
    ],
)
def test_mistakes_are_one_line(argv, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("decent-gym: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


@pytest.mark.parametrize("argv", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help(argv, capsys):
    assert main(argv) == 0
    assert "exit codes:" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("decent-gym 0")


def test_python_m_gives_the_exit_code(tmp_path):
    argv = [sys.executable, "-m", "decent_gym", "verify", "nowhere"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "decent-gym: there is no ledger at nowhere: give the folder that holds its segments\n"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-3", -3), ("none", None), ("None", None), ("1/3", "1/3"), ("0.5", "0.5")],
)
def test_parsed_value(text, value):
    assert parsed_value(text) == value
