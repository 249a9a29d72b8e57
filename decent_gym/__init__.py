"""decent-gym: a local market for heat and electricity that you can train trading agents in.

Importing the package registers ``decent_gym/Trader-v0`` with Gymnasium.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import gymnasium

from decent_gym.clearing import MECHANISMS, Rules, clear
from decent_gym.market import Capability, GridOperator, MarketController, Orders, Tariffs
from decent_gym.models import (
    Case,
    Commodity,
    Offer,
    Organization,
    Reason,
    Round,
    Side,
    Source,
    Wish,
)
from decent_gym.scenarios import SCENARIOS, Scenario, load_scenario, scenario
from decent_gym.simulation import observation_fields

try:
    __version__ = version("decent-gym")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+checkout"

gymnasium.register(
    id="decent_gym/Trader-v0",
    entry_point="decent_gym.envs:TraderEnv",
    vector_entry_point="decent_gym.envs:TraderVectorEnv",
)

if TYPE_CHECKING:
    from decent_gym.envs.parallel import TraderParallelEnv


def parallel_env(**options: Any) -> "TraderParallelEnv":
    """Several learners in one market, as a PettingZoo ``ParallelEnv`` (extra ``multi``).

    See :class:`decent_gym.envs.parallel.TraderParallelEnv` for the keywords.

    Raises
    ------
    MissingExtraError
        If PettingZoo is not installed.
    """
    from decent_gym.envs.parallel import TraderParallelEnv

    return TraderParallelEnv(**options)


__all__ = [
    "MECHANISMS",
    "SCENARIOS",
    "Capability",
    "Case",
    "Commodity",
    "GridOperator",
    "MarketController",
    "Offer",
    "Orders",
    "Organization",
    "Reason",
    "Round",
    "Rules",
    "Scenario",
    "Side",
    "Source",
    "Tariffs",
    "Wish",
    "__version__",
    "clear",
    "load_scenario",
    "observation_fields",
    "parallel_env",
    "scenario",
]
