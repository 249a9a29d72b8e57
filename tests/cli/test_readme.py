"""What the README says that three commands print is what they print."""

from pathlib import Path

import pytest

from decent_gym.cli import main

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_proof_and_the_contract_of_the_readme(capsys, monkeypatch, tmp_path):
    pytest.importorskip("cryptography", reason="cryptography is not installed: the extra trust")
    pytest.importorskip("pyrevm", reason="pyrevm is not installed: the extra chain")
    section = README.partition("## A market that nobody has to trust")[2].partition("\n## ")[0]
    lines = [line.partition("#")[0].split() for line in section.splitlines()]
    commands = [words[1:] for words in lines if words[:1] == ["decent-gym"]]
    assert [words[0] for words in commands] == ["keygen", "run", "prove", "verify", "settle"]
    monkeypatch.chdir(tmp_path)
    for words in commands:
        assert main(words) == 0, words
    said = capsys.readouterr().out
    assert "ok, this is proven" in said and "192 rounds committed" in said
    assert 4_500 < (tmp_path / "mine.proof").stat().st_size < 5_500


def test_the_week_of_the_readme(capsys, monkeypatch, tmp_path):
    section = README.partition("## A week of the district")[2]
    commands = [line.split() for line in section.splitlines() if line.startswith("    decent-gym ")]
    assert [words[1] for words in commands[:3]] == ["run", "verify", "replay"]
    quoted = section.split("```")[1].strip().splitlines()
    monkeypatch.chdir(tmp_path)
    for words in commands[:3]:
        assert (
            main([word for word in words[1:] if not word.endswith(".png") and word != "--plot"])
            == 0
        )
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in quoted if line not in printed] == []
