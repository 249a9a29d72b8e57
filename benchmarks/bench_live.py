"""How many offers a live market takes in one round, over a real mosquitto with TLS.

Run: ``python -m benchmarks.bench_live [--participants 100] [--offers 100] [--speed 60]``.

Every participant has a connection and a user of its own and sends its offers as soon as a round is
open: 80 in a message, or with ``--single`` each in its own; with ``--signed`` each has a key, too.
Times are seconds of the slowest measured round, from the moment in which the first participant
heard that it was open.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.mosquitto import Mosquitto
from decent_gym.ledger import SigningKey, verify
from decent_gym.live import trusting
from decent_gym.live.messages import OFFERS_CAP, OPENING_SCHEMA, RECEIPT_SCHEMA, offers_payloads
from decent_gym.live.session import Session
from decent_gym.live.signer import Signer
from decent_gym.live.topics import MarketTopics
from decent_gym.scenarios import scenario

SCENARIO = "synthetic"
ROUNDS = 4
"""The first is lost to connecting, the others are measured."""


class Load:
    """What all participants together have sent and heard, by round."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.opened: dict[int, float] = {}
        self.received: dict[int, float] = {}
        self.settled: dict[int, float] = {}
        self.counts: dict[str, dict[int, int]] = {
            name: {} for name in ("sent", "messages", "taken", "refused", "settled")
        }

    def add(self, name: str, number: int, count: int) -> None:
        found = self.counts[name]
        found[number] = found.get(number, 0) + count


class Sender:
    """One participant: answers an opening with many offers, counts receipts and settlements."""

    def __init__(
        self, load: Load, url: str, district: str, name: str, seed: int, args: Any
    ) -> None:
        self.load, self.args = load, args
        self.topics, self.name = MarketTopics(district), name
        self.random = random.Random(seed)
        self.side = ("buy", "sell")[seed % 2]
        topics = [self.topics.opening(name), self.topics.receipts(name)]
        self.session = Session(url, topics, self.heard, tls=trusting(args.ca))
        self.sent: set[int] = set()
        key = SigningKey.generate(f"{district}/{name}") if args.signed else None
        self.signer = key and Signer(key, district, name)
        self.key = key and key.verifier

    def heard(self, topic: str, payload: bytes) -> None:
        if not payload:
            return  # the market has left and takes its opening back
        now, message = time.monotonic(), json.loads(payload)
        number = message["round"]
        with self.load.lock:
            if message["schema"] == OPENING_SCHEMA:
                self.load.opened.setdefault(number, now)
            elif message["schema"] == RECEIPT_SCHEMA:
                taken = [s for s in message["sequences"] if s is not None]
                self.load.add("taken", number, len(taken))
                self.load.add("refused", number, len(message["sequences"]) - len(taken))
                self.load.received[number] = now
            else:
                self.load.add("settled", number, len(message["offers"]))
                self.load.settled[number] = now
        if message["schema"] == OPENING_SCHEMA and number not in self.sent:
            self.sent.add(number)
            self.send(number, message["ledger"])

    def message(
        self, number: int, n: int, offers: list[dict[str, Any]], ledger: str
    ) -> list[bytes]:
        def sign(message: dict[str, Any]) -> dict[str, Any]:
            numbered = {**message, "number": n}
            return numbered if self.signer is None else self.signer.sign(numbered, ledger)

        return offers_payloads(number, offers, sign)

    def send(self, number: int, ledger: str) -> None:
        offers = [
            {
                "commodity": "electricity",
                "energy": self.random.randrange(1, 500),
                "price": self.random.randrange(80_000, 300_000),
                "side": self.side,
            }
            for _ in range(self.args.offers)
        ]
        size = 1 if self.args.single else OFFERS_CAP
        payloads = []
        for n, begin in enumerate(range(0, len(offers), size)):
            payloads += self.message(number, n, offers[begin : begin + size], ledger)
        for payload in payloads:
            self.session.post(self.topics.offers(self.name), payload)
        with self.load.lock:
            self.load.add("sent", number, len(offers))
            self.load.add("messages", number, len(payloads))


def run(args: Any) -> dict[str, Any]:
    """Figures of the slowest measured round."""
    district = scenario(SCENARIO, organizations=args.participants + 1)  # the utility is one
    names = [m.name for m in district.members if m.organization.priority == 0]
    place = district.members[0].organization.district
    with (
        tempfile.TemporaryDirectory() as folder,
        Mosquitto(Path(folder) / "broker", names, district=place) as broker,
    ):
        args.ca = broker.ca
        load, ledger = Load(), Path(folder) / "ledger"
        command = [
            *(sys.executable, "-m", "decent_gym", "serve", "--json"),
            *("--scenario", SCENARIO, "--set", f"organizations={args.participants + 1}"),
            *("--broker", broker.url("operator"), "--ca", broker.ca, "--ledger", str(ledger)),
            *("--speed", f"{args.speed:g}x", "--rounds", str(ROUNDS), "--external", *names),
        ]
        senders = [
            Sender(load, broker.url(name), place, name, seed, args)
            for seed, name in enumerate(names)
        ]
        if args.signed:
            keys = Path(folder) / "keys"
            keys.write_text("".join(f"{sender.key}\n" for sender in senders))
            command += ["--keys", str(keys)]
        for sender in senders:
            if not sender.session.wait(60):
                raise SystemExit(f"{sender.name} does not reach the broker")
        told = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
        ).stdout
        time.sleep(1)
        for sender in senders:
            sender.session.close()
        closed = [json.loads(line) for line in told.splitlines()]
        size = sum(path.stat().st_size for path in ledger.glob("*.dgl")) / ROUNDS
        checked = verify(ledger)
    rows = []
    for one in closed[1:]:
        number = one["round"]
        begun = load.opened[number]
        rows.append(
            {
                **{name: found.get(number, 0) for name, found in load.counts.items()},
                "recorded": one["taken"],
                "last_receipt": round(load.received[number] - begun, 3),
                "gate_to_ledger": round(one["seconds"], 3),
                "last_settlement": round(load.settled[number] - begun, 3),
            }
        )
    worst = max(rows, key=lambda row: float(row["last_receipt"]))
    return {
        "participants": len(names),
        "period": 900 / args.speed,
        **worst,
        "record_bytes": round(size),
        "verified": checked.ok,
        "signatures": checked.signatures,
    }


def main() -> int:
    """The command line; exit code 0 if every offer was taken, recorded and settled in time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--participants", type=int, default=100)
    parser.add_argument("--offers", type=int, default=100, help="of each participant and round")
    parser.add_argument("--speed", type=float, default=60)
    parser.add_argument("--single", action="store_true", help="one offer in a message")
    parser.add_argument("--signed", action="store_true", help="every participant signs")
    args = parser.parse_args()
    found = run(args)
    print(json.dumps(found, indent=2))
    wanted = found["participants"] * args.offers
    counts = [found[name] for name in ("sent", "taken", "recorded", "settled")]
    is_in_time = found["last_receipt"] + found["gate_to_ledger"] < found["period"]
    return 0 if counts == [wanted] * 4 and is_in_time and found["verified"] else 1


if __name__ == "__main__":
    sys.exit(main())
