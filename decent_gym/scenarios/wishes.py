"""What members of a scenario wish for: as files say it, as keywords say it, as recordings keep it.

A wish is a table: ``{ renewable = true, premium = 0.10 }``, ``{ local = true, hard = true }``,
``{ partner = "building_05" }``.  Whoever wishes for a type says how much it is worth, or that
nothing else will do, for what a hard wish leaves unbought is imbalance.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeAlias

from decent_gym.errors import InputError, ScenarioError
from decent_gym.json_text import load_json
from decent_gym.models import PREMIUM_CAP, Wish
from decent_gym.registry import unknown_name
from decent_gym.scenarios.scenario import Scenario

_TEXT_CAP: Final = 2**20
WISH_KEYS: Final = ("local", "renewable", "premium", "hard", "partner")

Wishes: TypeAlias = Mapping[str, Wish | Mapping[str, Any] | None] | str
"""By organization; None takes away what a file says.  Or such a mapping as JSON."""


def read_wish(values: Mapping[str, Any], place: str) -> Wish:
    """A wish from its table.

    Raises
    ------
    ScenarioError, UnknownNameError
        Naming the place, the key and its value.
    """
    for key in values:
        if key not in WISH_KEYS:
            raise unknown_name(f"key of {place}", key, WISH_KEYS)
    typed = bool(values.get("local")) or bool(values.get("renewable"))
    hard = values.get("hard", False)
    if not isinstance(hard, bool):
        raise ScenarioError(f"{place}: hard must be true or false, got {hard!r}")
    if (typed or hard or "premium" in values) and hard is ("premium" in values):
        raise ScenarioError(
            f"{place}: a wish for a type of energy needs one of premium (0.10: worth a tenth more "
            "than other energy) and hard = true (takes nothing else, and what it cannot buy is "
            f"imbalance), got {'both' if hard else 'neither'}"
        )
    fields = {key: values[key] for key in ("local", "renewable", "partner") if key in values}
    if "premium" in values:
        fields["premium"] = _per_mille(values["premium"], place)
    try:
        return Wish(**fields)
    except InputError as error:
        raise ScenarioError(f"{place}: {error}") from None


def with_wishes(scenario: Scenario, wishes: Wishes) -> Scenario:
    """The same district whose members wish otherwise.

    Raises
    ------
    ScenarioError, UnknownNameError
        For an organization that is not there, or a wish that cannot be.
    """
    members = list(scenario.members)
    for name, given in mapping_of(wishes).items():
        index = scenario.index(name)
        if isinstance(given, Mapping):
            given = read_wish(given, f"wishes: {name}")
        members[index] = replace(members[index], wish=given)
    return replace(scenario, members=tuple(members))


def plain_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a scenario as JSON can hold them; the texts mean the same."""
    kept = {
        key: str(value) if isinstance(value, Fraction) else value for key, value in options.items()
    }
    if kept.get("wishes") is not None:
        tables = {name: _table(given) for name, given in mapping_of(kept["wishes"]).items()}
        kept["wishes"] = json.dumps(tables, sort_keys=True)
    return kept


def mapping_of(wishes: Wishes) -> Mapping[str, Wish | Mapping[str, Any] | None]:
    """The wishes by organization, whatever form they were given in."""
    found: Any = wishes
    if isinstance(wishes, str):
        try:
            found = load_json(wishes, _TEXT_CAP)
        except ValueError as error:
            raise ScenarioError(f"wishes: is no JSON ({error}), got {wishes[:80]!r}") from None
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and (given is None or isinstance(given, Wish | Mapping))
        for name, given in found.items()
    ):
        raise ScenarioError(
            "wishes must say for organizations what they wish for, such as "
            f"{{'building_03': Wish(renewable=True, premium=100)}}, got {str(wishes)[:80]}"
        )
    return found


def _table(given: Wish | Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A wish as files write it."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        given = read_wish(given, "wishes")
    table: dict[str, Any] = {key: True for key in ("local", "renewable") if getattr(given, key)}
    if given.premium is not None:
        table["premium"] = given.premium / 1_000
    elif given.attributes:
        table["hard"] = True
    return table if given.partner is None else {**table, "partner": given.partner}


def _per_mille(value: Any, place: str) -> int:
    wrong = isinstance(value, bool) or not isinstance(value, int | float | Decimal)
    try:
        share = Fraction(-1 if wrong else str(value)) * PREMIUM_CAP
    except ValueError:  # NaN, infinity
        share = Fraction(-1)
    if share.denominator != 1 or not 0 <= share <= PREMIUM_CAP:
        raise ScenarioError(
            f"{place}: premium must be a share of the limit, 0 to 1 in steps of 0.001, got {value}"
        )
    return int(share)
