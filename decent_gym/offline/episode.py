"""One recorded episode, what makes it right, and everything that can be iterated for episodes."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from decent_gym.offline.origin import Origin

SEED_CAP: Final = 2**63 - 1
START_CAP: Final = 2**31 - 1
BOUND: Final = 10.0
"""Observations lie within it, see ``decent_gym.simulation.observations``."""
ROWS_AT_ONCE: Final = 8_192
"""About so many rounds are in memory, and in one group of rows of a Parquet file, at a time."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """A whole episode of T rounds, to the last observation.

    Attributes
    ----------
    seed, start : int
        ``reset(seed=seed, options={"start": start})`` begins it again.
    observations : float32 (T + 1, F)
        Row t is what the action of step t was decided on; the last belongs to no action.
    actions : float32 (T, A), in [-1, 1]
    rewards : float64 (T,), EUR
    terms : float64 (T, K), EUR
        The reward's terms, as in ``info["reward_terms"]``.
    """

    seed: int
    start: int
    observations: npt.NDArray[np.float32]
    actions: npt.NDArray[np.float32]
    rewards: npt.NDArray[np.float64]
    terms: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EpisodeSource:
    """Episodes and where they come from; every iteration begins anew.

    Attributes
    ----------
    origin : Origin
    count : int
        How many episodes there are.
    begin : callable
        Returns an iterator over them.
    """

    origin: Origin
    count: int
    begin: Callable[[], Iterator[Episode]]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Episode]:
        return self.begin()


class Fault(NamedTuple):
    """What is wrong with an episode: the entry, the step if it is one, and what is the matter."""

    entry: str
    step: int | None
    what: str

    def __str__(self) -> str:
        at = "" if self.step is None else f" at step {self.step}"
        return f"{self.entry}{at} {self.what}"


def fault_of(episode: Episode, origin: Origin) -> Fault | None:
    """The first thing that is wrong with an episode of this origin, or None."""
    for entry, number, cap in (
        ("seed", episode.seed, SEED_CAP),
        ("start", episode.start, START_CAP),
    ):
        if type(number) is not int or not 0 <= number <= cap:
            return Fault(entry, None, f"must be an integer from 0 to {cap}, got {number!r}")
    rounds = origin.rounds
    names = tuple(f"term_{name}" for name in origin.terms)
    return (
        _array_fault(
            "observations", episode.observations, np.float32, rounds + 1,
            tuple(f"obs_{name}" for name in origin.observations), BOUND,
        )
        or _array_fault(
            "actions", episode.actions, np.float32, rounds,
            tuple(f"action_{name}" for name in origin.actions), 1.0,
        )
        or _array_fault("rewards", episode.rewards, np.float64, rounds, ("reward",), np.inf)
        or _array_fault("terms", episode.terms, np.float64, rounds, names, np.inf)
    )  # fmt: skip


def _array_fault(
    what: str, values: object, dtype: type, rows: int, names: tuple[str, ...], bound: float
) -> Fault | None:
    shape = (rows,) if names == ("reward",) else (rows, len(names))
    if not isinstance(values, np.ndarray):
        return Fault(what, None, f"must be an array, got {type(values).__name__}")
    if values.dtype != dtype or values.shape != shape:
        found = f"{values.dtype} of shape {values.shape}"
        return Fault(what, None, f"must be {np.dtype(dtype)} of shape {shape}, got {found}")
    is_wrong = ~(np.abs(values) <= bound) | ~np.isfinite(values)
    if not is_wrong.any():
        return None
    step, entry = divmod(int(is_wrong.reshape(-1).argmax()), len(names))
    value = values.reshape(-1)[step * len(names) + entry]
    wanted = "finite" if bound == np.inf else f"within -{bound:g} and {bound:g}"
    return Fault(names[entry], step, f"must be {wanted}, got {value}")


class ContentHash:
    """SHA-256 over an origin and episodes, the same wherever they are kept."""

    def __init__(self, origin: Origin) -> None:
        self._hash = hashlib.sha256(origin.to_json().encode())
        self.episodes = 0

    def add(self, episode: Episode) -> None:
        """The next episode."""
        self._hash.update(np.array([episode.seed, episode.start], "<i8").tobytes())
        for singles in (episode.observations, episode.actions):
            self._hash.update(np.ascontiguousarray(singles, "<f4").data)
        for doubles in (episode.rewards, episode.terms):
            self._hash.update(np.ascontiguousarray(doubles, "<f8").data)
        self.episodes += 1

    def hexdigest(self) -> str:
        """Of everything added so far."""
        return self._hash.hexdigest()


def content_digest(origin: Origin, episodes: Iterable[Episode]) -> str:
    """SHA-256 of recorded episodes in hexadecimal; Parquet and Minari give the same."""
    content = ContentHash(origin)
    for episode in episodes:
        content.add(episode)
    return content.hexdigest()
