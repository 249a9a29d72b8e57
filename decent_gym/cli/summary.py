"""The figures at the end of a run, as one dictionary for machines; tables are made of it."""

from dataclasses import asdict
from typing import Any

from decent_gym.cli.episode import Episode
from decent_gym.metrics import (
    SPECIAL_ACCOUNTS,
    EnergyLog,
    Series,
    balances,
    bought,
    drawn,
    exchange,
    fed_in,
    gini,
    herfindahl,
    jain,
    money_by_kind,
    peak_kw,
    price_statistics,
    self_consumption,
    self_sufficiency,
    sold,
    turnover,
    volume,
)
from decent_gym.models import Commodity, Money
from decent_gym.simulation import Simulation, Term
from decent_gym.simulation.rewards import SCORE_TERMS
from decent_gym.units import NANO_EUR_PER_EUR, WH_PER_KWH


def summarise(
    episode: Episode, simulation: Simulation, series: Series, log: EnergyLog, head: str
) -> dict[str, Any]:
    """Everything that ``decent-gym run`` reports, in EUR, kWh and shares.

    Where there is nothing to measure (no price, no generation) the value is None.
    """
    organizations = {
        name: _organization(episode, simulation, series, log, n)
        for n, name in enumerate(series.names)
    }
    savings = [organizations[series.names[n]]["saving"] for n in series.members]
    rest = balances(series)[len(series.names) :].tolist()
    return {
        "scenario": episode.scenario.name,
        "digest": episode.scenario.digest.hex(),
        "options": dict(episode.options),
        "traders": dict(episode.traders),
        "seed": episode.seed,
        "split": episode.split,
        "start": {"round": episode.start, "time": episode.begins.isoformat()},
        "rounds": series.rounds,
        "organizations": organizations,
        "accounts": dict(zip(SPECIAL_ACCOUNTS, rest, strict=True)),
        "accounts_sum": int(series.accounts[-1].sum()),
        "accounts_checked": series.closes(),
        "district": {
            "turnover": turnover(series),
            "electricity": _electricity(series, log),
            "heat": _heat(series, log),
            "savings": {"total": sum(savings), "gini": gini(savings), "jain": jain(savings)},
        },
        "head": head,
    }


def _organization(
    episode: Episode, simulation: Simulation, series: Series, log: EnergyLog, n: int
) -> dict[str, Any]:
    kinds = money_by_kind(series)
    paid = {kind.name.lower(): float(kinds[kind, n]) for kind in Money}
    totals = simulation.totals[:, 0, n]
    score = int(totals[list(SCORE_TERMS)].sum()) / NANO_EUR_PER_EUR
    reference: float | None = int(totals[Term.REFERENCE]) / NANO_EUR_PER_EUR
    if n == episode.utility:
        reference = None  # its turnover is not a cost that a market could save
    consumption, generation = log.consumption / WH_PER_KWH, log.generation / WH_PER_KWH
    return {
        "trader": episode.traders.get(series.names[n]),
        "money": {**paid, "total": float(balances(series)[n])},
        "score": score,
        "without_market": reference,
        "saving": None if reference is None else score - reference,
        "electricity": {
            **_flows(series, n, Commodity.ELECTRICITY),
            "consumption": float(consumption[n, Commodity.ELECTRICITY]),
            "generation": float(generation[n, Commodity.ELECTRICITY]),
            "self_sufficiency": self_sufficiency(
                consumption[n, Commodity.ELECTRICITY], drawn(series)[n, Commodity.ELECTRICITY]
            ),
            "self_consumption": self_consumption(
                generation[n, Commodity.ELECTRICITY], fed_in(series)[n, Commodity.ELECTRICITY]
            ),
        },
        "heat": {
            **_flows(series, n, Commodity.HEAT),
            "consumption": float(consumption[n, Commodity.HEAT]),
            "generation": float(generation[n, Commodity.HEAT]),
            "unserved": int(log.unserved[n]) / WH_PER_KWH,
        },
    }


def _flows(series: Series, n: int, commodity: Commodity) -> dict[str, float]:
    return {
        "bought": float(bought(series)[n, commodity]),
        "sold": float(sold(series)[n, commodity]),
        "drawn": float(drawn(series)[n, commodity]),
        "fed_in": float(fed_in(series)[n, commodity]),
    }


def _electricity(series: Series, log: EnergyLog) -> dict[str, Any]:
    outside = _outside(series, Commodity.ELECTRICITY)
    consumption = int(log.consumption[:, Commodity.ELECTRICITY].sum()) / WH_PER_KWH
    generation = int(log.generation[:, Commodity.ELECTRICITY].sum()) / WH_PER_KWH
    return {
        **_book(series, Commodity.ELECTRICITY),
        **outside,
        "consumption": consumption,
        "generation": generation,
        "self_sufficiency": self_sufficiency(consumption, outside["from_outside"]),
        "self_consumption": self_consumption(generation, outside["to_outside"]),
    }


def _heat(series: Series, log: EnergyLog) -> dict[str, Any]:
    outside = _outside(series, Commodity.HEAT)
    network = len(series.names) + SPECIAL_ACCOUNTS.index("network")
    lost = int(series.metered[:, network, Commodity.HEAT].sum()) / WH_PER_KWH
    consumption = int(log.consumption[:, Commodity.HEAT].sum()) / WH_PER_KWH
    return {
        **_book(series, Commodity.HEAT),
        **outside,
        "consumption": consumption,
        "network_loss": lost,
        "unserved": int(log.unserved.sum()) / WH_PER_KWH,
        "self_sufficiency": self_sufficiency(consumption + lost, outside["from_outside"]),
    }


def _book(series: Series, commodity: Commodity) -> dict[str, Any]:
    members = series.members
    return {
        "volume": float(volume(series)[commodity]),
        "price": asdict(price_statistics(series, commodity)),
        "sellers_herfindahl": herfindahl(sold(series)[members, commodity]),
    }


def _outside(series: Series, commodity: Commodity) -> dict[str, float]:
    net = exchange(series, commodity)
    return {
        "from_outside": int(net[net > 0].sum()) / WH_PER_KWH,
        "to_outside": int(-net[net < 0].sum()) / WH_PER_KWH,
        "peak_kw": peak_kw(series, commodity),
    }
