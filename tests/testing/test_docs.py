"""The template runs, and docs/new-mechanism.md says what is."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

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


def test_the_page_lists_every_law() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    every = [DECLARES, TRADES, *laws(lambda books, b, rules: ([], []))]
    assert sorted(listed) == sorted(law.name for law in every)
    assert len({law.name for law in every}) == len(every)


def test_the_docstring_is_true() -> None:
    found = doctest.testmod(mechanism)
    assert found.attempted == 1 and found.failed == 0
