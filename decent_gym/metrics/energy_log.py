"""What happened behind the meters, which the ledger does not show: consumption and generation."""

import numpy as np

from decent_gym.models import Commodity
from decent_gym.simulation import Simulation


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
        self.generation = np.zeros((n, len(Commodity)), np.int64)
        self.unserved = np.zeros(n, np.int64)
        self._made_mwh = np.zeros(n, np.int64)

    def step(self) -> None:
        """Run a round and add it up."""
        simulation, world = self._simulation, self._world
        flows, scenario = simulation.flows, simulation.scenario
        now = int(simulation.operator.round[world])
        simulation.step(world, world + 1)
        self.consumption[:, 0] += scenario.load[now] + flows.pump_electricity[world]
        self.generation[:, 0] += scenario.pv[now] + flows.chp_electricity[world]
        self.unserved += flows.unserved[world]
        self.consumption[:, 1] += scenario.heat[now] - flows.unserved[world]
        self._made_mwh += flows.pump_heat[world] + flows.chp_heat[world]
        self.generation[:, 1] += flows.boiler_heat[world]

    def made(self) -> np.ndarray:
        """Generation with the heat of heat pumps and CHP, int64 Wh (N, C)."""
        total = self.generation.copy()
        total[:, 1] += self._made_mwh // 1000
        return total
