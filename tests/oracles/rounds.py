"""A slow, obvious market that makes rounds to put into ledgers.

Merit order, midpoint, pro rata, straight from the rules: no array, no kernel, no shared code but
the records themselves.
"""

import random
from fractions import Fraction

import numpy as np

from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.models import (
    ORDER_FIELDS,
    Case,
    ClearedBook,
    Commodity,
    Organization,
    Reason,
    Round,
    Side,
)

START = 1_577_836_800
TARIFFS = ((300_000, 80_000, 400_000, 40_000), (150_000, 0, 200_000, -10_000))
RULES = {
    "mechanism": "merit_order",
    "price_rule": "1/2",
    "tie_rule": "pro_rata",
    "seed": 7,
    "utility": None,
}


def header(organizations=5, **fields):
    members = [Organization(f"building_{i:02d}") for i in range(organizations - 1)]
    members.append(Organization("utility", priority=1))
    return LedgerHeader.of(members, {**RULES, **fields.pop("rules", {})}, START, **fields)


def ration(amount, orders):
    """Share `amount` by class, then by energy with the largest remainders; ties by sequence."""
    accepted = {}
    for priority in sorted({order["priority"] for order in orders}):
        group = [order for order in orders if order["priority"] == priority]
        total = sum(order["offered"] for order in group)
        if total <= amount:
            accepted.update({order["sequence"]: order["offered"] for order in group})
            amount -= total
            continue
        shares = {o["sequence"]: Fraction(amount * o["offered"], total) for o in group}
        parts = {sequence: int(share) for sequence, share in shares.items()}
        by_remainder = sorted(shares, key=lambda s: (-(shares[s] - parts[s]), s))
        for sequence in by_remainder[: amount - sum(parts.values())]:
            parts[sequence] += 1
        accepted.update(parts)
        amount = 0
    return accepted


def fill(volume, orders, best_first):
    """Accept the best orders up to `volume`; the last price level is rationed."""
    accepted = {}
    for price in sorted({order["price"] for order in orders}, reverse=best_first == "high"):
        level = [order for order in orders if order["price"] == price]
        part = ration(min(volume, sum(order["offered"] for order in level)), level)
        volume -= sum(part.values())
        accepted.update(part)
    return accepted


def clear(orders):
    """Accepted energy by sequence, volume, price_low, price, price_high, case."""
    asks = [order for order in orders if order["side"] == Side.SELL]
    bids = [order for order in orders if order["side"] == Side.BUY]
    volume = 0
    for limit in {order["price"] for order in orders}:
        supply = sum(ask["offered"] for ask in asks if ask["price"] <= limit)
        demand = sum(bid["offered"] for bid in bids if bid["price"] >= limit)
        volume = max(volume, min(supply, demand))
    if volume == 0:
        return {order["sequence"]: 0 for order in orders}, 0, None, None, None, Case.NONE
    sold, bought = fill(volume, asks, "low"), fill(volume, bids, "high")
    accepted = sold | bought
    lows, highs = [], []
    for order in orders:
        taken = accepted[order["sequence"]]
        selling = order["side"] == Side.SELL
        if taken > 0:
            (lows if selling else highs).append(order["price"])
        if taken < order["offered"]:
            (highs if selling else lows).append(order["price"])
    low, high = max(lows), min(highs)
    case = Case.EXACT
    for side, name, worst in ((asks, Case.MARGINAL_SELL, max), (bids, Case.MARGINAL_BUY, min)):
        level = worst(o["price"] for o in side if accepted[o["sequence"]])
        at = [o for o in side if o["price"] == level]
        if sum(accepted[o["sequence"]] for o in at) < sum(o["offered"] for o in at):
            case = name
    return accepted, volume, low, low + (high - low) // 2, high, case


def reason(order, taken, number, price):
    """What became of an order that was in the round's book."""
    if order["unsettled"] == taken:
        return Reason.FILLED
    single = order["until"] - order["start"] == 1
    goes_on = number + 1 < order["until"]
    if taken < order["offered"] and (single or goes_on):
        if taken == 0 and price is None:
            return Reason.OUT_OF_THE_MONEY
        worse = order["price"] < price if order["side"] == Side.BUY else order["price"] > price
        return Reason.OUT_OF_THE_MONEY if taken == 0 and worse else Reason.MARGINAL
    return Reason.OPEN if goes_on else Reason.EXPIRED


def crosses(one, other):
    """Whether two orders are of one organization, could trade, and stand at the same time."""
    bid, ask = sorted((one, other), key=lambda order: -order["side"])
    return (
        (one["owner"], bid["side"], ask["side"]) == (other["owner"], Side.BUY, Side.SELL)
        and bid["price"] >= ask["price"]
        and max(one["start"], other["start"]) < min(one["until"], other["until"])
    )


def replaces(one, other):
    """Whether an order ends an earlier one of its device."""
    same = ("owner", "side", "device")
    return one["device"] >= 0 and all(one[name] == other[name] for name in same)


class SlowMarket:
    """One world; `round()` closes one round with random new offers and random meters."""

    def __init__(self, organizations=5, seed=0, first=0, offers=8):
        self.random = random.Random(seed)
        self.organizations = organizations
        self.offers = offers
        self.number = first
        self.sequence = 0
        self.orders = {commodity: [] for commodity in Commodity}
        self.accounts = [0] * (organizations + 3)

    def submit(self, commodity):
        """One random offer, of somebody who crosses none of its own and replaces none."""
        owner = self.random.randrange(self.organizations)
        start = self.number + self.random.choice([0, 0, 0, 1])
        energy = self.random.choice([1, 250, 250, 250, 250, 500, 4000, 99_999])
        tied = self.random.choice([-5000, 0, 80_000, 80_000, 120_000, 300_000])
        order = {
            "id": self.sequence + 1000,
            "sequence": self.sequence,
            "owner": owner,
            "side": self.random.randrange(2),
            "price": self.random.choice([tied, self.random.randrange(10**5, 2 * 10**5)]),
            "energy": energy,
            "unsettled": energy,
            "start": start,
            "until": start + self.random.choice([1, 1, 2, 5]),
            "device": self.random.choice([-1, 0, 3]),
            "cap": self.random.choice([10**8, 10**8, 700]),
        }
        standing = self.orders[commodity]
        for _ in range(2 * self.organizations):
            if not any(crosses(order, other) for other in standing):
                break
            order["side"] = 1 - order["side"]
            order["owner"] = (order["owner"] + order["side"]) % self.organizations
        else:
            return
        order["priority"] = int(order["owner"] == self.organizations - 1)
        while any(replaces(order, other) for other in standing):
            order["device"] += 1
        standing.append(order)
        self.sequence += 1

    def round(self):
        accounts = len(self.accounts)
        money = [[0] * accounts for _ in range(4)]
        traded = [[0, 0] for _ in range(accounts)]
        books = []
        for commodity in Commodity:
            for _ in range(self.offers):
                self.submit(commodity)
            books.append(self._clear(commodity, money[0], traded))
        metered = [[self._metered(a, energy) for energy in row] for a, row in enumerate(traded)]
        for account in range(accounts - 1):
            for c, (_, _, short, long) in enumerate(TARIFFS):
                missing = metered[account][c] - traded[account][c]
                paid = missing * (short if missing > 0 else long)
                money[1][account] -= paid
                money[1][-1] += paid
        money[2][0], money[2][-3] = -12345, 12345
        money[3][1], money[3][-2] = -77, 77
        self.accounts = [b + sum(parts) for b, *parts in zip(self.accounts, *money, strict=True)]
        record = Round(
            number=self.number,
            timestamp=START + 900 * self.number,
            books=tuple(books),
            tariffs=np.array(TARIFFS, np.int64),
            traded=np.array(traded, np.int64),
            metered=np.array(metered, np.int64),
            unserved=np.array([5] + [0] * (self.organizations - 1), np.int64),
            money=np.array(money, np.int64),
            accounts=np.array(self.accounts, np.int64),
            actions=np.array([250_000, -1_000_000], np.int64),
        )
        self.number += 1
        for commodity, orders in self.orders.items():
            self.orders[commodity] = [
                o for o in orders if o["unsettled"] and o["until"] > self.number
            ]
        return record

    def _metered(self, account, energy):
        if account >= self.organizations:
            return energy
        return energy + self.random.choice([0, 0, -40, 700])

    def _clear(self, commodity, money, traded):
        orders = [o for o in self.orders[commodity] if o["start"] <= self.number < o["until"]]
        table = [[order[name] for name in ORDER_FIELDS] for order in orders]
        for order in orders:
            order["offered"] = min(order["unsettled"], order["cap"])
        accepted, volume, low, price, high, case = clear(orders)
        taken = [accepted[order["sequence"]] for order in orders]
        signs = [1 if order["side"] == Side.BUY else -1 for order in orders]
        pays = [s * t * (price or 0) for s, t in zip(signs, taken, strict=True)]
        book = ClearedBook(
            orders=np.array(table, np.int64).reshape(-1, len(ORDER_FIELDS)),
            offered=np.array([order["offered"] for order in orders], np.int64),
            accepted=np.array(taken, np.int64),
            pays=np.array(pays, np.int64),
            reason=np.array(
                [reason(o, t, self.number, price) for o, t in zip(orders, taken, strict=True)],
                np.int64,
            ),
            volume=volume,
            price_low=low,
            price=price,
            price_high=high,
            surplus=0,
            case=case,
        )
        for order, energy, sign, payment in zip(orders, taken, signs, pays, strict=True):
            order["unsettled"] -= energy
            money[order["owner"]] -= payment
            traded[order["owner"]][commodity] += sign * energy
        return book


def rounds(count, **options):
    """The first `count` rounds of a slow market."""
    market = SlowMarket(**options)
    return [market.round() for _ in range(count)]


def heads(begun, records):
    """A ledger's head after its header and after every record."""
    ledger = Ledger(begun)
    found = [ledger.head]
    for record in records:
        ledger.on_round(record)
        found.append(ledger.head)
    return found
