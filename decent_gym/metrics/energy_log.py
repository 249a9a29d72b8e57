"""What happened behind the meters, which the ledger does not show: consumption and generation."""

from typing import Final

import numpy as np

from decent_gym.models import Commodity
from decent_gym.simulation import Simulation
from decent_gym.units import IntArray

_MWH_PER_WH: Final = 1000
"""Milliwatt-hours, in which devices count heat."""


class EnergyLog:
    """Sums of consumption and generation of one world of a running simulation.

    Parameters
    ----------
    simulation : Simulation
    world : int

    Attributes
    ----------
    consumption : int64 Wh (N, C)
        Electricity: load and heat pumps.  Heat: the demand that was served.
    generation : int64 Wh (N, C)
        Electricity: PV and CHP.  Heat: heat pumps, CHP and boilers.
    unserved : int64 Wh (N,)
        Heat that was demanded and did not arrive.
    """

    def __init__(self, simulation: Simulation, world: int = 0) -> None:
        self._simulation = simulation
        self._world = world
        n = len(simulation.scenario.members)
        self.consumption = np.zeros((n, len(Commodity)), np.int64)
        self.unserved = np.zeros(n, np.int64)
        self._electricity_wh = np.zeros(n, np.int64)
        self._heat_mwh = np.zeros(n, np.int64)

    @property
    def generation(self) -> IntArray:
        """What was made since the beginning; the sum of heat is rounded down once."""
        return np.stack([self._electricity_wh, self._heat_mwh // _MWH_PER_WH], axis=1)

    def step(self) -> None:
        """Run a round and add it up."""
        now = int(self._simulation.operator.round[self._world])  # profiles move on with the step
        self._simulation.step(self._world, self._world + 1)
        self.count(now)

    def count(self, now: int) -> None:
        """Add up round `now`, which is the one that somebody has just run."""
        world, flows, scenario = self._world, self._simulation.flows, self._simulation.scenario
        self.consumption[:, 0] += scenario.load[now] + flows.pump_electricity[world]
        self.consumption[:, 1] += scenario.heat[now] - flows.unserved[world]
        self.unserved += flows.unserved[world]
        self._electricity_wh += scenario.pv[now] + flows.chp_electricity[world]
        self._heat_mwh += flows.pump_heat[world] + flows.chp_heat[world]
        self._heat_mwh += flows.boiler_heat[world] * _MWH_PER_WH
