"""Draw what a trained policy does in a week that it has not seen.

    python -m training.show --run runs/ppo-0 --output week.png

Four panels: the prices it met, what its battery did, what its heat pump and thermal store did, and
how its score grew, beside a rule by hand and beside life without a local market.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
import tyro

import decent_gym
from agents.learned import LearnedPolicy
from agents.storage_rule import StorageRule
from decent_gym import Scenario
from decent_gym import scenario as find_scenario
from decent_gym.envs import TraderEnv
from decent_gym.errors import DecentGymError, InputError, MissingExtraError
from decent_gym.models import Commodity
from training.evaluate import policy_folder
from training.held_out import ROUNDS_PER_WEEK, Cell, Policy, cells

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, GREY, INK = "#1b6ca8", "#d9822b", "#3a7d44", "#b8c4ce", "#33414d"
MICRO = 1e6
"""Tariffs are in micro-euro/kWh."""
_AT = {field.name: i for i, field in enumerate(decent_gym.observation_fields())}
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Args:
    """Draw what a trained policy does in a week that it has not seen."""

    run: Path
    """folder of a training, or of a policy"""
    output: Path = Path("week.png")
    """the picture"""
    split: Literal["test", "validation", "train"] = "test"
    """from which weeks"""
    week: int = 0
    """the how-manieth of the split, from 0"""
    scenario: str | None = None
    """if it is not the policy's own; with the same options"""


@dataclass(frozen=True, slots=True)
class Week:
    """One value per round.

    Attributes
    ----------
    time : datetimes
    price, heat_price : EUR/kWh, NaN where nothing traded
    battery, pump, heat : kWh per round: charged, drawn by the heat pump, heat bought
    battery_level, store_level : percent
    score, reference : EUR since the beginning; the second without flexibility and local market
    """

    time: list[datetime]
    price: FloatArray
    heat_price: FloatArray
    battery: FloatArray
    pump: FloatArray
    heat: FloatArray
    battery_level: FloatArray
    store_level: FloatArray
    score: FloatArray
    reference: FloatArray


def live(policy: Policy, scenario: Scenario, learner: str, cell: Cell) -> Week:
    """Let a policy trade for a week."""
    env = TraderEnv(scenario, learner, rounds=ROUNDS_PER_WEEK)
    seen, _ = env.reset(seed=cell.seed, options={"start": cell.start})
    infos, levels = [], []
    for _ in range(ROUNDS_PER_WEEK):
        levels.append((seen[_AT["battery_level"]], seen[_AT["store_level"]]))
        seen, _, _, _, info = env.step(policy.predict(seen[None])[0])
        infos.append(info)
    env.close()
    terms = [info["reward_terms"] for info in infos]
    scores = [sum(term.values()) - term["reference"] for term in terms]
    levelled = 100 * np.array(levels)
    return Week(
        [datetime.fromisoformat(info["time"]) for info in infos],
        column([info["price"]["electricity"] for info in infos]),
        column([info["price"]["heat"] for info in infos]),
        column([info["executed"]["battery"] for info in infos]),
        column([info["executed"]["heat_pump"] for info in infos]),
        column([info["traded"]["heat"] for info in infos]),
        levelled[:, 0],
        levelled[:, 1],
        np.cumsum(scores),
        np.cumsum([term["reference"] for term in terms]),
    )


def column(values: Sequence[float | None]) -> FloatArray:
    """As float64, None as NaN."""
    return np.array(values, np.float64)


def show(args: Args) -> Path:
    """Draw the picture; returns where it is.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    DataError, InputError
        For a run that cannot be read, or a week that there is not.
    """
    if args.output.suffix.lower() != ".png":
        raise InputError(f"output must end in '.png', got {str(args.output)!r}")
    torch.set_num_threads(1)
    policy = LearnedPolicy.load(policy_folder(args.run))
    facts = policy.description
    scenario = find_scenario(args.scenario or facts.scenario, **facts.options)
    weeks = cells(scenario, args.split)
    if not 0 <= args.week < len(weeks):
        raise InputError(
            f"week must be 0 to {len(weeks) - 1}, the weeks of {args.split}, got {args.week}"
        )
    cell = weeks[args.week]
    rule = StorageRule.of(scenario, facts.actions)
    mine = live(policy, scenario, facts.learner, cell)
    by_hand = live(rule, scenario, facts.learner, cell)
    tariffs = scenario.tariffs[cell.start : cell.start + ROUNDS_PER_WEEK] / MICRO
    title = (
        f"{facts.algorithm} for {facts.learner} in {scenario.name}, {args.split} week {cell.week}"
    )
    return draw(mine, by_hand, tariffs, facts.algorithm, title, args.output)


def draw(mine: Week, by_hand: Week, tariffs: FloatArray, name: str, title: str, path: Path) -> Path:
    """The four panels."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.dates import ConciseDateFormatter, DayLocator
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "plot", "drawing a week") from error
    figure = Figure(figsize=(12, 10), layout="constrained")
    FigureCanvasAgg(figure)
    price, battery, heat, score = figure.subplots(4, 1, sharex=True)
    for commodity, colour, values in (
        (Commodity.ELECTRICITY, BLUE, mine.price), (Commodity.HEAT, ORANGE, mine.heat_price),
    ):  # fmt: skip
        retail, feed_in = tariffs[:, commodity, 0], tariffs[:, commodity, 1]
        label = commodity.name.lower()
        price.fill_between(mine.time, feed_in, retail, color=colour, alpha=0.1, lw=0, step="post")
        price.step(mine.time, values, color=colour, lw=1.2, where="post", label=label)
    price.set_ylabel("price, EUR/kWh\n(bands: feed-in to retail)")
    bars(battery, mine, mine.battery, "battery charged, kWh", BLUE)
    level(battery, mine, mine.battery_level, "battery level, %")
    bars(heat, mine, mine.pump, "heat pump draws, kWh", GREEN)
    bars(heat, mine, mine.heat, "heat bought, kWh", ORANGE)
    level(heat, mine, mine.store_level, "store level, %")
    score.plot(mine.time, mine.score, color=BLUE, lw=2, label=name)
    score.plot(mine.time, by_hand.score, color=ORANGE, lw=1.5, label="storage rule")
    score.plot(mine.time, mine.reference, color=GREY, lw=1.5, label="no local market")
    score.set_ylabel("score since the start, EUR")
    for axes in (price, battery, heat, score):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.margins(x=0)
        above = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.1}
        axes.legend(ncols=3, frameon=False, fontsize=9, **above)
    score.xaxis.set_major_locator(DayLocator())
    score.xaxis.set_major_formatter(ConciseDateFormatter(DayLocator()))
    figure.suptitle(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    return path


def bars(axes: "Axes", week: Week, values: FloatArray, label: str, colour: str) -> None:
    """Energy per round, as filled steps."""
    axes.fill_between(week.time, values, color=colour, alpha=0.6, lw=0, step="post", label=label)
    axes.axhline(0, color=INK, lw=0.6)
    axes.set_ylabel("kWh per round")


def level(axes: "Axes", week: Week, values: FloatArray, label: str) -> None:
    """A level on an axis of its own."""
    other: Any = axes.twinx()
    other.plot(week.time, values, color=INK, lw=1)
    other.set_ylim(0, 105)
    other.set_ylabel(label)
    other.spines["top"].set_visible(False)


def main() -> None:
    """The command line."""
    args = tyro.cli(Args)
    try:
        print(f"written: {show(args)}")
    except DecentGymError as error:
        sys.exit(f"training.show: {error}")


if __name__ == "__main__":
    main()
