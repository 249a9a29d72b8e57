"""Append-only segment files: records go in whole and in order, or the writer is poisoned."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from decent_gym.errors import InputError, LedgerError
from decent_gym.ledger.disk import Disk, replace_file, write_all

SEGMENT_BYTES: Final = 2**26
"""A segment that has reached this size is followed by a new one."""
META: Final = "meta.json"
META_BYTES_CAP: Final = 2**22
"""Longest one that is read."""
SYNC_MODES: Final = ("never", "checkpoint", "round")
_JSON: Final = json.JSONEncoder(sort_keys=True, allow_nan=False)
_NAME: Final = re.compile(r"segment-([0-9]{6})\.dgl")


def segment_path(folder: Path, number: int) -> Path:
    """Where segment `number` of a ledger is."""
    return folder / f"segment-{number:06d}.dgl"


def segment_numbers(folder: Path) -> list[int]:
    """Numbers of the segment files in a folder, rising."""
    matches = (_NAME.fullmatch(entry.name) for entry in folder.iterdir())
    return sorted(int(match[1]) for match in matches if match)


def meta_text(meta: Mapping[str, Any]) -> bytes:
    """What ``meta.json`` will hold: a line for each fact.

    Raises
    ------
    InputError
        For something that JSON cannot hold.
    """
    try:  # with an indentation, json would be three times as slow
        facts = sorted((key + "", _JSON.encode(value)) for key, value in meta.items())
        lines = ",\n".join(f"  {_JSON.encode(key)}: {value}" for key, value in facts)
        return f"{{\n{lines}\n}}\n".encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"meta cannot be written as JSON: {error}") from None


def _check_own(path: Path) -> None:
    """Refuse to append to what only looks like a segment: opening a pipe would wait forever."""
    if path.is_symlink() or not path.is_file():
        raise LedgerError(
            f"{path} is not a file of its own; put the segment itself there, not a link to it"
        )


class SegmentWriter:
    """Appends records to the last segment of a ledger.

    After a write, sync or rename that failed or was interrupted nobody knows what is on the disk,
    so the writer is poisoned: every later call raises.  :meth:`Ledger.resume` reads what is there
    and goes on.

    Parameters
    ----------
    folder : Path
    fresh : bool
        Create the first segment; else open the last one, to be cut to its good part by
        :meth:`cut`.
    sync : {"never", "checkpoint", "round"}
    disk : Disk

    Raises
    ------
    LedgerError
        The disk fails, the ledger has another writer, or a fresh one exists already.
    """

    def __init__(self, folder: Path, fresh: bool, sync: str, disk: Disk) -> None:
        self._path = folder
        self._size = 0
        self._every_round = sync == "round"
        self._disk = disk
        self._poison: str | None = None
        self._file: int | None = None
        self._folder: int | None = None
        try:
            self._folder = disk.open_folder(folder)
            self._number = 0 if fresh else segment_numbers(folder)[-1]
            if not fresh:
                _check_own(self._segment())
            self._file = self._create() if fresh else disk.append_to(self._segment())
        except OSError as error:
            self._release()
            raise LedgerError(f"cannot open the ledger {folder} for writing: {error}") from error
        except LedgerError:
            self._release()
            raise

    @property
    def closed(self) -> bool:
        """Whether the files have been let go of."""
        return self._folder is None

    def check(self) -> None:
        """Raise LedgerError if the writer is poisoned."""
        if self._poison is not None:
            raise self._failure()

    def check_open(self) -> None:
        """Raise LedgerError if the writer is poisoned or closed."""
        self.check()
        if self._folder is None:
            raise LedgerError(f"the ledger {self._path} is closed; reopen it with Ledger.resume")

    def append(self, records: bytes | memoryview) -> None:
        """Write whole records; in ``round`` mode they are on the device when this returns.

        Raises
        ------
        LedgerError
            The disk failed, now or earlier, or the ledger is closed.
        """
        self.check_open()
        with self._touching_disk():
            if self._size >= SEGMENT_BYTES:
                self._rotate()
            write_all(self._disk, self._descriptor(), records)
            self._size += len(records)
            if self._every_round:
                self._disk.sync(self._descriptor())

    def flush(self) -> None:
        """Wait until what was written is on the device."""
        self.check_open()
        with self._touching_disk():
            self._disk.sync(self._descriptor())

    def cut(self, size: int) -> None:
        """Cut the segment to `size` bytes: what follows was torn off by a crash."""
        with self._touching_disk():
            self._disk.truncate(self._descriptor(), size)
            self._disk.sync(self._descriptor())
        self._size = size

    def write_file(self, name: str, text: bytes) -> None:
        """Write a file beside the segments: the old one or the new one, never a half."""
        with self._touching_disk():
            assert self._folder is not None
            replace_file(self._disk, self._folder, self._path / name, text)

    def close(self) -> None:
        """Flush and let go of the files, even if the flush fails."""
        try:
            self.flush()
        finally:
            self._release()

    def abandon(self) -> None:
        """Let go of the files without waiting for the device."""
        self._release()

    @contextmanager
    def _touching_disk(self) -> Iterator[None]:
        self._poison = "it was interrupted"  # true if anything but OSError leaves the block
        try:
            yield
        except OSError as error:
            self._poison = str(error)
            raise self._failure() from error
        self._poison = None

    def _rotate(self) -> None:
        self._disk.sync(self._descriptor())  # no segment follows one that may be unfinished
        finished, self._file = self._descriptor(), None
        self._disk.close(finished)
        self._number += 1
        self._size = 0
        self._file = self._create()

    def _create(self) -> int:
        try:
            descriptor = self._disk.create(self._segment())
        except FileExistsError:
            raise LedgerError(
                f"{self._segment()} exists already; resume the ledger or choose another folder"
            ) from None
        try:
            self._sync_folder()
        except OSError:
            self._disk.close(descriptor)
            raise
        return descriptor

    def _segment(self) -> Path:
        return segment_path(self._path, self._number)

    def _sync_folder(self) -> None:
        assert self._folder is not None
        self._disk.sync_folder(self._folder)

    def _descriptor(self) -> int:
        assert self._file is not None
        return self._file

    def _failure(self) -> LedgerError:
        return LedgerError(
            f"writing the ledger {self._path} failed ({self._poison}), so what is on the disk is "
            "unknown; reopen it with Ledger.resume"
        )

    def _release(self) -> None:
        descriptors = (self._file, self._folder)
        self._file = self._folder = None
        for descriptor in descriptors:
            if descriptor is not None:
                try:
                    self._disk.close(descriptor)
                except OSError as error:
                    self._poison = self._poison or str(error)
