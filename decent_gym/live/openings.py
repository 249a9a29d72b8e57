"""What an organization may know when a round opens, as the market tells it and as it reads it."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import DataError, shown
from decent_gym.live.answers import is_hash
from decent_gym.live.messages import OPENING_SCHEMA
from decent_gym.live.reading import read_object
from decent_gym.models import Commodity, Tariff
from decent_gym.simulation import Simulation, observation_fields
from decent_gym.traders import TraderView
from decent_gym.units import IntArray

OWN: Final = (
    *("load", "pv", "heat", "cop", "max_charge", "max_discharge", "charge_rate", "discharge_rate"),
    *("pump_max", "store_in", "store_out", "chp_max", "chp_heat_rate", "chp_fuel_rate"),
    *("boiler_max", "boiler_fuel_rate"),
)
"""Entries of a trader's view that are an organization's own; units as in ``TraderView``."""
_TABLES: Final = [f"{commodity.name.lower()}_prices" for commodity in Commodity]
_PRICES: Final = (*(tariff.name.lower() for tariff in Tariff), "price_low", "price_high")
_OPENING_CAP: Final = 16_000
_BEYOND: Final = 2**53
_LARGEST: Final = float(np.finfo(np.float32).max)


def view_of(view: TraderView, n: int) -> dict[str, Any]:
    """The part of world 0's view that belongs to organization `n`: integers only."""
    own: dict[str, Any] = {name: int(getattr(view, name)[0, n]) for name in OWN}
    for c, table in enumerate(_TABLES):
        prices = [*view.tariffs[0, c], view.price_low[0, c], view.price_high[0, c]]
        own[table] = dict(zip(_PRICES, map(int, prices), strict=True))
    return {**own, "fuel_price": int(view.fuel_price)}


def observations_of(simulation: Simulation) -> npt.NDArray[np.float32]:
    """What the learners of world 0 see, float32 (L, F)."""
    seen = np.zeros(simulation.observation_shape(), np.float32)
    simulation.observe(seen)
    first: npt.NDArray[np.float32] = seen[0]
    return first


@dataclass(frozen=True, slots=True)
class Opening:
    """An open round, as one organization may know it.

    Attributes
    ----------
    round : int
    ledger : str
        Hash of the ledger's header: another one is another market.
    closes_in : int
        Milliseconds from when it was sent.
    observation : float32 (F,), as :func:`decent_gym.observation_fields` names it
    view : mapping of str to int, and to the prices by commodity
    """

    round: int
    ledger: str
    closes_in: int
    observation: npt.NDArray[np.float32]
    view: dict[str, Any]

    @classmethod
    def read(cls, payload: bytes) -> "Opening":
        """Read an opening's payload.

        Raises
        ------
        DataError
            It is none, or of another version's observations.
        """
        message = read_object(payload, (OPENING_SCHEMA,), _OPENING_CAP)
        seen, view = message.get("observation"), message.get("view")
        width = len(observation_fields())
        if type(seen) is not list or len(seen) != width or not all(map(_is_number, seen)):
            raise DataError(f"opening: observation must be {width} numbers of 32 bits")
        if type(view) is not dict or not _is_view(view):
            raise DataError("opening: view must hold an organization's integers and its prices")
        for name, low in (("round", 0), ("closes_in", -_BEYOND)):
            value = message.get(name)
            if type(value) is not int or not low <= value < _BEYOND:
                raise DataError(
                    f"opening: {name} must be an integer from {low} to 2^53, got {shown(value)}"
                )
        if not is_hash(message.get("ledger")):
            raise DataError("opening: ledger must be a hash")
        return cls(
            round=message["round"],
            ledger=message["ledger"],
            closes_in=message["closes_in"],
            observation=np.array(seen, np.float32),
            view=view,
        )

    def trader_view(self, policy: int, key: int) -> TraderView:
        """The view of a district of one organization, for the traders of this package."""
        own = {name: _one(self.view[name]) for name in OWN}
        prices = [[self.view[c][name] for name in _PRICES] for c in _TABLES]
        table = np.array(prices, np.int64)
        return TraderView(
            policy=_one(policy),
            round=np.array([self.round], np.int64),
            key=np.array([key], np.int64),
            tariffs=np.ascontiguousarray(table[None, :, : len(Tariff)]),
            price_low=np.ascontiguousarray(table[None, :, -2]),
            price_high=np.ascontiguousarray(table[None, :, -1]),
            fuel_price=self.view["fuel_price"],
            **own,
        )


def _one(value: int) -> IntArray:
    return np.array([[value]], np.int64)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) <= _LARGEST  # type: ignore[arg-type]


def _is_view(view: dict[str, Any]) -> bool:
    whole = [view.get(name) for name in (*OWN, "fuel_price")]
    for table in _TABLES:
        prices = view.get(table)
        if type(prices) is not dict:
            return False
        whole += [prices.get(name) for name in _PRICES]
    return all(type(value) is int and abs(value) < _BEYOND for value in whole)
