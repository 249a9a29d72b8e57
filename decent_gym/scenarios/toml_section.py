"""A table of a TOML file that knows its place and its keys: nothing misspelt passes unseen."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from decent_gym.errors import InputError, ScenarioError, shown
from decent_gym.json_text import deepest
from decent_gym.registry import unknown_name
from decent_gym.scenarios.columns import instant, seconds
from decent_gym.scenarios.csv_table import text_of
from decent_gym.units import micro_eur_per_kwh

LARGEST_TOML: Final = 2**22
"""Bytes."""
LONGEST_KEY: Final = re.compile(
    r"""(?<![\w"'-])(?:(?:"[^"\n]*"|'[^'\n]*'|[\w-]+)[ \t]*\.[ \t]*){16}"""
)
"""Parts of a dotted key: with their number the time to parse it grows by its square."""
DEPTH_CAP: Final = 32
_TEXTS: Final = re.compile(
    rb"""
    \"{3}(?:[^"\\]++|\\.|"(?!""))*+"{0,5}   # texts, to their end even if they are never closed
    | '{3}(?:[^']++|'(?!''))*+'{0,5}
    | "(?:[^"\\\n]++|\\.)*+"? | '[^'\n]*+'?
    | \#[^\n]*+                               # and remarks
    """,
    re.DOTALL | re.VERBOSE,
)
LARGEST_EXPONENT: Final = 12
DECIMALS_CAP: Final = 40
"""Numbers from 10^13 on are a slip; neither they nor 1e-999999 may become a million digits."""

KINDS: Final = {
    bool: "true or false",
    str: "text",
    int: "an integer",
    Decimal: "a number",
    dict: "a table",
    list: "a list",
    datetime: "a time",
}


class Section:
    """Typed access to one table.

    Parameters
    ----------
    values : mapping
        As :mod:`tomllib` gives it, floats read as Decimal.
    place : str
        File and table path; opens every message.
    known : iterable of str
        The keys that the table may have.

    Raises
    ------
    UnknownNameError
        For any other key; names the nearest one.
    """

    def __init__(self, values: Mapping[str, Any], place: str, known: Iterable[str]) -> None:
        self.values = values
        self.place = place
        known = tuple(known)
        for key in values:
            if key not in known:
                raise unknown_name(f"key in {place}:", key, known)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def of(self, key: str, *kinds: type) -> Any:
        """The value of a key that must be there, as one of the `kinds`.

        Raises
        ------
        ScenarioError
            If it is missing or of another type.
        """
        if key not in self.values:
            raise ScenarioError(f"{self.place}: {key} is missing; give {_alternatives(kinds)}")
        value = self.values[key]
        if type(value) not in kinds:
            raise ScenarioError(
                f"{self.place}: {key} must be {_alternatives(kinds)}, "
                f"got {KINDS.get(type(value), type(value).__name__)} {_shown(value)}"
            )
        return value

    def text(self, key: str, default: str) -> str:
        """Text, or the default."""
        return str(self.of(key, str)) if key in self else default

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """An integer in [low, high], or the default."""
        if key not in self:
            return default
        number = int(self.of(key, int))
        if not low <= number <= high:
            raise ScenarioError(f"{self.place}: {key} must be in [{low}, {high}], got {number}")
        return number

    def number(self, key: str) -> Decimal:
        """A finite number, exactly as written."""
        number = Decimal(self.of(key, int, Decimal))
        if not number.is_finite() or (number and number.adjusted() > LARGEST_EXPONENT):
            raise ScenarioError(
                f"{self.place}: {key} must be a number below 10^{LARGEST_EXPONENT + 1}, "
                f"got {_shown(self.values[key])}"
            )
        if -int(number.as_tuple().exponent) > DECIMALS_CAP:
            raise ScenarioError(
                f"{self.place}: {key} must have at most {DECIMALS_CAP} decimals, "
                f"got {_shown(self.values[key])}"
            )
        return number

    def price(self, key: str) -> int:
        """A price in EUR/kWh as micro-euro per kWh."""
        number = self.number(key)
        try:
            return micro_eur_per_kwh(number)
        except InputError as error:
            raise ScenarioError(f"{self.place}: {key}: {error}") from None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty if it is not there."""
        return tuple(self._list(key, str))

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of integers, which must be there."""
        self.of(key, list)
        return tuple(self._list(key, int))

    def tables(self, key: str) -> list[dict[str, Any]]:
        """A list of tables; empty if it is not there."""
        return self._list(key, dict)

    def _list(self, key: str, kind: type) -> list[Any]:
        values: list[Any] = self.of(key, list) if key in self else []
        for value in values:
            if type(value) is not kind:
                raise ScenarioError(
                    f"{self.place}: {key} must hold {_alternatives((kind,))} each, "
                    f"got {_shown(value)}"
                )
        return values

    def section(self, key: str, known: Iterable[str]) -> "Section":
        """The table `key`, empty if it is not there."""
        values = self.of(key, dict) if key in self else {}
        joint = "." if ": " in self.place else ": "
        return Section(values, f"{self.place}{joint}{key}", known)

    def time(self, key: str) -> tuple[int, int]:
        """UTC seconds and offset of a time that must be there."""
        value = self.of(key, str, datetime)
        try:
            return instant(value) if isinstance(value, str) else seconds(value)
        except ValueError as error:
            raise ScenarioError(f"{self.place}: {key} {error}") from None


def read_toml(path: Path, known: Iterable[str]) -> Section:
    """The top of a TOML file as a section.

    Raises
    ------
    ScenarioError
        If it cannot be read or is no TOML.
    """
    text = text_of(path, LARGEST_TOML)
    nested = LONGEST_KEY.search(text)
    if nested is not None:
        line = text.count("\n", 0, nested.start()) + 1
        raise ScenarioError(
            f"{path.name} line {line}: the key {shown(nested[0])} has 16 dots or more; none is "
            "nested so deep"
        )
    if deepest(_TEXTS.sub(b"", text.encode())) > DEPTH_CAP:
        raise ScenarioError(
            f"{path.name}: is no TOML for a scenario, nested deeper than {DEPTH_CAP}"
        )
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    except ValueError as error:  # also an integer of over 4300 digits
        raise ScenarioError(f"{path.name}: is no TOML ({error})") from None
    return Section(values, path.name, known)


def _alternatives(kinds: Iterable[type]) -> str:
    return " or ".join(KINDS[kind] for kind in kinds)


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, Decimal) else shown(value)
    return text if len(text) <= 60 else text[:57] + "..."
