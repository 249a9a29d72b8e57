"""What a script prints with its kernels compiled, and without."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def told_both_ways(code: str) -> list[str]:
    """What `code` prints, compiled and interpreted; a warning is an error."""
    path = f"{ROOT}:{ROOT / 'tests'}"
    return [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**os.environ, "NUMBA_DISABLE_JIT": off, "PYTHONPATH": path},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for off in "01"
    ]
