"""What a learner sees before gate closure: one table of named fields, one kernel that fills it.

Floats begin here: every field is an integer quantity of the core divided by a fixed scale.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from decent_gym.simulation.forecast import LEADS
from decent_gym.units import ROUND_SECONDS, ROUNDS_PER_DAY

FloatArray = npt.NDArray[np.float32]

BOUND: Final = 10.0
"""No entry lies outside ±10: learning libraries want finite spaces.  Only absurd values are
cut off, such as tariffs below minus ten times the highest retail price."""


@dataclass(frozen=True, slots=True)
class Field:
    """One entry of the observation vector.

    ``low`` and ``high`` say where its values usually lie; only calendar and levels are bounded by
    them, everything by ``BOUND``.
    """

    name: str
    unit: str
    low: float
    high: float
    meaning: str


_NOW: Final = (
    Field("day_sin", "1", -1, 1, "sine of the time of day"),
    Field("day_cos", "1", -1, 1, "cosine of the time of day"),
    Field("week_sin", "1", -1, 1, "sine of the time of week"),
    Field("week_cos", "1", -1, 1, "cosine of the time of week"),
    Field("year_sin", "1", -1, 1, "sine of the time of year"),
    Field("year_cos", "1", -1, 1, "cosine of the time of year"),
    Field("battery_level", "capacity", 0, 1, "energy in the battery"),
    Field("store_level", "capacity", 0, 1, "heat in the thermal store"),
    Field("cop", "5", 0, 1.5, "coefficient of performance of the heat pump, over 5"),
    Field("last_price", "price scale", -1, 1, "last electricity price"),
    Field("last_heat_price", "heat price scale", -1, 1, "last heat price"),
    Field("last_volume", "district scale", 0, 1, "electricity traded in the last round"),
    Field("last_heat_volume", "district heat scale", 0, 1, "heat traded in the last round"),
    Field("price_low", "price scale", -1, 1, "mean of the 12 lowest prices of the last day"),
    Field("price_high", "price scale", -1, 1, "mean of the 12 highest prices of the last day"),
    Field("heat_price_low", "heat price scale", -1, 1, "likewise, heat"),
    Field("heat_price_high", "heat price scale", -1, 1, "likewise, heat"),
    Field("retail", "price scale", -1, 1, "retail tariff of this round"),
    Field("feed_in", "price scale", -1, 1, "feed-in tariff of this round"),
    Field("heat_retail", "heat price scale", -1, 1, "heat retail tariff of this round"),
    Field("last_traded", "own scale", -1.5, 1.5, "own electricity bought less sold, last round"),
    Field("last_imbalance", "own scale", -1, 1, "own electricity metered less traded, last round"),
    Field("last_heat_traded", "own heat scale", -1.5, 1.5, "own heat bought less sold, last round"),
)

_AHEAD: Final = (
    ("load", "own scale", 0, 1.5, "forecast of the own load"),
    ("pv", "own scale", 0, 1.5, "forecast of the own PV production"),
    ("heat", "own heat scale", 0, 1.5, "forecast of the own heat demand"),
    ("temperature", "20 degC", -1, 2, "forecast of the outdoor temperature"),
    ("retail", "price scale", -1, 1, "known retail tariff"),
    ("district", "district scale", -1, 1, "forecast of the district's load less its PV"),
)

FIELDS: Final = _NOW + tuple(
    Field(f"{name}_{lead}", unit, low, high, f"{meaning}, {lead} rounds ahead")
    for name, unit, low, high, meaning in _AHEAD
    for lead in LEADS
)
"""The observation vector, in order."""

LEAD_ARRAY: Final = np.array(LEADS, np.int64)


def observation_fields() -> tuple[Field, ...]:
    """Name, unit, usual range and meaning of every entry of the observation, in order.

    Scales: *price scale* is the scenario's highest retail tariff; *own scale* is the largest
    energy per round that the organization's load, PV or devices can reach; *district scale* is the
    sum of those.
    """
    return FIELDS


def calendar(start: int, rounds: int) -> FloatArray:
    """Sine and cosine of time of day, week and year, (T, 6); round 0 begins a local day."""
    seconds = np.arange(rounds, dtype=np.float64) * ROUND_SECONDS
    day, week, year = ROUNDS_PER_DAY * ROUND_SECONDS, 7 * 86_400, 365.25 * 86_400
    # round 0 is a local midnight, up to half a day off the one in UTC; 1970-01-01 was a Thursday
    monday = ((start + 43_200) // 86_400 + 3) % 7 * 86_400
    january = start % int(year)
    phases = (seconds / day, (seconds + monday) / week, (seconds + january) / year)
    columns = [wave(2 * np.pi * phase) for phase in phases for wave in (np.sin, np.cos)]
    return np.stack(columns, axis=1).astype(np.float32)


@njit(cache=True, nogil=True, _nrt=False)
def observe(  # type: ignore[no-untyped-def]
    first, last, learners, rounds, calendar_table, leads, sigma, sigma_end, exp_table, errors,
    weather, load_table, pv_table, heat_table, temperature, tariff_table, district_load,
    district_pv, battery_soc, battery_capacity, store_soc, store_capacity, cop, pump_max,
    last_price, volume, price_low, price_high, tariffs, traded, metered, price_scale, scale,
    district_scale, out,
):  # fmt: skip
    """Fill `out` (W, L, F) float32 for the learners (W, L) of every world.

    `scale` (N, 2) and `district_scale` (2,) are Wh per round, `price_scale` (2,) micro-euro/kWh.
    """
    length = load_table.shape[0]
    errors_of_district = errors.shape[1] - 1
    top = exp_table.shape[0] - 1
    for w in range(first, last):
        t = rounds[w] % length
        for k in range(learners.shape[1]):
            n = learners[w, k]
            o = out[w, k]
            for i in range(6):
                o[i] = calendar_table[t, i]
            o[6] = battery_soc[w, n] / battery_capacity[w, n] if battery_capacity[w, n] > 0 else 0
            o[7] = store_soc[w, n] / store_capacity[w, n] if store_capacity[w, n] > 0 else 0
            o[8] = cop[w, n] / 5000 if pump_max[w, n] > 0 else 0
            for c in range(2):
                o[9 + c] = last_price[w, c] / price_scale[c]
                o[11 + c] = min(volume[w, c] / district_scale[c], 2.0)
                o[13 + 2 * c] = price_low[w, c] / price_scale[c]
                o[14 + 2 * c] = price_high[w, c] / price_scale[c]
            o[17] = tariffs[w, 0, 0] / price_scale[0]
            o[18] = tariffs[w, 0, 1] / price_scale[0]
            o[19] = tariffs[w, 1, 0] / price_scale[1]
            o[20] = traded[w, n, 0] / scale[n, 0]
            o[21] = (metered[w, n, 0] - traded[w, n, 0]) / scale[n, 0]
            o[22] = traded[w, n, 1] / scale[n, 1]
            many = leads.shape[0]
            for j in range(many):
                at = (rounds[w] + leads[j]) % length
                s = sigma + (sigma_end - sigma) * leads[j] // 95
                unit = 1_000 * 37_837
                own = exp_table[min(max(s * errors[w, n, 0] * 1024 // unit + 2048, 0), top)]
                warm = exp_table[min(max(s * errors[w, n, 1] * 1024 // unit + 2048, 0), top)]
                cloud = exp_table[min(max(s * weather[w] * 1024 // unit + 2048, 0), top)]
                all_of_them = exp_table[
                    min(max(s * errors[w, errors_of_district, 0] * 1024 // unit + 2048, 0), top)
                ]
                o[23 + j] = ((load_table[at, n] * own + 32_768) >> 16) / scale[n, 0]
                o[23 + many + j] = ((pv_table[at, n] * cloud + 32_768) >> 16) / scale[n, 0]
                o[23 + 2 * many + j] = ((heat_table[at, n] * warm + 32_768) >> 16) / scale[n, 1]
                # warmer than it will be where heat is underestimated: 0.1 K per standard
                # deviation at lead 0, growing like the other errors
                off = (s * errors[w, n, 1] * 10 + unit // 2) // unit if leads[j] > 0 else 0
                o[23 + 3 * many + j] = (temperature[at] - off) / 200
                o[23 + 4 * many + j] = tariff_table[at, 0, 0] / price_scale[0]
                net = (district_load[at] * all_of_them - district_pv[at] * cloud) >> 16
                o[23 + 5 * many + j] = net / district_scale[0]
            for i in range(o.shape[0]):
                o[i] = min(max(o[i], -10.0), 10.0)
