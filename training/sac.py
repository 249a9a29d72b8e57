"""Train a trader with SAC, Stable-Baselines3's, on ``decent_gym/Trader-v0``.

    python -m training.sac --seed 1 --folder runs/sac-1

SAC learns from every round many times, out of a replay buffer: it needs fewer rounds than PPO and
more computing per round.  What decides the result stands here, in ``hyperparameters/sac.yml`` where
a scenario wants something else, and in ``learning_run.py`` as far as all algorithms share it.

Source: T. Haarnoja et al., "Soft actor-critic algorithms and applications", arXiv:1812.05905.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stable_baselines3 import SAC

from agents.learned import ACTIVATION_LAYERS
from training.arguments import run_script
from training.learning_run import LearningRun, RunArgs


@dataclass(frozen=True, kw_only=True)
class Args(RunArgs):
    """Train a trader with SAC."""

    folder: Path = Path("runs/sac")
    steps: int = 200_000

    learning_rate: float = 2e-3
    """falls linearly to 0 over the run"""
    buffer_size: int = 200_000
    """rounds that are remembered, over all environments"""
    learning_starts: int = 5_000
    """rounds of random actions before the first update"""
    train_freq: int = 8
    """rounds per environment between updates"""
    gradient_steps: int = 8
    """batches per update"""
    batch_size: int = 256
    gamma: float = 0.95
    """discount per round; short, because stored energy has its value in the reward at once"""
    tau: float = 0.01
    """share of the critics that their targets take over per batch"""
    ent_coef: float | Literal["auto"] = "auto"
    """what a nat of entropy is worth in normalised reward; auto: so that target_entropy is held"""
    target_entropy: float | Literal["auto"] = "auto"
    """nats, of all levers together; auto: -1 for each"""
    hidden: tuple[int, ...] = (64, 64)
    activation: Literal["tanh", "relu"] = "relu"


def train(args: Args) -> Path:
    """Train and return the folder of the policy; raises as :class:`LearningRun`."""
    with LearningRun(args, "sac") as run:
        model = SAC(
            "MlpPolicy",
            run.envs,
            learning_rate=lambda left: args.learning_rate * left,
            buffer_size=args.buffer_size,
            learning_starts=args.learning_starts,
            train_freq=args.train_freq,
            gradient_steps=args.gradient_steps,
            batch_size=args.batch_size,
            gamma=args.gamma,
            tau=args.tau,
            ent_coef=args.ent_coef,
            target_entropy=args.target_entropy,
            policy_kwargs={
                "net_arch": list(args.hidden),
                "activation_fn": ACTIVATION_LAYERS[args.activation],
            },
            tensorboard_log=run.tensorboard,
            seed=args.seed,
            device="cpu",
        )
        return run.learn(model)


if __name__ == "__main__":
    run_script(Args, "sac", train)
