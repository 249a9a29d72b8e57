"""Parquet: what is read is what was written, and any reader of Parquet understands it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from offline.recordings import assert_same, recorded

from decent_gym.errors import InputError
from decent_gym.offline import (
    Episode,
    EpisodeSource,
    content_digest,
    parquet_writer,
    read_parquet,
    write_parquet,
)


@pytest.mark.parametrize("rows", [1, 14, 8_192])
def test_round_trip(
    source: EpisodeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(parquet_writer, "ROWS_AT_ONCE", rows)
    done: list[int] = []
    path = tmp_path / "new" / "data.parquet"
    digest = write_parquet(path, source, on_episode=done.append)
    assert [p.name for p in path.parent.iterdir()] == ["data.parquet"]
    assert done == [1, 2, 3, 4, 5]
    groups = pq.ParquetFile(path).metadata.num_row_groups
    assert groups == {1: 5, 14: 3, 8_192: 1}[rows]
    again = read_parquet(path)
    assert_same(again, source)
    assert digest == content_digest(again.origin, again) == content_digest(source.origin, source)


def test_a_file_of_a_file_is_the_same(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.parquet"
    write_parquet(copy, read_parquet(file))
    assert_same(read_parquet(copy), read_parquet(file))


def test_what_others_read(file: Path, source: EpisodeSource) -> None:
    table = pq.read_table(file)
    origin = source.origin
    assert table.column_names == [
        "episode", "seed", "start", "step",
        *(f"obs_{name}" for name in origin.observations),
        *(f"action_{name}" for name in origin.actions),
        "reward", "truncated",
        *(f"term_{name}" for name in origin.terms),
    ]  # fmt: skip
    rows = table.to_pylist()
    assert len(rows) == 5 * 7
    for number, episode in enumerate(source):
        for step, row in enumerate(rows[number * 7 : number * 7 + 7]):
            assert [row[k] for k in ("episode", "seed", "start", "step")] == [
                number, episode.seed, episode.start, step,
            ]  # fmt: skip
            seen = [row[f"obs_{name}"] for name in origin.observations]
            assert seen == episode.observations[step].tolist()
            done = [row[f"action_{name}"] for name in origin.actions]
            terms = [row[f"term_{name}"] for name in origin.terms]
            if step == 6:
                assert {*done, *terms, row["reward"], row["truncated"]} == {None}
                continue
            assert done == episode.actions[step].tolist()
            assert terms == episode.terms[step].tolist()
            assert row["reward"] == episode.rewards[step]
            assert row["truncated"] is (step == 5)


def test_an_interrupted_run_leaves_nothing(source: EpisodeSource, tmp_path: Path) -> None:
    def broken() -> Iterator[Episode]:
        yield next(iter(source))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_parquet(tmp_path / "a.parquet", replace(source, begin=broken))
    assert list(tmp_path.iterdir()) == []


def test_places_are_checked_before_anything_runs(file: Path, tmp_path: Path) -> None:
    def never() -> Iterator[Episode]:
        raise AssertionError("ran")

    idle = replace(recorded(1), begin=never)
    before = file.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        write_parquet(file, idle)
    assert file.read_bytes() == before
    with pytest.raises(InputError, match=r"\.parquet"):
        write_parquet(tmp_path / "data.csv", idle)
    with pytest.raises(InputError, match="no file"):
        read_parquet(tmp_path / "other.parquet")
    with pytest.raises(InputError, match="no episodes"):
        write_parquet(tmp_path / "a.parquet", replace(idle, begin=lambda: iter(())))


def spoiled(array: Any, at: Any, value: float) -> Any:
    array = array.copy()
    array[at] = value
    return array


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda e: {"seed": -1}, "episode 1: seed"),
        (lambda e: {"seed": np.int64(3)}, "episode 1: seed"),
        (lambda e: {"start": 2**40}, "episode 1: start"),
        (lambda e: {"rewards": e.rewards[:-1]}, r"episode 1: rewards must be float64 .*\(6,\)"),
        (lambda e: {"actions": e.actions.astype(float)}, "episode 1: actions must be float32"),
        (lambda e: {"actions": e.actions.tolist()}, "episode 1: actions must be an array"),
        (
            lambda e: {"observations": spoiled(e.observations, (3, 1), np.nan)},
            "episode 1: obs_day_cos at step 3 must be within -10 and 10, got nan",
        ),
        (
            lambda e: {"observations": spoiled(e.observations, (6, 0), 11)},
            "episode 1: obs_day_sin at step 6 .* got 11",
        ),
        (
            lambda e: {"actions": spoiled(e.actions, (2, 1), -1.5)},
            "episode 1: action_battery_limit at step 2 must be within -1 and 1, got -1.5",
        ),
        (
            lambda e: {"rewards": spoiled(e.rewards, 4, np.inf)},
            "episode 1: reward at step 4 must be finite, got inf",
        ),
        (
            lambda e: {"terms": spoiled(e.terms, (0, 4), np.nan)},
            "episode 1: term_wear at step 0 must be finite, got nan",
        ),
    ],
)
def test_a_wrong_episode_is_named(
    source: EpisodeSource, tmp_path: Path, change: Any, says: str
) -> None:
    first, second, *_ = source
    wrong = replace(second, **change(second))
    path = tmp_path / "a.parquet"
    with pytest.raises(InputError, match=says):
        write_parquet(path, EpisodeSource(source.origin, 2, lambda: iter((first, wrong))))
    assert list(tmp_path.iterdir()) == []
