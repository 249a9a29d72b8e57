"""Train a trader with PPO, Stable-Baselines3's, on ``decent_gym/Trader-v0``.

    python -m training.ppo --seed 1 --folder runs/ppo-1

Everything that decides the result stands in this file.  What comes out, under ``--folder``:

    policy/         the best by score on the validation weeks; LearnedPolicy.load() reads it
    checkpoints/    the same kind of folder every so many steps; --resume continues from one
    tensorboard/    tensorboard --logdir runs

Source: J. Schulman et al., "Proximal policy optimization algorithms", arXiv:1707.06347.
"""

import sys
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

import decent_gym
from agents.description import Description
from agents.learned import (
    LearnedPolicy,
    read_description,
    read_normalisation,
    read_parameters,
    write_policy,
)
from agents.sb3_env import TraderVecEnv
from decent_gym import scenario as find_scenario
from decent_gym.errors import DataError, DecentGymError, InputError
from training.held_out import Cell, cells, score_learned

SEEDS_APART = 1_000_003
"""Episodes of runs with neighbouring seeds have nothing in common."""
SOFTWARE = ("decent-gym", "stable-baselines3", "torch", "gymnasium", "numpy")


@dataclass(frozen=True, kw_only=True)
class Args:
    """Train a trader with PPO."""

    scenario: str = "rural"
    """a name in SCENARIOS, or the path of a .toml file"""
    options: dict[str, int | str] = field(default_factory=dict)
    """keywords of the scenario: --options tariff time_of_use price_rule 0"""
    learner: str = "building_03"
    """the organization that learns"""
    folder: Path = Path("runs/ppo")
    """where everything is written"""
    seed: int = 0
    """of networks, episodes and exploration"""
    steps: int = 300_000
    """rounds of experience, over all environments"""
    resume: Path | None = None
    """a folder of checkpoints/ to continue from; --steps counts from the beginning"""

    reward: Literal["score", "money", "savings"] = "score"
    """savings (less what the round costs without flexibility) has the same optimum; here it did
    not learn faster"""
    rounds: int = 96
    """length of a training episode; 96 is a day"""
    n_envs: int = 8
    """environments side by side, each on days of its own"""

    learning_rate: float = 1e-3
    """falls linearly to 0 over the run"""
    n_steps: int = 192
    """rounds per environment between updates"""
    batch_size: int = 256
    n_epochs: int = 6
    """passes over the experience per update"""
    gamma: float = 0.9
    """discount per round; short, because stored energy has its value in the reward at once"""
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    ent_coef: float = 0.0
    max_grad_norm: float = 0.5
    hidden: tuple[int, ...] = (64, 64)
    """widths of the hidden layers, policy and value network alike"""
    activation: Literal["tanh", "relu"] = "tanh"
    log_std: float = 0.5
    """logarithm of the standard deviation of the first actions; large, because full power one way
    or the other is mostly best, and actions beyond 1 are clipped"""
    clip: float = 10.0
    """normalised observations and rewards lie within this"""

    validate_every: int = 30_000
    """steps between looks at the validation weeks; 0: never, and the last policy is kept"""
    checkpoint_every: int = 50_000
    """steps between checkpoints; 0: none but the last"""
    progress: bool = True
    """a bar on stderr, if it is a terminal"""


def train(args: Args) -> Path:
    """Train and return the folder of the policy.

    Raises
    ------
    UnknownNameError
        For a misspelt scenario, learner or option.
    DataError
        If what `resume` names cannot be trusted or does not fit.
    """
    torch.set_num_threads(1)  # two threads on two cores were 30 times slower
    scenario = find_scenario(args.scenario, **args.options)

    worlds = TraderVecEnv(
        args.n_envs, scenario=scenario, learner=args.learner, rounds=args.rounds,
        reward=args.reward,
    )  # fmt: skip
    normalised = VecNormalize(
        VecMonitor(worlds),
        gamma=args.gamma, clip_obs=args.clip, clip_reward=args.clip,
    )  # fmt: skip
    try:
        model = PPO(
            "MlpPolicy",
            normalised,
            learning_rate=lambda left: args.learning_rate * left,
            n_steps=args.n_steps,
            batch_size=args.batch_size,
            n_epochs=args.n_epochs,
            gamma=args.gamma,
            gae_lambda=args.gae_lambda,
            clip_range=args.clip_range,
            ent_coef=args.ent_coef,
            max_grad_norm=args.max_grad_norm,
            policy_kwargs={
                "net_arch": list(args.hidden),
                "activation_fn": {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[args.activation],
                "log_std_init": args.log_std,
            },
            tensorboard_log=str(args.folder / "tensorboard"),
            seed=args.seed,
            device="cpu",
        )
        actions = normalised.get_attr("unwrapped")[0].action_names
        facts = describe(args, scenario.digest, actions)
        done = 0
        if args.resume is not None:
            done = restore(args.resume, model, normalised, facts)
        normalised.seed(args.seed * SEEDS_APART + done)
        weeks = cells(scenario, "validation") if args.validate_every else []
        watch = Watch(args, facts, weeks)
        model.learn(
            args.steps - done, callback=watch, tb_log_name="ppo", reset_num_timesteps=not done
        )
        return watch.policy
    finally:
        normalised.close()


def describe(args: Args, digest: bytes, actions: tuple[str, ...]) -> Description:
    """What will be written about the policy; steps are filled in when it is."""
    settings = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(args).items()}
    return Description(
        algorithm="ppo",
        scenario=Path(args.scenario).name,
        options=args.options,
        scenario_digest=digest.hex(),
        learner=args.learner,
        observations=tuple(f.name for f in decent_gym.observation_fields()),
        actions=tuple(actions),
        hidden=args.hidden,
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


def restore(folder: Path, model: PPO, normalised: VecNormalize, facts: Description) -> int:
    """Fill model, optimiser and statistics from a checkpoint; returns the steps already done."""
    found = read_description(folder)
    for name in ("scenario_digest", "learner", "observations", "actions", "hidden", "activation"):
        if getattr(found, name) != getattr(facts, name):
            raise InputError(
                f"{folder} was trained with {name} {getattr(found, name)!r}, now it is "
                f"{getattr(facts, name)!r}; resume with the same"
            )
    if found.steps >= facts.settings["steps"]:
        raise InputError(
            f"{folder} has {found.steps} steps already; --steps counts from the beginning, "
            "so ask for more"
        )
    LearnedPolicy.load(folder)  # checks everything that acting needs
    parameters = read_parameters(folder)
    model.policy.load_state_dict(parameters["policy"], strict=True)
    restore_adam(model.policy.optimizer, parameters.get("policy.optimizer", {}))
    arrays = read_normalisation(folder, found)
    for statistics, name in ((normalised.obs_rms, "observation"), (normalised.ret_rms, "return")):
        statistics.mean = arrays[f"{name}_mean"].copy()
        statistics.var = arrays[f"{name}_variance"].copy()
        statistics.count = float(arrays[f"{name}_count"])
    model.num_timesteps = found.steps
    return found.steps


def restore_adam(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    """Adam's moments from a checkpoint; its settings stay those of this run."""
    now = optimizer.state_dict()
    shapes = [p.shape for group in optimizer.param_groups for p in group["params"]]
    states = saved.get("state")
    if states == {}:  # written before the first update
        return
    if not isinstance(states, dict) or states.keys() != set(range(len(shapes))):
        raise DataError("the checkpoint holds no state of the optimiser that fits the network")
    for at, shape in enumerate(shapes):
        moments = states[at]
        wanted = {"step": torch.Size(), "exp_avg": shape, "exp_avg_sq": shape}
        if not isinstance(moments, dict) or moments.keys() != wanted.keys():
            raise DataError(f"optimiser state {at} of the checkpoint is not Adam's")
        for name, tensor in moments.items():
            is_right = isinstance(tensor, torch.Tensor) and tensor.shape == wanted[name]
            if not is_right or not torch.isfinite(tensor).all():
                raise DataError(f"optimiser state {at}: {name} does not fit or is not finite")
    optimizer.load_state_dict({"state": states, "param_groups": now["param_groups"]})


class Watch(BaseCallback):
    """Validates, keeps the best policy, writes checkpoints, shows progress."""

    def __init__(self, args: Args, facts: Description, weeks: list[Cell]) -> None:
        super().__init__()
        self.args, self.facts, self.weeks = args, facts, weeks
        self.policy = args.folder / "policy"
        self.best = -np.inf
        self.scenario = find_scenario(args.scenario, **args.options)
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("PPO {task.fields[note]}"), BarColumn(), TaskProgressColumn(),
            TimeRemainingColumn(), console=console, transient=True,
            disable=not (args.progress and console.is_terminal),
        )  # fmt: skip

    def _on_training_start(self) -> None:
        self.seen = self.num_timesteps
        self.bar.start()
        self.task = self.bar.add_task("", total=self.args.steps, note="")

    def _on_step(self) -> bool:
        self.bar.update(self.task, completed=self.num_timesteps)
        return True

    def _on_rollout_end(self) -> None:
        """Between experience and update: what acted just now is what is judged and written."""
        args, now = self.args, self.num_timesteps
        if args.validate_every and now // args.validate_every > self.seen // args.validate_every:
            self._validate()
        if args.checkpoint_every and (
            now // args.checkpoint_every > self.seen // args.checkpoint_every
        ):
            self._write(args.folder / "checkpoints" / f"{now:09}")
        self.seen = now

    def _on_training_end(self) -> None:
        self._write(self.args.folder / "checkpoints" / f"{self.num_timesteps:09}")
        if self.weeks:
            self._validate()
        else:
            self._write(self.policy)
        self.bar.stop()

    def _validate(self) -> None:
        acting = LearnedPolicy(self._facts(), self.model.policy, self._statistics())
        scores = score_learned(acting, self.scenario, self.args.learner, self.weeks)["score"]
        score = float(scores.mean())
        self.logger.record("validation/score_eur_per_week", score)
        self.bar.update(self.task, note=f"{score:.2f} EUR/week")
        if score > self.best:
            self.best = score
            self._write(self.policy)

    def _write(self, folder: Path) -> None:
        write_policy(folder, self._facts(), self.model.get_parameters(), self._statistics())

    def _facts(self) -> Description:
        return replace(self.facts, steps=self.num_timesteps)

    def _statistics(self) -> dict[str, Any]:
        env = self.model.get_vec_normalize_env()
        assert env is not None, "train() wraps the environments"
        pairs = ((env.obs_rms, "observation"), (env.ret_rms, "return"))
        return {
            f"{name}_{what}": value
            for rms, name in pairs
            for what, value in (("mean", rms.mean), ("variance", rms.var), ("count", rms.count))
        }


def main() -> None:
    """The command line."""
    args = tyro.cli(Args)
    console = Console()
    try:
        policy = train(args)
    except DecentGymError as error:
        sys.exit(f"training.ppo: {error}")
    console.print(f"policy: {policy}\njudge it: python -m training.evaluate --runs {args.folder}")


if __name__ == "__main__":
    main()
