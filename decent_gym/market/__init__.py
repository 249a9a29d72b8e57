"""The market: the grid operator who runs the round, and the controller that people talk to."""

from decent_gym.clearing.order_admission import HORIZON
from decent_gym.market.capability import Capability
from decent_gym.market.controller import MarketController, OfferState
from decent_gym.market.conversions import Conversions
from decent_gym.market.operator import GridOperator
from decent_gym.market.orders import Orders
from decent_gym.market.tariffs import DEFAULT_TARIFFS, Tariffs

__all__ = [
    "DEFAULT_TARIFFS",
    "HORIZON",
    "Capability",
    "Conversions",
    "GridOperator",
    "MarketController",
    "OfferState",
    "Orders",
    "Tariffs",
]
