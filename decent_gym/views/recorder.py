"""Keeps the last rounds for whoever wants to look back."""

from collections import deque

from decent_gym.models import Round


class Recorder:
    """A round listener that remembers up to `keep` rounds (None: all of them).

    Attributes
    ----------
    rounds : deque of Round, oldest first
    """

    def __init__(self, keep: int | None = None) -> None:
        self.rounds: deque[Round] = deque(maxlen=keep)

    @property
    def last(self) -> Round | None:
        """The latest round, or None."""
        return self.rounds[-1] if self.rounds else None

    def on_round(self, record: Round) -> None:
        """Remember `record`."""
        self.rounds.append(record)
