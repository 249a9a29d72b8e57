"""docs/offline.md: its examples run, and its table is the file's."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from offline.recordings import recorded

from decent_gym.offline import EpisodeSource, write_parquet

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "offline.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(2))
def test_the_examples_run(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(EXAMPLES) == 2
    monkeypatch.chdir(tmp_path)
    write_parquet("data/rural.parquet", recorded(3))
    exec(compile(EXAMPLES[number], "docs/offline.md", "exec"), {})


def test_the_table_of_columns(file: Path, source: EpisodeSource) -> None:
    rows = re.findall(r"^\| (`.*?) \| ([a-z0-9, ]+) \|", PAGE, re.MULTILINE)
    shown = {}
    for names, types in rows:
        kinds = types.split(", ")
        columns = re.findall(r"`(\w+)`", names)
        shown.update(zip(columns, kinds * len(columns) if len(kinds) == 1 else kinds, strict=False))
    schema = pq.read_schema(file)
    kinds = {"float": "float32", "double": "float64"}
    found = {field.name: kinds.get(str(field.type), str(field.type)) for field in schema}
    assert len(shown) == 11
    assert shown.items() <= found.items()
    prefixes = ("obs_", "action_", "term_")
    assert {n for n in found if not n.startswith(prefixes)} <= shown.keys()
