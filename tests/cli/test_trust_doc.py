"""The walk through docs/trust.md does what the page says."""

from pathlib import Path

from oracles.walk_pages import commands

from decent_gym.cli import main

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "trust.md").read_text(encoding="utf-8")


def test_the_walk_through(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    printed = ""
    for argv, code, words in commands(PAGE):
        quiet = ["--quiet"] if argv[0] == "run" else []
        assert main([*argv, *quiet]) == code, argv
        said = capsys.readouterr().out
        assert words in said
        printed += said
    quoted = PAGE.split("```text\n")[1].split("```")[0].splitlines()
    assert len(quoted) == 7
    assert [line for line in quoted[:-1] if line not in printed.splitlines()] == []
    known = quoted[-1].split(", root ")[0]
    assert known in printed and "cosigned by neighbour.example/witness at" in printed
    assert {code for _, code, _ in commands(PAGE)} == {0, 1}
