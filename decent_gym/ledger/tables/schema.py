"""The tables of rounds as Arrow tables, and what stands in the footers of their files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from decent_gym.errors import DataError, LedgerError
from decent_gym.json_text import load_json
from decent_gym.ledger.hashing import HASH_BYTES
from decent_gym.ledger.header import LedgerHeader
from decent_gym.ledger.note import SIGNATURE_BYTES
from decent_gym.ledger.tables.columns import Columns, Kind, TableColumn, objects
from decent_gym.ledger.tables.rounds import kinds_of
from decent_gym.models import SIGNED_CAP
from decent_gym.units import IntArray

SCHEMA_VERSION: Final = 1
FACTS_KEY: Final = b"decent_gym.recording"
TABLES: Final = ("rounds", "offers", "accounts", "actions", "conversions", "wishes", "signed")
HASH: Final = "hash"
LAST_SECOND: Final = 2**40
FACTS_BYTES_CAP: Final = 2**25


@dataclass(frozen=True, slots=True)
class Facts:
    """What the footer of a recording's file says.

    Attributes
    ----------
    table : str
        Which of :data:`TABLES` this is.
    rounds : int
    head : bytes (32,)
        Of the ledger.
    scenario : bytes (32,)
        Digest of the scenario; zero for a market by hand.
    others : mapping of int to (bytes, bytes)
        Index in the ledger -> body and hash of the records that are no rounds, the header first;
        empty but in the table ``rounds``.
    """

    table: str
    rounds: int
    head: bytes
    scenario: bytes
    others: Mapping[int, tuple[bytes, bytes]]

    def to_json(self) -> str:
        """The text of the footer."""
        others = {str(i): [body.hex(), own.hex()] for i, (body, own) in self.others.items()}
        values = {
            "schema": SCHEMA_VERSION,
            "table": self.table,
            "rounds": self.rounds,
            "head": self.head.hex(),
            "scenario": self.scenario.hex(),
            "records": others,
        }
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: bytes) -> "Facts":
        """Read a footer's text, which may be anybody's.

        Raises
        ------
        DataError
            Not JSON, another schema version, or an entry that is missing or of another type.
        """
        try:
            values = load_json(text, FACTS_BYTES_CAP)
            version = values["schema"]
            if version != SCHEMA_VERSION or isinstance(version, bool):
                raise DataError(
                    f"schema version {version!r} is not known to this program ({SCHEMA_VERSION})"
                )
            found = cls(
                table=str(values["table"]),
                rounds=int(values["rounds"]),
                head=bytes.fromhex(values["head"]),
                scenario=bytes.fromhex(values["scenario"]),
                others={
                    int(index): (bytes.fromhex(body), bytes.fromhex(own))
                    for index, (body, own) in values["records"].items()
                },
            )
        except (
            ValueError, KeyError, TypeError, AttributeError, OverflowError,
        ) as error:  # fmt: skip
            raise DataError(f"its facts are not as we write them: {error!r:.200}") from None
        if found.to_json().encode() != text:
            raise DataError("its facts are not as we write them")
        return found


def schema_of(table: str, header: LedgerHeader) -> Any:
    """The pyarrow schema of a table."""
    import pyarrow as pa

    fields = []
    for name, kind in kinds_of(header)[table].items():
        if isinstance(kind, tuple) or kind is str:
            # of texts, too: a file could name a long one in every row
            fields.append(pa.field(name, pa.dictionary(pa.int32(), pa.string()), nullable=False))
        elif kind is bytes:
            fields.append(pa.field(name, pa.binary(SIGNATURE_BYTES), nullable=False))
        elif name == "time":
            fields.append(pa.field(name, pa.timestamp("ms", "UTC"), nullable=False))
        else:
            fields.append(pa.field(name, pa.int64(), nullable=kind))
    if table == "rounds":
        fields.append(pa.field(HASH, pa.binary(HASH_BYTES), nullable=False))
    return pa.schema(fields)


def arrow_of(columns: Columns, schema: Any, hashes: list[bytes]) -> Any:
    """An Arrow table of some rounds; `hashes` are read for the table ``rounds``."""
    import pyarrow as pa

    arrays = []
    for field in schema:
        if field.name == HASH:
            arrays.append(pa.array(hashes, field.type))
            continue
        column = columns[field.name]
        values = np.ascontiguousarray(column.values)
        if column.names is not None:
            names = pa.array(column.names, pa.string())
            arrays.append(pa.DictionaryArray.from_arrays(values.astype(np.int32), names))
        elif pa.types.is_dictionary(field.type):
            texts = pa.array(values.tolist(), pa.binary()).cast(pa.string())
            arrays.append(texts.dictionary_encode())
        elif pa.types.is_fixed_size_binary(field.type):
            arrays.append(pa.array(values.tolist(), field.type))
        elif field.name == "time":
            if (np.abs(values) > LAST_SECOND).any():
                raise LedgerError(f"time {int(np.abs(values).max())} is beyond the calendar")
            arrays.append(pa.array(values * 1000).cast(field.type))
        else:
            arrays.append(pa.array(values, pa.int64(), mask=column.missing))
    return pa.Table.from_arrays(arrays, schema=schema)


def columns_of(table: Any, kinds: Mapping[str, Kind]) -> dict[str, TableColumn]:
    """The columns of an Arrow table that has the right schema; not its hashes.

    Raises
    ------
    DataError
        Naming the column, for a value that is missing, a name that does not exist, a text that is
        too long, or a time that is not on whole seconds.
    """
    found = {}
    for name, kind in kinds.items():
        values = table.column(name).combine_chunks()
        if values.null_count and kind is not True:
            raise DataError(f"column {name}: a value is missing")
        if isinstance(kind, tuple):
            found[name] = TableColumn(_codes(name, values, kind), kind)
            continue
        if kind is str or kind is bytes:
            cells = _texts(name, values) if kind is str else values.to_pylist()
            found[name] = TableColumn(objects(cells))
            continue
        integers = values.view("int64") if name == "time" else values
        missing = np.asarray(values.is_null()) if kind else None
        numbers = np.asarray(integers.fill_null(0)).astype(np.int64)
        if name == "time":
            numbers, rest = np.divmod(numbers, 1000)
            if rest.any():
                raise DataError("column time: must be on whole seconds")
        found[name] = TableColumn(numbers, None, missing)
    return found


def _texts(name: str, values: Any) -> list[bytes]:
    listed = values.dictionary.to_pylist()
    if any(text is None or len(text) > SIGNED_CAP for text in listed):
        raise DataError(f"column {name}: a text is missing, or longer than {SIGNED_CAP}")
    texts = [text.encode("utf-8") for text in listed]
    index = np.asarray(values.indices).astype(np.int64)
    _check_indices(name, index, len(texts))
    return [texts[at] for at in index.tolist()]


def _check_indices(name: str, index: IntArray, count: int) -> None:
    if len(index) and (index.min() < 0 or index.max() >= count):
        raise DataError(f"column {name}: names number {int(index.max())} of {count}")


def _codes(name: str, values: Any, names: tuple[str, ...]) -> IntArray:
    known = {text: code for code, text in enumerate(names)}
    listed = values.dictionary
    if len(listed) > 2 * len(names) + 16:  # long before its texts fill the memory
        raise DataError(f"column {name}: has {len(listed)} names, there are {len(names)}")
    codes = []
    for text in listed.to_pylist():
        if text not in known:
            raise DataError(f"column {name}: there is no {str(text)[:80]!r}")
        codes.append(known[text])
    index = np.asarray(values.indices).astype(np.int64)
    _check_indices(name, index, len(codes))
    return np.array(codes, np.int64)[index]
