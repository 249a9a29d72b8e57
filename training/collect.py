"""Record episodes of a policy as offline data, in a Parquet file or as a Minari data set.

    python -m training.collect --policy storage_rule --episodes 200 --output data/rural.parquet

Episodes have the seeds --seed, --seed + 1, ...; each seed draws a day of the split.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from zlib import crc32

import numpy as np
import numpy.typing as npt
import torch
import tyro
from rich.console import Console
from rich.progress import Progress

from agents.learned import LearnedPolicy
from agents.storage_rule import StorageRule
from decent_gym import Scenario
from decent_gym import scenario as find_scenario
from decent_gym.envs import TraderEnv
from decent_gym.errors import DecentGymError, InputError
from decent_gym.offline import (
    EpisodeSource,
    Policy,
    collect,
    write_minari,
    write_parquet,
)
from training.evaluate import policy_folder

RULE, RANDOM = "storage_rule", "random"


@dataclass(frozen=True, kw_only=True)
class Args:
    """Record episodes of a policy as offline data."""

    policy: str = RULE
    """storage_rule (by hand), random, or the folder of a trained policy"""
    output: Path | None = None
    """the .parquet file to write"""
    minari: str | None = None
    """or the Minari data set to write, as decent_gym/rural-building_03-v0"""
    episodes: int = 200

    scenario: str = "rural"
    """a name in SCENARIOS, or the path of a .toml file"""
    options: dict[str, int | str] = field(default_factory=dict)
    """keywords of the scenario: --options tariff time_of_use price_rule 0"""
    learner: str = "building_03"
    """the organization for which the policy acts"""
    rounds: int = 96
    """length of an episode; 96 is a day"""
    split: Literal["train", "validation", "test"] = "train"
    """from which weeks the days are drawn; keep the others for judging"""
    reward: Literal["score", "money", "savings"] = "score"
    seed: int = 0
    """of the first episode"""
    progress: bool = True
    """a bar on stderr, if it is a terminal"""


class Random:
    """Acts evenly between -1 and +1; on what it sees depends only the draw, not the odds."""

    def __init__(self, actions: int, seed: int) -> None:
        self._actions, self._seed = actions, seed

    def predict(self, obs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        draws = [np.random.default_rng((self._seed, crc32(row.tobytes()))) for row in obs]
        return np.stack([draw.uniform(-1, 1, self._actions) for draw in draws]).astype(np.float32)


def recording(args: Args) -> EpisodeSource:
    """The episodes that `args` asks for; they are run when they are iterated.

    Raises
    ------
    UnknownNameError
        For a misspelt scenario, learner or option.
    InputError
        If there is no such policy, or it was trained for something else.
    DataError
        If a trained policy's files cannot be trusted.
    """
    torch.set_num_threads(1)
    scenario = find_scenario(args.scenario, **args.options)
    policy, name = policy_of(args, scenario)
    return collect(
        policy,
        args.scenario,
        args.learner,
        episodes=args.episodes,
        seed=args.seed,
        policy_name=name,
        rounds=args.rounds,
        split=args.split,
        reward=args.reward,
        **args.options,
    )


def policy_of(args: Args, scenario: Scenario) -> tuple[Policy, str]:
    """Who acts, and how it is called in the data."""
    actions = TraderEnv(scenario, args.learner).action_names
    if args.policy == RULE:
        return StorageRule.of(scenario, actions), RULE
    if args.policy == RANDOM:
        return Random(len(actions), args.seed), RANDOM
    folder = policy_folder(Path(args.policy))
    if not folder.is_dir():
        raise InputError(
            f"--policy must be {RULE}, {RANDOM} or the folder of a trained policy; there is no "
            f"folder {args.policy} (scripted traders do not decide by actions, so they cannot be "
            "recorded)"
        )
    policy = LearnedPolicy.load(folder)
    facts = policy.description
    if facts.actions != actions:
        raise InputError(
            f"{folder} moves {', '.join(facts.actions)}, but {args.learner!r} has "
            f"{', '.join(actions)}; choose the learner it was trained for"
        )
    return policy, f"{facts.algorithm}, seed {facts.seed}, {facts.steps} steps"


def write(args: Args) -> tuple[EpisodeSource, str]:
    """Record the episodes where `args` says; returns them and their digest.

    Raises
    ------
    InputError
        If it does not name one place, or that is taken.
    MissingExtraError
        Without pyarrow or Minari.
    """
    if (args.output is None) == (args.minari is None):
        raise InputError(
            "say where to, once: --output data/rural.parquet or --minari decent_gym/rural-v0"
        )
    source = recording(args)
    console = Console(stderr=True)
    shown = args.progress and console.is_terminal
    with Progress(console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task("episodes", total=len(source))

        def show(done: int) -> None:
            bar.update(task, completed=done)

        if args.minari is not None:
            return source, write_minari(args.minari, source, on_episode=show)
        assert args.output is not None, "one of the two is named"
        return source, write_parquet(args.output, source, on_episode=show)


def main() -> None:
    """The command line."""
    args = tyro.cli(Args)
    try:
        source, digest = write(args)
    except DecentGymError as error:
        sys.exit(f"training.collect: {error}")
    place = args.output or args.minari
    Console().print(
        f"written: {place}\n{len(source)} episodes of {args.rounds} rounds by "
        f"{source.origin.policy}, digest {digest[:16]}...\n"
        f"clone it: python -m training.behaviour_cloning --data {place}",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
