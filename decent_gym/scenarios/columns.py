"""Named integer columns over time: what every profile file is turned into, whatever its format.

============  =====================================  =============================  ==============
kind          inside, int64                          units in a file                allowed
============  =====================================  =============================  ==============
energy        Wh per round                           Wh, kWh, W, kW (mean power)    0 to 25 MWh
temperature   0.1 degrees Celsius                    degC, °C                       -60 to 60 °C
price         micro-euro/kWh                         EUR/kWh, EUR/MWh, ct/kWh       +-100 EUR/kWh
============  =====================================  =============================  ==============
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

import numpy as np

from decent_gym.errors import ScenarioError
from decent_gym.registry import unknown_name
from decent_gym.units import ENERGY_CAP, PRICE_CAP, ROUND_SECONDS, ROUNDS_PER_DAY, IntArray

UNITS: Final = {
    "Wh": ("energy", Decimal(1)),
    "kWh": ("energy", Decimal(1_000)),
    "W": ("energy", Decimal("0.25")),
    "kW": ("energy", Decimal(250)),
    "degC": ("temperature", Decimal(10)),
    "°C": ("temperature", Decimal(10)),
    "EUR/kWh": ("price", Decimal(1_000_000)),
    "EUR/MWh": ("price", Decimal(1_000)),
    "ct/kWh": ("price", Decimal(10_000)),
}
"""Unit in a file -> kind and factor to the integer inside; mean power is energy of 15 minutes."""

LIMITS: Final = {
    "energy": (0, ENERGY_CAP // 4),
    "temperature": (-600, 600),
    "price": (-PRICE_CAP, PRICE_CAP),
}
"""Kind -> smallest and largest integer inside."""

SECONDS_PER_DAY: Final = 86_400
LAST_SECOND: Final = 2**36
"""UTC seconds since 1970, a day in the year 4147: later times are a slip, and break calendars."""


LARGEST_BYTES: Final = 2**28
"""What a packed file may unpack to, all columns together."""


@dataclass(frozen=True, slots=True)
class Column:
    """One series: ``values`` int64 (T,), in the integers of its ``kind``; ``unit`` as written."""

    kind: str
    unit: str
    values: IntArray


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of one file over T regular quarter hours.

    Attributes
    ----------
    file : str
        Its name, for messages.
    start : int
        UTC seconds since 1970 of row 0.
    offset : int
        Seconds that the file's own clock was ahead of UTC in row 0.
    columns : mapping of str to Column
    """

    file: str
    start: int
    offset: int
    columns: Mapping[str, Column]

    @property
    def rounds(self) -> int:
        """T."""
        return next(len(column.values) for column in self.columns.values())

    def values(self, name: str, kind: str, place: str) -> IntArray:
        """The column `name`, int64 (T,), which must be of `kind`; `place` opens the message.

        Raises
        ------
        UnknownNameError
            If the file has no such column; names the nearest one.
        ScenarioError
            If it is of another kind.
        """
        if name not in self.columns:
            raise unknown_name(f"column of {self.file} in {place}", name, self.columns)
        column = self.columns[name]
        if column.kind != kind:
            fitting = ", ".join(unit for unit, (of, _) in UNITS.items() if of == kind)
            raise ScenarioError(
                f"{place}: column {name!r} of {self.file} is in {column.unit}; "
                f"needs a column of {kind} ({fitting})"
            )
        return column.values

    def window(self, start: int, rounds: int) -> "Table":
        """The same columns from the UTC second `start` on, `rounds` rows long."""
        first = (start - self.start) // ROUND_SECONDS
        cut = {
            name: Column(c.kind, c.unit, c.values[first : first + rounds])
            for name, c in self.columns.items()
        }
        return Table(self.file, start, self.offset, cut)


def check_limits(values: IntArray, kind: str, unit: str) -> tuple[int, str] | None:
    """Index and fault of the first value that its kind does not allow, or None."""
    low, high = LIMITS[kind]
    bad = np.flatnonzero((values < low) | (values > high))
    if not len(bad):
        return None
    index = int(bad[0])
    if kind == "energy" and values[index] < 0:
        return index, "is negative; consumption and production are columns of their own, both >= 0"
    return index, f"is beyond what {kind} may be ({low} to {high} inside); check the unit {unit!r}"


def instant(text: str) -> tuple[int, int]:
    """UTC seconds and the offset in seconds of an ISO 8601 time such as ``2024-01-01T00:00+01:00``.

    Raises
    ------
    ValueError
        Saying what is wrong with `text`, to be put after its place.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:200]!r} is no ISO 8601 time; write 2024-01-01T00:00Z") from None
    return seconds(time)


def seconds(time: datetime) -> tuple[int, int]:
    """UTC seconds and the offset in seconds of a time that knows its offset.

    Raises
    ------
    ValueError
        If it has no offset, is off the 15-minute grid, or lies before 1970 or after 4147.
    """
    offset = time.utcoffset()
    shown = time.isoformat(timespec="minutes")
    if offset is None:
        raise ValueError(f"{shown!r} has no UTC offset; write {shown}Z or {shown}+01:00")
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    if since % timedelta(seconds=ROUND_SECONDS):
        raise ValueError(
            f"{time.isoformat()!r} is off the 15-minute grid; use minute 00, 15, 30 or 45"
        )
    if not timedelta(0) <= since <= timedelta(seconds=LAST_SECOND):
        raise ValueError(f"{shown!r} lies before 1970 or after 4147; check the year")
    return since // timedelta(seconds=1), offset // timedelta(seconds=1)


def misplaced(row: int, utc: int, start: int, offset: int) -> str:
    """What is wrong with the time `utc` of `row`, where the file began at `start`."""
    due = shown(start + row * ROUND_SECONDS, offset)
    hint = "rows must follow every 15 minutes, without gaps or repetitions"
    if row == 1 and utc - start == 3600:
        hint = "hourly files are not spread over quarter hours; give every quarter hour"
    return f"should be {due}; {hint}"


def check_length(file: str, rows: int) -> None:
    """Refuse a file of less than a day.

    Raises
    ------
    ScenarioError
    """
    if rows < ROUNDS_PER_DAY:
        raise ScenarioError(
            f"{file}: has {rows} rows, needs at least a day of {ROUNDS_PER_DAY} quarter hours"
        )


def shown(utc: int, offset: int = 0) -> str:
    """A time for messages, in the clock `offset` seconds ahead of UTC."""
    zone = timezone(timedelta(seconds=offset))
    return datetime.fromtimestamp(utc, zone).isoformat(timespec="minutes")
