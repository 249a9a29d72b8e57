"""NumPy archives of profiles: integer arrays whose names end in their unit.

``*_wh`` holds Wh per round, ``*_dc`` tenths of a degree Celsius, ``*_ueur_per_kwh`` micro-euro per
kWh.  An array of shape (T,) is one column of that name; one of shape (T, n) is n columns called
``name.0`` to ``name.n-1``.  ``start`` holds the time of row 0 as text.  Other arrays are notes.

A file may come from anywhere: nothing is unpickled, and headers and sizes are checked before
memory is taken (a zip of 195 kB can unpack to 200 MB).
"""

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import ScenarioError
from decent_gym.scenarios.columns import Column, Table, check_limits, instant
from decent_gym.units import ROUNDS_PER_DAY

SUFFIXES: Final = {
    "_wh": ("energy", "Wh"),
    "_dc": ("temperature", "0.1 degC"),
    "_ueur_per_kwh": ("price", "micro-EUR/kWh"),
}
LARGEST_BYTES: Final = 2**28
"""All arrays of a file together, unpacked."""


def read_npz(path: Path) -> Table:
    """Read an archive of profiles.

    Raises
    ------
    ScenarioError
        Naming file, array, column, row and value.
    """
    arrays = _arrays(path)
    if "start" not in arrays:
        raise ScenarioError(f"{path.name}: has no array 'start', the time of row 0 as text")
    try:
        start, offset = instant(str(arrays.pop("start")))
    except ValueError as error:
        raise ScenarioError(f"{path.name}: array 'start' {error}") from None
    columns: dict[str, Column] = {}
    for name, array in arrays.items():
        columns.update(_columns(path.name, name, array))
    lengths = {len(column.values) for column in columns.values()}
    if len(lengths) != 1 or min(lengths) < ROUNDS_PER_DAY:
        raise ScenarioError(
            f"{path.name}: needs arrays named *{', *'.join(SUFFIXES)} of one length of at least "
            f"{ROUNDS_PER_DAY} rows, got lengths {sorted(lengths)}"
        )
    return Table(path.name, start, offset, columns)


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an archive that a table needs, each checked against its header first."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            total = sum(entry.file_size for entry in entries)
            if total > LARGEST_BYTES:
                raise ScenarioError(
                    f"{path.name}: unpacks to {total} bytes, at most {LARGEST_BYTES} are read"
                )
            return {
                entry.filename.removesuffix(".npy"): _array(path.name, entry, archive)
                for entry in entries
                if _wanted(entry.filename)
            }
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ScenarioError(f"{path.name}: is no npz archive ({error})") from None


def _wanted(filename: str) -> bool:
    name = filename.removesuffix(".npy")
    return name == "start" or name.endswith(tuple(SUFFIXES))


def _array(file: str, entry: zipfile.ZipInfo, archive: zipfile.ZipFile) -> npt.NDArray[Any]:
    stream = io.BytesIO(archive.read(entry))
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"format {version} is not read")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        size = dtype.itemsize
        for length in shape:
            size *= int(length)  # Python integers: a forged shape must not wrap around
        if dtype.kind not in "iuU" or size != entry.file_size - stream.tell():
            raise ValueError(f"{dtype} {shape} does not fit its {entry.file_size} bytes")
        stream.seek(0)
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
    except ValueError as error:
        raise ScenarioError(
            f"{file}: array {entry.filename!r} must be plain integers or text ({error})"
        ) from None


def _columns(file: str, name: str, array: npt.NDArray[Any]) -> dict[str, Column]:
    suffix = next(suffix for suffix in SUFFIXES if name.endswith(suffix))
    kind, unit = SUFFIXES[suffix]
    if array.dtype.kind not in "iu" or array.ndim not in (1, 2):
        raise ScenarioError(
            f"{file}: array {name!r} must be integers of shape (T,) or (T, n), "
            f"got {array.dtype} {array.shape}"
        )
    if array.dtype == np.uint64 and array.size and int(array.max()) >= 2**63:
        raise ScenarioError(f"{file}: array {name!r} holds integers beyond 64 bits")
    wide = np.ascontiguousarray(array, np.int64)
    named = {name: wide} if wide.ndim == 1 else {f"{name}.{i}": c for i, c in enumerate(wide.T)}
    for column, values in named.items():
        fault = check_limits(values, kind, unit)
        if fault is not None:
            raise ScenarioError(
                f"{file} row {fault[0]}: column {column!r} value {values[fault[0]]} {fault[1]}"
            )
    return {column: Column(kind, unit, values) for column, values in named.items()}
