"""Checks for your own mechanism or ledger, to be called from your own tests."""

from decent_gym.testing.books import book, cleared, odd_books, random_books, small_books, unit_books
from decent_gym.testing.ledger import BrokenLedgerError, LedgerReport, check_ledger
from decent_gym.testing.mechanism import check_mechanism, keeps
from decent_gym.testing.report import BrokenLaw, BrokenLawError, MechanismReport

__all__ = [
    "BrokenLaw",
    "BrokenLawError",
    "BrokenLedgerError",
    "LedgerReport",
    "MechanismReport",
    "book",
    "check_ledger",
    "check_mechanism",
    "cleared",
    "keeps",
    "odd_books",
    "random_books",
    "small_books",
    "unit_books",
]
