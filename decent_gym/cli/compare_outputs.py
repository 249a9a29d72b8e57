"""A comparison as files: JSON for machines, every book in Parquet, a picture."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from decent_gym.cli.compare_books import Source
from decent_gym.errors import InputError, MissingExtraError
from decent_gym.metrics import Measured, best_welfare, limits_passed, welfare
from decent_gym.models import Commodity

JSON_FILE, BOOKS_FILE, PICTURE_FILE = "compare.json", "books.parquet", "compare.png"


def check_folder(path: str) -> None:
    """What cannot be written shall be known before the work.

    Raises
    ------
    InputError
        There is a file where the folder should be.
    MissingExtraError
        Without pyarrow or matplotlib.
    """
    if Path(path).exists() and not Path(path).is_dir():
        raise InputError(f"--out: {path} is not a folder")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError("matplotlib", "plot", "compare --out") from None
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtraError("pyarrow", "data", "compare --out") from None


def write_all(
    path: str, summary: dict[str, Any], source: Source, found: list[Measured]
) -> list[str]:
    """Write the three files, replacing those of an earlier comparison; returns their paths."""
    from decent_gym.views.comparison_picture import plot_comparison

    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in (JSON_FILE, BOOKS_FILE, PICTURE_FILE)]
    text = json.dumps(summary, indent=2, allow_nan=False, ensure_ascii=False)
    paths[0].write_text(text + "\n", "utf-8")
    _write_books(paths[1], source, found)
    plot_comparison(summary, _prices(source, found), paths[2])
    return [str(path) for path in paths]


def _write_books(path: Path, source: Source, found: list[Measured]) -> None:
    """One row per mechanism and book; exact integers, null where there is no price."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    book_set = source.book_set
    best = best_welfare(book_set)
    commodity = [Commodity(kind).name.lower() for kind in book_set.commodity.tolist()]
    tables = []
    for measured in found:
        outcome = measured.cleared.outcome
        none = outcome.volume == 0
        columns = {
            "mechanism": pa.array([measured.name] * len(book_set)).dictionary_encode(),
            "round": book_set.times,
            "commodity": pa.array(commodity).dictionary_encode(),
            "volume_wh": outcome.volume,
            "price_micro_eur_per_kwh": pa.array(outcome.price, mask=none),
            "price_low_micro_eur_per_kwh": pa.array(outcome.price_low, mask=none),
            "price_high_micro_eur_per_kwh": pa.array(outcome.price_high, mask=none),
            "welfare_nano_eur": welfare(book_set, measured.cleared),
            "best_welfare_nano_eur": best,
            "operator_nano_eur": outcome.surplus,
            "utility_sold_of_rest_wh": measured.cleared.rest_energy,
            "limits_passed": limits_passed(book_set, measured.cleared),
        }
        tables.append(pa.table(columns))
    pq.write_table(pa.concat_tables(tables, promote_options="default"), path, compression="zstd")


def _prices(
    source: Source, found: list[Measured]
) -> dict[str, dict[str, "np.typing.NDArray[Any]"]]:
    """EUR/kWh of the books with trade, by commodity and mechanism."""
    book_set = source.book_set
    prices: dict[str, dict[str, np.typing.NDArray[Any]]] = {}
    for kind in np.unique(book_set.commodity).tolist():
        rows = book_set.commodity == kind
        prices[Commodity(kind).name.lower()] = {
            measured.name: measured.cleared.outcome.price[
                rows & (measured.cleared.outcome.volume > 0)
            ]
            / 1e6
            for measured in found
        }
    return prices
