"""Worlds of different scenarios behind one numbering, shared out among threads.

Worlds of one scenario are one batch (:class:`Episodes`), wherever they stand in the numbering; a
step runs batch by batch, never world by world.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from decent_gym.errors import ActionError, InputError
from decent_gym.ledger import Ledger
from decent_gym.scenarios import Scenario
from decent_gym.simulation.actions import LEVERS
from decent_gym.simulation.episodes import Episodes, is_one_per_world, numbers, shown
from decent_gym.simulation.population import (
    Learners,
    TradersOfWorlds,
    learners_by_world,
    traders_by_world,
)
from decent_gym.units import IntArray

BoolArray = npt.NDArray[np.bool_]


class Batch(NamedTuple):
    """The worlds of one scenario."""

    episodes: Episodes
    worlds: list[int]
    """Their numbers among all worlds."""


class Variants:
    """W worlds with L learners each, of one scenario or several.

    Parameters
    ----------
    scenarios : sequence of Scenario
        One per world.
    learners, traders, rounds, split, reward
        As in :class:`Episodes`.
    threads : int
        How many share a step; the numbers do not depend on it.

    Attributes
    ----------
    batches : list of Batch
    levers : int64 (A,), indices into ``LEVERS``: those that any learner owns
    owned : bool (W, L, A), which of them each learner owns
    observations : float32 (W, L, F)
    rewards : float64 euro (W, L)
    """

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        learners: Learners,
        *,
        traders: TradersOfWorlds = None,
        threads: int = 1,
        **settings: Any,
    ) -> None:
        worlds = self.worlds = len(scenarios)
        names = learners_by_world(learners, worlds)
        scripts = traders_by_world(traders, worlds)
        together: dict[int, list[int]] = {}
        for world, scenario in enumerate(scenarios):
            together.setdefault(id(scenario), []).append(world)
        self.batches = [
            Batch(
                Episodes(
                    scenarios[these[0]],
                    [names[world] for world in these],
                    worlds=len(these),
                    traders=[scripts[world] for world in these],
                    **settings,
                ),
                these,
            )
            for these in together.values()
        ]
        self._place = {
            world: (batch.episodes, at)
            for batch in self.batches
            for at, world in enumerate(batch.worlds)
        }
        self._arrange()
        self._threads = min(threads, worlds)
        self._shards = [shard for batch in self.batches for shard in self._cut(batch)]
        self._pool: ThreadPoolExecutor | None = None

    def _arrange(self) -> None:
        """The levers of all, and the arrays that hold all worlds."""
        masks = [batch.episodes.owned() for batch in self.batches]
        used = np.any([mask.any(axis=(0, 1)) for mask in masks], axis=0)
        self.levers: IntArray = np.flatnonzero(used)
        learners = masks[0].shape[1]
        self.owned = np.zeros((self.worlds, learners, len(self.levers)), np.bool_)
        for mask, (_, these) in zip(masks, self.batches, strict=True):
            self.owned[these] = mask[:, :, self.levers]
        only = self.batches[0].episodes
        if len(self.batches) == 1:  # no copying: its arrays are in the order of the worlds
            self.observations, self.rewards = only.observations, only.rewards
        else:
            width = only.observations.shape[2]
            self.observations = np.zeros((self.worlds, learners, width), np.float32)
            self.rewards = np.zeros((self.worlds, learners), np.float64)

    def _cut(self, batch: Batch) -> list[Callable[[], None]]:
        edges = np.linspace(0, len(batch.worlds), self._threads + 1).astype(int).tolist()
        return [
            partial(batch.episodes.step, *edge) for edge in pairwise(edges) if edge[0] < edge[1]
        ]

    @property
    def action_names(self) -> tuple[str, ...]:
        """What each entry of an action moves."""
        return tuple(LEVERS[i] for i in self.levers)

    def reset(self, seeds: Sequence[int], options: Mapping[str, Any] | None = None) -> None:
        """Begin an episode in every world, one seed each; a mistake changes nothing."""
        options = dict(options or {})
        start: Any = options.get("start")
        many = is_one_per_world(start)
        if many and len(start) != self.worlds:
            raise InputError(f"reset option start must be one round or {self.worlds}, got {start}")
        plans = []
        for episodes, these in self.batches:
            if many:
                options["start"] = [start[world] for world in these]
            plans.append(episodes.plan([seeds[world] for world in these], options))
        for (episodes, _), plan in zip(self.batches, plans, strict=True):
            episodes.begin(plan)
        self._collect()

    def step(self, actions: npt.ArrayLike) -> None:
        """Run one round in all worlds.

        Parameters
        ----------
        actions : float array (W * L, A) in [-1, 1]
            A row per learner and world, an entry per lever; entries of levers that a learner does
            not own are ignored.

        Raises
        ------
        ActionError
            For a wrong shape, a type that is no number, NaN, infinity or values outside [-1, 1].
        """
        shape = self.owned.shape
        rows = (shape[0] * shape[1], shape[2])
        values = numbers(actions, (rows,))
        if values is None:
            raise ActionError(
                f"actions must be {rows[0]} rows of {rows[1]} numbers in [-1, 1] "
                f"({', '.join(self.action_names)}), got {shown(actions)}"
            )
        values = values.reshape(shape)
        for episodes, these in self.batches:
            mine = values if len(self.batches) == 1 else values[these]
            episodes.act_all(mine, self.levers, these)
        if self._threads == 1:
            for shard in self._shards:
                shard()
        else:
            self._pool = self._pool or ThreadPoolExecutor(self._threads - 1)
            own, *others = self._shards  # this thread takes a share too
            running = [self._pool.submit(shard) for shard in others]
            try:
                own()
            finally:
                wait(running)  # all of them, before an error of one is told
            for done in running:
                done.result()
        self._collect()

    def _collect(self) -> None:
        if len(self.batches) > 1:
            for episodes, these in self.batches:
                self.observations[these] = episodes.observations
                self.rewards[these] = episodes.rewards

    def ended(self) -> BoolArray:
        """Which worlds' episodes are over, (W,)."""
        return self._gathered([episodes.ended() for episodes, _ in self.batches])

    def scores(self) -> npt.NDArray[np.float64]:
        """Euro per learner since the start, (W, L)."""
        return self._gathered([episodes.scores() for episodes, _ in self.batches])

    def seeds(self) -> IntArray:
        """Of the running episodes, (W,)."""
        return self._gathered([episodes.simulation.seeds for episodes, _ in self.batches])

    def _gathered(self, parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        if len(parts) == 1:
            return parts[0]
        whole = np.empty((self.worlds, *parts[0].shape[1:]), parts[0].dtype)
        for part, (_, these) in zip(parts, self.batches, strict=True):
            whole[these] = part
        return whole

    def begin_again(self) -> None:
        """Begin the next episode in the worlds that have ended, a run of neighbours at a time."""
        for episodes, _ in self.batches:
            ended = episodes.ended().view(np.int8)
            edges = np.flatnonzero(np.diff(np.concatenate(([0], ended, [0]))))
            for first, last in edges.reshape(-1, 2).tolist():
                episodes.reset(episodes.next_seeds(first, last), None, first, last)
        self._collect()

    def record(self, where: str | Path, world: int, **meta: Any) -> Ledger:
        """Write the episode that has just begun in `world` to a ledger."""
        episodes, at = self._place[world]
        return episodes.record(where, at, **meta)

    def head(self, world: int) -> str | None:
        """Hash of the world's last ledger record, or None if nothing is recorded."""
        episodes, at = self._place[world]
        return episodes.head(at)

    def close(self) -> None:
        """End the threads and close the ledgers."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        for episodes, _ in self.batches:
            episodes.close()
