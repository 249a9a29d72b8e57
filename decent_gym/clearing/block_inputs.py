"""Minimum acceptances and exclusive groups as people hand them in, checked and named."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np

from decent_gym.clearing.inputs import integers
from decent_gym.errors import InputError, shown
from decent_gym.units import PRODUCT_CAP, IntArray

ALONE: Final = -1
SPAN_PRODUCT_CAP: Final = PRODUCT_CAP // 8
"""Energy times the span of limits: the search adds up a few such products."""


class BlockBook(NamedTuple):
    """Checked columns of n offers.

    Attributes
    ----------
    side, price, energy, priority, sequence : int64 (n,)
    least : int64 (n,)
        Wh that an offer takes once it is accepted; 0 for plain ones, else at least 1.
    group : int64 (n,)
        Index of its exclusive group, -1 without.
    """

    side: IntArray
    price: IntArray
    energy: IntArray
    priority: IntArray
    sequence: IntArray
    least: IntArray
    group: IntArray


def checked_blocks(
    minimum: Any, group: Any, price: IntArray, energy: IntArray, owner: IntArray | None
) -> tuple[IntArray, IntArray]:
    """Columns ``least`` and ``group``; see :func:`decent_gym.clearing.clear_blocks`.

    Raises
    ------
    InputError
        Naming array, index and value.
    """
    n = len(energy)
    least = np.zeros(n, np.int64) if minimum is None else integers(minimum, "minimum").copy()
    if len(least) != n:
        raise InputError(f"minimum must have one entry per offer ({n}), got {len(least)}")
    wrong = np.flatnonzero((least < 0) | (least > energy))
    if wrong.size:
        at = int(wrong[0])
        raise InputError(
            f"minimum[{at}] must be in [0, energy[{at}] = {energy[at]}] Wh, got {least[at]}; "
            "0 is an offer that can be divided, its energy one that is all or nothing"
        )
    labels = _indices(group, n, owner)
    least[labels >= 0] = np.maximum(least[labels >= 0], 1)  # accepted means that it gets something
    span = int(price.max()) - int(price.min()) if n else 0
    if int(energy.sum()) * span > SPAN_PRODUCT_CAP:
        raise InputError(
            f"the book is too big for exact integers: {int(energy.sum())} Wh times the span of "
            f"its limits ({span}) passes {SPAN_PRODUCT_CAP}; split it"
        )
    return least, labels


def _indices(group: Any, n: int, owner: IntArray | None) -> IntArray:
    """Groups numbered as they first appear."""
    found = np.full(n, ALONE)
    if group is None:
        return found
    if isinstance(group, np.ndarray):
        group = group.tolist()
    labels = list(group) if isinstance(group, Iterable) and not isinstance(group, str) else None
    if labels is None or len(labels) != n:
        raise InputError(f"group must have one entry per offer ({n}), got {shown(group)}")
    members: dict[Any, list[int]] = {}
    for i, label in enumerate(labels):
        if label is None or (type(label) is int and label == ALONE):
            continue
        if type(label) is not str and not (type(label) is int and label >= 0):
            raise InputError(
                f"group[{i}] must be a str or an int >= 0, or None or -1 for no group, "
                f"got {shown(label)}"
            )
        members.setdefault(label, []).append(i)
    for index, (label, mine) in enumerate(members.items()):
        if len(mine) == 1:
            raise InputError(
                f"exclusive group {label!r} has one offer only (offer {mine[0]}); "
                "give it another, or no group"
            )
        if owner is not None and len({int(owner[i]) for i in mine}) > 1:
            raise InputError(
                f"exclusive group {label!r} holds offers of several organizations (offers "
                f"{', '.join(map(str, mine))}); nobody may exclude another's offer"
            )
        found[mine] = index
    return found
