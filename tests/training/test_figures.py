"""Rows of figures: the same numbers as one week by hand, and sums that hold."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.learned import LearnedPolicy
from decent_gym.cli import main
from decent_gym.errors import InputError, UnknownNameError
from decent_gym.scenarios import scenario
from training.figures import DISTRICT, Row, week_rows
from training.held_out import cells, score_learned

ROUNDS = 96


def rows_of(name: str, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["organization"] == name]


def test_a_week_is_the_week_that_the_shell_reports(capsys: pytest.CaptureFixture[str]) -> None:
    district = scenario("rural", tie_rule="random")
    these = cells(district, "test", 3, 2)
    rows = week_rows(district, these, trader="truthful", rounds=ROUNDS)
    assert [row["week"] for row in rows_of(DISTRICT, rows)] == [cell.week for cell in these]
    cell = these[1]
    arguments = ["run", "--start", str(cell.start), "--seed", str(cell.seed), "--json", "--rounds",
                 str(ROUNDS), "--set", "tie_rule=random", "--trader", "truthful"]  # fmt: skip
    assert main(arguments) == 0
    shell = json.loads(capsys.readouterr().out)
    mine = {row["organization"]: row for row in rows if row["week"] == cell.week}
    assert mine.keys() == (shell["organizations"].keys() - {"utility"}) | {DISTRICT}
    for name, row in mine.items():
        if name == DISTRICT:
            continue
        there = shell["organizations"][name]
        assert row["score_eur"] == there["score"]
        assert row["saving_eur"] == pytest.approx(there["saving"])
        assert row["money_eur"] == there["money"]["total"]
        assert row["unserved_kwh"] == there["heat"]["unserved"]
        for commodity in ("electricity", "heat"):
            assert row[f"{commodity}_bought_kwh"] == there[commodity]["bought"]
            assert row[f"{commodity}_sold_kwh"] == there[commodity]["sold"]
    there, total = shell["district"], mine[DISTRICT]
    assert total["saving_eur"] == pytest.approx(there["savings"]["total"])
    assert total["savings_jain"] == there["savings"]["jain"]
    assert total["savings_gini"] == there["savings"]["gini"]
    assert total["turnover_eur"] == there["turnover"]
    assert total["operator_eur"] == shell["accounts"]["operator"]
    for name in ("electricity", "heat"):
        prices = there[name]["price"]
        assert total[f"{name}_price_eur_per_kwh"] == prices["weighted_mean"]
        assert total[f"{name}_price_volatility"] == prices["volatility"]
        assert total[f"{name}_rounds_between"] == prices["between"]
        assert total[f"{name}_rounds_without_trade"] == prices["no_trade"]
        assert total[f"{name}_volume_kwh"] == there[name]["volume"] > 0
        for what in ("from_outside", "to_outside"):
            assert total[f"{name}_{what}_kwh"] == there[name][what]
        assert total[f"{name}_peak_kw"] == there[name]["peak_kw"]


def test_a_learned_policy_acts_for_its_organization(run: Path, tiny: dict[str, Any]) -> None:
    policy = LearnedPolicy.load(run / "policy")
    district = scenario(tiny["scenario"], **tiny["options"])
    these = cells(district, "train", 0, 2)
    rows = week_rows(district, these, policy=policy, rounds=ROUNDS)
    wanted = score_learned(policy, district, tiny["learner"], these, rounds=ROUNDS)
    scores = [row["score_eur"] for row in rows_of(tiny["learner"], rows)]
    np.testing.assert_allclose(scores, wanted["score"], rtol=0, atol=1e-9)
    scripted = week_rows(district, these, rounds=ROUNDS)
    assert scores != [row["score_eur"] for row in rows_of(tiny["learner"], scripted)]


def test_wrong_names_are_refused(run: Path, tiny: dict[str, Any]) -> None:
    district = scenario(tiny["scenario"], **tiny["options"])
    these = cells(district, "train", 0, 1)
    with pytest.raises(UnknownNameError, match="truthful"):
        week_rows(district, these, trader="truthfull")
    policy = LearnedPolicy.load(run / "policy")
    with pytest.raises(UnknownNameError, match="household_00001"):
        week_rows(scenario("rural"), these, policy=policy)
    policy.description = replace(policy.description, learner="heat_plant_0001")
    with pytest.raises(InputError, match="store, store_limit, chp"):
        week_rows(district, these, policy=policy)
