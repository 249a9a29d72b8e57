"""Every system call with which a ledger changes a disk, in one object that tests can replace."""

import os
from pathlib import Path

from decent_gym.errors import LedgerError

if os.name == "posix":
    import fcntl


class Disk:
    """The real disk.  A write may be short, and every call may raise OSError."""

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
        if os.name == "posix":
            os.fsync(descriptor)


_BINARY = getattr(os, "O_BINARY", 0)
