"""The other mechanisms, straight from their definitions: slow and obvious.

Shares nothing with the package: lists of orders, or of single Wh, sorted and walked through.
Every function returns what each order is accepted for and what it pays.
"""

from fractions import Fraction
from typing import NamedTuple

from oracles.merit_order import BUY, SELL, Order, clear_slowly, mix

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
