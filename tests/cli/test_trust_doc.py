"""The walk through docs/trust.md does what the page says."""

import shlex
from pathlib import Path

from decent_gym.cli import main

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "trust.md").read_text(encoding="utf-8")


def commands():
    """Arguments, expected exit code and words of each command of the walk."""
    walk = PAGE.partition("## A walk through")[2].partition("## From Python")[0]
    for block in walk.split("```sh\n")[1:]:
        for line in block.split("```")[0].replace("\\\n", " ").splitlines():
            command, _, comment = line.partition("#")
            program, *argv = shlex.split(command)
            assert program == "decent-gym"
            code, _, words = comment.strip().removeprefix("exit code ").partition(": ")
            yield argv, int(code or 0), words


def test_the_walk_through(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    printed = ""
    for argv, code, words in commands():
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
    assert {code for _, code, _ in commands()} == {0, 1}
