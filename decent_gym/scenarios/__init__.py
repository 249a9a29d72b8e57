"""Districts: what a scenario holds, where it comes from, and those that come with the package."""

from decent_gym.scenarios.assumptions import Forecasts, Prices
from decent_gym.scenarios.catalogue import SCENARIOS, scenario
from decent_gym.scenarios.loader import load_scenario
from decent_gym.scenarios.scenario import Member, Scenario
from decent_gym.scenarios.smard import read_smard
from decent_gym.scenarios.splits import Splits

__all__ = [
    "SCENARIOS",
    "Forecasts",
    "Member",
    "Prices",
    "Scenario",
    "Splits",
    "load_scenario",
    "read_smard",
    "scenario",
]
