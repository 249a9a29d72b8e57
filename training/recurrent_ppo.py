"""Train a trader that remembers, with RecurrentPPO of sb3-contrib, on ``decent_gym/Trader-v0``.

    python -m training.recurrent_ppo --seed 1 --folder runs/recurrent_ppo-1

PPO with an LSTM before the hidden layers: it can remember what the observation does not show, such
as prices of the same hour of yesterday.  What decides the result stands here, in
``hyperparameters/recurrent_ppo.yml`` where a scenario wants something else, and in
``learning_run.py`` as far as all algorithms share it.

Source: as training/ppo.py; recurrent policies as in M. Pleines et al., "Generalization, mayhems and
limits in recurrent proximal policy optimization", arXiv:2205.11104.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sb3_contrib import RecurrentPPO

from agents.learned import ACTIVATION_LAYERS
from training.arguments import run_script
from training.learning_run import LearningRun, RunArgs


@dataclass(frozen=True, kw_only=True)
class Args(RunArgs):
    """Train a trader with RecurrentPPO."""

    folder: Path = Path("runs/recurrent_ppo")
    steps: int = 300_000
    n_envs: int = 32

    learning_rate: float = 1e-3
    """falls linearly to 0 over the run"""
    n_steps: int = 48
    """rounds per environment between updates; the LSTM learns through at most so many"""
    batch_size: int = 384
    """a batch costs n_steps steps of the LSTM one after the other, however many rows it has"""
    n_epochs: int = 6
    """passes over the experience per update"""
    gamma: float = 0.95
    """discount per round; short, because stored energy has its value in the reward at once"""
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    ent_coef: float = 0.0
    max_grad_norm: float = 0.5
    lstm: int = 64
    """units of the recurrent layer, policy and value network alike"""
    hidden: tuple[int, ...] = (64,)
    activation: Literal["tanh", "relu"] = "tanh"
    log_std: float = 0.5
    """logarithm of the standard deviation of the first actions; as for PPO"""


def train(args: Args) -> Path:
    """Train and return the folder of the policy; raises as :class:`LearningRun`."""
    with LearningRun(args, "recurrent_ppo", lstm=args.lstm) as run:
        model = RecurrentPPO(
            "MlpLstmPolicy",
            run.envs,
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
                "lstm_hidden_size": args.lstm,
                "net_arch": list(args.hidden),
                "activation_fn": ACTIVATION_LAYERS[args.activation],
                "log_std_init": args.log_std,
            },
            tensorboard_log=run.tensorboard,
            seed=args.seed,
            device="cpu",
        )
        return run.learn(model)


if __name__ == "__main__":
    run_script(Args, "recurrent_ppo", train)
