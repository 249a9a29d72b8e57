"""What a district's held-out weeks came to, as rows of figures: one per organization, one for all.

A row is a flat dictionary of names and plain numbers, so that rows of many runs make one table.
EUR and kWh per week; where there is nothing to measure a figure is None.
"""

from collections.abc import Sequence
from typing import Any, Final

from agents.learned import LearnedPolicy
from decent_gym import Commodity, Scenario
from decent_gym.errors import InputError
from decent_gym.metrics import (
    Series,
    SeriesRecorder,
    balances,
    bought,
    exchange,
    gini,
    jain,
    peak_kw,
    price_statistics,
    sold,
    turnover,
    volume,
)
from decent_gym.simulation import LEVERS, Episodes, Simulation, Term
from decent_gym.units import NANO_EUR_PER_EUR, WH_PER_KWH
from training.held_out import ROUNDS_PER_WEEK, Cell

Row = dict[str, str | int | float | None]

DISTRICT: Final = "(district)"
"""The organization of the row for all; no name may hold brackets."""
OPERATOR: Final = -1
"""Place of the operator's account, the last."""


def week_rows(
    scenario: Scenario,
    these: Sequence[Cell],
    *,
    trader: str | None = None,
    policy: LearnedPolicy | None = None,
    rounds: int = ROUNDS_PER_WEEK,
) -> list[Row]:
    """Run weeks side by side and measure them.

    Parameters
    ----------
    scenario : Scenario
    these : sequence of Cell
    trader : str, optional
        The scripted trader of everybody; by default each member's own.
    policy : LearnedPolicy, optional
        Acts for the organization that it was trained for.
    rounds : int
        Length of a week, for those who cannot wait.

    Raises
    ------
    InputError
        If the policy moves other devices than its organization has here.
    """
    learners = [] if policy is None else [policy.description.learner]
    episodes = Episodes(scenario, learners, worlds=len(these), rounds=rounds, traders=trader)
    simulation = episodes.simulation
    names = [member.name for member in scenario.members]
    utility = next((i for i, o in enumerate(scenario.organizations) if o.priority == 1), None)
    recorders = [SeriesRecorder(names, utility) for _ in these]
    for world, (cell, recorder) in enumerate(zip(these, recorders, strict=True)):
        episodes.reset([cell.seed], {"start": cell.start}, world, world + 1)
        simulation.operator.listen(world, recorder)
    if policy is not None:
        policy.reset()
    for _ in range(rounds):
        if policy is not None:
            episodes.act(0, _chosen(policy, episodes))
        episodes.step()
    return [
        {"week": cell.week, **row}
        for world, cell in enumerate(these)
        for row in _rows(simulation, world, recorders[world].series())
    ]


def _chosen(policy: LearnedPolicy, episodes: Episodes) -> Any:
    wanted, there = policy.description.actions, [LEVERS[i] for i in episodes.levers[0]]
    if list(wanted) != there:
        raise InputError(
            f"the policy moves {', '.join(wanted)}, but {policy.description.learner!r} has "
            f"{', '.join(there)} here"
        )
    return policy.predict(episodes.observations[:, 0])


def _rows(simulation: Simulation, world: int, series: Series) -> list[Row]:
    totals = simulation.totals[:, world]
    scores = (totals[: Term.REFERENCE].sum(axis=0) / NANO_EUR_PER_EUR).tolist()
    references = (totals[Term.REFERENCE] / NANO_EUR_PER_EUR).tolist()
    money = balances(series).tolist()
    flows = {"bought": bought(series), "sold": sold(series)}
    unserved = (series.unserved.sum(axis=0) / WH_PER_KWH).tolist()
    rows: list[Row] = []
    for n in series.members.tolist():
        row: Row = {
            "organization": series.names[n],
            "score_eur": scores[n],
            "without_market_eur": references[n],
            "saving_eur": scores[n] - references[n],
            "money_eur": money[n],
            "unserved_kwh": unserved[n],
        }
        for commodity in Commodity:
            for what, energy in flows.items():
                row[f"{commodity.name.lower()}_{what}_kwh"] = float(energy[n, commodity])
        rows.append(row)
    return [_district(series, rows), *rows]


def _district(series: Series, rows: Sequence[Row]) -> Row:
    """The sums of its members, and what only a whole market has."""
    total: Row = {"organization": DISTRICT}
    for name in rows[0]:
        if name != "organization":
            total[name] = sum(float(row[name] or 0) for row in rows)
    savings = [float(row["saving_eur"] or 0) for row in rows]
    total |= {
        "savings_gini": gini(savings),
        "savings_jain": jain(savings),
        "turnover_eur": turnover(series),
        "operator_eur": float(balances(series)[OPERATOR]),
    }
    for commodity in Commodity:
        prices, net = price_statistics(series, commodity), exchange(series, commodity)
        figures = {
            "volume_kwh": float(volume(series)[commodity]),
            "price_eur_per_kwh": prices.weighted_mean,
            "price_volatility": prices.volatility,
            "rounds_between": prices.between,
            "rounds_without_trade": prices.no_trade,
            "from_outside_kwh": int(net[net > 0].sum()) / WH_PER_KWH,
            "to_outside_kwh": int(-net[net < 0].sum()) / WH_PER_KWH,
            "peak_kw": peak_kw(series, commodity),
        }
        total |= {f"{commodity.name.lower()}_{name}": value for name, value in figures.items()}
    return total
