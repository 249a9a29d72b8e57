"""The benchmarks run, and their tables have the page's markers; nothing here looks at the speed."""

import csv
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import decent_gym
from benchmarks import bench_clear, bench_env, bench_growth, bench_ledger, bench_single, bench_start
from benchmarks.bench_all import SECTIONS, aims
from benchmarks.bench_peers import clearing, peer
from benchmarks.citylearn_data import BUILDINGS, ROUNDS, write_dataset
from benchmarks.peer_assume import books
from benchmarks.profile_step import profile, timed_kernels
from benchmarks.report import Aim, Report, Table, arguments, checked, renewed
from benchmarks.timing import Time, alternated, calls_for, clock
from decent_gym.clearing import open_filter

ROOT = Path(__file__).resolve().parents[1]
TABLES = {
    "env": {"env", "threads", "memory"},
    "growth": {"growth", "split"},
    "single": {"single", "sync"},
    "ppo": {"ppo"},
    "clear": {"clear", "public"},
    "coupled": {"coupled"},
    "ledger": {"ledger"},
    "start": {"start"},
    "profile": {"profile"},
}
BY_OTHER_COMMANDS = {"aims", "peers_clear", "peers_envs"}


def is_whole(table: Table) -> bool:
    """Every row has a cell per column, and every number is positive."""
    cells = [cell for row in table.rows for cell in row]
    return (
        bool(table.rows)
        and all(len(row) == len(table.columns) for row in table.rows)
        and all(isinstance(c, str) or (math.isfinite(c) and c > 0) for c in cells if c is not None)
    )


@pytest.mark.parametrize(
    ("section", "measure"),
    [
        ("env", bench_env.measure),
        ("growth", bench_growth.measure),
        ("single", bench_single.measure),
        ("clear", bench_clear.measure),
        ("ledger", bench_ledger.measure),
    ],
)
def test_a_trial_fills_the_tables(section: str, measure: Callable[[int, bool], Report]) -> None:
    report = measure(1, True)
    assert {table.name for table in report.tables} == TABLES[section]
    assert all(is_whole(table) for table in report.tables)
    assert all(aim.found > 0 for aim in report.aims)


def test_joint_clearing_and_highs_fill_their_table() -> None:
    pytest.importorskip("highspy")
    from benchmarks import bench_coupled

    (table,), (aim,) = (report := bench_coupled.measure(1, True)).tables, report.aims
    assert table.name == "coupled" and is_whole(table) and aim.found > 0
    assert [row[0] for row in table.rows] == [20] and "highspy" in report.packages


def test_the_page_has_a_place_for_every_table() -> None:
    page = (ROOT / "docs/benchmarks.md").read_text()
    places = re.findall(r"<!-- bench:(\w+) -->", page)
    assert set(TABLES) == set(SECTIONS)
    assert len(places) == len(set(places)) == page.count("<!-- end -->")
    assert set(places) == set().union(*TABLES.values()) | BY_OTHER_COMMANDS


def test_the_command_prints_what_can_be_read_back() -> None:
    command = [sys.executable, "-m", "benchmarks.bench_all", "--quick", "--only", "clear", "--json"]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found = json.loads(answer.stdout)["clear"]
    report = Report.from_json(json.dumps(found))
    assert {table.name for table in report.tables} == TABLES["clear"]
    assert "numpy" in report.conditions and "medians of 1" in report.conditions


def test_ppo_learns_on_ours_and_on_the_free_one() -> None:
    pytest.importorskip("stable_baselines3")
    from benchmarks import bench_ppo

    report = bench_ppo.measure(1, True)
    (table,) = report.tables
    assert [row[1] for row in table.rows] == ["ours, 1 thread", "ours, 2 threads", "free"]
    assert all(row[2] > 0 for row in table.rows)
    shares = [row[5] for row in table.rows]
    assert 0 <= shares[2] < min(shares[:2]) and max(shares) < 1


def test_the_free_environment_answers_like_the_real_one() -> None:
    pytest.importorskip("stable_baselines3")
    from benchmarks.bench_ppo import SETTINGS, TRIAL, FreeCore, learner
    from benchmarks.worlds import ROUNDS as DAY
    from benchmarks.worlds import random_actions, vector

    assert {setting.worlds for setting in SETTINGS} == {8, 256}
    free, real = FreeCore(vector(2, 5)), vector(2, 5)
    real.reset(seed=0)
    actions = random_actions(real.action_space.shape)
    for _ in range(2):
        free.reset()
        for action in actions:
            answer = free.step(action)
        assert answer[3].all() and set(answer[4]) >= {"final_obs", "final_info"}
    for action in actions:
        expected = real.step(action)
    np.testing.assert_array_equal(answer[0], expected[0])
    np.testing.assert_array_equal(answer[4]["final_obs"], expected[4]["final_obs"])
    assert len(actions) == DAY
    _, watched = learner(TRIAL[0], 0)
    assert isinstance(watched.core, FreeCore)


def test_the_profile_adds_up_and_puts_the_kernels_back() -> None:
    kernel = open_filter.open_filter
    calls: dict[str, list[float]] = {}
    with timed_kernels(calls):
        assert open_filter.open_filter is not kernel
    assert open_filter.open_filter is kernel
    rows = profile(worlds=2, organizations=5, days=1)
    assert [row[0] for row in rows[-2:]] == ["Python and NumPy between them", "a step"]
    names = [row[0] for row in rows]
    assert names.index("`clearing.merit_order._clear`") < names.index(
        "`clearing.settlement.apply_trades`"
    )
    assert rows[-1][3] == 1.0
    assert open_filter.open_filter is kernel


def test_a_child_process_says_how_long_it_took() -> None:
    took = bench_start.child("import time; time.sleep(0.05)")
    assert took.wall >= 0.05 > took.cpu


# -- the clock and the tables ----------------------------------------------------------------------


def test_tasks_take_turns_and_the_median_counts() -> None:
    order: list[str] = []
    times = {"a": [9, 1, 5, 3], "b": [9, 40, 20, 30]}

    def task(name: str) -> Time:
        order.append(name)
        seconds = float(times[name].pop(0))
        return Time(seconds, seconds / 10)

    found = alternated({name: lambda name=name: task(name) for name in times}, runs=3)
    assert found == {"a": Time(3.0, 0.3), "b": Time(30.0, 3.0)}
    assert order == ["a", "b"] * 4


def test_a_task_is_repeated_until_it_takes_long_enough() -> None:
    assert calls_for(lambda: None, 0.0) == 1
    assert calls_for(lambda: None, 0.001) > 1
    assert clock(lambda: sum(range(10_000))).cpu > 0


def test_a_table_is_shown_as_text_and_as_markdown() -> None:
    table = Table("t", {"what": "", "worlds/s": ",.0f"}, [["one", 1234.5], ["none", None]])
    assert table.text() == "what  worlds/s\none      1,234\nnone"
    assert table.markdown() == ("| what | worlds/s |\n| :-- | --: |\n| one | 1,234 |\n| none |  |")


def test_a_page_is_renewed_between_its_markers_alone() -> None:
    table = Table("t", {"x": ",.0f"}, [[1.0]])
    page = "before\n<!-- bench:t -->\nold\n<!-- end -->\nafter <!-- end -->\n"
    new = renewed(page, [table], "today")
    assert new == (
        "before\n<!-- bench:t -->\n| x |\n| --: |\n| 1 |\n\n*today*\n<!-- end -->\n"
        "after <!-- end -->\n"
    )
    assert renewed(new, [table], "today") == new
    two = page + page.replace("bench:t", "bench:u")
    both = renewed(two, [table, Table("u", table.columns, table.rows)], "today")
    assert both.count("| 1 |") == 2 and both.count("*today*") == 1  # below the last
    with pytest.raises(ValueError, match=r"'other'.*found 0"):
        renewed(page, [Table("other", {"x": ""}, [["1"]])], "")


def test_an_aim_is_met_or_not() -> None:
    rows = aims([Aim("fast", 99.0, at_least=100), Aim("even", 1.5, at_most=2.0)]).rows
    assert rows == [["fast", "≥ 100", "99.00", "no"], ["even", "≤ 2.0", "1.50", "yes"]]


@pytest.mark.parametrize(
    "given", [["--quick", "--write", "README.md"], ["--runs", "0"], ["--write", "no-such-page.md"]]
)
def test_figures_that_mean_nothing_are_refused(
    given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *given])
    with pytest.raises(SystemExit, match="2"):
        checked(arguments("A benchmark."))


# -- the peers -------------------------------------------------------------------------------------


def test_citylearn_gets_rural_profiles(tmp_path: Path) -> None:
    schema = json.loads(write_dataset(tmp_path).read_text())
    assert len(schema["buildings"]) == BUILDINGS
    rural = decent_gym.scenario("rural")
    for name, building in schema["buildings"].items():
        with (tmp_path / building["energy_simulation"]).open() as file:
            rows = list(csv.DictReader(file))
        load = [round(float(row["non_shiftable_load"]) * 1_000) for row in rows]
        assert len(load) == ROUNDS, name
        assert (load == rural.load[:ROUNDS].T).all(axis=1).any()
    for table in ("weather.csv", "pricing.csv"):
        assert len((tmp_path / table).read_text().splitlines()) == ROUNDS + 1


def test_both_sides_clear_the_same_books() -> None:
    assert books(10, 3) == books(10, 3) != books(10, 4)
    asked: list[tuple[int, int]] = []

    def assume(orders: int, run: int) -> Time:
        asked.append((orders, run))
        return Time(1.0, 1.0)

    table = clearing(assume, runs=2, quick=True)
    assert asked == [(10, 0), (10, 1), (10, 2)]
    assert is_whole(table)


def test_a_peer_answers_with_its_time_whatever_it_prints() -> None:
    serving = (
        "from benchmarks.serving import serve\n"
        "serve(lambda n: lambda: print('chatter', sum(range(n))))"
    )
    command = [sys.executable, "-c", serving]
    answer = subprocess.run(
        command, cwd=ROOT, input="[10]\n[20]\n", check=True, capture_output=True, text=True
    )
    times = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [len(time) for time in times] == [2, 2]
    assert answer.stderr.count("chatter") == 2


def test_a_peer_that_does_not_start_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="ended"), peer(sys.executable, "peer_nobody") as ask:
        ask(10, 0)
    assert "peer_nobody" in capfd.readouterr().err
