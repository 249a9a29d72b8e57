"""Tariffs from a scenario file: a value, a column, a time-of-use table or SMARD's prices."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from decent_gym.errors import ScenarioError
from decent_gym.scenarios.columns import Table, shown
from decent_gym.scenarios.smard import read_smard
from decent_gym.scenarios.toml_section import Section
from decent_gym.units import PRICE_CAP, ROUND_SECONDS, ROUNDS_PER_DAY, ROUNDS_PER_HOUR, IntArray

KEYS: Final = ("retail", "feed_in", "short", "long", "short_over_retail", "long_under_feed_in")
FORMULA_KEYS: Final = ("column", "smard", "time_of_use", "scale", "plus")
SOURCES: Final = FORMULA_KEYS[:3]
NO_HEAT: Final[dict[str, Any]] = {
    "retail": 160_000, "feed_in": 0, "short": 210_000, "long": -10_000,
}  # fmt: skip
"""Heat tariffs of a scenario that says nothing of heat, micro-euro per kWh."""


def read_tariffs(section: Section, table: Table, folder: Path) -> IntArray:
    """The four tariffs of one commodity, int64 micro-euro/kWh (T, 4), columns as in ``Tariff``.

    Parameters
    ----------
    section : Section
        ``[tariffs.electricity]`` or ``[tariffs.heat]``.
    table : Table
        The profiles; decides T and the times.
    folder : Path
        Where files named in the section lie.

    Raises
    ------
    ScenarioError
        Naming file, table and key.
    """
    retail = _price(section, "retail", table, folder)
    feed_in = _price(section, "feed_in", table, folder)
    short = _imbalance(section, "short", "short_over_retail", retail, 1, table, folder)
    long = _imbalance(section, "long", "long_under_feed_in", feed_in, -1, table, folder)
    return np.stack([retail, feed_in, short, long], axis=1)


def no_heat_tariffs(rounds: int) -> IntArray:
    """Heat tariffs of a scenario without heat, int64 micro-euro/kWh (T, 4)."""
    return np.tile(np.array(list(NO_HEAT.values()), np.int64), (rounds, 1))


def _imbalance(
    section: Section,
    key: str,
    spread: str,
    over: IntArray,
    sign: int,
    table: Table,
    folder: Path,
) -> IntArray:
    if (key in section) == (spread in section):
        raise ScenarioError(f"{section.place}: give exactly one of {key} and {spread}")
    if key in section:
        return _price(section, key, table, folder)
    distance = section.price(spread)
    if distance <= 0:
        raise ScenarioError(
            f"{section.place}: {spread} must be more than 0, got {section.values[spread]}"
        )
    return over + sign * distance


def _price(section: Section, key: str, table: Table, folder: Path) -> IntArray:
    """One price per round, int64 micro-euro/kWh (T,)."""
    if key in section and isinstance(section.values[key], str):
        return table.values(section.values[key], "price", f"{section.place}: {key}")
    if key in section and isinstance(section.values[key], dict):
        return _formula(section.section(key, FORMULA_KEYS), table, folder)
    return np.full(table.rounds, section.price(key), np.int64)


def _formula(section: Section, table: Table, folder: Path) -> IntArray:
    """``scale`` x (column | smard | time_of_use) + ``plus``, each rounded once, half to even."""
    given = [source for source in SOURCES if source in section]
    if len(given) != 1:
        raise ScenarioError(
            f"{section.place}: give exactly one of {', '.join(SOURCES)}, "
            f"got {', '.join(given) or 'none'}"
        )
    if given == ["column"]:
        prices = table.values(section.of("column", str), "price", section.place)
    elif given == ["smard"]:
        prices = _smard(section, table, folder)
    else:
        prices = _time_of_use(section, table.rounds)
    if "scale" in section:
        prices = _times(prices, section)
    plus = section.price("plus") if "plus" in section else 0
    return prices + plus


def _times(prices: IntArray, section: Section) -> IntArray:
    scale = section.number("scale")
    numerator, denominator = scale.as_integer_ratio()
    peak = max(int(np.abs(prices).max()), 1)
    most = abs(numerator) * peak
    if most > PRICE_CAP * denominator or most > 2**61 or denominator > 2**61:
        raise ScenarioError(
            f"{section.place}: scale {scale} has too many digits or takes a price beyond "
            f"{PRICE_CAP // 10**6} EUR/kWh"
        )
    quotient, rest = np.divmod(prices * numerator, denominator)
    half = denominator - rest
    up = (rest > half) | ((rest == half) & (quotient % 2 == 1))
    return np.asarray(quotient + up, np.int64)


def _smard(section: Section, table: Table, folder: Path) -> IntArray:
    path = beside(folder, section.of("smard", str), f"{section.place}: smard")
    start, prices = read_smard(path)
    first = (table.start - start) // ROUND_SECONDS
    if first < 0 or first + table.rounds > len(prices):
        raise ScenarioError(
            f"{section.place}: {path.name} covers {shown(start)} to "
            f"{shown(start + len(prices) * ROUND_SECONDS)}, the profiles {shown(table.start)} to "
            f"{shown(table.start + table.rounds * ROUND_SECONDS)}; download the whole time"
        )
    return prices[first : first + table.rounds]


def _time_of_use(section: Section, rounds: int) -> IntArray:
    """Blocks of whole hours, counted from round 0, the same every day and without summer time."""
    day = np.zeros(ROUNDS_PER_DAY, np.int64)
    covered = np.zeros(ROUNDS_PER_DAY, np.int64)
    for number, values in enumerate(section.tables("time_of_use")):
        block = Section(values, f"{section.place}.time_of_use[{number}]", ("hours", "price"))
        hours = block.integers("hours")
        if len(hours) != 2 or not 0 <= hours[0] < hours[1] <= 24:
            raise ScenarioError(
                f"{block.place}: hours must be [from, to] with 0 <= from < to <= 24, "
                f"got {list(hours)}; split a block at midnight"
            )
        span = slice(hours[0] * ROUNDS_PER_HOUR, hours[1] * ROUNDS_PER_HOUR)
        day[span] = block.price("price")
        covered[span] += 1
    wrong = np.flatnonzero(covered != 1)
    if len(wrong):
        fault = "is in no block" if covered[wrong[0]] == 0 else "is in two blocks"
        raise ScenarioError(
            f"{section.place}: time_of_use: hour {wrong[0] // ROUNDS_PER_HOUR} {fault}; "
            "the blocks must cover 0 to 24 once"
        )
    return np.resize(day, rounds)


def beside(folder: Path, name: str, place: str) -> Path:
    """The path of a file beside or below a scenario file, which may come from a stranger.

    Raises
    ------
    ScenarioError
        For an absolute path, or one that climbs out of the folder.
    """
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or set(name) & {"\\", "\0"}:
        raise ScenarioError(
            f"{place} {name!r} must lie beside or below the scenario file; "
            "move it there and use '/' between folders"
        )
    return folder / path
