"""One book through our public `clear` and through ASSUME's `PayAsClearRole.clear`, in turns.

Both get the same distinct books, prepared in their own input types before the clock starts.
ASSUME 0.6.0 lives in an environment of its own (``make bench-peers`` makes it).
Run: ``python benchmarks/bench_peers.py --peer-python .venv-peers/bin/python``
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from datetime import datetime, timedelta

SIZES = (10, 100, 1_000)
CALLS = {10: 200, 100: 100, 1_000: 5}
"""Books per run: the peer needs about 12 ms for one of 1,000 orders."""


def books(orders: int, run: int) -> list[list[tuple[int, int, int]]]:
    """(side, price in micro-euro/kWh, energy in Wh) per order; the same in every interpreter."""
    draw = random.Random(f"{orders}-{run}")
    return [
        [
            (draw.randrange(2), 80_000 + draw.randrange(220_000), draw.randrange(1, 4_000))
            for _ in range(orders)
        ]
        for _ in range(CALLS[orders])
    ]


def ours(orders: int, run: int) -> float:
    """Seconds per call of `decent_gym.clear`."""
    import numpy as np

    from decent_gym import clear

    inputs = [
        tuple(np.array(column) for column in zip(*b, strict=True)) for b in books(orders, run)
    ]
    clear(*inputs[0])
    start = time.perf_counter()
    for side, price, energy in inputs:
        clear(side, price, energy)
    return (time.perf_counter() - start) / len(inputs)


def theirs(orders: int, run: int) -> float:
    """Seconds per call of ASSUME's pay-as-clear."""
    from assume.markets.clearing_algorithms import PayAsClearRole

    start_time = datetime(2026, 1, 1)
    product = (start_time, start_time + timedelta(minutes=15), None)
    role = PayAsClearRole.__new__(PayAsClearRole)  # `clear` reads nothing of the role
    inputs = [
        [
            {
                "start_time": product[0],
                "end_time": product[1],
                "only_hours": None,
                "price": price / 1000,
                "volume": energy if side == 0 else -energy,
                "node": "node0",
                "bid_id": str(i),
                "agent_addr": "agent",
            }
            for i, (side, price, energy) in enumerate(book)
        ]
        for book in books(orders, run)
    ]
    start = time.perf_counter()
    for book in inputs:
        role.clear(book, [product])
    return (time.perf_counter() - start) / len(inputs)


def serve() -> None:
    """The peer's side: time what is asked for, line by line."""
    for line in sys.stdin:
        orders, run = json.loads(line)
        print(json.dumps(theirs(orders, run)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", help="the interpreter that has ASSUME installed")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve()
        return
    if not args.peer_python:
        parser.error("--peer-python is needed; `make bench-peers` sets it up")
    rows = []
    command = [args.peer_python, "-W", "ignore", __file__, "--serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as peer:
        assert peer.stdin is not None and peer.stdout is not None
        for orders in SIZES:
            own, other = [], []
            for run in range(args.runs + 1):  # the first run of each warms up
                own.append(ours(orders, run))
                peer.stdin.write(json.dumps([orders, run]) + "\n")
                peer.stdin.flush()
                other.append(json.loads(peer.stdout.readline()))
            a, b = statistics.median(own[1:]) * 1e6, statistics.median(other[1:]) * 1e6
            rows.append({"orders": orders, "ours_us": a, "assume_us": b, "ratio": b / a})
        peer.stdin.close()
    if args.json:
        print(json.dumps(rows))
        return
    print("orders   decent-gym   ASSUME 0.6.0    ratio")
    for row in rows:
        print(
            f"{row['orders']:>6} {row['ours_us']:>9.1f} us {row['assume_us']:>11.1f} us"
            f" {row['ratio']:>8.0f}"
        )


if __name__ == "__main__":
    main()
