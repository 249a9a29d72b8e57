"""docs/compare.md: what it says is what happens, and nothing is left out."""

import doctest
from pathlib import Path

import pyarrow.parquet as pq

from decent_gym.clearing import MECHANISMS
from decent_gym.cli import main
from decent_gym.metrics import GAINS, PRICES

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "compare.md").read_text(encoding="utf-8")


def test_every_mechanism_and_figure_is_described() -> None:
    for name in (*MECHANISMS, *GAINS, *PRICES):
        assert f"`{name}`" in TEXT, name


def test_example() -> None:
    found = doctest.testfile(str(DOCS / "compare.md"), module_relative=False)
    assert (found.failed, found.attempted > 4) == (0, True)


def test_columns_of_the_books(tmp_path) -> None:
    argv = ["compare", "--flow", "ties", "--books", "3", "--mechanism", "vcg", "--quiet"]
    assert main([*argv, "--out", str(tmp_path)]) == 0
    names = pq.read_schema(tmp_path / "books.parquet").names
    described = TEXT.split("`books.parquet` with a row")[1].split("Needs the extras")[0]
    for name in names:
        shown = name.replace("micro_eur_per_kwh", "...") if "price_" in name else name
        assert f"`{name}`" in described or f"`{shown}`" in described, name
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "books.parquet", "compare.json", "compare.png",
    ]  # fmt: skip
