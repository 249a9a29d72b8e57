"""Scenarios by name: ``SCENARIOS`` and the one function that turns what a user gave into one."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from decent_gym.clearing import Rules
from decent_gym.errors import InputError, shown
from decent_gym.registry import Registry, unknown_name
from decent_gym.scenarios.loader import RULE_KEYS, load_scenario
from decent_gym.scenarios.scenario import Scenario
from decent_gym.scenarios.synthetic import synthetic
from decent_gym.scenarios.wishes import Wishes, mapping_of, with_wishes

DATA: Final = Path(__file__).parent / "data"
TARIFFS: Final = ("flat", "time_of_use")

ScenarioFactory = Callable[..., Scenario]
SCENARIOS: Registry[ScenarioFactory] = Registry("scenario")
"""Name -> function of keywords that builds the scenario."""


def rural(
    *,
    tariff: str = "flat",
    mechanism: str = "merit_order",
    price_rule: Any = "midpoint",
    tie_rule: str = "pro_rata",
    seed: int = 0,
    utility: str | None = "book",
    clearing: str = "separate",
) -> Scenario:
    """A village street: 13 buildings, a heat plant and the utility, over the year 2016.

    Parameters
    ----------
    tariff : {"flat", "time_of_use"}
        Electricity tariff; the second is synthetic.
    mechanism, price_rule, tie_rule, seed, utility, clearing
        See :class:`decent_gym.clearing.Rules`; with ``utility=None`` nobody quotes for the grid.

    Source: SimBench, DWD, BDEW profiles; see ``data/README.md`` and the comments in
    ``data/rural.toml``.
    """
    if tariff not in TARIFFS:
        raise unknown_name("tariff of scenario 'rural'", tariff, TARIFFS)
    rules = Rules(mechanism, price_rule, tie_rule, seed, utility, clearing)
    return _rural(tariff, tuple(rules.to_dict().items()))


@lru_cache(maxsize=16)
def _district(tariff: str) -> Scenario:
    variant = None if tariff == "flat" else tariff
    return load_scenario(DATA / "rural.toml", tariff=variant)


@lru_cache(maxsize=64)
def _rural(tariff: str, rules: tuple[tuple[str, Any], ...]) -> Scenario:
    return under(_district(tariff), Rules.from_dict(dict(rules)))


def under(district: Scenario, rules: Rules) -> Scenario:
    """The same district under other rules; with ``utility=None`` the utility leaves it."""
    if rules.utility is not None:
        return replace(district, rules=rules)
    stay = [i for i, member in enumerate(district.members) if member.organization.priority == 0]
    return replace(
        district,
        members=tuple(district.members[i] for i in stay),
        load=np.ascontiguousarray(district.load[:, stay]),
        pv=np.ascontiguousarray(district.pv[:, stay]),
        heat=np.ascontiguousarray(district.heat[:, stay]),
        rules=rules,
    )


SCENARIOS.add("rural", rural)
SCENARIOS.add("synthetic", synthetic)


def scenario(
    which: str | Path | Scenario, *, wishes: Wishes | None = None, **options: Any
) -> Scenario:
    """The scenario that somebody named, has in a file, or built.

    Parameters
    ----------
    which : str, Path or Scenario
        A name in ``SCENARIOS``, the path of a ``.toml`` file, or a Scenario, which is returned
        as it is.
    wishes : mapping of str to Wish, optional
        What organizations wish for in all that they buy, under ``mechanism="preference"``; also
        tables as in a scenario file, or all of it as JSON.
    **options
        Keywords of the factory, of :func:`load_scenario` for a file, or, for a Scenario, fields
        of :class:`decent_gym.clearing.Rules`.

    Raises
    ------
    UnknownNameError
        For a misspelt name or keyword; names the nearest right one.
    ScenarioError
        For a file that contradicts itself.
    """
    made = _made(which, options)
    if wishes is None:
        return made
    wishing = with_wishes(made, wishes)
    if wishing.origin is not None:
        name, known = wishing.origin
        merged = {**mapping_of(known.get("wishes", {})), **mapping_of(wishes)}
        object.__setattr__(wishing, "origin", (name, {**known, "wishes": merged}))
    return wishing


def _made(which: str | Path | Scenario, options: dict[str, Any]) -> Scenario:
    if isinstance(which, Scenario):
        _check_options("rule", options, RULE_KEYS)
        if not options:
            return which
        return under(which, Rules.from_dict({**which.rules.to_dict(), **options}))
    if isinstance(which, Path) or (isinstance(which, str) and which.endswith(".toml")):
        _check_options(f"option of scenario file {str(which)!r}", options, ("tariff", *RULE_KEYS))
        return _remembered(load_scenario(which, **options), str(which), options)
    if not isinstance(which, str):
        raise InputError(
            "a scenario must be a name, the path of a .toml file or a Scenario, "
            f"got {type(which).__name__} {shown(which)}"
        )
    factory = SCENARIOS[which]
    _check_options(f"option of scenario {which!r}", options, inspect.signature(factory).parameters)
    return _remembered(factory(**options), which, options)


def _remembered(made: Scenario, which: str, options: dict[str, Any]) -> Scenario:
    if made.origin is None:  # a cached one may have been asked for in other words before
        object.__setattr__(made, "origin", (which, options))
    return made


def _check_options(kind: str, options: dict[str, Any], known: Any) -> None:
    for name in options:
        if name not in known:
            raise unknown_name(kind, name, (*known, "wishes"))
