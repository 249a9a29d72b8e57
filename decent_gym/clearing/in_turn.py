"""What two separate books make of conversions: heat first at a guess, electricity after it.

Not a way to clear a market here, but what joint clearing is compared with.  A converter that
trades in two books one after the other has to guess electricity's price to say what its heat is
worth, and then has to buy the electricity for what it has sold:

1. heat: whoever makes heat asks ``(1000 cost - electricity * forecast) / heat`` a kWh, rounded up,
   for all that it can make; whoever takes heat bids the same, rounded down;
2. electricity: what that takes is bought, and what it makes is sold, at any price.  Who has
   nothing to do with heat asks for its cost.

Both books are cleared by merit order.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.coupled_books import ConversionRows
from decent_gym.clearing.merit_order import clear_books
from decent_gym.clearing.rules import Rules
from decent_gym.errors import InputError
from decent_gym.units import BOOK_ENERGY_CAP, PRICE_CAP, IntArray

_MILLI: Final = 1_000
_SELL, _BUY = 0, 1
_ORDERS: Final = ("side", "price", "offered", "priority", "sequence", "owner")


@dataclass(frozen=True, slots=True, eq=False)
class InTurn:
    """What W pairs of books come to one after the other; int64.

    Attributes
    ----------
    outcome : Outcome, rows ``2 w`` electricity, ``2 w + 1`` heat
        Of the orders; conversions' shares of the volume are in ``volume``.
    activity : (W, K), Wh
    delivered : (W, K, 2), Wh sold (above 0) or bought
    earns : (W, K), n-euro
    unmet : (W, K), Wh
        Electricity that a conversion needs for the heat that it sold and that nobody had, or that
        it makes with that heat and that nobody took.
    """

    outcome: Outcome
    activity: IntArray
    delivered: IntArray
    earns: IntArray
    unmet: IntArray


def clear_in_turn(
    books: Books, conversions: ConversionRows, forecast: IntArray, rules: Rules
) -> InTurn:
    """Clear W pairs of books one after the other, each at its own forecast.

    Parameters
    ----------
    books : Books, rows ``2 w`` electricity, ``2 w + 1`` heat
    conversions : ConversionRows
    forecast : int64 (W,)
        Electricity's price as the converters expect it, micro-euro per kWh, within +-10^8.
    rules : Rules
        Price rule and tie rule; its mechanism is not read.

    Raises
    ------
    InputError
        For a conversion in a group, whose rows would sell one capacity twice, or numbers beyond
        what sums in 64 bits allow; names the world.
    """
    number, _, rates, heat, cost, most, group = conversions
    there = np.arange(most.shape[1]) < number[:, None]
    grouped = np.argwhere(there & (group >= 0))
    if len(grouped):
        raise InputError(
            f"conversion {grouped[0, 1]} of market {grouped[0, 0]} is in a group: rows that share "
            "a capacity cannot be offered in two books, one after the other"
        )
    rates, heat, most = (np.where(there, column, 0) for column in (rates, heat, most))
    net = _MILLI * cost - rates * forecast[:, None]
    divisor = np.where(heat == 0, 1, heat)
    limit = np.where(heat > 0, _up(net, np.abs(divisor)), net // divisor)
    able = np.abs(heat) * most // _MILLI
    # who asks for more than anybody may bid is not in the book
    able[(np.abs(limit) > PRICE_CAP) & ((limit > 0) == (heat > 0))] = 0
    side = np.where(heat > 0, _SELL, _BUY)
    warm, sold_heat, pays_heat = _clear(books, 1, conversions, side, limit, able, rules)

    activity = np.where(
        heat > 0, _up(_MILLI * sold_heat, np.abs(divisor)), _MILLI * sold_heat // np.abs(divisor)
    )
    powered = (heat == 0) & (rates > 0)
    ratio = np.where(rates == 0, 1, np.abs(rates))
    run = np.where(powered, most, activity)
    able = np.where(rates < 0, _up(run * ratio, _MILLI), run * np.abs(rates) // _MILLI)
    limit = np.where(powered, np.minimum(_up(_MILLI * cost, ratio), PRICE_CAP), -PRICE_CAP)
    limit[rates < 0] = PRICE_CAP
    side = np.where(rates < 0, _BUY, _SELL)
    power, sold, pays = _clear(books, 0, conversions, side, limit, able, rules)
    return InTurn(
        outcome=_together(power, warm, books.side.shape[1]),
        activity=np.where(powered, _up(_MILLI * sold, ratio), activity),
        delivered=np.stack([np.sign(rates) * sold, np.sign(heat) * sold_heat], axis=2),
        earns=-(pays + pays_heat),
        unmet=np.where(powered, 0, able - sold),
    )


def _up(amount: IntArray, divisor: IntArray | int) -> IntArray:
    return -(-amount // divisor)


def _clear(
    books: Books,
    commodity: int,
    conversions: ConversionRows,
    side: IntArray,
    limit: IntArray,
    able: IntArray,
    rules: Rules,
) -> tuple[Outcome, IntArray, IntArray]:
    """Clear one commodity with the conversions behind the orders; what these got, and pay."""
    orders, rows = books.orders[commodity::2], np.arange(len(side))[:, None]
    k = side.shape[1]
    at = rows, orders[:, None] + np.arange(k)
    latest = books.sequence[commodity::2].max(axis=1, initial=0)[:, None]
    given = {
        "side": side,
        "price": np.clip(limit, -PRICE_CAP, PRICE_CAP),
        "offered": able,
        "priority": 0,
        "sequence": latest + 1 + np.arange(k),
        "owner": conversions.owner,
    }
    wide = {}
    for name in _ORDERS:
        column = getattr(books, name)[commodity::2]
        wide[name] = np.concatenate([column, np.zeros_like(side)], axis=1)
        wide[name][at] = given[name]
    energy = wide["offered"].sum(axis=1)
    if (energy > BOOK_ENERGY_CAP).any():
        w = int(np.argmax(energy))
        raise InputError(
            f"market {w} offers {energy[w]} Wh with what its conversions can move, at most "
            f"{BOOK_ENERGY_CAP} sum exactly"
        )
    lottery = np.ascontiguousarray(books.lottery[commodity::2])
    outcome = Outcome.empty(*wide["side"].shape)
    clear_books(Books(orders + k, lottery=lottery, **wide), rules, outcome, 0, len(side))
    taken = outcome.accepted[at], outcome.pays[at]
    outcome.accepted[at], outcome.pays[at] = 0, 0
    return outcome, *taken


def _together(power: Outcome, warm: Outcome, slots: int) -> Outcome:
    """Outcomes of both commodities in alternating rows, without the conversions' slots."""
    both = Outcome.empty(2 * len(power.volume), slots)
    for name in Outcome._fields[:8]:
        for row, one in enumerate((power, warm)):
            values = getattr(one, name)
            getattr(both, name)[row::2] = values[:, :slots] if values.ndim == 2 else values
    return both
