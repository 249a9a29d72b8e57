"""One line of the table: what is expected, what was found, and the verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A figure that must lie in [low, high] for every seed."""

    quantity: str
    expected: float
    low: float
    high: float
    found: tuple[float, ...]
    """one a seed; one in all where nothing is learned"""
    how: str
    """by what it was found: PPO, a grid through the core, ..."""

    @property
    def passed(self) -> bool:
        # not "no figure lies outside": that would let NaN and an empty row pass
        return len(self.found) > 0 and all(self.low <= x <= self.high for x in self.found)

    @property
    def worst(self) -> float:
        """What was found nearest to failing, or failing most."""
        return min(self.found, key=lambda x: min(x - self.low, self.high - x))


def within(
    quantity: str, expected: float, tolerance: float, found: Sequence[float], how: str
) -> Check:
    return Check(quantity, expected, expected - tolerance, expected + tolerance, _all(found), how)


def at_most(
    quantity: str, bound: float, found: Sequence[float], how: str, expected: float | None = None
) -> Check:
    expected = bound if expected is None else expected
    return Check(quantity, expected, float("-inf"), bound, _all(found), how)


def at_least(
    quantity: str, bound: float, found: Sequence[float], how: str, expected: float | None = None
) -> Check:
    expected = bound if expected is None else expected
    return Check(quantity, expected, bound, float("inf"), _all(found), how)


def _all(found: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(x) for x in found)


@dataclass(frozen=True)
class Setting:
    """A small market with a known truth.

    Attributes
    ----------
    truth : str
        In words, with the source.
    core : () -> checks
        What needs no learning: the rules of the core have this truth.
    learned : seeds -> checks
        What agents find.
    quick : () -> checks
        A short training with wider tolerances, for every commit.
    """

    name: str
    truth: str
    core: Callable[[], list[Check]]
    learned: Callable[[Sequence[int]], list[Check]] | None = None
    quick: Callable[[], list[Check]] | None = None
