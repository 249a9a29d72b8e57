"""The vector face: n worlds of one learner, stepped together by one batched core."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from decent_gym.envs.single import DEFAULT_LEARNER, check_keywords
from decent_gym.errors import InputError
from decent_gym.scenarios import Scenario
from decent_gym.scenarios import scenario as find_scenario
from decent_gym.simulation import LEVERS, Episodes
from decent_gym.simulation.keys import checked_seed
from decent_gym.simulation.observations import BOUND, FIELDS, FloatArray
from decent_gym.simulation.recording import EpisodeLedgers
from decent_gym.units import checked_int

BoolArray = npt.NDArray[np.bool_]


class TraderVectorEnv(VectorEnv[FloatArray, FloatArray, npt.NDArray[Any]]):
    """``decent_gym/Trader-v0`` n times, without a Python loop over worlds.

    Made by ``gymnasium.make_vec("decent_gym/Trader-v0", num_envs=n,
    vectorization_mode="vector_entry_point")``.  World i with seed ``seed + i`` sees what the single
    face sees with that seed, to the last bit.

    Autoreset is SAME_STEP: when an episode ends, the observation returned belongs to the next
    episode; the last one of the old stands in ``infos["final_obs"]`` and its score in
    ``infos["final_info"]["score"]``, where the mask ``infos["_final_obs"]`` is True.

    Parameters
    ----------
    num_envs : int
    threads : int
        Worlds are shared out among so many threads; the numbers do not depend on it.
    copy : bool
        True returns a fresh observation array from every call; False returns views of one buffer
        that the next call overwrites.
    ledger : mapping of int to (str or path), optional
        Worlds whose first episode after each :meth:`reset` is recorded, and where: ``"memory"``, or
        a path under which every reset makes a folder ``episode-000000``, ``episode-000001`` ...
    scenario, learner, rounds, split, reward, traders, **options
        As in :class:`decent_gym.envs.TraderEnv`.

    Raises
    ------
    UnknownNameError, InputError
        Naming the value and the nearest right one.
    """

    def __init__(
        self,
        num_envs: int,
        scenario: str | Path | Scenario = "rural",
        learner: str = DEFAULT_LEARNER,
        *,
        rounds: int = 96,
        split: str = "train",
        reward: str = "score",
        traders: str | Mapping[str, str] | None = None,
        threads: int = 1,
        copy: bool = True,
        ledger: Mapping[int, str | Path] | None = None,
        render_mode: None = None,
        **options: Any,
    ) -> None:
        self.closed = True  # Gymnasium 1.2 closes what is deleted, even if it was never made
        if render_mode is not None:
            raise InputError("the vector face does not render; use the single one")
        self.num_envs = checked_int(num_envs, "num_envs", 1, 2**20)
        self._threads = min(checked_int(threads, "threads", 1, 2**10), self.num_envs)
        check_keywords(scenario, options, type(self).__init__)
        self.scenario = find_scenario(scenario, **options)
        self.learner = learner
        self.episodes = Episodes(
            self.scenario,
            [learner],
            worlds=self.num_envs,
            rounds=rounds,
            split=split,
            reward=reward,
            traders=traders,
        )
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}
        shape = (len(self.episodes.levers[0]),)
        self.single_action_space = spaces.Box(-1.0, 1.0, shape, np.float32)
        self.single_observation_space = spaces.Box(-BOUND, BOUND, (len(FIELDS),), np.float32)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self._copy = copy
        if ledger is not None and not isinstance(ledger, Mapping):
            raise InputError(
                "ledger must be a mapping of world to path or 'memory', or None, got "
                f"{type(ledger).__name__} {ledger!r}"
            )
        for world in ledger or {}:
            checked_int(world, "ledger: world", 0, self.num_envs - 1)
        self._ledgers = EpisodeLedgers("vector", ledger or {}, scenario, options)
        edges = np.linspace(0, self.num_envs, self._threads + 1).astype(int).tolist()
        self._shards = list(pairwise(edges))
        self._pool: ThreadPoolExecutor | None = None
        self._terminations = np.zeros(self.num_envs, np.bool_)
        self.closed = False

    @property
    def action_names(self) -> tuple[str, ...]:
        """What each entry of an action moves."""
        return tuple(LEVERS[i] for i in self.episodes.levers[0])

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin an episode in every world; `seed` + i (or ``seed[i]``) is world i's."""
        seeds = self._seeds(seed)
        folders = self._ledgers.claim()
        self.episodes.reset(seeds, options)
        super().reset(seed=seeds[0] if isinstance(seed, int) else None)
        self._ledgers.begin(self.episodes.record, folders)
        return self._observations(), {"seed": np.array(seeds, np.int64)}

    def step(
        self, actions: npt.ArrayLike
    ) -> tuple[FloatArray, npt.NDArray[np.float64], BoolArray, BoolArray, dict[str, Any]]:
        """Trade one round in every world; see the class."""
        episodes = self.episodes
        episodes.act(0, actions)
        if self._threads == 1:
            episodes.step()
        else:
            self._pool = self._pool or ThreadPoolExecutor(self._threads)
            for done in [self._pool.submit(episodes.step, *shard) for shard in self._shards]:
                done.result()
        rewards = episodes.rewards[:, 0].copy()
        truncations = episodes.ended()
        infos: dict[str, Any] = {}
        if truncations.any():
            scores = np.where(truncations, episodes.scores()[:, 0], 0.0)
            infos = {
                "final_obs": episodes.observations[:, 0].copy(),
                "_final_obs": truncations,
                "final_info": {"score": scores, "_score": truncations},
                "_final_info": truncations,
            }
            self._begin_again(truncations)
        return self._observations(), rewards, self._terminations.copy(), truncations, infos

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads and close the ledgers."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        self.episodes.close()

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int]:
        if seed is None:
            first = int(self.np_random.integers(2**31))
            return [first + world for world in range(self.num_envs)]
        if isinstance(seed, int | np.integer):
            return [checked_seed(checked_seed(seed) + world) for world in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise InputError(f"seed must be one integer or {self.num_envs}, got {len(seed)}")
        return [
            int(self.np_random.integers(2**31)) if one is None else checked_seed(one)
            for one in seed
        ]

    def _begin_again(self, ended: BoolArray) -> None:
        """Reset the worlds that ended, a run of neighbours at a time."""
        edges = np.flatnonzero(np.diff(np.concatenate(([0], ended.view(np.int8), [0]))))
        for first, last in edges.reshape(-1, 2).tolist():
            self.episodes.reset(self.episodes.next_seeds(first, last), None, first, last)

    def _observations(self) -> FloatArray:
        seen = self.episodes.observations[:, 0]
        return seen.copy() if self._copy else seen
