"""A battery that takes prices as they come, in the whole environment, against its optimum."""

from collections.abc import Sequence

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnvWrapper, VecNormalize
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from agents.sb3_env import TraderVecEnv
from decent_gym import Scenario
from decent_gym.envs import TraderVectorEnv
from decent_gym.scenarios import Splits
from decent_gym.units import ROUNDS_PER_DAY
from training.truth.checks import Check, Setting, at_most, within
from training.truth.price_taker import (
    EUR,
    HOURLY,
    LEARNER,
    ONE_DAY,
    QUARTERS,
    TEN_WEEKS,
    Case,
    follow,
    optimum,
    scenario,
)

WORLDS = 32
SEEDS_APART = 1_000_003
TEST_WEEKS = (2, 7)
FIXED = {"hourly": HOURLY, "quarter-hours": QUARTERS, "a day": ONE_DAY}


class LastRound(VecEnvWrapper):
    """What is stored at the end is lost, and the learner may know: no value beyond the horizon."""

    def reset(self) -> VecEnvObs:
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        seen, rewards, dones, infos = self.venv.step_wait()
        for world in np.flatnonzero(dones):
            infos[world]["TimeLimit.truncated"] = False
        return seen, rewards, dones, infos


class Trained:
    """PPO on a scenario's training days, normalised as it was trained."""

    def __init__(self, district: Scenario, rounds: int, seed: int, steps: int) -> None:
        torch.set_num_threads(1)
        self.district, self.rounds = district, rounds
        worlds = TraderVecEnv(
            WORLDS, scenario=district, learner=LEARNER, rounds=rounds, reward="money"
        )
        self.normalised = VecNormalize(LastRound(worlds), gamma=1.0)
        self.normalised.seed(seed * SEEDS_APART)
        n_steps = ROUNDS_PER_DAY // rounds * rounds
        self.model = PPO(
            "MlpPolicy",
            self.normalised,
            learning_rate=lambda left: 1e-3 * left,
            n_steps=n_steps,
            batch_size=WORLDS * n_steps // 8,
            n_epochs=6,
            gamma=1.0,
            policy_kwargs={"net_arch": [64, 64], "log_std_init": 0.0},
            seed=seed,
            device="cpu",
        )
        self.model.learn(steps, log_interval=None)
        self.normalised.training = False

    def earns(self, start: int) -> float:
        """In the episode that begins there, without noise, EUR/MWh x kWh."""
        env = TraderVectorEnv(1, self.district, LEARNER, rounds=self.rounds)
        seen, _ = env.reset(seed=0, options={"start": start})
        for _ in range(self.rounds):
            chosen, _ = self.model.predict(self.normalised.normalize_obs(seen), deterministic=True)
            seen, _, _, _, infos = env.step(chosen)
        return float(infos["final_info"]["score"][0]) * EUR


def fixed_plan() -> float:
    """What the best plan for the mean training day earns on unseen days, of their optimum."""
    every = TEN_WEEKS.prices.reshape(-1, ROUNDS_PER_DAY)
    unseen = [day for week in TEST_WEEKS for day in range(7 * week, 7 * week + 7)]
    _, plan = optimum(TEN_WEEKS, np.delete(every, unseen, axis=0).mean(axis=0))
    best = sum(optimum(TEN_WEEKS, every[day])[0] for day in unseen)
    return float(sum(-plan @ every[day] for day in unseen) / best)


def core() -> list[Check]:
    checks = []
    for name, case in (("hourly", HOURLY), ("quarter-hours", QUARTERS)):
        best, plan = optimum(case, case.prices)
        paid = follow(case, plan)
        checks.append(within(f"optimum, {name}", case.optimum or 0, 0.01, [best], "HiGHS"))
        low, high, how = 0.998 * best, best + 1e-6, "one episode"
        checks.append(Check(f"paid for that plan, {name}", best, low, high, (paid,), how))
    blind = fixed_plan()
    return [*checks, at_most("unseen days, the same plan every day", 0.85, [blind], "HiGHS")]


def learn(seeds: Sequence[int]) -> list[Check]:
    fixed = {name: [_fixed(case, seed) for seed in seeds] for name, case in FIXED.items()}
    unseen = [_unseen(seed) for seed in seeds]
    return [
        *(Check(f"{name} / optimum", 1, 0.95, 1, tuple(x), "PPO") for name, x in fixed.items()),
        Check("unseen days / optimum", 1, 0.85, 1, tuple(share for share, _ in unseen), "PPO"),
        at_most("the best of them", 1, [best for _, best in unseen], "PPO"),
    ]


def _fixed(case: Case, seed: int) -> float:
    district = scenario(case, Splits((), ()))
    trained = Trained(district, len(case.prices), seed, 300_000)
    return trained.earns(0) / optimum(case, case.prices)[0]


def _unseen(seed: int) -> tuple[float, float]:
    """Share of the optimum over two weeks that training never sees, and of the best day."""
    district = scenario(TEN_WEEKS, Splits((), TEST_WEEKS))
    trained = Trained(district, ROUNDS_PER_DAY, seed, 600_000)
    starts = [
        int(start) for start in district.splits.starts("test", district.rounds, ROUNDS_PER_DAY)
    ]
    earned = np.array([trained.earns(start) for start in starts])
    best = np.array(
        [optimum(TEN_WEEKS, TEN_WEEKS.prices[start : start + 96])[0] for start in starts]
    )
    return float(earned.sum() / best.sum()), float((earned / best).max())


SETTINGS = (
    Setting(
        "battery",
        "price taker: the linear programme's optimum; 20,120 and 242.45 for the two short series",
        core,
        learn,
    ),
)
