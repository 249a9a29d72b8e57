"""RLlib's network and the policy written of it are one function; `make ray-smoke` runs this."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="RLlib has an environment of its own: make ray-smoke")

import torch
from ray.rllib.core.columns import Columns

import decent_gym
from agents.description import Description
from agents.learned import LearnedPolicy, write_policy
from agents.rllib_module import FIRST_MEANS, TraderModule, as_stable_baselines, model_config
from decent_gym.errors import DataError

FIELDS = tuple(field.name for field in decent_gym.observation_fields())
ACTIONS = ("battery", "battery_limit", "pump", "pump_limit")


def module_of(hidden: tuple[int, ...], activation: str, log_std: float = 0.5) -> TraderModule:
    return TraderModule(
        observation_space=gymnasium.spaces.Box(-10, 10, (len(FIELDS),), np.float32),
        action_space=gymnasium.spaces.Box(-1, 1, (len(ACTIONS),), np.float32),
        model_config=model_config(hidden, activation, log_std),
    )


def known(module: TraderModule) -> TraderModule:
    """Every weight another number, large enough for some actions to be clipped."""
    numbers = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0, 1.5 / parameter.shape[-1] ** 0.5, generator=numbers)
    return module


def policy_of(module: TraderModule, folder: Path, hidden: tuple[int, ...], activation: str) -> Any:
    random = np.random.default_rng(5)
    normalisation = {
        "observation_mean": random.normal(size=len(FIELDS)),
        "observation_variance": random.uniform(0.1, 2, len(FIELDS)),
        "observation_count": 10.0,
        "return_mean": 0.0,
        "return_variance": 1.0,
        "return_count": 0.0,
    }
    description = Description(
        algorithm="ppo", scenario="rural", options={}, scenario_digest="0", learner="building_03",
        observations=FIELDS, actions=ACTIONS, hidden=hidden, activation=activation, clip=10.0,
        epsilon=1e-8, steps=1, seed=0,
    )  # fmt: skip
    parameters = {"policy": as_stable_baselines(module.state_dict()), "policy.optimizer": {}}
    return LearnedPolicy.load(write_policy(folder, description, parameters, normalisation)), (
        normalisation["observation_mean"],
        np.sqrt(normalisation["observation_variance"] + 1e-8),
    )


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("hidden", [(5,), (8, 8), (7, 6, 5)])
def test_both_act_and_value_alike(tmp_path: Path, hidden: tuple[int, ...], activation: str) -> None:
    module = known(module_of(hidden, activation))
    policy, (mean, scale) = policy_of(module, tmp_path / "policy", hidden, activation)
    seen = np.random.default_rng(1).normal(size=(50, len(FIELDS))).astype(np.float32)
    scaled = torch.as_tensor(np.clip((seen - mean) / scale, -10, 10).astype(np.float32))
    inputs = module.forward_inference({Columns.OBS: scaled})[Columns.ACTION_DIST_INPUTS]
    distribution = module.get_inference_action_dist_cls().from_logits(inputs)
    wanted = distribution.to_deterministic().sample().detach().numpy()
    actions = policy.predict(seen)
    np.testing.assert_allclose(actions, np.clip(wanted, -1, 1), rtol=0, atol=1e-6)
    inside = np.abs(wanted) < 1
    assert 0.02 < inside.mean() < 0.98, "some are clipped, some are not"

    values = policy._policy.predict_values(scaled).squeeze(-1)
    wanted = module.compute_values({Columns.OBS: scaled})
    torch.testing.assert_close(values, wanted, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(
        policy._policy.log_std.detach().numpy(), module.pi.log_std.detach().numpy()
    )


def test_begins_with_small_means_and_the_spread_asked_for() -> None:
    module, plain = module_of((8,), "tanh", -0.25), 1 / np.sqrt(8)
    assert module.pi.log_std.tolist() == [-0.25] * len(ACTIONS)
    assert 0 < module.pi.net.mlp[0].weight.abs().max() <= FIRST_MEANS * plain


def test_unknown_layers_are_refused() -> None:
    weights = {**module_of((8,), "tanh").state_dict(), "encoder.net.mlp.0.weight": torch.zeros(1)}
    with pytest.raises(DataError, match=r"encoder\.net\.mlp"):
        as_stable_baselines(weights)


def test_nothing_that_acts_is_left_out() -> None:
    state = module_of((8, 8), "tanh").state_dict()
    left_out = len(state) - len(as_stable_baselines(state))
    assert left_out == sum("log_std_clip" in name for name in state) > 0
