"""What does a district gain if heat and electricity are cleared at once?  One week, both ways.

    python examples/joint_week.py [--start ROUND] [--rounds N] [--seed N] [--plot FILE.png]
    python examples/joint_week.py --year          every third week of the year, the costs only

Everybody is scripted (`truthful`), weather, demand and forecasts are the same; only the rules
differ.  Costs are those of all members but the utility, and what is left in the stores counts.
"""

import argparse
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import decent_gym
from decent_gym import Commodity
from decent_gym.simulation import Simulation, Term

WINTER = 14 * 96
"""15 January 2016, 00:00: a week around freezing."""


@dataclass
class Week:
    """Euro and kWh of a week; the lists hold one entry per round."""

    cost: dict[str, float] = field(default_factory=dict)
    heat: dict[str, list[float]] = field(
        default_factory=lambda: {"heat pumps": [], "CHP": [], "boiler": []}
    )
    price: dict[str, list[float]] = field(default_factory=lambda: {"electricity": [], "heat": []})
    grid: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--start", type=int, default=WINTER)
    parser.add_argument("--rounds", type=int, default=7 * 96)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="FILE.png")
    parser.add_argument("--year", action="store_true", help="compare every third week")
    args = parser.parse_args()
    if args.year:
        Console(width=80).print(year_table(args.rounds, args.seed))
        return
    weeks = {
        clearing: run(clearing, args.start, args.rounds, args.seed)
        for clearing in ("separate", "coupled")
    }
    Console(width=80).print(table(weeks))
    if args.plot:
        draw(weeks, args.plot)


def run(clearing: str, start: int, rounds: int, seed: int) -> Week:
    """The week under one way of clearing."""
    district = decent_gym.scenario("rural", clearing=clearing)
    members = [n for n, m in enumerate(district.members) if m.organization.priority == 0]
    utility = [n for n, m in enumerate(district.members) if m.organization.priority == 1]
    simulation, week = Simulation(district), Week()
    simulation.reset([seed], [start])
    for _ in track(range(rounds), f"{clearing:8}", transient=True):
        simulation.step()
        flows, operator = simulation.flows, simulation.operator
        for name, wh in (
            ("heat pumps", flows.pump_heat.sum() / 1000),
            ("CHP", flows.chp_heat.sum() / 1000),
            ("boiler", flows.boiler_heat.sum() + flows.backup_heat.sum()),
        ):
            week.heat[name].append(wh / 1000)
        for commodity in Commodity:
            traded = operator.by_world.volume[0, commodity] > 0
            price = operator.by_world.price[0, commodity] / 1e6 if traded else np.nan
            week.price[commodity.name.lower()].append(price)
        week.grid -= operator.traded[0, utility, Commodity.ELECTRICITY].sum() / 1000
    totals = -simulation.totals[:, 0, members].sum(axis=1) / 1e9
    week.cost = {
        "trade with the grid and the network": totals[Term.TRADE],
        "imbalance": totals[Term.IMBALANCE],
        "fuel": totals[Term.FUEL],
        "stores emptied": totals[Term.STORAGE],
    }
    return week


def table(weeks: dict[str, Week]) -> Table:
    """Both ways side by side."""
    out = Table(title="A winter week of `rural`")
    out.add_column("")
    for name in (*weeks, "difference"):
        out.add_column(name, justify="right")

    def row(name: str, digits: int, values: list[float]) -> None:
        shown = [f"{value:,.{digits}f}" for value in values]
        out.add_row(name, *shown, f"{values[1] - values[0]:+,.{digits}f}")

    pair = list(weeks.values())
    row("cost of all members, EUR", 2, [sum(week.cost.values()) for week in pair])
    for name in pair[0].cost:
        row(f"  {name}", 2, [week.cost[name] for week in pair])
    for name in pair[0].heat:
        row(f"heat from {name}, kWh", 0, [sum(week.heat[name]) for week in pair])
    row("electricity from the grid, kWh", 0, [week.grid for week in pair])
    for name in pair[0].price:
        row(f"mean price of {name}, EUR/kWh", 4, [np.nanmean(week.price[name]) for week in pair])
    return out


def year_table(rounds: int, seed: int) -> Table:
    """Costs of every third week, cleared both ways, all weeks of one way in one batch."""
    starts = [7 * 96 * week for week in range(1, 52, 3)]
    seeds = [seed + k for k in range(len(starts))]
    costs = []
    for clearing in ("separate", "coupled"):
        district = decent_gym.scenario("rural", clearing=clearing)
        members = [n for n, m in enumerate(district.members) if m.organization.priority == 0]
        simulation = Simulation(district, worlds=len(starts))
        simulation.reset(seeds, starts)
        for _ in track(range(rounds), f"{clearing:8}", transient=True):
            simulation.step()
        scored = [term for term in Term if term is not Term.REFERENCE]
        costs.append(-simulation.totals[scored][:, :, members].sum(axis=(0, 2)) / 1e9)
    out = Table(title="Cost of all members, EUR a week, every third week of 2016")
    for name in ("week", "separate", "coupled", "difference"):
        out.add_column(name, justify="right")
    for start, separate, coupled in zip(starts, *costs, strict=True):
        shown = f"{separate:,.0f}", f"{coupled:,.0f}", f"{coupled - separate:+,.1f}"
        out.add_row(str(start // 672 + 1), *shown)
    sums = [cost.sum() for cost in costs]
    out.add_row("all", *(f"{x:,.0f}" for x in sums), f"{sums[1] - sums[0]:+,.1f}")
    return out


def draw(weeks: dict[str, Week], path: str) -> None:
    """Who makes the heat, and what it costs, hour by hour."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 1, figsize=(9, 7), sharex=True, layout="constrained")
    colours = ("#4477aa", "#ccbb44", "#aa3377")
    for axis, (name, week) in zip(axes, weeks.items(), strict=False):
        hourly = [hours(values).sum(axis=1) for values in week.heat.values()]
        days = np.arange(len(hourly[0])) / 24
        axis.stackplot(days, hourly, labels=list(week.heat), colors=colours, linewidth=0)
        axis.set(title=f"{name} clearing", ylabel="heat, kWh per hour", ylim=(0, None))
    axes[0].legend(loc="upper right", ncols=3, frameon=False)
    top = max(axis.get_ylim()[1] for axis in axes[:2])
    for axis in axes[:2]:
        axis.set_ylim(0, 1.15 * top)
    for (name, week), colour in zip(weeks.items(), ("#888888", "#228833"), strict=True):
        prices = np.nanmean(hours(week.price["heat"]), axis=1)
        axes[2].plot(np.arange(len(prices)) / 24, prices, label=name, color=colour, linewidth=1.5)
    axes[2].set(ylabel="price of heat, EUR/kWh", xlabel="day", ylim=(0, None))
    axes[2].legend(loc="lower right", ncols=2, frameon=False)
    axes[2].margins(x=0)
    figure.savefig(path, dpi=110)


def hours(values: list[float]) -> np.ndarray:
    """Quarter-hours as rows of hours; what does not fill an hour is left out."""
    return np.array(values[: len(values) // 4 * 4]).reshape(-1, 4)


if __name__ == "__main__":
    main()
