"""A small data set for CityLearn, from the profiles of `rural`: CityLearn downloads its own.

Same shape as its 2022 challenge: five buildings with load, PV and a battery each, a tariff, the
weather; quarter-hourly.  Rural knows no humidity, irradiance or emissions: those columns are 0.
"""

import csv
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import decent_gym
from decent_gym.units import ROUND_SECONDS

BUILDINGS = 5
ROUNDS = 672
CALENDAR = ("month", "day_type", "hour")
WEATHER = (
    "outdoor_dry_bulb_temperature",
    "outdoor_relative_humidity",
    "diffuse_solar_irradiance",
    "direct_solar_irradiance",
)
PRICE = "electricity_pricing"
FORECAST = tuple(f"{name}_predicted_{k}" for name in (*WEATHER, PRICE) for k in (1, 2, 3))
OWN = (
    "non_shiftable_load",
    "solar_generation",
    "electrical_storage_soc",
    "net_electricity_consumption",
)


def write_dataset(folder: Path) -> Path:
    """Write ``schema.json`` and its tables into `folder`; returns the schema's path."""
    rural = decent_gym.scenario("rural")
    homes = [
        i for i, member in enumerate(rural.members)
        if member.organization.priority == 0 and rural.load[:, i].any()
    ][:BUILDINGS]  # fmt: skip
    times = [datetime.fromtimestamp(rural.start + t * ROUND_SECONDS, UTC) for t in range(ROUNDS)]
    # more kWh of sun per kW than any roof: CityLearn multiplies W/kW with nominal_power
    sun = rural.pv[:ROUNDS].sum(axis=1) / max(int(rural.pv.sum(axis=1).max()), 1) * 1_000
    for k, home in enumerate(homes):
        columns: dict[str, Iterable[Any]] = {
            "month": [t.month for t in times],
            "hour": [t.hour + 1 for t in times],
            "minutes": [t.minute for t in times],
            "day_type": [t.isoweekday() for t in times],
            "indoor_dry_bulb_temperature": np.full(ROUNDS, 20.0),
            "non_shiftable_load": rural.load[:ROUNDS, home] / 1_000,
            "dhw_demand": np.zeros(ROUNDS),
            "cooling_demand": np.zeros(ROUNDS),
            "heating_demand": np.zeros(ROUNDS),
            "solar_generation": sun,
        }
        _write_table(folder / f"building_{k}.csv", columns)
    outside = rural.temperature[:ROUNDS] / 10
    price = rural.tariffs[:ROUNDS, 0, 0] / 1_000_000
    nothing = np.zeros(ROUNDS)
    weather = dict(zip(WEATHER, (outside, nothing, nothing, nothing), strict=True))
    _write_table(folder / "weather.csv", _with_forecasts(weather))
    _write_table(folder / "pricing.csv", _with_forecasts({PRICE: price}))
    path = folder / "schema.json"
    path.write_text(json.dumps(_schema(len(homes)), indent=1))
    return path


def _with_forecasts(columns: dict[str, Any]) -> dict[str, Iterable[Any]]:
    ahead = {
        f"{name}_predicted_{k}": np.roll(values, -k)
        for name, values in columns.items() for k in (1, 2, 3)
    }  # fmt: skip
    return columns | ahead


def _write_table(path: Path, columns: dict[str, Iterable[Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _schema(buildings: int) -> dict[str, Any]:
    shared = {"active": True, "shared_in_central_agent": True}
    own = {"active": True, "shared_in_central_agent": False}
    battery = {"capacity": 6.4, "efficiency": 0.9, "nominal_power": 5.0}
    building = {
        "include": True,
        "weather": "weather.csv",
        "pricing": "pricing.csv",
        "electrical_storage": {
            "type": "citylearn.energy_model.Battery",
            "attributes": battery | {"loss_coefficient": 0.0, "capacity_loss_coefficient": 1e-5},
        },
        "pv": {"type": "citylearn.energy_model.PV", "attributes": {"nominal_power": 4.0}},
    }
    return {
        "random_seed": 0,
        "root_directory": None,
        "central_agent": False,
        "simulation_start_time_step": 0,
        "simulation_end_time_step": ROUNDS - 1,
        "episode_time_steps": None,
        "seconds_per_time_step": ROUND_SECONDS,
        "observations": dict.fromkeys((*CALENDAR, *WEATHER, PRICE, *FORECAST), shared)
        | dict.fromkeys(OWN, own),
        "actions": {"electrical_storage": {"active": True}},
        "reward_function": {"type": "citylearn.reward_function.RewardFunction"},
        "buildings": {
            f"building_{k}": building | {"energy_simulation": f"building_{k}.csv"}
            for k in range(buildings)
        },
    }
