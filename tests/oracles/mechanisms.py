"""The other mechanisms, straight from their definitions: slow and obvious.

Shares nothing with the package: lists of orders, or of single Wh, sorted and walked through.
Every function returns what each order is accepted for and what it pays.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from oracles.merit_order import BUY, SELL, Order, clear_slowly, mix, pro_rata

HALF = Fraction(1, 2)
Trades = tuple[list[int], list[int]]


class Setting(NamedTuple):
    tie_rule: str = "pro_rata"
    k: Fraction = HALF
    lottery: int = 0
    owners: tuple[int, ...] = ()
    retail: int = 0
    feed_in: int = 0


def lot(order: Order, lottery: int) -> int:
    return mix(order.sequence ^ (lottery % 2**64))


def ranked(orders: list[Order], side: int, setting: Setting) -> list[int]:
    """Positions of one side, best first."""
    sign = -1 if side == BUY else 1

    def key(i: int) -> tuple[int, int, int]:
        order = orders[i]
        by_lot = setting.tie_rule == "random"
        arrival = lot(order, setting.lottery) if by_lot else order.sequence
        return sign * order.price, order.priority, arrival

    return sorted((i for i, order in enumerate(orders) if order.side == side), key=key)


def nothing(orders: list[Order]) -> Trades:
    return [0] * len(orders), [0] * len(orders)


def trade(trades: Trades, buyer: int, seller: int, energy: int, price: int) -> None:
    accepted, pays = trades
    for i, sign in ((buyer, 1), (seller, -1)):
        accepted[i] += energy
        pays[i] += sign * energy * price


def merit_order(orders: list[Order], setting: Setting) -> Trades:
    found = clear_slowly(orders, setting.tie_rule, setting.k, setting.lottery)
    signs = (1 if order.side == BUY else -1 for order in orders)
    pays = [sign * x * (found.price or 0) for sign, x in zip(signs, found.accepted, strict=True)]
    return found.accepted, pays


def pay_as_bid(orders: list[Order], setting: Setting) -> Trades:
    """One Wh of a bid beside one Wh of an ask."""
    accepted = clear_slowly(orders, setting.tie_rule, setting.k, setting.lottery).accepted
    asks, bids = (
        [i for i in ranked(orders, side, setting) for _ in range(accepted[i])]
        for side in (SELL, BUY)
    )
    trades = nothing(orders)
    for bid, ask in zip(bids, asks, strict=True):
        low, high = orders[ask].price, orders[bid].price
        trade(trades, bid, ask, 1, low + (setting.k * (high - low)).__floor__())
    return trades


def efficient(orders: list[Order], setting: Setting) -> tuple[list[int], list[int], int]:
    """Asks and bids in merit order, of which the first `volume` single Wh trade."""
    asks, bids = ranked(orders, SELL, setting), ranked(orders, BUY, setting)
    ask_wh = [orders[i].price for i in asks for _ in range(orders[i].energy)]
    bid_wh = [orders[i].price for i in bids for _ in range(orders[i].energy)]
    return asks, bids, sum(b >= s for b, s in zip(bid_wh, ask_wh, strict=False))


def reached(orders: list[Order], side: list[int], volume: int) -> int:
    """How many orders of a ranked side the first `volume` Wh touch."""
    touched = 0
    while volume > 0:
        volume -= orders[side[touched]].energy
        touched += 1
    return touched


def at_prices(
    orders: list[Order], asks: list[int], bids: list[int], seller_price: int, buyer_price: int
) -> Trades:
    """What both sides offer, in the order given, at one price a side."""
    trades = accepted, pays = nothing(orders)
    volume = min(sum(orders[i].energy for i in side) for side in (asks, bids))
    for side, price in ((asks, -seller_price), (bids, buyer_price)):
        left = volume
        for i in side:
            accepted[i] = min(left, orders[i].energy)
            pays[i] = accepted[i] * price
            left -= accepted[i]
    return trades


def mcafee(orders: list[Order], setting: Setting) -> Trades:
    asks, bids, volume = efficient(orders, setting)
    if volume == 0:
        return nothing(orders)
    sellers, buyers = reached(orders, asks, volume), reached(orders, bids, volume)
    ask, bid = orders[asks[sellers - 1]].price, orders[bids[buyers - 1]].price
    if sellers < len(asks) and buyers < len(bids):
        low, high = orders[bids[buyers]].price, orders[asks[sellers]].price
        p = low + setting.k * (high - low)
        if ask <= p <= bid:
            rounded = p.__floor__()
            return at_prices(orders, asks[:sellers], bids[:buyers], rounded, rounded)
    return at_prices(orders, asks[: sellers - 1], bids[: buyers - 1], ask, bid)


def continuous_double_auction(orders: list[Order], setting: Setting) -> Trades:
    trades = accepted, _ = nothing(orders)
    resting: list[int] = []
    for i in sorted(range(len(orders)), key=lambda i: orders[i].sequence):
        order = orders[i]
        while accepted[i] < order.energy:
            crossing = [
                j
                for j in resting
                if accepted[j] < orders[j].energy
                and orders[j].side != order.side
                and (
                    orders[j].price <= order.price
                    if order.side == BUY
                    else orders[j].price >= order.price
                )
            ]
            if not crossing:
                break
            sign = 1 if order.side == BUY else -1
            j = min(
                crossing,
                key=lambda j: (sign * orders[j].price, orders[j].priority, orders[j].sequence),
            )
            energy = min(order.energy - accepted[i], orders[j].energy - accepted[j])
            buyer, seller = (i, j) if order.side == BUY else (j, i)
            trade(trades, buyer, seller, energy, orders[j].price)
        resting.append(i)
    return trades


def trade_reduction(orders: list[Order], setting: Setting) -> Trades:
    asks, bids, volume = efficient(orders, setting)
    if volume == 0:
        return nothing(orders)
    sellers, buyers = reached(orders, asks, volume), reached(orders, bids, volume)
    ask, bid = orders[asks[sellers - 1]].price, orders[bids[buyers - 1]].price
    return at_prices(orders, asks[: sellers - 1], bids[: buyers - 1], ask, bid)


def sbba(orders: list[Order], setting: Setting) -> Trades:
    return _one_price(orders, setting, buyers_first=True)


def trade_reduction_sbb(orders: list[Order], setting: Setting) -> Trades:
    short = sum(order.side == BUY for order in orders) * 2 <= len(orders)
    return _one_price(orders, setting, {0: False, 1: True}.get(setting.k, short))


def _one_price(orders: list[Order], setting: Setting, buyers_first: bool) -> Trades:
    asks, bids, volume = efficient(orders, setting)
    if volume == 0:
        return nothing(orders)
    asks_in, bids_in = asks[: reached(orders, asks, volume)], bids[: reached(orders, bids, volume)]
    asks_out, bids_out = asks[len(asks_in) :], bids[len(bids_in) :]
    if buyers_first:
        p = orders[bids_in[-1]].price
        if asks_out and orders[asks_out[0]].price <= p:
            p = orders[asks_out[0]].price
            return at_prices(orders, asks_in, bids_in, p, p)
        drawn = sorted(asks_in, key=lambda i: lot(orders[i], setting.lottery))
        return at_prices(orders, drawn, bids_in[:-1], p, p)
    p = orders[asks_in[-1]].price
    if bids_out and orders[bids_out[0]].price >= p:
        p = orders[bids_out[0]].price
        return at_prices(orders, asks_in, bids_in, p, p)
    drawn = sorted(bids_in, key=lambda i: lot(orders[i], setting.lottery))
    return at_prices(orders, asks_in[:-1], drawn, p, p)


def best_welfare(orders: list[Order]) -> int:
    """Dearest Wh wanted with cheapest Wh offered, as long as that gains."""
    bids = sorted((o.price for o in orders if o.side == BUY for _ in range(o.energy)), reverse=True)
    asks = sorted(o.price for o in orders if o.side == SELL for _ in range(o.energy))
    return sum(max(b - s, 0) for b, s in zip(bids, asks, strict=False))


def vcg(orders: list[Order], setting: Setting) -> Trades:
    accepted = clear_slowly(orders, setting.tie_rule, setting.k, setting.lottery).accepted
    pays = [0] * len(orders)
    sign = [1 if order.side == BUY else -1 for order in orders]
    for who in set(setting.owners):
        others = [o for o, owner in zip(orders, setting.owners, strict=True) if owner != who]
        gain = best_welfare(orders) - best_welfare(others)
        mine = [i for i, owner in enumerate(setting.owners) if owner == who and accepted[i] > 0]
        total = sum(accepted[i] for i in mine)
        for i in mine:
            share = gain * accepted[i] // total
            pays[i] = sign[i] * orders[i].price * accepted[i] - share
        if mine:
            worth = sum(sign[i] * orders[i].price * accepted[i] for i in mine)
            earliest = min(mine, key=lambda i: orders[i].sequence)
            pays[earliest] -= gain - (worth - sum(pays[i] for i in mine))
    return accepted, pays


def huang(orders: list[Order], setting: Setting) -> Trades:
    asks, bids, volume = efficient(orders, setting)
    trades = accepted, pays = nothing(orders)
    if volume == 0:
        return trades
    asks_in, bids_in = asks[: reached(orders, asks, volume)], bids[: reached(orders, bids, volume)]
    ask, bid = orders[asks_in.pop()].price, orders[bids_in.pop()].price
    for i in asks_in + bids_in:
        accepted[i] = orders[i].energy
    excess = sum(accepted[i] for i in asks_in) - sum(accepted[i] for i in bids_in)
    side = asks_in if excess > 0 else bids_in
    excess = abs(excess)
    while excess:  # everybody loses one Wh; if there are not enough left, the latest do
        holders = [i for i in side if accepted[i] > 0]
        holders.sort(key=lambda i: -orders[i].sequence)
        for i in holders[:excess]:
            accepted[i] -= 1
        excess -= len(holders[:excess])
    for side, price in ((asks_in, -ask), (bids_in, bid)):
        for i in side:
            pays[i] = accepted[i] * price
    return trades


def coin(owner: int, lottery: int) -> int:
    return mix(((owner + 1) * 0x9E3779B97F4A7C15) % 2**64 ^ (lottery % 2**64)) >> 63


def muda(orders: list[Order], setting: Setting, halves: list[int] | None = None) -> Trades:
    trades = nothing(orders)
    if halves is None:
        halves = [coin(owner, setting.lottery) for owner in setting.owners]
    asks, bids = ranked(orders, SELL, setting), ranked(orders, BUY, setting)
    parts = [
        ([i for i in asks if halves[i] == h], [i for i in bids if halves[i] == h]) for h in (0, 1)
    ]
    prices = [_half_price(orders, *part, setting.k) for part in parts]
    for (mine_asks, mine_bids), p in zip(parts, prices[::-1], strict=True):
        if p is not None:
            willing_asks = [i for i in mine_asks if orders[i].price <= p]
            willing_bids = [i for i in mine_bids if orders[i].price >= p]
            _vickrey(orders, willing_asks, willing_bids, p, setting, trades)
    return trades


def _half_price(orders: list[Order], asks: list[int], bids: list[int], k: Fraction) -> int | None:
    ask_wh = [i for i in asks for _ in range(orders[i].energy)]
    bid_wh = [i for i in bids for _ in range(orders[i].energy)]
    volume = sum(orders[b].price >= orders[s].price for b, s in zip(bid_wh, ask_wh, strict=False))
    if volume:
        low, high = orders[ask_wh[volume - 1]].price, orders[bid_wh[volume - 1]].price
        if ask_wh[volume - 1 : volume + 1].count(ask_wh[volume - 1]) == 2:
            return low
        if bid_wh[volume - 1 : volume + 1].count(bid_wh[volume - 1]) == 2:
            return high
    elif asks and bids:
        low, high = orders[bids[0]].price, orders[asks[0]].price
    elif asks or bids:
        low = high = orders[(asks + bids)[0]].price
    else:
        return None
    return low + (k * (high - low)).__floor__()


def _vickrey(
    orders: list[Order], asks: list[int], bids: list[int], p: int, setting: Setting, trades: Trades
) -> None:
    accepted, pays = trades
    sides = {
        which: [i for i in side for _ in range(orders[i].energy)]
        for which, side in ((SELL, asks), (BUY, bids))
    }
    volume = min(map(len, sides.values()))
    for which, single in sides.items():
        for i in single[:volume]:
            accepted[i] += 1
            pays[i] += p if which == BUY else -p
        winners, losers = single[:volume], single[volume:]
        for who in {setting.owners[i] for i in winners}:
            mine = [i for i in winners if setting.owners[i] == who]
            rivals = [i for i in losers if setting.owners[i] != who]
            fee = sum(abs(orders[i].price - p) for i in rivals[: len(mine)])
            exact = {i: Fraction(fee * mine.count(i), len(mine)) for i in mine}
            parts = {i: share.__floor__() for i, share in exact.items()}
            order = sorted(exact, key=lambda i: (parts[i] - exact[i], orders[i].sequence))
            for i in order[: fee - sum(parts.values())]:
                parts[i] += 1
            for i, part in parts.items():
                pays[i] += part


def mid_market_rate(orders: list[Order], setting: Setting) -> Trades:
    return _price_taking(orders, Fraction(setting.retail + setting.feed_in, 2))


def supply_demand_ratio(orders: list[Order], setting: Setting) -> Trades:
    supply, demand = (sum(o.energy for o in orders if o.side == side) for side in (SELL, BUY))
    f, retail = setting.feed_in, setting.retail
    if not supply or not demand or supply > demand or f <= 0:
        return _price_taking(orders, Fraction(f))
    r = Fraction(supply, demand)
    return _price_taking(orders, f * retail / ((retail - f) * r + f))


def bill_sharing(orders: list[Order], setting: Setting) -> Trades:
    return _price_taking(orders, Fraction(0))


def _price_taking(orders: list[Order], p: Fraction) -> Trades:
    accepted, pays = nothing(orders)
    sides = [[i for i, o in enumerate(orders) if o.side == side] for side in (SELL, BUY)]
    volume = min(sum(orders[i].energy for i in side) for side in sides)
    if volume == 0:
        return accepted, pays
    money = (p * volume).__floor__()
    for side, sign in zip(sides, (-1, 1), strict=True):
        sequences = [orders[i].sequence for i in side]
        energies = pro_rata([orders[i].energy for i in side], sequences, volume)
        for i, energy, paid in zip(
            side, energies, pro_rata(energies, sequences, money), strict=True
        ):
            accepted[i], pays[i] = energy, sign * paid
    return accepted, pays


ORACLES: dict[str, Callable[[list[Order], Setting], Trades]] = {
    "bill_sharing": bill_sharing,
    "continuous_double_auction": continuous_double_auction,
    "huang": huang,
    "mcafee": mcafee,
    "merit_order": merit_order,
    "mid_market_rate": mid_market_rate,
    "muda": muda,
    "pay_as_bid": pay_as_bid,
    "preference": merit_order,  # without wishes; with them, see `oracles.preference`
    "sbba": sbba,
    "supply_demand_ratio": supply_demand_ratio,
    "trade_reduction": trade_reduction,
    "trade_reduction_sbb": trade_reduction_sbb,
    "vcg": vcg,
}

INPUTS: dict[str, Callable[[Any, Any], Any]] = {}
"""Mechanisms with further columns of books: ``inputs(rng, books) -> books`` fills them."""


def oracle_of(name: str) -> Callable[[Any, int, Any], Trades]:
    """As `decent_gym.testing.check_mechanism` asks: about row b of a batch, all of its slots."""

    def oracle(books: Any, b: int, rules: Any) -> Trades:
        slots, orders = orders_of(books, b)
        setting = Setting(
            rules.tie_rule,
            Fraction(rules.k_numerator, rules.k_denominator),
            int(books.lottery[b]),
            tuple(books.owner[b, slots].tolist()),
            *books.tariffs[b, :2].tolist(),
        )
        found = ORACLES[name](orders, setting)
        wide = [[0] * books.side.shape[1] for _ in found]
        for row, values in zip(wide, found, strict=True):
            for slot, value in zip(slots, values, strict=True):
                row[slot] = value
        return wide[0], wide[1]

    return oracle


def orders_of(books: Any, b: int) -> tuple[list[int], list[Order]]:
    """Slots and orders of one book, in plain integers."""
    columns = (books.side, books.price, books.offered, books.priority, books.sequence)
    rows = [column[b, : books.orders[b]].tolist() for column in columns]
    slots = [i for i, energy in enumerate(rows[2]) if energy > 0]
    return slots, [Order(*(row[i] for row in rows)) for i in slots]
