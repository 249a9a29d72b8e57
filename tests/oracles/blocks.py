"""Blocks and exclusive groups, straight from the definition: every selection, every price.

Shares nothing with the package.  A selection says of every block whether it is accepted.  A price
supports it if everybody agrees with it: plain orders trade what they want, accepted blocks lose
nothing and trade all that they gain by, and energy balances.

Run: ``PYTHONPATH=.:tests python -m oracles.blocks 10000`` checks so many random books.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import NamedTuple

import numpy as np
from oracles.merit_order import Cleared, Order, clear_slowly

from decent_gym.clearing import BlockResult, clear_blocks

BEYOND = 10**9


class Offer(NamedTuple):
    side: int  # 0 sells, 1 buys
    price: int
    energy: int
    minimum: int
    group: int  # -1: none
    priority: int
    sequence: int

    @property
    def is_block(self) -> bool:
        return self.minimum > 0 or self.group >= 0

    @property
    def least(self) -> int:
        """What it takes once it is accepted."""
        return max(self.minimum, 1) if self.is_block else 0

    def gain(self, price: int) -> int:
        """What a Wh gains at a price."""
        return self.price - price if self.side else price - self.price


class Best(NamedTuple):
    welfare: int
    selection: tuple[int, ...]  # of all offers: 1 if it is an accepted block
    low: int | None
    high: int | None
    accepted: list[int]


def wishes(offer: Offer, selected: int, price: int) -> tuple[int, int] | None:
    """Least and most Wh that an offer agrees to at a price; None: it does not agree."""
    if offer.is_block and not selected:
        return 0, 0
    gain = offer.gain(price)
    if gain > 0:
        return offer.energy, offer.energy
    if gain == 0:
        return offer.least, offer.energy
    return None if offer.is_block else (0, 0)


def trade(offers: list[Offer], selection: tuple[int, ...], price: int) -> list[int] | None:
    """Accepted Wh of each offer that everybody agrees to at a price; None if there are none."""
    spans = [wishes(o, s, price) for o, s in zip(offers, selection, strict=True)]
    if None in spans:
        return None
    accepted = [low for low, _ in spans]
    excess = sum(-a if o.side else a for o, a in zip(offers, accepted, strict=True))
    for i, (offer, (low, high)) in enumerate(zip(offers, spans, strict=True)):
        if (excess > 0) == bool(offer.side) and excess != 0:
            more = min(high - low, abs(excess))
            accepted[i] += more
            excess += -more if offer.side else more
    return accepted if excess == 0 else None


def selections(offers: list[Offer]) -> Iterator[tuple[int, ...]]:
    """Every selection that accepts at most one offer of a group."""
    for selection in product(*((0, 1) if offer.is_block else (0,) for offer in offers)):
        taken = [o.group for o, s in zip(offers, selection, strict=True) if s and o.group >= 0]
        if len(taken) == len(set(taken)):
            yield selection


def best(
    offers: list[Offer], tie_rule: str = "pro_rata", k: Fraction = Fraction(1, 2), lottery: int = 0
) -> tuple[Best, Cleared]:
    """The selection of most welfare; of equal ones, that which accepts the earliest block."""
    order = sorted(range(len(offers)), key=lambda i: (offers[i].priority, offers[i].sequence))
    limits = sorted({offer.price for offer in offers})
    prices = range(limits[0], limits[-1] + 1) if limits else range(1)
    found: tuple[int, list[int]] | None = None
    chosen = None
    for selection in selections(offers):
        supported = [(p, a) for p in prices if (a := trade(offers, selection, p)) is not None]
        if not supported:
            continue
        values = {sum(o.gain(0) * x for o, x in zip(offers, a, strict=True)) for _, a in supported}
        assert len(values) == 1  # any supporting price, the same welfare
        key = (values.pop(), [selection[i] for i in order])
        if found is None or key > found:
            found = key
            chosen = selection, supported[0][0], supported[-1][0]
    assert found is not None and chosen is not None
    selection, low, high = chosen
    cleared = rest(offers, selection, tie_rule, lottery)
    traded = cleared.volume > 0
    parts = iter(cleared.accepted)
    accepted = []
    for offer, selected in zip(offers, selection, strict=True):
        if offer.is_block and not selected:
            accepted.append(0)
        else:
            accepted.append(sum(next(parts) for _ in range(2 if offer.is_block else 1)))
    ends = (low, high) if traded else (None, None)
    return Best(found[0], selection, *ends, accepted), cleared


def rest(offers: list[Offer], selection: tuple[int, ...], tie_rule: str, lottery: int) -> Cleared:
    """The book with the blocks fixed: the least of a block at any price, the rest an order."""
    orders = []
    for offer, selected in zip(offers, selection, strict=True):
        if offer.is_block and not selected:
            continue
        plain = Order(*offer[:3], offer.priority, offer.sequence)
        if offer.is_block:
            any_price = BEYOND if offer.side else -BEYOND
            orders.append(plain._replace(price=any_price, energy=offer.least))
            plain = plain._replace(energy=offer.energy - offer.least)
        orders.append(plain)
    return _cleared(orders, tie_rule, lottery)


def _cleared(orders: list[Order], tie_rule: str, lottery: int) -> Cleared:
    """`clear_slowly`, whose scan of all prices should not reach from -BEYOND to BEYOND."""
    inner = [o.price for o in orders if abs(o.price) < BEYOND] or [0]
    low, high = min(inner) - 1, max(inner) + 1
    return clear_slowly(
        [o._replace(price=min(max(o.price, low), high)) for o in orders],
        tie_rule,
        lottery=lottery,
    )


def random_offers(rng: np.random.Generator, most: int = 10, blocks: int = 7) -> list[Offer]:
    """Few prices, small energies, blocks of all kinds, groups of both sides, classes."""
    n = int(rng.integers(0, most + 1))
    spread, scale = int(rng.integers(1, 9)), int(rng.integers(1, 9))
    side, price = rng.integers(0, 2, n), rng.integers(-2, -2 + spread + 1, n)
    energy = rng.integers(1, 1 + scale, n)
    share = rng.choice([0.2, 0.6, 1.0])
    least = np.where(rng.random(n) < 0.6, energy, rng.integers(0, energy + 1))
    minimum = np.where(rng.random(n) < share, least, 0)
    group = np.where(rng.random(n) < rng.choice([0.0, 0.6]), rng.integers(0, 3, n), -1)
    for label in range(3):
        if (group == label).sum() == 1:
            group[group == label] = -1
    extra = np.flatnonzero((minimum > 0) | (group >= 0))[blocks:]
    minimum[extra], group[extra] = 0, -1
    for label in range(3):
        if (group == label).sum() == 1:
            group[group == label] = -1
    priority = rng.integers(0, 2, n) * int(rng.integers(0, 2))
    columns = (side, price, energy, minimum, group, priority, rng.permutation(n) * 3)
    return [Offer(*(int(c[i]) for c in columns)) for i in range(n)]


def run(offers: list[Offer], **options: object) -> BlockResult:
    """What the library does with it."""
    columns = np.array(offers, np.int64).reshape(-1, 7).T
    names = ("side", "price", "energy", "minimum", "group", "priority", "sequence")
    return clear_blocks(**dict(zip(names, columns, strict=True)), **options)  # type: ignore[arg-type]


def faults(offers: list[Offer], result: BlockResult, tie_rule: str = "pro_rata") -> set[str]:
    """Everything in which a result differs from the definition."""
    wanted, cleared = best(offers, tie_rule)
    bad = set()
    if result.welfare != wanted.welfare:
        bad.add("welfare")
    mine = tuple(int(o.is_block and a > 0) for o, a in zip(offers, result.accepted, strict=True))
    if mine != wanted.selection:
        bad.add("selection")
    if result.accepted.tolist() != wanted.accepted or result.volume != cleared.volume:
        bad.add("energies")
    if (result.price_low, result.price_high) != (wanted.low, wanted.high):
        bad.add("interval")
    if wanted.low is not None and wanted.high is not None:
        price = wanted.low + (wanted.high - wanted.low) // 2
        pays = [(x if o.side else -x) * price for o, x in zip(offers, wanted.accepted, strict=True)]
        if result.price != price or result.pays.tolist() != pays:
            bad.add("money")
    if result.forgone.tolist() != forgone(offers, wanted.accepted, reference(offers, wanted)):
        bad.add("forgone")
    return bad


def reference(offers: list[Offer], wanted: Best) -> int:
    """The price; where nothing trades, the middle of where crossing offers could have met."""
    if wanted.low is not None and wanted.high is not None:
        return wanted.low + (wanted.high - wanted.low) // 2
    ask = min([o.price for o in offers if o.side == 0], default=1)
    bid = max([o.price for o in offers if o.side == 1], default=0)
    nobody = (0,) * len(offers)
    met = [p for p in range(ask, bid + 1) if trade(offers, nobody, p) is not None]
    return met[0] + (met[-1] - met[0]) // 2 if met else bid


def forgone(offers: list[Offer], accepted: list[int], price: int) -> list[int]:
    """What a rejected offer would have gained, above what its group does gain."""
    out = []
    asks = [o.price for o in offers if o.side == 0]
    bids = [o.price for o in offers if o.side == 1]
    if not asks or not bids or min(asks) > max(bids):
        return [0] * len(offers)
    for i, offer in enumerate(offers):
        instead = sum(
            o.gain(price) * x
            for j, (o, x) in enumerate(zip(offers, accepted, strict=True))
            if j != i and offer.group >= 0 and o.group == offer.group
        )
        lost = offer.gain(price) * offer.energy - instead
        out.append(max(0, lost) if accepted[i] == 0 else 0)
    return out


if __name__ == "__main__":
    seen: Counter[str] = Counter()
    for seed in range(int(sys.argv[1])):
        book = random_offers(np.random.default_rng(seed))
        wrong = faults(book, run(book))
        seen.update(wrong or {"right"})
        if wrong:
            print(seed, *wrong)
    print(dict(seen))
    sys.exit(0 if set(seen) <= {"right"} else 1)
