"""A replay buffer as a file of plain arrays, each observation once.

What follows an observation is nearly always the next one in the buffer; only where it is not, at
the ends of episodes and where a run was resumed, is it written as well.  That halves the file, and
no pickle is needed, which ``SAC.save_replay_buffer`` would write.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
from stable_baselines3.common.buffers import ReplayBuffer

from agents.archives import read_arrays
from decent_gym.errors import DataError, InputError

REPLAY: Final = "replay.npz"
HEADERS: Final = 2**16
"""Bytes in the archive beside the arrays' numbers, at most."""


def write_replay(path: Path, buffer: ReplayBuffer) -> None:
    """Write what `buffer` holds, the oldest first."""
    order = np.arange(buffer.size())
    if buffer.full:
        order = (order + buffer.pos) % buffer.buffer_size
    seen, after = buffer.observations[order], buffer.next_observations[order]
    broken = np.ones(seen.shape[:2], np.bool_)
    broken[:-1] = (after[:-1] != seen[1:]).any(axis=2)
    np.savez(
        path,
        observations=seen,
        broken=broken,
        after=after[broken],
        actions=buffer.actions[order],
        rewards=buffer.rewards[order],
        dones=buffer.dones[order] > 0,
        timeouts=buffer.timeouts[order] > 0,
    )


def read_replay(path: Path, buffer: ReplayBuffer) -> int:
    """Fill an empty `buffer` of the same environments; returns the number of steps in it.

    Of a file that holds more than fits, the newest are taken.

    Raises
    ------
    DataError
        If the file is no replay buffer of ours.
    InputError
        If it is one of another number of environments.
    """
    envs, wide, moves = buffer.n_envs, buffer.obs_shape[0], buffer.action_dim
    shapes: dict[str, tuple[int | None, ...]] = {
        "observations": (None, None, wide),
        "broken": (None, None),
        "after": (None, wide),
        "actions": (None, None, moves),
        "rewards": (None, None),
        "dones": (None, None),
        "timeouts": (None, None),
    }
    flags = ("broken", "dones", "timeouts")
    dtypes = {name: np.bool_ if name in flags else np.float32 for name in shapes}
    largest = 2 * buffer.observations.nbytes + buffer.actions.nbytes + HEADERS
    largest += 8 * buffer.rewards.size  # rewards and flags
    found = read_arrays(path, shapes, dtypes=dtypes, largest=largest)
    rows, there = found["observations"].shape[:2]
    if there != envs:
        raise InputError(f"{path.name} comes from n_envs {there}, now it is {envs}; take the same")
    _check(path.name, found, rows, envs)
    fits = min(rows, buffer.buffer_size)
    after = np.empty_like(found["observations"])
    after[:-1] = found["observations"][1:]
    after[found["broken"]] = found["after"]
    for name in ("observations", "actions", "rewards", "dones", "timeouts"):
        getattr(buffer, name)[:fits] = found[name][rows - fits :]
    buffer.next_observations[:fits] = after[rows - fits :]
    buffer.pos, buffer.full = fits % buffer.buffer_size, fits == buffer.buffer_size
    return fits * envs


def _check(file: str, found: dict[str, Any], rows: int, envs: int) -> None:
    for name, array in found.items():
        wanted = (found["broken"].sum(),) if name == "after" else (rows, envs)
        if array.shape[: len(wanted)] != wanted:
            raise DataError(f"{file}: {name} has shape {array.shape}, it must begin {wanted}")
    if rows and not found["broken"][-1].all():
        raise DataError(f"{file}: nothing follows its last observations")
