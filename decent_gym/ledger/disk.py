"""Every system call with which a ledger changes a disk, in one object that tests can replace."""

import os
from pathlib import Path

from decent_gym.errors import LedgerError

if os.name == "posix":
    import fcntl


class Disk:
    """The real disk.  A write may be short, and every call may raise OSError.

    Parameters
    ----------
    waits : bool
        Whether :meth:`sync` and its like wait for the device, or leave it to the operating system
        when the device gets what was written.
    """

    def __init__(self, waits: bool = True) -> None:
        self._waits = waits

    def make_folder(self, path: Path) -> None:
        """Make a folder, and those above it that are missing; their names are on the device."""
        try:
            path.mkdir()
        except FileNotFoundError:
            self.make_folder(path.parent)
            path.mkdir(exist_ok=True)
        except FileExistsError:
            if not path.is_dir():
                raise
            return
        if self._waits and os.name == "posix":
            descriptor = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def create(self, path: Path) -> int:
        """Open a new file for appending; it must not exist."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | _BINARY, 0o644)

    def append_to(self, path: Path) -> int:
        """Open an existing file for appending."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | _BINARY)

    def write(self, descriptor: int, data: memoryview) -> int:
        """Write some of `data`; returns how many bytes."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Return when the file's data is on the device (fdatasync; fsync where that is missing)."""
        if self._waits:
            getattr(os, "fdatasync", os.fsync)(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file to `size` bytes."""
        os.ftruncate(descriptor, size)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file its final name, atomically."""
        os.replace(source, target)

    def close(self, descriptor: int) -> None:
        """Close a file or folder."""
        os.close(descriptor)

    def open_folder(self, path: Path) -> int:
        """Open a folder for :meth:`sync_folder` and keep other writers out of it.

        Raises
        ------
        LedgerError
            Another process is writing this ledger.
        """
        if os.name != "posix":
            return os.open(path / "lock", os.O_WRONLY | os.O_CREAT)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise LedgerError(
                f"another writer has the ledger {path} open; close it first"
            ) from None
        return descriptor

    def sync_folder(self, descriptor: int) -> None:
        """Return when new and renamed files in the folder are on the device."""
        if self._waits and os.name == "posix":
            os.fsync(descriptor)


def write_all(disk: Disk, descriptor: int, data: bytes | memoryview) -> None:
    """Write all of `data`; a short write is not an error, one of nothing is."""
    rest = memoryview(data)
    while rest:
        written = disk.write(descriptor, rest)
        if written <= 0:
            raise OSError("the disk took no bytes and gave no error")
        rest = rest[written:]


def replace_file(disk: Disk, folder: int, target: Path, data: bytes) -> None:
    """Write a file anew: the old one or the new one, never a half; on the device at the end.

    Parameters
    ----------
    disk : Disk
    folder : int
        Of the folder that the file is in, from :meth:`Disk.open_folder`.
    target : Path
    data : bytes
    """
    draft = target.with_name(f"{target.name}.draft")
    draft.unlink(missing_ok=True)
    descriptor = disk.create(draft)
    try:
        write_all(disk, descriptor, data)
        disk.sync(descriptor)
    finally:
        disk.close(descriptor)
    disk.rename(draft, target)
    disk.sync_folder(folder)


_BINARY = getattr(os, "O_BINARY", 0)
