"""Where a ledger may begin, how it waits for its device, and what is noted beside it."""

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from decent_gym.errors import InputError
from decent_gym.ledger.disk import Disk
from decent_gym.ledger.keeper import Checkpoints
from decent_gym.ledger.segments import SYNC_MODES, segment_numbers
from decent_gym.registry import unknown_name

_PACKAGES: Final = ("decent-gym", "numpy", "numba")


def check_free(path: str | Path) -> Path:
    """The folder at `path`, in which a ledger may begin.

    Raises
    ------
    InputError
        It is the empty text, a file, or holds a ledger already.
    """
    if path == "":
        raise InputError("a ledger's folder must have a name, got ''; '.' is the current folder")
    folder = Path(path)
    if "\0" in str(path):
        raise InputError(f"no folder can be called {str(path)!r}; leave out the zero byte")
    if os.path.exists(folder) and (not folder.is_dir() or segment_numbers(folder)):
        raise InputError(f"{folder} is taken; resume it or choose another folder")
    return folder


def check_sync(sync: str, checkpoints: Checkpoints | None) -> None:
    """Whether a ledger may wait for its device in this way.

    Raises
    ------
    InputError
        There is no such way, or checkpoints would be of what can still be lost.
    """
    if sync not in SYNC_MODES:
        raise unknown_name("sync mode", sync, SYNC_MODES)
    if sync == "never" and checkpoints is not None:
        raise InputError(
            "a checkpoint must never be of records that can still be lost, as those of "
            "sync='never' can; choose 'checkpoint' or 'round'"
        )


def disk_for(sync: str) -> Disk:
    """The real disk, waited for or not."""
    return Disk(waits=False) if sync == "never" else Disk()


@cache
def software() -> Mapping[str, str]:
    """Versions of Python and of the packages that decide what a ledger holds."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"  # a checkout on the path
    return versions
