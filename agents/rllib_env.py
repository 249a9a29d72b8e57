"""The parallel environment for RLlib's new API stack, and what its observations are scaled by.

RLlib's own ``MeanStdFilter`` loses the mean when it merges several env runners (2.60: five merges
of samples around 2.9 gave 0.7), so observations are scaled by statistics that are measured once,
before training.  They never change, every runner has the same, and the policy is written with them.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pettingzoo import ParallelEnv
from ray.rllib.env.multi_agent_env import MultiAgentEnv

import decent_gym
from decent_gym import Scenario
from decent_gym.envs import TraderEnv

RUNNERS_APART: Final = 10_007
"""RLlib seeds world i of runner k with seed + k + i, which would give many worlds the same days."""
LEAST_VARIANCE: Final = 1e-4
"""Entries that hardly moved while they were measured are not blown up later."""

FloatArray = npt.NDArray[np.float32]
Statistics = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Mean and variance, (F,) each."""


class TraderMultiAgentEnv(MultiAgentEnv):  # type: ignore[misc]  # untyped package
    """``decent_gym.parallel_env`` as RLlib's ``MultiAgentEnv``, observations scaled.

    Parameters
    ----------
    config : mapping
        ``scenario``, ``options``: as in :func:`decent_gym.scenario`.
        ``statistics``: by organization.
        ``clip``, ``epsilon``: observations become
        ``clip((x - mean) / sqrt(variance + epsilon), -clip, clip)``.
        All others go to :func:`decent_gym.parallel_env`.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self._seeds_apart = RUNNERS_APART * getattr(config, "worker_index", 0)
        rest = dict(config)
        district = find_once(rest.pop("scenario"), **rest.pop("options"))
        statistics, self._clip = rest.pop("statistics"), rest.pop("clip")
        epsilon = rest.pop("epsilon")
        self.market = decent_gym.parallel_env(scenario=district, **rest)
        self.agents = self.possible_agents = list(self.market.possible_agents)
        self.observation_spaces = dict(self.market.observation_spaces)
        self.action_spaces = dict(self.market.action_spaces)
        self._scales = {
            name: (mean, np.sqrt(variance + epsilon))
            for name, (mean, variance) in statistics.items()
        }

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, FloatArray], dict[str, Any]]:
        """Begin an episode, as the parallel environment does."""
        if seed is not None:
            seed += self._seeds_apart
        seen, _ = self.market.reset(seed=seed, options=options)
        return self._scaled(seen), {}

    def step(
        self, action_dict: Mapping[str, npt.ArrayLike]
    ) -> tuple[dict[str, FloatArray], dict[str, float], dict[str, bool], dict[str, bool], Any]:
        """Trade one round; infos are left out, because RLlib would keep and copy them."""
        seen, rewards, terminated, truncated, _ = self.market.step(action_dict)
        terminated["__all__"] = False
        truncated["__all__"] = not self.market.agents
        return self._scaled(seen), rewards, terminated, truncated, {}

    def close(self) -> None:
        """Close the market."""
        self.market.close()

    def _scaled(self, seen: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        clip = self._clip
        return {
            name: np.clip((x - mean) / scale, -clip, clip).astype(np.float32)
            for name, x in seen.items()
            for mean, scale in (self._scales[name],)
        }


@lru_cache(maxsize=4)
def find_once(which: str | Scenario, **options: Any) -> Scenario:
    """The worlds of one process share their scenario's arrays."""
    return decent_gym.scenario(which, **options)


def action_names(scenario: Scenario, organization: str) -> tuple[str, ...]:
    """What each entry of an organization's action moves."""
    return TraderEnv(scenario, organization).action_names


def measure(
    env: ParallelEnv[str, Any, Any], policies: Mapping[str, str], *, rounds: int, seed: int
) -> dict[str, Statistics]:
    """Mean and variance of what organizations see while they act at random.

    Parameters
    ----------
    env : TraderParallelEnv
        As ``decent_gym.parallel_env`` makes it.
    policies : dict of str to str
        Agent to policy: agents of one policy are pooled.
    rounds : int
        Whole episodes of at least so many rounds are looked at.
    seed : int
        Of the first episode and of the actions.

    Returns
    -------
    dict of str to (float64 (F,), float64 (F,))
        By agent; variances are at least ``LEAST_VARIANCE``.
    """
    random = np.random.default_rng(seed)
    kept: dict[str, list[FloatArray]] = {policy: [] for policy in policies.values()}
    done = 0
    while done < rounds:
        seen, _ = env.reset(seed=None if done else seed)
        while env.agents:
            for name, x in seen.items():
                kept[policies[name]].append(x)
            spaces = {name: env.action_space(name) for name in env.agents}
            seen, *_ = env.step({n: random.uniform(-1, 1, s.shape) for n, s in spaces.items()})
            done += 1
    pooled = {}
    for policy, rows in kept.items():
        values = np.stack(rows).astype(np.float64)
        pooled[policy] = values.mean(axis=0), np.maximum(values.var(axis=0), LEAST_VARIANCE)
    return {name: pooled[policy] for name, policy in policies.items()}
