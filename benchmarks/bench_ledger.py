"""How many rounds a second a ledger takes and a verifier checks, with about 62 offers each.

Distinct rounds from the real grid operator (20 organizations, two books); encoding, hashing and
writing included, making the rounds not.
Run: ``python -m benchmarks.bench_ledger [--quick] [--write docs/benchmarks.md]``
"""

import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.report import Report, Table, main
from benchmarks.timing import alternated, clock
from decent_gym.ledger import Checkpoints, Ledger, LedgerHeader, SigningKey, verify
from decent_gym.ledger.keeper import operator_key
from decent_gym.market import Capability, GridOperator
from decent_gym.market.orders import Orders
from decent_gym.models import Organization, Round

ORGANIZATIONS = 20
OFFERS = 31
ROUNDS = 2_000


class Keep:
    """Listens and keeps every round."""

    def __init__(self) -> None:
        self.rounds: list[Round] = []

    def on_round(self, record: Round) -> None:
        self.rounds.append(record)


def market_rounds(
    count: int, offers: int = OFFERS, organizations: int = ORGANIZATIONS
) -> tuple[LedgerHeader, list[Round]]:
    """Rounds with so many offers in each of the two books, and their ledger's header."""
    members = [Organization(f"building_{i:02d}") for i in range(organizations)]
    capability, rng, keep = Capability(), np.random.default_rng(1), Keep()
    operator = GridOperator(members, capability)
    operator.listen(0, keep)
    for number in range(count):
        orders = Orders.empty(1, offers)
        shape = orders.id.shape
        orders.count[:] = offers
        orders.owner[:] = np.arange(offers) % organizations
        orders.side[:] = orders.owner % 2
        orders.price[:] = rng.integers(80_000, 300_000, shape)
        orders.energy[:] = rng.integers(1, 4_000, shape)
        orders.start[:] = number
        orders.until[:] = number + 1
        orders.cap[:] = 10**8
        operator.submit(orders, capability)
        metered = operator.clear(capability).copy()
        metered[:, :organizations] += rng.integers(-50, 50, (1, organizations, 2))
        operator.complete(metered, capability)
    header = LedgerHeader.of(members, operator.rules.to_dict(), operator.start)
    return header, keep.rounds


def write(ledger: Ledger, records: list[Round]) -> None:
    with ledger:
        for record in records:
            ledger.on_round(record)


def check(path: Path, reclear: bool) -> None:
    verification = verify(path, reclear=reclear)
    if not verification:
        raise SystemExit(f"the ledger does not verify: {verification}")


def measure(runs: int, quick: bool) -> Report:
    """One table."""
    header, records = market_rounds(ROUNDS // 20 if quick else ROUNDS)
    few = records[: len(records) // 10]
    signed = Checkpoints(key=SigningKey("district.example/bench", bytes(32)))
    keyed = replace(header, operator_key=operator_key(signed))
    with tempfile.TemporaryDirectory() as folder:
        fresh = (Path(folder) / str(n) for n in range(10**6))
        path = next(fresh)
        write(Ledger.create(path, header), records)
        size = sum(segment.stat().st_size for segment in path.glob("segment-*.dgl"))
        tasks = {
            "append, in memory (the head alone)": (
                lambda: write(Ledger(header), records), records,
            ),
            "append, files, written in batches": (
                lambda: write(Ledger.create(next(fresh), header), records), records,
            ),
            "append, in memory, with the Merkle tree": (
                lambda: write(Ledger(header, checkpoints=Checkpoints()), records), records,
            ),
            "append, files, a signed checkpoint every 96 records": (
                lambda: write(Ledger.create(next(fresh), keyed, checkpoints=signed), records),
                records,
            ),
            "append, files, on the device after every round": (
                lambda: write(Ledger.create(next(fresh), header, sync="round"), few), few,
            ),
            "verify, hashes and encoding": (partial(check, path, False), records),
            "verify, clearing every round again": (partial(check, path, True), records),
        }  # fmt: skip
        times = alternated({name: partial(clock, task) for name, (task, _) in tasks.items()}, runs)
    rows = [
        [name, len(rounds) / times[name].wall, times[name].cpu / len(rounds) * 1e6]
        for name, (_, rounds) in tasks.items()
    ]
    name = f"{2 * OFFERS} offers, {ORGANIZATIONS} organizations: {size / len(records):,.0f} bytes"
    return Report([Table("ledger", {name: "", "rounds/s": ",.0f", "µs of CPU": ",.0f"}, rows)])


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
