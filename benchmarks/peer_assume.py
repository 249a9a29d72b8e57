"""ASSUME's pay-as-clear on books that ours clears too; see ``bench_peers``."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from benchmarks.serving import serve

CALLS = {10: 200, 100: 100, 1_000: 20}
"""Books per run: the peer needs 6 to 12 ms for one of 1,000 orders."""


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


def prepare(orders: int, run: int) -> Callable[[], None]:
    """Clear the books of one run, orders as the dictionaries that ASSUME takes."""
    from assume.markets.clearing_algorithms import PayAsClearRole

    start = datetime(2026, 1, 1)
    product = (start, start + timedelta(minutes=15), None)
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

    def task() -> None:
        for book in inputs:
            role.clear(book, [product])

    return task


if __name__ == "__main__":
    serve(prepare)
