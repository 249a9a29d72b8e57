"""Scripted behaviour of organizations for which no learner acts, batched."""

from decent_gym.traders.catalogue import decide_all, traders_of
from decent_gym.traders.decisions import Decisions, TraderView
from decent_gym.traders.no_flexibility import NO_FLEXIBILITY
from decent_gym.traders.price_threshold import PRICE_THRESHOLD
from decent_gym.traders.self_consumption import SELF_CONSUMPTION
from decent_gym.traders.trader import LEARNER, NOBODY, TRADERS, Trader
from decent_gym.traders.truthful import TRUTHFUL
from decent_gym.traders.zero_intelligence import ZERO_INTELLIGENCE

TRADERS.add("truthful", TRUTHFUL)
TRADERS.add("zero_intelligence", ZERO_INTELLIGENCE)
TRADERS.add("self_consumption", SELF_CONSUMPTION)
TRADERS.add("price_threshold", PRICE_THRESHOLD)
TRADERS.add("no_flexibility", NO_FLEXIBILITY)

__all__ = [
    "LEARNER",
    "NOBODY",
    "TRADERS",
    "Decisions",
    "Trader",
    "TraderView",
    "decide_all",
    "traders_of",
]
