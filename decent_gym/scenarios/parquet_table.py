"""Parquet files of profiles: a column ``time`` and columns named ``name [unit]``, as in a CSV file.

``time`` holds timestamps that know their zone; it may stand anywhere, because some programs put it
last.  Numbers may be integers, decimals or floats; a float counts as the shortest decimal that
means it, so what a program has read from a CSV file and written as Parquet gives the same integers.

A file may come from anywhere: its footer is checked before its columns are read.
"""

from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from decent_gym.errors import ScenarioError
from decent_gym.parquet import blamed, need_pyarrow, open_parquet
from decent_gym.scenarios.cells import EMPTY, integer, read_heading
from decent_gym.scenarios.columns import (
    LARGEST_BYTES,
    LAST_SECOND,
    UNITS,
    Column,
    Table,
    check_length,
    check_limits,
    misplaced,
    seconds,
    shown,
)
from decent_gym.units import ROUND_SECONDS, IntArray

TIME: Final = "time"
PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
LONGEST_TEXT: Final = 2**24
"""Of the footer, where other programs leave notes of their own."""


def read_parquet(path: Path) -> Table:
    """Read a Parquet file of profiles.

    Raises
    ------
    ScenarioError
        Naming file, row (from 0), column, value and remedy.
    UnknownNameError
        For an unknown unit; names the nearest one.
    MissingExtraError
        Without pyarrow.
    """
    need_pyarrow(f"reading {path.name}")
    if not path.is_file():
        raise ScenarioError(f"{path}: cannot be read (there is no such file)")
    with blamed(path.name, "the footer", ScenarioError):
        file = open_parquet(path, LONGEST_TEXT)
        # zones are text too, and read only when somebody asks
        fields = [(field.name, field.type, str(field.type)) for field in file.schema_arrow]
    with file:
        names = _names(path.name, fields)
        _check_size(path.name, file.metadata)
        with blamed(path.name, "a column", ScenarioError):
            table = file.read(use_threads=False)
    start, offset = _times(path.name, table.column(TIME))
    columns = {
        name: Column(UNITS[unit][0], unit, _column(path.name, name, unit, table.column(heading)))
        for heading, (name, unit) in names.items()
    }
    return Table(path.name, start, offset, columns)


def _names(file: str, fields: list[tuple[str, Any, str]]) -> dict[str, tuple[str, str]]:
    """Heading -> name and unit, of every column but the time."""
    import pyarrow as pa

    headings = [heading for heading, _, _ in fields]
    if headings.count(TIME) != 1:
        raise ScenarioError(f"{file}: has no column 'time', or two of them, got {headings[:10]}")
    names: dict[str, tuple[str, str]] = {}
    taken: set[str] = set()
    for number, (heading, kind, described) in enumerate(fields, start=1):
        if heading == TIME:
            if not pa.types.is_timestamp(kind) or kind.tz is None:
                raise ScenarioError(
                    f"{file}: column 'time' is of type {described}; write timestamps with "
                    "their time zone, such as timestamp[s, tz=UTC]"
                )
            continue
        name, unit = read_heading(heading, number, file, taken)
        taken.add(name)
        is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        if not (is_number or pa.types.is_decimal(kind)):
            raise ScenarioError(f"{file}: column {name!r} is of type {described}; write numbers")
        names[heading] = name, unit
    if not names:
        raise ScenarioError(f"{file}: has no column but 'time'; add one such as 'load [Wh]'")
    return names


def _check_size(file: str, footer: Any) -> None:
    """What would be unpacked, by the footer and by the number of its cells."""
    said = sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))
    size = max(said, 8 * footer.num_rows * footer.num_columns)
    if size > LARGEST_BYTES:
        raise ScenarioError(f"{file}: unpacks to {size} bytes, at most {LARGEST_BYTES} are read")


def _times(file: str, times: Any) -> tuple[int, int]:
    """UTC seconds and offset of the first row, after checking that all rows are regular."""
    import pyarrow as pa

    if times.null_count:
        _fail(file, _first(times.is_null()), f"time {EMPTY}")
    per_second = PER_SECOND[times.type.unit]
    utc, rest = np.divmod(times.cast(pa.int64()).to_numpy(), per_second)
    outside = (utc < 0) | (utc > LAST_SECOND)
    if outside.any():
        _fail(file, _first(outside), "time lies before 1970 or after 4147; check the year")
    if not len(utc):
        check_length(file, 0)
    with blamed(file, f"the time zone {times.type.tz!r}", ScenarioError):
        first = pa.array(utc[:1], pa.timestamp("s", times.type.tz)).to_pylist()[0]
    try:
        start, offset = seconds(first)
    except ValueError as error:
        _fail(file, 0, f"time {error}")
    wrong = (utc != start + ROUND_SECONDS * np.arange(len(utc))) | (rest != 0)
    if wrong.any():
        row = _first(wrong)
        found = shown(int(utc[row]), offset)
        _fail(file, row, f"time {found!r} {misplaced(row, int(utc[row]), start, offset)}")
    check_length(file, len(utc))
    return start, offset


def _column(file: str, name: str, unit: str, values: Any) -> IntArray:
    """A column in the integers of its kind."""
    place = f"column {name!r}"
    if values.null_count:
        _fail(file, _first(values.is_null()), f"{place} {EMPTY}")
    # profiles repeat themselves: nights, standby, tariffs
    known, where = np.unique(values.to_numpy(), return_inverse=True)
    numbers = np.empty(len(known), np.int64)
    for at, value in enumerate(known):
        try:
            numbers[at] = integer(str(value), unit)
        except ValueError as error:
            _fail(file, _first(where == at), f"{place} value {str(value)!r} {error}")
    found = numbers[where]
    fault = check_limits(found, UNITS[unit][0], unit)
    if fault is not None:
        value = str(known[where[fault[0]]])
        _fail(file, fault[0], f"{place} value {value!r} {fault[1]}")
    return found


def _first(bad: Any) -> int:
    """The first row of which something is true."""
    return int(np.argmax(bad))


def _fail(file: str, row: int, fault: str) -> NoReturn:
    raise ScenarioError(f"{file} row {row}: {fault}")
