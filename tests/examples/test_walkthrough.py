"""The walk-through catches every fraud, its page tells the same, and its narrator can fail."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from live.mosquitto_process import needs_mosquitto

from examples.narrator import Narrator

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "walkthrough.py"
PAGE = ROOT / "docs" / "walkthrough.md"
CAUGHT = [
    "does not have the hash that it states",
    "its past was written anew",
    "one was written anew",
    "refuses (409): FORK",
    "electricity pays of order",
    "rolled back",
    "refuses (409): ROLLBACK",
    "its past was written anew",
    "refuses (409): FORK",
    "verify the ledger",
    "NOT ok: round 0: electricity price is",
]


def told(page):
    """Headings, prose and commands; what the commands say differs from run to run."""
    return re.sub(r"```text\n.*?```\n", "", page, flags=re.DOTALL)


def refusals(page):
    return [
        block
        for block in re.findall(r"```text\n(.*?)```", page, re.DOTALL)
        if "exit code 1" in block
    ]


@needs_mosquitto
def test_every_fraud_is_caught_and_nothing_is_left_behind(tmp_path):
    spare = tmp_path / "spare"
    spare.mkdir()
    script = subprocess.Popen(
        [sys.executable, str(SCRIPT), "--write", "page.md"],
        cwd=tmp_path, env={**os.environ, "TMPDIR": str(spare)}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said, _ = script.communicate()
    assert script.returncode == 0, said
    assert list(spare.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(script.pid, 0)
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    for written in (page, PAGE.read_text(encoding="utf-8")):
        blocks = refusals(written)
        assert len(blocks) == len(CAUGHT)
        assert [
            words for words, block in zip(CAUGHT, blocks, strict=True) if words not in block
        ] == []
    assert told(page) == told(PAGE.read_text(encoding="utf-8")), (
        "run: python examples/walkthrough.py --write docs/walkthrough.md"
    )


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("decent-gym scenarios", 1, "rural"),  # it was to be refused, and was not
        ("decent-gym scenarios", 0, "nothing like that"),
        ("decent-gym verify nowhere", 1, "no ledger"),  # a mistake is no catch
        ("decent-gym verify nowhere", 2, "another mistake"),
    ],
)
def test_a_story_that_goes_otherwise_is_over(tmp_path, command, code, words):
    with Narrator(tmp_path) as walk:
        with pytest.raises(SystemExit, match="walk-through: exit code"):
            walk.run(command, code=code, words=words)
        assert walk.caught == []


def test_what_was_started_ends_with_the_story(tmp_path):
    (tmp_path / "sleep.py").write_text("import time\nprint('begun')\ntime.sleep(1000)\n")
    with pytest.raises(RuntimeError, match="in the middle"), Narrator(tmp_path) as walk:
        walk.start("sleeper", "python sleep.py", until="begun")
        process = walk.processes["sleeper"]
        assert process.poll() is None
        raise RuntimeError("in the middle")
    assert process.returncode == -9
    with Narrator(tmp_path) as walk, pytest.raises(SystemExit, match="stuck or has failed"):
        walk.start("broken", "python nowhere.py", until="begun")
