"""Clone a recorded policy: learn its actions from what it saw, without the environment.

    python -m training.behaviour_cloning --data data/rural.parquet --folder runs/bc-0

Plain regression into the network of training.ppo, so the clone is a policy like any other: judge it
with training.evaluate, act with LearnedPolicy.  Whole episodes are set aside to know when to stop.

Source: D. A. Pomerleau, "ALVINN: an autonomous land vehicle in a neural network", NIPS 1988.
"""

import copy
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import tyro
from rich.console import Console
from rich.progress import Progress, TextColumn
from stable_baselines3.common.policies import ActorCriticPolicy

import decent_gym
from agents.description import Description
from agents.learned import build_network, write_policy
from decent_gym.errors import DataError, DecentGymError, InputError
from decent_gym.offline import (
    Episode,
    EpisodeSource,
    Origin,
    content_digest,
    read_minari,
    read_parquet,
)
from training.learning_run import SOFTWARE, installed

MOST_ROWS = 5_000_000
"""In memory at once, about 4 GB."""
LOSSES = {"l1": torch.nn.functional.l1_loss, "mse": torch.nn.functional.mse_loss}
FloatArray = npt.NDArray[np.float64]
Pair = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Args:
    """Clone a recorded policy."""

    data: str
    """the .parquet file or the name of the Minari data set that training.collect wrote"""
    folder: Path = Path("runs/bc")
    """where the policy is written"""
    seed: int = 0
    """of the network, the episodes set aside and the order of the data"""

    loss: Literal["l1", "mse"] = "l1"
    """l1 learns medians, mse means; where the teacher does all or nothing, a mean is neither"""
    learning_rate: float = 1e-3
    batch_size: int = 256
    epochs: int = 200
    """at most"""
    patience: int = 20
    """epochs without a better validation loss after which it stops"""
    validation_share: float = 0.2
    """of the episodes"""
    hidden: tuple[int, ...] = (64, 64)
    """widths of the hidden layers"""
    activation: Literal["tanh", "relu"] = "relu"
    clip: float = 10.0
    """normalised observations lie within this"""
    progress: bool = True
    """a bar on stderr, if it is a terminal"""


@dataclass(frozen=True, slots=True)
class Clone:
    """What came out.

    Attributes
    ----------
    policy : Path
    training, validation : tuple of float
        Losses after every epoch.
    best : int
        Number of the epoch that was kept, from 0.
    constant : float
        Validation loss of the best constant action: what a clone must be far below.
    """

    policy: Path
    training: tuple[float, ...]
    validation: tuple[float, ...]
    best: int
    constant: float


def clone(args: Args) -> Clone:
    """Train as `args` says.

    Raises
    ------
    InputError
        If there are no such data, fewer than two episodes, or an argument is out of range.
    DataError
        If the data are damaged, or their observations are not this version's.
    MissingExtraError
        Without pyarrow, or Minari for its data sets.
    """
    torch.set_num_threads(1)  # more are slower on so small a network
    source = open_data(args.data)
    check(args, source)
    episodes = list(source)
    order = np.random.default_rng(args.seed).permutation(len(episodes))
    aside = max(1, round(args.validation_share * len(episodes)))
    watching = [episodes[at] for at in order[:aside]]
    learning = [episodes[at] for at in order[aside:]]

    mean, variance = statistics(learning)
    facts = describe(args, source.origin, content_digest(source.origin, episodes))
    facts = replace(facts, steps=len(learning) * source.origin.rounds)
    scale = np.sqrt(variance + facts.epsilon)
    pairs = [tensors(part, mean, scale, args.clip) for part in (learning, watching)]
    torch.manual_seed(args.seed)
    network = build_network(facts)
    training, validation, best = fit(network, *pairs, args)
    folder = write_policy(
        args.folder / "policy",
        facts,
        {"policy": network.state_dict()},
        {
            "observation_mean": mean,
            "observation_variance": variance,
            "observation_count": float(facts.steps),
            "return_mean": 0.0,
            "return_variance": 1.0,
            "return_count": 0.0,
        },
    )
    return Clone(folder, training, validation, best, constant_loss(*pairs, args.loss))


def describe(args: Args, origin: Origin, digest: str) -> Description:
    """What is written about the clone; ``settings`` say what it was cloned from."""
    settings = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(args).items()}
    return Description(
        algorithm="behaviour_cloning",
        scenario=origin.scenario,
        options=origin.options,
        scenario_digest=origin.scenario_digest,
        learner=origin.learner,
        observations=origin.observations,
        actions=origin.actions,
        hidden=args.hidden,
        activation=args.activation,
        clip=args.clip,
        epsilon=1e-8,
        steps=0,
        seed=args.seed,
        settings={**settings, "teacher": origin.policy, "data_digest": digest},
        versions={name: installed(name) for name in SOFTWARE},
    )


def statistics(episodes: Sequence[Episode]) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of all observations that an action was decided on."""
    seen = np.concatenate([episode.observations[:-1] for episode in episodes])
    return seen.mean(axis=0, dtype=np.float64), seen.var(axis=0, dtype=np.float64)


def tensors(episodes: Sequence[Episode], mean: FloatArray, scale: FloatArray, clip: float) -> Pair:
    """Normalised observations (n, F) and actions (n, A)."""
    seen = np.concatenate([episode.observations[:-1] for episode in episodes])
    normal = np.clip((seen - mean) / scale, -clip, clip).astype(np.float32)
    actions = np.concatenate([episode.actions for episode in episodes])
    return torch.from_numpy(normal), torch.from_numpy(actions)


def open_data(data: str) -> EpisodeSource:
    """A Parquet file if it is called one, else a Minari data set."""
    return read_parquet(data) if data.endswith(".parquet") else read_minari(data)


def check(args: Args, source: EpisodeSource) -> None:
    """Refuse what cannot be learnt from, or not as `args` says, before anything is read."""
    for name in ("learning_rate", "batch_size", "epochs", "patience", "clip"):
        if not getattr(args, name) > 0:
            raise InputError(f"{name} must be above 0, got {getattr(args, name)}")
    if not 0 < args.validation_share <= 0.5:
        raise InputError(f"validation_share must be in (0, 0.5], got {args.validation_share}")
    if len(source) < 2:
        raise InputError(f"{args.data} holds {len(source)} episode; two are needed, more are wise")
    rows = len(source) * source.origin.rounds
    if rows > MOST_ROWS:
        raise InputError(
            f"{args.data} holds {rows} rounds, which would fill the memory; at most {MOST_ROWS}"
        )
    fields = tuple(field.name for field in decent_gym.observation_fields())
    if source.origin.observations != fields:
        raise DataError(
            f"{args.data}: its observations are not those of this version (written by "
            f"{source.origin.software}); collect it again"
        )


def fit(
    network: ActorCriticPolicy, learning: Pair, watching: Pair, args: Args
) -> tuple[tuple[float, ...], tuple[float, ...], int]:
    """Fit the network's actor in place; keeps the weights of the best validation loss.

    Returns
    -------
    tuple
        Training and validation losses by epoch, and the best epoch.
    """
    actor = [*network.mlp_extractor.policy_net.parameters(), *network.action_net.parameters()]
    optimizer = torch.optim.Adam(actor, lr=args.learning_rate)
    order = torch.Generator().manual_seed(args.seed)
    training: list[float] = []
    validation: list[float] = []
    best, kept = 0, {}
    console = Console(stderr=True)
    shown = args.progress and console.is_terminal
    columns = (*Progress.get_default_columns(), TextColumn("validation loss {task.fields[loss]}"))
    with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task("epochs", total=args.epochs, loss="")
        for epoch in range(args.epochs):
            batches = torch.randperm(len(learning[0]), generator=order).split(args.batch_size)
            training.append(improve(network, optimizer, learning, batches, LOSSES[args.loss]))
            with torch.no_grad():
                loss = LOSSES[args.loss](acts(network, watching[0]), watching[1])
            validation.append(loss.item())
            if epoch == 0 or validation[epoch] < validation[best]:
                best, kept = epoch, copy.deepcopy(network.state_dict())
            bar.update(task, completed=epoch + 1, loss=f"{validation[best]:.4f}")
            if epoch - best >= args.patience:
                break
    if not math.isfinite(validation[best]):
        raise InputError(f"the loss is {validation[best]}; lower --learning-rate")
    network.load_state_dict(kept)
    return tuple(training), tuple(validation), best


def improve(
    network: ActorCriticPolicy,
    optimizer: torch.optim.Optimizer,
    learning: Pair,
    batches: Sequence[torch.Tensor],
    measure: Callable[..., torch.Tensor],
) -> float:
    """One epoch; returns its mean loss."""
    total = 0.0
    for rows in batches:
        loss = measure(acts(network, learning[0][rows]), learning[1][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(learning[0])


def acts(network: ActorCriticPolicy, observations: torch.Tensor) -> torch.Tensor:
    """The network's actions, before they are clipped."""
    return network.action_net(network.mlp_extractor.forward_actor(observations))


def constant_loss(learning: Pair, watching: Pair, loss: str) -> float:
    """Validation loss of the constant action that is best on the training episodes."""
    actions = learning[1]
    constant = actions.median(dim=0).values if loss == "l1" else actions.mean(dim=0)
    return LOSSES[loss](constant.expand_as(watching[1]), watching[1]).item()


def main() -> None:
    """The command line."""
    args = tyro.cli(Args)
    try:
        found = clone(args)
    except DecentGymError as error:
        sys.exit(f"training.behaviour_cloning: {error}")
    Console().print(
        f"validation loss ({args.loss}) {found.validation[found.best]:.4f} after "
        f"{found.best + 1} epochs, of the best constant action {found.constant:.4f}\n"
        f"policy: {found.policy}\n"
        f"judge it: python -m training.evaluate --runs {args.folder}",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
