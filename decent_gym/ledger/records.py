"""A recording's records, whether they lie in a ledger's segments or in exported Parquet tables."""

from collections.abc import Iterator
from pathlib import Path

from decent_gym.errors import InputError, LedgerError
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.header import LedgerHeader, decode_header
from decent_gym.ledger.reading import read_round
from decent_gym.ledger.scan import Scan
from decent_gym.ledger.segments import segment_numbers
from decent_gym.ledger.tables.scan import ParquetScan
from decent_gym.models import Round

TABLE_OF_ROUNDS = "rounds.parquet"


def open_records(path: str | Path) -> Scan:
    """A scan over whatever recording is at `path`.

    Raises
    ------
    InputError
        There is none.
    MissingExtraError
        It is made of Parquet tables, and pyarrow is missing.
    """
    folder = Path(path)
    if folder.is_dir() and segment_numbers(folder):
        return Scan(folder)
    if (folder / TABLE_OF_ROUNDS).is_file():
        return ParquetScan(folder)
    raise InputError(
        f"there is no ledger at {folder}: give the folder that holds its segments, or the Parquet "
        "tables of 'decent-gym export'"
    )


def read_rounds(path: str | Path) -> tuple[LedgerHeader, Iterator[Round]]:
    """Header and rounds of a recording: a ledger's folder, or its exported Parquet tables.

    Rounds are read as they are asked for.

    Raises
    ------
    InputError
        There is no recording.
    LedgerError
        At once if the header cannot be read, else where a record is not what was written; only who
        comes to the end knows that the recording is whole.
    MissingExtraError
        Parquet tables without pyarrow.
    """
    scan = open_records(path)
    records = iter(scan)
    first = next(records, None)
    if first is None:
        raise LedgerError(f"{path}: the header cannot be read: {scan.reason}")
    header = decode_header(first.body)

    def rounds() -> Iterator[Round]:
        for raw in records:
            if raw.kind is RecordType.ROUND:
                yield read_round(raw.body, header.accounts)
        if scan.damage is not None:
            raise LedgerError(f"{path} is broken after {scan.records} records: {scan.reason}")

    return header, rounds()
