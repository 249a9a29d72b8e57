"""The rounds of a ledger that shall be cleared again: read to the end, and found sound."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from decent_gym.audit.conversions import ConversionCheck
from decent_gym.audit.header_rules import rules_of
from decent_gym.audit.orders import OrderCheck
from decent_gym.audit.recount import tariff_fault
from decent_gym.clearing import Books, Rules
from decent_gym.clearing.lottery import fill_lottery
from decent_gym.errors import DataError, LedgerError
from decent_gym.ledger import LedgerHeader, open_records
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.header import decode_header, parse_json
from decent_gym.ledger.reading import read_round
from decent_gym.ledger.scan import RawRecord
from decent_gym.models import COMMODITIES, WISH_FIELDS, ClearedBook, Round
from decent_gym.units import IntArray

_COLUMNS = ("side", "price", "priority", "sequence", "owner")


class SoundRounds:
    """The header of a ledger, and its rounds once they are read; kernels may trust them.

    Raises
    ------
    InputError
        There is no ledger at `path`.
    LedgerError
        Its header cannot be read.

    Attributes
    ----------
    header : LedgerHeader
    coupled : bool
        Whether heat and electricity were cleared together.
    """

    def __init__(self, path: str | Path) -> None:
        self._folder = Path(path)
        self._scan = open_records(self._folder)
        self._records = iter(self._scan)
        first = next(self._records, None)
        if first is None:
            raise LedgerError(f"{self._folder}: the header cannot be read: {self._scan.reason}")
        self.header: LedgerHeader = decode_header(first.body)
        self.coupled = parse_json(self.header.rules).get("clearing", "separate") == "coupled"

    def rules(self) -> Rules:
        """The rules of the recording; see :func:`decent_gym.audit.header_rules.rules_of`."""
        return rules_of(self.header)

    def read(
        self,
        see: Callable[[RawRecord, Round], None],
        on_key: Callable[[RawRecord], None] | None = None,
    ) -> list[Round]:
        """All rounds, each shown to `see` as soon as it is found sound; new keys to `on_key`.

        Raises
        ------
        LedgerError
            The ledger is broken: says where.
        DataError
            It has no rounds.
        """
        folder, header = self._folder, self.header
        check = OrderCheck(header, self.rules())
        conversions = ConversionCheck(header, self.coupled)
        rounds: list[Round] = []
        for raw in self._records:
            if raw.kind is RecordType.KEY:
                if on_key is not None:
                    on_key(raw)
                continue
            record = read_round(raw.body, header.accounts)
            fault = tariff_fault(record) or check.fault(record) or conversions.fault(record)
            if fault is not None:
                raise LedgerError(f"{folder}: round {record.number}: {fault}")
            see(raw, record)
            rounds.append(record)
        if self._scan.damage is not None:
            raise LedgerError(
                f"{folder} is broken after {len(rounds)} rounds: {self._scan.reason}; "
                "'decent-gym verify' says what is good"
            )
        if not rounds:
            raise DataError(
                f"{folder}: no round has been recorded, so there is nothing to clear again"
            )
        return rounds


def books_of(rounds: list[Round], header: LedgerHeader, rules: Rules) -> Books:
    """The books of R rounds, rows ``2 r`` electricity, ``2 r + 1`` heat.

    Their columns of wishes are empty if nobody has any.
    """
    cleared = [book for record in rounds for book in record.books]
    orders = np.array([len(book.orders) for book in cleared], np.int64)
    times = np.array([record.number for record in rounds], np.int64)
    lottery = np.zeros((len(rounds), COMMODITIES), np.int64)
    seeds = np.full(len(rounds), header.seed, np.int64)
    fill_lottery(0, len(rounds), rules.seed, seeds, times, lottery)
    wishes = WISH_FIELDS if any(len(book.wishes) for book in cleared) else ()
    return Books(
        orders,
        lottery=lottery.reshape(-1),
        tariffs=np.stack([record.tariffs for record in rounds]).reshape(len(cleared), 4),
        **{name: wide(cleared, name) for name in (*_COLUMNS, "offered", *wishes)},
    )


def wide(books: list[ClearedBook], name: str) -> IntArray:
    """One column of all books, 0 beyond a book's end."""
    slots = max(len(book.orders) for book in books)
    values = np.zeros((len(books), slots), np.int64)
    for row, book in zip(values, books, strict=True):
        is_column = name in _COLUMNS or name in WISH_FIELDS
        row[: len(book.orders)] = book.column(name) if is_column else getattr(book, name)
    return values
