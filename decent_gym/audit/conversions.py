"""Whether recorded conversions could have been offered, and what clearing them again gives."""

import numpy as np

from decent_gym.clearing.conversion_faults import conversion_fault, judge_conversions
from decent_gym.clearing.coupled_books import ConversionRows
from decent_gym.clearing.coupled_inputs import FLOW_CAP
from decent_gym.ledger.header import LedgerHeader
from decent_gym.models import CONVERSION_FIELDS, Converted, Round
from decent_gym.units import PRODUCT_CAP, IntArray

_LAST_SEQUENCE = 2**62


def conversion_order_fault(record: Round, header: LedgerHeader, coupled: bool) -> str | None:
    """What is wrong with the conversions of `record` as offers; kernels trust what passes.

    Parameters
    ----------
    record : Round
    header : LedgerHeader
    coupled : bool
        Whether the header's rules let anybody convert.
    """
    given = record.conversions
    k = len(given.activity)
    if k == 0:
        return None
    if not coupled:
        return f"{k} conversions, but the rules clear the books separately"
    columns = {name: given.column(name) for name in CONVERSION_FIELDS}
    sequence, owner, group = columns["sequence"], columns["owner"], columns["group"]
    if sequence[0] < 0 or sequence[-1] > _LAST_SEQUENCE or (np.diff(sequence) <= 0).any():
        return "sequences of conversions do not rise"
    if owner.min() < 0 or owner.max() >= len(header.names):
        return f"owner of a conversion is {owner.min()} or {owner.max()}, no organization"
    rows = [np.ascontiguousarray(given.column(name)[None]) for name in CONVERSION_FIELDS[2:]]
    status = np.zeros((1, k), np.int64)
    judge_conversions(0, 1, np.array([k], np.int64), *rows, status)
    if status.any():
        at = int(np.flatnonzero(status[0])[0])
        row = {name: int(values[at]) for name, values in columns.items()}
        return f"conversion {at}: {' '.join(conversion_fault(int(status[0, at]), row))}"
    fault = _group_fault(owner, group)
    if fault is not None:
        return fault
    ratios = np.abs(columns["electricity"]) + np.abs(columns["heat"])
    flow = sum(int(a) * int(b) for a, b in zip(ratios, columns["most"], strict=True))
    cost = sum(abs(int(a)) * int(b) for a, b in zip(columns["cost"], columns["most"], strict=True))
    if flow > FLOW_CAP or cost > PRODUCT_CAP:
        return f"conversions of {flow} mWh and {cost} n-euro are more than a round may hold"
    return None


def _group_fault(owner: IntArray, group: IntArray) -> str | None:
    """Whether the conversions of every group stand together, two of them at least."""
    begins = np.flatnonzero(np.concatenate([[True], (np.diff(owner) != 0) | (np.diff(group) != 0)]))
    sizes = np.diff(np.append(begins, len(owner)))
    seen = set()
    for first, size in zip(begins.tolist(), sizes.tolist(), strict=True):
        label = int(group[first])
        if label < 0:
            continue
        key = (int(owner[first]), label)
        if size == 1 or key in seen:
            return f"group {label} of conversion {first} is of one conversion, or torn apart"
        seen.add(key)
    return None


def conversion_rows(records: list[Converted]) -> ConversionRows:
    """The conversions of R rounds as the joint clearing takes them."""
    rows = max((len(given.activity) for given in records), default=0)
    number = np.array([len(given.activity) for given in records], np.int64)
    table = {
        name: np.zeros((len(records), rows), np.int64)
        for name in ("owner", "electricity", "heat", "cost", "most", "group")
    }
    for r, given in enumerate(records):
        for name, column in table.items():
            column[r, : number[r]] = given.column(name)
    return ConversionRows(number, **table)
