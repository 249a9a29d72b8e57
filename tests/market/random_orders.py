"""Random orders for several worlds at once, good and bad, as rows and as arrays."""

import numpy as np

from decent_gym.market import Orders, Tariffs
from decent_gym.market.orders import SUBMITTED_FIELDS
from decent_gym.models import COMMODITIES, Commodity, Organization

MEMBERS = (
    Organization("a"),
    Organization("b"),
    Organization("off", enabled=False),
    Organization("c"),
    Organization("grid", priority=1),
    Organization("d"),
)
N = len(MEMBERS)
NETWORK = N + 1
PAIRS = [(member.priority, member.enabled) for member in MEMBERS]
TARIFFS = {
    Commodity.ELECTRICITY: Tariffs(retail=20, feed_in=6, short=25, long=2),
    Commodity.HEAT: Tariffs(retail=14, feed_in=0, short=19, long=-3),
}
ROWS = [TARIFFS[commodity].row() for commodity in Commodity]

SPOILERS = (
    ("owner", (-1, 2, N, N + 2, N + 3, 2**62)),
    ("side", (-1, 2)),
    ("energy", (0, -5, 10**8 + 1, 2**62)),
    ("price", (10**8 + 1, -(10**8) - 1, -(2**63) + 1)),
    ("start", (-1, 673, 2**62)),
    ("until", (-1, 0, 673, 2**63 - 1)),
    ("device", (-2, 2**53)),
    ("cap", (0, -1, 10**8 + 1)),
    ("id", (2**53, 2**63 - 1)),
)
RELATIVE = ("start", "until")


def random_row(rng: np.random.Generator, now: int, utility: str | None) -> dict[str, int]:
    owner = int(rng.choice([0, 0, 1, 1, 3, 5, NETWORK] + [4, 4] * (utility == "book")))
    usual = int(owner in (1, 5, NETWORK))  # an organization that changes sides crosses itself
    start = now + int(rng.choice([0, 0, 0, 1, 2]))
    row = {
        "id": int(rng.choice([-1, -1, rng.integers(0, 12)])),
        "owner": owner,
        "side": usual if rng.random() < 0.9 else 1 - usual,
        "price": int(rng.choice([6, 20, 14, 0, rng.integers(-4, 24)])),
        "energy": int(rng.choice([1, 3, 7, 10, 20])),
        "start": start,
        "until": start + int(rng.choice([1, 1, 2, 4])),
        "device": int(rng.choice([-1, -1, 0, 1])),
        "cap": int(rng.choice([10**8, 10**8, 4])),
    }
    if rng.random() < 0.1:
        field, values = SPOILERS[rng.integers(len(SPOILERS))]
        value = int(values[rng.integers(len(values))])
        row[field] = min(value + now * (field in RELATIVE), 2**63 - 1)
    return row


def random_batch(
    rng: np.random.Generator, rounds: list[int], most: int, utility: str | None = None
) -> list[list[list[dict[str, int]]]]:
    """Rows by world and commodity."""
    return [
        [
            [random_row(rng, now, utility) for _ in range(rng.integers(most + 1))]
            for _ in range(COMMODITIES)
        ]
        for now in rounds
    ]


def as_orders(batch: list[list[list[dict[str, int]]]]) -> Orders:
    longest = max(len(rows) for world in batch for rows in world)
    orders = Orders.empty(len(batch), longest)
    for w, world in enumerate(batch):
        for c, rows in enumerate(world):
            orders.count[w, c] = len(rows)
            for r, row in enumerate(rows):
                for name in SUBMITTED_FIELDS:
                    getattr(orders, name)[w, c, r] = row[name]
    return orders
