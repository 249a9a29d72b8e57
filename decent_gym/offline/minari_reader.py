"""Episodes from a local Minari data set, checked before they are believed.

Nothing is downloaded.
"""

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import gymnasium
import numpy as np

from decent_gym.errors import DataError, InputError
from decent_gym.files import open_regular
from decent_gym.json_text import load_json
from decent_gym.offline.episode import ROWS_AT_ONCE, ContentHash, Episode, EpisodeSource, fault_of
from decent_gym.offline.minari_writer import OURS, STORAGE, TERMS, check_id, spaces_of
from decent_gym.offline.origin import LARGEST_ORIGIN, Origin

_LARGEST_METADATA: Final = 4 * LARGEST_ORIGIN


def read_minari(dataset_id: str) -> EpisodeSource:
    """Open a data set of :func:`write_minari`; episodes are read, and checked, as iterated.

    What Minari would execute of a data set's metadata (it makes an environment to learn the spaces,
    if they are missing) is refused first.  The episodes themselves are parsed by Minari: unlike
    :func:`read_parquet`, this is for data sets of people you trust.

    Raises
    ------
    InputError
        If there is no such data set on this machine, or the name is malformed.
    DataError
        Now or while iterating, if it is not as we write it: names the data set and the episode.
    MissingExtraError
        Without Minari.
    """
    check_id(dataset_id)
    import minari
    from minari.storage import get_dataset_path

    folder = get_dataset_path(dataset_id) / "data"
    if not folder.is_dir():
        raise InputError(
            f"there is no Minari data set {dataset_id!r} in {get_dataset_path()}; the environment "
            "variable MINARI_DATASETS_PATH says where they are"
        )
    with _blamed(dataset_id, "its metadata"):
        origin, digest, count = _checked_metadata(folder)
        dataset = minari.load_dataset(dataset_id)
    return EpisodeSource(origin, count, lambda: _episodes(dataset, origin, digest, count))


@contextmanager
def _blamed(dataset_id: str, part: str) -> Iterator[None]:
    """Whatever a data set can make Minari raise, as a DataError that names it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"Minari data set {dataset_id!r}: {part}: {error}") from None
    except (
        gymnasium.error.Error, OSError, RuntimeError, ValueError, LookupError, TypeError,
        AttributeError, AssertionError, MemoryError,
    ) as error:  # fmt: skip
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DataError(
            f"Minari data set {dataset_id!r}: {part} cannot be read: {reason}"
        ) from None


def _checked_metadata(folder: Path) -> tuple[Origin, str, int]:
    """Origin, digest and number of episodes from ``metadata.json``, before Minari sees it."""
    from minari.serialization import serialize_space

    path = folder / "metadata.json"
    try:
        with open_regular(path) as file:
            values = load_json(file.read(_LARGEST_METADATA + 1), _LARGEST_METADATA)
    except ValueError as error:
        raise DataError(f"metadata.json is no JSON: {error}") from None
    ours = values.get(OURS) if isinstance(values, dict) else None
    if not isinstance(ours, dict) or not isinstance(ours.get("digest"), str):
        raise DataError(f"the entry {OURS!r} is missing; write_minari writes it")
    origin = Origin.from_values(ours.get("origin"))
    count = values.get("total_episodes")
    expected = dict(zip(("observation_space", "action_space"), spaces_of(origin), strict=True))
    for name, space in expected.items():
        if values.get(name) != serialize_space(space):
            raise DataError(f"{name} is not that of its origin, {space}")
    if values.get("data_format") != STORAGE:
        raise DataError(f"data_format must be {STORAGE!r}, got {values.get('data_format')!r}")
    if type(count) is not int or not 0 < count < 2**31:
        raise DataError(f"total_episodes must be a positive number, got {count!r}")
    return origin, ours["digest"], count


def _episodes(dataset: Any, origin: Origin, digest: str, count: int) -> Iterator[Episode]:
    content = ContentHash(origin)
    at_once = max(1, ROWS_AT_ONCE // (origin.rounds + 1))
    for first in range(0, count, at_once):
        numbers = range(first, min(first + at_once, count))
        with _blamed(dataset.id, f"one of the episodes {first} to {numbers[-1]}"):
            found = list(dataset.iterate_episodes(numbers))
            facts = list(dataset.storage.get_episode_metadata(numbers))
        for number, data, fact in zip(numbers, found, facts, strict=True):
            with _blamed(dataset.id, f"episode {number}"):
                episode = _episode(data, fact, origin)
            content.add(episode)
            yield episode
    if content.hexdigest() != digest:
        raise DataError(
            f"Minari data set {dataset.id!r}: the contents have the digest "
            f"{content.hexdigest()[:16]}..., written was {digest[:16]}...; it was changed since"
        )


def _episode(data: Any, fact: Any, origin: Origin) -> Episode:
    rounds = origin.rounds
    terms = data.infos.get(TERMS)
    if not isinstance(terms, np.ndarray) or len(terms) != rounds + 1 or terms[0].any():
        raise DataError(f"infos[{TERMS!r}] must have {rounds + 1} rows, zeros first")
    options = fact.get("options") if isinstance(fact, dict) else None
    if not isinstance(options, dict) or options.keys() != {"start"}:
        raise DataError(f"options must hold the start and no more, got {options!r}")
    is_end = np.arange(1, rounds + 1) == rounds
    if not np.array_equal(data.truncations, is_end) or np.any(data.terminations):
        raise DataError("must be truncated at the last step, and never terminated")
    episode = Episode(
        seed=operator.index(fact["seed"]),
        start=operator.index(options["start"]),
        observations=data.observations,
        actions=data.actions,
        rewards=data.rewards,
        terms=terms[1:],
    )
    fault = fault_of(episode, origin)
    if fault is not None:
        raise DataError(str(fault))
    return episode
