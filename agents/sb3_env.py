"""The batched environment for Stable-Baselines3.

Stable-Baselines3 has a vector interface of its own and refuses Gymnasium's.  It resets in the same
step, as our vector face does, and wants the last observation of an episode in
``info["terminal_observation"]`` and ``info["TimeLimit.truncated"]`` to bootstrap from it.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from stable_baselines3.common.vec_env import VecEnv

from decent_gym.envs import TraderVectorEnv
from decent_gym.errors import InputError


class TraderVecEnv(VecEnv):
    """``decent_gym/Trader-v0`` n times, in one batch, as Stable-Baselines3's ``VecEnv``.

    With ``learners="all"`` every row is one organization of one world: one policy is shared by all
    organizations of all worlds.

    Parameters
    ----------
    num_envs : int
        Rows: worlds, or worlds times learners.
    **options
        As in :class:`decent_gym.envs.TraderVectorEnv`: scenario, learner, rounds, threads ...

    Attributes
    ----------
    core : TraderVectorEnv
    """

    def __init__(self, num_envs: int, **options: Any) -> None:
        if not options.pop("copy", True):
            raise InputError(
                "copy=False is not for Stable-Baselines3: it keeps the last observations while the "
                "next step would overwrite them; leave copy out"
            )
        self.core = TraderVectorEnv(num_envs, **options)
        self.render_mode = None
        super().__init__(
            num_envs, self.core.single_observation_space, self.core.single_action_space
        )
        self._actions: npt.ArrayLike = ()

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """World w begins its next episode with `seed` + w; returns the seed of every row."""
        first = super().seed(seed)[0]
        per_world = self.num_envs // self.core.worlds
        self._seeds = [first + row // per_world for row in range(self.num_envs)]
        return self._seeds

    def reset(self) -> npt.NDArray[np.float32]:
        """Begin an episode in every world, on the seeds given to :meth:`seed`, if any."""
        per_world = self.num_envs // self.core.worlds
        seeds = self._seeds[::per_world]
        given = None if None in seeds else [int(seed) for seed in seeds]
        options = one_for_all(self._options[::per_world])
        observations, infos = self.core.reset(seed=given, options=options)
        self.reset_infos = [{"seed": seed} for seed in infos["seed"].tolist()]
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: npt.ArrayLike) -> None:
        """Remember the actions; they are clipped by Stable-Baselines3."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        """Trade one round in every world."""
        observations, rewards, _, truncations, infos = self.core.step(self._actions)
        plain: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for world in np.flatnonzero(truncations):
            plain[world] = {
                "terminal_observation": infos["final_obs"][world],
                "TimeLimit.truncated": True,
                "score": float(infos["final_info"]["score"][world]),
            }
        return observations, rewards.astype(np.float32), truncations, plain

    def close(self) -> None:
        """End the threads and close the ledgers."""
        self.core.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The same attribute for every world: they share one core."""
        return [getattr(self.core, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Not for single worlds: they share one core."""
        raise AttributeError(f"{attr_name!r} cannot be set on worlds that share one core")

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Not for single worlds: they share one core."""
        raise AttributeError(f"{method_name!r} cannot be called on worlds that share one core")

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: Any = None
    ) -> Sequence[bool]:
        """No world is wrapped."""
        return [False for _ in self._get_indices(indices)]


def one_for_all(options: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Options of single worlds as options of a batch: only ``start`` may differ between worlds.

    Raises
    ------
    InputError
        If another option differs.
    """
    first = dict(options[0])
    if all(one == first for one in options):
        return first or None
    rest = {key: value for key, value in first.items() if key != "start"}
    for one in options:
        if "start" not in one or {k: v for k, v in one.items() if k != "start"} != rest:
            raise InputError(f"worlds may differ in the option start alone, got {list(options)}")
    return {**rest, "start": [one["start"] for one in options]}
