"""When rounds close, by a clock that nobody can set."""

import time
from collections.abc import Callable
from typing import Final

from decent_gym.errors import InputError
from decent_gym.units import ROUND_SECONDS

SPEED_CAP: Final = 1_000_000
SPEED_FLOOR: Final = 0.001


class Gate:
    """Closes once a period; a monotonic clock does not jump when somebody sets the time.

    Parameters
    ----------
    speed : float
        How much faster than the world: 900 makes a round of 15 minutes last a second.
    clock : callable, optional
        Seconds that only rise.

    Attributes
    ----------
    period : float
        Seconds from one closure to the next.
    late : int
        Closures that came a period or more too late: then the schedule begins anew, so that no
        round is cut short to make up for another.

    Raises
    ------
    InputError
        For a speed that is no number from a thousandth to a million.
    """

    def __init__(self, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        if not SPEED_FLOOR <= speed <= SPEED_CAP:  # false for NaN, too
            raise InputError(f"speed must be from {SPEED_FLOOR} to {SPEED_CAP}, got {speed}")
        self.period = ROUND_SECONDS / speed
        self.late = 0
        self._clock = clock
        self.deadline = clock()

    def begin(self) -> None:
        """Let the schedule begin now: what was prepared before does not count as late."""
        self.deadline = self._clock()

    def open(self) -> None:
        """Open the next round: it closes a period after the one before did."""
        now = self._clock()
        self.deadline += self.period
        if self.deadline <= now:
            self.late += 1
            self.deadline = now + self.period

    def left(self) -> float:
        """Seconds until the open round closes; never less than 0."""
        return max(self.deadline - self._clock(), 0.0)

    def now(self) -> float:
        """The clock's time, to stamp what arrives."""
        return self._clock()
