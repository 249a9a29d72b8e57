"""A controller that plans the coming day anew in every round, on what the agents see and no more.

Each call of ``predict`` turns an observation into an outlook of 96 rounds, solves the linear
program of :mod:`agents.dispatch` for it, and trades what the plan says a kWh is worth: every device
is offered at full power in the direction that pays at the expected price, at a limit equal to its
*marginal value* in the plan (the program's dual), so that a price other than the expected one does
no harm.

====================  ==============================================================================
outlook               from the observation
====================  ==============================================================================
load, PV, heat        their forecasts, straight lines between the leads
COP                   now as observed, later from the forecast temperature
electricity, later    between yesterday's ``price_low`` and ``price_high``, as the district's
                      forecast net load lies between its lowest and highest of the day; never
                      beyond the tariffs
heat, later           the middle of ``heat_price_low`` and ``heat_price_high``
both, now             the last price; the weight of it falls to 1/e in ``MEMORY`` rounds
heat, margin          planned to cost ``MARGIN`` times what is expected and to earn as much less:
                      offers move its price, and a plan must not both make and buy it for sale
steps                 8 of one round, 4 of two, 20 of four
====================  ==============================================================================

===========  ===================================================  ================================
lever        direction, with the value v of a kWh in the plan     limit
===========  ===================================================  ================================
battery      charge if the price is below the middle of the       v a - wear; v b + wear (a, b:
             two limits, else discharge                           stored per kWh drawn, delivered)
pump         full if the price is below the limit, else pause     v cop
store        sell if the plan does or if it is a plant's, else    v
             buy
chp          what the tank has room for                           fuel less its heat at v
boiler       full                                                 fuel
===========  ===================================================  ================================

It takes prices as given, like the program: a heat plant that sets the price could earn more.
It keeps nothing between calls, so rows of a batch may come in any order.

Source: model predictive control with certainty equivalence, e.g. D. P. Bertsekas, "Dynamic
Programming and Optimal Control", vol. 1, 4th ed. (2017), chapter 6; bids at marginal values of
stored energy: S. Stoft, "Power System Economics" (2002).  ``MEMORY`` and ``MARGIN`` were chosen on
validation weeks.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from agents.dispatch import MWH_PER_KWH, Dispatch, FloatArray, Outlook, Plan
from agents.figures import figures_of
from agents.observed import Observed, Scales, rows_of
from decent_gym import Scenario
from decent_gym.errors import InputError
from decent_gym.models import Commodity
from decent_gym.units import MICRO_EUR_PER_EUR, WH_PER_KWH

STEPS: Final = (*[1] * 8, *[2] * 4, *[4] * 20)
"""Rounds per step of the plan; a day together."""
MEMORY: Final = 24.0
MARGIN: Final = 1.2
LEVERS: Final = {
    "battery": "battery",
    "heat_pump": "pump",
    "thermal_store": "store",
    "chp": "chp",
    "boiler": "boiler",
}
"""Device -> the lever that moves it; each is followed by its limit."""
ELECTRICITY, HEAT = Commodity.ELECTRICITY, Commodity.HEAT
Levers = dict[str, tuple[float, float, Commodity]]
"""Lever -> its quantity in [-1, 1], its limit in EUR/kWh, and of what."""


class RollingHorizon:
    """See the module.

    Parameters
    ----------
    scenario : Scenario
        For the scales of observations, the learner's devices and fixed prices; its profiles are
        not looked at beyond their largest values, which the scales are made of.
    learner : str

    Raises
    ------
    InputError
        If the learner has nothing to decide.
    UnknownNameError
        For an organization that there is not; names the nearest.
    MissingExtraError
        If HiGHS is not installed: the extra ``optimal`` has it.
    """

    def __init__(self, scenario: Scenario, learner: str) -> None:
        self.member = scenario.members[scenario.index(learner)]
        if not self.member.flexible:
            raise InputError(f"{learner!r} has no flexible device and nothing to decide")
        self.actions = tuple(
            name
            for device, lever in LEVERS.items()
            if getattr(self.member, device) is not None
            for name in (lever, f"{lever}_limit")
        )
        self._prices = scenario.prices
        self._heat_feed_in = float(scenario.tariffs[0, HEAT, 1] / MICRO_EUR_PER_EUR)
        self._scales = Scales.of(scenario, learner)
        self._figures = figures_of(self.member)
        self._dispatch = Dispatch(self._figures, scenario.prices, STEPS, pipe=False)
        lengths = np.array(STEPS)
        self._middles = np.cumsum(lengths) - (lengths + 1) / 2

    def predict(self, obs: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Actions (A,) or (n, A) for observations (F,) or (n, F).

        Raises
        ------
        InputError
            For a wrong shape or values that are not finite.
        """
        chosen = np.stack([self._decide(Observed(row, self._scales)) for row in rows_of(obs)])
        return chosen.reshape(*np.shape(obs)[:-1], -1)

    def outlook(self, seen: Observed) -> Outlook:
        """What is expected of the coming day; see the module's first table."""
        lengths, f = self._dispatch.lengths, self._figures
        electricity, heat = self._expected(seen)
        retail = seen.price("heat_retail", HEAT)
        size = np.abs(heat)  # below zero, too, buying is dearer than selling
        dear = np.minimum(heat + (MARGIN - 1) * size, np.maximum(retail, heat))
        cheap = np.maximum(heat - (1 - 1 / MARGIN) * size, np.minimum(self._heat_feed_in, heat))
        return Outlook(
            net=(seen.ahead("load", self._middles) - seen.ahead("pv", self._middles)) * lengths,
            heat=seen.ahead("heat", self._middles) * lengths,
            cop=self._cop(seen),
            buy=np.stack([electricity, dear], axis=1),
            sell=np.stack([electricity, cheap], axis=1),
            battery=seen["battery_level"] * f["battery_capacity"] / MWH_PER_KWH,
            store=seen["store_level"] * f["store_capacity"] / MWH_PER_KWH,
        )

    def _cop(self, seen: Observed) -> FloatArray:
        if self.member.heat_pump is None:
            return np.ones(len(STEPS))
        tenths = np.rint(10 * seen.ahead("temperature", self._middles)).astype(np.int64)
        cop = self.member.heat_pump.cop(tenths) / 1000
        cop[0] = 5 * seen["cop"]
        return np.asarray(cop, np.float64)

    def _expected(self, seen: Observed) -> tuple[FloatArray, FloatArray]:
        """Prices of electricity and heat in every step, EUR/kWh."""
        last = np.exp(-self._middles / MEMORY)
        net = seen.ahead("district", self._middles)
        rank = (net - net.min()) / max(float(np.ptp(net)), 1e-9)
        low, high = (seen.price(f"price_{end}", ELECTRICITY) for end in ("low", "high"))
        price = last * seen.price("last_price", ELECTRICITY)
        price = price + (1 - last) * (low + (high - low) * rank)
        retail = seen.ahead("retail", self._middles)
        price = np.minimum(np.maximum(price, seen.price("feed_in", ELECTRICITY)), retail)
        middle = (seen.price("heat_price_low", HEAT) + seen.price("heat_price_high", HEAT)) / 2
        heat = last * seen.price("last_heat_price", HEAT) + (1 - last) * middle
        return price, np.clip(heat, self._heat_feed_in, seen.price("heat_retail", HEAT))

    def _decide(self, seen: Observed) -> npt.NDArray[np.float32]:
        outlook = self.outlook(seen)
        plan = self._dispatch.solve(outlook)
        price = float(outlook.buy[0, ELECTRICITY])
        levers = {
            **self._battery(plan, price),
            **self._heat(plan, price, float(outlook.cop[0])),
            **self._plants(plan, outlook.store),
        }
        ranges = {
            ELECTRICITY: (seen.price("feed_in", ELECTRICITY), seen.price("retail", ELECTRICITY)),
            HEAT: (self._heat_feed_in, seen.price("heat_retail", HEAT)),
        }
        chosen = dict.fromkeys(self.actions, 0.0)  # a device of size 0 has no plan
        for lever, (quantity, limit, commodity) in levers.items():
            low, high = ranges[commodity]
            chosen[lever] = quantity
            chosen[f"{lever}_limit"] = 2 * (limit - low) / max(high - low, 1e-9) - 1
        return np.clip([chosen[name] for name in self.actions], -1, 1).astype(np.float32)

    def _battery(self, plan: Plan, price: float) -> Levers:
        if "battery" not in plan.worth:
            return {}
        value, wear = plan.worth["battery"][0], self._prices.wear / MICRO_EUR_PER_EUR
        charge = value * self._figures["battery_charge_rate"] / 1000 - wear
        discharge = value * self._figures["battery_discharge_rate"] / 1000 + wear
        if price < (charge + discharge) / 2:
            return {"battery": (1, charge, ELECTRICITY)}
        return {"battery": (-1, discharge, ELECTRICITY)}

    def _heat(self, plan: Plan, price: float, cop: float) -> Levers:
        """Heat pump and store."""
        levers: Levers = {}
        value = _value_of_heat(plan)
        if "pump" in plan.schedule:
            # without a store the value is what the pump's own heat costs, if it is to run
            direction = 1 if price <= value * cop * (1 + 1e-9) else -1
            levers["pump"] = (direction, value * cop, ELECTRICITY)
        if "store" in plan.schedule:
            is_plant = "chp" in plan.schedule or "boiler" in plan.schedule
            sells = plan.schedule["heat_sell"][0] > plan.schedule["heat_buy"][0]
            levers["store"] = (-1 if is_plant or sells else 1, value, HEAT)
        return levers

    def _plants(self, plan: Plan, held: float) -> Levers:
        """CHP and boiler; the CHP promises no electricity whose heat has no room."""
        levers: Levers = {}
        f = self._figures
        fuel = self._prices.fuel / MICRO_EUR_PER_EUR
        if "chp" in plan.schedule:
            rate = f["chp_heat_rate"] / 1000
            room = f["store_capacity"] / MWH_PER_KWH - held
            made = min(room / rate * WH_PER_KWH, f["chp_max"])
            share = made / f["chp_max"] if made >= f["chp_min"] else 0
            cost = f["chp_fuel_rate"] / 1000 * fuel - rate * _value_of_heat(plan)
            levers["chp"] = (2 * share - 1, cost, ELECTRICITY)
        if "boiler" in plan.schedule:
            levers["boiler"] = (1, f["boiler_fuel_rate"] / 1000 * fuel, HEAT)
        return levers


def _value_of_heat(plan: Plan) -> float:
    """EUR/kWh: kept in the store, or where there is none, in this round."""
    return float(plan.worth["store" if "store" in plan.worth else "heat"][0])
