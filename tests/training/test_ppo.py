"""A short training from end to end: what it writes, what can be read, resumed and repeated."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

import decent_gym
from agents.learned import LearnedPolicy, read_description, read_parameters, write_policy
from decent_gym.errors import DataError, InputError, UnknownNameError
from training.ppo import Args, train


def env_of(tiny: dict[str, Any], **more: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(
        "decent_gym/Trader-v0",
        scenario=tiny["scenario"],
        learner=tiny["learner"],
        **tiny["options"],
        **more,
    )


def test_run_writes_what_it_says(run: Path, tiny: dict[str, Any]) -> None:
    assert sorted(path.name for path in run.iterdir()) == ["checkpoints", "policy", "tensorboard"]
    found = [path.name for path in sorted((run / "checkpoints").iterdir())]
    assert found == ["000000128", "000000256", "000000384"]
    assert list((run / "tensorboard").rglob("events.out.tfevents.*"))
    description = read_description(run / "policy")
    assert description.steps == 384
    assert description.seed == 3
    assert description.learner == tiny["learner"]
    assert description.options == tiny["options"]
    assert description.actions == ("battery", "battery_limit")
    assert len(description.observations) == len(decent_gym.observation_fields())
    assert description.settings["gamma"] == Args.gamma


def test_loaded_policy_predicts_what_stable_baselines_does(run: Path, tiny: dict[str, Any]) -> None:
    policy = LearnedPolicy.load(run / "policy")
    env = env_of(tiny)
    model = PPO("MlpPolicy", env, device="cpu", policy_kwargs={"net_arch": [8]})
    model.set_parameters(str(run / "policy" / "model.zip"))
    with np.load(run / "policy" / "normalisation.npz") as statistics:
        mean, variance = statistics["observation_mean"], statistics["observation_variance"]
    seen, _ = env.reset(seed=1)
    for _ in range(30):
        scaled = np.clip((seen - mean) / np.sqrt(variance + 1e-8), -10, 10).astype(np.float32)
        wanted, _ = model.predict(scaled, deterministic=True)
        action = policy.predict(seen)
        np.testing.assert_array_equal(action, wanted)
        seen, *_ = env.step(action)
    env.close()


def test_same_seed_gives_the_same_policy(run: Path, tiny: dict[str, Any], tmp_path: Path) -> None:
    weights = []
    for seed, name in ((3, "same"), (4, "other")):
        folder = train(Args(folder=tmp_path / name, steps=384, seed=seed, **tiny))
        weights.append(read_parameters(folder)["policy"])
    first = read_parameters(run / "policy")["policy"]
    assert all(torch.equal(first[name], weights[0][name]) for name in first)
    assert not all(torch.equal(first[name], weights[1][name]) for name in first)


def test_end_of_an_episode_is_bootstrapped(tiny: dict[str, Any]) -> None:
    envs = DummyVecEnv([lambda: env_of(tiny, rounds=3)])
    envs.reset()
    for step in range(3):
        seen, _, done, infos = envs.step(np.zeros((1, 2), np.float32))
        assert bool(done[0]) is (step == 2)
        assert infos[0]["TimeLimit.truncated"] is (step == 2)
    last = infos[0]["terminal_observation"]
    assert last.shape == seen[0].shape
    assert not np.array_equal(last, seen[0])


def test_resumes_from_a_checkpoint(run: Path, tiny: dict[str, Any], tmp_path: Path) -> None:
    checkpoint = run / "checkpoints" / "000000256"
    before = read_parameters(checkpoint)
    frozen = {**tiny, "learning_rate": 0.0}
    kept = train(Args(folder=tmp_path / "a", steps=384, seed=3, resume=checkpoint, **frozen))
    after = read_parameters(kept)
    assert read_description(kept).steps == 384
    assert all(torch.equal(t, after["policy"][name]) for name, t in before["policy"].items())
    moments = [p["policy.optimizer"]["state"][0]["step"] for p in (before, after)]
    assert moments[1] == 2 * moments[0] > 0
    with (
        np.load(checkpoint / "normalisation.npz") as old,
        np.load(kept / "normalisation.npz") as new,
    ):
        assert new["observation_count"] > old["observation_count"] > 256

    learnt = train(Args(folder=tmp_path / "b", steps=512, seed=3, resume=checkpoint, **tiny))
    changed = read_parameters(learnt)["policy"]
    assert not all(torch.equal(t, changed[name]) for name, t in before["policy"].items())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"hidden": (9,)}, "hidden"),
        ({"learner": "household_00002"}, "learner"),
        ({"options": {"organizations": 5, "days": 29}}, "scenario_digest"),
        ({"steps": 256}, "ask for more"),
    ],
)
def test_resume_refuses_what_does_not_fit(
    run: Path, tiny: dict[str, Any], tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    checkpoint = run / "checkpoints" / "000000256"
    arguments = {"steps": 512, **tiny, **change}
    with pytest.raises(InputError, match=why):
        train(Args(folder=tmp_path, resume=checkpoint, **arguments))
    assert not (tmp_path / "policy").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.pop(0),
        lambda state: state[0].pop("exp_avg"),
        lambda state: state[0].update(exp_avg=torch.zeros(1)),
        lambda state: state[0].update(exp_avg_sq=state[0]["exp_avg_sq"] * np.nan),
        lambda state: state[0].update(step=3),
        lambda state: state.update({0: "x"}),
    ],
)
def test_resume_refuses_an_edited_optimiser(
    run: Path, tiny: dict[str, Any], tmp_path: Path, change: Any
) -> None:
    source = run / "checkpoints" / "000000256"
    parameters = read_parameters(source)
    change(parameters["policy.optimizer"]["state"])
    with np.load(source / "normalisation.npz") as statistics:
        edited = write_policy(
            tmp_path / "edited", read_description(source), parameters, dict(statistics)
        )
    with pytest.raises(DataError, match="optimiser"):
        train(Args(folder=tmp_path, steps=512, resume=edited, **tiny))


def test_misspelt_names_are_errors(tiny: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="household_00001"):
        train(Args(folder=tmp_path, **{**tiny, "learner": "houshold_00001"}))
    with pytest.raises(UnknownNameError, match="synthetic"):
        train(Args(folder=tmp_path, **{**tiny, "scenario": "sinthetic"}))
    with pytest.raises(UnknownNameError, match="days"):
        train(Args(folder=tmp_path, **{**tiny, "options": {"dais": 28}}))
    assert list(tmp_path.iterdir()) == []
