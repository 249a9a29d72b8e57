"""docs/coupled.md: what it says is what happens."""

import doctest
from pathlib import Path

from decent_gym.clearing import clear_coupled, sequential_clearing

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "coupled.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Cells of the first table behind a heading's name."""
    lines = TEXT.split(heading)[1].split("\n\n")
    table = next(part for part in lines if part.startswith("|")).splitlines()[2:]
    return [[cell.strip(" *") for cell in row.strip("|").split("|")] for row in table]


def test_the_code_runs_as_written() -> None:
    example = doctest.DocTestParser().get_doctest(
        TEXT.replace("```", ""), {}, "coupled.md", "docs/coupled.md", 0
    )
    found = doctest.DocTestRunner().run(example)
    assert found.attempted > 12 and found.failed == 0


def test_the_table_of_guesses() -> None:
    market = {
        "side": [0, 0, 1, 0, 1], "commodity": [0, 0, 0, 1, 1], "price": [6, 36, 50, 7, 20],
        "energy": [5, 10, 4, 10, 6], "conversions": [(-1000, 3000, 0, 3, -1)],
    }  # fmt: skip
    unit, tick = 300, 300  # thirds of cents are whole
    market["price"] = [p * tick for p in market["price"]]
    market["energy"] = [q * unit for q in market["energy"]]
    market["conversions"] = [(-1000, 3000, 0, 3 * unit, -1)]
    for label, *shown in rows("## What separate books lose"):
        if label == "joint clearing":
            result = clear_coupled(**market)
        else:
            result = sequential_clearing(**market, forecast=int(label) * tick)
        found = [
            round(result.welfare / unit / tick), result.delivered[0, 1] // unit,
            round(result.profit[0] / unit / tick),
        ]  # fmt: skip
        assert [int(cell) for cell in shown] == found


def test_the_tables_add_up() -> None:
    found = rows("### A week and")
    costs = {label: [float(c.replace(",", "")) for c in cells] for label, *cells in found}
    parts = ("trade with the grid and the network", "imbalance", "fuel", "stores emptied")
    total = costs["cost of all members, EUR"]
    for column in range(3):
        assert abs(sum(costs[part][column] for part in parts) - total[column]) < 0.025
    weeks = [[float(c.replace(",", "")) for c in row[1:]] for row in rows("--year`")]
    for column in range(3):
        assert abs(sum(row[column] for row in weeks[:-1]) - weeks[-1][column]) < 6
    assert sum(row[2] > 0 for row in weeks[:-1]) == 6 and len(weeks) == 18


def test_links_and_pictures_exist() -> None:
    import re

    for target in re.findall(r"\]\(([\w/.-]+)", TEXT):
        assert (DOCS / target).is_file(), target
