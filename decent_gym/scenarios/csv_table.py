"""CSV files of profiles: a ``time`` column and columns headed ``name [unit]``, every 15 minutes.

Nothing is guessed: a gap, a missing unit or an hourly file is an error that names file, column and
line.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

from decent_gym.errors import ScenarioError, shown
from decent_gym.files import open_regular
from decent_gym.scenarios.cells import integer, read_heading
from decent_gym.scenarios.columns import (
    LARGEST_BYTES,
    UNITS,
    Column,
    Table,
    check_length,
    check_limits,
    instant,
    misplaced,
)
from decent_gym.units import ROUND_SECONDS, IntArray

Rows = list[tuple[int, list[str]]]


def read_csv(path: Path) -> Table:
    """Read a CSV file of profiles.

    Parameters
    ----------
    path : Path
        UTF-8 (a byte order mark is allowed), separated by commas, decimal points.

    Raises
    ------
    ScenarioError
        Naming file, line, column, value and remedy.
    UnknownNameError
        For an unknown unit; names the nearest one.
    """
    lines = _lines(path)
    header = next(lines, None)
    if header is None:
        raise ScenarioError(f"{path.name}: is empty; needs a header and a row every 15 minutes")
    names = _names(path.name, header[1])
    rows = list(lines)
    for line, row in rows:
        if len(row) != len(names) + 1:
            raise ScenarioError(
                f"{path.name} line {line}: has {len(row)} cells, the header has {len(names) + 1}"
            )
    start, offset = _times(path.name, rows)
    columns = {
        name: Column(UNITS[unit][0], unit, _column(path.name, name, unit, rows, index))
        for index, (name, unit) in enumerate(names, start=1)
    }
    return Table(path.name, start, offset, columns)


def text_of(path: Path, longest: int = LARGEST_BYTES) -> str:
    """The text of a UTF-8 file of at most `longest` bytes.

    Raises
    ------
    ScenarioError
        If it cannot be read, is too long, or is not UTF-8.
    """
    try:
        with open_regular(path) as file:
            data = file.read(longest + 1)
        if len(data) > longest:
            raise ScenarioError(f"{path.name}: has more than {longest} bytes; split it")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ScenarioError(
            f"{path.name} line {line}: is not UTF-8 (byte 0x{error.object[error.start]:02x}); "
            "save the file as UTF-8"
        ) from None


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every line that is not blank."""
    reader = csv.reader(io.StringIO(text_of(path), newline=""), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise ScenarioError(f"{path.name} line {reader.line_num}: is no CSV ({error})") from None


def _names(file: str, header: Sequence[str]) -> list[tuple[str, str]]:
    """Name and unit of every column but the first."""
    first = header[0].strip()
    if len(header) == 1 and ";" in first:
        raise ScenarioError(f"{file} line 1: is separated by semicolons; separate it by commas")
    if first != "time":
        raise ScenarioError(f"{file} line 1: the first column must be 'time', got {shown(first)}")
    if len(header) == 1:
        raise ScenarioError(f"{file} line 1: has no column but 'time'; add one such as 'load [Wh]'")
    names: dict[str, str] = {}
    for number, cell in enumerate(header[1:], start=2):
        name, unit = read_heading(cell, number, f"{file} line 1", names)
        names[name] = unit
    return list(names.items())


def _times(file: str, rows: Rows) -> tuple[int, int]:
    """UTC seconds and offset of the first row, after checking that all rows are regular."""
    start, offset = 0, 0
    for index, (line, row) in enumerate(rows):
        place = f"{file} line {line}: time"
        try:
            utc, ahead = instant(row[0].strip())
        except ValueError as error:
            raise ScenarioError(f"{place} {error}") from None
        if index == 0:
            start, offset = utc, ahead
        elif utc != start + index * ROUND_SECONDS:
            fault = misplaced(index, utc, start, ahead)
            raise ScenarioError(f"{place} {shown(row[0].strip())} {fault}")
    check_length(file, len(rows))
    return start, offset


def _column(file: str, name: str, unit: str, rows: Rows, index: int) -> IntArray:
    known: dict[str, int] = {}  # profiles repeat themselves: nights, standby, tariffs
    values = np.empty(len(rows), np.int64)
    for at, (line, row) in enumerate(rows):
        text = row[index]
        if text not in known:
            try:
                known[text] = integer(text.strip(), unit)
            except ValueError as error:
                _fail(file, line, name, text, str(error))
        values[at] = known[text]
    fault = check_limits(values, UNITS[unit][0], unit)
    if fault is not None:
        line, row = rows[fault[0]]
        _fail(file, line, name, row[index], fault[1])
    return values


def _fail(file: str, line: int, name: str, text: str, fault: str) -> NoReturn:
    raise ScenarioError(f"{file} line {line}: column {name!r} value {shown(text)} {fault}")
