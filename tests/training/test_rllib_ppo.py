"""RLlib on a local cluster of two workers, from end to end; `make ray-smoke` runs this."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="RLlib has an environment of its own: make ray-smoke")

import ray
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.tune.registry import register_env

import decent_gym
from agents.learned import LearnedPolicy, read_description, read_parameters
from agents.rllib_env import TraderMultiAgentEnv
from decent_gym.errors import DataError, DecentGymError, InputError, UnknownNameError
from training import rllib_ppo
from training.cluster import join
from training.evaluate import Args as EvaluationArgs
from training.evaluate import evaluate
from training.rllib_ppo import Args, Run, learn, prepare, train

TINY: dict[str, Any] = {
    "scenario": "synthetic",
    "options": {"organizations": 8, "days": 28},
    "hidden": (8, 8),
    "worlds": 2,
    "rounds": 32,
    "batch": 128,
    "batch_size": 32,
    "n_epochs": 2,
    "checkpoint_every": 128,
    "progress": False,
}
NAMES = ["household_00001", "household_00002", "household_00004", "household_00005",
         "heat_plant_0001"]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of 256 rounds."""
    folder = tmp_path_factory.mktemp("rllib")
    written = train(Args(folder=folder, steps=256, seed=3, **TINY))
    assert written == {name: folder / "policies" / name for name in NAMES}
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = read_parameters(folder)["policy"]
    return found


def is_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


def test_run_writes_what_it_says(run: Path) -> None:
    found = sorted(path.name for path in (run / "checkpoints").iterdir())
    assert found == ["000000128", "000000256"]
    for name in NAMES:
        facts = read_description(run / "policies" / name)
        assert (facts.learner, facts.steps, facts.seed) == (name, 256, 3)
        assert facts.options == TINY["options"]
        assert facts.versions["ray"]
        assert facts.settings["share"] == "devices"
    last = run / "checkpoints" / "000000256" / "policies"
    assert all(is_same(weights(last / n), weights(run / "policies" / n)) for n in NAMES)
    first = run / "checkpoints" / "000000128" / "policies"
    assert not any(is_same(weights(first / n), weights(run / "policies" / n)) for n in NAMES)


def test_same_devices_share_a_policy_and_a_scale(run: Path) -> None:
    policies = [LearnedPolicy.load(run / "policies" / name) for name in NAMES]
    actions = [policy.description.actions for policy in policies]
    seen = np.random.default_rng(0).normal(size=(5, len(decent_gym.observation_fields())))
    for i in range(len(NAMES)):
        for j in range(i):
            same = actions[i] == actions[j]
            assert same == is_same(*(weights(run / "policies" / NAMES[k]) for k in (i, j)))
            if same:
                np.testing.assert_array_equal(policies[i].predict(seen), policies[j].predict(seen))
    assert len(set(actions)) == 3 < len(actions)


def test_written_policies_act_as_rllib_does(run: Path) -> None:
    """In a market where all of them act, for a whole episode."""
    settled = prepare(Args(folder=run, seed=3, **TINY))
    config = rllib_ppo.configuration(settled).env_config
    env = TraderMultiAgentEnv(config)
    state = run / "checkpoints" / "000000256" / "rllib" / "learner_group" / "learner" / "rl_module"
    modules = {n: RLModule.from_checkpoint(state / p) for n, p in settled.policies.items()}
    policies = {n: LearnedPolicy.load(run / "policies" / n) for n in NAMES}
    raw = decent_gym.parallel_env(scenario="synthetic", rounds=32, **TINY["options"])
    scaled, _ = env.reset(seed=5)
    seen, _ = raw.reset(seed=5)
    while raw.agents:
        actions = {n: policies[n].predict(seen[n]) for n in NAMES}
        for name, module in modules.items():
            batch = {Columns.OBS: torch.as_tensor(scaled[name])[None]}
            inputs = module.forward_inference(batch)[Columns.ACTION_DIST_INPUTS]
            chosen = module.get_inference_action_dist_cls().from_logits(inputs)
            wanted = chosen.to_deterministic().sample().detach().numpy()[0].clip(-1, 1)
            np.testing.assert_allclose(actions[name], wanted, rtol=0, atol=1e-6)
        scaled, *_ = env.step(actions)
        seen, *_ = raw.step(actions)


def test_written_policies_are_judged_like_any_other(run: Path) -> None:
    found = evaluate(EvaluationArgs(runs=(run / "policies" / NAMES[0],), progress=False))
    assert found.learner == NAMES[0]
    assert found.is_trained_on_it
    assert np.isfinite(found.lines[0].scores).all()


def test_resumes_from_a_checkpoint(run: Path, tmp_path: Path) -> None:
    checkpoint = run / "checkpoints" / "000000128"
    settled = prepare(Args(folder=tmp_path, steps=256, seed=9, resume=checkpoint, **TINY))
    for name in NAMES:
        with np.load(checkpoint / "policies" / name / "normalisation.npz") as saved:
            np.testing.assert_array_equal(settled.statistics[name][0], saved["observation_mean"])
    join(None, 2)
    try:
        register_env(rllib_ppo.ENVIRONMENT, TraderMultiAgentEnv)
        algorithm = rllib_ppo.build(settled)
        fresh = rllib_ppo.write_policies(settled, algorithm, tmp_path / "fresh", 0)
        done = rllib_ppo.restore(settled, algorithm)
        restored = rllib_ppo.write_policies(settled, algorithm, tmp_path / "restored", done)
        steps = list(learn(settled, algorithm, done))
        learnt = rllib_ppo.write_policies(settled, algorithm, tmp_path / "learnt", steps[-1])
        algorithm.stop()
    finally:
        ray.shutdown()
    assert (done, steps) == (128, [256])
    for name in NAMES:
        wanted = weights(checkpoint / "policies" / name)
        assert is_same(weights(restored[name]), wanted)
        assert not is_same(weights(fresh[name]), wanted)
        assert not is_same(weights(learnt[name]), wanted)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"hidden": (9,)}, "hidden"),
        ({"options": {"organizations": 8, "days": 29}}, "scenario_digest"),
        ({"share": "nothing"}, "share"),
        ({"steps": 128}, "ask for more"),
    ],
)
def test_resume_refuses_what_does_not_fit(run: Path, change: dict[str, Any], why: str) -> None:
    checkpoint = run / "checkpoints" / "000000128"
    with pytest.raises(InputError, match=why):
        prepare(Args(resume=checkpoint, **{"steps": 512, **TINY, **change}))


def test_resume_wants_a_checkpoint(run: Path, tmp_path: Path) -> None:
    for folder in (run, run / "policies", tmp_path):
        with pytest.raises(DataError, match="holds no rllib/"):
            prepare(Args(resume=folder, **TINY))
    (tmp_path / "rllib").mkdir()
    with pytest.raises(DataError, match=r"policy\.json"):
        prepare(Args(resume=tmp_path, **TINY))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"runners": 0}, "runners must be 1"),
        ({"steps": 0}, "steps must be 1"),
        ({"hidden": ()}, "hidden"),
        ({"organizations": ("a", "a")}, "twice"),
        ({"batch": 256, "batch_size": 512}, "256 or less"),
        ({"batch": 256, "batch_size": 256, "learners": 2}, "128 or less"),
    ],
)
def test_wrong_numbers_are_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        Args(**change)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"scenario": "sinthetic"}, "synthetic"),
        ({"options": {"dais": 28}}, "days"),
        ({"organizations": ("houshold_00001",)}, "household_00001"),
        ({"organizations": ("household_00003",)}, "no flexible device"),
        ({"rounds": 10**6}, "rounds"),
    ],
)
def test_misspelt_names_are_errors_before_anything_starts(
    tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    with pytest.raises(InputError, match=why):
        train(Args(folder=tmp_path / "new", **{**TINY, **change}))
    assert not (tmp_path / "new").exists()


def test_share_nothing_is_a_policy_each() -> None:
    settled = prepare(Args(share="nothing", **TINY))
    assert settled.policies == {name: name for name in NAMES}
    means = [settled.statistics[name][0] for name in NAMES]
    assert not any((means[i] == means[j]).all() for i in range(len(NAMES)) for j in range(i))


def test_silent_runners_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """RLlib itself would go on forever, or fail where nobody understands it."""

    class Silent:
        def train(self) -> dict[str, Any]:
            return {}

        def build_algo(self) -> None:
            [][0]

    settled = Run(Args(progress=False), {}, {}, {})
    with pytest.raises(DecentGymError, match="no runner brought experience"):
        list(learn(settled, Silent(), 0))
    monkeypatch.setattr(rllib_ppo, "configuration", lambda _: Silent())
    with pytest.raises(DecentGymError, match="no runner came up"):
        rllib_ppo.build(settled)


def test_a_folder_that_cannot_be_made_is_said_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        train(Args(folder=tmp_path / "file" / "run", **TINY))


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9", "nohost.invalid:6379",
                                     "127.0.0.1:port"])  # fmt: skip
def test_nobody_at_an_address(address: str) -> None:
    with pytest.raises(InputError, match="no Ray cluster at address"):
        join(address, 1)


def test_misspelt_learner_is_an_unknown_name() -> None:
    with pytest.raises(UnknownNameError):
        prepare(Args(organizations=("household_0001",), **TINY))
