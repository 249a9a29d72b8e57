"""Learners among scripted traders, frozen policies and each other, for Stable-Baselines3.

A *league* is a number of organizations that share one action space, the levers that any of them
owns.  In every world one of them learns, or all do at once; see :class:`LeagueVecEnv`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import gymnasium
import numpy as np
import numpy.typing as npt
from stable_baselines3.common.vec_env import VecEnv

from decent_gym.envs import TraderVectorEnv
from decent_gym.errors import InputError

FloatArray = npt.NDArray[np.float32]


class Opponent(Protocol):
    """Whatever has ``predict``, such as :class:`agents.learned.LearnedPolicy`."""

    def predict(self, obs: npt.ArrayLike) -> FloatArray:
        """Actions (n, A) in the league's action space for its observations (n, F + members)."""
        ...


def one_hot(names: Sequence[str], members: Sequence[str]) -> FloatArray:
    """The entries that say who is who, float32 (names, members)."""
    return (np.array(names)[:, None] == np.array(members)).astype(np.float32)


class LeagueVecEnv(VecEnv):
    """Rows are learners; what the other members of the league do depends on the kind of world.

    ============  ========================================================================
    kind          the other members of the league
    ============  ========================================================================
    `scripted`    act by their scripted traders
    `frozen`      act by one of :attr:`opponents`, drawn anew for every episode and world
    `mirror`      learn too: every member is a row
    ============  ========================================================================

    In scripted and frozen worlds the members take turns to learn, world by world.  Organizations
    outside the league are scripted everywhere.

    Members share a policy, so a row's observation says who it is: the fields of the environment,
    then one entry per member, 1 for the row's own and 0 for the others.

    Parameters
    ----------
    scripted, frozen, mirror : int
        Numbers of worlds.
    members : sequence of str
        The league.
    focal : sequence of str, optional
        Members that learn in scripted and frozen worlds; by default all.
    seed : int
        Of the draws of opponents.
    **options
        As in :class:`decent_gym.envs.TraderVectorEnv`: scenario, rounds, reward, traders, threads.

    Attributes
    ----------
    opponents : list of Opponent
        May be changed at any time; frozen worlds look here when an episode begins.
    learner_names : tuple of str, who learns in each row
    action_names : tuple of str, what each entry of an action moves

    Raises
    ------
    InputError
        If there is no world, or `focal` names somebody outside the league.
    """

    def __init__(
        self,
        scripted: int = 0,
        frozen: int = 0,
        mirror: int = 0,
        *,
        members: Sequence[str],
        focal: Sequence[str] | None = None,
        seed: int = 0,
        **options: Any,
    ) -> None:
        focal = list(members if focal is None else focal)
        for name in focal:
            if name not in members:
                raise InputError(f"focal names {name!r}, who is not in the league {list(members)}")
        if not (scripted or frozen or mirror):
            raise InputError("a league needs worlds; give scripted, frozen or mirror")
        if not options.pop("copy", True):
            raise InputError("copy=False is not for Stable-Baselines3; leave copy out")
        self.opponents: list[Opponent] = []
        self._random = np.random.default_rng(seed)
        one = TraderVectorEnv(len(members), learners=members, **options)  # to know the spaces
        self.action_names = one.action_names
        kinds = ((scripted, focal, False), (frozen, focal, True), (mirror, (), True))
        self._parts = [
            _Part(worlds, members, who, together, one.action_names, options)
            for worlds, who, together in kinds
            if worlds
        ]
        self.learner_names = tuple(name for part in self._parts for name in part.learner_names)
        self.render_mode = None
        seen = one.single_observation_space
        wide = (seen.shape[0] + len(members),)
        super().__init__(
            len(self.learner_names),
            gymnasium.spaces.Box(seen.low[0], seen.high[0], wide, np.float32),
            one.single_action_space,
        )
        self._actions: npt.NDArray[Any] = np.zeros((self.num_envs, len(self.action_names)))

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """The worlds begin their next episodes with `seed`, `seed` + 1, ... in their order."""
        if seed is None:
            seed = int(self._random.integers(2**31))
        for part in self._parts:
            part.seed = seed
            seed += part.env.worlds
        return [None] * self.num_envs

    def reset(self) -> FloatArray:
        """Begin an episode in every world.

        Raises
        ------
        InputError
            If options were set: the league takes days from its seeds.
        """
        if any(self._options):
            raise InputError("a league takes no reset options; its days come from its seeds")
        for part in self._parts:
            part.reset()
            self._draw(part, np.ones(part.env.worlds, np.bool_))
        return np.concatenate([part.seen[part.learns] for part in self._parts])

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Remember the learners' actions."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        """Let the opponents act, then trade one round in every world."""
        steps, at = [], 0
        for part in self._parts:
            rows = int(part.learns.sum())
            steps.append(part.step(self._actions[at : at + rows]))
            at += rows
            self._draw(part, part.ended)
        seen, rewards, ends = (np.concatenate([step[k] for step in steps]) for k in range(3))
        return seen, rewards.astype(np.float32), ends, [info for step in steps for info in step[3]]

    def _draw(self, part: "_Part", begun: npt.NDArray[np.bool_]) -> None:
        """Opponents for the worlds whose episodes have just begun."""
        if part.learns.all() or not begun.any():
            return
        if not self.opponents:
            raise InputError("frozen worlds need opponents; set .opponents before reset()")
        for world in np.flatnonzero(begun):
            part.opponents[world] = self.opponents[self._random.integers(len(self.opponents))]

    def close(self) -> None:
        """End the threads."""
        for part in self._parts:
            part.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of the league, the same for every row."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Not for single rows: they share one core."""
        raise AttributeError(f"{attr_name!r} cannot be set on rows that share one core")

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Not for single rows: they share one core."""
        raise AttributeError(f"{method_name!r} cannot be called on rows that share one core")

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: Any = None
    ) -> Sequence[bool]:
        """No row is wrapped."""
        return [False for _ in self._get_indices(indices)]


class _Part:
    """Worlds of one kind.

    Attributes
    ----------
    learns : bool (rows,), which rows of `env` learn; opponents act in the others
    opponents : who acts in the other rows, one per world
    seen : float32 (rows, F + members), ended : bool (worlds,), of the last call
    """

    def __init__(
        self,
        worlds: int,
        members: Sequence[str],
        focal: Sequence[str],
        together: bool,
        action_names: Sequence[str],
        options: dict[str, Any],
    ) -> None:
        who = [focal[world % len(focal)] for world in range(worlds)] if focal else []
        if together:
            self.env = TraderVectorEnv(worlds * len(members), learners=members, **options)
            names = np.array(self.env.learner_names).reshape(worlds, -1)
            learns = names == np.array(who)[:, None] if who else np.full(names.shape, True)
            self.learns = learns.reshape(-1)
        else:
            self.env = TraderVectorEnv(worlds, learner=who, **options)
            self.learns = np.ones(worlds, np.bool_)
        self.learner_names = tuple(np.array(self.env.learner_names)[self.learns].tolist())
        self.opponents: list[Opponent | None] = [None] * worlds
        self.seed: int | None = None
        self._who = one_hot(self.env.learner_names, members)
        self.seen = self._who
        self.ended = np.zeros(worlds, np.bool_)
        self._columns = [action_names.index(name) for name in self.env.action_names]

    def reset(self) -> None:
        """Begin an episode in every world, from :attr:`seed` if it is given."""
        seen, _ = self.env.reset(seed=self.seed)
        self.seed = None
        self.seen = np.concatenate([seen, self._who], axis=1)

    def step(self, learners: npt.NDArray[Any]) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        """Trade one round; what the learning rows saw, earned, whether they ended, and why."""
        actions = np.zeros((len(self.learns), learners.shape[1]), np.float32)
        actions[self.learns] = learners
        others = ~self.learns
        if others.any():
            per_world = len(self.learns) // self.env.worlds
            acting = np.repeat(np.array([id(one) for one in self.opponents]), per_world)
            for opponent in {id(one): one for one in self.opponents}.values():
                rows = others & (acting == id(opponent))
                assert opponent is not None, "drawn when the episode began"
                actions[rows] = opponent.predict(self.seen[rows])
        seen, rewards, _, ends, infos = self.env.step(actions[:, self._columns])
        self.seen = np.concatenate([seen, self._who], axis=1)
        self.ended = ends.reshape(self.env.worlds, -1)[:, 0]
        plain: list[dict[str, Any]] = [{} for _ in self.learner_names]
        for at, row in enumerate(np.flatnonzero(self.learns)):
            if ends[row]:
                plain[at] = {
                    "terminal_observation": np.append(infos["final_obs"][row], self._who[row]),
                    "TimeLimit.truncated": True,
                    "score": float(infos["final_info"]["score"][row]),
                }
        return self.seen[self.learns], rewards[self.learns], ends[self.learns], plain
