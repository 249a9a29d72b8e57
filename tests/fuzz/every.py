"""Fuzz every parser for a while, one after the other: ``python -m fuzz.every [--seconds N]``.

Prints how often each was called and what it found; the exit code is 1 if that is anything.  New
inputs and findings are kept in ``runs/fuzz/TARGET``.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from fuzz.targets import TARGETS

CORPUS: Final = Path(__file__).parent / "corpus"
KEPT: Final = Path("runs/fuzz")
CALLS: Final = re.compile(r"number_of_executed_units: (\d+)")


def fuzz(target: str, seconds: int) -> tuple[int, list[str]]:
    """How often a target was called, and the inputs that broke it."""
    folder = KEPT / target
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-W", "ignore", "-m", "fuzz.run", target]
    words += [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=3000"]
    words += ["-print_final_stats=1", "corpus", str(CORPUS / target)]
    path = os.pathsep.join(str(Path(place).resolve()) for place in sys.path if place)
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, errors="replace",
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    (folder / "log.txt").write_text(done.stderr, encoding="utf-8")
    calls = CALLS.search(done.stderr)
    found = [str(path) for kind in ("crash", "timeout", "oom") for path in folder.glob(f"{kind}-*")]
    if done.returncode and not found:
        found = [f"exit code {done.returncode}, see {folder / 'log.txt'}"]
    return int(calls[1]) if calls else 0, found


def main() -> None:
    """Run them all, or those that are named."""
    parser = argparse.ArgumentParser(description="fuzz every parser, one after the other")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each (default 60)")
    args = parser.parse_args()
    if unknown := sorted(set(args.targets) - TARGETS.keys()):
        parser.error(f"unknown target {unknown[0]!r}; known: {', '.join(TARGETS)}")
    broken = 0
    for target in args.targets or TARGETS:
        calls, found = fuzz(target, args.seconds)
        broken += bool(found)
        print(f"| `{target}` | {calls:,} | {', '.join(found) or 'nothing'} |", flush=True)
    raise SystemExit(broken > 0)


if __name__ == "__main__":
    main()
