"""An observation read back into kWh, EUR and degrees: what a controller without a network needs.

Every field is divided by a scale of its scenario and organization (docs/environment.md); here the
scales are worked out again from the scenario, and forecasts at the few leads that are observed are
joined by straight lines.  Nothing but the observation and these fixed scales is used.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

import decent_gym
from agents.dispatch import FloatArray
from agents.figures import figures_of
from decent_gym import Scenario
from decent_gym.errors import InputError
from decent_gym.models import Commodity
from decent_gym.units import MICRO_EUR_PER_EUR, WH_PER_KWH

AT: Final = {field.name: i for i, field in enumerate(decent_gym.observation_fields())}
LEADS: Final = tuple(int(name.removeprefix("load_")) for name in AT if name.startswith("load_"))
"""Rounds ahead that forecasts are observed for."""
COP_SCALE: Final = 5
DEGREES_SCALE: Final = 20


@dataclass(frozen=True, slots=True)
class Scales:
    """What the observation's fields are divided by.

    Attributes
    ----------
    price : float64 (C,), EUR/kWh, the highest retail tariffs
    own, district : float64 (C,), kWh per round
    """

    price: FloatArray
    own: FloatArray
    district: FloatArray

    @classmethod
    def of(cls, scenario: Scenario, learner: str) -> "Scales":
        """The scales of one organization of a scenario."""
        largest = np.array([_largest(scenario, n) for n in range(len(scenario.members))])
        price = np.maximum(scenario.tariffs[..., 0].max(axis=0), 1) / MICRO_EUR_PER_EUR
        own = largest[scenario.index(learner)]
        return cls(price, own / WH_PER_KWH, largest.sum(axis=0) / WH_PER_KWH)


class Observed:
    """One observation in plain units.

    Parameters
    ----------
    values : float array (F,)
    scales : Scales
    """

    def __init__(self, values: npt.NDArray[Any], scales: Scales) -> None:
        self._values = np.asarray(values, np.float64)
        self._scales = scales

    def __getitem__(self, field: str) -> float:
        """A field as it is observed."""
        return float(self._values[AT[field]])

    def price(self, field: str, commodity: Commodity) -> float:
        """A field in EUR/kWh."""
        return self[field] * float(self._scales.price[commodity])

    def ahead(self, name: str, rounds: FloatArray) -> FloatArray:
        """A forecast at so many rounds ahead, fractions allowed, in the field's own plain unit.

        ``load``, ``pv``, ``heat``, ``district``: kWh per round; ``temperature``: degrees Celsius;
        ``retail``: EUR/kWh.
        """
        known = np.array([self[f"{name}_{lead}"] for lead in LEADS])
        scale = {
            "load": self._scales.own[Commodity.ELECTRICITY],
            "pv": self._scales.own[Commodity.ELECTRICITY],
            "heat": self._scales.own[Commodity.HEAT],
            "district": self._scales.district[Commodity.ELECTRICITY],
            "retail": self._scales.price[Commodity.ELECTRICITY],
            "temperature": DEGREES_SCALE,
        }[name]
        return np.interp(rounds, LEADS, known) * scale


def rows_of(obs: npt.ArrayLike) -> FloatArray:
    """Observations as float64 (n, F).

    Raises
    ------
    InputError
        For a wrong shape or values that are not finite.
    """
    values = np.asarray(obs, np.float64)
    if values.ndim not in (1, 2) or values.shape[-1] != len(AT):
        raise InputError(f"obs must be (n, {len(AT)}) or ({len(AT)},), got {values.shape}")
    if not np.isfinite(values).all():
        raise InputError("obs holds values that are not finite")
    return values.reshape(-1, len(AT))


def _largest(scenario: Scenario, n: int) -> tuple[float, float]:
    """Largest electricity and heat of organization n in a round, Wh, at least 1."""
    f = figures_of(scenario.members[n])
    electricity = (scenario.load[:, n].max(), scenario.pv[:, n].max(), f["battery_charge"],
                   f["pump_max"], f["chp_max"], 1)  # fmt: skip
    made = f["chp_max"] * f["chp_heat_rate"] // 1000 + f["boiler_max"]
    return max(electricity), max(scenario.heat[:, n].max(), made, f["store_discharge"], 1)
