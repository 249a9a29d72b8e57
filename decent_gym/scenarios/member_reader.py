"""Organizations from a scenario file: their devices and their columns of the profiles."""

from dataclasses import MISSING, Field, dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeVar

import numpy as np

from decent_gym.district import CHP, PV, Battery, Boiler, Demand, HeatPump, ThermalStore
from decent_gym.district.profile import scaled
from decent_gym.errors import InputError, ScenarioError
from decent_gym.models import Organization
from decent_gym.scenarios.columns import Table
from decent_gym.scenarios.scenario import Member
from decent_gym.scenarios.toml_section import Section
from decent_gym.scenarios.wishes import WISH_KEYS, read_wish
from decent_gym.units import IntArray

T = TypeVar("T")

DEVICES: Final = {
    "battery": Battery,
    "heat_pump": HeatPump,
    "thermal_store": ThermalStore,
    "boiler": Boiler,
    "chp": CHP,
}
PROFILES: Final = ("load", "pv", "heat")
KEYS: Final = (
    "name",
    "district",
    "priority",
    "enabled",
    "attributes",
    "trader",
    "wish",
    *PROFILES,
    *DEVICES,
)
SCALES: Final = {"load": "annual_kwh", "pv": "peak_kw", "heat": "annual_kwh"}
LARGEST_SCALE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Household:
    """A member and its profiles, int64 Wh (T,), by their names in ``PROFILES``."""

    member: Member
    profiles: dict[str, IntArray]


def read_member(section: Section, table: Table, district: str) -> Household:
    """One ``[[organization]]`` of a scenario file.

    Raises
    ------
    ScenarioError, UnknownNameError
        Naming file, organization, key and value.
    """
    devices: dict[str, Any] = {
        name: device(DEVICES[name], section.section(name, _names(DEVICES[name])))
        for name in DEVICES
        if name in section
    }
    table_of_wish = section.section("wish", WISH_KEYS)
    wish = read_wish(table_of_wish.values, table_of_wish.place) if "wish" in section else None
    trader = section.text("trader", "truthful")
    member = Member(_organization(section, district), trader=trader, wish=wish)
    profiles = {name: _profile(section, name, table) for name in PROFILES}
    return Household(_equipped(member, devices), profiles)


def device(kind: type[T], section: Section) -> T:
    """A device or network from a table with the names of its fields.

    Raises
    ------
    ScenarioError
        Naming the place, and the field that is missing, of a wrong type or out of range.
    """
    values: dict[str, Any] = {}
    for item in _fields(kind):
        if item.name in section:
            value = section.of(item.name, int, Decimal, str)
            # the shortest text of the float is the text in the file
            values[item.name] = float(value) if isinstance(value, Decimal) else value
        elif item.default is MISSING:
            raise ScenarioError(f"{section.place}: {item.name} is missing")
    try:
        return kind(**values)
    except InputError as error:
        raise ScenarioError(f"{section.place}: {error}") from None


def _fields(kind: type[Any]) -> tuple[Field[Any], ...]:
    return tuple(item for item in fields(kind) if item.init)


def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(item.name for item in _fields(kind))


def _equipped(member: Member, devices: dict[str, Any]) -> Member:
    return replace(member, **devices)


def _organization(section: Section, district: str) -> Organization:
    attributes = section.of("attributes", dict) if "attributes" in section else {}
    for key, value in attributes.items():
        if not isinstance(value, str):
            raise ScenarioError(f"{section.place}: attribute {key!r} must be text, got {value!r}")
    try:
        return Organization(
            name=section.of("name", str),
            district=section.text("district", district),
            priority=section.integer("priority", 0, 0, 1),
            enabled=section.of("enabled", bool) if "enabled" in section else True,
            attributes=attributes,
        )
    except InputError as error:
        raise ScenarioError(f"{section.place}: {error}") from None


def _profile(section: Section, key: str, table: Table) -> IntArray:
    """A column name, or a table with a column and what it is scaled to; zeros if absent."""
    if key not in section:
        return np.zeros(table.rounds, np.int64)
    place = f"{section.place}: {key}"
    value = section.of(key, str, dict)
    if isinstance(value, str):
        return table.values(value, "energy", place)
    known = ("column", "scale", SCALES[key], *(("reference_kw",) if key == "pv" else ()))
    scaling = section.section(key, known)
    values = table.values(scaling.of("column", str), "energy", scaling.place)
    try:
        return _scaled(scaling, key, values)
    except InputError as error:
        raise ScenarioError(f"{place}: {error}".replace(f"{place}: {place}", place)) from None


def _scaled(scaling: Section, key: str, values: IntArray) -> IntArray:
    if "scale" in scaling and SCALES[key] in scaling:
        raise ScenarioError(f"{scaling.place}: give scale or {SCALES[key]}, not both")
    if SCALES[key] in scaling:
        target = scaling.number(SCALES[key])
        if key == "pv":
            return PV(target).energy(values, scaling.number("reference_kw"))
        return Demand(target).energy(values)
    scale = scaling.number("scale")
    if not 0 <= scale <= LARGEST_SCALE:
        raise ScenarioError(
            f"{scaling.place}: scale must be in [0, {LARGEST_SCALE}], got {scale}; "
            "production and consumption are columns of their own"
        )
    return scaled(values, Fraction(scale), 1)
