"""A clone learns its teacher's actions and is a policy like any other."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.learned import LearnedPolicy, read_description, read_parameters
from decent_gym.errors import DataError, InputError
from decent_gym.offline import (
    EpisodeSource,
    content_digest,
    read_parquet,
    write_minari,
    write_parquet,
)
from training import behaviour_cloning
from training.behaviour_cloning import Args, clone
from training.collect import Args as CollectArgs
from training.collect import write
from training.evaluate import Args as EvaluateArgs
from training.evaluate import evaluate

SHORT: dict[str, Any] = {"hidden": (16,), "epochs": 60, "batch_size": 64, "progress": False}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, tiny: dict[str, Any]) -> Path:
    path = tmp_path_factory.mktemp("data") / "rule.parquet"
    kept = {name: tiny[name] for name in ("scenario", "options", "learner", "progress")}
    write(CollectArgs(output=path, episodes=10, **kept))
    return path


@pytest.mark.parametrize("loss", ["l1", "mse"])
def test_it_learns_what_the_teacher_does(data: Path, tmp_path: Path, loss: Any) -> None:
    found = clone(Args(data=str(data), folder=tmp_path, loss=loss, **SHORT))
    assert found.training[-1] < found.training[0] / 2
    assert found.validation[found.best] == min(found.validation) < found.constant / 3
    policy = LearnedPolicy.load(found.policy)
    episodes = list(read_parquet(data))
    seen = np.concatenate([episode.observations[:-1] for episode in episodes])
    wanted = np.concatenate([episode.actions for episode in episodes])
    error = np.abs(policy.predict(seen) - wanted)
    constant = np.abs(np.median(wanted, axis=0) - wanted)
    assert error.mean() < constant.mean() / 3


def test_the_written_policy_is_the_best_epoch(data: Path, tmp_path: Path) -> None:
    """Its actions have, on the episodes set aside, the loss that was reported."""
    restless = {**SHORT, "learning_rate": 0.05, "loss": "mse"}
    found = clone(Args(data=str(data), folder=tmp_path, **restless))
    assert found.validation[-1] > found.validation[found.best]
    episodes = list(read_parquet(data))
    aside = np.random.default_rng(0).permutation(10)[:2]
    seen = np.concatenate([episodes[at].observations[:-1] for at in aside])
    wanted = np.concatenate([episodes[at].actions for at in aside])
    policy = LearnedPolicy.load(found.policy)
    normal = torch.from_numpy((seen - policy._mean) / policy._scale).float().clip(-10, 10)
    with torch.no_grad():
        raw = behaviour_cloning.acts(policy._policy, normal).numpy()
    assert np.mean((raw - wanted) ** 2) == pytest.approx(found.validation[found.best], rel=1e-4)
    np.testing.assert_allclose(raw.clip(-1, 1), policy.predict(seen), atol=1e-5)


def test_its_description_says_what_it_was_cloned_from(data: Path, tmp_path: Path) -> None:
    facts = read_description(clone(Args(data=str(data), folder=tmp_path, **SHORT)).policy)
    source = read_parquet(data)
    origin = source.origin
    assert facts.algorithm == "behaviour_cloning"
    assert (facts.scenario, facts.options) == (origin.scenario, origin.options)
    assert (facts.scenario_digest, facts.learner) == (origin.scenario_digest, origin.learner)
    assert (facts.observations, facts.actions) == (origin.observations, origin.actions)
    assert facts.steps == 8 * 96
    learning = [list(source)[at] for at in np.random.default_rng(0).permutation(10)[2:]]
    seen = np.concatenate([episode.observations[:-1] for episode in learning]).astype(np.float64)
    with np.load(tmp_path / "policy" / "normalisation.npz") as arrays:
        np.testing.assert_allclose(arrays["observation_mean"], seen.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(arrays["observation_variance"], seen.var(axis=0), rtol=1e-9)
    assert facts.settings["teacher"] == "storage_rule"
    assert facts.settings["data_digest"] == content_digest(origin, source)


def test_it_is_judged_like_any_policy(data: Path, tmp_path: Path) -> None:
    clone(Args(data=str(data), folder=tmp_path, **SHORT))
    found = evaluate(EvaluateArgs(runs=(tmp_path,), traders=(), resamples=10, progress=False))
    assert found.is_trained_on_it
    learned, *others = found.lines
    (rule,) = (line for line in others if line.name == "storage rule")
    (nobody,) = (line for line in others if line.name == "no local market")
    assert abs(learned.mean - rule.mean) < 0.2 * (rule.mean - nobody.mean)


def test_minari_and_parquet_give_the_same_clone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    write_minari("decent_gym/rule-v0", read_parquet(data))
    weights = []
    for name, folder in ((str(data), "a"), ("decent_gym/rule-v0", "b")):
        found = clone(Args(data=name, folder=tmp_path / folder, **{**SHORT, "epochs": 3}))
        weights.append(read_parameters(found.policy)["policy"])
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())


def test_seeds_decide(data: Path, tmp_path: Path) -> None:
    weights = []
    for seed, folder in ((0, "a"), (0, "b"), (1, "c")):
        short = {**SHORT, "epochs": 2}
        found = clone(Args(data=str(data), folder=tmp_path / folder, seed=seed, **short))
        weights.append(read_parameters(found.policy)["policy"]["action_net.weight"])
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_it_stops_when_it_gets_no_better(data: Path, tmp_path: Path) -> None:
    patient = {**SHORT, "epochs": 50, "learning_rate": 1e-12, "patience": 3}
    found = clone(Args(data=str(data), folder=tmp_path, **patient))
    assert len(found.validation) < 50
    assert len(found.validation) == found.best + 1 + 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data": "none.parquet"}, "no file"),
        ({"validation_share": 0.0}, "validation_share"),
        ({"validation_share": 0.9}, "validation_share"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"batch_size": 0}, "batch_size"),
        ({"epochs": 0}, "epochs"),
        ({"patience": 0}, "patience"),
        ({"clip": float("nan")}, "clip"),
        ({"learning_rate": 1e30}, "lower --learning-rate"),
    ],
)
def test_mistakes_are_named(data: Path, tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        clone(Args(**{"data": str(data), "folder": tmp_path, **SHORT, **change}))
    assert list(tmp_path.iterdir()) == []


def rewritten(data: Path, path: Path, episodes: int, **origin: Any) -> Path:
    source = read_parquet(data)
    kept = list(source)[:episodes]
    other = EpisodeSource(replace(source.origin, **origin), len(kept), lambda: iter(kept))
    write_parquet(path, other)
    return path


def test_data_that_do_not_fit_are_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = read_parquet(data).origin.observations
    other = rewritten(data, tmp_path / "a.parquet", 3, observations=(*fields[1:], "colour"))
    with pytest.raises(DataError, match="not those of this version"):
        clone(Args(data=str(other), folder=tmp_path / "x", **SHORT))
    one = rewritten(data, tmp_path / "b.parquet", 1)
    with pytest.raises(InputError, match="holds 1 episode"):
        clone(Args(data=str(one), folder=tmp_path / "x", **SHORT))
    monkeypatch.setattr(behaviour_cloning, "MOST_ROWS", 959)
    with pytest.raises(InputError, match="960 rounds"):
        clone(Args(data=str(data), folder=tmp_path / "x", **SHORT))
    damaged = tmp_path / "c.parquet"
    damaged.write_bytes(data.read_bytes()[:-50])
    with pytest.raises(DataError, match=r"c\.parquet"):
        clone(Args(data=str(damaged), folder=tmp_path / "x", **SHORT))
    assert not (tmp_path / "x").exists()
