"""Whether recorded conversions could have been offered, and what clearing them again gives."""

import numpy as np

from decent_gym.clearing.conversion_admission import (
    GROUP_REFUSED,
    MOST_CONVERSIONS,
    admission_fault,
    admit_conversions,
    flow_limits,
)
from decent_gym.clearing.conversion_faults import judge_conversions
from decent_gym.clearing.coupled_books import ConversionRows
from decent_gym.ledger.header import LedgerHeader
from decent_gym.models import CONVERSION_FIELDS, Converted, Round

_LAST_SEQUENCE = 2**62


class ConversionCheck:
    """Checks the conversions of one round after the other; kernels trust what passes.

    An operator that admits conversions one by one must come to those that stand in the record: so
    they are admitted again, in their order, by the rules that a market has.

    Parameters
    ----------
    header : LedgerHeader
    coupled : bool
        Whether the header's rules let anybody convert.
    """

    def __init__(self, header: LedgerHeader, coupled: bool) -> None:
        self._coupled = coupled
        self._members = len(header.names)
        self._limits = flow_limits(header.accounts)
        self._enabled = np.arange(header.accounts) < self._members
        self._accounts = np.zeros((1, header.accounts), np.int64)
        self._used = -1

    def fault(self, record: Round) -> str | None:
        """What is wrong with the conversions of `record`, which follows the one checked before."""
        given = record.conversions
        k = len(given.activity)
        fault = None
        if k and not self._coupled:
            fault = f"{k} conversions, but the rules clear the books separately"
        elif k:
            fault = self._sequence_fault(record) or self._admission_fault(given)
        numbers = [given.column("sequence"), *(book.column("sequence") for book in record.books)]
        self._used = max(self._used, *(int(own.max(initial=-1)) for own in numbers))
        self._accounts = np.ascontiguousarray(record.accounts[None])
        return fault

    def _sequence_fault(self, record: Round) -> str | None:
        """Orders and conversions are numbered together, as they come; these came in this round."""
        sequence = record.conversions.column("sequence")
        if sequence[0] < 0 or sequence[-1] > _LAST_SEQUENCE or (np.diff(sequence) <= 0).any():
            return "sequences of conversions do not rise"
        if sequence[0] <= self._used:
            return (
                f"sequence of conversion 0 is {sequence[0]}, not above {self._used}, which was "
                "given in a round before"
            )
        orders = np.concatenate([book.column("sequence") for book in record.books])
        twice = np.isin(sequence, orders)
        if twice.any():
            at = int(np.argmax(twice))
            return f"sequence of conversion {at} is {sequence[at]}, which an order has, too"
        return None

    def _admission_fault(self, given: Converted) -> str | None:
        owner = given.column("owner")
        if owner.min() < 0 or owner.max() >= self._members:
            return f"owner of a conversion is {owner.min()} or {owner.max()}, no organization"
        k = len(owner)
        rows = [np.array(given.column(name)[None], order="C") for name in CONVERSION_FIELDS]
        none = [np.zeros((1, k), np.int64) for _ in CONVERSION_FIELDS]
        count, status = np.array([k], np.int64), np.zeros((1, k), np.int64)
        judge_conversions(0, 1, count, *rows[2:], status)
        refused = admit_conversions(
            0, 1, *rows, count, status, *none, np.zeros(1, np.int64), np.zeros(1, np.int64),
            self._enabled, self._accounts, MOST_CONVERSIONS, *self._limits,
        )  # fmt: skip
        if not refused:
            return None
        at = int(np.flatnonzero((status[0] != 0) & (status[0] != GROUP_REFUSED))[0])
        row = {name: int(given.column(name)[at]) for name in CONVERSION_FIELDS}
        return (
            f"conversion {at}: {' '.join(admission_fault(int(status[0, at]), row, self._limits))}"
        )


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
