"""A live market on a real mosquitto whose broker and server are killed again and again.

Run: ``python -m benchmarks.kill_live [--rounds 10000] [--kills 10] [--speed 100000]``.  A
participant trades and a subscriber listens all the while, both over TLS.  At the end the subscriber
must have every round once and in order, and the ledger must verify and replay.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.mosquitto import Mosquitto
from decent_gym.ledger import verify
from decent_gym.live import Participant, scripted_offers, trusting
from decent_gym.live.subscriber import Subscriber
from decent_gym.replay import replay

ORGANIZATION = "building_03"
PATIENCE = 120.0


@dataclass(frozen=True)
class Result:
    """What was found; ``missing`` and ``twice`` count rounds of the subscriber."""

    rounds: int
    broker_kills: int
    server_kills: int
    missing: int
    twice: int
    out_of_order: int
    fetched: int
    came_again: int
    offers_taken: int
    rounds_settled: int
    verified: bool
    replayed: bool
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled or wrong."""
        faults = self.missing + self.twice + self.out_of_order
        return faults == 0 and self.verified and self.replayed


class Trial:
    """One market, and what its listeners have heard of it."""

    def __init__(self, folder: Path, speed: float) -> None:
        self.folder, self.speed = folder, speed
        self.broker = Mosquitto(folder / "broker", [ORGANIZATION], ["anna"])
        self.heard: list[int] = []
        self.settled: set[int] = set()
        self.over = threading.Event()
        self.recorded = 0
        self.server = self.serve()

    def serve(self) -> "subprocess.Popen[bytes]":
        command = [
            *(sys.executable, "-m", "decent_gym", "serve", "--quiet"),
            *("--broker", self.broker.url("operator"), "--ca", self.broker.ca),
            *("--ledger", str(self.folder / "ledger")),
            *("--speed", f"{self.speed:g}x", "--external", ORGANIZATION),
        ]
        log = self.folder / "server.log"
        with log.open("wb") as file:
            server = subprocess.Popen(command, stderr=file)
        deadline = time.monotonic() + PATIENCE
        while b"serving" not in log.read_bytes():
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server did not start: {log.read_text()}")
            time.sleep(0.02)
        return server

    def kill_broker(self) -> None:
        self.broker.kill()
        time.sleep(0.1)
        self.broker.start()

    def kill_server(self) -> None:
        self.server.kill()
        self.server.wait()
        self.recorded = verify(self.folder / "ledger", reclear=False).rounds
        self.server = self.serve()

    def stop_server(self) -> int:
        """Let it end in good order; returns how many rounds the ledger has."""
        self.server.send_signal(signal.SIGTERM)
        if self.server.wait(PATIENCE):
            raise SystemExit("the server ended with an error")
        return verify(self.folder / "ledger").rounds

    def wait_for(self, rounds: int) -> None:
        """Return when the subscriber has so many rounds."""
        deadline = time.monotonic() + PATIENCE
        before = len(self.heard)
        while len(self.heard) < rounds:
            if len(self.heard) > before:
                before, deadline = len(self.heard), time.monotonic() + PATIENCE
            if time.monotonic() > deadline:
                raise SystemExit(f"nothing is heard after {before} of {rounds} rounds")
            time.sleep(0.005)


def run(rounds: int, kills: int, speed: float) -> Result:
    """Kill broker, server and both in turn, `kills` times each of broker and server."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(Path(name), speed)
        tls = trusting(trial.broker.ca)
        subscriber = Subscriber(trial.broker.url("anna"), "rural", from_start=True, tls=tls)
        participant = Participant(
            trial.broker.url(ORGANIZATION),
            "rural",
            ORGANIZATION,
            lambda opening: scripted_offers(opening, "truthful"),
            tls=tls,
        )
        threads = [
            threading.Thread(
                target=subscriber.run,
                args=(
                    lambda one: trial.heard.append(one.message["round"]),
                    lambda _: None,
                    trial.over.is_set,
                ),
            ),
            threading.Thread(
                target=participant.run,
                args=(
                    lambda one: trial.settled.add(one.round),
                    lambda _: None,
                    trial.over.is_set,
                ),
            ),
        ]
        for thread in threads:
            thread.start()
        try:
            for n in range(kills):
                trial.wait_for((2 * n + 1) * rounds // (2 * kills + 1))
                trial.kill_broker()
                trial.wait_for((2 * n + 2) * rounds // (2 * kills + 1))
                if n % 2:  # now and then both at once
                    trial.broker.kill()
                    trial.kill_server()
                    trial.broker.start()
                else:
                    trial.kill_server()
            # it is ahead of its listener, and whoever has left answers nobody: so the listener
            # must have come back before the server leaves
            trial.wait_for(max(rounds, trial.recorded + 5))
            rounds = trial.stop_server()
            trial.wait_for(rounds)
        finally:
            trial.over.set()
            for thread in threads:
                thread.join()
            subscriber.close()
            participant.close()
            trial.server.kill()
            trial.server.wait()
            trial.broker.kill()
        heard, ledger = trial.heard, trial.folder / "ledger"
        expected = range(min(heard), min(heard) + rounds)
        return Result(
            rounds=rounds,
            broker_kills=kills + kills // 2,
            server_kills=kills,
            missing=len(set(expected) - set(heard)),
            twice=len(heard) - len(set(heard)),
            out_of_order=sum(a >= b for a, b in pairwise(heard)),
            fetched=subscriber.fetched,
            came_again=subscriber.dropped,
            offers_taken=participant.taken,
            rounds_settled=len(trial.settled),
            verified=bool(verify(ledger, expected_head=subscriber.head)),
            replayed=bool(replay(ledger)),
            seconds=round(time.monotonic() - begun, 1),
        )


def main() -> int:
    """The command line; exit code 0 if nothing was lost, doubled or wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10_000, help="at least")
    parser.add_argument("--kills", type=int, default=10, help="of the broker, and of the server")
    parser.add_argument("--speed", type=float, default=100_000)
    args = parser.parse_args()
    result = run(args.rounds, args.kills, args.speed)
    print(json.dumps(asdict(result), indent=2))
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
