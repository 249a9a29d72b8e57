"""The same ledger heads from any number of threads, compiled or not, on any Python.

Run: ``python -m benchmarks.same_heads [--worlds N] [--rounds N] [--threads N]`` prints the heads of
one way to run some worlds, each with a ledger in memory; ``python -m benchmarks.bench_trust same``
compares all ways there are.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import decent_gym

ROOT = Path(__file__).parents[1]
WORLDS = 4
KINDS = (("separate", {"tie_rule": "random"}), ("coupled", {"clearing": "coupled"}))
SECONDS = 3_600


def heads(worlds: int, rounds: int, threads: int) -> list[str]:
    """Heads of so many worlds under both kinds of clearing, after so many rounds of random acts."""
    found = []
    for _, rules in KINDS:
        scenario = decent_gym.scenario("synthetic", organizations=8, days=60, seed=1, **rules)
        learner = next(member.name for member in scenario.members if member.heat_pump)
        ledgers = dict.fromkeys(range(worlds), "memory")
        envs: Any = gymnasium.make_vec(
            "decent_gym/Trader-v0", worlds, "vector_entry_point", scenario=scenario,
            learner=learner, rounds=rounds, threads=threads, ledger=ledgers,
        ).unwrapped  # fmt: skip
        envs.reset(seed=3, options={"start": 0})
        rng = np.random.default_rng(0)
        for _ in range(rounds - 1):
            envs.step(rng.uniform(-1, 1, envs.action_space.shape).astype(np.float32))
        found += [envs.head(world) for world in range(worlds)]
        envs.close()
    return found


def ways(pythons: list[str]) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Name of a way to run -> command and environment."""
    threads = sorted({1, 2, os.cpu_count() or 1, WORLDS})
    found = {f"{n} threads": ([sys.executable], {"THREADS": str(n)}) for n in threads}
    found["not compiled"] = ([sys.executable], {"NUMBA_DISABLE_JIT": "1"})
    for python in pythons:
        found[python_version(python)] = ([python], {})
    return found


def python_version(python: str) -> str:
    """As ``Python 3.12.1``."""
    return subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.strip()


def same(trials: int, seed: int = 0, pythons: list[str] | None = None) -> dict[str, Any]:
    """How many ways gave other heads than the first, over `trials` rounds; `seed` is not used."""
    rounds = -(-trials // (WORLDS * len(KINDS)))
    expected: list[str] = []
    result: dict[str, Any] = {
        "unseen": 0, "rounds": rounds * WORLDS * len(KINDS), "Python": platform.python_version(),
    }  # fmt: skip
    for name, (python, more) in ways(pythons or []).items():
        found = _run(python, rounds, more)
        expected = expected or found
        result[name] = "the same" if found == expected else "OTHER HEADS"
        result["unseen"] += found != expected
    return result


def _run(python: list[str], rounds: int, more: dict[str, str]) -> list[str]:
    threads = more.get("THREADS", "1")
    command = [
        *python,
        "-m",
        "benchmarks.same_heads",
        "--rounds",
        str(rounds),
        "--threads",
        threads,
    ]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **more},
        capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    found: list[str] = json.loads(done.stdout)
    return found


def main() -> int:
    """Print the heads."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=WORLDS)
    parser.add_argument("--rounds", type=int, default=96)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    print(json.dumps(heads(args.worlds, args.rounds, args.threads)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
