"""The record of a market's rounds, hash-linked, that anybody can check."""

from typing import TYPE_CHECKING, Any

from decent_gym.ledger.chain import Ledger
from decent_gym.ledger.checkpoint import Checkpoint
from decent_gym.ledger.header import LedgerHeader
from decent_gym.ledger.keeper import Checkpoints
from decent_gym.ledger.note import KeyKind, VerifierKey
from decent_gym.ledger.place import check_free
from decent_gym.ledger.proof_file import Proof
from decent_gym.ledger.prove import prove
from decent_gym.ledger.records import open_records, read_rounds
from decent_gym.ledger.signing import SigningKey
from decent_gym.ledger.tables.export import Exported, export_tables

if TYPE_CHECKING:
    from decent_gym.audit import Verification, verify

__all__ = [
    "Checkpoint",
    "Checkpoints",
    "Exported",
    "KeyKind",
    "Ledger",
    "LedgerHeader",
    "Proof",
    "SigningKey",
    "Verification",
    "VerifierKey",
    "check_free",
    "export_tables",
    "open_records",
    "prove",
    "read_rounds",
    "verify",
]


def __getattr__(name: str) -> Any:
    # audit stands on a higher level, so it is looked up when somebody asks for it
    if name in ("Verification", "verify"):
        from decent_gym import audit

        return getattr(audit, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
