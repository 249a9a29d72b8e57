"""Minari: the same episodes as from Parquet, through Minari's own door."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import h5py
import minari
import numpy as np
import pytest
from offline.recordings import assert_same, recorded

from decent_gym.errors import DataError, InputError
from decent_gym.offline import (
    Episode,
    EpisodeSource,
    content_digest,
    minari_reader,
    minari_writer,
    read_minari,
    read_parquet,
    write_minari,
)

NAME = "decent_gym/synthetic-v0"


@pytest.fixture
def folder(datasets: Path, file: Path) -> Path:
    write_minari(NAME, read_parquet(file))
    return datasets / NAME / "data"


@pytest.mark.parametrize("rows", [1, 14, 8_192])
def test_round_trip(
    source: EpisodeSource, file: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(minari_writer, "ROWS_AT_ONCE", rows)
    monkeypatch.setattr(minari_reader, "ROWS_AT_ONCE", rows + 7)
    done: list[int] = []
    digest = write_minari(NAME, read_parquet(file), on_episode=done.append)
    assert done == [1, 2, 3, 4, 5]
    again = read_minari(NAME)
    assert_same(again, source)
    assert digest == content_digest(again.origin, again) == content_digest(source.origin, source)


def test_sampled_episodes_are_those_of_the_parquet_file(folder: Path, file: Path) -> None:
    dataset = minari.load_dataset(NAME)
    episodes = list(read_parquet(file))
    assert (dataset.total_episodes, dataset.total_steps) == (5, 30)
    dataset.set_seed(1)
    for sampled in dataset.sample_episodes(5):
        mine = episodes[sampled.id]
        (facts,) = dataset.storage.get_episode_metadata([sampled.id])
        assert (facts["seed"], facts["options"]) == (mine.seed, {"start": mine.start})
        for ours, theirs in (
            (mine.observations, sampled.observations),
            (mine.actions, sampled.actions),
            (mine.rewards, sampled.rewards),
            (mine.terms, sampled.infos["reward_terms"][1:]),
        ):
            assert ours.dtype == theirs.dtype
            assert np.array_equal(ours, theirs)
        assert not sampled.terminations.any()
        assert sampled.truncations.tolist() == [False] * 5 + [True]


def test_the_environment_comes_back(folder: Path) -> None:
    dataset = minari.load_dataset(NAME)
    env = dataset.recover_environment()
    assert env.observation_space == dataset.observation_space
    assert env.action_space == dataset.action_space
    episode = next(iter(read_minari(NAME)))
    seen, _ = env.reset(seed=episode.seed, options={"start": episode.start})
    assert np.array_equal(seen, episode.observations[0])


def test_a_scenario_file_is_not_promised(source: EpisodeSource) -> None:
    origin = replace(source.origin, scenario="street.toml")
    write_minari(NAME, replace(source, origin=origin))
    assert minari.load_dataset(NAME).env_spec is None
    assert read_minari(NAME).origin == origin


def test_places_are_checked_before_anything_runs(folder: Path, datasets: Path) -> None:
    def never() -> Iterator[Episode]:
        raise AssertionError("ran")

    idle = replace(recorded(1), begin=never)
    with pytest.raises(InputError, match="exists already"):
        write_minari(NAME, idle)
    for name in ("synthetic", "a/b-v0", "../up-v0", "aa/../up-v0", "/abs-v0", "x.y-v0", 3, ""):
        with pytest.raises(InputError, match="is called like"):
            write_minari(name, idle)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="is called like"):
            read_minari(name)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="MINARI_DATASETS_PATH"):
        read_minari("decent_gym/other-v0")
    with pytest.raises(InputError, match="no episodes"):
        write_minari("decent_gym/none-v0", replace(idle, begin=lambda: iter(())))
    assert sorted(p.name for p in (datasets / "decent_gym").iterdir() if p.is_dir()) == [
        "synthetic-v0"
    ]


def test_an_interrupted_run_leaves_nothing(
    source: EpisodeSource, datasets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Iterator[Episode]:
        yield from list(source)[:3]
        raise KeyboardInterrupt

    monkeypatch.setattr(minari_writer, "ROWS_AT_ONCE", 7)
    with pytest.raises(KeyboardInterrupt):
        write_minari(NAME, replace(source, begin=broken))
    assert not (datasets / NAME).exists()
    write_minari(NAME, source)


def set_entry(*keys: str, value: Any = None) -> Callable[[dict[str, Any]], None]:
    """Set an entry of the metadata, or remove it."""

    def edit(values: dict[str, Any]) -> None:
        for key in keys[:-1]:
            values = values[key]
        if value is None:
            del values[keys[-1]]
        else:
            values[keys[-1]] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (set_entry("decent_gym"), "'decent_gym' is missing"),
        (set_entry("decent_gym", "digest"), "'decent_gym' is missing"),
        (set_entry("decent_gym", "digest", value="ab"), "changed since"),
        (set_entry("decent_gym", "origin", value=[]), "origin"),
        (set_entry("decent_gym", "origin", "learner", value="household_00002"), "changed since"),
        (set_entry("decent_gym", "origin", "rounds", value=7), "episode 0: "),
        (set_entry("decent_gym", "origin", "actions", value=["pump"]), "action_space"),
        (set_entry("observation_space"), "observation_space"),
        (set_entry("action_space", value="{}"), "action_space"),
        (set_entry("data_format", value="arrow"), "data_format"),
        (set_entry("total_episodes", value=6), "one of the episodes 0 to 5"),
        (set_entry("total_episodes", value=4), "changed since"),
        (set_entry("total_episodes", value="5"), "total_episodes"),
        (set_entry("minari_version", value="99"), "metadata"),
        (set_entry("minari_version", value=3), "metadata"),
        (set_entry("env_spec", value="{}"), "metadata"),
    ],
)
def test_edited_metadata_is_named(
    folder: Path, edit: Callable[[dict[str, Any]], None], says: str
) -> None:
    path = folder / "metadata.json"
    values = json.loads(path.read_text())
    edit(values)
    path.write_text(json.dumps(values))
    with pytest.raises(DataError, match=f"{NAME}.*{says}"):
        list(read_minari(NAME))


@pytest.mark.parametrize("text", ["", "[]", "nothing", "[" * 100_000, " " * (2**22 + 1)])
def test_other_metadata_is_refused(folder: Path, text: str) -> None:
    (folder / "metadata.json").write_text(text)
    with pytest.raises(DataError, match="metadata"):
        read_minari(NAME)


def test_metadata_runs_nothing(folder: Path, tmp_path: Path) -> None:
    """Without spaces, Minari would make the environment that the metadata names."""
    path, touched = folder / "metadata.json", tmp_path / "touched"
    values = json.loads(path.read_text())
    specification = json.loads(values["env_spec"])
    specification |= {"entry_point": "pathlib:Path.touch", "kwargs": {"self": str(touched)}}
    specification |= {"entry_point": "os:mkdir", "kwargs": {"path": str(touched)}}
    values["env_spec"] = json.dumps(specification)
    del values["observation_space"]
    path.write_text(json.dumps(values))
    with pytest.raises((TypeError, gymnasium.error.Error)):
        minari.load_dataset(NAME)
    assert touched.exists(), "Minari no longer makes environments; then we need not look"
    touched.rmdir()
    with pytest.raises(DataError, match="observation_space"):
        read_minari(NAME)
    assert not touched.exists()


def replace_array(name: str, change: Callable[[Any], Any]) -> Callable[[Any], None]:
    def edit(episode: Any) -> None:
        values = change(episode[name][()])
        del episode[name]
        episode[name] = values

    return edit


def remove(name: str) -> Callable[[Any], None]:
    def edit(episode: Any) -> None:
        del episode[name]

    return edit


def set_attribute(name: str, value: Any) -> Callable[[Any], None]:
    def edit(episode: Any) -> None:
        episode.attrs[name] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (replace_array("rewards", lambda a: a * np.nan), "episode 1: reward at step 0 must be"),
        (replace_array("rewards", lambda a: a + 1), "changed since"),
        (replace_array("rewards", lambda a: a.astype("f4")), "episode 1: rewards must be float64"),
        (replace_array("rewards", lambda a: a[:-1]), "episode 1: rewards must be .*\\(6,\\)"),
        (replace_array("actions", lambda a: a + 3), "episode 1: action_battery at step 0"),
        (replace_array("observations", lambda a: a[:-1]), "episode 1: observations must be"),
        (replace_array("observations", lambda a: b"text"), "episode 1: observations must be"),
        (replace_array("truncations", lambda a: a & False), "episode 1: must be truncated"),
        (replace_array("terminations", lambda a: a | True), "episode 1: must be truncated"),
        (replace_array("infos/reward_terms", lambda a: a + 1), "must have 7 rows, zeros first"),
        (replace_array("infos/reward_terms", lambda a: a[:2]), "must have 7 rows, zeros first"),
        (remove("rewards"), "one of the episodes 0 to 4"),
        (remove("infos"), "episode 1"),
        (set_attribute("seed", 9), "changed since"),
        (set_attribute("seed", -9), "episode 1: seed must be"),
        (set_attribute("seed", 1.5), "changed since"),
        (set_attribute("seed", "text"), "episodes 0 to 4"),
        (set_attribute("options/start", -1), "episode 1: start must be"),
        (set_attribute("options/start", "0"), "episode 1 cannot be read"),
        (set_attribute("options/split", "test"), "episode 1: options must hold the start"),
    ],
)
def test_an_edited_episode_is_named(folder: Path, edit: Callable[[Any], None], says: str) -> None:
    with h5py.File(folder / "main_data.hdf5", "a") as file:
        edit(file["episode_1"])
    with pytest.raises(DataError, match=f"{NAME}.*({says})"):
        list(read_minari(NAME))


def test_a_missing_or_damaged_file_is_named(folder: Path) -> None:
    path = folder / "main_data.hdf5"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", bytes(1000)):
        path.write_bytes(content)
        with pytest.raises(DataError, match="episodes 0 to 4"):
            list(read_minari(NAME))
    path.unlink()
    with pytest.raises(DataError, match="metadata"):
        list(read_minari(NAME))
    shutil.rmtree(folder)
    with pytest.raises(InputError, match="no Minari data set"):
        read_minari(NAME)
