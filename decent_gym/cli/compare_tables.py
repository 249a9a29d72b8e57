"""Tables for people, from the dictionary that :func:`compare_report.report` makes."""

from collections.abc import Mapping
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table

Report = Mapping[str, Any]
Entry = Mapping[str, Any]

WIDTH: Final = 128
"""Columns that the tables need."""
_UTILITY_NOTE: Final = (
    "utility: its quotes stand in the book, or, where a rule must clear the members alone, it "
    "serves the rest at its tariffs (residual)"
)
_PRICE_NOTE: Final = (
    "price, at retail, at feed-in, no trade: the mechanism's own, without the rest; buyers pay, "
    "sellers get: with it"
)
_REGRET_NOTE: Final = (
    "regret of truth: what the best limit for each book would have earned more, knowing the "
    "others' limits; best constant shade: one share taken off every value"
)
_WISHES: Final = (
    "wishes: read by preference alone, which so shows what they cost; the others sell any energy"
)
_UTILITY: Final = {"book": "in book", "residual": "residual", None: "none"}


def print_report(console: Console, report: Report) -> None:
    """What was compared, tables, and how to read them."""
    console.print(_head(report), markup=False, highlight=False, soft_wrap=True)
    console.print(_gains_table(report))
    console.print(_members_table(report))
    for scope in _price_scopes(report):
        console.print(_price_table(report, scope))
    if any(entry["best_response"] for entry in report["mechanisms"]):
        console.print(_regret_table(report))
    console.print(_notes(report), markup=False, highlight=False, soft_wrap=True)


def _head(report: Report) -> str:
    if report["recorded"] is None:
        kind = (
            f"{report['flow']} order flow, {report['sellers']} sellers, {report['buyers']} buyers"
        )
        kind += f", {report['limits']} limits, seed {report['seed']}"
        return f"{report['books']:,} books of {kind}; {report['static']}"
    rules = report["recorded"]["rules"]
    return (
        f"{report['ledger']}: {report['books']:,} books of {report['rounds']:,} rounds, "
        f"{report['static']}\n"
        f"recorded under {rules['mechanism']}, utility {_UTILITY[rules['utility']]}: cleared "
        "again, every price and payment is the same, bit for bit\n"
        f"values: {report['values']}" + (f"\n{_WISHES}" if report["wishes"] else "")
    )


def _table(title: str, *headings: str) -> Table:
    """Mechanisms in rows; a heading that begins with < stands over text."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("mechanism", max_width=26, overflow="fold")
    for heading in headings:
        justify: JustifyMethod = "left" if heading[0] == "<" else "right"
        table.add_column(heading.lstrip("<"), justify=justify, no_wrap=True)
    return table


def _gains_table(report: Report) -> Table:
    interval = report["interval"]
    table = _table(
        "Gains from trade, EUR; 95 % intervals by bootstrap over "
        f"{interval['units']} {interval['unit']}s",
        "<utility", "efficiency\n%", "95 %", "members", "95 %", "network", "operator", "µs/book",
    )  # fmt: skip
    for entry in report["mechanisms"]:
        figures = entry["figures"]["all"]
        table.add_row(
            _name(entry),
            _UTILITY[entry["utility"]] if entry["rules"] else "alone",
            _plain(figures["efficiency"], 1, 100),
            _span(figures["efficiency"], 100),
            _plain(figures["savings_eur"], 1),
            _span(figures["savings_eur"]),
            *(_plain(figures[f"{who}_eur"], 1) for who in ("network", "operator")),
            _number(entry["microseconds_per_book"], 2),
            style=None if entry["rules"] else "dim",
        )
    return table


def _members_table(report: Report) -> Table:
    table = _table(
        "Who gains: members' savings against no local market, EUR",
        "<gains most", "EUR", "<gains least", "EUR", "losers", "Gini", "Jain", "limits\nbroken %",
        "withheld\nkWh",
    )  # fmt: skip
    for entry in report["mechanisms"]:
        if entry["rules"] is None:
            continue
        savings, figures = entry["savings_eur"], entry["figures"]["all"]
        most, least = (pick(savings, key=savings.__getitem__) for pick in (max, min))
        table.add_row(
            _name(entry),
            most,
            _number(savings[most], 1),
            least,
            _number(savings[least], 1),
            str(sum(value < 0 for value in savings.values())),
            *(_plain(figures[name], 2) for name in ("gini", "jain")),
            _plain(figures["irrational_books"], 1, 100),
            _plain(figures["withheld_kwh"], 1),
        )
    return table


def _price_scopes(report: Report) -> list[str]:
    scopes = list(report["mechanisms"][0]["figures"])
    return scopes[1:] or scopes


def _price_table(report: Report, scope: str) -> Table:
    columns = (
        ("price", "price", 2, 100),
        ("buyers\npay", "paid", 2, 100),
        ("sellers\nget", "earned", 2, 100),
        ("vola-\ntility", "volatility", 2, 100),
        ("at\nretail %", "at_retail", 1, 100),
        ("at\nfeed-in %", "at_feed_in", 1, 100),
        ("no\ntrade %", "no_trade", 1, 100),
        ("local %", "local_share", 1, 100),
        ("HHI", "herfindahl", 2, 1),
        ("Lerner", "lerner", 2, 1),
    )
    title = "Prices" if scope == "all" else f"Prices of {scope}"
    table = _table(f"{title}, ct/kWh", *(heading for heading, *_ in columns))
    for entry in report["mechanisms"]:
        figures = entry["figures"][scope]
        cells = (_plain(figures[name], digits, scale) for _, name, digits, scale in columns)
        table.add_row(_name(entry), *cells, style=None if entry["rules"] else "dim")
    return table


def _regret_table(report: Report) -> Table:
    entries = [entry for entry in report["mechanisms"] if entry["best_response"]]
    trader, books = (entries[0]["best_response"][key] for key in ("trader", "books"))
    table = _table(
        f"Incentive to lie: {trader} in its {books:,} books, the others as they are; ct a book",
        "profit\nof truth", "regret\nof truth", "95 %", "lying\ngains %", "best constant\nshade %",
        "it gains",
    )  # fmt: skip
    for entry in entries:
        found = entry["best_response"]
        table.add_row(
            _name(entry),
            _number(found["profit_of_truth_eur"], 3, 100),
            _plain(found["regret_eur"], 3, 100),
            _span(found["regret_eur"], 100, 3),
            _number(found["lying_gains"], 1, 100),
            _number(found["best_shade"], 1, 100),
            _number(found["regret_of_shade_eur"], 3, 100),
        )
    return table


def _notes(report: Report) -> str:
    lines: list[str] = []
    if any(entry["utility"] for entry in report["mechanisms"]):
        lines += [_UTILITY_NOTE, _PRICE_NOTE]
    if any(entry["best_response"] for entry in report["mechanisms"]):
        lines.append(_REGRET_NOTE)
    for commodity, shares in report["pivotal"].items():
        parts = [
            f"{100 * share:.0f} % of books {words}"
            for words, share in (
                ("among the members alone", shares["members_alone"]),
                ("with the utility", shares["with_utility"]),
            )
            if share is not None
        ]
        if parts:
            lines.append(f"{commodity}: some member is pivotal (RSI < 1) in {', '.join(parts)}")
    if report["physical"] is not None:
        lines.append(_physical(report["physical"]))
    return "\n".join(lines)


def _physical(facts: Mapping[str, float | None]) -> str:
    shown = (
        ("self-sufficiency", "self_sufficiency", 100, "%"),
        ("self-consumption", "self_consumption", 100, "%"),
        ("peak", "peak_kw", 1, "kW"),
        ("heat peak", "heat_peak_kw", 1, "kW"),
        ("heat network's load", "heat_network_loading", 100, "%"),
        ("heat unserved", "heat_unserved_kwh", 1, "kWh"),
        ("heat curtailed", "heat_curtailed_kwh", 1, "kWh"),
        ("line loading", "line_loading", 100, "%"),
        ("outside EN 50160", "outside_en50160", 100, "%"),
    )
    parts = []
    for words, name, scale, unit in shown:
        value = facts[name]
        known = "not known" if value is None else f"{scale * value:,.1f} {unit}"
        parts.append(f"{words} {known}")
    return "as recorded, whatever the rule: " + ", ".join(parts)


def _name(entry: Entry) -> str:
    """With a rule of its own under it."""
    return str(entry["name"]).replace(":", ":\n  ").replace(",", ",\n  ")


def _plain(figure: Mapping[str, float | None], digits: int, scale: float = 1) -> str:
    return _number(figure["value"], digits, scale)


def _span(figure: Mapping[str, float | None], scale: float = 1, digits: int = 1) -> str:
    if figure["low"] is None or figure["high"] is None:
        return ""
    digits = 0 if abs(figure["high"] * scale) >= 1000 else digits
    return " to ".join(_number(figure[end], digits, scale) for end in ("low", "high"))


def _number(value: float | None, digits: int, scale: float = 1) -> str:
    if value is None:
        return ""
    # a rounded -0.0 would look like a loss
    return f"{round(value * scale, digits) + 0.0:,.{digits}f}"
