"""Rounds per second of the single environment and of the batched simulation.

Medians of alternated runs; every figure includes forecasts, scripted traders, both books,
delivery, imbalance, reason codes, rewards and observations.
Run: ``python benchmarks/bench_env.py [--runs 7] [--json]``
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np

import decent_gym
from decent_gym.simulation import Episodes


def single(ledger: str | None = None, **options: object) -> Callable[[], float]:
    """Steps per second of one day in Trader-v0."""
    env = gymnasium.make("decent_gym/Trader-v0", ledger=ledger, **options).unwrapped
    action = np.zeros(env.action_space.shape, np.float32)

    def run() -> float:
        env.reset(seed=1)
        start = time.perf_counter()
        for _ in range(96):
            env.step(action)
        return 96 / (time.perf_counter() - start)

    return run


def batched(worlds: int, organizations: int) -> Callable[[], float]:
    """World-steps per second of `synthetic`, one learner a world, on one core."""
    district = decent_gym.scenario("synthetic", organizations=organizations, days=7)
    learner = next(member.name for member in district.members if member.flexible)
    episodes = Episodes(district, [learner], worlds=worlds)
    episodes.reset(range(worlds))
    episodes.act(0, np.zeros(len(episodes.levers[0])))
    steps = max(4, 2_000 // worlds)
    steps = min(steps, 96)

    def run() -> float:
        episodes.reset(range(worlds))
        start = time.perf_counter()
        for _ in range(steps):
            episodes.step()
        return worlds * steps / (time.perf_counter() - start)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tasks = {
            "Trader-v0, rural (15 organizations)": single(),
            "Trader-v0, synthetic, 14 organizations": single(
                scenario="synthetic", organizations=14, learner=_learner(14)
            ),
            "the same, ledger in memory": single(
                "memory", scenario="synthetic", organizations=14, learner=_learner(14)
            ),
            "the same, ledger on disk": single(
                str(Path(folder) / "ledgers"),
                scenario="synthetic",
                organizations=14,
                learner=_learner(14),
            ),
            **{f"batched, {w} x 20 organizations": batched(w, 20) for w in (1, 8, 64, 256)},
        }
        rates: dict[str, list[float]] = {name: [] for name in tasks}
        for task in tasks.values():
            task()
        for _ in range(args.runs):
            for name, task in tasks.items():
                rates[name].append(task())
    table = {name: statistics.median(values) for name, values in rates.items()}
    if args.json:
        print(json.dumps(table))
        return
    print(f"{'':<40} steps/s")
    for name, rate in table.items():
        print(f"{name:<40} {rate:>8,.0f}")


def _learner(organizations: int) -> str:
    district = decent_gym.scenario("synthetic", organizations=organizations)
    return next(member.name for member in district.members if member.flexible)


if __name__ == "__main__":
    main()
