"""Everything a market holds, so that a test can say that nothing has changed."""

import dataclasses

import numpy as np

from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.market import GridOperator, MarketController


def header_of(operator: GridOperator, world: int = 0) -> LedgerHeader:
    return LedgerHeader.of(
        operator.organizations,
        operator.rules.to_dict(),
        operator.start,
        seed=int(operator.world_ids[world]),
        world=world,
    )


def snapshot(holder: object) -> dict[str, object]:
    """Every attribute, arrays as bytes, however deep; equal only if all of it is."""
    return {
        name: _value(value)
        for name, value in vars(holder).items()
        if name not in ("_mechanism", "_capability")
    }


def _value(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.shape, str(value.dtype), value.tobytes()
    if isinstance(value, GridOperator):
        return snapshot(value)
    if isinstance(value, MarketController):
        return id(value)  # its own operator's listener
    if isinstance(value, Ledger):
        return value.head, value.rounds
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _value(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_value(part) for part in value]
    if isinstance(value, dict):
        return {key: _value(part) for key, part in value.items()}
    return value
