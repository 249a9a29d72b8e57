"""The district in time: batched rounds, and the episodes that environments are made of."""

from decent_gym.simulation.actions import LEVERS, levers_of
from decent_gym.simulation.episodes import Episodes
from decent_gym.simulation.observations import Field, observation_fields
from decent_gym.simulation.report import round_report
from decent_gym.simulation.rewards import REWARDS, Term
from decent_gym.simulation.simulation import Simulation
from decent_gym.simulation.variants import Variants

__all__ = [
    "LEVERS",
    "REWARDS",
    "Episodes",
    "Field",
    "Simulation",
    "Term",
    "Variants",
    "levers_of",
    "observation_fields",
    "round_report",
]
