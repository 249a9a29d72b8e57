"""Recording from the command line's arguments: who acts, where it goes, what is refused."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.learned import LearnedPolicy
from decent_gym.errors import InputError, UnknownNameError
from decent_gym.offline import content_digest, read_minari, read_parquet
from training.collect import Args, write

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def small(tiny: dict[str, Any]) -> dict[str, Any]:
    kept = {name: tiny[name] for name in ("scenario", "options", "learner", "progress")}
    return {"episodes": 3, "rounds": 8, **kept}


def test_random_actions_fill_the_box(small: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    source, digest = write(Args(policy="random", output=path, **small))
    again = read_parquet(path)
    assert content_digest(again.origin, again) == digest
    assert again.origin == source.origin
    assert again.origin.policy == "random"
    actions = np.concatenate([episode.actions for episode in again])
    assert np.abs(actions.mean()) < 0.3
    assert actions.min() < -0.8 < 0.8 < actions.max()
    write(Args(policy="random", output=tmp_path / "b.parquet", **small))
    assert read_parquet(tmp_path / "b.parquet").origin == again.origin
    assert (tmp_path / "b.parquet").read_bytes() == path.read_bytes()


def test_a_trained_policy_acts_as_it_does(
    run: Path, small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    write(Args(policy=str(run), minari="decent_gym/clone-v0", **small))
    source = read_minari("decent_gym/clone-v0")
    assert source.origin.policy == "ppo, seed 3, 384 steps"
    policy = LearnedPolicy.load(run / "policy")
    for episode in source:
        wanted = policy.predict(episode.observations[:-1])
        np.testing.assert_allclose(episode.actions, wanted, atol=1e-6)


def test_the_rule_acts_on_rural(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(Args(output=path, episodes=2, rounds=4, progress=False))
    source = read_parquet(path)
    assert (source.origin.policy, source.origin.learner) == ("storage_rule", "building_03")
    assert len(source.origin.actions) == 6


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"output": None}, InputError, "say where to"),
        ({"minari": "aa/b-v0"}, InputError, "say where to, once"),
        ({"policy": "strage_rule"}, InputError, "storage_rule, random or the folder"),
        ({"policy": "truthful"}, InputError, "scripted traders do not decide by actions"),
        ({"learner": "houshold_00001"}, UnknownNameError, "household_00001"),
        ({"episodes": 0}, InputError, "episodes"),
    ],
)
def test_mistakes_are_named(
    small: dict[str, Any], tmp_path: Path, change: dict[str, Any], error: type, says: str
) -> None:
    with pytest.raises(error, match=says):
        write(Args(**{"output": tmp_path / "a.parquet", **small, **change}))
    assert list(tmp_path.iterdir()) == []


def test_a_policy_of_another_learner_is_refused(
    run: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    other = {**small, "learner": "household_00002"}
    with pytest.raises(InputError, match="choose the learner it was trained for"):
        write(Args(policy=str(run), output=tmp_path / "a.parquet", **other))


def test_the_command_says_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.collect", "--episodes", "2", "--rounds", "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("training.collect: say where to")
    path = tmp_path / "a.parquet"
    done = subprocess.run(
        [*command, "--output", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 episodes of 4 rounds by storage_rule" in done.stdout
    assert len(read_parquet(path)) == 2
