"""Episodes of a batch of worlds: what all three environment faces have in common.

Faces translate to their library's conventions and nothing else: seeds, starts, actions, rewards,
observations, ends of episodes and ledgers are handled here, once.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import ActionError, InputError, RoundOrderError
from decent_gym.ledger import Ledger
from decent_gym.registry import unknown_name
from decent_gym.scenarios import Scenario
from decent_gym.simulation.actions import LEVERS, levers_of, write_actions
from decent_gym.simulation.keys import checked_seed, drawn_start, next_seed
from decent_gym.simulation.observations import FloatArray
from decent_gym.simulation.recording import header_of, open_ledger
from decent_gym.simulation.rewards import REWARDS, SCORE_TERMS, weigh
from decent_gym.simulation.simulation import Simulation
from decent_gym.units import NANO_EUR_PER_EUR, IntArray, checked_int

RESET_OPTIONS: Final = ("start", "split")
_SLACK = 1e-6
"""How far beyond [-1, 1] an action may lie, for rounding in float32; it is clipped."""


class Episodes:
    """W episodes running side by side.

    Parameters
    ----------
    scenario : Scenario
    learners : sequence of str
        Organizations that learn.
    worlds : int
    rounds : int
        Length of an episode.
    split : str
        ``train``, ``validation`` or ``test``: from which days the seed draws the start.
    reward : str
        A name in ``REWARDS``.
    traders
        As in :class:`Simulation`.

    Attributes
    ----------
    observations : float32 (W, L, F)
    rewards : float64 euro (W, L)
    elapsed : int64 (W,), rounds of the running episodes
    """

    def __init__(
        self,
        scenario: Scenario,
        learners: Sequence[str],
        *,
        worlds: int = 1,
        rounds: int = 96,
        split: str = "train",
        reward: str = "score",
        traders: str | Mapping[str, str] | None = None,
    ) -> None:
        self.rounds = checked_int(rounds, "rounds (length of an episode)", 1, scenario.rounds)
        scenario.splits.weeks(split, scenario.rounds)  # refuses a misspelt split at once
        self.split = split
        self._traders = traders
        self._starts: dict[str, IntArray] = {}
        self._weights = np.array(REWARDS[reward], np.float64) / NANO_EUR_PER_EUR
        self.simulation = Simulation(scenario, worlds=worlds, learners=learners, traders=traders)
        self.scenario = scenario
        self.levers = tuple(levers_of(scenario.members[scenario.index(n)]) for n in learners)
        for name, levers in zip(learners, self.levers, strict=True):
            if not len(levers):
                able = [m.name for m in scenario.members if m.flexible]
                raise InputError(
                    f"{name!r} has no flexible device and nothing to decide; choose one of "
                    f"{', '.join(able)}"
                )
        self.observations: FloatArray = np.zeros(self.simulation.observation_shape(), np.float32)
        self.rewards = np.zeros(self.simulation.learners.shape, np.float64)
        self.elapsed = np.full(worlds, self.rounds, np.int64)
        self.ledgers: dict[int, Ledger] = {}
        self._index = [scenario.index(name) for name in learners]
        self.simulation.operator.actions = np.zeros((worlds, len(learners) * len(LEVERS)), np.int64)

    @property
    def worlds(self) -> int:
        """W."""
        return self.simulation.worlds

    def reset(
        self,
        seeds: Sequence[int] | IntArray,
        options: Mapping[str, Any] | None = None,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        """Begin episodes in the worlds ``first .. last - 1``, one seed each.

        `options` may hold ``start`` (the first round, the same for all) and ``split``.
        """
        last = self.simulation.operator.end_of_range(first, last)
        options = options or {}
        for key in options:
            if key not in RESET_OPTIONS:
                raise unknown_name("reset option", key, RESET_OPTIONS)
        split = options.get("split", self.split)
        self.scenario.splits.weeks(split, self.scenario.rounds)
        if "start" not in options:
            starts = self._starts_of(split)
        else:
            bound = self.scenario.rounds - self.rounds
            chosen = [checked_int(options["start"], "reset option start", 0, bound)]
            starts = np.array(chosen, np.int64)
        checked = [checked_seed(seed) for seed in seeds]
        drawn = [drawn_start(seed, starts) for seed in checked]
        self.simulation.reset(checked, drawn, first, last)
        self._end_ledgers(first, last)
        self.elapsed[first:last] = 0
        self.simulation.observe(self.observations, first, last)

    def _starts_of(self, split: str) -> IntArray:
        """First rounds of the split's episodes; computed once, when somebody needs them."""
        if split not in self._starts:
            splits = self.scenario.splits
            self._starts[split] = splits.starts(split, self.scenario.rounds, self.rounds)
        return self._starts[split]

    def next_seeds(self, first: int, last: int) -> list[int]:
        """Seeds of the episodes that follow the running ones."""
        return [next_seed(int(seed)) for seed in self.simulation.seeds[first:last]]

    def record(self, where: str | Path, world: int = 0, **meta: Any) -> Ledger:
        """Write the episode that has just begun in `world` to a ledger."""
        if self.elapsed[world]:
            raise RoundOrderError("a ledger begins with its episode; reset the world first")
        operator = self.simulation.operator
        seed, start = int(self.simulation.seeds[world]), int(operator.round[world])
        # every world has a seed of its own, so its place in the batch is no part of what it is
        header = header_of(operator, self.scenario.digest, seed)
        names = [self.scenario.members[index].name for index in self._index]
        facts = {
            "learners": names,
            "traders": self._traders if self._traders is None else _plain(self._traders),
            "seed": seed,
            "start": start,
            "rounds": self.rounds,
            "world": world,
        }
        ledger = open_ledger(where, header, {**facts, **meta})
        self._end_ledgers(world, world + 1)
        self.ledgers[world] = ledger
        operator.listen(world, ledger)
        return ledger

    def head(self, world: int) -> str | None:
        """Hash of the world's last ledger record, or None if nothing is recorded."""
        ledger = self.ledgers.get(world)
        return None if ledger is None else ledger.head

    def act(self, k: int, action: npt.ArrayLike, first: int = 0, last: int | None = None) -> None:
        """Set learner k's action, (L_k,) for all or (worlds, L_k); values in [-1, 1].

        Raises
        ------
        ActionError
            For a wrong shape, a type that is no number, NaN, infinity or values outside [-1, 1].
        """
        last = self.simulation.operator.end_of_range(first, last)
        levers = self.levers[k]
        n, actions = self._index[k], self.simulation.actions
        values = _numbers(action, len(levers), last - first)
        if values is None:
            raise ActionError(
                f"action of {self._name(k)!r} must be {len(levers)} numbers in [-1, 1] "
                f"({', '.join(LEVERS[i] for i in levers)}), got {_shown(action)}"
            )
        bad = int(write_actions(values, levers, _SLACK, n, first, last, actions))
        if bad >= 0:
            raise ActionError(
                f"action of {self._name(k)!r}: {LEVERS[levers[bad % len(levers)]]} must be in "
                f"[-1, 1], got {values.flat[bad]}; clip it, for example with "
                "gymnasium.wrappers.ClipAction"
            )

    def _name(self, k: int) -> str:
        return self.scenario.members[self._index[k]].name

    def step(self, first: int = 0, last: int | None = None) -> None:
        """Run one round on the actions set by :meth:`act`; fills observations and rewards."""
        last = self.simulation.operator.end_of_range(first, last)
        if (self.elapsed[first:last] >= self.rounds).any():
            raise RoundOrderError("the episode has ended (or not begun); call reset() first")
        simulation = self.simulation
        if simulation.operator.listeners:
            chosen = simulation.actions[first:last][:, self._index]
            simulation.operator.actions[first:last] = chosen.reshape(last - first, -1)
        simulation.step(first, last)
        self.elapsed[first:last] += 1
        simulation.observe(self.observations, first, last)
        weigh(first, last, simulation.learners, self._weights, simulation.terms, self.rewards)

    def ended(self) -> npt.NDArray[np.bool_]:
        """Which worlds' episodes are over, (W,)."""
        return self.elapsed >= self.rounds

    def scores(self) -> npt.NDArray[np.float64]:
        """Euro per learner since the start, (W, L): money, stored energy, wear, comfort."""
        totals = self.simulation.totals[list(SCORE_TERMS)][:, :, self._index].sum(axis=0)
        return np.asarray(totals / NANO_EUR_PER_EUR, np.float64)

    def close(self) -> None:
        """Close all ledgers; rounds that follow are not recorded."""
        self._end_ledgers(0, self.worlds)

    def _end_ledgers(self, first: int, last: int) -> None:
        for world in [world for world in self.ledgers if first <= world < last]:
            ledger = self.ledgers.pop(world)
            listeners = self.simulation.operator.listeners
            listeners[world].remove(ledger)
            if not listeners[world]:
                del listeners[world]
            ledger.close()


def _plain(traders: str | Mapping[str, str]) -> str | dict[str, str]:
    return traders if isinstance(traders, str) else dict(traders)


def _numbers(action: npt.ArrayLike, levers: int, worlds: int) -> npt.NDArray[np.float64] | None:
    """An action as float64 (1 or worlds, levers), or None if it is something else."""
    try:
        values = np.asarray(action)
    except ValueError:  # rows of different lengths
        return None
    if values.dtype.kind not in "fi" or values.shape not in ((levers,), (worlds, levers)):
        return None
    return np.ascontiguousarray(values, np.float64).reshape(-1, levers)


def _shown(action: npt.ArrayLike) -> str:
    try:
        values = np.asarray(action)
    except ValueError:
        return "rows of different lengths"
    return f"{values.dtype} of shape {values.shape}"
