"""Episodes into a local Minari data set, which other offline-learning libraries read.

Minari keeps its data sets under ``~/.minari/datasets``, or where the environment variable
``MINARI_DATASETS_PATH`` says.
"""

import copy
import json
import re
import shutil
import warnings
from collections.abc import Callable
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec

from decent_gym.errors import InputError, MissingExtraError
from decent_gym.offline.episode import (
    BOUND,
    ROWS_AT_ONCE,
    ContentHash,
    Episode,
    EpisodeSource,
)
from decent_gym.offline.origin import Origin
from decent_gym.offline.parquet_writer import checked_episodes
from decent_gym.scenarios import SCENARIOS

STORAGE: Final = "hdf5"
"""Minari's default, and one file; its Arrow storage makes a folder per episode and measures all of
them for each, so that a thousand take 24 s instead of 2."""
OURS: Final = "decent_gym"
"""The entry of Minari's metadata that holds origin and digest."""
TERMS: Final = "reward_terms"
_NEEDED: Final = {"minari": "minari", "h5py": "h5py", "PIL.Image": "pillow"}
"""Minari's storage imports the other two late, even where there are no pictures."""
_ID: Final = re.compile(r"([A-Za-z0-9_-]{2,100}/){0,5}[A-Za-z0-9_-]{1,100}-v[0-9]{1,9}")


def write_minari(
    dataset_id: str, source: EpisodeSource, *, on_episode: Callable[[int], None] | None = None
) -> str:
    """Write episodes to a new Minari data set; ``minari.load_dataset(dataset_id)`` loads it.

    Observations, actions, rewards, terminations (never) and truncations (at the end) are Minari's;
    ``infos["reward_terms"]`` has a row of zeros for the reset in front; seed and start stand in the
    episodes' metadata.  Its ``recover_environment()`` makes the environment again.

    Parameters
    ----------
    dataset_id : str
        As ``"decent_gym/rural-building_03-v0"``.
    source, on_episode
        As in :func:`write_parquet`.

    Returns
    -------
    str
        :func:`content_digest` of what was written.

    Raises
    ------
    InputError
        If there is such a data set already, the name is malformed, there are no episodes, or one of
        them is not as its origin says.
    MissingExtraError
        Without Minari.
    """
    folder = checked_new_id(dataset_id)
    content = ContentHash(source.origin)
    episodes = checked_episodes(source, content, on_episode)
    at_once = max(1, ROWS_AT_ONCE // (source.origin.rounds + 1))
    dataset = None
    try:
        while buffers := [_buffer(episode) for episode in islice(episodes, at_once)]:
            if dataset is None:
                dataset = _create(dataset_id, buffers, source.origin)
            else:
                dataset.update_dataset_from_buffer(buffers)
        if dataset is None:
            raise InputError("there are no episodes to write")
        digest = content.hexdigest()
        ours = {"origin": json.loads(source.origin.to_json()), "digest": digest}
        dataset.storage.update_metadata({OURS: ours})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return digest


def checked_new_id(dataset_id: str) -> Path:
    """The folder of a data set that can be made.

    Raises
    ------
    InputError
        If the name is malformed or taken.
    MissingExtraError
        Without Minari.
    """
    check_id(dataset_id)
    from minari.storage import get_dataset_path

    folder: Path = get_dataset_path(dataset_id)
    if folder.exists():
        raise InputError(
            f"the Minari data set {dataset_id!r} exists already in {folder}; raise its version, or "
            f"remove it with: minari delete {dataset_id}"
        )
    return folder


def check_id(dataset_id: str) -> None:
    """Raise InputError for a malformed name, MissingExtraError without Minari."""
    for module, package in _NEEDED.items():
        try:
            import_module(module)
        except ImportError:
            raise MissingExtraError(package, "data", "a Minari data set") from None
    if not isinstance(dataset_id, str) or not _ID.fullmatch(dataset_id):
        raise InputError(
            f"a Minari data set is called like 'decent_gym/rural-building_03-v0', got "
            f"{dataset_id!r}"
        )


def spaces_of(origin: Origin) -> tuple[spaces.Box, spaces.Box]:
    """Of observations and of actions."""
    seen = spaces.Box(-BOUND, BOUND, (len(origin.observations),), np.float32)
    return seen, spaces.Box(-1.0, 1.0, (len(origin.actions),), np.float32)


def _buffer(episode: Episode) -> Any:
    from minari.data_collector.episode_buffer import EpisodeBuffer

    rounds = len(episode.rewards)
    return EpisodeBuffer(
        seed=episode.seed,
        options={"start": episode.start},
        observations=episode.observations,
        actions=episode.actions,
        rewards=episode.rewards,
        terminations=np.zeros(rounds, np.bool_),
        truncations=np.arange(1, rounds + 1) == rounds,
        infos={TERMS: np.pad(episode.terms, ((1, 0), (0, 0)))},
    )


def _create(dataset_id: str, buffers: list[Any], origin: Origin) -> Any:
    import minari

    seen, done = spaces_of(origin)
    with warnings.catch_warnings():
        # author, address and permalink are for whoever publishes the data set
        warnings.filterwarnings("ignore", message=".*None", category=UserWarning)
        return minari.create_dataset_from_buffers(
            dataset_id,
            buffers,
            env=_specification(origin),
            observation_space=seen,
            action_space=done,
            algorithm_name=origin.policy,
            description=(
                f"{origin.learner} in {origin.scenario}, decent-gym {origin.software}: every "
                f"episode has {origin.rounds} rounds of 15 minutes, rewards are in euro"
            ),
            data_format=STORAGE,
        )


def _specification(origin: Origin) -> EnvSpec | None:
    """How Gymnasium makes the environment again; a scenario file may be gone tomorrow."""
    if origin.scenario not in SCENARIOS:
        return None
    specification = copy.deepcopy(gymnasium.spec(origin.environment))
    specification.kwargs = origin.keywords()
    return specification
