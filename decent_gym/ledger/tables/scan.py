"""Reading a recording's Parquet tables as the records of the ledger that they were made from.

The tables may come from anybody.  Types, names and sizes are checked before rows are read; then
every round is built from its rows, encoded as a ledger would, and must have the hash that the
chain gives it; at the end the head must be the one that all footers state.  So what comes out
is what was recorded, or the scan says which round is not.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from decent_gym.errors import DataError, InputError, LedgerError
from decent_gym.ledger.encoding import encode_round
from decent_gym.ledger.frames import PREFIX_BYTES, RecordType, read_prefix
from decent_gym.ledger.hashing import GENESIS, link
from decent_gym.ledger.header import LedgerHeader, decode_header
from decent_gym.ledger.scan import Damage, RawRecord, Scan
from decent_gym.ledger.tables.columns import Kind, TableColumn
from decent_gym.ledger.tables.rounds import kinds_of, round_of
from decent_gym.ledger.tables.schema import (
    FACTS_BYTES_CAP,
    FACTS_KEY,
    HASH,
    TABLES,
    Facts,
    columns_of,
    schema_of,
)
from decent_gym.parquet import blamed, check_schema, need_pyarrow, open_parquet

ROWS_AT_ONCE: Final = 2**20
"""Of one group of rows, which is in memory as a whole; a round with more offers cannot be."""


class ParquetScan(Scan):
    """A :class:`Scan` over a folder of Parquet tables; damage is always ``CORRUPT``.

    Raises
    ------
    MissingExtraError
        Without pyarrow.
    """

    def __init__(self, folder: Path) -> None:
        need_pyarrow(f"reading the recording {folder}")
        super().__init__(folder)

    def __iter__(self) -> Iterator[RawRecord]:
        try:
            yield from self._tables()
        except DataError as error:
            self.damage = Damage.CORRUPT
            self.reason = str(error)

    def _tables(self) -> Iterator[RawRecord]:
        facts, header = self._facts()
        readers = {table: _Rows(self._folder, table, facts, header) for table in TABLES}
        others = dict(facts.others)
        left = facts.rounds
        while left or others:
            other = others.pop(self.records, None)
            if other is not None:
                yield self._other(*other)
                continue
            if not left:
                raise DataError(f"rounds.parquet: record {min(others)} follows no round")
            yield self._round(readers, header)
            left -= 1
        for reader in readers.values():
            reader.expect_end()
        if self.head != facts.head:
            raise DataError(
                f"rounds.parquet: the records give the head {self.head.hex()}, stated is "
                f"{facts.head.hex()}"
            )

    def _place(self, table: str) -> Path:
        return self._folder / f"{table}.parquet"

    def _facts(self) -> tuple[Facts, LedgerHeader]:
        facts = {}
        for table in TABLES:
            path = self._place(table)
            if not path.is_file():
                raise DataError(f"{path.name} is missing; a recording has {', '.join(TABLES)}")
            with blamed(path.name, "its footer"), _open(path) as file:
                pairs = file.metadata.metadata or {}
                if FACTS_KEY not in pairs:
                    raise DataError(f"has no {FACTS_KEY.decode()!r}; 'decent-gym export' writes it")
                found = Facts.from_json(pairs[FACTS_KEY])
            if found.table != table:
                raise DataError(f"{path.name} holds the table {found.table!r}")
            facts[table] = found
        first = facts["rounds"]
        for table, found in facts.items():
            if (found.head, found.rounds) != (first.head, first.rounds):
                raise DataError(f"{table}.parquet is of another recording than rounds.parquet")
        if 0 not in first.others:
            raise DataError("rounds.parquet: the ledger's header is missing")
        try:
            header = decode_header(first.others[0][0].ljust(PREFIX_BYTES, b"\0"))
        except LedgerError as error:
            raise DataError(f"rounds.parquet: {error}") from None
        return first, header

    def _round(self, readers: "dict[str, _Rows]", header: LedgerHeader) -> RawRecord:
        facts = readers["rounds"]
        number, own = facts.next_round()
        tables = {table: reader.take(number) for table, reader in readers.items()}
        try:
            body = encode_round(round_of(tables, header), header.accounts)
        except (DataError, InputError) as error:
            raise DataError(f"round {number}: {error}") from None
        if link(self.head, body) != own:
            raise DataError(
                f"round {number} does not have the hash that rounds.parquet "
                "states; it, or a record before it, was changed"
            )
        return self._link(body, RecordType.ROUND)

    def _other(self, body: bytes, own: bytes) -> RawRecord:
        try:
            kind = read_prefix(body.ljust(PREFIX_BYTES, b"\0"))[1]
        except LedgerError as error:
            raise DataError(f"rounds.parquet: record {self.records}: {error}") from None
        raw = self._link(body, kind)
        if raw.hash != own:
            raise DataError(
                f"rounds.parquet: record {raw.index} does not have the hash that is stated"
            )
        return raw

    def _link(self, body: bytes, kind: RecordType) -> RawRecord:
        if self.records == 0:
            self.head = GENESIS
        self.head = link(self.head, body)
        self.records += 1
        return RawRecord(self.records - 1, kind, memoryview(body), self.head)


def _open(path: Path) -> Any:
    return open_parquet(path, 2 * FACTS_BYTES_CAP)


class _Rows:
    """The rows of one table, a group at a time."""

    def __init__(self, folder: Path, table: str, facts: Facts, header: LedgerHeader) -> None:
        self._path = folder / f"{table}.parquet"
        self._kinds = kinds_of(header)[table]
        self._columns: dict[str, TableColumn] = {}
        self._hashes: list[bytes] = []
        self._at, self._size, self._group = 0, 0, 0
        with blamed(self._path.name, "its footer"):
            self._file = _open(self._path)
            check_schema(self._file.schema_arrow, schema_of(table, header))
            footer = self._file.metadata
            if table == "rounds" and footer.num_rows != facts.rounds:
                raise DataError(f"has {footer.num_rows} rows of {facts.rounds} rounds")
            for group in range(footer.num_row_groups):
                rows = footer.row_group(group).num_rows
                if not 0 <= rows <= ROWS_AT_ONCE:
                    raise DataError(f"group of rows {group} has {rows}, at most {ROWS_AT_ONCE}")

    def next_round(self) -> tuple[int, bytes]:
        """Number and hash of the next row, in the table ``rounds``."""
        if not self._more():
            raise DataError(f"{self._path.name}: ends before its last round")
        return int(self._columns["round"].values[self._at]), self._hashes[self._at]

    def take(self, number: int) -> dict[str, TableColumn]:
        """The rows of the round `number`, which are the next ones."""
        parts: list[dict[str, TableColumn]] = []
        while self._more():
            numbers = self._columns["round"].values[self._at :]
            count = int(np.argmax(numbers != number)) if (numbers != number).any() else len(numbers)
            if not count:
                break
            span = slice(self._at, self._at + count)
            parts.append({name: _cut(column, span) for name, column in self._columns.items()})
            self._at += count
            if self._at < self._size:
                break
        if not parts:
            return {name: _none_of(kind) for name, kind in self._kinds.items()}
        return parts[0] if len(parts) == 1 else _joined(parts)

    def expect_end(self) -> None:
        """Refuse rows that belong to no round."""
        if self._more():
            number = self._columns["round"].values[self._at]
            raise DataError(f"{self._path.name}: rows of round {number} stand where none belong")

    def _more(self) -> bool:
        """Whether there is another row; reads the next group if it must."""
        while self._at == self._size and self._group < self._file.metadata.num_row_groups:
            with blamed(self._path.name, f"group of rows {self._group}"):
                table = self._file.read_row_group(self._group, use_threads=False)
                self._columns = columns_of(table, self._kinds)
                if HASH in table.column_names:
                    self._hashes = table.column(HASH).to_pylist()
            self._at, self._size, self._group = 0, table.num_rows, self._group + 1
        return self._at < self._size


def _cut(column: TableColumn, span: slice) -> TableColumn:
    missing = None if column.missing is None else column.missing[span]
    return TableColumn(column.values[span], column.names, missing)


def _none_of(kind: Kind) -> TableColumn:
    empty = np.zeros(0, np.int64)
    return TableColumn(
        empty, kind if isinstance(kind, tuple) else None, empty > 0 if kind is True else None
    )


def _joined(parts: list[dict[str, TableColumn]]) -> dict[str, TableColumn]:
    """Rows of a round that lie in several groups."""
    joined = {}
    for name, first in parts[0].items():
        values = np.concatenate([part[name].values for part in parts])
        gaps = [missing for part in parts if (missing := part[name].missing) is not None]
        joined[name] = TableColumn(values, first.names, np.concatenate(gaps) if gaps else None)
    return joined
