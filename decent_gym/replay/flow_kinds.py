"""The kinds of fresh order flow that come with decent-gym; a new one is a function and a line."""

from typing import Final

import numpy as np

from decent_gym.models import Side
from decent_gym.replay.order_flow import ORDER_FLOWS, SUN, Dice, Drawn, OrderFlow
from decent_gym.scenarios.synthetic import randoms
from decent_gym.units import IntArray

VALUE, ENERGY, FLEXIBLE_VALUE, FLEXIBLE_ENERGY = range(4)
"""Streams of a side."""

UNIT: Final = 1_000
"""Wh: where energies are equal, everybody offers one kWh."""
EUR: Final = 1_000_000
RETAIL: Final = 300_000
FEED_IN: Final = 80_000
LEVEL: Final = 100_000
"""Of ``ties``: values are 1 to 5 times 10 ct/kWh."""
COST, CAP, CAPACITY = 200_000, 2_000_000, 60_000
"""Of ``pivotal``: EUR 0.20 and 2.00 a kWh, 60 kWh."""


def uniform(dice: Dice, sellers: int, buyers: int) -> Drawn:
    """Unit energies; values and costs uniform on [0, 1] EUR/kWh."""
    return _both(dice, sellers, buyers, (0, EUR), (UNIT, UNIT), 1)


def ties(dice: Dice, sellers: int, buyers: int) -> Drawn:
    """Five levels of value, 1 to 3 kWh: hardly a book whose margin is one order."""
    drawn = _both(dice, sellers, buyers, (1, 5), (1, 3), UNIT)
    return drawn._replace(value=drawn.value * LEVEL)


def district(dice: Dice, sellers: int, buyers: int) -> Drawn:
    """Buyers' load is worth retail, sellers' PV surplus feed-in; every second has a battery too.

    Load is 0.1 to 2 kWh.  The sun shines on all alike: a surplus is 0 to 4 kWh times a share that
    is drawn per book, and without one a seller offers its battery alone.  What a battery offers is
    worth anything between the tariffs, 0.2 to 1.5 kWh.
    """
    makes, uses = np.arange(sellers), np.arange(buyers)
    shine = randoms(dice.seed, int(SUN), 0, np.arange(dice.books), 1_001)[:, None]
    surplus = dice.draw(ENERGY, Side.SELL, makes, 200, 4_000) * shine // 1_000
    load = dice.draw(ENERGY, Side.BUY, uses, 100, 2_000)
    parts = [(makes, Side.SELL, FEED_IN, surplus), (sellers + uses, Side.BUY, RETAIL, load)]
    columns = [(who, side, np.full(e.shape, value), e) for who, side, value, e in parts]
    for side, who, first in ((Side.SELL, makes[::2], 0), (Side.BUY, uses[::2], sellers)):
        value = dice.draw(FLEXIBLE_VALUE, side, who, FEED_IN + 1, RETAIL - 1)
        energy = dice.draw(FLEXIBLE_ENERGY, side, who, 200, 1_500)
        columns.append((first + who, side, value, energy))
    owners, sides, values, energies = zip(*columns, strict=True)
    return Drawn(
        np.concatenate(owners),
        np.repeat(np.array(sides, np.int64), [len(owner) for owner in owners]),
        np.hstack(values),
        np.hstack(energies),
    )


def pivotal(dice: Dice, sellers: int, buyers: int) -> Drawn:
    """Sellers of 60 kWh each at a cost of 0.20 EUR/kWh; a demand of 1/3 to all of that, up to 2.00.

    The demand is shared equally by the buyers.  A seller is pivotal where it exceeds what the
    others can sell.
    """
    drawn = _both(dice, sellers, buyers, (COST, COST), (CAPACITY, CAPACITY), 1)
    one, supply = np.zeros(1, np.int64), sellers * CAPACITY
    demand = dice.draw(ENERGY, Side.BUY, one, supply // 3, supply)
    drawn.value[:, sellers:] = CAP
    drawn.energy[:, sellers:] = demand // buyers
    return drawn


def _both(
    dice: Dice,
    sellers: int,
    buyers: int,
    values: tuple[int, int],
    energies: tuple[int, int],
    unit: int,
) -> Drawn:
    """One order each, values and energies uniform on closed ranges, energies times `unit`."""
    sides = ((Side.SELL, np.arange(sellers)), (Side.BUY, np.arange(buyers)))

    def draw(stream: int, span: tuple[int, int]) -> IntArray:
        return np.hstack([dice.draw(stream, side, who, *span) for side, who in sides])

    return Drawn(
        np.arange(sellers + buyers),
        np.repeat(np.array([Side.SELL, Side.BUY], np.int64), (sellers, buyers)),
        draw(VALUE, values),
        draw(ENERGY, energies) * unit,
    )


for _flow in (
    OrderFlow(
        "uniform",
        "One kWh each, values and costs uniform on 0 to 1 EUR/kWh.",
        uniform,
        lowest=0,
        highest=EUR,
        retail=9 * EUR // 10,
        feed_in=EUR // 10,
    ),
    OrderFlow(
        "ties",
        "1 to 3 kWh each, values on five levels: ties decide.",
        ties,
        lowest=LEVEL,
        highest=5 * LEVEL,
        retail=5 * LEVEL,
        feed_in=LEVEL,
    ),
    OrderFlow(
        "district",
        "Loads, PV surplus and batteries of organizations with the utility beside them.",
        district,
        lowest=FEED_IN,
        highest=RETAIL,
        retail=RETAIL,
        feed_in=FEED_IN,
        utility=True,
    ),
    OrderFlow(
        "pivotal",
        "Few large sellers of equal cost, of whom demand often needs every one.",
        pivotal,
        lowest=COST,
        highest=CAP,
        retail=CAP,
        feed_in=COST,
    ),
):
    ORDER_FLOWS.add(_flow.name, _flow)
