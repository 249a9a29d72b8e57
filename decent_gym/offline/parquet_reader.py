"""Episodes from a Parquet file that may be anybody's: checked before it is believed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from decent_gym.errors import DataError, InputError
from decent_gym.offline.columns import episodes_of, schema_of
from decent_gym.offline.episode import ContentHash, Episode, EpisodeSource
from decent_gym.offline.origin import LARGEST_ORIGIN, LONGEST_EPISODE, Origin
from decent_gym.offline.parquet_writer import COUNT_KEY, DIGEST_KEY, ORIGIN_KEY
from decent_gym.parquet import blamed, check_schema, need_pyarrow, open_parquet

MOST_ROWS_AT_ONCE: Final = LONGEST_EPISODE + 1
"""Of one group of rows, which is in memory as a whole."""


def read_parquet(path: str | Path) -> EpisodeSource:
    """Open a file of :func:`write_parquet`; episodes are read, and checked, as they are iterated.

    One group of rows is in memory at a time.  Page checksums are verified, types, shapes, bounds
    and the order of rows as well, and at the end of an iteration the digest of everything, so only
    who comes to the end knows that the file is whole.  Nothing in it is executed.

    Raises
    ------
    InputError
        If there is no such file.
    DataError
        Now or while iterating, if the file is not as we write it: names the file, the column and
        the row (from 0, over the whole file).
    MissingExtraError
        Without pyarrow.
    """
    need_pyarrow("read_parquet")
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    with blamed(path, "its metadata"), _open(path) as file:
        origin, digest = _facts(file.metadata)
        _check_layout(file, origin)
        count = file.metadata.num_rows // (origin.rounds + 1)
    return EpisodeSource(origin, count, lambda: _episodes(path, origin, digest))


def _open(path: Path) -> Any:
    return open_parquet(path, 4 * LARGEST_ORIGIN)


def _facts(metadata: Any) -> tuple[Origin, str]:
    """Origin and digest, from the file's key-value metadata."""
    pairs = metadata.metadata or {}
    for key in (ORIGIN_KEY, DIGEST_KEY, COUNT_KEY):
        if key not in pairs:
            raise DataError(f"the metadata {key.decode()!r} is missing; write_parquet writes it")
    origin = Origin.from_json(pairs[ORIGIN_KEY])
    digest, count = (pairs[key].decode("ascii", "replace") for key in (DIGEST_KEY, COUNT_KEY))
    rows = metadata.num_rows
    if not count.isdecimal() or len(count) > 19 or int(count) * (origin.rounds + 1) != rows:
        raise DataError(
            f"the metadata tells of {count[:40]} episodes of {origin.rounds + 1} rows, but there "
            f"are {rows} rows"
        )
    return origin, digest


def _check_layout(file: Any, origin: Origin) -> None:
    """Columns, their types, and how many rows would be read at a time, before any is."""
    check_schema(file.schema_arrow, schema_of(origin))
    for number in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(number).num_rows
        if not 0 < rows <= MOST_ROWS_AT_ONCE:
            raise DataError(f"group of rows {number} has {rows}, expected 1 to {MOST_ROWS_AT_ONCE}")


def _episodes(path: Path, origin: Origin, digest: str) -> Iterator[Episode]:
    content = ContentHash(origin)
    row = 0
    with blamed(path, "its metadata"):
        file = _open(path)
    with file:
        for number in range(file.metadata.num_row_groups):
            with blamed(path, f"row {row} or one that follows"):
                table = file.read_row_group(number, use_threads=False)
                group = episodes_of(table, content.episodes, row, origin)
            row += table.num_rows
            for episode in group:
                content.add(episode)
                yield episode
    if content.hexdigest() != digest:
        raise DataError(
            f"{path}: the contents have the digest {content.hexdigest()[:16]}..., written was "
            f"{digest[:16]}...; the file was changed after it was written"
        )
