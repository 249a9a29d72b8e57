"""A district of any size from a seed, in integers: the same on every machine, to the last Wh.

Nothing here is measured.  Days are triangles and parabolas instead of sines and bells, because
``sin`` and ``exp`` differ between machines' libraries; random numbers are a counter-based hash, so
organization 7 is the same whether 20 or 10,000 live beside it.

Source: generator splitmix64, G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom
number generators", OOPSLA 2014; constants as in S. Vigna's public-domain splitmix64.c.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.clearing import Rules
from decent_gym.district import CHP, Battery, Boiler, HeatNetwork, HeatPump, ThermalStore
from decent_gym.models import Organization
from decent_gym.scenarios.scenario import UTILITY, Member, Scenario
from decent_gym.scenarios.splits import Splits
from decent_gym.units import ROUNDS_PER_DAY, IntArray, checked_int

START: Final = 1_709_510_400
"""Monday, 4 March 2024, 00:00 UTC: weeks that need heat and have sun."""
FIRST_DAY_OF_YEAR: Final = 63
DAYS_PER_YEAR: Final = 365
PER_PLANT: Final = 20
LARGEST_DISTRICT: Final = 100_000
LARGEST_TABLE: Final = 2**28
"""Rounds times organizations; three such tables of int64 are 6 GB."""

GOLDEN: Final = 0x9E3779B97F4A7C15
MIX_1: Final = 0xBF58476D1CE4E5B9
MIX_2: Final = 0x94D049BB133111EB
MASK: Final = 2**64 - 1
TRAITS, NOISE, CLOUDS, WEATHER, FLICKER = range(5)
"""Streams of random numbers."""

BATTERIES: Final = tuple(
    Battery(capacity_kwh=kwh, charge_kw=kw, discharge_kw=kw)
    for kwh, kw in ((6, 3), (10, 5), (14, 7), (20, 10))
)
HEAT_PUMPS: Final = (HeatPump(thermal_kw=10), HeatPump(thermal_kw=14, supply="radiator"))
HEAT_STORES: Final = tuple(
    ThermalStore(capacity_kwh=kwh, charge_kw=kw, discharge_kw=kw) for kwh, kw in ((12, 8), (23, 14))
)
PLANT: Final[dict[str, Any]] = {
    "chp": CHP(electric_kw=20, electric_efficiency=0.31, thermal_efficiency=0.62),
    "boiler": Boiler(thermal_kw=120, efficiency=0.95),
    "thermal_store": ThermalStore(capacity_kwh=174, charge_kw=120, discharge_kw=120),
}
TARIFFS: Final = ((300_000, 80_000, 400_000, 30_000), (160_000, 0, 210_000, -10_000))


def synthetic(
    *,
    organizations: int = 20,
    days: int = 28,
    seed: int = 0,
    mechanism: str = "merit_order",
    price_rule: Any = "midpoint",
    tie_rule: str = "pro_rata",
    utility: str | None = "book",
    clearing: str = "separate",
) -> Scenario:
    """A district of households, a heat plant per started 20 organizations, and the utility.

    Of the households every second has PV, every third a battery, every third (others) a heat pump
    with a store; all need heat.

    Parameters
    ----------
    organizations : int
        All of them, 3 to 100,000; the utility is the last, the heat plants come before it.
    days : int
        1 to 366, from Monday, 4 March 2024, 00:00 UTC.
    seed : int
        Of the district and of the rules' lottery, in [0, 2^53 - 1].
    mechanism, price_rule, tie_rule, utility, clearing
        See :class:`decent_gym.clearing.Rules`; with ``utility=None`` the last is a household.

    Raises
    ------
    InputError
        Naming the argument, the value and the range.
    """
    number = checked_int(organizations, "organizations", 3, LARGEST_DISTRICT)
    rounds = checked_int(days, "days", 1, 366) * ROUNDS_PER_DAY
    checked_int(number * rounds, "organizations x days x 96", 1, LARGEST_TABLE)
    rules = Rules(mechanism, price_rule, tie_rule, seed, utility, clearing)
    plants = -(-number // PER_PLANT)
    households = number - plants - (utility is not None)
    members = _members(households, plants, utility is not None, rules.seed)
    weather = _temperature(rounds, rules.seed)
    load, pv, heat = (np.zeros((rounds, number), np.int64) for _ in range(3))
    traits = _traits(households, rules.seed)
    for day in range(rounds // ROUNDS_PER_DAY):  # a day at a time keeps temporaries small
        span = slice(day * ROUNDS_PER_DAY, (day + 1) * ROUNDS_PER_DAY)
        load[span, :households] = _load(day, traits, rules.seed)
        pv[span, :households] = _pv(day, traits, rules.seed)
        heat[span, :households] = _heat(weather[span], traits)
    return Scenario(
        name=f"synthetic-{number}-{days}-{rules.seed}",
        start=START,
        members=members,
        load=load,
        pv=pv,
        heat=heat,
        temperature=weather,
        tariffs=np.tile(np.array(TARIFFS, np.int64), (rounds, 1, 1)),
        network=_network(number, plants),
        rules=rules,
        splits=Splits.fitting(rounds),
        sources=("Synthetic: computed from a seed, nothing is measured.",),
    )


def randoms(
    seed: int, stream: int, first: npt.ArrayLike, second: npt.ArrayLike, bound: int
) -> IntArray:
    """Integers in [0, bound) that depend on nothing but the arguments, broadcast together.

    Parameters
    ----------
    seed, stream : int
    first, second : integer arrays, such as organization and round
    bound : int
        At most 2^31; the bias of the remainder is below bound / 2^63.
    """
    key = _mixed_int(_mixed_int(seed) ^ stream)
    a = _mixed(np.asarray(first, np.uint64) + np.uint64(key))
    b = _mixed(a + np.asarray(second, np.uint64))
    return ((b >> np.uint64(1)) % np.uint64(bound)).astype(np.int64)


def _mixed(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    z = np.atleast_1d(z) + np.uint64(GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(MIX_1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(MIX_2)
    return z ^ (z >> np.uint64(31))


def _mixed_int(z: int) -> int:
    z = (z + GOLDEN) & MASK
    z = ((z ^ (z >> 30)) * MIX_1) & MASK
    z = ((z ^ (z >> 27)) * MIX_2) & MASK
    return z ^ (z >> 31)


def _members(households: int, plants: int, utility: bool, seed: int) -> tuple[Member, ...]:
    kinds = randoms(seed, TRAITS, np.arange(households), 100, 4).tolist()
    members = []
    for i in range(households):
        pump = i % 3 == 1
        members.append(
            Member(
                Organization(f"household_{i + 1:05}", attributes={"kind": "household"}),
                battery=BATTERIES[kinds[i]] if i % 3 == 0 else None,
                heat_pump=HEAT_PUMPS[kinds[i] % 2] if pump else None,
                thermal_store=HEAT_STORES[kinds[i] % 2] if pump else None,
            )
        )
    for i in range(plants):
        organization = Organization(f"heat_plant_{i + 1:04}", attributes={"kind": "heat_plant"})
        members.append(Member(organization, **PLANT))
    if utility:
        attributes = {"kind": "utility"}
        members.append(Member(Organization(UTILITY, priority=1, attributes=attributes)))
    return tuple(members)


def _network(organizations: int, plants: int) -> HeatNetwork:
    flow = 20 * organizations
    return HeatNetwork(max_flow_kw=flow, loss_kw=4 * plants, backup_kw=flow + 4 * plants)


def _traits(households: int, seed: int) -> dict[str, IntArray]:
    """What makes households differ, int64 (households,) each."""
    who = np.arange(households)
    return {
        "who": who,
        "base_w": 80 + randoms(seed, TRAITS, who, 0, 170),
        "morning_w": 200 + randoms(seed, TRAITS, who, 1, 700),
        "evening_w": 400 + randoms(seed, TRAITS, who, 2, 1400),
        "shift": randoms(seed, TRAITS, who, 3, 9) - 4,
        "peak_w": np.where(who % 2 == 0, 4_000 + 500 * randoms(seed, TRAITS, who, 4, 17), 0),
        "w_per_k": 120 + randoms(seed, TRAITS, who, 5, 160),
        "water_w": 200 + randoms(seed, TRAITS, who, 6, 300),
    }


def _triangle(at: IntArray, top: int, width: int) -> IntArray:
    """Per mille: 1000 at `top`, falling to 0 at a distance of `width`."""
    return np.asarray(np.maximum(1_000 - 1_000 * np.abs(at - top) // width, 0), np.int64)


def _season(day: int) -> int:
    """Per mille: 0 in mid-January, 1000 in mid-July, straight lines between."""
    at = (FIRST_DAY_OF_YEAR + day - 15) % DAYS_PER_YEAR
    return 2_000 * min(at, DAYS_PER_YEAR - at) // DAYS_PER_YEAR


def _temperature(rounds: int, seed: int) -> IntArray:
    """Outdoor temperature, int64 0.1 degrees Celsius (T,): season, day and weather."""
    days = rounds // ROUNDS_PER_DAY
    fronts = randoms(seed, WEATHER, np.arange(days + 1), 0, 101) - 50
    quarter = np.arange(ROUNDS_PER_DAY)
    swing = 80 * _triangle(quarter, 58, 48) // 1_000 - 40
    parts = []
    for day in range(days):
        front = fronts[day] * (ROUNDS_PER_DAY - quarter) + fronts[day + 1] * quarter
        parts.append(10 + 180 * _season(day) // 1_000 + swing + front // ROUNDS_PER_DAY)
    return np.concatenate(parts)


def _load(day: int, traits: dict[str, IntArray], seed: int) -> IntArray:
    """Consumption of a day, int64 Wh (96, households)."""
    weekend = (day % 7) >= 5
    quarter = np.arange(ROUNDS_PER_DAY)[:, None] + traits["shift"]
    peaks = traits["morning_w"] * _triangle(quarter, 36 if weekend else 29, 10)
    peaks += traits["evening_w"] * _triangle(quarter, 78, 18)
    peaks += traits["evening_w"] // 3 * _triangle(quarter, 50, 12)
    watts = traits["base_w"] + peaks // 1_000
    rounds = day * ROUNDS_PER_DAY + np.arange(ROUNDS_PER_DAY)
    noise = 500 + randoms(seed, NOISE, traits["who"], rounds[:, None], 1_001)
    return np.asarray(watts * noise // 4_000, np.int64)


def _pv(day: int, traits: dict[str, IntArray], seed: int) -> IntArray:
    """Production of a day, int64 Wh (96, households): a parabola from sunrise to sunset."""
    half = 16 + 16 * _season(day) // 1_000  # quarters from sunrise to noon: 4 h to 8 h
    at = np.arange(ROUNDS_PER_DAY) - 48
    sun = np.maximum(half * half - at * at, 0) * (400 + 500 * _season(day) // 1_000) // half**2
    clear = 200 + randoms(seed, CLOUDS, day, 0, 801)
    flicker = 800 + randoms(seed, FLICKER, day * ROUNDS_PER_DAY + np.arange(ROUNDS_PER_DAY), 0, 201)
    permille = sun * clear // 1_000 * flicker // 1_000
    return np.asarray(permille[:, None] * traits["peak_w"] // 4_000, np.int64)


def _heat(weather: IntArray, traits: dict[str, IntArray]) -> IntArray:
    """Heat demand of a day, int64 Wh (96, households): rooms below 15 degrees and hot water."""
    cold = np.maximum(150 - weather, 0)[:, None]  # tenths of a kelvin
    quarter = np.arange(ROUNDS_PER_DAY)[:, None] + traits["shift"]
    water = traits["water_w"] * (_triangle(quarter, 28, 8) + _triangle(quarter, 80, 12) + 200)
    return np.asarray(cold * traits["w_per_k"] // 40 + water // 4_000, np.int64)
