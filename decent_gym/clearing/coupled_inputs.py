"""Conversion offers as people hand them in, checked and named."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from decent_gym.clearing.conversion_faults import (
    ALONE,
    MAKES_NOTHING,
    conversion_fault,
    judge_conversions,
)
from decent_gym.clearing.inputs import checked_book, equally_long, integers
from decent_gym.errors import InputError, shown
from decent_gym.units import PRODUCT_CAP, IntArray, exact_int

COLUMNS: Final = ("electricity", "heat", "cost", "max", "group", "fuel")
_NAMES: Final = ("electricity", "heat", "cost", "most", "group", "fuel", "source", "supply")
FLOW_CAP: Final = 2**49
"""Largest sum of activity times ratio, mWh, so that slopes stay exact."""
_MILLI: Final = 1_000


class Conversions(NamedTuple):
    """Rows as kernels take them, groups together, each group by arrival.

    Attributes
    ----------
    order : int64 (K,)
        Where each row stood in the caller's array.
    rows : int64 (K, 5)
        Electricity and heat per 1000, cost per 1000, most activity in Wh, where the group ends.
    """

    order: IntArray
    rows: IntArray


def checked_market(
    side: Any, commodity: Any, price: Any, energy: Any
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """The orders of a market of two commodities, checked, as int64 (n,) each.

    Raises
    ------
    InputError
        Naming the array, the index and the value.
    """
    sides, prices, energies, commodities = (
        integers(values, name)
        for values, name in ((side, "side"), (price, "price"), (energy, "energy"),
                             (commodity, "commodity"))
    )  # fmt: skip
    n = equally_long(sides, prices, energies)
    if len(commodities) != n:
        raise InputError(f"commodity must have one entry per offer ({n}), got {len(commodities)}")
    checked_book(sides, prices, energies)
    if n and (commodities.min() < 0 or commodities.max() > 1):
        at = int(np.flatnonzero((commodities < 0) | (commodities > 1))[0])
        raise InputError(
            f"commodity[{at}] must be 0 (ELECTRICITY) or 1 (HEAT), got {commodities[at]}"
        )
    return sides, commodities, prices, energies


def checked_conversions(given: Any, sequence: Any, temperatures: Any) -> Conversions:
    """`given` rows checked and sorted; see :func:`decent_gym.clearing.clear_coupled`.

    Raises
    ------
    InputError
        Naming the row, the column and the value.
    """
    table = _table(given)
    n = len(table)
    _check_rows(table, _temperatures(temperatures, n))
    arrival = np.arange(n) if sequence is None else integers(sequence, "conversion_sequence")
    if len(arrival) != n or len(set(arrival.tolist())) != n:
        raise InputError(
            f"conversion_sequence must hold one unique integer per conversion ({n}), "
            f"got {arrival.tolist()}"
        )
    group = table[:, 4]
    names, counts = np.unique(group[group != ALONE], return_counts=True)
    if (counts == 1).any():
        name = names[counts == 1][0]
        raise InputError(
            f"group {name} has one conversion only (row {int(np.flatnonzero(group == name)[0])}): "
            f"a group shares a capacity among at least two; use {ALONE} for no group"
        )
    # a group stands where its first row arrived
    first = arrival.copy()
    for name in names:
        first[group == name] = arrival[group == name].min()
    order = np.lexsort((arrival, first))
    ends = np.arange(1, n + 1)
    for name in names:
        members = np.flatnonzero(group[order] == name)
        ends[members] = members[-1] + 1
    rows = table[order][:, :5]
    rows[:, 2] *= _MILLI
    rows[:, 4] = ends
    return Conversions(order, np.ascontiguousarray(rows))


def _table(given: Any) -> IntArray:
    """Rows of six columns; a fuel that is not stated is -1."""
    if isinstance(given, np.ndarray):
        if given.dtype.kind not in "iu" or given.ndim != 2 or given.shape[1] not in (5, 6):
            raise InputError(
                f"conversions must hold integer rows of {', '.join(COLUMNS[:5])} and, if you "
                f"like, fuel; got {given.dtype} of shape {given.shape}"
            )
        table = given.astype(np.int64)
    else:
        if isinstance(given, str | bytes) or not isinstance(given, Sequence):
            raise InputError(f"conversions must be a list of rows or an array, got {shown(given)}")
        widths = {len(row) if isinstance(row, Sequence | np.ndarray) else 0 for row in given}
        if given and not (len(widths) == 1 and widths <= {5, 6}):
            raise InputError(
                f"conversions must hold rows of {', '.join(COLUMNS[:5])} and, if you like, fuel, "
                f"equally long; got rows of {sorted(widths)} values"
            )
        table = np.array(
            [
                [exact_int(value, f"conversions[{k}] {COLUMNS[c]}") for c, value in enumerate(row)]
                for k, row in enumerate(given)
            ],
            np.int64,
        ).reshape(len(given), widths.pop() if widths else 6)
    if table.shape[1] == 5:
        table = np.hstack([table, np.full((len(table), 1), -1)])
    return table


def _check_rows(table: IntArray, temperatures: IntArray) -> None:
    """Refuse rows out of range, and rows that make nothing or more than physics allows."""
    n = len(table)
    columns = np.ascontiguousarray(np.hstack([table, temperatures]).T)[:, None]
    status = np.zeros((1, n), np.int64)
    judge_conversions(0, 1, np.array([n], np.int64), *columns, status)
    bad = np.flatnonzero(status[0])
    if bad.size:
        k = int(bad[0])
        row = dict(zip(_NAMES, columns[:, 0, k].tolist(), strict=True))
        code = int(status[0, k])
        field, text = conversion_fault(code, row)
        if code < MAKES_NOTHING:
            raise InputError(f"conversions[{k}] {field} {text}")
        raise InputError(
            f"conversions[{k}] (electricity {row['electricity']}, heat {row['heat']} per 1000) "
            f"{text}"
        )
    flow = int((np.abs(table[:, :2]).sum(axis=1) * table[:, 3]).sum()) if n < 10**4 else -1
    money = sum(abs(int(row[2])) * int(row[3]) for row in table[:, :4])
    if not 0 <= flow <= FLOW_CAP or money > PRODUCT_CAP:
        raise InputError(
            "the conversions are too big for exact integers: activity times ratio, or times cost, "
            "sums to too much; split the market"
        )


def _temperatures(given: Any, n: int) -> IntArray:
    if given is None:
        return np.zeros((n, 2), np.int64)
    table = np.asarray(given)
    if table.shape != (n, 2) or table.dtype.kind not in "iu":
        raise InputError(
            f"temperatures must hold integers of shape ({n}, 2), tenths of a degree Celsius, "
            f"source and supply; got {table.dtype} of shape {table.shape}"
        )
    return table.astype(np.int64)
