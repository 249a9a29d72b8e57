"""Day-ahead prices from the CSV file that SMARD.de, the German regulator's platform, offers.

Two layouts of the German download are read; both are separated by semicolons, with decimal comma,
points between thousands, ``-`` for a missing value and German local time::

    Datum von;Datum bis;Deutschland/Luxemburg [€/MWh] Originalauflösungen
    01.10.2025 00:00;01.10.2025 00:15;105,60

    Datum;Anfang;Ende;Deutschland/Luxemburg [€/MWh] Berechnete Auflösungen
    01.01.2024;00:00;01:00;39,91

Hourly prices hold for their four quarter hours: that is what the hour's auction meant.  The hour
that the clocks repeat in autumn stands there twice, summer time first; the one they skip in spring
is absent.  The clock is computed from the rule of Directive 2000/84/EC (last Sundays of March and
October, 01:00 UTC), so no time zone database is needed.

Source: smard.de, Marktdaten, Grosshandelspreise; SMARD data are offered under CC BY 4.0, credit
"Bundesnetzagentur | SMARD.de".
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from decent_gym.errors import ScenarioError, shown
from decent_gym.registry import unknown_name
from decent_gym.scenarios.columns import shown as shown_time
from decent_gym.scenarios.csv_table import text_of
from decent_gym.units import PRICE_CAP, ROUND_SECONDS, ROUNDS_PER_HOUR, IntArray

AREA: Final = "Deutschland/Luxemburg"
COMBINED: Final = ("Datum von", "Datum bis")
SPLIT: Final = ("Datum", "Anfang", "Ende")
LONGEST_NUMBER: Final = 40
NUMBER: Final = re.compile(r"-?(\d{1,3}(\.\d{3})+|\d{1,9})(,\d{1,9})?", re.ASCII)
HOUR: Final = 3_600
FIRST_YEAR: Final = 1996
LAST_YEAR: Final = 2999


def read_smard(path: Path, area: str = AREA) -> tuple[int, IntArray]:
    """Read a download of day-ahead prices.

    Parameters
    ----------
    path : Path
        The CSV file as downloaded, hourly or quarter-hourly.
    area : str
        Bidding zone as the file heads it, without the unit.

    Returns
    -------
    start : int
        UTC seconds since 1970 of the first quarter hour.
    prices : int64 micro-euro/kWh (n,)
        One per quarter hour; negative prices are legal.

    Raises
    ------
    ScenarioError
        Naming file, line, column and value: a missing price, a gap, another format.
    UnknownNameError
        If the file has no column for `area`.
    """
    reader = csv.reader(io.StringIO(text_of(path), newline=""), delimiter=";")
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ScenarioError(f"{path.name} line {reader.line_num}: is no CSV ({error})") from None
    if len(rows) < 2:
        raise ScenarioError(f"{path.name}: has no prices")
    clock, column = _layout(path.name, rows[0][1], area)
    starts: list[int] = []
    prices: list[int] = []
    for line, row in rows[1:]:
        if len(row) <= column:
            raise ScenarioError(f"{path.name} line {line}: has only {len(row)} cells")
        local = _local(path.name, line, row, clock)
        starts.append(_utc(path.name, line, local, starts[-1] if starts else None))
        prices.append(_price(path.name, line, area, row[column].strip()))
    return starts[0], _quarters(path.name, [line for line, _ in rows[1:]], starts, prices)


def _layout(file: str, header: Sequence[str], area: str) -> tuple[int, int]:
    """How many cells tell the beginning (1 or 2), and the column of the prices."""
    names = [name.strip() for name in header]
    if tuple(names[:2]) == COMBINED:
        clock = 1
    elif tuple(names[:3]) == SPLIT:
        clock = 2
    else:
        raise ScenarioError(
            f"{file} line 1: is not SMARD's German CSV, which begins with "
            f"'{';'.join(COMBINED)}' or '{';'.join(SPLIT)}', got {shown(';'.join(names[:3]))}; "
            "download it from the German page as CSV"
        )
    areas = [name.split(" [")[0] for name in names]
    if area not in areas:
        raise unknown_name(f"price zone of {file}", area, areas[clock + 1 :])
    column = areas.index(area)
    if "[€/MWh]" not in names[column]:
        raise ScenarioError(f"{file} line 1: column {shown(names[column])} is not in [€/MWh]")
    return clock, column


def _local(file: str, line: int, row: Sequence[str], clock: int) -> datetime:
    text = " ".join(cell.strip() for cell in row[:clock])
    try:
        local = datetime.strptime(text, "%d.%m.%Y %H:%M").replace(tzinfo=UTC)
    except ValueError:
        raise ScenarioError(
            f"{file} line {line}: {shown(text)} is no time such as 31.10.2025 23:45"
        ) from None
    if not FIRST_YEAR <= local.year <= LAST_YEAR:
        raise ScenarioError(
            f"{file} line {line}: {text!r} lies outside {FIRST_YEAR} to {LAST_YEAR}, for which "
            "the rule of summer time is known; check the year"
        )
    return local


def _utc(file: str, line: int, local: datetime, before: int | None) -> int:
    """UTC seconds of a German local time; a repeated one is summer time until time moves on."""
    wall = int(local.timestamp())
    possible = [wall - ahead for ahead in (2 * HOUR, HOUR) if german_offset(wall - ahead) == ahead]
    later = [utc for utc in possible if before is None or utc > before]
    if not later:
        fault = (
            "does not exist, the clocks skip it" if not possible else "is not after the row before"
        )
        raise ScenarioError(f"{file} line {line}: {local:%d.%m.%Y %H:%M} {fault}")
    return later[0]


def german_offset(utc: int) -> int:
    """Seconds that German clocks are ahead of UTC: 3600 in winter, 7200 in summer (since 1996)."""
    year = datetime.fromtimestamp(utc, UTC).year
    return 2 * HOUR if _last_sunday(year, 3) <= utc < _last_sunday(year, 10) else HOUR


def _last_sunday(year: int, month: int) -> int:
    """UTC seconds of 01:00 on the last Sunday of a month of 31 days."""
    end = datetime(year, month, 31, 1, tzinfo=UTC)
    return int((end - timedelta(days=(end.weekday() + 1) % 7)).timestamp())


def _price(file: str, line: int, area: str, text: str) -> int:
    place = f"{file} line {line}: column {area!r}"
    if text in ("-", ""):
        raise ScenarioError(
            f"{place} has no price ({text!r}); choose a time without gaps, none is guessed"
        )
    if len(text) > LONGEST_NUMBER or NUMBER.fullmatch(text) is None:
        raise ScenarioError(f"{place} value {shown(text)} is no price such as 1.234,56")
    # EUR/MWh is 1000 micro-euro/kWh
    price = round(Fraction(text.replace(".", "").replace(",", ".")) * 1000)
    if abs(price) > PRICE_CAP:
        raise ScenarioError(f"{place} value {text!r} is beyond 100000 EUR/MWh")
    return price


def _quarters(file: str, lines: list[int], starts: list[int], prices: list[int]) -> IntArray:
    steps = np.diff(np.array(starts, np.int64))
    step = int(steps[0]) if len(steps) else HOUR
    if step not in (ROUND_SECONDS, HOUR):
        raise ScenarioError(
            f"{file} line {lines[1]}: comes {step // 60} minutes after the row before; "
            "download hours or quarter hours"
        )
    if starts[0] % step:
        raise ScenarioError(f"{file} line {lines[0]}: does not begin on a whole interval")
    wrong = np.flatnonzero(steps != step)
    if len(wrong):
        index = int(wrong[0]) + 1
        raise ScenarioError(
            f"{file} line {lines[index]}: is {shown_time(starts[index])}, should be "
            f"{shown_time(starts[index - 1] + step)}; hours and quarter hours must not be mixed, "
            "and no row may be missing"
        )
    repeats = ROUNDS_PER_HOUR if step == HOUR else 1
    return np.repeat(np.array(prices, np.int64), repeats)
