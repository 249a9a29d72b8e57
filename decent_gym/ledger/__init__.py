"""The record of a market's rounds, hash-linked, that anybody can check."""

from typing import TYPE_CHECKING, Any

from decent_gym.ledger.chain import Ledger, check_free
from decent_gym.ledger.header import LedgerHeader

if TYPE_CHECKING:
    from decent_gym.audit import Verification, verify

__all__ = ["Ledger", "LedgerHeader", "Verification", "check_free", "verify"]


def __getattr__(name: str) -> Any:
    # audit stands on a higher level, so it is looked up when somebody asks for it
    if name in ("Verification", "verify"):
        from decent_gym import audit

        return getattr(audit, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
