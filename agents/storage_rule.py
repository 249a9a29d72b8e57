"""A rule by hand in the learner's own action space: what a learned policy should reach.

With the last prices ``e`` (electricity) and ``h`` (heat), the middle ``m`` between feed-in and
retail, the heat pump's coefficient of performance ``cop`` and ``k`` = 0.95, what one way through a
store keeps:

==================  ===============================  =====================================
device              if                               then, at full power
==================  ===============================  =====================================
battery             e < m                            charge, at up to ``k m``
..                  otherwise                        discharge, from ``m / k``
heat pump, store    e < h cop                        fill the store at up to ``k h cop`` and
                                                     sell its heat from ``k h``
..                  otherwise                        live off the store and buy heat at up to
                                                     ``h / k``
==================  ===============================  =====================================

It trades heat at full power whenever that pays at the last prices; in ``rural`` that is where most
of the money is, and the scripted traders are more careful.
Source: our own; the two thresholds as in the trader ``price_threshold``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

import decent_gym
from decent_gym import Scenario
from decent_gym.models import Commodity

KEPT: Final = 0.95
_AT: Final = {field.name: i for i, field in enumerate(decent_gym.observation_fields())}
FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class StorageRule:
    """See the module.

    Attributes
    ----------
    actions : tuple of str
        The learner's ``action_names``; of other devices it sets nothing.
    heat_scale : float
        The highest heat tariff over the highest electricity tariff: prices are observed relative
        to these.
    heat_feed_in : float
        Heat feed-in over the highest heat tariff.
    """

    actions: tuple[str, ...]
    heat_scale: float
    heat_feed_in: float

    @classmethod
    def of(cls, scenario: Scenario, actions: Sequence[str]) -> "StorageRule":
        """The rule for a scenario's tariffs, as they are in its first round."""
        tariffs = scenario.tariffs
        highest = tariffs[..., 0].max(axis=0).astype(np.float64)
        heat = Commodity.HEAT
        return cls(
            tuple(actions),
            float(highest[heat] / highest[Commodity.ELECTRICITY]),
            float(tariffs[0, heat, 1] / highest[heat]),
        )

    def predict(self, obs: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Actions (A,) or (n, A) for observations (F,) or (n, F)."""
        seen = np.asarray(obs, np.float64)
        retail, feed_in = seen[..., _AT["retail"]], seen[..., _AT["feed_in"]]
        heat_retail = seen[..., _AT["heat_retail"]]
        price, heat = seen[..., _AT["last_price"]], seen[..., _AT["last_heat_price"]]
        middle = (retail + feed_in) / 2
        worth = heat * self.heat_scale * seen[..., _AT["cop"]] * 5
        is_cheap, makes_heat = price < middle, price < worth
        levers = {
            "battery": np.where(is_cheap, 1, -1),
            "battery_limit": _lever(
                np.where(is_cheap, middle * KEPT, middle / KEPT), feed_in, retail
            ),
            "pump": np.where(makes_heat, 1, -1),
            "pump_limit": _lever(worth * KEPT, feed_in, retail),
            "store": np.where(makes_heat, -1, 1),
            "store_limit": _lever(
                np.where(makes_heat, heat * KEPT, heat / KEPT), self.heat_feed_in, heat_retail
            ),
        }
        nothing = np.zeros_like(price)
        chosen = [levers.get(name, nothing) for name in self.actions]
        return np.stack(chosen, axis=-1).astype(np.float32)


def _lever(limit: FloatArray, lowest: FloatArray | float, highest: FloatArray) -> FloatArray:
    """A limit price as an action: -1 is the lowest, +1 the highest there may be."""
    span = np.maximum(highest - lowest, 1e-9)
    return np.clip(2 * (limit - lowest) / span - 1, -1, 1)
