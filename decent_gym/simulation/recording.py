"""A ledger for one world's episode."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from decent_gym.errors import InputError, shown
from decent_gym.ledger import Checkpoints, Ledger, LedgerHeader, check_free
from decent_gym.market import GridOperator
from decent_gym.scenarios import Scenario
from decent_gym.scenarios.wishes import plain_options

MEMORY: Final = "memory"


def header_of(operator: GridOperator, digest: bytes, seed: int, **fields: Any) -> LedgerHeader:
    """What the first record of an episode's ledger holds; `fields` of the header besides."""
    rules = operator.rules.to_dict()
    return LedgerHeader.of(
        operator.organizations, rules, operator.start, scenario=digest, seed=seed, **fields
    )


def recipe(where: str | Path, scenario: str | Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """How a replay finds the scenario again: its name, or its file relative to the ledger."""
    name = str(scenario)
    if name.endswith(".toml") and where != MEMORY:  # relative, so that both can move together
        name = Path(os.path.relpath(Path(name).resolve(), Path(where).resolve())).as_posix()
    return {"scenario": name, "options": plain_options(options)}


class EpisodeLedgers:
    """Where an environment records its episodes, shared by all faces.

    Parameters
    ----------
    face : str
        Goes to ``meta.json``.
    where : mapping of int to (str or path)
        World to ``"memory"`` or a path, under which every episode gets a folder
        ``episode-000000``, ``episode-000001`` ...
    scenarios : mapping of int to (str, Path or Scenario)
        World to what it was made from, for a replay.
    options : mapping
        Keywords of the scenarios.

    Raises
    ------
    InputError
        For a place that is neither ``"memory"`` nor a path.
    """

    def __init__(
        self,
        face: str,
        where: Mapping[int, str | Path],
        scenarios: Mapping[int, str | Path | Scenario],
        options: Mapping[str, Any],
    ) -> None:
        for place in where.values():
            _checked_place(place)
        self._face = face
        self._where = dict(where)
        self._origins = {
            world: _origin(found, options) for world, found in scenarios.items() if world in where
        }
        self._number = 0

    def claim(self) -> dict[int, str | Path]:
        """Where the coming episodes go; asked before they begin, so that nothing has changed.

        Raises
        ------
        InputError
            A folder is taken.
        """
        return {
            world: place if place == MEMORY else check_free(Path(place) / self._folder())
            for world, place in self._where.items()
        }

    def begin(self, record: Callable[..., Ledger], claimed: Mapping[int, str | Path]) -> None:
        """Record the episodes that have just begun with ``Episodes.record``."""
        for world, place in claimed.items():
            facts = recipe(place, *self._origins[world])
            record(place, world, face=self._face, **facts)
        self._number += 1

    def _folder(self) -> str:
        return f"episode-{self._number:06d}"


def _origin(
    scenario: str | Path | Scenario, options: Mapping[str, Any]
) -> tuple[str | Path, Mapping[str, Any]]:
    """Name or path, and keywords; rules that a Scenario was given later are in the header."""
    if isinstance(scenario, Scenario):
        return scenario.origin or (scenario.name, {})
    return scenario, options


def _checked_place(where: object) -> None:
    if not isinstance(where, str | Path):
        raise InputError(
            f"ledger must be None, 'memory' or a path, got {type(where).__name__} {shown(where)}"
        )


def open_ledger(
    where: str | Path,
    header: LedgerHeader,
    meta: dict[str, Any],
    sync: str = "checkpoint",
    checkpoints: Checkpoints | None = None,
) -> Ledger:
    """A ledger in memory (``"memory"``: the head alone) or in a new folder."""
    if where == MEMORY:
        return Ledger(header, checkpoints=checkpoints)
    _checked_place(where)
    return Ledger.create(where, header, sync=sync, meta=meta, checkpoints=checkpoints)
