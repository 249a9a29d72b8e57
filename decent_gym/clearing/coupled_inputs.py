"""Conversion offers as people hand them in, checked and named."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from decent_gym.clearing.inputs import integers
from decent_gym.errors import InputError
from decent_gym.units import ENERGY_CAP, PRICE_CAP, PRODUCT_CAP, IntArray, exact_int

COLUMNS: Final = ("electricity", "heat", "cost", "max", "group", "fuel")
RATIO_CAP: Final = 10**5
"""Largest absolute electricity or heat per 1000 of activity."""
COP_CAP: Final = 30_000
"""Heat per 1000 of electricity where no temperatures are stated: Carnot's for a lift of 10 K."""
CONDENSING: Final = 1_110
"""Energy out per 1000 of fuel by its lower heating value: condensing boilers pass 1000."""
ALONE: Final = -1
FLOW_CAP: Final = 2**49
"""Largest sum of activity times ratio, mWh, so that slopes stay exact."""
_MILLI: Final = 1_000
_KELVIN_DC: Final = 2_731.5
_COLDEST_DC: Final = -2_731


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


def checked_conversions(given: Any, sequence: Any, temperatures: Any) -> Conversions:
    """`given` rows checked and sorted; see :func:`decent_gym.clearing.clear_coupled`.

    Raises
    ------
    InputError
        Naming the row, the column and the value.
    """
    table = _table(given)
    n = len(table)
    _check_ranges(table)
    _check_energy(table, _temperatures(temperatures, n))
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
            raise InputError(f"conversions must be a list of rows or an array, got {given!r}")
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


def _check_ranges(table: IntArray) -> None:
    limits = (
        (0, -RATIO_CAP, RATIO_CAP),
        (1, -RATIO_CAP, RATIO_CAP),
        (2, -PRICE_CAP, PRICE_CAP),
        (3, 1, ENERGY_CAP),
        (4, ALONE, 2**31),
        (5, -1, RATIO_CAP),
    )
    for column, low, high in limits:
        bad = np.flatnonzero((table[:, column] < low) | (table[:, column] > high))
        if bad.size:
            k = int(bad[0])
            raise InputError(
                f"conversions[{k}] {COLUMNS[column]} must be in [{low}, {high}], "
                f"got {table[k, column]}"
            )
    flow = int((np.abs(table[:, :2]).sum(axis=1) * table[:, 3]).sum()) if len(table) < 10**4 else -1
    money = sum(abs(int(row[2])) * int(row[3]) for row in table[:, :4])
    if not 0 <= flow <= FLOW_CAP or money > PRODUCT_CAP:
        raise InputError(
            "the conversions are too big for exact integers: activity times ratio, or times cost, "
            "sums to too much; split the market"
        )


def _check_energy(table: IntArray, temperatures: IntArray | None) -> None:
    """Refuse rows that make nothing, or more than physics allows."""
    for k, (electricity, heat, _, _, _, fuel) in enumerate(table.tolist()):
        place = f"conversions[{k}] (electricity {electricity}, heat {heat} per 1000)"
        if electricity <= 0 and heat <= 0:
            raise InputError(f"{place} produces nothing: one of the two must be above 0")
        if electricity < 0:
            cap, why = COP_CAP, "state the temperatures of a better one"
            if temperatures is not None:
                cold, hot = temperatures[k]
                cap = carnot(int(cold), int(hot))
                why = f"Carnot's bound from {cold / 10:g} to {hot / 10:g} degrees Celsius"
            if heat * _MILLI > cap * -electricity:
                raise InputError(
                    f"{place} creates energy: {heat / -electricity:.3f} heat per electricity is "
                    f"above {cap / _MILLI:g}; {why}"
                )
        elif heat < 0:
            if electricity >= -heat:
                raise InputError(f"{place} creates energy: it gives all its heat back, or more")
        elif fuel >= 0 and (electricity + heat) * _MILLI > CONDENSING * fuel:
            raise InputError(
                f"{place} creates energy: at most {CONDENSING} per 1000 of its fuel ({fuel}) "
                "can come out"
            )


def _temperatures(given: Any, n: int) -> IntArray | None:
    if given is None:
        return None
    table = np.asarray(given)
    if table.shape != (n, 2) or table.dtype.kind not in "iu":
        raise InputError(
            f"temperatures must hold integers of shape ({n}, 2), tenths of a degree Celsius, "
            f"source and supply; got {table.dtype} of shape {table.shape}"
        )
    if n and (table.min() < _COLDEST_DC or table.max() > 10**5):
        raise InputError(f"temperatures must be in [{_COLDEST_DC}, 100000] tenths of a degree")
    return table.astype(np.int64)


def carnot(cold: int, hot: int) -> int:
    """Most heat per 1000 of electricity between two temperatures, tenths of a degree Celsius.

    Source: Carnot's bound, T_hot / (T_hot - T_cold) in kelvin; without a lift, `RATIO_CAP`.
    """
    if hot <= cold:
        return RATIO_CAP
    return min(RATIO_CAP, int(_MILLI * (hot + _KELVIN_DC) / (hot - cold)))
