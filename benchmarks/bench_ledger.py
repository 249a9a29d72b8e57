"""How many rounds a second a ledger takes and a verifier checks, with about 62 offers each.

Distinct rounds from the real grid operator (20 organizations, two books); encoding, hashing and
writing included, making the rounds not; the best of some runs.
Run: ``python benchmarks/bench_ledger.py [--rounds 2000] [--runs 5] [--json]``
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from decent_gym.ledger import Ledger, LedgerHeader, verify
from decent_gym.market import Capability, GridOperator
from decent_gym.market.orders import Orders
from decent_gym.models import Organization, Round

ORGANIZATIONS = 20
OFFERS = 31


class Keep:
    """Listens and keeps every round."""

    def __init__(self) -> None:
        self.rounds: list[Round] = []

    def on_round(self, record: Round) -> None:
        self.rounds.append(record)


def market_rounds(count: int) -> tuple[LedgerHeader, list[Round]]:
    """Rounds with 31 offers in each of the two books, and their ledger's header."""
    members = [Organization(f"building_{i:02d}") for i in range(ORGANIZATIONS)]
    capability, rng, keep = Capability(), np.random.default_rng(1), Keep()
    operator = GridOperator(members, capability)
    operator.listen(0, keep)
    for number in range(count):
        orders = Orders.empty(1, OFFERS)
        shape = orders.id.shape
        orders.count[:] = OFFERS
        orders.owner[:] = np.arange(OFFERS) % ORGANIZATIONS
        orders.side[:] = orders.owner % 2
        orders.price[:] = rng.integers(80_000, 300_000, shape)
        orders.energy[:] = rng.integers(1, 4_000, shape)
        orders.start[:] = number
        orders.until[:] = number + 1
        orders.cap[:] = 10**8
        operator.submit(orders, capability)
        metered = operator.clear(capability).copy()
        metered[:, :ORGANIZATIONS] += rng.integers(-50, 50, (1, ORGANIZATIONS, 2))
        operator.complete(metered, capability)
    header = LedgerHeader.of(members, operator.rules.to_dict(), operator.start)
    return header, keep.rounds


def rate(task: Callable[[], None], rounds: int, runs: int) -> float:
    """Rounds a second in the fastest run."""
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        task()
        best = min(best, time.perf_counter() - start)
    return rounds / best


def write(ledger: Ledger, records: list[Round]) -> None:
    with ledger:
        for record in records:
            ledger.on_round(record)


def measure(rounds: int, runs: int) -> dict[str, float]:
    header, records = market_rounds(rounds)
    few = records[: max(rounds // 10, 1)]
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        fresh = (Path(folder) / str(n) for n in range(10**6))
        write(Ledger(header), records)  # compiles
        figures["append, memory"] = rate(lambda: write(Ledger(header), records), rounds, runs)
        figures["append, file, sync=checkpoint"] = rate(
            lambda: write(Ledger.create(next(fresh), header), records), rounds, runs
        )
        figures["append, file, sync=round"] = rate(
            lambda: write(Ledger.create(next(fresh), header, sync="round"), few), len(few), runs
        )
        path = Path(folder) / "ledger"
        write(Ledger.create(path, header), records)
        size = sum(segment.stat().st_size for segment in path.glob("segment-*.dgl"))
        figures["bytes a round"] = size / rounds
        for reclear in (False, True):
            if not verify(path, reclear=reclear):
                raise SystemExit(f"the ledger does not verify: {verify(path)}")
            name = f"verify, reclear={reclear}"
            figures[name] = rate(lambda again=reclear: verify(path, reclear=again), rounds, runs)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = measure(arguments.rounds, arguments.runs)
    if arguments.json:
        json.dump(figures, sys.stdout, indent=2)
        return
    for name, figure in figures.items():
        print(f"{name:<32} {figure:>10,.0f}{'' if 'bytes' in name else ' rounds/s'}")


if __name__ == "__main__":
    main()
