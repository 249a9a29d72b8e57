"""Does a ledger show what was done to it?  Counts of attempts and of those that went unseen.

``edits``: every single bit of twelve records flipped, then random edits of their bytes (bytes set,
zeroed, cut out, put in, whole records swapped, dropped, doubled; and edits that hash the whole
ledger again, as only its writer could).  Unseen: the reader finds no fault and the same head.

``rollback``: a ledger is cut or written anew behind a checkpoint that somebody holds, hashed and
signed again with the operator's own key.  Unseen: `verify` accepts it against the checkpoint, a
witness cosigns it, or a proof from it passes against the checkpoint.

``crashes``, ``tails``: what a crash leaves of a ledger, see :mod:`benchmarks.crashes`.

``clearing``: every mechanism against its slow oracle.  ``same``: the heads of the same market,
however it is run, see :mod:`benchmarks.same_heads`.

Run: ``python -m benchmarks.bench_trust WHAT [--trials N] [--seed N]``; every attempt is a file, so
a memory disk (``TMPDIR``) helps, but not for ``crashes``.
"""

import argparse
import dataclasses
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.bench_ledger import market_rounds
from benchmarks.check_mechanisms import INPUTS, oracle_of
from benchmarks.crashes import RECORDS as RECORDS_CUT
from benchmarks.crashes import kills, tails
from benchmarks.same_heads import same
from decent_gym.audit import verify_proof
from decent_gym.clearing import MECHANISMS
from decent_gym.errors import DecentGymError
from decent_gym.ledger import (
    Checkpoint,
    Checkpoints,
    KeyKind,
    Ledger,
    LedgerHeader,
    Proof,
    SigningKey,
    prove,
    verify,
)
from decent_gym.ledger.checkpoint import read_checkpoints
from decent_gym.ledger.hashing import GENESIS, link
from decent_gym.ledger.merkle import Tree
from decent_gym.ledger.scan import Scan
from decent_gym.live.witness import Witness
from decent_gym.models import Round
from decent_gym.testing import BrokenLawError, check_mechanism

RECORDS = 12
SEGMENT = "segment-000000.dgl"
KEY = SigningKey("district.example/rural", b"bench-trust operator's key, 32 b")
OWN = SigningKey("neighbour.example/witness", b"bench-trust witness's key, 32 by", KeyKind.WITNESS)

Edit = Callable[[random.Random, list[bytes]], bytes]


def write(folder: Path, header: LedgerHeader, rounds: list[Round], every: int = 96) -> None:
    with Ledger.create(folder, header, checkpoints=Checkpoints(every, KEY)) as ledger:
        for record in rounds:
            ledger.on_round(record)


def signed_market(rounds: int) -> tuple[LedgerHeader, list[Round]]:
    header, records = market_rounds(rounds)
    return dataclasses.replace(header, operator_key=KEY.verifier.public), records


# -- edits -----------------------------------------------------------------------------------------


def _set(rng: random.Random, records: list[bytes]) -> bytes:
    data = bytearray(b"".join(records))
    for _ in range(rng.choice((1, 1, 2, 8))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def _zero(rng: random.Random, records: list[bytes]) -> bytes:
    data = bytearray(b"".join(records))
    first = rng.randrange(len(data))
    data[first : first + rng.randrange(1, 64)] = bytes(min(64, len(data) - first))
    return bytes(data)


def _cut_out(rng: random.Random, records: list[bytes]) -> bytes:
    data = b"".join(records)
    first = rng.randrange(len(data))
    return data[:first] + data[first + rng.randrange(1, 4_000) :]


def _put_in(rng: random.Random, records: list[bytes]) -> bytes:
    data = b"".join(records)
    place, first = rng.randrange(len(data) + 1), rng.randrange(len(data))
    more = rng.choice((rng.randbytes(rng.randrange(1, 64)), data[first : first + 512]))
    return data[:place] + more + data[place:]


def _swap(rng: random.Random, records: list[bytes]) -> bytes:
    a, b = rng.sample(range(len(records)), 2)
    records[a], records[b] = records[b], records[a]
    return b"".join(records)


def _drop(rng: random.Random, records: list[bytes]) -> bytes:
    del records[rng.randrange(len(records))]
    return b"".join(records)


def _double(rng: random.Random, records: list[bytes]) -> bytes:
    place = rng.randrange(len(records))
    return b"".join([*records[:place], records[place], *records[place:]])


def _hash_again(rng: random.Random, records: list[bytes]) -> bytes:
    place = rng.randrange(len(records))
    body = bytearray(records[place][:-64])
    body[rng.randrange(16, len(body))] ^= 1 << rng.randrange(8)
    bodies = [record[:-64] for record in records]
    bodies[place] = bytes(body)
    previous, data = GENESIS, b""
    for one in bodies:
        own = link(previous, one)
        data, previous = data + one + previous + own, own
    return data


EDITS: tuple[Edit, ...] = (_set, _set, _zero, _cut_out, _put_in, _swap, _drop, _double, _hash_again)


def edits(trials: int, seed: int = 0, every_bit: int = 1) -> dict[str, int]:
    """Attempts and what became of them; `every_bit` n flips one bit in n."""
    header, rounds = signed_market(RECORDS - 1)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "ledger"
        write(folder, header, rounds)
        records = _records(folder)
        data, path = b"".join(records), folder / SEGMENT
        head = _head(folder)
        assert head is not None

        def attempt(changed: bytes, kind: str) -> None:
            if changed == data:
                found["nothing changed"] += 1
                return
            path.write_bytes(changed)
            found[kind] += 1
            found["unseen"] += _head(folder) == head

        for bit in range(0, 8 * len(data), every_bit):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            attempt(bytes(flipped), "bits flipped")
        rng = random.Random(seed)
        for _ in range(trials):
            attempt(rng.choice(EDITS)(rng, list(records)), "random edits")
        path.write_bytes(data)
        assert _head(folder) == head, "the reader finds nothing good at all"
    return {"unseen": 0, **found}


def _records(folder: Path) -> list[bytes]:
    data, records, before = (folder / SEGMENT).read_bytes(), [], 0
    for record in Scan(folder):
        size = len(record.body) + 64
        records.append(data[before : before + size])
        before += size
    assert len(records) == RECORDS
    return records


def _head(folder: Path) -> bytes | None:
    scan = Scan(folder)
    for _ in scan:
        pass
    return scan.head if scan.damage is None else None


# -- rollbacks and forks ---------------------------------------------------------------------------


def rollback(trials: int, seed: int = 0, rounds: int = 40) -> dict[str, int]:
    """Attempts and what became of them, against `verify`, a witness and proofs."""
    header, records = signed_market(rounds)
    rng, found = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        write(root / "true", header, records, every=1)
        held = read_checkpoints(root / "true")
        for trial in range(trials):
            kept = rng.choice(held[1:])
            cheat, state = root / f"{trial}", root / f"{trial}w"
            kind = rng.choice(("rolled back", "forked", "forked and longer"))
            write(cheat, header, _cheated(rng, kind, records, kept.size), every=10**6)
            found[kind] += 1
            found["unseen by verify"] += bool(verify(cheat, reclear=False, checkpoint=kept))
            found["unseen by the witness"] += _cosigns(state, cheat, kept)
            found["unseen by a proof"] += _proves(cheat, kept)
            for folder in (cheat, state):
                shutil.rmtree(folder)
    return {f"unseen by {who}": 0 for who in ("verify", "the witness", "a proof")} | found


def _cheated(rng: random.Random, kind: str, records: list[Round], size: int) -> list[Round]:
    """Rounds that are not those of a checkpoint of `size` records, one of which is the header."""
    if kind == "rolled back":
        return records[: rng.randrange(1, size - 1)]
    place = rng.randrange(size - 1)
    lie = records[place].unserved.copy()
    lie[rng.randrange(len(lie))] += rng.randrange(1, 1_000)
    end = size - 1 if kind == "forked" else rng.randrange(size - 1, len(records) + 1)
    changed = [*records[:place], dataclasses.replace(records[place], unserved=lie)]
    return [*changed, *records[place + 1 : end]]


def _cosigns(state: Path, cheat: Path, kept: Checkpoint) -> bool:
    """Whether a witness that has seen `kept` cosigns the cheat's last checkpoint."""
    new = read_checkpoints(cheat)[-1]
    with Witness(state, OWN, [KEY.verifier]) as witness:
        assert witness.update(kept), "it takes the first checkpoint"
        if witness.update(new):
            return True
        path = _path(cheat, kept.size, new.size)
        return bool(path is not None and witness.update(new, kept.size, path))


def _proves(cheat: Path, kept: Checkpoint) -> bool:
    """Whether a proof of the cheat's last round passes against `kept`, whatever it lies about."""
    proof = prove(cheat, round=len(list(Scan(cheat))) - 2)
    path = _path(cheat, kept.size, proof.checkpoint.size) or ()
    lies: list[Proof] = [
        proof,
        dataclasses.replace(proof, since=kept, path=path),
        dataclasses.replace(proof, checkpoint=kept),
    ]
    return any(verify_proof(lie.to_bytes(), kept, key=KEY.verifier) for lie in lies)


def _path(cheat: Path, old: int, new: int) -> tuple[bytes, ...] | None:
    """The best consistency proof that the cheat can make: from its own past of that length."""
    if not 0 < old <= new:
        return None
    return tuple(Tree(record.hash for record in Scan(cheat)).consistency(old, new))


# -- clearing --------------------------------------------------------------------------------------


def clearing(
    trials: int, seed: int = 0, names: Iterable[str] = tuple(MECHANISMS)
) -> dict[str, int]:
    """Books of every mechanism that were cleared by its kernel and by its oracle, and differed."""
    found: Counter[str] = Counter({"unseen: books that differ": 0})
    for name in names:
        oracle, inputs = oracle_of(name), INPUTS.get(name)
        try:
            report = check_mechanism(
                name, books=trials, lies=1, seed=seed, oracle=oracle, inputs=inputs
            )
        except BrokenLawError as error:
            report = error.report
        found["mechanisms"] += 1
        found[f"books of {name}"] = report.laws["oracle"]
        found["unseen: books that differ"] += sum(law.books for law in report.broken)
    return dict(found)


COMMANDS: dict[str, tuple[Callable[..., dict[str, Any]], int]] = {
    "edits": (edits, 10**6),
    "rollback": (rollback, 10_000),
    "crashes": (kills, 10_000),
    "tails": (tails, RECORDS_CUT),
    "clearing": (clearing, 10**6),
    "same": (same, 10_000),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=COMMANDS)
    parser.add_argument("--trials", type=int, metavar="N", help="by default the release figure")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument(
        "--python", nargs="+", default=[], metavar="PATH", help="of 'same': further interpreters"
    )
    args = parser.parse_args()
    run, release = COMMANDS[args.what]
    more = {"pythons": args.python} if args.what == "same" else {}
    begun = time.process_time()
    try:
        found = run(release if args.trials is None else args.trials, args.seed, **more)
    except DecentGymError as error:
        parser.error(str(error))
    seconds = round(time.process_time() - begun, 1)
    print(json.dumps({"what": args.what, **found, "CPU seconds": seconds}, indent=2))
    return int(any(count for name, count in found.items() if name.startswith("unseen")))


if __name__ == "__main__":
    sys.exit(main())
