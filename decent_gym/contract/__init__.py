"""Settlement rules that a public chain enforces; needs the extra ``chain``."""

from decent_gym.contract.chain import Chain, Receipt
from decent_gym.contract.local_chain import LocalChain
from decent_gym.contract.rpc_chain import RpcChain
from decent_gym.contract.settlement import SettlementContract, Status
from decent_gym.contract.settling import DifferenceError, Settling, check_contract, settle_ledger

__all__ = [
    "Chain",
    "DifferenceError",
    "LocalChain",
    "Receipt",
    "RpcChain",
    "SettlementContract",
    "Settling",
    "Status",
    "check_contract",
    "settle_ledger",
]
