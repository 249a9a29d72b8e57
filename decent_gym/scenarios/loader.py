"""Scenarios from files: a TOML file that names the district, a CSV or npz file with its profiles.

``docs/scenarios.md`` describes every key.  The embedded ``rural`` is read by the same code.
"""

from dataclasses import fields
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from decent_gym.clearing import Rules
from decent_gym.district import HeatNetwork
from decent_gym.errors import DecentGymError, InputError, ScenarioError
from decent_gym.registry import unknown_name
from decent_gym.scenarios.assumptions import Forecasts, Prices
from decent_gym.scenarios.columns import SECONDS_PER_DAY, Table, shown
from decent_gym.scenarios.member_reader import KEYS, Household, device, read_member
from decent_gym.scenarios.scenario import Scenario
from decent_gym.scenarios.splits import DAYS_PER_WEEK, Splits
from decent_gym.scenarios.tables import read_table
from decent_gym.scenarios.tariff_reader import KEYS as TARIFF_KEYS
from decent_gym.scenarios.tariff_reader import beside, no_heat_tariffs, read_tariffs
from decent_gym.scenarios.toml_section import Section, read_toml
from decent_gym.units import ROUND_SECONDS, ROUNDS_PER_DAY, IntArray

TOP_KEYS: Final = (
    "scenario",
    "tariffs",
    "variants",
    "prices",
    "forecasts",
    "rules",
    "splits",
    "heat_network",
    "organization",
)
SCENARIO_KEYS: Final = (
    "name",
    "profiles",
    "temperature",
    "start",
    "days",
    "district",
    "balance",
    "sources",
)
RULE_KEYS: Final = ("mechanism", "price_rule", "tie_rule", "seed", "utility", "clearing")
COMMODITIES: Final = ("electricity", "heat")
LONGEST_DAYS: Final = 36_600
NO_NETWORK: Final = HeatNetwork(max_flow_kw=0, loss_kw=0, backup_kw=0)


def load_scenario(path: str | Path, *, tariff: str | None = None, **rules: Any) -> Scenario:
    """Load a district from a TOML file and the profiles that it names.

    Parameters
    ----------
    path : str or Path
        The TOML file.
    tariff : str, optional
        A table of ``[variants]``; its tariffs take the place of those in ``[tariffs]``.
    **rules
        Fields of :class:`decent_gym.clearing.Rules` that take the place of those in ``[rules]``.

    Raises
    ------
    ScenarioError
        Naming file, table, key and value, or file, column and row, and what to do.
    UnknownNameError
        For an unknown key, column, device field, rule or variant; names the nearest one.
    """
    path = Path(path)
    top = read_toml(path, TOP_KEYS)
    head = top.section("scenario", SCENARIO_KEYS)
    table = _table(head, path.parent)
    district = head.text("district", "district")
    households = [
        read_member(Section(values, _place(path, values, number), KEYS), table, district)
        for number, values in enumerate(top.tables("organization"), start=1)
    ]
    if rules.get("utility", "book") is None:  # it leaves the district, as in every scenario
        households = [h for h in households if h.member.organization.priority == 0]
    tariffs, more_sources = _tariffs(top, tariff, table, path.parent)
    weeks = table.rounds // (DAYS_PER_WEEK * ROUNDS_PER_DAY)
    profiles = {key: _matrix(households, key, table.rounds) for key in ("load", "pv", "heat")}
    parts: dict[str, Any] = {
        "name": head.of("name", str),
        "start": table.start,
        "members": tuple(household.member for household in households),
        **profiles,
        "temperature": _temperature(head, table),
        "tariffs": tariffs,
        "network": _network(top, bool(profiles["heat"].any())),
        "prices": _prices(top),
        "forecasts": _forecasts(top),
        "rules": _rules(top, rules),
        "splits": _splits(top, weeks, table.rounds),
        "balance": head.text("balance", "market"),
        "sources": head.texts("sources") + more_sources,
    }
    try:
        return Scenario(**parts)
    except ScenarioError as error:
        raise ScenarioError(f"{path.name}: {error}") from None


def _place(path: Path, values: dict[str, Any], number: int) -> str:
    return f"{path.name}: [[organization]] {values.get('name', f'number {number}')!r}"


def _table(head: Section, folder: Path) -> Table:
    """The profiles, cut to the days that the scenario asks for."""
    file = beside(folder, head.of("profiles", str), f"{head.place}: profiles")
    table = read_table(file)
    start, offset = head.time("start") if "start" in head else (table.start, table.offset)
    if (start + offset) % SECONDS_PER_DAY:
        place = f"{head.place}: start" if "start" in head else f"{table.file}: the first row"
        raise ScenarioError(
            f"{place} must be a midnight of its own clock, got {shown(start, offset)}; "
            "set scenario.start to a midnight such as 2024-01-01T00:00+01:00"
        )
    left = (table.start - start) // ROUND_SECONDS + table.rounds
    if start < table.start or left < ROUNDS_PER_DAY:
        raise ScenarioError(
            f"{head.place}: start {shown(start, offset)} leaves no day of the profiles, which "
            f"cover {shown(table.start, offset)} to "
            f"{shown(table.start + table.rounds * ROUND_SECONDS, offset)}"
        )
    days = head.integer("days", left // ROUNDS_PER_DAY, 1, LONGEST_DAYS)
    if days * ROUNDS_PER_DAY > left:
        raise ScenarioError(
            f"{head.place}: days = {days}, but {table.file} holds only {left // ROUNDS_PER_DAY} "
            f"whole days from {shown(start, offset)} on"
        )
    return table.window(start, days * ROUNDS_PER_DAY)


def _temperature(head: Section, table: Table) -> IntArray:
    if isinstance(head.of("temperature", str, int, Decimal), str):
        place = f"{head.place}: temperature"
        return table.values(head.values["temperature"], "temperature", place).copy()
    degrees = head.number("temperature")
    if not -60 <= degrees <= 60:
        raise ScenarioError(f"{head.place}: temperature must be -60 to 60 degC, got {degrees}")
    return np.full(table.rounds, round(Fraction(degrees) * 10), np.int64)


def _matrix(households: list[Household], key: str, rounds: int) -> IntArray:
    if not households:
        return np.zeros((rounds, 0), np.int64)
    return np.stack([household.profiles[key] for household in households], axis=1)


def _tariffs(
    top: Section, variant: str | None, table: Table, folder: Path
) -> tuple[IntArray, tuple[str, ...]]:
    """Tariffs of both commodities, int64 (T, C, 4), and the sources of a variant."""
    base = top.section("tariffs", COMMODITIES)
    variants = top.section("variants", top.values.get("variants", ()))
    chosen: tuple[IntArray, tuple[str, ...]] = _variant(base, base, table, folder), ()
    for name in variants.values:  # all of them: a slip in one must not wait until it is chosen
        section = variants.section(name, (*COMMODITIES, "sources"))
        tariffs = _variant(section, base, table, folder)
        if name == variant:
            chosen = tariffs, section.texts("sources")
    if variant is not None and variant not in variants:
        raise unknown_name(f"tariff variant of {top.place}", variant, variants.values)
    return chosen


def _variant(section: Section, base: Section, table: Table, folder: Path) -> IntArray:
    """Tariffs of both commodities; what `section` does not say, `base` does."""
    rows = []
    for commodity in COMMODITIES:
        place = section if commodity in section else base
        if commodity == "heat" and commodity not in place:
            rows.append(no_heat_tariffs(table.rounds))
        else:
            place.of(commodity, dict)
            rows.append(read_tariffs(place.section(commodity, TARIFF_KEYS), table, folder))
    return np.stack(rows, axis=1)


def _network(top: Section, heat: bool) -> HeatNetwork:
    if "heat_network" not in top and not heat:
        return NO_NETWORK
    top.of("heat_network", dict)
    names = tuple(item.name for item in fields(HeatNetwork))
    return device(HeatNetwork, top.section("heat_network", names))


def _prices(top: Section) -> Prices:
    names = tuple(item.name for item in fields(Prices))
    section = top.section("prices", names)
    values = {name: section.price(name) for name in names if name in section}
    for name, value in values.items():
        if value < 0:
            raise ScenarioError(
                f"{section.place}: {name} must not be negative, got {section.values[name]}"
            )
    return Prices(**values)


def _forecasts(top: Section) -> Forecasts:
    section = top.section("forecasts", tuple(item.name for item in fields(Forecasts)))
    try:
        return Forecasts(**{key: section.of(key, int) for key in section.values})
    except InputError as error:
        raise ScenarioError(f"{top.place}: {error}") from None


def _rules(top: Section, changes: dict[str, Any]) -> Rules:
    section = top.section("rules", RULE_KEYS)
    values = {key: section.of(key, str, int, Decimal) for key in section.values}
    for key, value in values.items():
        if isinstance(value, Decimal):
            values[key] = str(value)  # 0.3 in a file is the exact fraction 3/10
    if values.get("utility") == "none":
        values["utility"] = None
    try:
        file_rules = Rules.from_dict(values)
    except InputError as error:
        raise ScenarioError(f"{section.place}: {error}") from None
    return Rules.from_dict({**file_rules.to_dict(), **changes})


def _splits(top: Section, weeks: int, rounds: int) -> Splits:
    if "splits" not in top:
        return Splits.fitting(rounds)
    section = top.section("splits", ("validation", "test"))
    chosen = {key: section.integers(key) for key in ("validation", "test")}
    for key, numbers in chosen.items():
        for week in numbers:
            if not 0 <= week < weeks:
                raise ScenarioError(
                    f"{section.place}: {key} week {week} lies outside the {weeks} whole weeks "
                    f"(0 to {weeks - 1})"
                )
    try:
        return Splits(**chosen)
    except DecentGymError as error:
        raise ScenarioError(f"{section.place}: {error}") from None
