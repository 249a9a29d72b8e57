"""A ledger for one world's episode."""

import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from decent_gym.errors import InputError
from decent_gym.ledger import Ledger, LedgerHeader, check_free
from decent_gym.ledger.header import canonical_json
from decent_gym.market import GridOperator

MEMORY: Final = "memory"


def header_of(operator: GridOperator, digest: bytes, seed: int) -> LedgerHeader:
    """What the first record of an episode's ledger holds."""
    return LedgerHeader(
        names=tuple(organization.name for organization in operator.organizations),
        priorities=tuple(organization.priority for organization in operator.organizations),
        rules=canonical_json(operator.rules.to_dict()),
        start=operator.start,
        scenario=digest,
        seed=seed,
    )


def recipe(where: str | Path, scenario: str | Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """How a replay finds the scenario again: its name, or its file relative to the ledger."""
    name = str(scenario)
    if name.endswith(".toml") and where != MEMORY:  # relative, so that both can move together
        name = Path(os.path.relpath(Path(name).resolve(), Path(where).resolve())).as_posix()
    # a Fraction is the one option that JSON cannot hold; its text means the same
    kept = {
        key: str(value) if isinstance(value, Fraction) else value for key, value in options.items()
    }
    return {"scenario": name, "options": kept}


def episode_folder(where: str | Path | None, number: int) -> str | Path | None:
    """Where an environment records the episode of that number; ``"memory"`` and None stay.

    Raises
    ------
    InputError
        The folder is taken.  Asked before an episode begins, so that nothing has changed.
    """
    if where is None or where == MEMORY:
        return where
    return check_free(Path(where) / f"episode-{number:06d}")


def open_ledger(
    where: str | Path, header: LedgerHeader, meta: dict[str, Any], sync: str = "checkpoint"
) -> Ledger:
    """A ledger in memory (``"memory"``: the head alone) or in a new folder."""
    if where == MEMORY:
        return Ledger(header)
    if not isinstance(where, str | Path):
        raise InputError(
            f"ledger must be None, 'memory' or a path, got {type(where).__name__} {where!r}"
        )
    return Ledger.create(where, header, sync=sync, meta=meta)
