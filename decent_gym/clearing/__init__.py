"""From a book to accepted energies and prices; one file per stage or mechanism."""

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.mechanism import MECHANISMS, Mechanism
from decent_gym.clearing.merit_order import MERIT_ORDER
from decent_gym.clearing.public import Result, clear
from decent_gym.clearing.rules import RULES_VERSION, TIE_RULES, UTILITIES, Rules

MECHANISMS.add("merit_order", MERIT_ORDER)

__all__ = [
    "MECHANISMS",
    "RULES_VERSION",
    "TIE_RULES",
    "UTILITIES",
    "Books",
    "Mechanism",
    "Outcome",
    "Result",
    "Rules",
    "clear",
]
