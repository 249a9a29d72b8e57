"""Measure the pitfalls of docs/pitfalls.md on the test weeks of a scenario.

    python -m training.pitfalls
    python -m training.pitfalls --train --folder runs/pitfalls

The second trains PPO twice, on all training weeks and on one, which takes some minutes.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tyro
from rich.console import Console
from rich.table import Table

from agents.observed import Observed
from agents.rolling_horizon import RollingHorizon
from agents.storage_rule import StorageRule
from decent_gym import SCENARIOS, Scenario
from decent_gym import scenario as find_scenario
from decent_gym.envs import TraderEnv, scripted_prices
from decent_gym.errors import DecentGymError
from decent_gym.scenarios import Member, Splits
from decent_gym.units import MICRO_EUR_PER_EUR, ROUNDS_PER_DAY
from training.held_out import ROUNDS_PER_WEEK, Cell, Policy, cells, score_learned, score_scripted

FloatArray = npt.NDArray[np.float64]
NOTHING = "no_flexibility"
LAST_ROUNDS = 12
ONE_WEEK = "rural_one_week"
TRAINING_WEEK = 10


@dataclass(frozen=True, kw_only=True)
class Args:
    """Measure the pitfalls."""

    scenario: str = "rural"
    """a name in SCENARIOS, or a .toml file"""
    learner: str = "building_03"
    """the organization"""
    train: bool = False
    """train PPO as well, to measure overfitting; needs the extra train, and rural"""
    steps: int = 150_000
    """of each training run"""
    folder: Path = Path("runs/pitfalls")
    """where trained policies go"""


def price_shares(scenario: Scenario, learner: str, these: Sequence[Cell]) -> list[list[str]]:
    """Which share of rounds clears exactly at a tariff, and which at the commonest other price."""
    rows = []
    for traders, shown in ((None, "as the scenario says"), (NOTHING, "all no_flexibility")):
        prices = scripted_prices(
            scenario, learner, NOTHING, traders=traders, rounds=ROUNDS_PER_WEEK,
            starts=[cell.start for cell in these], seeds=[cell.seed for cell in these],
        )  # fmt: skip
        tariffs = np.stack([scenario.tariffs[c.start : c.start + ROUNDS_PER_WEEK] for c in these])
        for commodity, name in enumerate(("electricity", "heat")):
            price = np.rint(prices[..., commodity] * MICRO_EUR_PER_EUR)
            at = [price == tariffs[:, :, commodity, column] for column in (0, 1)]
            values, counts = np.unique(price[~(at[0] | at[1])], return_counts=True)
            other = "none"
            if len(values):
                best = counts.argmax()
                share = counts[best] / price.size
                other = f"{values[best] / MICRO_EUR_PER_EUR:.3f}: {share:.0%}"
            rows.append([shown, name, *(f"{share.mean():.0%}" for share in at), other])
    return rows


class Emptying:
    """The storage rule, but everything is sold in the last rounds of a day, at any price."""

    def __init__(self, rule: StorageRule) -> None:
        self._rule, self._round = rule, 0

    def predict(self, obs: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Actions (n, A); counts its calls, so it acts in one episode only."""
        chosen = self._rule.predict(obs)
        self._round += 1
        if self._round > ROUNDS_PER_DAY - LAST_ROUNDS:
            chosen = np.full_like(chosen, -1)
        return chosen


def end_of_episode(scenario: Scenario, learner: str, these: Sequence[Cell]) -> list[list[str]]:
    """What emptying all stores at the end of a day brings, by either reward."""
    names = TraderEnv(scenario, learner).action_names
    rule = StorageRule.of(scenario, names)
    rows = []
    for policy, shown in ((rule, "storage rule"), (Emptying(rule), "and sells out at the end")):
        totals = score_learned(policy, scenario, learner, these, rounds=ROUNDS_PER_DAY)
        money = sum(totals[term] for term in ("trade", "imbalance", "fuel", "fee"))
        rows.append([shown, f"{np.mean(money):.2f}", f"{totals['score'].mean():.2f}"])
    return rows


class Peeking(RollingHorizon):
    """The controller, but it knows the prices of a recorded run in advance."""

    def __init__(self, scenario: Scenario, learner: str, prices: FloatArray) -> None:
        super().__init__(scenario, learner)
        self._known, self._round, self._row = prices, 0, 0

    def predict(self, obs: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Actions (n, A), row i in the episode that ``prices[i]`` were recorded in."""
        self._row = 0
        chosen = super().predict(obs)
        self._round += 1
        return chosen

    def _expected(self, seen: Observed) -> tuple[FloatArray, FloatArray]:
        at = self._round + np.rint(self._middles).astype(int)
        prices = self._known[self._row, np.minimum(at, self._known.shape[1] - 1)]
        self._row += 1
        return prices[:, 0], prices[:, 1]


def recorded(policy: Policy, scenario: Scenario, learner: str, these: Sequence[Cell]) -> FloatArray:
    """Prices (cells, rounds, C), EUR/kWh, of weeks in which `policy` acts."""
    envs = [TraderEnv(scenario, learner, rounds=ROUNDS_PER_WEEK) for _ in these]
    seen = np.stack([
        env.reset(seed=cell.seed, options={"start": cell.start})[0]
        for env, cell in zip(envs, these, strict=True)
    ])  # fmt: skip
    prices = np.zeros((len(these), ROUNDS_PER_WEEK, 2))
    for t in range(ROUNDS_PER_WEEK):
        for i, (env, action) in enumerate(zip(envs, policy.predict(seen), strict=True)):
            seen[i], _, _, _, info = env.step(action)
            prices[i, t] = [np.nan if p is None else p for p in info["price"].values()]
    return prices


def hidden_neighbours(scenario: Scenario, learner: str, these: Sequence[Cell]) -> list[list[str]]:
    """What it is worth to know what the neighbours will do."""
    plain = RollingHorizon(scenario, learner)
    own = recorded(plain, scenario, learner, these)
    quiet = scripted_prices(
        scenario, learner, NOTHING, rounds=ROUNDS_PER_WEEK,
        starts=[cell.start for cell in these], seeds=[cell.seed for cell in these],
    )  # fmt: skip
    rows = []
    for policy, shown in (
        (plain, "rolling horizon, on its observation"),
        (Peeking(scenario, learner, own), "knowing the prices of that run"),
        (Peeking(scenario, learner, quiet), "knowing the prices without its trades"),
    ):
        score = score_learned(policy, scenario, learner, these)["score"].mean()
        rows.append([shown, f"{score:.2f}"])
    return rows


def overfitting(args: Args) -> tuple[list[list[str]], list[list[str]]]:
    """What PPO gains over doing nothing by weeks, and by buildings with the same devices."""
    from agents.learned import LearnedPolicy
    from training.ppo import Args as Training
    from training.ppo import train

    whole = find_scenario("rural")
    if ONE_WEEK not in SCENARIOS:
        others = tuple(week for week in range(52) if week != TRAINING_WEEK)
        SCENARIOS.add(ONE_WEEK, lambda: replace(whole, splits=Splits((), others)))
    known = cells(whole, "train")
    grid = (known[::5], [c for c in known if c.week == TRAINING_WEEK], cells(whole, "test"))
    policies: dict[str, Policy] = {
        shown: LearnedPolicy.load(
            train(Training(folder=args.folder / name, scenario=name, learner=args.learner,
                           steps=args.steps, validate_every=0))
        )
        for name, shown in (("rural", "PPO, all training weeks"), (ONE_WEEK, "PPO, one week"))
    }  # fmt: skip
    names = TraderEnv(whole, args.learner).action_names
    policies["storage rule"] = rule = StorageRule.of(whole, names)
    weeks = [
        [shown, *(_gain(policy, whole, args.learner, these) for these in grid)]
        for shown, policy in policies.items()
    ]
    own = whole.members[whole.index(args.learner)]
    alike = [m.name for m in whole.members if _devices(m) == _devices(own)]
    ppo = next(iter(policies.values()))
    buildings = [
        [name, *(_gain(policy, whole, name, grid[-1]) for policy in (ppo, rule))] for name in alike
    ]
    return weeks, buildings


def _gain(policy: Policy, scenario: Scenario, learner: str, these: Sequence[Cell]) -> str:
    mine = score_learned(policy, scenario, learner, these)["score"]
    return f"{(mine - score_scripted(NOTHING, scenario, learner, these)['score']).mean():+.2f}"


def _devices(member: Member) -> tuple[bool, ...]:
    return tuple(
        getattr(member, name) is not None
        for name in ("battery", "heat_pump", "thermal_store", "chp", "boiler")
    )


def main() -> None:
    """The command line."""
    args = tyro.cli(Args)
    console = Console()
    try:
        scenario = find_scenario(args.scenario)
        these = cells(scenario, "test")
        told = (scenario, args.learner, these)
        _show(console, "Rounds that clear at a tariff",
              ("traders", "book", "retail", "feed-in", "commonest other, EUR/kWh"),
              price_shares(*told))  # fmt: skip
        _show(console, "A day's end, EUR per day", ("policy", "money", "score"),
              end_of_episode(*told))  # fmt: skip
        _show(console, "Hidden neighbours", ("policy", "score, EUR per week"),
              hidden_neighbours(*told))  # fmt: skip
        if args.train:
            weeks, buildings = overfitting(args)
            _show(console, "Gain over no_flexibility, EUR per week",
                  ("policy", "training weeks", f"week {TRAINING_WEEK}", "test weeks"),
                  weeks)  # fmt: skip
            _show(console, f"The same, of PPO trained for {args.learner}, test weeks",
                  ("building", "PPO", "storage rule"), buildings)  # fmt: skip
    except DecentGymError as error:
        sys.exit(f"training.pitfalls: {error}")


def _show(console: Console, title: str, columns: Sequence[str], rows: list[list[str]]) -> None:
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
