"""What the operator asks of those who listen."""

from typing import Protocol

from decent_gym.models.round import Round


class RoundListener(Protocol):
    """Hears of every recorded round of one world, after it has been settled: a ledger, a view."""

    def on_round(self, record: Round) -> None:
        """Take note of `record`; it is immutable.  Must neither block nor raise on a dead peer."""
