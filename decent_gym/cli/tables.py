"""Tables for people, from the dictionary that :func:`summarise` makes."""

from collections.abc import Mapping
from typing import Any, Final

from rich.table import Table

_KINDS: Final = ("trade", "imbalance", "fuel", "fee", "total")


def money_table(summary: Mapping[str, Any]) -> Table:
    """Money of every account in EUR, score, and what it saves against having no market."""
    table = Table(title="Money in EUR, received minus paid", title_justify="left")
    table.add_column("organization")
    for heading in (*_KINDS, "score", "no market", "saving"):
        table.add_column(heading, justify="right")
    rest = summary["accounts"]
    for name, facts in summary["organizations"].items():
        own = [facts["score"], facts["without_market"], facts["saving"]]
        if facts["without_market"] is None:
            own = [None, None, None]
        money = [facts["money"][kind] for kind in _KINDS]
        table.add_row(name, *(_number(value) for value in (*money, *own)))
    table.add_section()
    for name, balance in rest.items():
        table.add_row(name, *[""] * (len(_KINDS) - 1), _number(balance), "", "", "", style="dim")
    total = summary["accounts_sum"] / 1e9
    saved = summary["district"]["savings"]["total"]
    table.add_row("sum", *[""] * (len(_KINDS) - 1), _number(total), "", "", _number(saved))
    return table


def energy_table(summary: Mapping[str, Any]) -> Table:
    """Energy of every organization in kWh, and how much of it stays on site."""
    table = Table(title="Energy in kWh; shares of electricity in %", title_justify="left")
    table.add_column("organization")
    table.add_column("trader")
    headings = ("el bought", "el sold", "heat bought", "heat sold", "self-suff.", "self-cons.")
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, facts in summary["organizations"].items():
        electricity, heat = facts["electricity"], facts["heat"]
        table.add_row(
            name,
            facts["trader"] or "",
            *(_number(part[key], 1) for part in (electricity, heat) for key in ("bought", "sold")),
            _percent(electricity["self_sufficiency"] if facts["trader"] else None),
            _percent(electricity["self_consumption"]),
        )
    return table


def district_table(summary: Mapping[str, Any]) -> Table:
    """Prices, volumes and self-sufficiency of the district, a column a commodity."""
    district = summary["district"]
    pair = (district["electricity"], district["heat"])
    prices = [part["price"] for part in pair]
    table = Table(title="District", title_justify="left")
    table.add_column("")
    table.add_column("electricity", justify="right")
    table.add_column("heat", justify="right")
    for label, key in (
        ("price mean, EUR/kWh", "mean"),
        ("price by energy, EUR/kWh", "weighted_mean"),
        ("price lowest, EUR/kWh", "low"),
        ("price highest, EUR/kWh", "high"),
    ):
        table.add_row(label, *(_number(price[key], 4) for price in prices))
    for label, key in (
        ("rounds at retail, %", "at_retail"),
        ("rounds at feed-in, %", "at_feed_in"),
        ("rounds between, %", "between"),
        ("rounds without trade, %", "no_trade"),
    ):
        table.add_row(label, *(_percent(price[key]) for price in prices))
    for label, key in (
        ("traded, kWh", "volume"),
        ("from outside, kWh", "from_outside"),
        ("to outside, kWh", "to_outside"),
        ("peak from outside, kW", "peak_kw"),
    ):
        table.add_row(label, *(_number(part[key], 1) for part in pair))
    table.add_row("self-sufficiency, %", *(_percent(part["self_sufficiency"]) for part in pair))
    table.add_row("self-consumption, %", _percent(pair[0]["self_consumption"]), "")
    table.add_row("unserved, kWh", "", _number(pair[1]["unserved"], 1))
    return table


def _number(value: float | None, digits: int = 2) -> str:
    if value is None:
        return ""
    return f"{value + 0.0:,.{digits}f}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
