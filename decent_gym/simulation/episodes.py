"""Episodes of a batch of worlds: what all three environment faces have in common.

Faces translate to their library's conventions and nothing else: seeds, starts, actions, rewards,
observations, ends of episodes and ledgers are handled here, once.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import ActionError, InputError, RoundOrderError
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.registry import unknown_name
from decent_gym.scenarios import Scenario
from decent_gym.simulation.actions import LEVERS, note_actions, owned_levers, write_actions
from decent_gym.simulation.keys import checked_seed, drawn_start, next_seed
from decent_gym.simulation.observations import FloatArray
from decent_gym.simulation.population import Learners, TradersOfWorlds
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
    learners : sequence of str, or one such sequence per world
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
        learners: Learners,
        *,
        worlds: int = 1,
        rounds: int = 96,
        split: str = "train",
        reward: str = "score",
        traders: TradersOfWorlds = None,
    ) -> None:
        self.rounds = checked_int(rounds, "rounds (length of an episode)", 1, scenario.rounds)
        scenario.splits.weeks(split, scenario.rounds)  # refuses a misspelt split at once
        self.split = split
        self._starts: dict[str, IntArray] = {}
        self._weights = np.array(REWARDS[reward], np.float64) / NANO_EUR_PER_EUR
        self.simulation = Simulation(scenario, worlds=worlds, learners=learners, traders=traders)
        self.scenario = scenario
        self._owned = owned_levers(scenario.members)
        who = self.simulation.learners
        for n in np.unique(who).tolist():
            if not self._owned[n].any():
                able = [m.name for m in scenario.members if m.flexible]
                raise InputError(
                    f"{scenario.members[n].name!r} has no flexible device and nothing to decide; "
                    f"choose one of {', '.join(able)}"
                )
        self.levers = tuple(np.flatnonzero(self._owned[column].any(axis=0)) for column in who.T)
        self.observations: FloatArray = np.zeros(self.simulation.observation_shape(), np.float32)
        self.rewards = np.zeros(who.shape, np.float64)
        self.elapsed = np.full(worlds, self.rounds, np.int64)
        self.ledgers: dict[int, Ledger] = {}
        self.simulation.operator.actions = np.zeros((worlds, who.shape[1] * len(LEVERS)), np.int64)

    @property
    def worlds(self) -> int:
        """W."""
        return self.simulation.worlds

    def plan(
        self,
        seeds: Sequence[int] | IntArray,
        options: Mapping[str, Any] | None = None,
        first: int = 0,
        last: int | None = None,
    ) -> list[tuple[int, int]]:
        """Seed and first round of the episodes that :meth:`begin` would begin; changes nothing.

        `options` may hold ``start`` (the first round, one for all or one per world) and ``split``.

        Raises
        ------
        UnknownNameError, InputError
            For an option that there is not, or a seed or start out of range.
        """
        last = self.simulation.operator.end_of_range(first, last)
        options = options or {}
        for key in options:
            if key not in RESET_OPTIONS:
                raise unknown_name("reset option", key, RESET_OPTIONS)
        split = options.get("split", self.split)
        self.scenario.splits.weeks(split, self.scenario.rounds)
        checked = [checked_seed(seed) for seed in seeds]
        if "start" in options:
            starts = self._given_starts(options["start"], last - first)
        else:
            possible = self._starts_of(split)
            starts = [drawn_start(seed, possible) for seed in checked]
        if len(checked) != last - first:
            raise InputError(f"{last - first} worlds need {last - first} seeds, got {len(checked)}")
        return list(zip(checked, starts, strict=True))

    def begin(
        self, planned: Sequence[tuple[int, int]], first: int = 0, last: int | None = None
    ) -> None:
        """Begin planned episodes in the worlds ``first .. last - 1``."""
        last = self.simulation.operator.end_of_range(first, last)
        self.simulation.reset(
            [seed for seed, _ in planned], [start for _, start in planned], first, last
        )
        self._end_ledgers(first, last)
        self.elapsed[first:last] = 0
        self.simulation.observe(self.observations, first, last)

    def reset(
        self,
        seeds: Sequence[int] | IntArray,
        options: Mapping[str, Any] | None = None,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        """Plan and begin at once."""
        self.begin(self.plan(seeds, options, first, last), first, last)

    def _given_starts(self, start: Any, worlds: int) -> list[int]:
        """The reset option ``start``: one round for all worlds, or one per world."""
        bound = self.scenario.rounds - self.rounds
        given = start if is_one_per_world(start) else [start] * worlds
        if len(given) != worlds:
            raise InputError(f"reset option start must be one round or {worlds}, got {len(given)}")
        return [checked_int(one, "reset option start", 0, bound) for one in given]

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
        header = self._header.of_seed(seed)
        names = [self._name(world, k) for k in range(len(self.levers))]
        traders = self.simulation.traders[world]
        facts = {
            "learners": names,
            "traders": dict(traders) if isinstance(traders, Mapping) else traders,
            "seed": seed,
            "start": start,
            "rounds": self.rounds,
        }
        ledger = open_ledger(where, header, {**facts, **meta}, "never")
        self._end_ledgers(world, world + 1)
        self.ledgers[world] = ledger
        operator.listen(world, ledger)
        return ledger

    @cached_property
    def _header(self) -> LedgerHeader:
        # made anew for every episode, it would cost as much as 20 steps
        return header_of(self.simulation.operator, self.scenario.digest, 0)

    def head(self, world: int) -> str | None:
        """Hash of the world's last ledger record, or None if nothing is recorded."""
        ledger = self.ledgers.get(world)
        return None if ledger is None else ledger.head

    def act(self, k: int, action: npt.ArrayLike, first: int = 0, last: int | None = None) -> None:
        """Set learner k's action, (A_k,) for all or (worlds, A_k); values in [-1, 1].

        Raises
        ------
        ActionError
            For a wrong shape, a type that is no number, NaN, infinity or values outside [-1, 1].
        """
        last = self.simulation.operator.end_of_range(first, last)
        levers = self.levers[k]
        width = len(levers)
        values = numbers(action, ((width,), (last - first, width)))
        if values is None:
            raise ActionError(
                f"action of {self._name(first, k)!r} must be {width} numbers in [-1, 1] "
                f"({', '.join(LEVERS[i] for i in levers)}), got {shown(action)}"
            )
        self._write(values.reshape(-1, 1, width), levers, k, first, last, range(first, last))

    def act_all(
        self, values: npt.NDArray[np.float64], levers: IntArray, worlds: Sequence[int]
    ) -> None:
        """Set the actions of all learners of all worlds, (W, L, A), an entry per lever.

        Levers that a learner does not own are ignored; `worlds` are the numbers that an error
        names.

        Raises
        ------
        ActionError
            For NaN, infinity or values outside [-1, 1].
        """
        self._write(values, levers, 0, 0, self.worlds, worlds)

    def _write(
        self,
        values: npt.NDArray[np.float64],
        levers: IntArray,
        k: int,
        first: int,
        last: int,
        worlds: Sequence[int],
    ) -> None:
        who, actions = self.simulation.learners, self.simulation.actions
        bad = int(write_actions(values, levers, self._owned, _SLACK, who, k, first, last, actions))
        if bad >= 0:
            world, row = divmod(bad // len(levers), values.shape[1])
            raise ActionError(
                f"action of {self._name(first + world, k + row)!r} in world {worlds[world]}: "
                f"{LEVERS[levers[bad % len(levers)]]} must be in [-1, 1], got {values.flat[bad]}; "
                "clip it, for example with gymnasium.wrappers.ClipAction"
            )

    def _name(self, world: int, k: int) -> str:
        return self.scenario.members[int(self.simulation.learners[world, k])].name

    def step(self, first: int = 0, last: int | None = None) -> None:
        """Run one round on the actions set by :meth:`act`; fills observations and rewards."""
        last = self.simulation.operator.end_of_range(first, last)
        if (self.elapsed[first:last] >= self.rounds).any():
            raise RoundOrderError("the episode has ended (or not begun); call reset() first")
        simulation = self.simulation
        if simulation.operator.listeners:
            noted = simulation.operator.actions
            note_actions(first, last, simulation.learners, simulation.actions, noted)
        done = False
        try:
            simulation.step(first, last)
            done = True
        finally:
            if not done:  # half a round: only a reset can go on from here
                self.elapsed[first:last] = self.rounds
        self.elapsed[first:last] += 1
        simulation.observe(self.observations, first, last)
        weigh(first, last, simulation.learners, self._weights, simulation.terms, self.rewards)

    def owned(self) -> npt.NDArray[np.bool_]:
        """Which of ``LEVERS`` each learner can move, (W, L, 10)."""
        return self._owned[self.simulation.learners]

    def ended(self) -> npt.NDArray[np.bool_]:
        """Which worlds' episodes are over, (W,)."""
        return self.elapsed >= self.rounds

    def scores(self) -> npt.NDArray[np.float64]:
        """Euro per learner since the start, (W, L): money, stored energy, wear, comfort."""
        totals = self.simulation.totals[: len(SCORE_TERMS)].sum(axis=0)
        mine = np.take_along_axis(totals, self.simulation.learners, axis=1)
        return np.asarray(mine / NANO_EUR_PER_EUR, np.float64)

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


def is_one_per_world(start: Any) -> bool:
    """Whether the reset option ``start`` lists rounds, instead of being one."""
    return isinstance(start, list | tuple) or (isinstance(start, np.ndarray) and start.ndim == 1)


def numbers(
    action: npt.ArrayLike, shapes: Sequence[tuple[int, ...]]
) -> npt.NDArray[np.float64] | None:
    """An action as contiguous float64 of one of the shapes, or None if it is something else."""
    try:
        values = np.asarray(action)
    except ValueError:  # rows of different lengths
        return None
    if values.dtype.kind not in "fi" or values.shape not in shapes:
        return None
    return np.ascontiguousarray(values, np.float64)


def shown(action: npt.ArrayLike) -> str:
    """What was given in the place of an action, for an error."""
    try:
        values = np.asarray(action)
    except ValueError:
        return "rows of different lengths"
    return f"{values.dtype} of shape {values.shape}"
