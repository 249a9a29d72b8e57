"""The tour of ``make demo``, without the training."""

import subprocess
import sys
from pathlib import Path

from decent_gym.ledger import verify

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.py"


def test_demo(tmp_path):
    argv = [sys.executable, str(DEMO), "--steps", "0"]
    for number in (1, 2):
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        folder = tmp_path / "demo-output" / str(number)
        result = verify(folder / "market.ledger")
        assert result.rounds == 672
        assert f"672 rounds cleared again, head {result.head}" in done.stdout
        assert f"672 rounds stepped again, head {result.head}" in done.stdout
        assert (folder / "market.png").exists()
        assert f"demo-output/{number}/market.ledger" in done.stdout
