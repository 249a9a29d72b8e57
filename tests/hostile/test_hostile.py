"""Every hostile input of every entrance: a named error, and nothing has changed."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from fuzz.targets import TARGETS
from hostile.entrances import CASES, ENTRANCES, TOWN
from hostile.entrances import GOOD as GOOD_INPUT
from hostile.items import OTHERS, PROMISED, Case
from hostile.stands import GOOD, FolderStand, Stand

from decent_gym.models import Offer


@pytest.fixture(scope="module")
def stand_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Stand]:
    """The stand of an entrance; one for all of its cases, since none of them changes anything."""
    stands: dict[str, Stand] = {}

    def find(entrance: str) -> Stand:
        if entrance not in stands:
            stands[entrance] = ENTRANCES[entrance].stand(tmp_path_factory.mktemp("hostile"))
        return stands[entrance]

    return find


@pytest.mark.parametrize(
    ("entrance", "case"), CASES, ids=[f"{entrance}: {case.name}" for entrance, case in CASES]
)
def test_refused_by_name_and_nothing_has_changed(
    stand_of: Callable[[str], Stand],
    entrance: str,
    case: Case,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    stand = stand_of(entrance)
    stand.prepare(case.made)
    before = stand.state(), TOWN.state()
    with pytest.raises(case.error) as caught:
        stand.act()
    assert type(caught.value) is case.error
    for part in case.parts:
        assert part in str(caught.value)
    assert len(str(caught.value)) < 2_500
    stand.check(caught.value)
    assert (stand.state(), TOWN.state()) == before
    assert not list(tmp_path.iterdir()), "something was written, or code was run"


def test_the_town_is_still_open() -> None:
    """What stood beside all the others takes good offers and closes rounds."""
    number = TOWN.market.submit(Offer(**GOOD))
    assert TOWN.market.status(number).is_open
    assert TOWN.market.close_round(TOWN.capability).number == 2


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_what_is_right_is_taken(entrance: str, tmp_path: Path) -> None:
    """Else everything could be refused."""
    stand = ENTRANCES[entrance].stand(tmp_path)
    stand.prepare(GOOD_INPUT.get(entrance, no_change(stand)))
    stand.act()


def no_change(stand: Stand) -> object:
    return (lambda folder: None) if isinstance(stand, FolderStand) else {}


def test_deep_nesting_is_refused_without_the_recursion_limit() -> None:
    """Libraries raise it; what leans on it then ends the process."""
    place = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "hostile.unlimited"], cwd=place, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": f"{place}:{place / 'tests'}"}, check=False,
    )  # fmt: skip
    *tried, last = done.stdout.splitlines()
    assert last == "all refused", (last, done.returncode, done.stderr[-500:])
    assert len(tried) == sum("nesting" in case.items for _, case in CASES)


def test_the_list_is_covered() -> None:
    """Each item of the list has examples, each entrance cases, and each case a name of its own."""
    items = Counter(item for _, case in CASES for item in case.items.split(", "))
    assert set(items) == PROMISED.keys() | OTHERS.keys()
    assert [item for item in PROMISED if items[item] < 2] == []
    assert len({(entrance, case.name) for entrance, case in CASES}) == len(CASES)
    assert min(len(cases) for _, cases in ENTRANCES.values()) >= 4
    assert all(part for _, case in CASES for part in case.parts)
    assert len(CASES) >= 200


def test_the_page_counts_right() -> None:
    """docs/hostile-input.md says how many cases each entrance has, and what is fuzzed."""
    docs = Path(__file__).parents[2] / "docs"
    page = (docs / "hostile-input.md").read_text("utf-8")
    for entrance, (_, cases) in ENTRANCES.items():
        assert f"| {entrance} | {len(cases)} |" in page
    assert f"| **all** | {len(CASES):,} |" in page
    assert [name for name in TARGETS if f"| `{name}` | " not in page] == []
    summary = f"{len(CASES):,} named cases, {len(TARGETS)} fuzzed parsers"
    assert summary in (docs / "trust.md").read_text("utf-8")
