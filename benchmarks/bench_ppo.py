"""PPO on our environment against PPO on one that costs nothing: who limits whom.

Stable-Baselines3 through ``agents.sb3_env.TraderVecEnv`` and ``VecNormalize``, net 64-64, torch on
one thread.  The free environment is the same adapter over a core that hands out arrays made
beforehand, with the same spaces, infos and ends of episodes.
Run: ``python -m benchmarks.bench_ppo [--quick] [--write docs/benchmarks.md]``
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from agents.sb3_env import TraderVecEnv
from benchmarks.report import Aim, Report, Table, main
from benchmarks.timing import Time, alternated, clock
from benchmarks.worlds import ROUNDS, district, random_actions
from decent_gym.envs import TraderVectorEnv

ORGANIZATIONS = 20


@dataclass(frozen=True)
class Setting:
    """Worlds, and what PPO does with them."""

    name: str
    worlds: int
    n_steps: int
    batch_size: int
    n_epochs: int
    rollouts: int
    """In a timed run."""


SETTINGS = (
    Setting("256 worlds, batch 512, 4 epochs", 256, 32, 512, 4, 2),
    Setting("8 worlds, batch 256, 6 epochs", 8, 192, 256, 6, 1),
)
TRIAL = (Setting("8 worlds, batch 64, 1 epoch", 8, 8, 64, 1, 1),)


class FreeCore:
    """A vector environment whose steps cost nothing: one day of a real one, over and over."""

    render_mode = None

    def __init__(self, real: TraderVectorEnv) -> None:
        self.single_observation_space = real.single_observation_space
        self.single_action_space = real.single_action_space
        self.worlds = real.worlds
        self._reset = real.reset(seed=0)
        actions = random_actions(real.action_space.shape)
        self._steps = [real.step(action) for action in actions]
        self._at = 0

    def reset(self, **kwargs: Any) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """The day from its beginning."""
        self._at = 0
        return self._reset

    def step(self, actions: npt.ArrayLike) -> Any:
        """What the real one answered in this round of the day."""
        answer = self._steps[self._at]
        self._at = (self._at + 1) % ROUNDS
        return answer

    def close(self) -> None:
        """Nothing to close."""


class Watched:
    """A core whose steps are timed."""

    def __init__(self, core: TraderVectorEnv | FreeCore) -> None:
        self.core = core
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.core, name)

    def step(self, actions: npt.ArrayLike) -> Any:
        """Step the core."""
        start = time.perf_counter()
        answer = self.core.step(actions)
        self.seconds += time.perf_counter() - start
        return answer


def learner(setting: Setting, threads: int) -> tuple[Callable[[], Time], Watched]:
    """PPO that learns for some rollouts when called, and its environment; 0 threads: the free."""
    scenario, name = district(ORGANIZATIONS)
    env = TraderVecEnv(
        setting.worlds, scenario=scenario, learner=name, threads=max(threads, 1)
    )  # fmt: skip
    watched = Watched(env.core if threads else FreeCore(env.core))
    env.core = watched  # type: ignore[assignment]
    model = PPO(
        "MlpPolicy",
        VecNormalize(env),
        n_steps=setting.n_steps,
        batch_size=setting.batch_size,
        n_epochs=setting.n_epochs,
        policy_kwargs={"net_arch": [64, 64]},
        seed=0,
        device="cpu",
    )
    steps = setting.worlds * setting.n_steps * setting.rollouts
    return lambda: clock(lambda: model.learn(steps, reset_num_timesteps=False)), watched


def measure(runs: int, quick: bool) -> Report:
    """One table; the threads are the environment's."""
    torch.set_num_threads(1)
    rows: list[list[Any]] = []
    for setting in TRIAL if quick else SETTINGS:
        tasks = {threads: learner(setting, threads) for threads in (1, 2, 0)}
        spent: dict[int, list[float]] = {threads: [] for threads in tasks}
        noting = {threads: _noting(*tasks[threads], spent[threads]) for threads in tasks}
        found = alternated(noting, runs)
        steps = setting.worlds * setting.n_steps * setting.rollouts
        free = steps / found[0].wall
        for threads in tasks:
            rate = steps / found[threads].wall
            share = float(np.median(spent[threads][1:]))
            kind = f"ours, {threads} thread{'s' * (threads > 1)}" if threads else "free"
            cpu = found[threads].cpu / steps * 1e6
            rows.append([setting.name, kind, rate, cpu, rate / free, share])
    columns = {
        "PPO": "",
        "environment": "",
        "steps/s": ",.0f",
        "µs of CPU": ",.1f",
        "of the free one's": ".0%",
        "environment's share of the time": ".0%",
    }
    aims = [
        Aim(f"PPO, {name}, {kind}: share of the free one's steps/s", share, at_least=0.8)
        for name, kind, _, _, share, _ in rows[:2]
    ]
    packages = ("numpy", "numba", "gymnasium", "stable-baselines3", "torch")
    return Report([Table("ppo", columns, rows)], aims, packages)


def _noting(task: Callable[[], Time], watched: Watched, shares: list[float]) -> Callable[[], Time]:
    """The task, and the share of its time that the environment took, appended to `shares`."""

    def run() -> Time:
        before = watched.seconds
        found = task()
        shares.append((watched.seconds - before) / found.wall)
        return found

    return run


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
