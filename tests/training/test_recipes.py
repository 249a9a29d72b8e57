"""Every recipe from end to end: what it writes, what can be read, resumed and repeated."""

import signal
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import RecurrentPPO
from stable_baselines3 import PPO, SAC

import decent_gym
from agents.learned import (
    LearnedPolicy,
    read_description,
    read_parameters,
    write_policy,
)
from agents.sb3_env import TraderVecEnv
from decent_gym.errors import DataError, InputError, UnknownNameError
from training import watch
from training.interruption import Stopped
from training.learning_run import SEEDS_APART
from training.replay import REPLAY

MODELS: dict[str, Any] = {
    "ppo": lambda env: PPO("MlpPolicy", env, policy_kwargs={"net_arch": [8]}, device="cpu"),
    "sac": lambda env: SAC(
        "MlpPolicy", env, policy_kwargs={"net_arch": [8]}, buffer_size=10, device="cpu"
    ),
    "recurrent_ppo": lambda env: RecurrentPPO(
        "MlpLstmPolicy",
        env,
        policy_kwargs={"net_arch": [8], "lstm_hidden_size": 6},
        device="cpu",
    ),
}
OPTIMISERS = {
    "ppo": {"policy.optimizer"},
    "sac": {"actor.optimizer", "critic.optimizer", "ent_coef_optimizer"},
    "recurrent_ppo": {"policy.optimizer"},
}


def env_of(tiny: dict[str, Any], **more: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(
        "decent_gym/Trader-v0",
        scenario=tiny["scenario"],
        learner=tiny["learner"],
        **tiny["options"],
        **more,
    )


def test_run_writes_what_it_says(recipe: Any, recipe_run: Path) -> None:
    run, tiny = recipe_run, recipe.tiny
    assert sorted(path.name for path in run.iterdir()) == ["checkpoints", "policy", "tensorboard"]
    found = [path.name for path in sorted((run / "checkpoints").iterdir())]
    assert found == ["000000128", "000000256", "000000384"]
    assert list((run / "tensorboard").rglob("events.out.tfevents.*"))
    description = read_description(run / "policy")
    assert description.algorithm == recipe.algorithm
    assert description.steps == 384
    assert description.seed == 3
    assert description.lstm == tiny.get("lstm", 0)
    assert description.learner == tiny["learner"]
    assert description.options == tiny["options"]
    assert description.actions == ("battery", "battery_limit")
    assert len(description.observations) == len(decent_gym.observation_fields())
    assert description.settings["gamma"] == recipe.script.Args.gamma
    assert description.validation < 0
    assert read_description(run / "checkpoints" / "000000384").validation is None


def test_loaded_policy_predicts_what_stable_baselines_does(recipe: Any, recipe_run: Path) -> None:
    policy = LearnedPolicy.load(recipe_run / "policy")
    env = env_of(recipe.tiny)
    model = MODELS[recipe.algorithm](env)
    parameters = read_parameters(recipe_run / "policy")
    parameters.pop("variables", None)
    model.set_parameters(parameters)
    with np.load(recipe_run / "policy" / "normalisation.npz") as statistics:
        mean, variance = statistics["observation_mean"], statistics["observation_variance"]
    seen, _ = env.reset(seed=1)
    state = None
    for _ in range(30):
        scaled = np.clip((seen - mean) / np.sqrt(variance + 1e-8), -10, 10).astype(np.float32)
        wanted, state = model.predict(scaled, state=state, deterministic=True)
        action = policy.predict(seen)
        np.testing.assert_array_equal(action, wanted)
        seen, *_ = env.step(action)
    env.close()


def test_same_seed_gives_the_same_policy(recipe: Any, recipe_run: Path, tmp_path: Path) -> None:
    weights = []
    for seed, name in ((3, "same"), (4, "other")):
        folder = recipe.train(folder=tmp_path / name, steps=384, seed=seed)
        weights.append(read_parameters(folder)["policy"])
    first = read_parameters(recipe_run / "policy")["policy"]
    assert all(torch.equal(first[name], weights[0][name]) for name in first)
    assert not all(torch.equal(first[name], weights[1][name]) for name in first)


def test_resumes_from_a_checkpoint(
    recipe: Any, recipe_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = recipe_run / "checkpoints" / "000000384"
    before = read_parameters(checkpoint)
    frozen = {"learning_rate": 0.0, **({"tau": 1e-6} if recipe.algorithm == "sac" else {})}
    recipe.train(folder=tmp_path / "a", steps=512, seed=3, resume=checkpoint, **frozen)
    said = capsys.readouterr().err
    assert said.startswith(f"resumed {checkpoint}: 384 of 512 steps done, best validation -")
    assert f"learning_rate {recipe.script.Args.learning_rate} -> 0.0" in said
    assert ("384 of them in the replay buffer" in said) is (recipe.algorithm == "sac")
    last = tmp_path / "a" / "checkpoints" / "000000512"
    after = read_parameters(last)
    assert read_description(last).steps == 512
    for name, tensor in before["policy"].items():
        torch.testing.assert_close(tensor, after["policy"][name], rtol=1e-4, atol=1e-5)
        assert torch.equal(tensor, after["policy"][name]) or "critic_target" in name
    assert before.keys() - {"policy", "variables"} == OPTIMISERS[recipe.algorithm]
    for name in OPTIMISERS[recipe.algorithm]:
        counts = [parameters[name]["state"][0]["step"] for parameters in (before, after)]
        assert counts[1] > counts[0] > 0
    assert before.get("variables") == after.get("variables")
    with (
        np.load(checkpoint / "normalisation.npz") as old,
        np.load(last / "normalisation.npz") as new,
    ):
        for name in ("observation_count", "return_count"):
            assert new[name] > old[name] + 100 > 384

    learnt = recipe.train(folder=tmp_path / "b", steps=640, seed=3, resume=recipe_run)
    changed = read_parameters(tmp_path / "b" / "checkpoints" / "000000640")["policy"]
    assert learnt == tmp_path / "b" / "policy"
    assert not all(torch.equal(t, changed[name]) for name, t in before["policy"].items())


def tensors(tree: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(tree, torch.Tensor):
        yield name, tree
    elif isinstance(tree, dict):
        for key, branch in tree.items():
            yield from tensors(branch, f"{name}/{key}")


def test_everything_is_restored(
    recipe: Any, recipe_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is resumed and stopped before its first round writes what it read."""
    monkeypatch.setattr(watch.Watch, "_on_training_start", lambda _: signal.raise_signal(SIGINT))
    with pytest.raises(Stopped):
        recipe.train(folder=tmp_path, steps=512, resume=recipe_run)
    read, written = (folder / "checkpoints" / "000000384" for folder in (recipe_run, tmp_path))
    before, after = (dict(tensors(read_parameters(folder))) for folder in (read, written))
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert any(name.endswith("exp_avg_sq") for name in before)
    with (
        np.load(read / "normalisation.npz") as old,
        np.load(written / "normalisation.npz") as new,
    ):
        for name in ("return_mean", "return_variance", "return_count"):
            np.testing.assert_array_equal(old[name], new[name])
        np.testing.assert_allclose(old["observation_variance"], new["observation_variance"], 0.3)
        assert new["observation_count"] == old["observation_count"] + 2  # the first of each episode
    if recipe.algorithm == "sac":
        with np.load(read / REPLAY) as old, np.load(written / REPLAY) as new:
            assert old.files == new.files
            assert all(np.array_equal(old[name], new[name]) for name in old.files)


def test_neighbouring_seeds_share_no_episode(
    run: Path, ppo_recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int] = []
    seed = TraderVecEnv.seed

    def recording(self: TraderVecEnv, number: int | None = None) -> Any:
        seeds.append(number)
        return seed(self, number)

    monkeypatch.setattr(TraderVecEnv, "seed", recording)
    ppo_recipe.train(folder=tmp_path / "a", steps=128, seed=5)
    assert seeds[-1] == 5 * SEEDS_APART > 10**6
    ppo_recipe.train(folder=tmp_path / "b", steps=512, seed=5, resume=run)
    assert seeds[-1] == 5 * SEEDS_APART + 384


def test_only_the_newest_checkpoint_keeps_the_replay_buffer(
    recipes: Any, all_runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = all_runs["sac"]
    assert [path.parent.name for path in run.rglob(REPLAY)] == ["000000384"]
    older = run / "checkpoints" / "000000256"
    recipes["sac"].train(folder=tmp_path, steps=320, resume=older)
    assert "replay buffer begins empty" in capsys.readouterr().err
    new = tmp_path / "checkpoints" / "000000384"
    with np.load(new / REPLAY) as kept:
        assert kept["rewards"].size == 128
    before, after = (read_parameters(folder)["policy"] for folder in (older, new))
    assert all(torch.equal(before[name], after[name]) for name in before), "it learnt from too few"


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
    ppo_recipe: Any, run: Path, tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    checkpoint = run / "checkpoints" / "000000256"
    with pytest.raises(InputError, match=why):
        ppo_recipe.train(folder=tmp_path, resume=checkpoint, **{"steps": 512, **change})
    assert not (tmp_path / "policy").exists()


def test_resume_refuses_another_algorithm(
    ppo_recipe: Any, all_runs: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="algorithm 'sac', now it is 'ppo'"):
        ppo_recipe.train(folder=tmp_path, steps=512, resume=all_runs["sac"])


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
@pytest.mark.parametrize(
    ("algorithm", "optimiser"), [("ppo", "policy.optimizer"), ("sac", "critic.optimizer")]
)
def test_resume_refuses_an_edited_optimiser(
    recipes: Any,
    all_runs: dict[str, Path],
    tmp_path: Path,
    change: Any,
    algorithm: str,
    optimiser: str,
) -> None:
    source = all_runs[algorithm] / "checkpoints" / "000000384"
    parameters = read_parameters(source)
    change(parameters[optimiser]["state"])
    edited = rewritten(source, tmp_path / "edited", parameters)
    with pytest.raises(DataError, match="optimiser"):
        recipes[algorithm].train(folder=tmp_path, steps=512, resume=edited)


@pytest.mark.parametrize("value", [None, torch.zeros(2), torch.full((1,), np.nan)])
def test_resume_refuses_an_edited_entropy_coefficient(
    recipes: Any, all_runs: dict[str, Path], tmp_path: Path, value: torch.Tensor | None
) -> None:
    source = all_runs["sac"] / "checkpoints" / "000000256"
    parameters = read_parameters(source)
    assert parameters["variables"].keys() == {"log_ent_coef"}
    parameters["variables"] = {} if value is None else {"log_ent_coef": value}
    edited = rewritten(source, tmp_path / "edited", parameters)
    with pytest.raises(DataError, match=r"entropy|finite"):
        recipes["sac"].train(folder=tmp_path, steps=512, resume=edited)


def rewritten(source: Path, folder: Path, parameters: Any) -> Path:
    with np.load(source / "normalisation.npz") as statistics:
        return write_policy(folder, read_description(source), parameters, dict(statistics))


def test_entropy_coefficient_may_be_fixed(recipes: Any, tmp_path: Path) -> None:
    policy = recipes["sac"].train(folder=tmp_path, steps=256, ent_coef=0.1)
    assert "variables" not in read_parameters(policy)
    recipes["sac"].train(folder=tmp_path, steps=384, ent_coef=0.1, resume=Path("auto"))


def test_misspelt_names_are_errors(recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="household_00001"):
        recipe.train(folder=tmp_path, learner="houshold_00001")
    with pytest.raises(UnknownNameError, match="synthetic"):
        recipe.train(folder=tmp_path, scenario="sinthetic")
    with pytest.raises(UnknownNameError, match="days"):
        recipe.train(folder=tmp_path, options={"dais": 28})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("seed", -1),
        ("n_envs", 0),
        ("gamma", 1.5),
        ("gamma", float("nan")),
        ("batch_size", 1),
        ("torch_threads", 0),
        ("validate_every", -1),
        ("clip", 0.0),
        ("learning_rate", -1e-3),
        ("rounds", 0),
    ],
)
def test_numbers_out_of_bounds_are_errors(
    ppo_recipe: Any, tmp_path: Path, name: str, value: float
) -> None:
    with pytest.raises(InputError, match=f"{name} must be"):
        ppo_recipe.train(folder=tmp_path, **{name: value})
    assert list(tmp_path.iterdir()) == []


def test_threads_are_as_many_as_asked_for(ppo_recipe: Any, tmp_path: Path) -> None:
    try:
        for threads in (2, 1):
            ppo_recipe.train(folder=tmp_path / str(threads), steps=128, torch_threads=threads)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(1)


def test_the_best_policy_is_kept(
    ppo_recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([-3.0, -1.0, -2.0, -1.0, -5.0, -4.0])

    def judge(*_: Any) -> dict[str, Any]:
        return {"score": np.array([next(scores)])}

    monkeypatch.setattr(watch, "score_learned", judge)
    best = ppo_recipe.train(folder=tmp_path, steps=640, validate_every=128)
    description = read_description(best)
    assert (description.steps, description.validation) == (256, -1.0)
    assert next(scores, None) is None
