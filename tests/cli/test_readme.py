"""What the README says that three commands print is what they print."""

from pathlib import Path

from decent_gym.cli import main

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


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
