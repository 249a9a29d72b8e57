"""The example in docs/scenarios.md is complete, and its tables are those of the code."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from decent_gym.scenarios import Forecasts, Prices, load_scenario
from decent_gym.scenarios.columns import UNITS
from decent_gym.scenarios.loader import RULE_KEYS, SCENARIO_KEYS
from decent_gym.scenarios.member_reader import DEVICES, KEYS
from decent_gym.scenarios.tariff_reader import FORMULA_KEYS
from decent_gym.scenarios.tariff_reader import KEYS as TARIFF_KEYS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")


def block(language: str, holds: str) -> str:
    """The one code block of a language that holds a text."""
    found = [b for b in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if holds in b]
    assert len(found) == 1
    return str(found[0])


def test_the_example_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("street.toml").write_text(block("toml", "[scenario]"), encoding="utf-8")
    exec(compile(block("python", "file.write"), "docs/scenarios.md", "exec"), {})
    street = load_scenario("street.toml")
    assert street.rounds == 192
    assert [member.name for member in street.members] == ["farm", "house", "utility"]
    assert street.load[:, 0].sum() == 25_000
    assert street.pv[48, 0] == 3_000
    assert street.tariffs[[0, 68], 0, 0].tolist() == [295_000, 420_000]


def test_the_parquet_twin_is_the_same_district(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    toml = block("toml", "[scenario]")
    Path("street.toml").write_text(toml, encoding="utf-8")
    start = 'temperature = "air"\nstart = "2024-03-01T00:00+01:00"'
    twin = toml.replace("street.csv", "street.parquet").replace('temperature = "air"', start)
    Path("twin.toml").write_text(twin, encoding="utf-8")
    exec(compile(block("python", "file.write"), "docs/scenarios.md", "exec"), {})
    exec(compile(block("python", "pyarrow.parquet"), "docs/scenarios.md", "exec"), {})
    assert load_scenario("twin.toml").digest == load_scenario("street.toml").digest


def test_the_sample_rows_are_a_header_and_rows() -> None:
    header, *rows = block("csv", "2024-03-01T00:15").strip().splitlines()
    assert header in block("python", "file.write")
    assert all(row.count(",") == header.count(",") for row in rows)


def test_every_key_is_described() -> None:
    words = set(re.findall(r"[\w/°]+", PAGE))
    described = [
        *SCENARIO_KEYS,
        *TARIFF_KEYS,
        *FORMULA_KEYS,
        *KEYS,
        *RULE_KEYS,
        *UNITS,
        *(item.name for kind in (Prices, Forecasts, *DEVICES.values()) for item in fields(kind)),
    ]
    assert [name for name in described if name not in words] == []
