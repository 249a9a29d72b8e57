"""Somebody else's Parquet file: whatever is wrong with it is named, and nothing else happens."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from decent_gym.errors import DataError
from decent_gym.offline import EpisodeSource, content_digest, read_parquet

Edit = Callable[[Any], Any]


def rewrite(
    path: Path, edit: Edit, change: dict[bytes, bytes | None] | None = None, rows: int = 8_192
) -> None:
    """Change the table, or the metadata, as somebody with pyarrow would."""
    file = pq.ParquetFile(path)
    kept = {k: v for k, v in file.metadata.metadata.items() if k != b"ARROW:schema"}
    table = edit(pq.read_table(path))
    kept.update(change or {})
    table = table.replace_schema_metadata({k: v for k, v in kept.items() if v is not None})
    pq.write_table(table, path, row_group_size=rows)


def with_column(table: Any, name: str, values: Any) -> Any:
    at = table.column_names.index(name)
    field = table.schema.field(at)
    return table.set_column(at, field, pa.array(values, field.type))


def spoil(name: str, row: int, value: Any) -> Edit:
    def edit(table: Any) -> Any:
        values = table.column(name).to_pylist()
        values[row] = value
        return with_column(table, name, values)

    return edit


def cast(name: str, kind: Any) -> Edit:
    def edit(table: Any) -> Any:
        at = table.column_names.index(name)
        return table.set_column(at, pa.field(name, kind), table.column(name).cast(kind))

    return edit


def read_all(path: Path) -> str:
    source = read_parquet(path)
    return content_digest(source.origin, source)


def test_rewriting_alone_is_no_damage(file: Path, source: EpisodeSource) -> None:
    rewrite(file, lambda table: table)
    assert read_all(file) == content_digest(source.origin, source)


@pytest.mark.parametrize("rows", [7, 14, 35])
def test_rows_are_counted_over_the_whole_file(file: Path, rows: int) -> None:
    rewrite(file, spoil("obs_day_sin", 23, np.nan), rows=rows)
    with pytest.raises(DataError, match="column obs_day_sin, row 23"):
        read_all(file)


def test_groups_of_rows_must_hold_whole_episodes(file: Path) -> None:
    rewrite(file, lambda table: table, rows=10)
    with pytest.raises(DataError, match="rows from 0: 10 of them are no whole episodes of 7"):
        read_all(file)


def test_checksums_are_verified_before_anything_is_decoded(file: Path) -> None:
    column = pq.ParquetFile(file).metadata.row_group(0).column(4)
    whole = bytearray(file.read_bytes())
    whole[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    file.write_bytes(whole)
    with pytest.raises(DataError, match=r"row 0 or one that follows .* CRC"):
        read_all(file)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (cast("reward", pa.float32()), "'reward' of type double, got 'reward' of type float"),
        (cast("seed", pa.int32()), "column 1 must be 'seed' of type int64 without nulls"),
        (cast("obs_day_sin", pa.float64()), "column 4 must be 'obs_day_sin' of type float"),
        (cast("action_battery", pa.string()), "'action_battery' of type float, got .* string"),
        (lambda t: t.drop_columns(["reward"]), "column 83 must be 'reward'"),
        (lambda t: t.append_column("more", t.column("step")), "must be nothing, got 'more'"),
        (lambda t: t.select([1, 0, *range(2, t.num_columns)]), "column 0 must be 'episode'"),
        (lambda t: t.rename_columns({"action_battery": "action_pump"}), "'action_battery'"),
        (spoil("obs_day_sin", 9, np.nan), "column obs_day_sin, row 9: must be within -10"),
        (spoil("obs_day_sin", 13, -11), "column obs_day_sin, row 13: .* got -11"),
        (spoil("action_battery", 8, 1.5), "column action_battery, row 8: must be within -1"),
        (spoil("reward", 30, np.inf), "column reward, row 30: must be finite, got inf"),
        (spoil("term_wear", 2, np.nan), "column term_wear, row 2: must be finite"),
        (spoil("reward", 3, None), "column reward, row 3: must be null in the row that closes"),
        (spoil("reward", 6, 0.0), "column reward, row 6: must be null in the row that closes"),
        (spoil("truncated", 5, False), "column truncated, row 5"),
        (spoil("truncated", 4, True), "column truncated, row 4"),
        (spoil("step", 20, 7), "column step, row 20: must be 0 to 6"),
        (spoil("episode", 20, 9), "column episode, row 20"),
        (spoil("seed", 20, 9), "column seed, row 20: must be the same"),
        (spoil("start", 20, 9), "column start, row 20: must be the same"),
        (lambda t: with_column(t, "seed", [-1] * 35), "column seed, row 0"),
        (lambda t: t.slice(1), "35|34 rows"),
        (lambda t: t.slice(0, 28), "5 episodes of 7 rows, but there are 28 rows"),
        (lambda t: t.take([*range(7, 35), *range(7)]), "column episode, row 0"),
        (lambda t: t.take([1, 0, *range(2, 35)]), "column step, row 0"),
        (spoil("obs_day_sin", 9, 0.123), "changed after it was written"),
        (spoil("term_trade", 9, 0.0), "changed after it was written"),
        (spoil("action_battery", 9, 0.5), "changed after it was written"),
    ],
)
def test_an_edited_table_is_named(file: Path, edit: Edit, says: str) -> None:
    rewrite(file, edit)
    with pytest.raises(DataError, match=says) as caught:
        read_all(file)
    assert str(file) in str(caught.value)


ORIGIN, DIGEST, COUNT = b"decent_gym.origin", b"decent_gym.digest", b"decent_gym.episodes"


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        (ORIGIN, None, "'decent_gym.origin' is missing"),
        (DIGEST, None, "'decent_gym.digest' is missing"),
        (COUNT, None, "'decent_gym.episodes' is missing"),
        (ORIGIN, b"{}", "origin"),
        (COUNT, b"4", "4 episodes of 7 rows"),
        (COUNT, b"9" * 30, "episodes of 7 rows"),
        (COUNT, b"x", "episodes of 7 rows"),
        (DIGEST, b"ab" * 32, "changed after it was written"),
        (DIGEST, b"\xff\xfe", "changed after it was written"),
    ],
)
def test_edited_metadata_is_named(file: Path, key: bytes, value: bytes | None, says: str) -> None:
    rewrite(file, lambda table: table, {key: value})
    with pytest.raises(DataError, match=says):
        read_all(file)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"household_00001", b"household_00002", "changed after it was written"),
        (b'"rounds":6', b'"rounds":4', "5 episodes of 5 rows"),
        (b'"format":1', b'"format":2', "format must be 1"),
        (b'"day_sin"', b'"day_sun"', "column 4 must be 'obs_day_sun'"),
        (b'"battery_limit"', b'"pump"', "column 82 must be 'action_pump'"),
        (b'"battery_limit"', b'"battery"', "actions must be different names"),
    ],
)
def test_another_origin_is_named(file: Path, old: bytes, new: bytes, says: str) -> None:
    text = pq.ParquetFile(file).metadata.metadata[ORIGIN]
    assert text.count(old) >= 1
    rewrite(file, lambda table: table, {ORIGIN: text.replace(old, new)})
    with pytest.raises(DataError, match=says):
        read_all(file)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    for content in (b"", b"PAR1", b"no parquet at all", b"PAR1" + bytes(100) + b"PAR1"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.parquet"):
            read_parquet(path)
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(DataError, match=r"decent_gym\.origin"):
        read_parquet(path)


def test_a_small_file_cannot_fill_the_memory(file: Path) -> None:
    """Equal rows take no space in Parquet; too many at once are refused before they are read."""
    metadata = pq.ParquetFile(file).metadata.metadata
    schema, rows = pq.read_schema(file), 7 * 50_000
    columns = [
        pa.nulls(rows, field.type) if field.nullable else pa.array(np.zeros(rows), field.type)
        for field in schema
    ]
    kept = {ORIGIN: metadata[ORIGIN], DIGEST: metadata[DIGEST], COUNT: b"50000"}
    pq.write_table(pa.table(columns, schema=schema.with_metadata(kept)), file)
    assert file.stat().st_size < 300_000
    with pytest.raises(DataError, match="group of rows 0 has 350000, expected 1 to 262145"):
        read_parquet(file)


def test_no_damage_goes_unseen(file: Path) -> None:
    """A flip in padding, or in statistics that nobody reads, may leave the content as it was."""
    whole, good = file.read_bytes(), read_all(file)
    rng = random.Random(0)
    for size in rng.sample(range(len(whole)), 40):
        file.write_bytes(whole[:size])
        with pytest.raises(DataError):
            read_all(file)
    found = 0
    for _ in range(300):
        spoilt = bytearray(whole)
        spoilt[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        file.write_bytes(spoilt)
        try:
            assert read_all(file) == good
        except DataError:
            found += 1
    assert found > 100
