"""Profiles from a file: CSV for people, npz for what is embedded; one kind of table comes out."""

from pathlib import Path

from decent_gym.errors import ScenarioError
from decent_gym.scenarios.columns import UNITS, Column, Table
from decent_gym.scenarios.csv_table import read_csv
from decent_gym.scenarios.npz_table import read_npz

__all__ = ["UNITS", "Column", "Table", "read_csv", "read_npz", "read_table"]


def read_table(path: Path) -> Table:
    """Read profiles from a ``.csv`` or ``.npz`` file.

    Raises
    ------
    ScenarioError
        For another ending, or whatever the file does wrong: names file, column, row and value.
    """
    if path.suffix == ".csv":
        return read_csv(path)
    if path.suffix == ".npz":
        return read_npz(path)
    raise ScenarioError(f"{path.name}: profiles must be a .csv or .npz file, got {path.suffix!r}")
