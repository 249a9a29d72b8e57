"""docs/vectors.md is what its command makes, and names as reproduced what tests assert."""

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from tools import vector_table

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "vectors.md").read_text(encoding="utf-8")
FILES = ("test_vectors.py", "test_mechanism_vectors.py")
ASSERTING = {"assert_expected", "run", "halves", "bills", "nets"}


def asserted(path: Path, text: str | None = None) -> set[str]:
    """Ids that a file's tests are parametrized with or name, in tests that assert something.

    With `text`, as if the file held that.
    """
    spec = importlib.util.spec_from_file_location(f"seen_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: set[str] = set()
    for node in ast.parse(text or path.read_text(encoding="utf-8")).body:
        if not (isinstance(node, ast.FunctionDef) and node.name.startswith("test_")):
            continue
        calls = {ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
        asserts = any(isinstance(n, ast.Assert) for n in ast.walk(node))
        if calls & ASSERTING and (asserts or "assert_expected" in calls):
            found |= _literals(node) | _parameters(module, node.name)
    return found


def _literals(node: ast.FunctionDef) -> set[str]:
    inside = (n for part in node.body for n in ast.walk(part) if isinstance(n, ast.Constant))
    return {n.value for n in inside if re.fullmatch(r"v\d{3}", str(n.value))}


def _parameters(module: ModuleType, name: str) -> set[str]:
    marks = getattr(getattr(module, name), "pytestmark", [])
    return {
        text
        for mark in marks
        for values in mark.args[1]
        for text in (values if isinstance(values, tuple) else (values,))
        if re.fullmatch(r"v\d{3}", str(text))
    }


def test_the_page_is_what_the_command_makes() -> None:
    assert vector_table.page() == PAGE


def test_every_case_is_reproduced_by_a_test_or_has_a_reason() -> None:
    rows = {row[0]: row for row in vector_table.vectors()}
    assert len(rows) == 91
    told = {name for name, row in rows.items() if row[3] != vector_table.OUT}
    assert told == set().union(*(asserted(HERE / name) for name in FILES))
    statuses = [row[3] for row in rows.values()]
    assert statuses.count(vector_table.CHECKED) == 5 and statuses.count(vector_table.SAME) == 50
    assert all(row[4] for row in rows.values() if row[3] != vector_table.SAME)


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("test_vectors.py", "def test_against_the_independent_reference("),
        ("test_mechanism_vectors.py", "def test_one_price_a_side("),
        ("test_mechanism_vectors.py", "    assert_expected(name, mechanism)\n\n\ndef test_mcafee"),
    ],
)
def test_a_case_whose_test_is_gone_is_noticed(name: str, cut: str) -> None:
    text = (HERE / name).read_text(encoding="utf-8")
    assert text.count(cut) == 1
    without = text.replace(cut, cut.replace("def test_", "def once_").replace("assert_", "look_"))
    assert asserted(HERE / name, without) < asserted(HERE / name)
