"""Untrained policies' folders, fresh for every test."""

from collections.abc import Callable
from dataclasses import replace
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
def folder_of(tmp_path: Path, description: Description) -> Callable[[str], Path]:
    """Writes the folder of an algorithm's policy that acts visibly, though untrained."""

    def write(algorithm: str) -> Path:
        facts = replace(description, algorithm=algorithm, lstm=5 * (algorithm == "recurrent_ppo"))
        torch.manual_seed(0)
        network = build_network(facts)
        with torch.no_grad():
            for name, tensor in network.named_parameters():
                if "action_net" in name or "actor.mu" in name:
                    tensor *= 3 if algorithm == "sac" else 100  # a fresh one hardly acts
        random = np.random.default_rng(0)
        wide = len(facts.observations)
        statistics = {
            "observation_mean": random.normal(size=wide),
            "observation_variance": random.uniform(0.1, 2, wide),
            "observation_count": 10.0,
            "return_mean": 0.0,
            "return_variance": 1.0,
            "return_count": 10.0,
        }
        parameters = {"policy": network.state_dict()}
        return write_policy(tmp_path / algorithm / "policy", facts, parameters, statistics)

    return write


@pytest.fixture
def folder(folder_of: Callable[[str], Path]) -> Path:
    return folder_of("ppo")
