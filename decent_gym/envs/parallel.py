"""The parallel face: every flexible organization an agent, as a PettingZoo ``ParallelEnv``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.utils import seeding

from decent_gym.envs.single import check_keywords
from decent_gym.errors import ActionError, InputError, MissingExtraError, shown
from decent_gym.registry import unknown_name
from decent_gym.scenarios import Scenario
from decent_gym.scenarios import scenario as find_scenario
from decent_gym.simulation import Episodes, round_report
from decent_gym.simulation.observations import BOUND, FIELDS, FloatArray
from decent_gym.simulation.recording import EpisodeLedgers

try:
    from pettingzoo import ParallelEnv
except ImportError as error:
    raise MissingExtraError("pettingzoo", "multi", "decent_gym.parallel_env") from error


class TraderParallelEnv(ParallelEnv[str, FloatArray, npt.NDArray[Any]]):  # type: ignore[misc]  # untyped package
    """Several organizations learn in one market; the others are scripted.

    Observations, actions, rewards and ends are those of ``decent_gym/Trader-v0``, one per agent;
    agents' action spaces differ with the devices they own.

    Parameters
    ----------
    scenario : str, Path or Scenario
    learners : sequence of str, optional
        The agents; by default every organization that owns a flexible device.
    rounds, split, reward, traders, ledger, **options
        As in :class:`decent_gym.envs.TraderEnv`.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "decent_gym/Trader-parallel-v0",
        "render_modes": [],
        "is_parallelizable": True,
    }

    def __init__(
        self,
        scenario: str | Path | Scenario = "rural",
        learners: Sequence[str] | None = None,
        *,
        rounds: int = 96,
        split: str = "train",
        reward: str = "score",
        traders: str | Mapping[str, str] | None = None,
        ledger: str | Path | None = None,
        **options: Any,
    ) -> None:
        check_keywords(scenario, options, type(self).__init__)
        self.scenario = find_scenario(scenario, **options)
        if learners is None:
            learners = [m.name for m in self.scenario.members if m.flexible]
        if isinstance(learners, str) or not learners or len(set(learners)) < len(learners):
            raise InputError(
                f"learners must be different organizations, at least one, got {shown(learners)}"
            )
        self.episodes = Episodes(
            self.scenario, learners, rounds=rounds, split=split, reward=reward, traders=traders
        )
        self.possible_agents = list(learners)
        self.agents: list[str] = []
        self.render_mode = None
        seen = spaces.Box(-BOUND, BOUND, (len(FIELDS),), np.float32)
        self.observation_spaces = {name: seen for name in self.possible_agents}
        self.action_spaces = {
            name: spaces.Box(-1.0, 1.0, (len(levers),), np.float32)
            for name, levers in zip(self.possible_agents, self.episodes.levers, strict=True)
        }
        self._index = {name: self.scenario.index(name) for name in self.possible_agents}
        places = {} if ledger is None else {0: ledger}
        self._ledgers = EpisodeLedgers("parallel", places, {0: scenario}, options)
        self._seed: int | None = None

    def observation_space(self, agent: str) -> spaces.Box:
        """The same for every agent: one entry per field."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Box:
        """Two entries per device that `agent` owns."""
        return self.action_spaces[agent]

    @property
    def head(self) -> str | None:
        """Hash of the last ledger record, or None if nothing is recorded."""
        return self.episodes.head(0)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, FloatArray], dict[str, dict[str, Any]]]:
        """Begin an episode; without `seed`, the one that follows the last.

        `options` as in the single face; the option called ``options`` is passed over, because
        PettingZoo's own checks send it.
        """
        options = {key: value for key, value in (options or {}).items() if key != "options"}
        if seed is None:
            if self._seed is None:
                seed = int(seeding.np_random(None)[0].integers(2**31))
            else:
                seed = self.episodes.next_seeds(0, 1)[0]
        folders = self._ledgers.claim()
        self.episodes.reset([seed], options)
        self._seed = seed
        self._ledgers.begin(self.episodes.record, folders)
        self.agents = list(self.possible_agents)
        return self._observations(), {name: {"seed": seed} for name in self.agents}

    def step(
        self, actions: Mapping[str, npt.ArrayLike]
    ) -> tuple[
        dict[str, FloatArray],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        """Trade one round; `actions` holds one action for every agent."""
        episodes = self.episodes
        for name in actions:
            if name not in self._index:
                raise unknown_name("agent", name, self.possible_agents)
        missing = [name for name in self.agents if name not in actions]
        if missing:
            raise ActionError(f"every agent needs an action; missing: {', '.join(missing)}")
        for k, name in enumerate(self.possible_agents):
            if name in actions:
                episodes.act(k, actions[name])
        names = self.agents or self.possible_agents
        episodes.step()
        over = bool(episodes.elapsed[0] >= episodes.rounds)
        rewards = dict(zip(names, episodes.rewards[0].tolist(), strict=True))
        infos = {n: round_report(episodes.simulation, 0, self._index[n]) for n in names}
        if over:
            for name, score in zip(names, episodes.scores()[0].tolist(), strict=True):
                infos[name]["score"] = score
            self.agents = []
        ends = dict.fromkeys(names, False), dict.fromkeys(names, over)
        return self._observations(), rewards, *ends, infos

    def render(self) -> None:
        """Pictures are the single face's: ``TraderEnv(render_mode=...)``."""

    def close(self) -> None:
        """Close the ledger."""
        self.episodes.close()

    def _observations(self) -> dict[str, FloatArray]:
        seen = self.episodes.observations[0].copy()
        return dict(zip(self.possible_agents, seen, strict=True))
