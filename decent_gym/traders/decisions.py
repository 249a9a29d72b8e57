"""What a trader decides for one round: how much of each flexibility, at which limit price.

One record serves everybody: scripted traders and learners fill the same arrays, and one place
turns them into offers.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter

import numpy as np

from decent_gym.units import IntArray


@dataclass(slots=True)
class Decisions:
    """Arrays of shape (W, N), int64: energies in Wh >= 0, limits in micro-euro per kWh.

    A limit is a price at which the trader changes its mind: above it the energy is not bought (or
    is sold), below it the energy is bought (or is not sold).

    Attributes
    ----------
    charge, charge_limit
        Battery: electricity to buy and store.
    discharge, discharge_limit
        Battery: electricity to deliver.
    pump_firm
        Heat pump: electricity it takes at any price up to retail.
    pump_flex, pump_limit
        Heat pump: further electricity, taken up to this limit.
    chp, chp_limit
        CHP: electricity to deliver.
    heat_firm
        Own heat that is expected to cover own demand (from heat pump or store), so that it is
        not bought.
    heat_buy, heat_buy_limit
        Heat to buy beyond the demand, into the store.
    heat_sell, heat_sell_limit
        Heat to sell, from the store or the CHP.
    boiler, boiler_limit
        Heat to sell from the boiler.
    """

    charge: IntArray
    charge_limit: IntArray
    discharge: IntArray
    discharge_limit: IntArray
    pump_firm: IntArray
    pump_flex: IntArray
    pump_limit: IntArray
    chp: IntArray
    chp_limit: IntArray
    heat_firm: IntArray
    heat_buy: IntArray
    heat_buy_limit: IntArray
    heat_sell: IntArray
    heat_sell_limit: IntArray
    boiler: IntArray
    boiler_limit: IntArray

    @classmethod
    def empty(cls, worlds: int, organizations: int) -> "Decisions":
        """Decisions to do nothing."""
        return cls(*(np.zeros((worlds, organizations), np.int64) for _ in fields(cls)))

    def columns(self) -> tuple[IntArray, ...]:
        """All arrays, in the order of the class."""
        return _COLUMNS(self)


_COLUMNS: Callable[[Decisions], tuple[IntArray, ...]] = attrgetter(
    *(field.name for field in fields(Decisions))
)


@dataclass(slots=True)
class TraderView:
    """What a trader may look at before gate closure; arrays (W, N) int64 unless said otherwise.

    Attributes
    ----------
    policy : code of the trader that acts for each organization; -1: a learner, -2: nobody (the
        utility)
    round : (W,), the open round
    key : (W,), random key of the world's episode; mix with round and organization
    load, pv, heat : forecast for this round, Wh
    cop : heat pump's COP, per mille; 0 without a heat pump
    tariffs : (W, C, 4), micro-euro/kWh
    price_low, price_high : (W, C), forecast of the low and the high prices of the coming day:
        electricity's from the tariffs known for it (lowest feed-in, highest retail), heat's the
        means of the 12 lowest and the 12 highest prices of the last day
    max_charge, max_discharge : what the battery can take or give this round, Wh
    charge_rate, discharge_rate : battery, mWh in the store per Wh at the terminals
    pump_max : electricity the heat pump can take this round, Wh
    store_in, store_out : heat that the thermal store can take or give this round, Wh
    chp_max : electricity the CHP can give this round, Wh
    chp_heat_rate, chp_fuel_rate : mWh of heat and fuel per Wh of electricity
    boiler_max : heat the boiler can give this round, Wh
    boiler_fuel_rate : mWh of fuel per Wh of heat
    fuel_price : scalar, micro-euro per kWh of fuel
    """

    policy: IntArray
    round: IntArray
    key: IntArray
    load: IntArray
    pv: IntArray
    heat: IntArray
    cop: IntArray
    tariffs: IntArray
    price_low: IntArray
    price_high: IntArray
    max_charge: IntArray
    max_discharge: IntArray
    charge_rate: IntArray
    discharge_rate: IntArray
    pump_max: IntArray
    store_in: IntArray
    store_out: IntArray
    chp_max: IntArray
    chp_heat_rate: IntArray
    chp_fuel_rate: IntArray
    boiler_max: IntArray
    boiler_fuel_rate: IntArray
    fuel_price: int
