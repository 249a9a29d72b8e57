"""Reading somebody else's archives: names, sizes and types are checked before a byte is unpacked.

A zip is a list of promises.  195 kB of it grew to 200 MB when we tried, so nothing is unpacked
that does not say first, within bounds, how large it is and how it is called.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import DataError
from decent_gym.files import open_regular

LARGEST_ARCHIVE: Final = 2**28
"""Bytes, unpacked."""
UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError, OSError)
"""What zipfile raises for damaged, encrypted or exotic members, and for names that are no UTF-8."""
NPY_HEADER: Final = re.compile(
    rb"\x93NUMPY\x01\x00(?P<length>..)"
    rb"\{'descr': '(?P<descr>[<|][fiub][1248])', 'fortran_order': False, "
    rb"'shape': \((?P<shape>|\d{1,9},|\d{1,9}(?:, \d{1,9}){1,3})\), \} *\n",
    re.DOTALL,
)
"""Plain numbers as numpy.save writes them; nothing is evaluated, as numpy would do."""
MEMBERS_OF_A_MODEL: Final = frozenset(
    {
        "policy.pth",
        "policy.optimizer.pth",
        "actor.optimizer.pth",
        "critic.optimizer.pth",
        "ent_coef_optimizer.pth",
        "pytorch_variables.pth",
        "_stable_baselines3_version",
        "system_info.txt",
    }
)
"""Not ``data``: Stable-Baselines3 keeps pickles in it, and we never write it."""


def checked_bytes(path: Path, members: Collection[str], largest: int | None = None) -> bytes:
    """The archive's bytes, after its table of contents has been found harmless.

    Members that end in ``.pth`` are archives themselves, and are looked into as well.  The caller
    parses these bytes, not the file, which may change in between.  `largest`, in bytes unpacked,
    is LARGEST_ARCHIVE unless somebody knows better.

    Raises
    ------
    DataError
        If it is no zip, holds anything but `members`, one of them twice, or too much.
    """
    largest = LARGEST_ARCHIVE if largest is None else largest
    try:
        with open_regular(path) as file:
            content = file.read(largest + 1)
    except FileNotFoundError:
        raise DataError(f"{path.name} is missing in {path.parent}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(content) > largest:
        raise DataError(f"{path.name} has more than {largest} bytes")
    infos = _contents(path.name, content, largest)
    for info in infos:
        if info.filename not in members:
            raise DataError(
                f"{path.name} holds {info.filename[:80]!r}, which we never write; it was edited or "
                "comes from elsewhere and is not loaded"
            )
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in infos:
            if info.filename.endswith(".pth"):
                name = f"{path.name}: {info.filename}"
                try:
                    inner = archive.read(info)
                except UNREADABLE as error:
                    raise DataError(f"{name} cannot be read: {error}") from None
                found = _contents(name, inner, largest)
                if any(one.filename.endswith("/constants.pkl") for one in found):
                    raise DataError(f"{name} is a program of TorchScript; it is not loaded")
    return content


def _contents(name: str, content: bytes, largest: int) -> list[zipfile.ZipInfo]:
    """What an archive says that it holds, refused if that is too much or ambiguous."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
    except UNREADABLE as error:
        raise DataError(f"{name} is no zip archive: {error}") from None
    if len({info.filename for info in infos}) < len(infos):
        raise DataError(f"{name} holds a name twice")
    for info in infos:
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(
                f"{name}: {info.filename[:80]!r} is packed by method {info.compress_type}, which "
                "we never use"
            )
    total = sum(info.file_size for info in infos)
    if total > largest:
        raise DataError(f"{name} would unpack to {total} bytes, at most {largest}")
    return infos


def read_arrays(
    path: Path,
    shapes: Mapping[str, tuple[int | None, ...]],
    *,
    dtypes: Mapping[str, npt.DTypeLike] | None = None,
    largest: int | None = None,
) -> dict[str, npt.NDArray[Any]]:
    """Arrays of exactly these names and shapes, all finite, from an npz file.

    A length of None stands for any.  They are float64 unless `dtypes` says otherwise; `largest`
    as in :func:`checked_bytes`.

    Raises
    ------
    DataError
        Naming the array, what it is and what it should be.
    """
    content = checked_bytes(path, {f"{name}.npy" for name in shapes}, largest)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name, shape in shapes.items():
            dtype = np.dtype((dtypes or {}).get(name, np.float64))
            _check_header(archive, path.name, name, shape, dtype)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as loaded:
            arrays = {name: loaded[name] for name in shapes}
    except UNREADABLE as error:
        raise DataError(f"{path.name} cannot be read: {error}") from None
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise DataError(f"{path.name}: {name} holds values that are not finite")
    return arrays


def _check_header(
    archive: zipfile.ZipFile,
    file: str,
    name: str,
    shape: tuple[int | None, ...],
    dtype: np.dtype[Any],
) -> None:
    """The array's header, before numpy parses it and allocates what it promises."""
    wanted = str(shape).replace("None", "any")
    try:
        with archive.open(f"{name}.npy") as member:
            start = member.read(_LONGEST_HEADER)
    except KeyError:
        raise DataError(f"{file}: {name} is missing") from None
    except UNREADABLE as error:
        raise DataError(f"{file}: {name} cannot be read: {error}") from None
    match = NPY_HEADER.match(start)
    if match is None or len(match[0]) != 10 + int.from_bytes(match["length"], "little"):
        raise DataError(
            f"{file}: {name} must be {dtype} of shape {wanted} as numpy.savez writes it, its "
            f"header begins {start[:64]!r}"
        )
    found = tuple(int(length) for length in re.findall(rb"\d+", match["shape"]))
    kind = np.dtype(match["descr"].decode())
    fits = len(found) == len(shape) and all(
        wide in (None, length) for length, wide in zip(found, shape, strict=True)
    )
    if not fits or kind != dtype:
        raise DataError(
            f"{file}: {name} must be {dtype} of shape {wanted}, got {kind} of shape {found}"
        )


_LONGEST_HEADER: Final = 512
