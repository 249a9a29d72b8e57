"""The vector face: many worlds, one learner or more in each, stepped together by one core."""

from collections.abc import Mapping, Sequence
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
from decent_gym.simulation import Variants
from decent_gym.simulation.keys import checked_seed
from decent_gym.simulation.observations import BOUND, FIELDS, FloatArray
from decent_gym.simulation.population import TradersOfWorlds
from decent_gym.simulation.recording import EpisodeLedgers
from decent_gym.units import checked_int

BoolArray = npt.NDArray[np.bool_]
Place = str | Path | Scenario


class TraderVectorEnv(VectorEnv[FloatArray, FloatArray, npt.NDArray[Any]]):
    """``decent_gym/Trader-v0`` many times, without a Python loop over worlds or organizations.

    Made by ``gymnasium.make_vec("decent_gym/Trader-v0", num_envs=n,
    vectorization_mode="vector_entry_point")``.  World i with seed ``seed + i`` sees what the single
    face sees with that seed, to the last bit.

    **Worlds may differ.**  `scenario`, `learner` and `traders` may be lists with one entry per
    world, and so may the reset option ``start``.  Worlds of the same Scenario are one batch.

    **Several learners in a world.**  With `learners`, every row of the arrays is one learner, and
    the learners of a world stand together: row ``w * L + k`` is the k-th learner of world w.  This
    is parameter sharing over all organizations of all worlds.

    **Learners with different devices** share one action space, the levers that any of them owns;
    entries of devices that a row's learner does not own are ignored (:attr:`owned`).

    Autoreset is SAME_STEP: when an episode ends, the observation returned belongs to the next
    episode; the last one of the old stands in ``infos["final_obs"]`` and its score in
    ``infos["final_info"]["score"]``, where the mask ``infos["_final_obs"]`` is True.

    Parameters
    ----------
    num_envs : int
        Rows: worlds, or worlds times learners with `learners`.
    scenario : str, Path, Scenario or a list of these, one per world
    learner : str or list of str, one per world
    learners : "all" or sequence of str, optional
        Learners of every world, in the place of `learner`; ``"all"``: whoever owns a flexible
        device.
    threads : int
        Worlds are shared out among so many threads; the numbers do not depend on it.
    copy : bool
        True returns a fresh observation array from every call; False returns views of one buffer
        that the next call overwrites.
    ledger : mapping of int to (str or path), optional
        Worlds whose first episode after each :meth:`reset` is recorded, and where: ``"memory"``, or
        a path under which every reset makes a folder ``episode-000000``, ``episode-000001`` ...
    rounds, split, reward, traders, **options
        As in :class:`decent_gym.envs.TraderEnv`; `traders` may be a list, one entry per world.

    Attributes
    ----------
    worlds : int
    learner_names : tuple of str, the learner of each row
    owned : bool (num_envs, A), which entries of an action move something

    Raises
    ------
    UnknownNameError, InputError
        Naming the value and the nearest right one.
    """

    def __init__(
        self,
        num_envs: int,
        scenario: Place | Sequence[Place] = "rural",
        learner: str | Sequence[str] | None = None,
        *,
        learners: str | Sequence[str] | None = None,
        rounds: int = 96,
        split: str = "train",
        reward: str = "score",
        traders: TradersOfWorlds = None,
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
        threads = checked_int(threads, "threads", 1, 2**10)
        places: list[Any] = list(scenario) if isinstance(scenario, list | tuple) else [scenario]
        if not places:
            raise InputError("scenario must be one or a list, one per world; the list is empty")
        for place in places:
            check_keywords(place, options, type(self).__init__)
        found = {_key(place): find_scenario(place, **options) for place in places}
        self.scenario = found[_key(places[0])]
        rosters = _rosters(learner, learners, list(found.values()))
        self._per_world = len(rosters[0])
        self.worlds, rest = divmod(self.num_envs, self._per_world)
        if rest:
            raise InputError(
                f"num_envs counts rows, one per learner and world; {self.num_envs} is no multiple "
                f"of the {self._per_world} learners"
            )
        places = _spread("scenario", places, self.worlds)
        rosters = _spread("learner", rosters, self.worlds)
        self.learner_names = tuple(name for roster in rosters for name in roster)
        self.learner = self.learner_names[0]
        self.variants = Variants(
            [found[_key(place)] for place in places],
            rosters,
            rounds=rounds,
            split=split,
            reward=reward,
            traders=traders,
            threads=threads,
        )
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}
        levers = len(self.variants.levers)
        self.owned = self.variants.owned.reshape(self.num_envs, levers)
        self.single_action_space = spaces.Box(-1.0, 1.0, (levers,), np.float32)
        self.single_observation_space = spaces.Box(-BOUND, BOUND, (len(FIELDS),), np.float32)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self._copy = copy
        self._seen = self.variants.observations.reshape(self.num_envs, -1)
        self._ledgers = EpisodeLedgers(
            "vector", self._checked_ledger(ledger), dict(enumerate(places)), options
        )
        self._terminations = np.zeros(self.num_envs, np.bool_)
        self.closed = False

    @property
    def action_names(self) -> tuple[str, ...]:
        """What each entry of an action moves."""
        return self.variants.action_names

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin an episode in every world; `seed` + w (or ``seed[w]``) is world w's."""
        seed = int(seed) if isinstance(seed, np.integer) else seed
        seeds = self._seeds(seed)
        folders = self._ledgers.claim()
        self.variants.reset(seeds, options)
        super().reset(seed=seeds[0] if isinstance(seed, int) else None)
        self._ledgers.begin(self.variants.record, folders)
        return self._observations(), {"seed": np.repeat(np.array(seeds, np.int64), self._per_world)}

    def step(
        self, actions: npt.ArrayLike
    ) -> tuple[FloatArray, npt.NDArray[np.float64], BoolArray, BoolArray, dict[str, Any]]:
        """Trade one round in every world; see the class."""
        variants = self.variants
        variants.step(actions)
        rewards = variants.rewards.reshape(-1).copy()
        truncations = np.repeat(variants.ended(), self._per_world)
        infos: dict[str, Any] = {}
        if truncations.any():
            scores = np.where(truncations, variants.scores().reshape(-1), 0.0)
            infos = {
                "final_obs": self._seen.copy(),
                "_final_obs": truncations,
                "final_info": {"score": scores, "_score": truncations},
                "_final_info": truncations,
            }
            variants.begin_again()
        return self._observations(), rewards, self._terminations.copy(), truncations, infos

    def head(self, world: int) -> str | None:
        """Hash of the world's last ledger record, or None if nothing is recorded."""
        return self.variants.head(world)

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads and close the ledgers."""
        self.variants.close()

    def _checked_ledger(self, ledger: object) -> Mapping[int, str | Path]:
        if ledger is None:
            return {}
        if not isinstance(ledger, Mapping):
            raise InputError(
                "ledger must be a mapping of world to path or 'memory', or None, got "
                f"{type(ledger).__name__} {ledger!r}"
            )
        for world in ledger:
            checked_int(world, "ledger: world", 0, self.worlds - 1)
        return ledger

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int]:
        if seed is None:
            first = int(self.np_random.integers(2**31))
            return [first + world for world in range(self.worlds)]
        if not isinstance(seed, list | tuple | np.ndarray):
            return [checked_seed(checked_seed(seed) + world) for world in range(self.worlds)]
        if len(seed) != self.worlds:
            raise InputError(f"seed must be one integer or {self.worlds}, got {len(seed)}")
        return [
            int(self.np_random.integers(2**31)) if one is None else checked_seed(one)
            for one in seed
        ]

    def _observations(self) -> FloatArray:
        return self._seen.copy() if self._copy else self._seen


def _key(place: Place) -> object:
    """By what two worlds have the same scenario: its name or path, or being the same object."""
    return str(place) if isinstance(place, str | Path) else id(place)


def _rosters(
    learner: str | Sequence[str] | None,
    learners: str | Sequence[str] | None,
    scenarios: list[Scenario],
) -> list[list[str]]:
    """Who learns in a world: one list for all worlds, or one per world."""
    if learners is None:
        learner = DEFAULT_LEARNER if learner is None else learner
        rosters = [[learner]] if isinstance(learner, str) else [[name] for name in learner]
    elif learner is not None:
        raise InputError("give learner (one in each world) or learners (several in each), not both")
    elif learners == "all":
        rosters = [[m.name for m in scenario.members if m.flexible] for scenario in scenarios]
        if any(roster != rosters[0] for roster in rosters):
            raise InputError(
                "learners='all' needs the same flexible organizations in every scenario; list the "
                "ones that are meant to learn"
            )
        rosters = rosters[:1]
    elif isinstance(learners, str):
        raise InputError(f"learners must be 'all' or a list of names, got {learners!r}")
    else:
        rosters = [list(learners)]
    if not rosters or not rosters[0]:
        raise InputError("learners must name at least one organization, got none")
    return rosters


def _spread(what: str, given: list[Any], worlds: int) -> list[Any]:
    """One entry per world, of a list that has one for all or one for each."""
    if len(given) == 1:
        return given * worlds
    if len(given) != worlds:
        raise InputError(
            f"{what} must be one, or a list of {worlds}, one per world, got {len(given)}"
        )
    return given
