"""What the operator asks of those who listen."""

from typing import Any, Protocol

from decent_gym.models.round import Round


class RoundListener(Protocol):
    """Hears of every recorded round of one world, after it has been settled: a ledger, a view."""

    def on_round(self, record: Round) -> None:
        """Take note of `record`; it is immutable.  Must neither block nor raise on a dead peer."""


class StateListener(RoundListener, Protocol):
    """A listener that reads the operator's arrays itself, which costs a third of a ``Round``."""

    def prepare(self, state: Any, world: int) -> None:
        """Read what it needs of the round in `world`, which is settled and not yet over."""

    def on_prepared(self) -> None:
        """Take note of what was read: the round is over."""
