"""A skipped test fails the run where NO_SKIPS=1 says so, in one process and in two."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPED = """\
import pytest
def test_passes(): pass
@pytest.mark.skipif(True, reason="no broker here")
def test_skipped(): assert False
"""
MODULE = 'import pytest\npytest.skip("no broker here", allow_module_level=True)\n'
RAY = 'import pytest\npytest.skip("Ray has an environment of its own", allow_module_level=True)\n'


def run(folder, no_skips, *options):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "."]
    environment = {**os.environ, "NO_SKIPS": no_skips}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("text", "no_skips", "options", "code"),
    [
        (SKIPPED, "1", [], 1),
        (SKIPPED, "", [], 0),
        (MODULE, "1", ["-n", "1"], 1),
        (RAY, "1", [], 0),
    ],
)
def test_a_skipped_test_fails_the_run_that_forbids_it(tmp_path, text, no_skips, options, code):
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_one.py").write_text(text)
    (tmp_path / "test_two.py").write_text("def test_passes(): pass\n")
    done = run(tmp_path, no_skips, *options)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("which NO_SKIPS=1 forbids" in done.stdout) is (code == 1)
