"""Stable-Baselines3's PPO on games of one round, thousands of them side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium
import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv

from training.truth.market import FloatArray


class Game(Protocol):
    """Types are dealt, everybody acts once, everybody is paid.

    ``rows`` is worlds x learners: all learners of all worlds share one network and are told apart
    by what they see.
    """

    rows: int
    observation_space: spaces.Box
    action_space: spaces.Space[Any]

    def deal(self) -> FloatArray:
        """What each learner sees, (rows, F)."""

    def play(self, actions: npt.NDArray[Any]) -> FloatArray:
        """What each learner earns, (rows,)."""


class OneRound(VecEnv):
    """A game as Stable-Baselines3's ``VecEnv``; every step ends an episode."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self.render_mode = None
        super().__init__(game.rows, game.observation_space, game.action_space)
        self._done = np.ones(game.rows, np.bool_)
        self._infos: list[dict[str, Any]] = [{} for _ in range(game.rows)]

    def reset(self) -> npt.NDArray[np.float32]:
        return self.game.deal().astype(np.float32)

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        rewards = self.game.play(self._actions).astype(np.float32)
        return self.reset(), rewards, self._done, self._infos

    def close(self) -> None:
        pass

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"{attr_name!r} cannot be set on worlds that share one core")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **words: Any) -> Any:
        raise AttributeError(f"{method_name!r} cannot be called on worlds that share one core")

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: Any = None
    ) -> Sequence[bool]:
        return [False for _ in self._get_indices(indices)]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of PPO; the same for every row that does not say otherwise."""

    updates: int = 300
    n_steps: int = 8
    """rounds between updates; the experience of an update is this times the worlds"""
    batches: int = 4
    """minibatches per pass"""
    n_epochs: int = 4
    learning_rate: float = 3e-3
    """falls linearly to 0"""
    hidden: tuple[int, ...] = (32, 32)
    log_std: float = -1.0
    """logarithm of the standard deviation of the first actions, of a range of 2"""
    ent_coef: float = 0.0
    normalize_advantage: bool = True


def train(game: Game, seed: int, **changes: Any) -> PPO:
    """Train one network on all learners of a game; `changes` are fields of :class:`Settings`."""
    torch.set_num_threads(1)
    settings = Settings(**changes)
    experience = settings.n_steps * game.rows
    box = isinstance(game.action_space, spaces.Box)
    model = PPO(
        "MlpPolicy",
        OneRound(game),
        learning_rate=lambda left: settings.learning_rate * left,
        n_steps=settings.n_steps,
        batch_size=experience // settings.batches,
        n_epochs=settings.n_epochs,
        gamma=0.0,
        ent_coef=settings.ent_coef,
        normalize_advantage=settings.normalize_advantage,
        policy_kwargs={
            "net_arch": list(settings.hidden),
            **({"log_std_init": settings.log_std} if box else {}),
        },
        seed=seed,
        device="cpu",
    )
    return model.learn(settings.updates * experience, log_interval=None)


def action(model: PPO, seen: FloatArray) -> npt.NDArray[Any]:
    """What the trained network does, without its noise."""
    chosen, _ = model.predict(seen.astype(np.float32), deterministic=True)
    return chosen
