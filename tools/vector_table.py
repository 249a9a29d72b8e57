"""docs/vectors.md: what becomes of every published case in tests/data.

    python -m tools.vector_table --write docs/vectors.md

The files say which cases are eligible, and for which mechanism; this program clears the books of
`merit_order` and compares.  `tests/clearing/test_vector_table.py` holds the page against the tests.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from decent_gym.clearing import clear

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # the oracles are not installed

from oracles.vectors import exact, scale  # noqa: E402

DATA = ROOT / "tests" / "data"
SAME = "reproduced"
CHECKED = "source refuted"
OUT = "out of scope"
REASONS = {
    "no orders": "a net-demand function over a price grid, without orders",
    "multi-period block orders": "blocks over several periods; our books hold one round",
    "several nodes and a line between them": "zonal; our districts have one node",
    "values like 1/3 that do not scale": "prices of 1/3 as floats do not scale to integers; "
    "the source skips its own test",
    "maximal volume, not welfare": "maximises volume, 4, where welfare wants 3",
    "a peer's convention for pairs": "whom to pair with whom, or a random price a pair, after "
    "clearing: a peer's convention",
    "a peer's convention for preferences": "a round for each class, or offers removed one by one: "
    "this peer's conventions, not one optimum over all classes",
    "a peer's price where nothing trades": "a price though nothing trades; ours is None",
    "falls back to another rule where R < f": "the lowest bid is below the highest ask, and the "
    "peer falls back to another rule; our tariffs keep feed-in below retail",
    "a payment rule without a book": "a payment rule without a book",
}
NOTES = {
    "v013": "without the bid that meets its own user's offer, which we refuse",
    "v078": "without the offer that the source's pool refuses",
    "v087": "its inner step, at the given price",
    "v089": "its inner step, at the given price",
    "v092": "with the source's halves",
    "v099": "9.5 is compared before it is rounded",
    "v127": "its inner step, at the given price",
    "v128": "with the source's halves",
    "v163": "both periods as one round, billed with the utility",
    "v164": "bills sum to the community's 90; the source's own to 86.67",
}
HEAD = (
    "# Published cases\n"
    "What becomes of every case of two collections of published and peer-computed books, with "
    "their sources in `tests/data/`. Made by `python -m tools.vector_table --write "
    "docs/vectors.md`; the tests hold this page against what they assert.\n"
)


def vectors() -> list[list[str]]:
    """Rows of id, source, rule, status, note."""
    plain, others = (_read(f"{name}_vectors.json") for name in ("clearing", "mechanism"))
    found = {}
    for case in plain["eligible"]:
        found[case["id"]] = [_source(case["source"]), "`merit_order`", *_compared(case)]
    for mechanism, cases in others["eligible"].items():
        for case in cases:
            note = NOTES.get(case["id"], "")
            found[case["id"]] = [_source(case["source"]), f"`{mechanism}`", SAME, note]
    for name in plain["not_eligible"].keys() & others["not_eligible"].keys():
        reason = REASONS[others["not_eligible"][name]]
        found[name] = ["", "", OUT, reason]
    return [[name, *found[name]] for name in sorted(found)]


def _compared(case: dict[str, Any]) -> tuple[str, str]:
    """Our price and volume beside the source's."""
    orders = [order for order in case["orders"] if order["quantity"] > 0]
    tick, unit = (scale([order[key] for order in orders], 10**8) for key in ("price", "quantity"))
    result = clear(
        [int(order["side"] == "buy") for order in orders],
        [int(exact(order["price"]) * tick) for order in orders],
        [int(exact(order["quantity"]) * unit) for order in orders],
    )
    stated = case["expected"].get("price")
    check = case.get("reference_check", {})
    if check.get("source_price_valid") is False:
        ours = f"{(result.price or 0) / tick:g}"
        return CHECKED, f"its price {stated:g} does not clear the book, {ours} does"
    if stated is not None and result.price != exact(stated) * tick:
        return SAME, f"the source's {stated:g} lies in our interval of valid prices"
    return SAME, "" if stated is not None else "volume and welfare; no price is stated"


def _source(text: str) -> str:
    """Repository and test, without the commit."""
    place, _, test = text.removeprefix("github:").partition("@")
    test = test.partition(":")[2].rpartition("/")[2]
    return f"{place} {test}".strip().replace("|", "/")


def coupled() -> list[list[str]]:
    """Rows of the instances with heat and electricity."""
    instances = _read("cross_commodity.json")["instances"]
    rows = []
    for name, instance in instances.items():
        if name == "X6_sequential":
            continue
        solution = instance["solution"]
        prices = "; ".join(
            f"{m} [{low:g}, {high:g}]" for m, (low, high) in solution["price_interval"].items()
        )
        rows.append([name, f"{solution['welfare']:g}", prices, SAME])
    for each in instances["X6_sequential"]:
        prices = "; ".join(
            f"{m} [{low:g}, {high:g}]"
            for m, (low, high) in (
                ("e", each["elec_price_interval"]),
                ("h", each["heat_price_interval"]),
            )
        )
        name = f"X6 heat first, forecast {each['forecast_pi_e']}"
        tie = "; the boiler came first at the tie" if each["forecast_pi_e"] == 21 else ""
        gain = f", the pump gains {each['hp_profit_at_mid']:.0f}"
        rows.append([name, f"{each['welfare']:g}", prices, SAME + gain + tie])
    return rows


def page() -> str:
    """The whole of docs/vectors.md."""
    rows = vectors()
    counts = {status: sum(row[3] == status for row in rows) for status in (SAME, CHECKED, OUT)}
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    return "\n".join(
        [
            HEAD,
            "## Books of one commodity",
            f"{len(rows)} cases: {told}. *Source refuted*: by the rules of a uniform price "
            "its price does not clear its book; volume and interval of valid prices are then those "
            "of an independent computation, which stands beside the case in the file.",
            "",
            _table(["case", "source", "rule", "", "note"], rows),
            "",
            "## Heat and electricity",
            f"{len(_read('cross_commodity.json')['instances']) - 1} instances in welfare, "
            "quantities and both intervals of prices; and the last one cleared heat first, at four "
            "forecasts of the price of electricity.",
            "",
            _table(["case", "welfare", "prices", ""], coupled()),
            "",
        ]
    )


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / name).read_text(encoding="utf-8"))
    return found


def main() -> int:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", type=Path, metavar="PAGE")
    args = parser.parse_args()
    if args.write:
        args.write.write_text(page(), encoding="utf-8")
    else:
        print(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
