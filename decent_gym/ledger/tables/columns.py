"""What a column of a recording's tables is, between rounds and files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.ledger.header import LedgerHeader

FIXED_NAMES: Final = ("(fuel)", "(network)", "(operator)")
"""Accounts behind the organizations', in brackets that no organization's name has."""


@dataclass(frozen=True, slots=True, eq=False)
class TableColumn:
    """A column: integers, codes of names, or texts and signatures.

    Attributes
    ----------
    values : int64 (n,); of texts and signatures an array of bytes objects
    names : tuple of str, or None
        Code -> name, where the column holds names.
    missing : bool (n,), or None
        Where there is no value; None: never.
    """

    values: npt.NDArray[Any]
    names: tuple[str, ...] | None = None
    missing: npt.NDArray[np.bool_] | None = None


Columns = Mapping[str, TableColumn]
Kind = tuple[str, ...] | bool | type[str] | type[bytes]
"""Of a column: its names; of integers, whether there may be no value; str, of texts (as UTF-8);
bytes, of signatures."""


def objects(cells: list[bytes]) -> npt.NDArray[Any]:
    """An array of objects, also where NumPy would make something else of cells of one length."""
    array = np.empty(len(cells), object)
    array[:] = cells
    return array


def account_names(header: LedgerHeader) -> tuple[str, ...]:
    """Names of all accounts by index; the network's buys what the heat network loses."""
    return (*header.names, *FIXED_NAMES)
