"""Checking what others recorded, by doing it again."""

from decent_gym.audit.verify import Verification, verify

__all__ = ["Verification", "verify"]
