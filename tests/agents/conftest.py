"""An untrained policy's folder, fresh for every test."""

from pathlib import Path

import numpy as np
import pytest
import torch

import decent_gym
from agents.description import Description
from agents.learned import build_network, write_policy


@pytest.fixture
def description() -> Description:
    return Description(
        algorithm="ppo",
        scenario="rural",
        options={},
        scenario_digest="ab" * 32,
        learner="building_03",
        observations=tuple(field.name for field in decent_gym.observation_fields()),
        actions=("battery", "battery_limit"),
        hidden=(8,),
        activation="tanh",
        clip=5.0,
        epsilon=1e-8,
        steps=0,
        seed=0,
    )


@pytest.fixture
def folder(tmp_path: Path, description: Description) -> Path:
    torch.manual_seed(0)
    network = build_network(description)
    with torch.no_grad():
        network.action_net.weight *= 100  # a fresh one hardly acts
    random = np.random.default_rng(0)
    wide = len(description.observations)
    statistics = {
        "observation_mean": random.normal(size=wide),
        "observation_variance": random.uniform(0.1, 2, wide),
        "observation_count": 10.0,
        "return_mean": 0.0,
        "return_variance": 1.0,
        "return_count": 10.0,
    }
    parameters = {"policy": network.state_dict()}
    return write_policy(tmp_path / "policy", description, parameters, statistics)
