"""docs/mechanisms.md: what it says is what happens."""

import doctest
from pathlib import Path
from typing import Any

import numpy as np

from decent_gym.clearing import MECHANISMS, clear, public

TEXT = (Path(__file__).parents[2] / "docs" / "mechanisms.md").read_text(encoding="utf-8")


def table(after: str) -> dict[str, list[str]]:
    """The rows of the first table after a heading, by the name in backquotes."""
    rows = [line for line in TEXT.split(f"## {after}\n")[1].split("\n## ")[0].splitlines()]
    cells = [
        [cell.strip() for cell in row.strip("|").split("|")] for row in rows if row[:2] == "| "
    ]
    return {row[0].strip("`"): row[1:] for row in cells if row[0].startswith("`")}


def test_every_mechanism_is_in_the_table_with_its_properties() -> None:
    rows = table("Which one")
    assert sorted(rows) == sorted(MECHANISMS)
    for name, (_, truthful, money, source, when) in rows.items():
        kind = MECHANISMS[name]
        assert money in ("0", "≥ 0", "≤ 0") and source and when
        assert (truthful == "nothing to report") == (not kind.respects_limits)
    refused = {name for name in rows if MECHANISMS[name].members_only}
    allowed = {"merit_order", "pay_as_bid", "continuous_double_auction", "preference"}
    assert set(rows) - refused == allowed


def test_the_one_book_under_all_of_them() -> None:
    rows = table("One book under all of them")
    assert sorted(rows) == sorted(MECHANISMS)
    side, limits = np.array([1] * 4 + [0] * 4), np.array([30, 26, 22, 12, 8, 14, 18, 36])
    for name, row in rows.items():
        needs = {} if MECHANISMS[name].respects_limits else {"retail": 30, "feed_in": 8}
        result = clear(side, limits, [10] * 8, name, **needs)
        worth = int(((2 * side - 1) * limits * result.accepted).sum())
        figures = [result.volume, result.price_low, result.price, result.price_high]
        assert row[:-1] == [str(f) for f in (*figures, worth - result.surplus, result.surplus)], (
            name
        )


def test_the_code_runs_as_written(monkeypatch: Any) -> None:
    monkeypatch.setattr(MECHANISMS, "_entries", dict(MECHANISMS._entries))
    public._cached_rules.cache_clear()
    example = doctest.DocTestParser().get_doctest(
        TEXT.replace("```", ""), {}, "mechanisms.md", "docs/mechanisms.md", 0
    )
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    found = doctest.DocTestRunner(optionflags=flags).run(example)
    public._cached_rules.cache_clear()
    assert found.attempted > 8 and found.failed == 0
    assert "posted_price" in MECHANISMS
