"""Run a policy and record what it saw, did and got: whole episodes, many side by side."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from decent_gym.offline.episode import ROWS_AT_ONCE, SEED_CAP, Episode, EpisodeSource
from decent_gym.offline.origin import Origin
from decent_gym.scenarios import Scenario
from decent_gym.scenarios import scenario as find_scenario
from decent_gym.scenarios.wishes import plain_options
from decent_gym.simulation import LEVERS, Episodes, Term, observation_fields
from decent_gym.units import NANO_EUR_PER_EUR, checked_int


class Policy(Protocol):
    """Whatever has ``predict``."""

    def predict(self, obs: npt.NDArray[np.float32]) -> npt.ArrayLike:
        """Actions (n, A) for observations (n, F)."""
        ...


def collect(
    policy: Policy,
    scenario: str | Path | Scenario,
    learner: str,
    *,
    episodes: int,
    seed: int = 0,
    policy_name: str = "",
    rounds: int = 96,
    split: str = "train",
    reward: str = "score",
    traders: str | Mapping[str, str] | None = None,
    **options: Any,
) -> EpisodeSource:
    """Episodes of a policy, run when they are asked for.

    Episode i has the seed ``seed + i``, which also draws its day; it is what
    ``decent_gym/Trader-v0`` gives for that seed and these actions, to the last bit.

    Parameters
    ----------
    policy : Policy
        Sees many episodes at once; actions beyond ±1 are clipped, and recorded as clipped.
    episodes : int
    seed : int
    policy_name : str
        Who acts, for people; by default the policy's class.
    scenario, learner, rounds, split, reward, traders, **options
        As in :class:`decent_gym.envs.TraderEnv`.

    Raises
    ------
    UnknownNameError
        For a misspelt name or keyword; the message names the nearest right one.
    InputError
        For a number out of range.
    ActionError
        While iterating, if the policy's actions are no numbers or have the wrong shape.
    """
    checked_int(episodes, "episodes", 1, 2**31 - 1)
    first_seed = checked_int(seed, "seed", 0, SEED_CAP - 2 * episodes)
    district = find_scenario(scenario, **options)
    length = checked_int(rounds, "rounds (length of an episode)", 1, district.rounds)
    most = max(1, ROWS_AT_ONCE // (length + 1))
    batches = -(-episodes // most)
    worlds = -(-episodes // batches)  # batches of equal size, and the last one nearly full
    core = Episodes(
        district, [learner], worlds=worlds, rounds=rounds, split=split, reward=reward,
        traders=traders,
    )  # fmt: skip
    origin = Origin(
        scenario=district.name if isinstance(scenario, Scenario) else Path(scenario).name,
        options=plain_options(options),
        scenario_digest=district.digest.hex(),
        learner=learner,
        rounds=length,
        split=split,
        reward=reward,
        traders=dict(traders) if isinstance(traders, Mapping) else traders,
        policy=policy_name or type(policy).__name__,
        observations=tuple(field.name for field in observation_fields()),
        actions=tuple(LEVERS[i] for i in core.levers[0]),
        terms=tuple(term.name.lower() for term in Term),
    )

    def run() -> Iterator[Episode]:
        for first in range(0, episodes, worlds):
            batch = _batch(core, policy, range(first_seed + first, first_seed + first + worlds))
            yield from batch[: episodes - first]

    return EpisodeSource(origin, episodes, run)


def _batch(core: Episodes, policy: Policy, seeds: range) -> list[Episode]:
    """One episode per world, side by side."""
    rounds, worlds = core.rounds, core.worlds
    core.reset(seeds)
    forget = getattr(policy, "reset", None)  # a policy that remembers begins anew
    if forget is not None:
        forget()
    simulation = core.simulation
    starts = simulation.operator.round.tolist()
    who = simulation.learners[:, 0]
    observations = np.empty((worlds, rounds + 1, core.observations.shape[-1]), np.float32)
    actions = np.empty((worlds, rounds, len(core.levers[0])), np.float32)
    rewards = np.empty((worlds, rounds), np.float64)
    terms = np.empty((worlds, rounds, len(Term)), np.float64)
    every = np.arange(worlds)
    observations[:, 0] = core.observations[:, 0]
    for step in range(rounds):
        chosen = np.asarray(policy.predict(observations[:, step].copy()))
        if chosen.dtype.kind == "f":
            chosen = np.clip(chosen, -1, 1).astype(np.float32)
        core.act(0, chosen)
        core.step()
        actions[:, step] = chosen
        rewards[:, step] = core.rewards[:, 0]
        terms[:, step] = simulation.terms[:, every, who].T / NANO_EUR_PER_EUR
        observations[:, step + 1] = core.observations[:, 0]
    return [
        Episode(
            seed, starts[world], observations[world], actions[world], rewards[world], terms[world]
        )
        for world, seed in enumerate(seeds)
    ]
