"""What a crash leaves of a ledger: writers that are killed, and files that end anywhere.

``kills``: a process appends rounds with ``sync="round"`` and a signed checkpoint every few rounds,
tells of each once it is acknowledged, and is killed with SIGKILL at a random moment, in the middle
of beginning or resuming the ledger, too.  Then the ledger is resumed: it must hold every round that
was acknowledged, and the hash of what it holds.

``tails``: a ledger is cut at every byte, as a crash of the machine may leave it, and resumed: what
is whole must be there, what is torn must be gone, to the byte.

Run by ``python -m benchmarks.bench_trust crashes|tails``.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path

from benchmarks.bench_ledger import market_rounds
from decent_gym.errors import DecentGymError, InputError, LedgerError
from decent_gym.ledger import Checkpoints, Ledger, LedgerHeader, SigningKey, verify
from decent_gym.ledger.disk import Disk
from decent_gym.ledger.frames import TAIL_BYTES
from decent_gym.ledger.scan import Scan
from decent_gym.models import Round

ROUNDS = 60
RECORDS = 100
KEY = SigningKey("district.example/crashes", b"bench-trust crashing key, 32 by.")
SEGMENT = "segment-000000.dgl"
LONGEST_WAIT = 0.02


def market(rounds: int, *size: int) -> tuple[LedgerHeader, list[Round], list[str]]:
    """Header, rounds, and the head after each number of them; `size` as of ``market_rounds``."""
    header, records = market_rounds(rounds, *size)
    header = replace(header, operator_key=KEY.verifier.public)
    ledger = Ledger(header)
    heads = [ledger.head]
    for record in records:
        ledger.on_round(record)
        heads.append(ledger.head)
    return header, records, heads


# -- a process that forks writers, so that each starts at once -------------------------------------


def append(folder: Path, header: LedgerHeader, records: list[Round]) -> None:
    """Begin the ledger or go on with it, and say the number of rounds that are acknowledged."""
    made = {"sync": "round", "checkpoints": Checkpoints(7, KEY)}
    os.write(1, b"go\n")
    try:
        ledger = Ledger.resume(folder, **made)
    except InputError:
        ledger = Ledger.create(folder, header, **made)
    os.write(1, b"told %d\n" % ledger.rounds)
    for record in records[ledger.rounds :]:
        ledger.on_round(record)
        os.write(1, b"told %d\n" % ledger.rounds)
    signal.pause()


def serve() -> None:
    """Fork a writer for every folder that is named; say its number, and when it is dead."""
    header, records, _ = market(ROUNDS)
    os.write(1, b"ready\n")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                append(Path(line.rstrip("\n")), header, records)
            except DecentGymError as error:
                os.write(2, f"{error}\n".encode())
            finally:
                os._exit(1)
        os.write(1, b"writer %d\n" % child)
        _, status = os.waitpid(child, 0)
        os.write(1, b"dead %d\n" % status)


class Forks:
    """The process that forks writers, seen from outside."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.crashes"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
        )
        if self.line() != "ready":
            raise SystemExit("no writer can be started")

    def line(self) -> str:
        """The next line."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the process that forks writers has died")
        return line.decode().rstrip("\n")

    def trial(self, rng: random.Random, folder: Path) -> int:
        """Let a writer run and kill it; the last number of rounds that it told of, or -1."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{folder}\n".encode())
        self._process.stdin.flush()
        words = ["", ""]
        told = writer = -1
        patience = rng.choice((1, 2, 3, rng.randrange(4, 24)))  # the number, "go", begun, rounds
        while writer < 0 or (patience > 0 and told < ROUNDS):
            words = self.line().split()
            patience -= 1
            if words[0] == "writer":
                writer = int(words[1])
            elif words[0] == "told":
                told = int(words[1])
            elif words[0] == "dead":
                raise SystemExit("a writer ended by itself")
        time.sleep(LONGEST_WAIT * rng.random() ** 3)
        os.kill(writer, signal.SIGKILL)
        while words[0] != "dead":
            words = self.line().split()
            told = int(words[1]) if words[0] == "told" else told
        if int(words[1]) != signal.SIGKILL:
            raise SystemExit("a writer ended by itself")
        return told

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def kills(trials: int, seed: int = 0) -> dict[str, int]:
    """Killed writers and what became of their ledgers."""
    heads = dict(enumerate(market(ROUNDS)[2]))
    rng, found, told = random.Random(seed), Counter[str](), -1
    with _forks() as forks, tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "ledger"
        for _ in range(trials):
            told = max(told, forks.trial(rng, folder))
            found["kills"] += 1
            rounds, head, dropped = _resumed(folder)
            found["unseen: rounds lost that were acknowledged"] += max(0, told - rounds)
            found["unseen: heads that are not those of their rounds"] += head != heads.get(rounds)
            found["torn tails cut off"] += dropped > 0
            found["rounds on the disk that nobody was told of"] += rounds > max(told, 0)
            found["kills before a ledger had begun"] += rounds < 0
            if rounds == ROUNDS:
                found["whole ledgers"] += 1
                found["unseen: ledgers that do not verify"] += not verify(
                    folder, expected_head=heads[ROUNDS]
                )
            if rounds < 0 or rounds == ROUNDS:
                shutil.rmtree(folder, ignore_errors=True)
                told = -1
    return dict(found)


def _resumed(folder: Path) -> tuple[int, str | None, int]:
    """Rounds, head and torn bytes of a ledger after the crash; -1 if it has no whole header."""
    try:
        with Ledger.resume(folder, disk=Disk(waits=False)) as ledger:
            return ledger.rounds, ledger.head, ledger.dropped_bytes
    except InputError:  # the folder is missing, or holds no segment
        return -1, None, 0
    except LedgerError as error:
        if "record 0:" not in str(error):
            raise
        return -1, None, 0


@contextmanager
def _forks() -> Iterator[Forks]:
    forks = Forks()
    try:
        yield forks
    finally:
        forks.close()


# -- torn tails ------------------------------------------------------------------------------------


def tails(records: int, seed: int = 0, size: tuple[int, ...] = ()) -> dict[str, int]:
    """Cut a ledger at every byte and resume it; `seed` is not used."""
    header, rounds, heads = market(records - 1, *size)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "ledger"
        with Ledger.create(folder, header) as ledger:
            for record in rounds:
                ledger.on_round(record)
        path = folder / SEGMENT
        data, ends = path.read_bytes(), [0]
        ends += accumulate(len(record.body) + TAIL_BYTES for record in Scan(folder))
        for whole, (end, following) in enumerate(pairwise(ends)):
            path.write_bytes(data[:end])
            for cut in range(end, following):
                with path.open("ab") as file:
                    file.write(data[end:cut])
                found["cuts"] += 1
                found["unseen: recovered wrongly"] += not _is_recovered(
                    folder, whole, heads, cut - end, data[:end]
                )
                if not whole:
                    path.write_bytes(b"")
    return {"records": records, "bytes": len(data), **found}


def _is_recovered(folder: Path, whole: int, heads: list[str], torn: int, good: bytes) -> bool:
    """Whether `whole` records are found and the rest is gone; without a header all is left."""
    before = (folder / SEGMENT).stat().st_size
    rounds, head, dropped = _resumed(folder)
    after = (folder / SEGMENT).stat().st_size
    if not whole:
        return rounds == -1 and after == before
    if torn == 0 and (folder / SEGMENT).read_bytes() != good:
        return False
    return (rounds, head, dropped, after) == (whole - 1, heads[whole - 1], torn, len(good))


if __name__ == "__main__":
    serve()
