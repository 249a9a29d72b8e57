"""From a book to accepted energies and prices; one file per stage or mechanism."""

from decent_gym.clearing.batch import Books, Outcome
from decent_gym.clearing.bill_sharing import BILL_SHARING
from decent_gym.clearing.block_result import BlockReason, BlockResult
from decent_gym.clearing.blocks import clear_blocks
from decent_gym.clearing.continuous_double_auction import CONTINUOUS_DOUBLE_AUCTION
from decent_gym.clearing.coupled import CoupledResult, clear_coupled
from decent_gym.clearing.huang import HUANG
from decent_gym.clearing.mcafee import MCAFEE
from decent_gym.clearing.mechanism import MECHANISMS, Mechanism
from decent_gym.clearing.merit_order import MERIT_ORDER
from decent_gym.clearing.mid_market_rate import MID_MARKET_RATE
from decent_gym.clearing.muda import MUDA
from decent_gym.clearing.pay_as_bid import PAY_AS_BID
from decent_gym.clearing.preference import PREFERENCE
from decent_gym.clearing.preference_cost import PriceOfPreferences, price_of_preferences
from decent_gym.clearing.preference_result import PreferenceResult
from decent_gym.clearing.public import clear
from decent_gym.clearing.result import Result
from decent_gym.clearing.rules import RULES_VERSION, TIE_RULES, UTILITIES, Rules
from decent_gym.clearing.sbba import SBBA
from decent_gym.clearing.sequential import sequential_clearing
from decent_gym.clearing.supply_demand_ratio import SUPPLY_DEMAND_RATIO
from decent_gym.clearing.trade_reduction import TRADE_REDUCTION
from decent_gym.clearing.trade_reduction_sbb import TRADE_REDUCTION_SBB
from decent_gym.clearing.vcg import VCG
from decent_gym.models import HARD, LOCAL, RENEWABLE

for _mechanism in (
    MERIT_ORDER,
    PAY_AS_BID,
    CONTINUOUS_DOUBLE_AUCTION,
    MCAFEE,
    TRADE_REDUCTION,
    TRADE_REDUCTION_SBB,
    SBBA,
    VCG,
    HUANG,
    MUDA,
    MID_MARKET_RATE,
    SUPPLY_DEMAND_RATIO,
    BILL_SHARING,
    PREFERENCE,
):
    MECHANISMS.add(_mechanism.name, _mechanism)

__all__ = [
    "HARD",
    "LOCAL",
    "MECHANISMS",
    "RENEWABLE",
    "RULES_VERSION",
    "TIE_RULES",
    "UTILITIES",
    "BlockReason",
    "BlockResult",
    "Books",
    "CoupledResult",
    "Mechanism",
    "Outcome",
    "PreferenceResult",
    "PriceOfPreferences",
    "Result",
    "Rules",
    "clear",
    "clear_blocks",
    "clear_coupled",
    "price_of_preferences",
    "sequential_clearing",
]
