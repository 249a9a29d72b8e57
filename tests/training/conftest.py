"""One short training for all tests of this folder."""

from pathlib import Path
from typing import Any

import pytest

from training.ppo import Args, train

TINY: dict[str, Any] = {
    "scenario": "synthetic",
    "options": {"organizations": 5, "days": 28},
    "learner": "household_00001",
    "hidden": (8,),
    "n_envs": 2,
    "n_steps": 64,
    "batch_size": 32,
    "n_epochs": 2,
    "rounds": 32,
    "validate_every": 0,
    "checkpoint_every": 128,
    "progress": False,
}


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    return TINY


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of 384 steps, validated at its end."""
    folder = tmp_path_factory.mktemp("run")
    train(Args(folder=folder, steps=384, seed=3, **{**TINY, "validate_every": 1000}))
    return folder
