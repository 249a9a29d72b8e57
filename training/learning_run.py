"""What all training scripts share: environments, checkpoints, validation, being stopped.

A script makes its model between ``with LearningRun(args, "ppo") as run`` and ``run.learn(model)``.
What comes out, under ``args.folder``:

    policy/         the best by score on the validation weeks; LearnedPolicy.load() reads it
    checkpoints/    the same kind of folder every so many steps; --resume continues from one
    tensorboard/    tensorboard --logdir runs
"""

import math
import shutil
import sys
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Final, Literal

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

import decent_gym
from agents.description import Description
from agents.learned import DESCRIPTION, LearnedPolicy, read_description
from agents.sb3_env import TraderVecEnv
from decent_gym import scenario as find_scenario
from decent_gym.errors import InputError
from training.checkpoints import CHECKPOINTS, restore, to_resume
from training.interruption import Interruption, Stopped
from training.watch import InterruptedTrainingError, Watch

SEEDS_APART: Final = 1_000_003
"""Episodes of runs with neighbouring seeds have nothing in common."""
SOFTWARE: Final = (
    "decent-gym", "stable-baselines3", "sb3-contrib", "torch", "gymnasium", "numpy"
)  # fmt: skip
BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "seed": (0, 2**32 - 1),
    "steps": (1, 10**12),
    "rounds": (1, math.inf),
    "n_envs": (1, 2**20),
    "torch_threads": (1, 1024),
    "validate_every": (0, math.inf),
    "checkpoint_every": (0, math.inf),
    "clip": (1e-6, 1e6),
    "learning_rate": (0, 1),
    "gamma": (0, 1),
    "batch_size": (2, 2**24),
    "n_steps": (2, 2**24),
    "n_epochs": (1, 10_000),
    "gae_lambda": (0, 1),
    "clip_range": (1e-6, math.inf),
    "ent_coef": (0, math.inf),
    "max_grad_norm": (1e-6, math.inf),
    "lstm": (1, 2_048),
    "buffer_size": (1, 10**9),
    "learning_starts": (0, 10**12),
    "train_freq": (1, 2**24),
    "gradient_steps": (1, 2**24),
    "tau": (1e-6, 1),
}
"""Of numbers among the arguments, both included."""


@dataclass(frozen=True, kw_only=True)
class RunArgs:
    """What every algorithm wants to know; each has an ``Args`` of its own that extends it."""

    scenario: str = "rural"
    """a name in SCENARIOS, or the path of a .toml file"""
    options: dict[str, int | str] = field(default_factory=dict)
    """keywords of the scenario: --options tariff time_of_use price_rule 0"""
    learner: str = "building_03"
    """the organization that learns"""
    folder: Path
    """where everything is written"""
    seed: int = 0
    """of networks, episodes and exploration"""
    steps: int
    """rounds of experience, over all environments"""
    resume: Path | None = None
    """a folder of checkpoints/ to continue from, or a run's for its newest, or auto: the newest in
    --folder, if there is one; --steps counts from the beginning"""

    reward: Literal["score", "money", "savings"] = "score"
    """savings (less what the round costs without flexibility) has the same optimum; here it did
    not learn faster"""
    rounds: int = 96
    """length of a training episode; 96 is a day"""
    n_envs: int = 8
    """environments side by side, each on days of its own"""
    gamma: float
    """discount per round"""
    hidden: tuple[int, ...]
    """widths of the hidden layers, policy and value network alike"""
    activation: Literal["tanh", "relu"]
    clip: float = 10.0
    """normalised observations and rewards lie within this"""

    validate_every: int = 30_000
    """steps between looks at the validation weeks; 0: never, and the last policy is kept"""
    checkpoint_every: int = 50_000
    """steps between checkpoints; 0: none but the last"""
    torch_threads: int = 1
    """of PyTorch; more are slower for networks as small as these, see docs/training.md"""
    progress: bool = True
    """a bar on stderr, if it is a terminal"""


class LearningRun:
    """Everything around one algorithm's learning; closes the environments at the end.

    Parameters
    ----------
    args : RunArgs
    algorithm : str
        As in :class:`agents.description.Description`.
    lstm : int
        Units of the recurrent layer; 0 without one.

    Attributes
    ----------
    envs : VecNormalize
        ``args.n_envs`` environments, for the model.
    tensorboard : str
        Where the model should log.

    Raises
    ------
    UnknownNameError
        For a misspelt scenario, learner or option.
    InputError
        For an argument out of its bounds.
    DataError
        If what ``args.resume`` names cannot be trusted or does not fit.
    """

    def __init__(self, args: RunArgs, algorithm: str, *, lstm: int = 0) -> None:
        check(args)
        torch.set_num_threads(args.torch_threads)
        self.args = args
        self.tensorboard = str(args.folder / "tensorboard")
        self._scenario = find_scenario(args.scenario, **args.options)
        self._checkpoint = to_resume(args.resume, args.folder)
        worlds = TraderVecEnv(
            args.n_envs, scenario=self._scenario, learner=args.learner, rounds=args.rounds,
            reward=args.reward,
        )  # fmt: skip
        self.envs = VecNormalize(
            VecMonitor(worlds),
            gamma=args.gamma, clip_obs=args.clip, clip_reward=args.clip,
        )  # fmt: skip
        actions = tuple(worlds.get_attr("action_names")[0])
        self._facts = describe(args, algorithm, lstm, self._scenario.digest, actions)

    def __enter__(self) -> "LearningRun":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.envs.close()

    def learn(self, model: BaseAlgorithm) -> Path:
        """Train until ``args.steps`` are done; returns the folder of the policy.

        Raises
        ------
        Stopped
            If a signal came; a checkpoint was written.
        """
        args = self.args
        best = self._resume(model)
        done = model.num_timesteps
        self.envs.seed(args.seed * SEEDS_APART + done)
        with Interruption() as interruption:
            watch = Watch(self._facts, self._scenario, args.folder, best, interruption)
            try:
                with watch.bar:
                    model.learn(
                        args.steps - done, callback=watch, tb_log_name=self._facts.algorithm,
                        reset_num_timesteps=not done,
                    )  # fmt: skip
            except InterruptedTrainingError:
                written = watch.write_checkpoint()
                raise Stopped(
                    f"stopped by {interruption.signal.name}, {written} written: "
                    f"{model.num_timesteps:,} of {args.steps:,} steps done",
                    interruption.signal,
                ) from None
        return watch.policy

    def _resume(self, model: BaseAlgorithm) -> float:
        """Go on from the checkpoint, if there is one, and say so; the validation score to beat."""
        checkpoint, args = self._checkpoint, self.args
        if checkpoint is None:
            if args.resume is not None:
                say(f"nothing to resume in {args.folder}, so this is the beginning")
            return -math.inf
        missing = restore(checkpoint, model, self.envs, self._facts)
        best = best_before(checkpoint, args.folder)
        known = "not known" if best is None else f"{best:.2f} EUR/week"
        done = f"{model.num_timesteps:,} of {args.steps:,} steps done"
        say(f"resumed {checkpoint}: {done}, best validation {known}{missing}")
        return -math.inf if best is None else best


def best_before(checkpoint: Path, folder: Path) -> float | None:
    """The validation score of the run's best policy, which is copied if the run moves."""
    policy = checkpoint.parent.parent / "policy"
    if checkpoint.parent.name != CHECKPOINTS or not (policy / DESCRIPTION).exists():
        return None
    best = read_description(policy).validation
    if best is not None and policy.resolve() != (folder / "policy").resolve():
        LearnedPolicy.load(policy)
        shutil.copytree(policy, folder / "policy", dirs_exist_ok=True)
    return best


def check(args: RunArgs) -> None:
    """Refuse numbers with which no algorithm works."""
    for name, (least, most) in BOUNDS.items():
        value = getattr(args, name, least)
        if isinstance(value, int | float) and not least <= value <= most:
            raise InputError(f"{name} must be from {least:g} to {most:g}, got {value}")


def describe(
    args: RunArgs, algorithm: str, lstm: int, digest: bytes, actions: tuple[str, ...]
) -> Description:
    """What will be written about the policy; steps and score are filled in when it is."""
    settings = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(args).items()}
    return Description(
        algorithm=algorithm,
        scenario=Path(args.scenario).name,
        options=args.options,
        scenario_digest=digest.hex(),
        learner=args.learner,
        observations=tuple(f.name for f in decent_gym.observation_fields()),
        actions=actions,
        hidden=args.hidden,
        lstm=lstm,
        activation=args.activation,
        clip=args.clip,
        epsilon=1e-8,
        steps=0,
        seed=args.seed,
        settings=settings,
        versions={name: installed(name) for name in SOFTWARE},
    )


def installed(package: str) -> str:
    """Its version, or that it runs from a checkout."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "checkout"


def say(text: str) -> None:
    """A line for people, beside the results."""
    print(text, file=sys.stderr)
