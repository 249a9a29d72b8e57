"""An origin is read back as it was written, and nothing else is read."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from offline.recordings import recorded

from decent_gym.errors import DataError, InputError
from decent_gym.offline import EpisodeSource, Origin


@pytest.mark.parametrize("traders", [None, "truthful", {"household_00003": "truthful"}])
@pytest.mark.parametrize("rule", ["midpoint", 0, 0.5, Fraction(1, 3)])
def test_round_trip(traders: Any, rule: Any) -> None:
    origin = recorded(1, traders=traders, price_rule=rule).origin
    again = Origin.from_json(origin.to_json())
    assert again == origin
    assert again.to_json() == origin.to_json()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", 2),
        ("format", True),
        ("scenario", ""),
        ("scenario", 3),
        ("scenario", "x" * 1001),
        ("learner", None),
        ("rounds", 0),
        ("rounds", 2**18 + 1),
        ("rounds", 6.0),
        ("rounds", True),
        ("observations", []),
        ("observations", "ab"),
        ("observations", ["a", "a"]),
        ("observations", ["a", 1]),
        ("actions", ["x"] * 5000),
        ("terms", None),
        ("options", []),
        ("options", {"": 1}),
        ("options", {"days": [1]}),
        ("traders", 3),
        ("traders", {"a": None}),
        ("split", {}),
        ("policy", []),
        ("software", 1),
    ],
)
def test_a_wrong_field_is_named(source: EpisodeSource, name: str, value: Any) -> None:
    values = {**json.loads(source.origin.to_json()), name: value}
    with pytest.raises(DataError, match=name):
        Origin.from_json(json.dumps(values))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"\xff", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"rounds": NaN}', "NaN"),
        ("[]", "object"),
        ('{"format": 1}', "missing fields"),
        ("{}", "origin"),
        (" " * (2**20 + 1), "bytes"),
    ],
)
def test_other_text_is_refused(text: str | bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        Origin.from_json(text)


def test_unknown_and_missing_fields_are_named(source: EpisodeSource) -> None:
    values = json.loads(source.origin.to_json())
    with pytest.raises(DataError, match="colour"):
        Origin.from_values({**values, "colour": "red"})
    del values["learner"]
    with pytest.raises(DataError, match="learner"):
        Origin.from_values(values)


def test_the_caller_is_told_of_mistakes(source: EpisodeSource) -> None:
    with pytest.raises(InputError, match="options must be names with plain values"):
        replace(source.origin, options={"price_rule": [1]})
