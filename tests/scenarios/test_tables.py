"""Numbers in files become the nearest integers, and archives are not trusted."""

import io
import random
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenarios.street_files import START, csv_lines

from decent_gym.errors import DecentGymError, ScenarioError
from decent_gym.scenarios.tables import UNITS, read_csv, read_npz, read_table

FACTORS = {
    "Wh": Fraction(1),
    "kWh": Fraction(1000),
    "W": Fraction(1, 4),
    "kW": Fraction(250),
    "degC": Fraction(10),
    "°C": Fraction(10),
    "EUR/kWh": Fraction(10**6),
    "EUR/MWh": Fraction(10**3),
    "ct/kWh": Fraction(10**4),
}


def table_of(folder: Path, unit: str, texts: list[str]) -> list[int]:
    """What the texts become, padded to a day with zeros."""
    padded = texts + ["0"] * (96 - len(texts))
    times = [line.split(",")[0] for line in csv_lines()[1:97]]
    rows = [f"time,x [{unit}]", *(f"{t},{text}" for t, text in zip(times, padded, strict=True))]
    path = folder / "x.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return read_csv(path).columns["x"].values[: len(texts)].tolist()


def test_every_unit_is_tested() -> None:
    assert set(FACTORS) == set(UNITS)


@given(
    unit=st.sampled_from(sorted(FACTORS)),
    digits=st.lists(st.tuples(st.integers(0, 59_999), st.integers(0, 7)), min_size=1, max_size=20),
)
def test_units_are_exact_and_round_half_to_even(
    tmp_path_factory: pytest.TempPathFactory, unit: str, digits: list[tuple[int, int]]
) -> None:
    numbers = [Fraction(n, 10 ** (places + 3)) for n, places in digits]
    texts = [f"{n}e-{places + 3}" for n, places in digits]
    expected = [round(number * FACTORS[unit]) for number in numbers]  # a Fraction rounds to even
    assert table_of(tmp_path_factory.mktemp("units"), unit, texts) == expected


def test_ties_go_to_even(tmp_path: Path) -> None:
    assert table_of(tmp_path, "W", ["2", "6", "10", "14", "2.0000000000001"]) == [0, 2, 2, 4, 1]
    assert table_of(tmp_path, "degC", ["-0.05", "-0.15", "0.25", " 0.35 "]) == [0, -2, 2, 4]
    assert table_of(tmp_path, "Wh", ["-0.0", "+1.", ".5", "1e2"]) == [0, 1, 0, 100]


def test_a_year_of_thirty_columns(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 10_000_000, (35_136, 30))
    first = int(START.timestamp())
    times = np.datetime_as_string(np.datetime64(first, "s") + 900 * np.arange(35_136), unit="s")
    lines = ["time," + ",".join(f"c{i} [W]" for i in range(30))]
    lines += [
        f"{t}Z," + ",".join(f"{n / 1000:.3f}" for n in row)
        for t, row in zip(times, numbers.tolist(), strict=True)
    ]
    (tmp_path / "year.csv").write_text("\n".join(lines), encoding="utf-8")
    table = read_table(tmp_path / "year.csv")
    assert table.rounds == 35_136
    expected = [round(Fraction(n, 4000)) for n in numbers[:, 7].tolist()]
    assert table.columns["c7"].values.tolist() == expected


def npz(folder: Path, **arrays: object) -> Path:
    path = folder / "x.npz"
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path


DAY = np.arange(96, dtype=np.int16)


def test_an_archive_becomes_columns(tmp_path: Path) -> None:
    path = npz(
        tmp_path,
        start="2024-01-01T00:00+01:00",
        load_wh=np.asfortranarray(np.stack([DAY, 2 * DAY], axis=1)),
        air_dc=-DAY,
        spot_ueur_per_kwh=-1000 * DAY.astype(np.int64),
        notes=np.array([1.5, 2.5]),
    )
    table = read_table(path)
    assert (table.offset, table.rounds) == (3600, 96)
    assert set(table.columns) == {"load_wh.0", "load_wh.1", "air_dc", "spot_ueur_per_kwh"}
    np.testing.assert_array_equal(table.columns["load_wh.1"].values, 2 * DAY)
    np.testing.assert_array_equal(table.columns["air_dc"].values, -DAY)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"load_wh": DAY}, ["'start'"]),
        ({"start": 5, "load_wh": DAY}, ["'start'"]),
        ({"start": "2024-01-01", "load_wh": DAY}, ["'start'", "offset"]),
        ({"start": "2024-01-01T00:00Z"}, ["lengths []"]),
        ({"start": "2024-01-01T00:00Z", "load_wh": DAY[:95]}, ["lengths [95]"]),
        ({"start": "2024-01-01T00:00Z", "load_wh": DAY, "air_dc": DAY[1:]}, ["[95, 96]"]),
        ({"start": "2024-01-01T00:00Z", "load_wh": DAY / 2}, ["'load_wh.npy'", "integers"]),
        ({"start": "2024-01-01T00:00Z", "load_wh": DAY > 3}, ["'load_wh.npy'", "integers"]),
        ({"start": "2024-01-01T00:00Z", "load_wh": DAY.astype(object)}, ["'load_wh.npy'"]),
        ({"start": "2024-01-01T00:00Z", "load_wh": DAY.astype(">i8")}, ["'load_wh.npy'"]),
        ({"start": "2024-01-01T00:00Z", "load_wh": DAY[:, None, None]}, ["'load_wh.npy'"]),
        ({"start": "2024-01-01T00:00Z", "load_wh": DAY.astype(str)}, ["'load_wh'", "<U"]),
        ({"start": "2024-01-01T00:00Z", "load_wh": DAY - 9}, ["row 0", "-9", "negative"]),
        ({"start": "2024-01-01T00:00Z", "air_dc": DAY + 520}, ["row 81", "air_dc", "601"]),
        ({"start": "2024-01-01T00:00Z", "load_wh": np.full(96, 2**63, np.uint64)}, ["64 bits"]),
    ],
)  # fmt: skip
def test_a_bad_archive_is_named(tmp_path: Path, arrays: dict[str, object], says: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_npz(npz(tmp_path, **arrays))
    for part in ["x.npz", *says]:
        assert part in str(caught.value)


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("load_wh.npy", bytes(2**28 + 1))
    assert path.stat().st_size < 300_000
    with pytest.raises(ScenarioError, match="unpacks to 268435457 bytes"):
        read_npz(path)


def test_other_packings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("load_wh.npy", bytes(100))
    with pytest.raises(ScenarioError, match=r"packed by method 14; write it with numpy\.savez"):
        read_npz(path)


def test_a_forged_shape_is_refused(tmp_path: Path) -> None:
    path = npz(tmp_path, start="2024-01-01T00:00Z", load_wh=DAY)
    with zipfile.ZipFile(path) as archive:
        data = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in data.items():
            archive.writestr(name, content.replace(b"(96,)", b"(97,)"))
    with pytest.raises(ScenarioError, match=r"load_wh.npy.* does not fit"):
        read_npz(path)


def test_damaged_archives_never_crash(tmp_path: Path) -> None:
    good = npz(tmp_path, start="2024-01-01T00:00Z", load_wh=DAY, air_dc=DAY).read_bytes()
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    generator = random.Random(1)
    refused = 0
    for trial in range(600):
        data = bytearray(good)
        if trial % 2:  # damage below the checksums, as a forger would
            name = generator.choice(sorted(members))
            content = bytearray(members[name])
            content[generator.randrange(min(len(content), 130))] = generator.randrange(256)
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as archive:
                for other in members:
                    archive.writestr(other, bytes(content) if other == name else members[other])
            data = bytearray(out.getvalue())
        else:
            data[generator.randrange(len(data))] = generator.randrange(256)
            del data[len(data) - generator.choice((0, 0, 1, 30, 300)) :]
        (tmp_path / "x.npz").write_bytes(bytes(data))
        try:
            read_npz(tmp_path / "x.npz")
        except DecentGymError:
            refused += 1
    assert refused > 300


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ScenarioError, match=r"x\.json: profiles must be a \.csv, \.parquet or \.npz"
    ):
        read_table(tmp_path / "x.json")
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_table(tmp_path / "x.npz")
