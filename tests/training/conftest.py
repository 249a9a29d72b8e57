"""One short training per recipe for all tests of this folder."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from training import ppo, recurrent_ppo, sac

TINY: dict[str, Any] = {
    "scenario": "synthetic",
    "options": {"organizations": 5, "days": 28},
    "learner": "household_00001",
    "hidden": (8,),
    "n_envs": 2,
    "batch_size": 32,
    "rounds": 32,
    "validate_every": 0,
    "checkpoint_every": 128,
    "progress": False,
}
OWN: dict[str, dict[str, Any]] = {
    "ppo": {"n_steps": 64, "n_epochs": 2},
    "sac": {"train_freq": 64, "gradient_steps": 4, "learning_starts": 128, "buffer_size": 500},
    "recurrent_ppo": {"n_steps": 64, "n_epochs": 1, "batch_size": 64, "lstm": 6},
}


@dataclass(frozen=True)
class Recipe:
    """A training script with the arguments of a tiny run."""

    algorithm: str
    script: ModuleType
    tiny: dict[str, Any]

    def train(self, **more: Any) -> Path:
        return self.script.train(self.script.Args(**{**self.tiny, **more}))


RECIPES = {
    name: Recipe(name, script, {**TINY, **OWN[name]})
    for name, script in (("ppo", ppo), ("sac", sac), ("recurrent_ppo", recurrent_ppo))
}


@pytest.fixture(scope="session")
def recipes() -> dict[str, Recipe]:
    return RECIPES


@pytest.fixture(scope="session")
def ppo_recipe() -> Recipe:
    return RECIPES["ppo"]


@pytest.fixture(scope="session", params=list(RECIPES))
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return RECIPES[request.param]


@pytest.fixture(scope="session")
def all_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By recipe, the folder of a run of 384 steps, validated at its end."""
    runs = {}
    for name, recipe in RECIPES.items():
        runs[name] = tmp_path_factory.mktemp(name)
        recipe.train(folder=runs[name], steps=384, seed=3, validate_every=1000)
    return runs


@pytest.fixture(scope="session")
def run(all_runs: dict[str, Path]) -> Path:
    """PPO's."""
    return all_runs["ppo"]


@pytest.fixture
def recipe_run(recipe: Recipe, all_runs: dict[str, Path]) -> Path:
    return all_runs[recipe.algorithm]


@pytest.fixture(scope="session")
def tiny(ppo_recipe: Recipe) -> dict[str, Any]:
    """Scenario, learner and the rest of what PPO's tiny run was given."""
    return ppo_recipe.tiny
