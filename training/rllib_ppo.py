"""Train many organizations at once with PPO, RLlib's, on a Ray cluster.

    python -m training.rllib_ppo --runners 2 --folder runs/rllib
    python -m training.rllib_ppo --smoke

Every organization that owns a flexible device learns; those with the same devices share a policy,
unless ``--share nothing``.  What comes out, under ``--folder``:

    policies/<organization>/    what training.ppo writes too: LearnedPolicy.load() and
                                training.evaluate read it, without Ray
    checkpoints/<rounds>/       the same, and RLlib's own state; --resume continues from one

Source: J. Schulman et al., "Proximal policy optimization algorithms", arXiv:1707.06347.
"""

import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Literal

import ray
import torch
import tyro
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.policy.policy import PolicySpec
from ray.tune.registry import register_env
from rich.console import Console

import decent_gym
from agents.description import Description
from agents.learned import read_description, read_normalisation, write_policy
from agents.rllib_env import Statistics, TraderMultiAgentEnv, action_names, measure
from agents.rllib_module import TraderModule, as_stable_baselines, model_config
from decent_gym import Scenario
from decent_gym import scenario as find_scenario
from decent_gym.errors import DataError, DecentGymError, InputError
from training.cluster import join

ENVIRONMENT: Final = "decent_gym/Trader-parallel-v0"
MEASURED_ROUNDS: Final = 3072
"""Rounds of random actions from which observations get their scale: 32 days."""
SEEDS_APART: Final = 1_000_003
"""Episodes of runs with neighbouring seeds have nothing in common."""
STATE: Final = "rllib"
"""RLlib's part of a checkpoint."""
WHERE_ERRORS_ARE: Final = "their errors stand above and in Ray's logs"
SOFTWARE: Final = ("decent-gym", "ray", "torch", "gymnasium", "numpy")


@dataclass(frozen=True, kw_only=True)
class Args:
    """Train many organizations at once with PPO on a Ray cluster."""

    address: str | None = None
    """of a cluster: auto, HOST:PORT or ray://HOST:PORT; by default one is made on this machine"""
    runners: int = 2
    """processes that collect experience"""
    worlds: int = 8
    """districts side by side in each of them"""
    learners: int = 0
    """processes that learn; 0: this one does"""
    smoke: bool = False
    """a short run that shows that everything works: 12,288 rounds, each learnt from six times, two
    runners"""

    scenario: str = "rural"
    """a name in SCENARIOS, or the path of a .toml file"""
    options: dict[str, int | str] = field(default_factory=dict)
    """keywords of the scenario: --options tariff time_of_use price_rule 0"""
    organizations: tuple[str, ...] = ()
    """who learns; by default all that own a flexible device"""
    share: Literal["devices", "nothing"] = "devices"
    """organizations with the same devices share a policy, or everybody has one"""
    folder: Path = Path("runs/rllib")
    """where everything is written"""
    seed: int = 0
    """of networks, episodes and exploration"""
    steps: int = 150_000
    """rounds of experience, over all worlds"""
    resume: Path | None = None
    """a folder of checkpoints/ to continue from, your own: RLlib's state is pickled, and reading it
    runs what is in it; --steps counts from the beginning"""

    reward: Literal["score", "money", "savings"] = "score"
    rounds: int = 96
    """length of a training episode; 96 is a day"""
    learning_rate: float = 1e-3
    """falls linearly to 0 over the run"""
    batch: int = 1536
    """rounds between updates, over all worlds"""
    batch_size: int = 256
    """experience of single organizations per gradient step"""
    n_epochs: int = 2
    """passes over the experience per update, of the policy that has most of it; others make more"""
    gamma: float = 0.9
    """discount per round"""
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    ent_coef: float = 0.0
    max_grad_norm: float = 0.5
    hidden: tuple[int, ...] = (64, 64)
    """widths of the hidden layers, policy and value network alike"""
    activation: Literal["tanh", "relu"] = "tanh"
    log_std: float = 0.5
    """logarithm of the standard deviation of the first actions"""
    clip: float = 10.0
    """scaled observations lie within this"""
    checkpoint_every: int = 50_000
    """rounds between checkpoints; 0: none but the last"""
    progress: bool = True
    """a line per update on stderr"""

    def __post_init__(self) -> None:
        least = {"runners": 1, "worlds": 1, "learners": 0, "steps": 1, "batch": 1, "batch_size": 1,
                 "n_epochs": 1, "rounds": 1, "seed": 0, "checkpoint_every": 0}  # fmt: skip
        for name, low in least.items():
            if getattr(self, name) < low:
                raise InputError(f"{name} must be {low} or more, got {getattr(self, name)}")
        share = self.batch // max(1, self.learners)
        if self.batch_size > share:
            raise InputError(
                f"batch_size must be {share} or less, a learner's share of batch, got "
                f"{self.batch_size}"
            )
        if not self.hidden:
            raise InputError("hidden must name at least one layer, such as 64 64")
        if len(set(self.organizations)) < len(self.organizations):
            raise InputError(f"organizations holds a name twice: {self.organizations}")


@dataclass(frozen=True)
class Run:
    """What `args` come to.

    Attributes
    ----------
    policies : dict of str to str
        Organization to the policy that acts for it.
    statistics : dict of str to (mean, variance)
        By organization.
    facts : dict of str to Description
        By organization; steps are filled in when they are written.
    """

    args: Args
    policies: dict[str, str]
    statistics: dict[str, Statistics]
    facts: dict[str, Description]


def train(args: Args) -> dict[str, Path]:
    """Train and return the folders of the policies, by organization.

    Raises
    ------
    UnknownNameError
        For a misspelt scenario, organization or option.
    InputError
        If nobody answers at `address`, `folder` cannot be made, or what `resume` names is from
        another run.
    DecentGymError
        If the runners fail; Ray has shown their own errors before.
    """
    torch.set_num_threads(1)  # two threads on two cores were 30 times slower
    if args.smoke:
        args = replace(args, steps=12_288, n_epochs=6, runners=2, checkpoint_every=0)
    run = prepare(args)
    try:
        args.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # said before hours of training, not after
        raise InputError(f"folder {args.folder} cannot be made: {error}") from None
    join(args.address, args.runners + args.learners)
    try:
        register_env(ENVIRONMENT, TraderMultiAgentEnv)
        algorithm = build(run)
        try:
            for done in learn(run, algorithm, restore(run, algorithm)):
                if reached(args.checkpoint_every, done, args.batch):
                    checkpoint(run, algorithm, done)
            checkpoint(run, algorithm, done)
            return write_policies(run, algorithm, args.folder / "policies", done)
        finally:
            algorithm.stop()
            with suppress(OSError):  # RLlib makes a folder in the home folder, and leaves it empty
                Path(algorithm.logdir).rmdir()
    finally:
        ray.shutdown()


def prepare(args: Args) -> Run:
    """Everything that is known before a cluster is joined."""
    scenario = find_scenario(args.scenario, **args.options)
    names = args.organizations or tuple(m.name for m in scenario.members if m.flexible)
    actions = {name: action_names(scenario, name) for name in names}
    devices = {name: "-".join(actions[name][::2]) for name in names}
    policies = devices if args.share == "devices" else {name: name for name in names}
    facts = {name: describe(args, scenario, name, actions[name]) for name in names}
    market = decent_gym.parallel_env(
        scenario=scenario, learners=names, rounds=args.rounds, reward=args.reward
    )
    if args.resume is None:
        seed = args.seed * SEEDS_APART
        statistics = measure(market, policies, rounds=MEASURED_ROUNDS, seed=seed)
    else:
        statistics = {name: resumed(args, facts[name]) for name in names}
    return Run(args, policies, statistics, facts)


def configuration(run: Run) -> PPOConfig:
    """RLlib's own words for all this."""
    args, policies = run.args, run.policies
    where: dict[str, Any] = {"scenario": args.scenario, "options": args.options}
    if args.scenario.endswith(".toml"):  # which other machines may not have
        where = {"scenario": find_scenario(args.scenario, **args.options), "options": {}}
    worlds = args.runners * args.worlds
    config = PPOConfig().environment(
        ENVIRONMENT,
        env_config={
            **where,
            "learners": tuple(policies),
            "rounds": args.rounds,
            "reward": args.reward,
            "statistics": run.statistics,
            "clip": args.clip,
            "epsilon": next(iter(run.facts.values())).epsilon,
        },
        clip_actions=True,
        normalize_actions=False,
        disable_env_checking=True,
    )
    config.env_runners(
        num_env_runners=args.runners,
        num_envs_per_env_runner=args.worlds,
        rollout_fragment_length=math.ceil(args.batch / worlds),
    )
    config.learners(num_learners=args.learners)
    config.multi_agent(
        # in an order that is the same in every process, or seeds would mean nothing
        policies={policy: PolicySpec() for policy in sorted(set(policies.values()))},
        policy_mapping_fn=lambda organization, *_, **__: policies[organization],
    )
    config.rl_module(
        rl_module_spec=RLModuleSpec(
            module_class=TraderModule,
            model_config=model_config(args.hidden, args.activation, args.log_std),
        )
    )
    config.training(
        lr=[[0, args.learning_rate], [args.steps, 0.0]],
        train_batch_size_per_learner=math.ceil(args.batch / worlds)
        * worlds
        // max(1, args.learners),
        minibatch_size=args.batch_size,
        num_epochs=args.n_epochs,
        gamma=args.gamma,
        lambda_=args.gae_lambda,
        clip_param=args.clip_range,
        entropy_coeff=args.ent_coef,
        vf_loss_coeff=0.5,
        use_kl_loss=False,
        grad_clip=args.max_grad_norm,
    )
    return config.debugging(seed=args.seed * SEEDS_APART, log_level="ERROR")


def build(run: Run) -> Algorithm:
    """Start the runners and the learners."""
    try:
        return configuration(run).build_algo()
    except IndexError as error:  # what RLlib raises when it finds no runner alive
        raise DecentGymError(f"no runner came up; {WHERE_ERRORS_ARE}") from error


def learn(run: Run, algorithm: Algorithm, done: int) -> Iterator[int]:
    """Update until enough rounds are done; yields how many after each update."""
    console = Console(stderr=True, quiet=not run.args.progress, highlight=False)
    while done < run.args.steps:
        began = time.perf_counter()
        results = algorithm.train().get("env_runners", {})
        before, done = done, int(results.get("num_env_steps_sampled_lifetime", done))
        if done == before:
            raise DecentGymError(f"no runner brought experience; {WHERE_ERRORS_ARE}")
        speed = (done - before) / (time.perf_counter() - began)
        returns = results.get("agent_episode_returns_mean", {})
        scores = "  ".join(f"{name} {returns[name]:.2f}" for name in run.policies if returns)
        console.print(f"{done:>9,} rounds  {speed:>6,.0f}/s  EUR/episode: {scores}", soft_wrap=True)
        yield done


def describe(args: Args, scenario: Scenario, learner: str, actions: tuple[str, ...]) -> Description:
    """What will be written about a policy; steps are filled in when it is."""
    settings = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(args).items()}
    return Description(
        algorithm="ppo",
        scenario=Path(args.scenario).name,
        options=args.options,
        scenario_digest=scenario.digest.hex(),
        learner=learner,
        observations=tuple(f.name for f in decent_gym.observation_fields()),
        actions=actions,
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


def write_policies(run: Run, algorithm: Algorithm, folder: Path, steps: int) -> dict[str, Path]:
    """Write every organization's policy as training.ppo writes one; returns the folders."""
    weights: Mapping[str, Any] = algorithm.learner_group.get_weights()
    written = {}
    for name, policy in run.policies.items():
        mean, variance = run.statistics[name]
        normalisation = {
            "observation_mean": mean,
            "observation_variance": variance,
            "observation_count": MEASURED_ROUNDS,
            "return_mean": 0.0,  # returns are not scaled here
            "return_variance": 1.0,
            "return_count": 0.0,
        }
        parameters = {
            "policy": as_stable_baselines(weights[policy]),
            "policy.optimizer": {"state": {}, "param_groups": []},
        }
        facts = replace(run.facts[name], steps=steps)
        written[name] = write_policy(folder / name, facts, parameters, normalisation)
    return written


def checkpoint(run: Run, algorithm: Algorithm, done: int) -> None:
    """Write RLlib's state and the policies that it comes to."""
    folder = run.args.folder / "checkpoints" / f"{done:09}"
    algorithm.save_to_path(str((folder / STATE).resolve()))
    write_policies(run, algorithm, folder / "policies", done)


def reached(every: int, done: int, batch: int) -> bool:
    """Whether a multiple of `every` was passed in the last `batch`."""
    return every > 0 and done // every > (done - batch) // every


def resumed(args: Args, now: Description) -> Statistics:
    """The scale of observations of a checkpoint, if it is one of the same run."""
    assert args.resume is not None
    if not (args.resume / STATE).is_dir():
        raise DataError(
            f"{args.resume} holds no {STATE}/; give one of the folders in checkpoints/, such as "
            f"{args.resume / 'checkpoints' / '000050688'}"
        )
    folder = args.resume / "policies" / now.learner
    found = read_description(folder)
    for name in ("scenario_digest", "learner", "observations", "actions", "hidden", "activation"):
        if getattr(found, name) != getattr(now, name):
            raise InputError(
                f"{folder} was trained with {name} {getattr(found, name)!r}, now it is "
                f"{getattr(now, name)!r}; resume with the same"
            )
    if found.settings.get("share") != args.share:
        raise InputError(f"{folder} was trained with share {found.settings.get('share')!r}")
    if found.steps >= args.steps:
        raise InputError(
            f"{folder} has {found.steps} rounds already; --steps counts from the beginning, "
            "so ask for more"
        )
    arrays = read_normalisation(folder, found)
    return arrays["observation_mean"], arrays["observation_variance"]


def restore(run: Run, algorithm: Algorithm) -> int:
    """Continue from a checkpoint, if there is one; returns the rounds already done."""
    if run.args.resume is None:
        return 0
    algorithm.restore_from_path(str((run.args.resume / STATE).resolve()))
    first = next(iter(run.policies))
    return read_description(run.args.resume / "policies" / first).steps


def main() -> None:
    """The command line."""
    console = Console(soft_wrap=True, highlight=False)
    try:
        args = tyro.cli(Args)
        policies = train(args)
    except DecentGymError as error:
        sys.exit(f"training.rllib_ppo: {error}")
    for folder in policies.values():
        console.print(f"policy: {folder}")
    console.print(f"judge one: python -m training.evaluate --runs {next(iter(policies.values()))}")


if __name__ == "__main__":
    main()
