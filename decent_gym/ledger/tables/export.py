"""A ledger as Parquet or CSV tables, for analysis in other programs."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from decent_gym.errors import InputError, LedgerError
from decent_gym.json_text import load_json
from decent_gym.ledger.encoding import encode_round
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.header import LedgerHeader, decode_header
from decent_gym.ledger.reading import read_round
from decent_gym.ledger.scan import Scan
from decent_gym.ledger.segments import META, META_BYTES_CAP, segment_numbers
from decent_gym.ledger.tables.columns import Columns
from decent_gym.ledger.tables.rounds import round_of, tables_of
from decent_gym.ledger.tables.schema import FACTS_KEY, TABLES, Facts, arrow_of, schema_of
from decent_gym.models import Round
from decent_gym.parquet import need_pyarrow

ROUNDS_AT_ONCE: Final = 672
OFFERS_AT_ONCE: Final = 2**17
SIGNED_AT_ONCE: Final = 2**26
"""Bytes of signed messages; of all these at least one round."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What :func:`export_tables` wrote: how many rounds, and the ledger's head in hexadecimal."""

    rounds: int
    head: str


def export_tables(
    ledger: str | Path,
    *,
    parquet: str | Path | None = None,
    csv: str | Path | None = None,
    on_round: Callable[[int], None] | None = None,
) -> Exported:
    """Write the rounds of a ledger as tables; see ``docs/recordings.md`` for their columns.

    A folder appears when it is whole.  From the Parquet files the same rounds can be read back bit
    for bit (:func:`decent_gym.ledger.read_rounds`).

    Parameters
    ----------
    ledger : str or Path
        Its folder.
    parquet, csv : str or Path, optional
        New folders; at least one of them.
    on_round : callable, optional
        Called with the number of rounds done, for progress.

    Raises
    ------
    InputError
        There is no ledger, a folder is taken, or none was asked for.
    LedgerError
        The ledger is broken, or holds what these tables cannot: names the round.
    MissingExtraError
        Without pyarrow.
    """
    source = Path(ledger)
    targets = [(Path(path), kind) for path, kind in ((parquet, _Parquet), (csv, _Csv)) if path]
    if not targets:
        raise InputError("say where to export to: parquet=, csv= or both")
    need_pyarrow("export_tables")
    if not source.is_dir() or not segment_numbers(source):
        raise InputError(f"there is no ledger at {source}: give the folder that holds its segments")
    for path, _ in targets:
        if path.exists():
            raise InputError(f"{path} exists already; remove it or choose another name")
    parts = [path.with_name(path.name + ".part") for path, _ in targets]
    try:
        for part in parts:
            part.mkdir(parents=True)
        reader = _Reader(source, on_round)
        writers = [
            kind(part, reader.header) for part, (_, kind) in zip(parts, targets, strict=True)
        ]
        try:
            reader.feed(writers)
        finally:
            for writer in writers:
                writer.close()
        for part, (path, _) in zip(parts, targets, strict=True):
            _copy_meta(source, part, path)
            os.replace(part, path)
    except BaseException:
        for part in parts:
            shutil.rmtree(part, ignore_errors=True)
        raise
    return Exported(reader.rounds, reader.head.hex())


class _Reader:
    """Takes a ledger apart, and hands its rounds over in groups."""

    def __init__(self, folder: Path, on_round: Callable[[int], None] | None) -> None:
        self._folder = folder
        self._scan = Scan(folder)
        self._records = iter(self._scan)
        self._on_round = on_round
        self.rounds = 0
        first = next(self._records, None)
        if first is None:
            raise LedgerError(f"{folder}: the header cannot be read: {self._scan.reason}")
        self.header = decode_header(first.body)
        self._others = {0: (bytes(first.body), first.hash)}

    @property
    def head(self) -> bytes:
        """Hash of the last record."""
        return self._scan.head

    def feed(self, writers: "list[_Parquet | _Csv]") -> None:
        """Read to the end."""
        rounds: list[Round] = []
        hashes: list[bytes] = []
        offers = signed = 0
        for raw in self._records:
            if raw.kind is not RecordType.ROUND:
                self._others[raw.index] = bytes(raw.body), raw.hash
                continue
            record = read_round(raw.body, self.header.accounts)
            rounds.append(record)
            hashes.append(raw.hash)
            offers += sum(len(book.orders) for book in record.books)
            signed += sum(len(message.payload) for message in record.signed)
            enough = len(rounds) == ROUNDS_AT_ONCE or offers > OFFERS_AT_ONCE
            if enough or signed > SIGNED_AT_ONCE:
                self._hand_over(rounds, hashes, writers)
                rounds, hashes, offers, signed = [], [], 0, 0
        if self._scan.damage is not None:
            raise LedgerError(
                f"{self._folder} is broken after {self._scan.records} records: "
                f"{self._scan.reason}; 'decent-gym verify' says what is good"
            )
        if rounds:
            self._hand_over(rounds, hashes, writers)
        if not self.rounds:
            raise LedgerError(f"{self._folder}: no round has been recorded")
        for table in TABLES:
            others = self._others if table == "rounds" else {}
            facts = Facts(table, self.rounds, self.head, self.header.scenario, others)
            for writer in writers:
                writer.finish(facts)

    def _hand_over(
        self, rounds: list[Round], hashes: list[bytes], writers: "list[_Parquet | _Csv]"
    ) -> None:
        tables = tables_of(rounds, self.header)
        for record in rounds:
            self._check(record)
        for writer in writers:
            writer.write(tables, hashes)
        self.rounds += len(rounds)
        if self._on_round is not None:
            self._on_round(self.rounds)

    def _check(self, record: Round) -> None:
        """What the tables do not hold must not get lost without a word."""
        again = round_of(tables_of([record], self.header), self.header)
        accounts = self.header.accounts
        if encode_round(again, accounts) != encode_round(record, accounts):
            raise LedgerError(
                f"{self._folder}: round {record.number} holds what these tables cannot; the "
                "ledger itself is whole: read it with decent_gym.ledger.read_rounds"
            )


class _Parquet:
    """A Parquet file for every table, in a folder."""

    def __init__(self, folder: Path, header: LedgerHeader) -> None:
        import pyarrow.parquet as pq

        self._schemas = {table: schema_of(table, header) for table in TABLES}
        self._writers = {
            table: pq.ParquetWriter(
                folder / f"{table}.parquet",
                schema,
                compression="zstd",
                write_page_checksum=True,
            )
            for table, schema in self._schemas.items()
        }

    def write(self, tables: Mapping[str, Columns], hashes: list[bytes]) -> None:
        """Append a group of rounds."""
        for table, schema in self._schemas.items():
            found = arrow_of(tables[table], schema, hashes)
            if found.num_rows:
                self._writers[table].write_table(found, row_group_size=found.num_rows)

    def finish(self, facts: Facts) -> None:
        """Write what the footer of one table says."""
        self._writers[facts.table].add_key_value_metadata({FACTS_KEY: facts.to_json()})

    def close(self) -> None:
        """Close all files."""
        for writer in self._writers.values():
            writer.close()


class _Csv:
    """A CSV file a table in a folder, and ``recording.json`` with what Parquet footers say.

    Hashes and signatures are hexadecimal.
    """

    def __init__(self, folder: Path, header: LedgerHeader) -> None:
        import pyarrow as pa
        import pyarrow.csv

        self._folder = folder
        self._schemas = {table: schema_of(table, header) for table in TABLES}
        self._plain: dict[str, Any] = {}
        self._writers: dict[str, Any] = {}
        for table, schema in self._schemas.items():
            fields = (
                (field.name, pa.string() if _is_text(field) else field.type) for field in schema
            )
            self._plain[table] = pa.schema(fields)
            self._writers[table] = pyarrow.csv.CSVWriter(
                folder / f"{table}.csv", self._plain[table]
            )

    def write(self, tables: Mapping[str, Columns], hashes: list[bytes]) -> None:
        """Append a group of rounds."""
        import pyarrow as pa

        for table, schema in self._schemas.items():
            found = arrow_of(tables[table], schema, hashes)
            arrays = []
            for field in schema:
                column = found.column(field.name)
                if pa.types.is_fixed_size_binary(field.type):
                    texts = [cell.hex() for cell in column.to_pylist()]
                    column = pa.chunked_array([pa.array(texts, pa.string())])
                arrays.append(column.cast(pa.string()) if _is_text(field) else column)
            plain = pa.Table.from_arrays(arrays, schema=self._plain[table])
            self._writers[table].write_table(plain)

    def finish(self, facts: Facts) -> None:
        """Write what the recording is about, once."""
        if facts.table == "rounds":
            text = json.dumps(json.loads(facts.to_json()), indent=2) + "\n"
            (self._folder / "recording.json").write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Close all files."""
        for writer in self._writers.values():
            writer.close()


def _is_text(field: Any) -> bool:
    import pyarrow as pa

    kind = field.type
    return bool(pa.types.is_fixed_size_binary(kind) or pa.types.is_dictionary(kind))


def _copy_meta(ledger: Path, draft: Path, target: Path) -> None:
    """Take ``meta.json`` along; a scenario file in it is named relative to the folder."""
    path = ledger / META
    if not path.is_file() or path.stat().st_size > META_BYTES_CAP:
        return
    text = path.read_text("utf-8", errors="replace")
    try:
        facts = load_json(text, 2 * META_BYTES_CAP)
        name = facts["scenario"]
        if name.endswith(".toml"):
            file = (ledger / name).resolve()
            facts["scenario"] = Path(os.path.relpath(file, target.resolve())).as_posix()
            text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # it is not hashed: whoever needs it says what is wrong with it
    (draft / META).write_text(text, encoding="utf-8")
