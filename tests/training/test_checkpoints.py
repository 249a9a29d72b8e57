"""Which checkpoint a run goes on from, what it says, and what it refuses to mix."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from agents.learned import read_description
from decent_gym.errors import DataError, InputError
from training.checkpoints import newest, to_resume

AUTO = Path("auto")


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


def test_newest_is_the_one_with_most_steps(copy: Path) -> None:
    checkpoints = copy / "checkpoints"
    (checkpoints / "000000999.part").mkdir()  # what a crash while writing leaves behind
    (checkpoints / "notes").mkdir()
    assert newest(copy) == checkpoints / "000000384"
    (checkpoints / "000000384").rename(checkpoints / "1000000000")
    assert newest(copy) == checkpoints / "1000000000"
    assert newest(checkpoints) is None


def test_auto_continues_what_is_there(
    ppo_recipe: Any, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = read_description(copy / "policy").validation
    ppo_recipe.train(folder=copy, seed=3, steps=512, validate_every=1000, resume=AUTO)
    assert capsys.readouterr().err == (
        f"resumed {copy / 'checkpoints' / '000000384'}: 384 of 512 steps done, "
        f"best validation {best:.2f} EUR/week\n"
    )
    assert newest(copy) == copy / "checkpoints" / "000000512"


def test_auto_begins_where_nothing_is(
    ppo_recipe: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ppo_recipe.train(folder=tmp_path, steps=128, resume=AUTO)
    assert capsys.readouterr().err == (
        f"nothing to resume in {tmp_path}, so this is the beginning\n"
    )


def test_a_worse_policy_does_not_replace_the_best(
    ppo_recipe: Any, copy: Path, tmp_path: Path
) -> None:
    """Also where the run goes on in another folder: the best one moves with it."""
    path = copy / "policy" / "policy.json"
    best = read_description(copy / "policy")
    path.write_text(path.read_text().replace(f": {best.validation}", ": 1000000.0"))
    for folder in (tmp_path / "elsewhere", copy):
        policy = ppo_recipe.train(folder=folder, steps=512, validate_every=128, resume=copy)
        assert read_description(policy).validation == 1e6
        assert read_description(policy).steps == best.steps
    path.write_text(path.read_text().replace("1000000.0", "-1000000.0"))
    policy = ppo_recipe.train(folder=copy, steps=640, validate_every=128, resume=copy)
    assert read_description(policy).validation > -1e6
    assert read_description(policy).steps > 512


def test_another_run_is_not_mixed_in(ppo_recipe: Any, run: Path, copy: Path) -> None:
    with pytest.raises(InputError, match=r"holds a run already.*--resume auto"):
        ppo_recipe.train(folder=copy, steps=512)
    with pytest.raises(InputError, match="take another --folder"):
        ppo_recipe.train(folder=copy, steps=512, resume=copy / "checkpoints" / "000000128")
    with pytest.raises(InputError, match="take another --folder"):
        ppo_recipe.train(folder=copy, steps=512, resume=run)
    assert newest(copy) == copy / "checkpoints" / "000000384"


def test_what_is_no_checkpoint_is_said(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no checkpoint and holds none"):
        to_resume(tmp_path / "nowhere", tmp_path)
    with pytest.raises(DataError, match="no checkpoint and holds none"):
        to_resume(copy / "tensorboard", tmp_path)
    assert to_resume(copy, tmp_path) == copy / "checkpoints" / "000000384"
    assert to_resume(copy / "policy", tmp_path) == copy / "policy"


def test_a_damaged_checkpoint_is_refused(ppo_recipe: Any, copy: Path) -> None:
    model = copy / "checkpoints" / "000000384" / "model.zip"
    model.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"model\.zip is no zip"):
        ppo_recipe.train(folder=copy, steps=512, resume=AUTO)


def test_runs_of_the_first_schema_are_resumed(
    ppo_recipe: Any, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in copy.rglob("policy.json"):
        kept = [
            line
            for line in path.read_text().splitlines()
            if '"lstm":' not in line and '"validation":' not in line
        ]
        path.write_text("\n".join(kept).replace('"schema": 2', '"schema": 1'))
    ppo_recipe.train(folder=copy, steps=512, resume=AUTO)
    assert "best validation not known" in capsys.readouterr().err
