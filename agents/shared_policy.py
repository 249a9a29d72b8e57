"""One policy for all members of a league, frozen at one time, and each member's own out of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3 import PPO

import decent_gym
from agents.description import Description
from agents.learned import LearnedPolicy, build_network, write_policy
from decent_gym import Scenario
from decent_gym.envs import TraderVectorEnv


class Frozen(NamedTuple):
    """A shared policy as it was at one time: it acts for all members, and it can be written."""

    acting: LearnedPolicy
    weights: dict[str, torch.Tensor]
    statistics: dict[str, npt.NDArray[Any]]

    def predict(self, obs: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Actions (n, A) for the league's observations (n, F + members)."""
        return self.acting.predict(obs)


def freeze(model: PPO, facts: Description) -> Frozen:
    """A copy of the model's policy as it is now, with its statistics."""
    weights = {name: value.detach().clone() for name, value in model.policy.state_dict().items()}
    policy = build_network(facts)
    policy.load_state_dict(weights)
    policy.set_training_mode(False)
    env = model.get_vec_normalize_env()
    assert env is not None, "train() wraps the environments"
    pairs = ((env.obs_rms, "observation"), (env.ret_rms, "return"))
    statistics = {
        f"{name}_{what}": np.array(value, np.float64)
        for rms, name in pairs
        for what, value in (("mean", rms.mean), ("variance", rms.var), ("count", rms.count))
    }
    acting = LearnedPolicy(replace(facts, steps=model.num_timesteps), policy, statistics)
    return Frozen(acting, weights, statistics)


def write_member(folder: Path, scenario: Scenario, shared: Frozen, name: str) -> Path:
    """The shared policy as one member's own, an equal one without the entries for who it is.

    These are constant for a member, so they go into the biases of the first layers; of the actions
    only the levers that the member owns remain.
    """
    facts, weights = shared.acting.description, dict(shared.weights)
    fields = len(decent_gym.observation_fields())
    statistics = dict(shared.statistics)
    mean, variance = (statistics[f"observation_{what}"] for what in ("mean", "variance"))
    is_it = np.array([entry == f"is_{name}" for entry in facts.observations], np.float64)
    normal = np.clip((is_it - mean) / np.sqrt(variance + facts.epsilon), -facts.clip, facts.clip)
    constant = torch.tensor(normal[fields:], dtype=torch.float32)
    for network in ("policy_net", "value_net"):
        layer = f"mlp_extractor.{network}.0"
        weight = weights[f"{layer}.weight"]
        weights[f"{layer}.bias"] = weights[f"{layer}.bias"] + weight[:, fields:] @ constant
        weights[f"{layer}.weight"] = weight[:, :fields].contiguous()
    own = TraderVectorEnv(1, scenario=scenario, learner=name).action_names
    columns = [facts.actions.index(lever) for lever in own]
    for entry in ("log_std", "action_net.weight", "action_net.bias"):
        weights[entry] = weights[entry][columns]
    statistics["observation_mean"], statistics["observation_variance"] = (
        mean[:fields], variance[:fields]
    )  # fmt: skip
    own_facts = replace(facts, learner=name, actions=own, observations=facts.observations[:fields])
    return write_policy(folder / name, own_facts, {"policy": weights}, statistics)
