"""The template runs, and docs/new-mechanism.md says what is."""

import doctest
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import check_mechanisms
from decent_gym.clearing import MECHANISMS
from decent_gym.testing import mechanism
from decent_gym.testing.catalogue import DECLARES, TRADES, laws

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "new-mechanism.md").read_text(encoding="utf-8")


def test_the_template_runs_as_it_stands() -> None:
    command = [sys.executable, "-W", "error", "examples/my_mechanism.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "'posted_price' keeps all 28 laws" in done.stdout
    assert re.search(r"^posted_price +8\d\.\d +8\d\.\d +\d+\.\d\d$", done.stdout, re.MULTILINE)


def test_the_long_check_prints_its_tables_and_shows_what_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    marks = "<!-- bench:{} -->\n<!-- end -->\n"
    page.write_text(marks.format("check_mechanisms") + marks.format("mcafee"), encoding="utf-8")
    words = ["huang", "--books", "200", "--lies", "200", "--write", str(page)]
    assert check_mechanisms.main(words) == 0
    assert re.search(r"`huang` +200 .* none ", capsys.readouterr().out)
    assert "| `huang` | 200 |" in page.read_text(encoding="utf-8")
    monkeypatch.setattr(MECHANISMS, "_entries", dict(MECHANISMS._entries))
    right = MECHANISMS["merit_order"]
    wrong = replace(right, name="wrong", truthful="unit")
    MECHANISMS.add("wrong", wrong)
    before = page.read_text(encoding="utf-8")
    assert check_mechanisms.main(["wrong", *words[1:]]) == 1
    told = capsys.readouterr()
    assert "truth" in told.out and "says" in told.err and "assert keeps(" in told.err
    assert page.read_text(encoding="utf-8") == before
    with pytest.raises(SystemExit):
        check_mechanisms.main(["huan"])
    assert "did you mean 'huang'" in capsys.readouterr().err


def test_the_page_lists_every_law() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    every = [DECLARES, TRADES, *laws(lambda books, b, rules: ([], []))]
    assert sorted(listed) == sorted(law.name for law in every)
    assert len({law.name for law in every}) == len(every)


def test_the_docstring_is_true() -> None:
    found = doctest.testmod(mechanism)
    assert found.attempted == 1 and found.failed == 0
