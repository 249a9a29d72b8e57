"""A replay buffer comes back as it was, from a file without pickles that is half its size."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer

from decent_gym.errors import DataError, InputError
from training.replay import read_replay, write_replay

NAMES = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def empty(capacity: int = 40, envs: int = 2) -> ReplayBuffer:
    return ReplayBuffer(
        capacity * envs,
        spaces.Box(-10, 10, (3,), np.float32),
        spaces.Box(-1, 1, (2,), np.float32),
        device="cpu",
        n_envs=envs,
    )


def filled(steps: int, capacity: int = 40, episode: int = 7) -> ReplayBuffer:
    """Episodes of `episode` steps; the second environment's end elsewhere."""
    random = np.random.default_rng(steps)
    buffer = empty(capacity)
    seen = random.normal(size=(2, 3)).astype(np.float32)
    for step in range(steps):
        after = random.normal(size=(2, 3)).astype(np.float32)
        done = (step + np.array([1, 4])) % episode == 0
        infos = [{"TimeLimit.truncated": bool(end)} for end in done]
        action = random.uniform(-1, 1, (2, 2)).astype(np.float32)
        buffer.add(seen, after, action, random.normal(size=2), done, infos)
        first = random.normal(size=(2, 3)).astype(np.float32)
        seen = np.where(done[:, None], first, after)
    return buffer


def rows(buffer: ReplayBuffer, name: str) -> Any:
    """The oldest first."""
    array = getattr(buffer, name)
    return np.roll(array, -buffer.pos, axis=0) if buffer.full else array[: buffer.pos]


@pytest.mark.parametrize("steps", [1, 2, 7, 39, 40, 41, 63, 80])
def test_comes_back_as_it_was(tmp_path: Path, steps: int) -> None:
    before, after = filled(steps), empty()
    write_replay(tmp_path / "replay.npz", before)
    assert read_replay(tmp_path / "replay.npz", after) == 2 * min(steps, 40)
    assert (after.size(), after.full) == (before.size(), before.full)
    for name in NAMES:
        np.testing.assert_array_equal(rows(after, name), rows(before, name))
    after.add(*(np.ones((2, k), np.float32) for k in (3, 3, 2)), np.ones(2), np.ones(2), [{}, {}])
    assert (rows(after, "rewards")[-1] == 1).all()


def test_an_empty_one_is_empty(tmp_path: Path) -> None:
    write_replay(tmp_path / "replay.npz", empty())
    after = empty()
    assert read_replay(tmp_path / "replay.npz", after) == after.size() == 0


def test_a_smaller_one_keeps_the_newest(tmp_path: Path) -> None:
    before, after = filled(63), empty(capacity=15)
    write_replay(tmp_path / "replay.npz", before)
    assert read_replay(tmp_path / "replay.npz", after) == 30
    for name in NAMES:
        np.testing.assert_array_equal(rows(after, name), rows(before, name)[-15:])


def test_each_observation_is_written_once(tmp_path: Path) -> None:
    buffer = filled(4_000, capacity=4_000, episode=96)
    write_replay(tmp_path / "replay.npz", buffer)
    twice = buffer.observations.nbytes + buffer.next_observations.nbytes
    small = buffer.actions.nbytes + buffer.rewards.nbytes + 3 * 2 * 4_000
    assert (tmp_path / "replay.npz").stat().st_size < 0.52 * twice + small + 3_000


def test_other_environments_are_refused(tmp_path: Path) -> None:
    write_replay(tmp_path / "replay.npz", filled(20))
    with pytest.raises(InputError, match="n_envs 2, now it is 4"):
        read_replay(tmp_path / "replay.npz", empty(envs=4))


class Payload:
    """Unpickling this creates a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def edit(path: Path, name: str, value: Any) -> None:
    with zipfile.ZipFile(path) as archive:
        content = {member: archive.read(member) for member in archive.namelist()}
    if value is None:
        del content[f"{name}.npy"]
    else:
        stream = io.BytesIO()
        np.save(stream, value, allow_pickle=True)
        content[f"{name}.npy"] = stream.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in content.items():
            archive.writestr(member, data)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rewards", None),
        ("more", np.zeros(3)),
        ("rewards", np.zeros((20, 2))),
        ("rewards", np.zeros((19, 2), np.float32)),
        ("rewards", np.full((20, 2), np.nan, np.float32)),
        ("rewards", np.zeros((20, 3), np.float32)),
        ("actions", np.zeros((20, 2, 3), np.float32)),
        ("broken", np.zeros((20, 2), np.bool_)),
        ("broken", np.ones((20, 2), np.bool_)),
        ("after", np.zeros((1, 3), np.float32)),
        ("dones", np.zeros((20, 2), np.float32)),
        ("observations", np.zeros((10**6, 2, 3), np.float32)),
    ],
)
def test_an_edited_file_is_refused(tmp_path: Path, name: str, value: Any) -> None:
    path = tmp_path / "replay.npz"
    write_replay(path, filled(20))
    edit(path, name, value)
    buffer = empty()
    with pytest.raises(DataError, match=r"replay\.npz"):
        read_replay(path, buffer)
    assert buffer.size() == 0


def test_a_pickle_does_not_run(tmp_path: Path) -> None:
    path, mark = tmp_path / "replay.npz", tmp_path / "ran"
    write_replay(path, filled(20))
    edit(path, "rewards", np.array(Payload(mark), object))
    with pytest.raises(DataError, match="rewards"):
        read_replay(path, empty())
    assert not mark.exists()
