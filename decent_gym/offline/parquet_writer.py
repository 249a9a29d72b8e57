"""Episodes into a Parquet file, a group of rows at a time."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from decent_gym.errors import InputError
from decent_gym.offline.columns import batch_of, schema_of
from decent_gym.offline.episode import ROWS_AT_ONCE, ContentHash, Episode, EpisodeSource, fault_of
from decent_gym.parquet import need_pyarrow

SUFFIX: Final = ".parquet"
ORIGIN_KEY: Final = b"decent_gym.origin"
DIGEST_KEY: Final = b"decent_gym.digest"
COUNT_KEY: Final = b"decent_gym.episodes"


def write_parquet(
    path: str | Path, source: EpisodeSource, *, on_episode: Callable[[int], None] | None = None
) -> str:
    """Write episodes to a new Parquet file; see ``docs/offline.md`` for its columns.

    The file appears under its name when it is whole, and about 8,192 rows are in memory at a time.

    Parameters
    ----------
    path : str or Path
        Must end in ``.parquet``; its folder is made.
    source : EpisodeSource
    on_episode : callable, optional
        Called with the number of episodes done, for progress.

    Returns
    -------
    str
        :func:`content_digest` of what was written.

    Raises
    ------
    InputError
        If there is such a file already, there are no episodes, or one of them is not as its origin
        says; the message names it, the entry and the step.
    MissingExtraError
        Without pyarrow.
    """
    need_pyarrow("write_parquet")
    import pyarrow.parquet as pq

    path = checked_new_file(path)
    schema = schema_of(source.origin)
    content = ContentHash(source.origin)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with pq.ParquetWriter(
            part,
            schema.with_metadata({ORIGIN_KEY: source.origin.to_json()}),
            compression="zstd",
            write_page_checksum=True,
        ) as writer:
            for batch in _batches(source, schema, content, on_episode):
                writer.write_batch(batch, row_group_size=batch.num_rows)
            if not content.episodes:
                raise InputError("there are no episodes to write")
            digest = content.hexdigest()
            writer.add_key_value_metadata({DIGEST_KEY: digest, COUNT_KEY: str(content.episodes)})
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return digest


def checked_new_file(path: str | Path) -> Path:
    """`path`, if a Parquet file can be made there.

    Raises
    ------
    InputError
        If it does not end in ``.parquet``, or is taken.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise InputError(f"{path} must end in {SUFFIX}")
    if path.exists():
        raise InputError(f"{path} exists already; remove it or choose another name")
    return path


def checked_episodes(
    source: EpisodeSource, content: ContentHash, on_episode: Callable[[int], None] | None
) -> Iterator[Episode]:
    """The source's episodes, each checked and added to `content`."""
    for episode in source:
        fault = fault_of(episode, source.origin)
        if fault is not None:
            raise InputError(f"episode {content.episodes}: {fault}")
        content.add(episode)
        yield episode
        if on_episode is not None:
            on_episode(content.episodes)


def _batches(
    source: EpisodeSource,
    schema: Any,
    content: ContentHash,
    on_episode: Callable[[int], None] | None,
) -> Iterator[Any]:
    """Record batches of whole episodes, about ROWS_AT_ONCE rows each."""
    most = max(1, ROWS_AT_ONCE // (source.origin.rounds + 1))
    waiting: list[Episode] = []
    for episode in checked_episodes(source, content, on_episode):
        waiting.append(episode)
        if len(waiting) == most:
            yield batch_of(waiting, content.episodes - most, schema)
            waiting = []
    if waiting:
        yield batch_of(waiting, content.episodes - len(waiting), schema)
