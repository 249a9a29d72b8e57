"""Rebuild the profiles of the `rural` scenario: a year of quarter hours, as integers.

Loads and PV come from SimBench `1-LV-rural1--0-sw`, the temperature from the DWD, the heat demand
from demandlib's BDEW standard profiles. `decent_gym/scenarios/data/README.md` names every array,
licence and change. Needs simbench and demandlib, which decent-gym itself does not:

    python tools/build_rural.py --out decent_gym/scenarios/data/rural.npz
"""

import argparse
import datetime
import hashlib
import io
import warnings
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import simbench
from demandlib import bdew

GRID = "1-LV-rural1--0-sw"
START = "2015-12-31T23:00Z"  # 2016-01-01 00:00 in Germany
STEPS = 366 * 96
ZONE = "Europe/Berlin"
DATA = Path(__file__).resolve().parents[1] / "decent_gym" / "scenarios" / "data"
TEMPERATURE = DATA / "dwd_01443_freiburg_2020_hourly_temperature.csv"
MISSING = -999.0
STATION_YEAR, PROFILE_YEAR = 2020, 2016  # both are leap years
# The nine public holidays that all German states share.
DAYS_OFF = "01-01 03-25 03-28 05-01 05-05 05-16 10-03 12-25 12-26"
HOLIDAYS = [datetime.date.fromisoformat(f"{PROFILE_YEAR}-{day}") for day in DAYS_OFF.split()]


class Building(NamedTuple):
    """What is heated behind one SimBench load.

    `dwelling` is the BDEW type of the living space (MFH where a farm has two dwellings), `farm`
    that of the business part: GGB (horticulture, the only land-based type BDEW has) for L2, GHD
    (mean of all trades) for L1 dairies. `farm_ratio` is farm heat per electricity of the load.
    """

    dwelling: str
    area_m2: int
    kwh_per_m2: int
    farm: str = ""
    farm_ratio: float = 0.0


# kwh_per_m2 (useful heat, space heating and hot water): the Heizspiegel 2019 calls a gas-heated
# house of 100-250 m2 low up to 87, medium up to 154, high up to 245 kWh of gas per m2 and year;
# at 90 % boiler efficiency medium is 78-139, high 139-221 kWh of heat. The village is medium to
# high. Areas and farm ratios are assumptions: areas rise with the electricity the load uses; a
# dairy needs hot water for the milking plant (0.25), L2 farms may heat stables or glass (1.0).
BUILDINGS = {
    "LV1.101 Load 1": Building("EFH", 180, 140, "GGB", 1.0),
    "LV1.101 Load 2": Building("EFH", 140, 120),
    "LV1.101 Load 3": Building("EFH", 170, 150, "GHD", 0.25),
    "LV1.101 Load 4": Building("EFH", 90, 170),
    "LV1.101 Load 5": Building("EFH", 160, 150, "GGB", 1.0),
    "LV1.101 Load 6": Building("EFH", 150, 150, "GHD", 0.25),
    "LV1.101 Load 7": Building("EFH", 200, 140, "GHD", 0.25),
    "LV1.101 Load 8": Building("MFH", 300, 130, "GGB", 1.0),
    "LV1.101 Load 9": Building("EFH", 160, 150, "GGB", 1.0),
    "LV1.101 Load 10": Building("MFH", 260, 140, "GHD", 0.25),
    "LV1.101 Load 11": Building("EFH", 120, 130),
    "LV1.101 Load 12": Building("EFH", 160, 150, "GHD", 0.25),
    "LV1.101 Load 13": Building("MFH", 280, 140, "GGB", 1.0),
}
DWELLING_CLASS = 11  # BDEW: the German mix of old and new houses


def to_wh(wh: np.ndarray) -> np.ndarray:
    """Round float Wh (STEPS, n) to int16, keeping sums.

    Cumulative rounding: differences of the rounded running sum. The sum from the year's start to
    any step, so also the year's, is at most half a Wh off, and what is zero stays zero.
    """
    running = np.rint(np.cumsum(wh, axis=0)).astype(np.int64)
    rounded = np.diff(running, axis=0, prepend=0)
    limits = np.iinfo(np.int16)
    if rounded.min() < 0 or rounded.max() > limits.max:
        raise ValueError(f"energy outside 0..{limits.max} Wh: {rounded.min()}..{rounded.max()}")
    return rounded.astype(np.int16)


def check_calendar(labels: pd.Series) -> None:
    """Raise ValueError unless SimBench's labels are German local time on even UTC steps."""
    local = pd.date_range(START, periods=STEPS, freq="15min").tz_convert(ZONE).tz_localize(None)
    wrong = np.flatnonzero(pd.to_datetime(labels, format="%d.%m.%Y %H:%M").to_numpy() != local)
    if wrong.size:
        raise ValueError(f"step {wrong[0]} is labelled {labels[wrong[0]]}, not {local[wrong[0]]}")


def electricity() -> dict[str, np.ndarray]:
    """Loads and PV of the grid, in SimBench's order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandapower converts an older grid format
        net = simbench.get_simbench_net(GRID)
        values = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    check_calendar(net.profiles["load"]["time"])
    load_bus, pv_bus = net.load.bus.tolist(), net.sgen.bus.tolist()
    quarter_wh = 1e6 / 4  # mean MW over a quarter hour -> Wh
    return {
        "load_wh": to_wh(values["load", "p_mw"].to_numpy() * quarter_wh),
        "load_id": text(net.load.name),
        "load_profile": text(net.load.profile),
        "load_bus": text(net.bus.name.loc[load_bus]),
        "load_nominal_w": watts(net.load.p_mw),
        "pv_wh": to_wh(values["sgen", "p_mw"].to_numpy() * quarter_wh),
        "pv_id": text(net.sgen.name),
        "pv_profile": text(net.sgen.profile),
        "pv_bus": text(net.bus.name.loc[pv_bus]),
        "pv_nominal_w": watts(net.sgen.p_mw),
        "pv_load": np.array(
            [load_bus.index(bus) if bus in load_bus else -1 for bus in pv_bus], np.int8
        ),
    }


def text(names: pd.Series) -> np.ndarray:
    """Fixed-width unicode, so that the file needs no pickle."""
    return np.array([str(name) for name in names])


def watts(megawatts: pd.Series) -> np.ndarray:
    """MW -> W as int32."""
    return np.rint(megawatts.to_numpy() * 1e6).astype(np.int32)


def hourly_temperature(path: Path) -> pd.Series:
    """Degrees Celsius at the full UTC hours of the profile year, by date from the station's."""
    table = pd.read_csv(path, index_col=0)
    stamps = pd.DatetimeIndex(pd.to_datetime(table.index, utc=True))
    if set(stamps.year) != {STATION_YEAR}:
        raise ValueError(f"{path.name} is not the year {STATION_YEAR}")
    moved = stamps - (stamps[0] - pd.Timestamp(f"{PROFILE_YEAR}-01-01", tz="UTC"))
    values = pd.Series(table["temperature_celsius"].to_numpy(), index=moved)
    values = values.mask(values == MISSING).interpolate("linear")
    # The profiles start at 23:00 UTC of the day before, where the station's year has no value.
    return values.reindex(pd.date_range(START, periods=STEPS // 4 + 1, freq="h")).bfill()


def heat_profile(kind: str, temperature: pd.Series) -> np.ndarray:
    """Hourly shares (8784,) of a year's heat, by the German wall clock and calendar."""
    building = bdew.HeatBuilding(
        temperature.index,
        holidays=HOLIDAYS,
        temperature=temperature,
        shlp_type=kind,
        building_class=DWELLING_CLASS if kind in ("EFH", "MFH") else 0,
        wind_class=0,
        ww_incl=True,
    )
    profile = building.get_normalized_bdew_profile().to_numpy()
    # The BDEW's hour factors of a day do not add up to exactly one.
    return profile / profile.sum()


def quarter_hours(hourly: np.ndarray) -> np.ndarray:
    """Split hourly energies (h, n) into quarter hours (4h, n), each hour's energy kept.

    Inside an hour power is a straight line through the hour's mean, its slope the centred
    difference limited so that it overshoots no neighbouring mean: no energy below zero.
    Source: B. van Leer, J. Comput. Phys. 23 (1977) 276, the monotonized central limiter.
    """
    step = np.diff(hourly, axis=0)
    before, after = step[:-1], step[1:]
    size = np.minimum(np.abs(before + after) / 2, 2 * np.minimum(np.abs(before), np.abs(after)))
    slope = np.zeros_like(hourly)
    slope[1:-1] = np.where(before * after > 0, np.sign(after) * size, 0.0)
    offsets = np.array([-0.375, -0.125, 0.125, 0.375])
    quarters = (hourly[:, None, :] + slope[:, None, :] * offsets[None, :, None]) / 4
    return quarters.reshape(-1, hourly.shape[1])


def heat(load_id: np.ndarray, load_wh: np.ndarray, temperature: pd.Series) -> dict[str, np.ndarray]:
    """Heat demand of each load's building: dwelling plus farm."""
    local = temperature[:-1].tz_convert(ZONE)
    shares = {kind: heat_profile(kind, local) for kind in ("EFH", "MFH", "GGB", "GHD")}
    hourly = np.zeros((STEPS // 4, len(load_id)))
    for column, name in enumerate(load_id):
        b = BUILDINGS[name]
        hourly[:, column] = shares[b.dwelling] * (b.area_m2 * b.kwh_per_m2 * 1000)
        if b.farm:
            hourly[:, column] += shares[b.farm] * (load_wh[:, column].sum() * b.farm_ratio)
    rows = [BUILDINGS[name] for name in load_id]
    return {
        "heat_wh": to_wh(quarter_hours(hourly)),
        "heat_profile": np.array([f"{b.dwelling}+{b.farm}".rstrip("+") for b in rows]),
        "heat_area_m2": np.array([b.area_m2 for b in rows], np.int16),
    }


def build(temperature_csv: Path) -> dict[str, np.ndarray]:
    """All arrays, in the order they are written."""
    arrays = electricity()
    temperature = hourly_temperature(temperature_csv)
    arrays |= heat(arrays["load_id"], arrays["load_wh"], temperature)
    at_steps = np.interp(np.arange(STEPS) / 4, np.arange(len(temperature)), temperature.to_numpy())
    arrays["temperature_dc"] = np.rint(at_steps * 10).astype(np.int16)
    arrays["start"] = np.array(START)
    return arrays


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Like np.savez_compressed, but with a fixed time in the zip, so equal arrays, equal file."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
            archive.writestr(member, buffer.getvalue(), compresslevel=9)


def report(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Print a line per building and plant, and the file's digest."""
    load, warm = (arrays[key].astype(np.int64) for key in ("load_wh", "heat_wh"))
    columns = (arrays["load_id"], arrays["load_profile"], arrays["heat_profile"])
    for i, (name, profile, kind) in enumerate(zip(*columns, strict=True)):
        print(
            f"{name:16} {profile:5} {load[:, i].sum() / 1e3:9.1f} kWh  "
            f"{kind:7} {warm[:, i].sum() / 1e3:9.1f} kWh  peak {warm[:, i].max() * 4e-3:5.1f} kW"
        )
    peak = warm.sum(axis=1).max() * 4e-3
    print(f"{load.sum() / 1e6:.1f} MWh, heat {warm.sum() / 1e6:.1f} MWh, peak {peak:.1f} kW")
    for i, name in enumerate(arrays["pv_id"]):
        made = arrays["pv_wh"][:, i].sum(dtype=np.int64) / 1e3
        size = arrays["pv_nominal_w"][i] / 1e3
        print(f"{name:16} {size:6.2f} kWp {made:9.1f} kWh  load {arrays['pv_load'][i]}")
    print("sha256", hashlib.sha256(path.read_bytes()).hexdigest())


def main() -> None:
    """Build, write and report."""
    parser = argparse.ArgumentParser(description="Rebuild the rural scenario's profiles.")
    parser.add_argument("--out", type=Path, default=DATA / "rural.npz", help="file to write")
    parser.add_argument("--temperature", type=Path, default=TEMPERATURE, help="the DWD's CSV")
    arguments = parser.parse_args()
    arrays = build(arguments.temperature)
    write_npz(arguments.out, arrays)
    report(arguments.out, arrays)


if __name__ == "__main__":
    main()
