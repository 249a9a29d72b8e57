"""Who decides for whom, world by world: learners, scripted traders, nobody for the utility."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from decent_gym.errors import InputError, shown
from decent_gym.scenarios import Scenario
from decent_gym.traders import LEARNER, NOBODY, TRADERS
from decent_gym.units import IntArray

Learners: TypeAlias = Sequence[str] | Sequence[Sequence[str]]
"""Names of organizations: the same for all worlds, or one list of equal length per world."""
Traders: TypeAlias = str | Mapping[str, str] | None
"""Scripted traders of one world: one for all, by organization, or each member's own."""
TradersOfWorlds: TypeAlias = Traders | Sequence[Traders]
"""The same for all worlds, or one entry per world."""


def learners_by_world(learners: Learners, worlds: int) -> list[Sequence[str]]:
    """One list of names per world, all of the same length.

    Raises
    ------
    InputError
        For another number of lists, or lists of different lengths.
    """
    if isinstance(learners, str):
        raise InputError(f"learners must be a list of different names, got {shown(learners)}")
    if all(isinstance(name, str) for name in learners):
        same = [name for name in learners if isinstance(name, str)]
        return [same] * worlds
    rows = [row for row in learners if not isinstance(row, str)]
    if len(rows) != worlds or len(learners) != worlds or len({len(row) for row in rows}) > 1:
        raise InputError(
            f"learners must be a list of names, or {worlds} lists of equal length, one per world; "
            f"got {shown(learners)}"
        )
    return list(rows)


def learner_indices(learners: Learners, scenario: Scenario, worlds: int) -> IntArray:
    """Account indices of the learners, int64 (W, L).

    Raises
    ------
    UnknownNameError
        For an organization that does not exist.
    InputError
        For the utility, a name twice in one world, or lists that do not fit the worlds.
    """
    rows = learners_by_world(learners, worlds)
    found = {tuple(row): _checked_learners(row, scenario) for row in rows}
    return np.array([found[tuple(row)] for row in rows], np.int64).reshape(worlds, -1)


def external_indices(names: Sequence[str], scenario: Scenario) -> IntArray:
    """Account indices of those whose offers come from outside, int64 (E,).

    Raises
    ------
    UnknownNameError, InputError
        As :func:`learner_indices`.
    """
    if isinstance(names, str):
        raise InputError(f"external must be a list of different names, got {names!r}")
    return np.array(_checked_learners(names, scenario, "external"), np.int64)


def _checked_learners(
    names: Sequence[str], scenario: Scenario, what: str = "learners"
) -> list[int]:
    indices = [scenario.index(name) for name in names]
    if len(set(indices)) < len(indices):
        raise InputError(f"{what} must be a list of different names, got {shown(list(names))}")
    for index in indices:
        if scenario.members[index].organization.priority == 1:
            name = scenario.members[index].name
            raise InputError(f"{name!r} is the utility; it only quotes its tariffs")
    return indices


def traders_by_world(traders: TradersOfWorlds, worlds: int) -> list[Traders]:
    """One entry per world.

    Raises
    ------
    InputError
        For another number of entries, or an entry of the wrong type.
    """
    if traders is None or isinstance(traders, str | Mapping):
        return [_kept(traders)] * worlds
    if not isinstance(traders, Sequence) or len(traders) != worlds:
        raise InputError(
            "traders must be one name for all, a mapping of organization to name, None, or a list "
            f"of {worlds} of these, one per world; got {type(traders).__name__} {shown(traders)}"
        )
    for entry in traders:
        if not (entry is None or isinstance(entry, str | Mapping)):
            raise InputError(
                "traders must be one name for all, a mapping of organization to name, or None; "
                f"got {type(entry).__name__} {shown(entry)}"
            )
    kept = {id(entry): _kept(entry) for entry in traders}
    return [kept[id(entry)] for entry in traders]


def _kept(traders: Traders) -> Traders:
    """Ours, so that whoever changes theirs later does not change what a ledger says."""
    return dict(traders) if isinstance(traders, Mapping) else traders


def policy_codes(traders: Sequence[Traders], learners: IntArray, scenario: Scenario) -> IntArray:
    """Codes of who acts, int64 (W, N): a trader's, ``LEARNER``, or ``NOBODY`` for the utility.

    Raises
    ------
    UnknownNameError
        For an organization or trader that does not exist.
    """
    codes = np.empty((len(traders), len(scenario.members)), np.int64)
    seen: dict[int, list[int]] = {}
    for world, entry in enumerate(traders):
        if id(entry) not in seen:
            seen[id(entry)] = _scripted(entry, scenario)
        codes[world] = seen[id(entry)]
    np.put_along_axis(codes, learners, LEARNER, axis=1)
    return codes


def _scripted(traders: Traders, scenario: Scenario) -> list[int]:
    """Who would act if nobody learned."""
    if isinstance(traders, Mapping):
        for name in traders:
            scenario.index(name)
    codes = []
    for member in scenario.members:
        name = member.trader
        if isinstance(traders, str):
            name = traders
        elif traders is not None:
            name = traders.get(member.name, member.trader)
        code = TRADERS[name].code
        codes.append(NOBODY if member.organization.priority == 1 else code)
    return codes
