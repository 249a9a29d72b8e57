"""Profiles from a file: CSV, Parquet, or npz for what is embedded; one kind of table comes out."""

from pathlib import Path

from decent_gym.errors import ScenarioError
from decent_gym.scenarios.columns import UNITS, Column, Table
from decent_gym.scenarios.csv_table import read_csv
from decent_gym.scenarios.npz_table import read_npz
from decent_gym.scenarios.parquet_table import read_parquet

__all__ = ["UNITS", "Column", "Table", "read_csv", "read_npz", "read_parquet", "read_table"]


def read_table(path: Path) -> Table:
    """Read profiles from a ``.csv``, ``.parquet`` or ``.npz`` file.

    Raises
    ------
    ScenarioError
        For another ending, or whatever the file does wrong: names file, column, row and value.
    MissingExtraError
        For a ``.parquet`` file without pyarrow.
    """
    if path.suffix == ".csv":
        return read_csv(path)
    if path.suffix == ".npz":
        return read_npz(path)
    if path.suffix == ".parquet":
        return read_parquet(path)
    raise ScenarioError(
        f"{path.name}: profiles must be a .csv, .parquet or .npz file, got {path.suffix!r}"
    )
