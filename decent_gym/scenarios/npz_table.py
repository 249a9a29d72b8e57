"""NumPy archives of profiles: integer arrays whose names end in their unit.

``*_wh`` holds Wh per round, ``*_dc`` tenths of a degree Celsius, ``*_ueur_per_kwh`` micro-euro per
kWh.  An array of shape (T,) is one column of that name; one of shape (T, n) is n columns called
``name.0`` to ``name.n-1``.  ``start`` holds the time of row 0 as text.  Other arrays are notes.

A file may come from anywhere: nothing is unpickled, and headers and sizes are checked before
memory is taken (a zip of 195 kB can unpack to 200 MB).
"""

import re
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from decent_gym.errors import ScenarioError
from decent_gym.files import open_regular
from decent_gym.scenarios.columns import LARGEST_BYTES, Column, Table, check_limits, instant
from decent_gym.units import ROUNDS_PER_DAY

SUFFIXES: Final = {
    "_wh": ("energy", "Wh"),
    "_dc": ("temperature", "0.1 degC"),
    "_ueur_per_kwh": ("price", "micro-EUR/kWh"),
}
NPY_HEADER: Final = re.compile(
    rb"\x93NUMPY\x01\x00(?P<length>..)"
    rb"\{'descr': '(?P<descr>[<|][iu][1248]|<U[1-9]\d{0,3})', "
    rb"'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>|\d{1,9},|\d{1,9}, \d{1,9})\), \} *\n",
    re.DOTALL,
)
"""Integers and text of up to two dimensions; nothing is evaluated."""


def read_npz(path: Path) -> Table:
    """Read an archive of profiles.

    Raises
    ------
    ScenarioError
        Naming file, array, column, row and value.
    """
    arrays = _arrays(path)
    when = arrays.pop("start", np.zeros(1))
    if when.ndim or when.dtype.kind != "U":
        raise ScenarioError(f"{path.name}: has no array 'start', the time of row 0 as text")
    try:
        start, offset = instant(str(when))
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
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
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
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError) as error:
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError(f"{path.name}: is no npz archive ({error})") from None


def _wanted(filename: str) -> bool:
    name = filename.removesuffix(".npy")
    return name == "start" or name.endswith(tuple(SUFFIXES))


def _array(file: str, entry: zipfile.ZipInfo, archive: zipfile.ZipFile) -> npt.NDArray[Any]:
    """One member; its header must be the plain one that NumPy writes, and fit its size."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ScenarioError(
            f"{file}: array {entry.filename!r} is packed by method {entry.compress_type}; write it "
            "with numpy.savez or numpy.savez_compressed"
        )
    data = archive.read(entry)
    match = NPY_HEADER.match(data)
    if match is None or len(match[0]) != 10 + int.from_bytes(match["length"], "little"):
        raise ScenarioError(
            f"{file}: array {entry.filename!r} must be plain integers or text, as numpy.savez "
            f"writes them; got {data[:64]!r}"
        )
    dtype = np.dtype(match["descr"].decode())
    shape = tuple(int(length) for length in re.findall(rb"\d+", match["shape"]))
    size = dtype.itemsize
    for length in shape:
        size *= length  # Python integers: a forged shape must not wrap around
    if size != len(data) - match.end():
        raise ScenarioError(
            f"{file}: array {entry.filename!r} of {dtype} {shape} does not fit its "
            f"{len(data) - match.end()} bytes"
        )
    order: Literal["F", "C"] = "F" if match["fortran"] == b"True" else "C"
    return np.frombuffer(data, dtype, offset=match.end()).reshape(shape, order=order)


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
