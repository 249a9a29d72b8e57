"""Rules: checked when made, exact in JSON."""

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from decent_gym.clearing import MECHANISMS, RULES_VERSION, TIE_RULES, UTILITIES, Rules
from decent_gym.errors import InputError, UnknownNameError


@pytest.mark.parametrize(
    ("rule", "k"),
    [
        ("midpoint", (1, 2)),
        ("1/2", (1, 2)),
        (0, (0, 1)),
        (1, (1, 1)),
        (np.int64(1), (1, 1)),
        ("1/3", (1, 3)),
        ("2/6", (1, 3)),
        ("0.3", (3, 10)),
        (Fraction(5, 7), (5, 7)),
        (0.5, (1, 2)),
        (0.375, (3, 8)),
        (1.0, (1, 1)),
        (np.float64(0.25), (1, 4)),
        (".5", (1, 2)),
        ("5e-1", (1, 2)),
        ("1E-9", (1, 10**9)),
    ],
)
def test_price_rules(rule: Any, k: tuple[int, int]) -> None:
    rules = Rules(price_rule=rule)
    assert (rules.k_numerator, rules.k_denominator) == k == rules.codes[1:]
    assert rules == Rules(price_rule=Fraction(*k))
    assert (rules.price_rule == "midpoint") == (k == (1, 2))


@pytest.mark.parametrize("rule", ["1/3", "midpoint", 0, 1, Fraction(999_999_999, 10**9)])
def test_json_round_trip(rule: Any) -> None:
    for tie_rule in TIE_RULES:
        for utility in UTILITIES:
            rules = Rules("merit_order", rule, tie_rule, 2**53 - 1, utility)
            again = Rules.from_dict(json.loads(json.dumps(rules.to_dict())))
            assert again == rules and again.codes == rules.codes
            assert hash(again) == hash(rules)
    assert Rules.from_dict({}) == Rules()
    assert Rules(price_rule="1/3").to_dict()["price_rule"] == "1/3"


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ({"mechanism": "meritorder"}, "merit_order"),
        ({"tie_rule": "Time"}, "time"),
        ({"utility": "residul"}, "residual"),
        ({"price_rule": "midpont"}, "midpoint"),
    ],
)
def test_misspelt(wrong: dict[str, Any], near: str) -> None:
    with pytest.raises(UnknownNameError, match=f"did you mean '{near}'"):
        Rules(**wrong)
    with pytest.raises(UnknownNameError, match="did you mean 'tie_rule'"):
        Rules.from_dict({"tierule": "time"})


@pytest.mark.parametrize("rule", ["", "1/3/4", "2", "-1/2", "nan", 0.3, 2, 1e-9, None, False, [0]])
def test_not_price_rules(rule: Any) -> None:
    with pytest.raises(InputError):
        Rules(price_rule=rule)


ENDLESS = ["1e-999999999", "1e999999999", "0." + "3" * 41, "1/" + "3" * 5000, "1/3e2", "1/0"]


@pytest.mark.parametrize("rule", [*ENDLESS, np.float64(0.3)], ids=lambda rule: str(rule)[:20])
def test_numbers_that_would_fill_the_memory_or_are_not_exact(rule: Any) -> None:
    with pytest.raises(InputError, match=r"price.rule") as caught:
        Rules(price_rule=rule)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("field", ["mechanism", "tie_rule", "utility"])
def test_an_array_is_no_name(field: str) -> None:
    values: dict[str, Any] = {field: np.array(["pro_rata", "book"])}
    with pytest.raises(UnknownNameError, match="unknown"):
        Rules(**values)


def test_frozen_and_versioned() -> None:
    with pytest.raises(AttributeError):
        Rules().seed = 3  # type: ignore[misc]
    assert RULES_VERSION == 1
    assert [Rules(tie_rule=name).codes[0] for name in TIE_RULES] == [0, 1, 2, 3]
    assert "merit_order" in MECHANISMS and MECHANISMS["merit_order"].uniform
