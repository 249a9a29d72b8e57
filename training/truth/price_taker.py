"""A battery that takes prices as they come: the scenario, its optimum, and paying a plan.

Retail and feed-in are one given series, the utility serves without limit, so nothing the learner
does moves a price.  Prices are EUR/MWh, energies kWh, money in their product.

Source: the linear programme is the usual one of arbitrage, e.g. R. Sioshansi, P. Denholm, T. Jenkin
and J. Weiss, "Estimating the value of electricity storage in PJM", Energy Economics 31 (2009).
"""

from dataclasses import dataclass

import highspy
import numpy as np

from decent_gym import Organization, Rules, Scenario
from decent_gym.district import Battery, HeatNetwork
from decent_gym.envs import TraderVectorEnv
from decent_gym.models import Commodity
from decent_gym.scenarios import Member, Prices, Splits
from decent_gym.units import ROUNDS_PER_DAY
from training.truth.market import FloatArray

POWER = 4.0  # kW
PER_MWH = 1000  # micro-euro/kWh
MONDAY = 1_577_836_800 + 5 * 86_400  # 6 January 2020
EUR = 1000  # EUR/MWh x kWh
LEARNER = "battery"


@dataclass(frozen=True)
class Case:
    """A battery and a series of quarter-hourly prices."""

    prices: FloatArray
    capacity: float
    efficiency: float
    optimum: float | None = None
    """published, EUR/MWh x kWh"""


HOURLY = Case(np.repeat([10.0, 50, 10, 5000, 10], 4), 16.0, 1.0, 20_120)
QUARTERS = Case(np.array([80.0, 60, 40, 20, 20, 60, 120, 160]), 16.0, 0.95, 242.45)


def days(count: int, seed: int = 0) -> FloatArray:
    """Hourly prices of days that are alike and never the same: two waves of random size and hour.

    EUR/MWh, (96 x count,); 30 to about 400.
    """
    random = np.random.default_rng(seed)
    hour = np.arange(24)
    found = []
    for _ in range(count):
        size, at = random.uniform(40, 80, 2), random.uniform(-2, 2, 2)
        day = 200 - size[0] * np.cos((hour - 3 - at[0]) * np.pi / 12)
        day -= size[1] * np.cos((hour - 1 - at[1]) * np.pi / 6)
        found.append(np.maximum(day + random.normal(0, 10, 24), 30))
    return np.repeat(np.concatenate(found), 4).round(3)


TEN_WEEKS = Case(days(70), 8.0, 0.95)
ONE_DAY = Case(TEN_WEEKS.prices[:ROUNDS_PER_DAY], 8.0, 0.95)


def optimum(case: Case, prices: FloatArray) -> tuple[float, FloatArray]:
    """The most that the battery, empty at first, can earn, and the plan, kWh bought less sold."""
    most, rounds = POWER / 4, len(prices)
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    bought = [model.addVariable(0, most, price) for price in prices]
    sold = [model.addVariable(0, most, -price) for price in prices]
    held = [model.addVariable(0, case.capacity, 0) for _ in prices]
    for t in range(rounds):
        before = held[t - 1] if t else 0
        change = case.efficiency * bought[t] - (1 / case.efficiency) * sold[t]
        model.addConstr(held[t] - before - change == 0)
    model.run()
    values = np.array(model.getSolution().col_value)
    plan = values[:rounds] - values[rounds : 2 * rounds]
    return -float(model.getInfo().objective_function_value), plan


def scenario(case: Case, splits: Splits) -> Scenario:
    """One battery and the utility; prices beyond the case's are its last."""
    rounds = max(len(case.prices), ROUNDS_PER_DAY)
    price = np.rint(PER_MWH * np.pad(case.prices, (0, rounds - len(case.prices)), mode="edge"))
    tariffs = np.empty((rounds, len(Commodity), 4), np.int64)
    beside = np.array([0, 0, 100_000, -100_000])  # retail and feed-in; short and long
    tariffs[:, Commodity.ELECTRICITY] = price[:, None].astype(np.int64) + beside
    tariffs[:, Commodity.HEAT] = 150_000, 0, 200_000, -10_000
    nothing = np.zeros((rounds, 2), np.int64)
    eta = case.efficiency
    battery = Battery(case.capacity, POWER, POWER, eta, eta, initial=0)
    return Scenario(
        name="price_taker",
        start=MONDAY,
        members=(
            Member(Organization(LEARNER), battery=battery),
            Member(Organization("utility", priority=1)),
        ),
        load=nothing,
        pv=nothing.copy(),
        heat=nothing.copy(),
        temperature=np.full(rounds, 100, np.int64),
        tariffs=tariffs,
        network=HeatNetwork(1, 0, 1),
        prices=Prices(storage=0),
        rules=Rules(utility="residual"),
        splits=splits,
    )


def follow(case: Case, plan: FloatArray) -> float:
    """What the environment pays for a plan."""
    env = TraderVectorEnv(1, scenario(case, Splits((), ())), LEARNER, rounds=len(plan))
    env.reset(seed=0)
    up, down = np.floor(1000 * case.efficiency) / 1000, np.ceil(1000 / case.efficiency) / 1000
    held = 0.0
    for energy in plan:
        room = min(POWER / 4, (case.capacity - held) / up if energy > 0 else held / down)
        energy = np.clip(energy, -room, room)
        share = energy / room if room > 1e-9 else 0.0
        held += energy * up if energy > 0 else energy * down
        infos = env.step(np.array([[np.clip(share, -1, 1), 0.0]], np.float32))[4]
    return float(infos["final_info"]["score"][0]) * EUR
