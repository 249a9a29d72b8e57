"""Evaluation: everybody gets the same weeks, and the numbers say what they claim."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from agents.learned import LearnedPolicy
from decent_gym.errors import InputError, ScenarioError
from decent_gym.scenarios import scenario
from decent_gym.traders import TRADERS
from training import report
from training.evaluate import Args, Evaluation, crossed_bootstrap, evaluate, policy_folder
from training.held_out import cells, score_learned, score_scripted


class Still:
    """Does nothing."""

    def __init__(self, actions: int) -> None:
        self.actions = actions

    def predict(self, obs: Any) -> Any:
        return np.zeros((len(obs), self.actions), np.float32)


@pytest.fixture(scope="module")
def found(run: Path) -> Evaluation:
    return evaluate(Args(runs=(run, run), resamples=200, progress=False))


@pytest.mark.parametrize(("name", "learner"), [("rural", "building_03"), ("synthetic", None)])
def test_doing_nothing_scores_like_no_flexibility(name: str, learner: str | None) -> None:
    district = scenario(name)
    learner = learner or "household_00001"
    these = cells(district, "test", 1, 2)
    actions = 6 if name == "rural" else 2
    mine = score_learned(Still(actions), district, learner, these, rounds=200)
    scripted = score_scripted("no_flexibility", district, learner, these, rounds=200)
    assert mine.keys() == scripted.keys()
    for term in mine:
        np.testing.assert_allclose(mine[term], scripted[term], rtol=0, atol=1e-9)
    assert (mine["score"] < 0).all()


def test_cells_are_weeks_of_the_split_with_seeds_of_their_own() -> None:
    district = scenario("rural")
    grid = [cells(district, split, i) for split in ("validation", "test") for i in range(5)]
    assert [cell.week for cell in grid[5]] == list(district.splits.test)
    assert all(cell.start == 672 * cell.week for row in grid for cell in row)
    assert len({cell.seed for row in grid for cell in row}) == sum(map(len, grid))
    assert cells(district, "test", 3) == cells(district, "test", 3)
    with pytest.raises(ScenarioError, match="test"):
        cells(scenario("synthetic", organizations=5, days=7), "test")


def test_lines_are_paired(found: Evaluation) -> None:
    first, *others = found.lines
    assert first.name == "ppo"
    assert {line.name for line in others} == {*TRADERS, "storage rule", "no local market"}
    assert [line.mean for line in others] == sorted((line.mean for line in others), reverse=True)
    for line in found.lines:
        assert line.scores.shape == (2, len(found.weeks)) == (2, 1)
        assert line.difference == pytest.approx((first.scores - line.scores).mean())
        assert line.low <= line.difference <= line.high
        assert line.wins == (first.scores > line.scores).mean()
    assert (first.difference, first.low, first.high) == (0, 0, 0)
    assert first.seeds == (3, 3)
    assert [line.seeds for line in others] == [()] * len(others)
    assert found.is_trained_on_it
    assert np.ptp(first.scores) > 0, "both repetitions had the same forecast errors"


def test_several_algorithms_are_paired_by_repetition(all_runs: dict[str, Path]) -> None:
    runs = [all_runs[name] for name in ("sac", "ppo", "sac", "recurrent_ppo", "sac")]
    few = {"rule": False, "traders": ("truthful",), "resamples": 200, "progress": False}
    found = evaluate(Args(runs=tuple(runs), **few))
    lines = {line.name: line for line in found.lines}
    assert found.lines[0].name == "sac"
    assert lines.keys() == {"sac", "ppo", "recurrent_ppo", "truthful", "no local market"}
    sizes = {name: len(line.scores) for name, line in lines.items()}
    assert sizes == {"sac": 3, "truthful": 3, "no local market": 3, "ppo": 1, "recurrent_ppo": 1}
    first = lines["sac"].scores
    for line in found.lines[1:]:
        both = min(3, len(line.scores))
        assert line.difference == pytest.approx((first[:both] - line.scores[:both]).mean())
    assert lines["sac"].runs == tuple(str(run) for run in runs[::2])
    assert all(part in found.title for part in ("sac 3", "recurrent_ppo 1", "training seeds"))
    alone = evaluate(Args(runs=(all_runs["recurrent_ppo"],), **few))
    np.testing.assert_array_equal(alone.lines[0].scores, lines["recurrent_ppo"].scores)


def test_policies_that_remember_begin_afresh(all_runs: dict[str, Path]) -> None:
    policy = LearnedPolicy.load(all_runs["recurrent_ppo"] / "policy")
    facts = policy.description
    district = scenario(facts.scenario, **facts.options)
    these = cells(district, "test")
    scores = [
        score_learned(policy, district, facts.learner, these, rounds=50)["score"] for _ in range(2)
    ]
    np.testing.assert_array_equal(*scores)


def test_terms_add_up_to_the_score(found: Evaluation) -> None:
    for line in found.lines:
        if line.name != "no local market":
            parts = [v for k, v in line.terms.items() if k not in ("score", "reference")]
            assert sum(parts) == pytest.approx(line.terms["score"], abs=1e-6)
            assert line.terms["score"] == pytest.approx(line.mean)


def test_bootstrap_of_equal_values_has_no_width() -> None:
    assert crossed_bootstrap(np.full((3, 4), 2.5), 100) == (2.5, 2.5)


def test_bootstrap_knows_both_spreads() -> None:
    random = np.random.default_rng(0)
    rows, columns = random.normal(size=(5, 1)) * 2, random.normal(size=(1, 8))
    for values in (rows + columns, rows + 0 * columns, 0 * rows + columns):
        low, high = crossed_bootstrap(values, 20_000)
        variance = values.mean(axis=1).var() / 5 + values.mean(axis=0).var() / 8
        assert (high - low) / 3.92 == pytest.approx(np.sqrt(variance), rel=0.1)
        assert (high + low) / 2 == pytest.approx(values.mean(), abs=0.3)


def test_files_hold_the_table(found: Evaluation, tmp_path: Path) -> None:
    written = report.write(found, tmp_path / "new")
    assert [path.suffix for path in written] == [".json", ".csv", ".md", ".png"]
    data = json.loads(written[0].read_text())
    assert data["schema"] == 2
    assert [line["name"] for line in data["lines"]] == [line.name for line in found.lines]
    assert data["lines"][0]["scores"] == found.lines[0].scores.tolist()
    with written[1].open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(line.scores.size for line in found.lines)
    assert {(row["policy"] == "ppo", row["seed"]) for row in rows} == {(True, "3"), (False, "")}
    assert {row["repetition"] for row in rows} == {"0", "1"}
    mean = np.mean([float(row["score_eur"]) for row in rows if row["policy"] == "ppo"])
    assert mean == pytest.approx(found.lines[0].mean)
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(report.table(found))
    shown = console.export_text()
    for line in found.lines:
        assert line.name in shown
        assert f"{line.mean:.2f}" in shown
        assert line.name in written[2].read_text()
    assert f"[{found.lines[1].low:+.2f}, {found.lines[1].high:+.2f}]" in shown
    assert written[3].read_bytes().startswith(b"\x89PNG")


def test_runs_must_belong_together(run: Path, ppo_recipe: Any, tmp_path: Path) -> None:
    ppo_recipe.train(folder=tmp_path, steps=128, options={"organizations": 5, "days": 35})
    with pytest.raises(InputError, match="judge them apart"):
        evaluate(Args(runs=(run, tmp_path), progress=False))
    with pytest.raises(InputError, match="at least one"):
        evaluate(Args(runs=(), progress=False))


def test_another_scenario_is_said(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(run / "policy", folder)
    text = (folder / "policy.json").read_text(encoding="utf-8")
    changed = text.replace('"days": 28', '"days": 35')
    assert changed != text
    (folder / "policy.json").write_text(changed, encoding="utf-8")
    found = evaluate(Args(runs=(folder,), traders=("truthful",), rule=False, progress=False))
    assert not found.is_trained_on_it
    assert "another scenario" in str(report.table(found).caption)
    assert [line.name for line in found.lines[1:]] == ["truthful", "no local market"]


def test_wrong_actions_are_refused() -> None:
    district = scenario("synthetic")
    these = cells(district, "test")
    with pytest.raises(InputError, match="choose the learner"):
        score_learned(Still(2), district, "household_00001", these, actions=("pump",))


def test_folder_may_be_the_run_or_its_policy(run: Path) -> None:
    assert policy_folder(run) == policy_folder(run / "policy") == run / "policy"
