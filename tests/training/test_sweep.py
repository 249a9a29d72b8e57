"""A sweep on a local cluster: all combinations, failures named; `make ray-smoke` runs this."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="Ray has an environment of its own: make ray-smoke")

import pyarrow.parquet as pq

from agents.learned import LearnedPolicy
from decent_gym.errors import DataError, InputError, UnknownNameError
from decent_gym.scenarios import scenario
from training.figures import DISTRICT, week_rows
from training.held_out import cells
from training.sweep import FAILED, Args, axes, combinations, main, sweep

SHORT: dict[str, Any] = {"weeks": 2, "rounds": 8, "split": "train", "progress": False}


def test_combinations_are_all_of_them_in_order() -> None:
    args = Args(scenarios=("rural", "synthetic"), seeds=(5, 6), options=("days=28,35", "x=none"))
    found = [str(cell) for cell in combinations(args)]
    assert len(found) == len(set(found)) == 2 * len(args.mechanisms) * 2 * 2
    assert found[:3] == [f"rural {args.mechanisms[0]} days={d} x=None seed {s}"
                         for d, s in ((28, 5), (28, 6), (35, 5))]  # fmt: skip


def test_axes_are_read() -> None:
    assert axes(("tie_rule=pro_rata,random", "utility=book,none", "price_rule=0,-1,1/3")) == {
        "tie_rule": ["pro_rata", "random"],
        "utility": ["book", None],
        "price_rule": [0, -1, "1/3"],
    }


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seeds": ()}, "seeds must be different"),
        ({"seeds": (1, 1)}, "seeds must be different"),
        ({"scenarios": ("rurall",)}, "did you mean 'rural'"),
        ({"mechanisms": ("merit_ordr",)}, "did you mean 'merit_order'"),
        ({"trader": "truthfull"}, "did you mean 'truthful'"),
        ({"rounds": 0}, "rounds must be 1"),
        ({"weeks": 0}, "weeks must be 1"),
        ({"options": ("tie_rule",)}, "must look like"),
        ({"options": ("tie_rule=",)}, "must look like"),
        ({"options": ("tie_rule=a", "tie_rule=b")}, "twice"),
        ({"options": ("seed=1",)}, "--seeds"),
    ],
)
def test_wrong_arguments_are_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises((InputError, UnknownNameError), match=why):
        Args(**change)


def test_wrong_files_are_refused_first(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"policy\.json"):
        sweep(Args(policy=tmp_path, output=tmp_path / "table.parquet"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        sweep(Args(output=tmp_path / "file" / "table.parquet"))


def test_table_has_every_row_and_names_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`tariff` is an option of rural and not of synthetic; a week too many is nobody's."""
    output = tmp_path / "new" / "table.parquet"
    arguments = ["--scenarios", "synthetic", "rural", "--mechanisms", "merit_order", "--seeds", "2",
                 "0", "--options", "tariff=flat,time_of_use", "price_rule=0,midpoint", "--weeks",
                 "2", "--rounds", "8", "--split", "train", "--output", str(output),
                 "--no-progress"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["training.sweep", *arguments])
    with pytest.raises(SystemExit, match="8 combinations failed"):
        main()
    said = capsys.readouterr()
    assert said.err.count("failed: synthetic merit_order tariff=") == 8
    assert "unknown option of scenario 'synthetic' 'tariff'" in said.err
    assert str(output) in said.out

    table = pq.read_table(output)
    failed = json.loads(table.schema.metadata[FAILED])
    assert len(failed) == 8
    assert all(name.startswith("synthetic") for name in failed)
    rows = table.to_pylist()
    wanted = []
    for tariff in ("flat", "time_of_use"):
        for price_rule in (0, "midpoint"):
            for seed in (2, 0):
                district = scenario("rural", tariff=tariff, price_rule=price_rule)
                for row in week_rows(district, cells(district, "train", seed, 2), rounds=8):
                    key = {"scenario": "rural", "mechanism": "merit_order", "tariff": tariff,
                           "price_rule": str(price_rule), "seed": seed,
                           "learned": "scripted"}  # fmt: skip
                    wanted.append(key | row)
    everything = {name: None for row in wanted for name in row}
    assert table.column_names == list(everything)
    assert rows == [{**everything, **row} for row in wanted]


def test_learned_policies_are_swept_too(run: Path, tiny: dict[str, Any], tmp_path: Path) -> None:
    options = tuple(f"{name}={value}" for name, value in tiny["options"].items())
    args = Args(scenarios=("synthetic",), mechanisms=("merit_order",), options=options,
                policy=run / "policy", output=tmp_path / "table.parquet", **SHORT)  # fmt: skip
    table, failed = sweep(args)
    assert failed == {}
    district = scenario("synthetic", **tiny["options"])
    these = cells(district, "train", 0, 2)
    wanted = week_rows(district, these, policy=LearnedPolicy.load(run / "policy"), rounds=8)
    assert table.column("score_eur").to_pylist() == [row["score_eur"] for row in wanted]
    assert set(table.column("learned").to_pylist()) == {tiny["learner"]}
    assert table.column("organization").to_pylist().count(DISTRICT) == 2


def test_a_scenario_file_goes_to_the_workers(tmp_path: Path) -> None:
    args = Args(scenarios=("nowhere.toml",), output=tmp_path / "table.parquet", **SHORT)
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        sweep(args)
