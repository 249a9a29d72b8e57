"""The uniform-price book, straight from its definition: slow and obvious.

Shares nothing with the package: sums over lists, a scan of every integer price, sorting,
fractions, and Wh handed out one at a time.
"""

from fractions import Fraction
from typing import NamedTuple

SELL, BUY = 0, 1
NONE, EXACT, MARGINAL_SELL, MARGINAL_BUY = 0, 1, 2, 3
WORD = 2**64


class Order(NamedTuple):
    side: int
    price: int
    energy: int
    priority: int
    sequence: int


class Cleared(NamedTuple):
    volume: int
    low: int | None
    price: int | None
    high: int | None
    case: int
    accepted: list[int]


def clear_slowly(
    orders: list[Order], tie_rule: str = "pro_rata", k: Fraction = Fraction(1, 2), lottery: int = 0
) -> Cleared:
    limits = sorted({order.price for order in orders})
    asks = [(order.price, order.energy) for order in orders if order.side == SELL]
    bids = [(order.price, order.energy) for order in orders if order.side == BUY]
    volume = max((min(_to(asks, p), _from(bids, p)) for p in limits), default=0)
    if volume == 0:
        return Cleared(0, None, None, None, NONE, [0] * len(orders))
    valid = [p for p in range(limits[0], limits[-1] + 1) if is_valid(asks, bids, p)]
    low, high = valid[0], valid[-1]
    price = low + (k * (high - low)).__floor__()
    accepted = [0] * len(orders)
    case = EXACT
    for side, name, levels in (
        (SELL, MARGINAL_SELL, limits),
        (BUY, MARGINAL_BUY, limits[::-1]),
    ):
        left = volume
        for level in levels:
            mine = [i for i, o in enumerate(orders) if o.side == side and o.price == level]
            here = min(left, sum(orders[i].energy for i in mine))
            if 0 < here < sum(orders[i].energy for i in mine):
                case = name
            share_level(orders, mine, here, tie_rule, lottery, accepted)
            left -= here
    return Cleared(volume, low, price, high, case, accepted)


def is_valid(asks: list[tuple[int, int]], bids: list[tuple[int, int]], p: int) -> bool:
    """S(<p) <= D(>=p) and D(>p) <= S(<=p)."""
    return _to(asks, p - 1) <= _from(bids, p) and _from(bids, p + 1) <= _to(asks, p)


def _to(orders: list[tuple[int, int]], price: int) -> int:
    return sum([energy for limit, energy in orders if limit <= price])


def _from(orders: list[tuple[int, int]], price: int) -> int:
    return sum([energy for limit, energy in orders if limit >= price])


def share_level(
    orders: list[Order], mine: list[int], amount: int, tie_rule: str, lottery: int, out: list[int]
) -> None:
    """Lower classes first; within the class that runs out, the tie rule."""
    for priority in sorted({orders[i].priority for i in mine}):
        members = [i for i in mine if orders[i].priority == priority]
        here = min(amount, sum(orders[i].energy for i in members))
        for i, energy in zip(
            members, _share(orders, members, here, tie_rule, lottery), strict=True
        ):
            out[i] = energy
        amount -= here


def _share(
    orders: list[Order], members: list[int], amount: int, tie_rule: str, lottery: int
) -> list[int]:
    energies = [orders[i].energy for i in members]
    sequences = [orders[i].sequence for i in members]
    if amount == sum(energies):
        return energies
    if amount == 0:
        return [0] * len(members)
    if tie_rule == "pro_rata":
        return pro_rata(energies, sequences, amount)
    if tie_rule == "equal_share":
        return equal_share(energies, sequences, amount)
    keys = [mix(s ^ (lottery % WORD)) for s in sequences] if tie_rule == "random" else sequences
    shares = [0] * len(members)
    for j in sorted(range(len(members)), key=keys.__getitem__):
        shares[j] = min(energies[j], amount)
        amount -= shares[j]
    return shares


def pro_rata(energies: list[int], sequences: list[int], amount: int) -> list[int]:
    exact = [Fraction(energy * amount, sum(energies)) for energy in energies]
    shares = [share.__floor__() for share in exact]
    ranking = sorted(range(len(energies)), key=lambda j: (-(exact[j] - shares[j]), sequences[j]))
    for j in ranking[: amount - sum(shares)]:
        shares[j] += 1
    return shares


def equal_share(energies: list[int], sequences: list[int], amount: int) -> list[int]:
    """One Wh each, in order of arrival, round and round, to those still below their energy."""
    shares = [0] * len(energies)
    while amount:
        for j in sorted(range(len(energies)), key=sequences.__getitem__):
            if amount and shares[j] < energies[j]:
                shares[j] += 1
                amount -= 1
    return shares


def mix(key: int) -> int:
    """SplitMix64's finaliser."""
    key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) % WORD
    key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) % WORD
    return key ^ (key >> 31)
