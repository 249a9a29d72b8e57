"""Checking what others recorded, by doing it again."""

from decent_gym.audit.proof import ProofVerification, verify_proof
from decent_gym.audit.verify import Verification, verify

__all__ = ["ProofVerification", "Verification", "verify", "verify_proof"]
