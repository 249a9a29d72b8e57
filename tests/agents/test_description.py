"""policy.json: what is written is read back, and whatever else there might be is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.description import LARGEST_FILE, Description
from decent_gym.errors import DataError

RIGHT = Description(
    algorithm="ppo",
    scenario="rural",
    options={"tariff": "flat", "price_rule": 0},
    scenario_digest="ab" * 32,
    learner="building_03",
    observations=("a", "b"),
    actions=("battery",),
    hidden=(8, 4),
    activation="tanh",
    clip=10.0,
    epsilon=1e-8,
    steps=100,
    seed=7,
    settings={"gamma": 0.9, "folder": "runs/x"},
    versions={"torch": "2"},
)


def test_round_trip() -> None:
    assert Description.from_json(RIGHT.to_json()) == RIGHT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("schema", 0),
        ("schema", 3),
        ("schema", "1"),
        ("schema", None),
        ("algorithm", "dqn"),
        ("algorithm", None),
        ("algorithm", ["ppo"]),
        ("lstm", 8),
        ("lstm", -1),
        ("lstm", False),
        ("lstm", None),
        ("validation", "-88"),
        ("validation", -88),
        ("scenario", ""),
        ("scenario", ".."),
        ("scenario", "/etc/passwd"),
        ("scenario", "../other.toml"),
        ("scenario", "a\\..\\b.toml"),
        ("scenario", 3),
        ("scenario", "x" * 201),
        ("learner", None),
        ("scenario_digest", []),
        ("observations", []),
        ("observations", ["a", 1]),
        ("observations", "ab"),
        ("actions", {"battery": 1}),
        ("actions", ["x"] * 10_001),
        ("hidden", [8.0]),
        ("hidden", [0]),
        ("hidden", [True]),
        ("hidden", [10**9]),
        ("hidden", [8] * 5),
        ("hidden", 8),
        ("activation", "os.system"),
        ("clip", 0.0),
        ("clip", "10"),
        ("epsilon", -1e-8),
        ("steps", -1),
        ("steps", 1.5),
        ("steps", 2**63),
        ("seed", True),
        ("options", [1]),
        ("options", {"a": {"b": 1}}),
        ("settings", "x"),
        ("versions", None),
    ],
)
def test_wrong_value_is_refused_by_name(name: str, value: Any) -> None:
    data = json.loads(RIGHT.to_json())
    data[name] = value
    with pytest.raises(DataError, match=name):
        Description.from_json(json.dumps(data))


@pytest.mark.parametrize("value", [0, 2_049, 8.0, None])
def test_recurrent_policies_say_how_wide(value: Any) -> None:
    data = json.loads(RIGHT.to_json()) | {"algorithm": "recurrent_ppo"}
    assert Description.from_json(json.dumps(data | {"lstm": 8})).lstm == 8
    with pytest.raises(DataError, match="lstm"):
        Description.from_json(json.dumps(data | {"lstm": value}))


@pytest.mark.parametrize("name", ["sac", "behaviour_cloning", "rllib_ppo"])
def test_other_algorithms_are_known(name: str) -> None:
    other = replace(RIGHT, algorithm=name, validation=-88.5)
    assert Description.from_json(other.to_json()) == other


def first_schema() -> dict[str, Any]:
    data = json.loads(RIGHT.to_json())
    del data["lstm"], data["validation"]
    return {**data, "schema": 1}


def test_the_first_schema_is_read() -> None:
    assert Description.from_json(json.dumps(first_schema())) == RIGHT


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "sac"},  # which it did not know
        {"lstm": 0},
        {"schema": True},
        {"schema": 1.0},
        {"schema": 2},
        {"clip": 0.0},
    ],
)
def test_the_first_schema_is_as_strict(change: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        Description.from_json(json.dumps(first_schema() | change))


def without(name: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        data = json.loads(text)
        del data[name]
        return json.dumps(data)

    return change


@pytest.mark.parametrize(
    "change",
    [
        without("clip"),
        without("schema"),
        lambda text: text.replace('"clip"', '"klip"'),
        lambda text: text.replace('"seed": 7', '"seed": 7, "seed": 8'),
        lambda text: text.replace('"seed": 7', '"seed": 7, "extra": 8'),
        lambda text: text.replace('"clip": 10.0', '"clip": NaN'),
        lambda text: text.replace('"clip": 10.0', '"clip": 1e999'),
        lambda text: text[:-5],
        lambda text: "[" * 50_000,
        lambda text: "[1]",
        lambda text: "",
        lambda text: text + " " * LARGEST_FILE,
    ],
)
def test_wrong_text_is_refused(change: Callable[[str], str]) -> None:
    changed = change(RIGHT.to_json())
    assert changed != RIGHT.to_json()
    with pytest.raises(DataError):
        Description.from_json(changed)


def test_wrong_bytes_are_refused() -> None:
    with pytest.raises(DataError):
        Description.from_json(RIGHT.to_json().encode().replace(b"rural", b"\xff\xfe"))
