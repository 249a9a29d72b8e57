"""Reading somebody else's archives: names, sizes and types are checked before a byte is unpacked.

A zip is a list of promises.  195 kB of it grew to 200 MB when we tried, so nothing is unpacked
that does not say first, within bounds, how large it is and how it is called.
"""

import io
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import DataError

LARGEST_ARCHIVE: Final = 2**28
"""Bytes, unpacked."""
UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)
"""What zipfile raises for damaged, encrypted or exotic members."""
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
        if path.stat().st_size > largest:
            raise DataError(f"{path.name} has more than {largest} bytes")
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path.name} is missing in {path.parent}") from None
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
                _contents(name, inner, largest)
    return content


def _contents(name: str, content: bytes, largest: int) -> list[zipfile.ZipInfo]:
    """What an archive says that it holds, refused if that is too much or ambiguous."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
    except zipfile.BadZipFile as error:
        raise DataError(f"{name} is no zip archive: {error}") from None
    if len({info.filename for info in infos}) < len(infos):
        raise DataError(f"{name} holds a name twice")
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
    except (ValueError, OSError, *UNREADABLE) as error:
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
    """The array's header, before numpy allocates what it promises."""
    try:
        with archive.open(f"{name}.npy") as member:
            version = np.lib.format.read_magic(member)
            if version != (1, 0):
                raise DataError(f"{file}: {name} has npy version {version}, expected (1, 0)")
            found, _, kind = np.lib.format.read_array_header_1_0(member)
    except KeyError:
        raise DataError(f"{file}: {name} is missing") from None
    except (ValueError, *UNREADABLE) as error:
        raise DataError(f"{file}: {name} cannot be read: {error}") from None
    fits = len(found) == len(shape) and all(
        wanted in (None, length) for length, wanted in zip(found, shape, strict=True)
    )
    if not fits or kind != dtype:
        wanted = str(shape).replace("None", "any")
        raise DataError(
            f"{file}: {name} must be {dtype} of shape {wanted}, got {kind} of shape {found}"
        )
