"""Reference returns: computed once, used again only while they hold, and shown as they are."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from decent_gym.errors import DataError, InputError
from decent_gym.scenarios import scenario
from decent_gym.traders import TRADERS
from training import reference as made
from training.held_out import cells, score_learned, score_scripted
from training.reference import Args, RandomPolicy, environment, reference, tables, write_page
from training.reference_returns import (
    ONE,
    ZERO,
    Case,
    ReferenceReturns,
    load,
    normalised,
    save,
)

SMALL = (("small", "synthetic", {"organizations": 5, "days": 28}, "household_00001"),)


@pytest.fixture(scope="module")
def found() -> ReferenceReturns:
    return reference(Args(fresh=True, progress=False), SMALL)


def test_everybody_has_a_row(found: ReferenceReturns) -> None:
    (case,) = found.cases
    assert case.rows.keys() == {
        *TRADERS, "random", "storage rule", "rolling horizon", "no local market",
        "LP, tariffs only", "LP, market prices",
    }  # fmt: skip
    assert case.weeks == scenario("synthetic", organizations=5, days=28).splits.test
    assert all(np.shape(runs) == (1, len(case.weeks)) for runs in case.rows.values())
    assert case.kind == "price-taking reference"
    assert case.normalised(case.mean(ZERO)) == 0
    assert case.normalised(case.mean(ONE)) == 1
    assert case.mean("no local market") < case.mean("LP, tariffs only") < case.mean(ONE)
    assert case.mean("rolling horizon") > case.mean("random")


def test_rows_are_the_scores_of_the_test_weeks(found: ReferenceReturns) -> None:
    (case,) = found.cases
    district = scenario(case.scenario, **case.options)
    these = cells(district, "test")
    scored = score_scripted("truthful", district, case.learner, these)["score"]
    assert case.rows["truthful"][0] == pytest.approx(scored.tolist(), abs=1e-8)
    again = score_learned(RandomPolicy(2), district, case.learner, these)["score"]
    assert case.rows["random"][0] == pytest.approx(again.tolist(), abs=1e-8)


def test_what_is_known_is_used_while_it_holds(
    found: ReferenceReturns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "returns.json"
    save(found, file)
    assert load(file) == found
    computed = []

    class Watched(RandomPolicy):
        def __init__(self, actions: int) -> None:
            computed.append(actions)
            super().__init__(actions)

    monkeypatch.setattr(made, "RandomPolicy", Watched)
    assert reference(Args(file=file, progress=False), SMALL).cases == found.cases
    assert computed == []
    case = found.cases[0]
    off = {**case.rows, "truthful": [[score + 1e-6 for score in case.rows["truthful"][0]]]}
    for stale in (
        replace(found, cases=(replace(case, rows=off),)),
        replace(found, environment="decent_gym/Trader-v99"),
        replace(found, cases=(replace(case, digest="00"),)),
    ):
        save(stale, file)
        computed.clear()
        assert reference(Args(file=file, progress=False), SMALL).cases == found.cases
        assert computed == [2]


def test_trained_runs_get_a_row(found: ReferenceReturns, run: Path, tmp_path: Path) -> None:
    file = tmp_path / "returns.json"
    save(found, file)
    both = reference(Args(file=file, runs=(run, run), progress=False), SMALL)
    (case,) = both.cases
    assert len(case.rows["ppo"]) == 2
    assert case.rows["ppo"][0] == case.rows["ppo"][1]
    assert {name: rows for name, rows in case.rows.items() if name != "ppo"} == found.cases[0].rows
    save(both, file)
    assert reference(Args(file=file, progress=False), SMALL).cases == both.cases
    one = reference(Args(file=file, runs=(run,), progress=False), SMALL)
    assert len(one.cases[0].rows["ppo"]) == 1
    assert "| ppo | 2 |" in tables(both)
    other = (("other", "synthetic", {"organizations": 4, "days": 28}, "household_00001"),)
    with pytest.raises(InputError, match=r"household_00001.*which is no case.*'other'"):
        reference(Args(fresh=True, runs=(run,), progress=False), other)


def test_the_page_keeps_its_text(found: ReferenceReturns, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n{made.BEGIN}\nobsolete\n{made.END}\nafter\n", encoding="utf-8")
    for _ in range(2):
        write_page(tables(found), page)
        text = page.read_text(encoding="utf-8")
        assert text.startswith("# Title\n")
        assert text.endswith(f"{made.END}\nafter\n")
        assert text.count("### small: `household_00001`") == 1
        assert "obsolete" not in text
    mean = found.cases[0].mean("truthful")
    assert f"| truthful | 1 | {mean:.2f} |" in text
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(InputError, match="no place"):
        write_page("x", page)


def test_files_that_are_none_are_refused(found: ReferenceReturns, tmp_path: Path) -> None:
    file = tmp_path / "returns.json"
    with pytest.raises(DataError, match="is missing"):
        load(file)
    save(found, file)
    right = json.loads(file.read_text(encoding="utf-8"))
    for wrong in ({**right, "schema": 2}, {**right, "cases": [{}]}, [], {**right, "more": 1}):
        file.write_text(json.dumps(wrong), encoding="utf-8")
        with pytest.raises(DataError, match=r"schema|no file of"):
            load(file)


@pytest.mark.parametrize("case", load().cases, ids=lambda case: case.title)
def test_the_constants_checked_in_belong_to_this_version(case: Case) -> None:
    assert load().environment == environment()
    district = scenario(case.scenario, **case.options)
    assert case.digest == district.digest.hex(), "renew it: python -m training.reference"
    these = cells(district, "test", most=1)
    scored = score_scripted(ZERO, district, case.learner, these)["score"]
    assert case.rows[ZERO][0][0] == pytest.approx(scored[0], abs=1e-8)
    assert normalised(case.mean(ONE), district, case.learner) == 1


def test_no_constants_for_another_scenario() -> None:
    assert normalised(1.0, scenario("rural", price_rule=0), "building_03") is None
    assert normalised(1.0, scenario("rural"), "building_02") is None


def test_the_page_shows_what_is_checked_in() -> None:
    page = Path(made.__file__).parents[1] / "docs" / "reference-returns.md"
    assert tables(load()) in page.read_text(encoding="utf-8")
