"""From a book to accepted energies and prices; one file per stage or mechanism."""

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.continuous_double_auction import CONTINUOUS_DOUBLE_AUCTION
from decent_gym.clearing.mcafee import MCAFEE
from decent_gym.clearing.mechanism import MECHANISMS, Mechanism
from decent_gym.clearing.merit_order import MERIT_ORDER
from decent_gym.clearing.pay_as_bid import PAY_AS_BID
from decent_gym.clearing.public import Result, clear
from decent_gym.clearing.rules import RULES_VERSION, TIE_RULES, UTILITIES, Rules

for _mechanism in (MERIT_ORDER, PAY_AS_BID, MCAFEE, CONTINUOUS_DOUBLE_AUCTION):
    MECHANISMS.add(_mechanism.name, _mechanism)

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
