"""A Parquet file of profiles gives what the CSV file gives, and the same errors."""

import random
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scenarios.street_files import HEADER, START, TOML, csv_lines, write_street

from decent_gym.errors import DecentGymError, InputError, MissingExtraError, ScenarioError
from decent_gym.scenarios import load_scenario
from decent_gym.scenarios.tables import read_csv, read_table

PARQUET_TOML = TOML.replace("street.csv", "street.parquet")


def street_table() -> Any:
    """The rows of street.csv, as a program that reads CSV would hold them."""
    header, *rows = [line.split(",") for line in csv_lines()]
    assert ",".join(header) == HEADER
    times = [datetime.fromisoformat(row[0]) for row in rows]
    columns = {"time": pa.array(times, pa.timestamp("us", "UTC"))}
    for i, name in enumerate(header[1:], start=1):
        columns[name] = pa.array([float(row[i]) for row in rows])
    return pa.table(columns)


def write(folder: Path, table: Any, **options: Any) -> Path:
    pq.write_table(table, folder / "street.parquet", **options)
    (folder / "street.toml").write_text(PARQUET_TOML, encoding="utf-8")
    return folder / "street.toml"


def with_column(table: Any, name: str, array: Any, called: str | None = None) -> Any:
    return table.set_column(table.column_names.index(name), called or name, array)


def test_the_same_district_as_from_csv(tmp_path: Path) -> None:
    expected = load_scenario(write_street(tmp_path))
    for unit in ("s", "ms", "us", "ns"):
        table = street_table()
        times = table.column("time").cast(pa.timestamp(unit, "UTC"))
        moved = table.remove_column(0).append_column("time", times)  # as an index is written
        found = load_scenario(write(tmp_path, moved, row_group_size=50))
        assert found.digest == expected.digest


def test_local_clocks_begin_at_their_own_midnight(tmp_path: Path) -> None:
    table = street_table()
    shifted = [t.as_py() - timedelta(hours=1) for t in table.column("time")]
    for zone in ("Europe/Berlin", "+01:00"):
        local = with_column(table, "time", pa.array(shifted, pa.timestamp("s", zone)))
        write(tmp_path, local)
        found = read_table(tmp_path / "street.parquet")
        assert (found.start, found.offset) == (int(START.timestamp()) - 3600, 3600)
        assert load_scenario(tmp_path / "street.toml").rounds == 192


def test_a_clock_that_changes_is_no_gap(tmp_path: Path) -> None:
    spring = datetime(2024, 3, 30, 23, tzinfo=UTC)  # midnight in Berlin, summer begins at 01:00 UTC
    times = [spring + timedelta(minutes=15 * i) for i in range(96)]
    zone = pa.timestamp("s", "Europe/Berlin")
    table = pa.table({"time": pa.array(times, zone), "x [W]": range(96)})
    pq.write_table(table, tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet").rounds == 96


def test_numbers_of_every_type_are_what_their_decimals_say(tmp_path: Path) -> None:
    texts = ["2", "6", "0.285", "14.5", "1e-3", "99999.5", "0", "-0.0"]
    padded = texts + ["0"] * (96 - len(texts))
    lines = ["time,x [W]"]
    lines += [
        f"{line.split(',')[0]},{x}" for line, x in zip(csv_lines()[1:97], padded, strict=True)
    ]
    (tmp_path / "x.csv").write_text("\n".join(lines), encoding="utf-8")
    expected = read_csv(tmp_path / "x.csv").columns["x"].values
    times = street_table().column("time").slice(0, 96)
    decimals = [Decimal(x) for x in padded]
    for array in (
        pa.array([float(x) for x in padded]),
        pa.array([float(x) for x in padded], pa.float32()),
        pa.array(decimals, pa.decimal128(20, 6)),
        pa.array(decimals, pa.decimal256(70, 30)),
    ):
        pq.write_table(pa.table({"time": times, "x [W]": array}), tmp_path / "x.parquet")
        found = read_table(tmp_path / "x.parquet").columns["x"]
        assert found.values.tolist() == expected.tolist() and found.unit == "W"
    whole = pa.array(range(96), pa.uint8())
    pq.write_table(pa.table({"time": times, "x [kW]": whole}), tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet").columns["x"].values.tolist() == [
        250 * i for i in range(96)
    ]


def spoilt(name: str, row: int, value: Any) -> Any:
    def edit(table: Any) -> Any:
        values = table.column(name).to_pylist()
        values[row] = value
        return with_column(table, name, pa.array(values, table.schema.field(name).type))

    return edit


def renamed(old: str, new: str) -> Any:
    return lambda table: table.rename_columns({old: new})


def cast(name: str, kind: Any) -> Any:
    return lambda table: with_column(table, name, table.column(name).cast(kind))


def retimed(*minutes: int) -> Any:
    """Rows at these minutes, the rest following the last."""

    def edit(table: Any) -> Any:
        more = [minutes[-1] + 15 * (i + 1) for i in range(192 - len(minutes))]
        times = [START + timedelta(minutes=m) for m in (*minutes, *more)]
        return with_column(table, "time", pa.array(times, pa.timestamp("s", "UTC")))

    return edit


CASES = [
    ("no unit", renamed("load [Wh]", "load"), ["column 2", "'load'", "[unit]", "kWh"]),
    ("index", lambda t: t.append_column("__index_level_0__", pa.array(range(192))), ["column 7"]),
    ("unknown unit", renamed("load [Wh]", "load [kWhh]"), ["'load'", "did you mean 'kWh'"]),
    ("twice", renamed("sun [kW]", "load [kW]"), ["'load'", "twice", "rename"]),
    ("no time", renamed("time", "date [Wh]"), ["no column 'time'", "'date [Wh]'"]),
    ("two times", renamed("load [Wh]", "time"), ["'time', or two"]),
    ("only time", lambda t: t.select(["time"]), ["no column but 'time'"]),
    ("no columns", lambda t: t.select([]), ["no column 'time'"]),
    ("no zone", cast("time", pa.timestamp("us")), ["timestamp[us]", "time zone", "tz=UTC"]),
    ("time as text", cast("time", pa.string()), ["'time'", "string", "timestamp"]),
    ("time as date", cast("time", pa.date32()), ["'time'", "date32", "timestamp"]),
    ("unknown zone", lambda t: with_column(
        t, "time", t.column("time").cast(pa.int64()).cast(pa.timestamp("us", "Mars/Olympus"))
    ), ["time zone 'Mars/Olympus'"]),
    ("text", cast("load [Wh]", pa.string()), ["'load'", "string", "write numbers"]),
    ("bool", lambda t: with_column(t, "sun [kW]", pa.array([True] * 192)), ["'sun'", "bool"]),
    ("category", lambda t: with_column(
        t, "load [Wh]", t.column("load [Wh]").cast(pa.string()).dictionary_encode()
    ), ["'load'", "dictionary", "write numbers"]),
    ("list", lambda t: with_column(t, "sun [kW]", pa.array([[1.0]] * 192)), ["'sun'", "list"]),
    ("nan", spoilt("load [Wh]", 48, np.nan), ["row 48", "'load'", "'nan'", "finite"]),
    ("infinity", spoilt("load [Wh]", 48, -np.inf), ["row 48", "'load'", "'-inf'", "finite"]),
    ("null", spoilt("load [Wh]", 48, None), ["row 48", "'load'", "empty", "not guessed"]),
    ("null time", spoilt("time", 48, None), ["row 48", "time", "empty"]),
    ("negative load", spoilt("load [Wh]", 48, -48.0), ["row 48", "'load'", "'-48.0'", "negative"]),
    ("huge load", spoilt("load [Wh]", 48, 1e9), ["row 48", "'1000000000.0'", "check the unit"]),
    ("absurd load", spoilt("load [Wh]", 48, 1e300), ["row 48", "'1e+300'", "check the unit"]),
    ("warm air", spoilt("air [degC]", 48, 61.0), ["row 48", "'air'", "'61.0'", "check the unit"]),
    ("gap", retimed(0, 15, 45), ["row 2", "T00:45", "should be 2024-01-01T00:30", "gaps"]),
    ("repetition", retimed(0, 15, 15), ["row 2", "should be 2024-01-01T00:30", "repetitions"]),
    ("hourly", retimed(0, 60, 120), ["row 1", "T00:15+00:00", "hourly", "quarter hour"]),
    ("off the grid", retimed(1, 16), ["row 0", "15-minute grid", "00, 15, 30 or 45"]),
    ("off later", retimed(0, 16), ["row 1", "should be 2024-01-01T00:15"]),
    ("micros", lambda t: with_column(
        t, "time", pa.array([x.as_py() + timedelta(microseconds=i // 50) for i, x in
                             enumerate(t.column("time"))], pa.timestamp("us", "UTC"))
    ), ["row 50", "should be"]),
    ("before 1970", retimed(-60 * 24 * 366 * 60), ["row 0", "before 1970", "check the year"]),
    ("the last tick", lambda t: with_column(
        t, "time", pa.array([2**63 - 1] * 192, pa.timestamp("ms", "UTC"))
    ), ["row 0", "after 4147"]),
    ("no midnight", retimed(60), ["first row", "midnight", "2024-01-01T01:00"]),
    ("too few rows", lambda t: t.slice(0, 95), ["95 rows", "96"]),
    ("no rows", lambda t: t.slice(0, 0), ["0 rows", "96"]),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "says"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_bad_table_is_named(tmp_path: Path, edit: Any, says: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario(write(tmp_path, edit(street_table())))
    for part in ["street.parquet", *says]:
        assert part in str(caught.value)


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    rows = 2**24
    bomb = pa.table({
        "time": pa.array(np.zeros(rows, np.int64)).cast(pa.timestamp("s", "UTC")),
        "x [W]": pa.array(np.zeros(rows, np.int8)),
        "y [W]": pa.array(np.zeros(rows, np.int8)),
    })  # fmt: skip
    path = tmp_path / "x.parquet"
    pq.write_table(bomb, path)
    assert path.stat().st_size < 300_000
    with pytest.raises(ScenarioError, match=r"x\.parquet: unpacks to \d+ bytes, at most 268435456"):
        read_table(path)


def test_damaged_files_never_crash(tmp_path: Path) -> None:
    write(tmp_path, street_table(), write_page_checksum=True)
    path = tmp_path / "street.parquet"
    good = path.read_bytes()
    before = read_table(path)
    generator = random.Random(1)
    refused = 0
    for _ in range(400):
        data = bytearray(good)
        footer = len(data) - 1 - generator.randrange(1500)
        at = generator.choice((generator.randrange(len(data)), footer))
        data[at] ^= 1 << generator.randrange(8)
        del data[len(data) - generator.choice((0, 0, 0, 1, 900)) :]
        path.write_bytes(data)
        try:
            assert read_table(path).rounds == before.rounds
        except DecentGymError as error:
            assert "street.parquet" in str(error)
            refused += 1
    assert refused > 200


def test_what_is_no_parquet_file(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_table(tmp_path / "x.parquet")
    (tmp_path / "x.parquet").write_text("time,load [Wh]\n")
    with pytest.raises(ScenarioError, match=r"x\.parquet: the footer cannot be read.*no Parquet"):
        read_table(tmp_path / "x.parquet")


def test_without_pyarrow_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, street_table())
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    says = r"^reading street\.parquet needs pyarrow: pip install 'decent-gym\[data\]'$"
    with pytest.raises(MissingExtraError, match=says):
        load_scenario(path)
