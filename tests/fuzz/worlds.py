"""The good files around which the fuzzers put bad ones."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from oracles.forger import SEGMENT, write_bodies
from oracles.rounds import header, rounds
from scenarios.street_files import write_street

import decent_gym
from agents.description import Description
from agents.learned import build_network, write_policy
from decent_gym.ledger import Checkpoint, Checkpoints, Ledger, SigningKey, export_tables
from decent_gym.ledger.header import encode_header

KEY: Final = SigningKey("district.example/rural", b"k" * 32)
HEADER: Final = replace(header(organizations=2), operator_key=KEY.verifier.public)
HEADER_BODY: Final = encode_header(HEADER)
ACCOUNTS: Final = HEADER.accounts
ROUNDS: Final = rounds(3, organizations=2, offers=2)
CHECKPOINT: Final = Checkpoint.of(KEY.name, 4, bytes(32)).signed(KEY)
META: Final[dict[str, Any]] = {
    "scenario": "rural",
    "options": {"tariff": "flat"},
    "learners": [],
    "traders": "truthful",
    "rounds": 3,
}
FACTS: Final = Description(
    algorithm="ppo",
    scenario="rural",
    options={},
    scenario_digest="ab" * 32,
    learner="building_03",
    observations=tuple(field.name for field in decent_gym.observation_fields()),
    actions=("battery", "battery_limit"),
    hidden=(1,),
    activation="tanh",
    clip=5.0,
    epsilon=1e-8,
    steps=0,
    seed=0,
)


def build(folder: Path) -> Path:
    """Everything that targets need, below `folder`."""
    for name in ("raw", "scenario"):
        (folder / name).mkdir()
    write_street(folder / "scenario")
    write_bodies(folder / "hashed", [HEADER_BODY])
    kept = Checkpoints(2, KEY)
    with Ledger.create(folder / "recorded", HEADER, meta=META, checkpoints=kept) as ledger:
        for record in ROUNDS:
            ledger.on_round(record)
    export_tables(folder / "recorded", parquet=folder / "tables")
    write_small_policy(folder / "policy")
    return folder


def write_small_policy(folder: Path) -> Path:
    """An untrained policy of one hidden neuron."""
    torch.manual_seed(0)
    wide = len(FACTS.observations)
    statistics = {
        "observation_mean": np.zeros(wide),
        "observation_variance": np.ones(wide),
        "observation_count": 1.0,
        "return_mean": 0.0,
        "return_variance": 1.0,
        "return_count": 1.0,
    }
    return write_policy(folder, FACTS, {"policy": build_network(FACTS).state_dict()}, statistics)


__all__ = ["SEGMENT", "write_bodies"]
