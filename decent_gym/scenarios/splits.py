"""Which days an episode may begin on: training, validation and test never share a week."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from decent_gym.errors import ScenarioError
from decent_gym.registry import unknown_name
from decent_gym.units import ROUNDS_PER_DAY, IntArray, checked_int

DAYS_PER_WEEK: Final = 7
LAST_WEEK: Final = 10_000


@dataclass(frozen=True, slots=True)
class Splits:
    """Whole weeks (counted from round 0) held out; every other day is for training.

    The defaults take weeks from every season: three for validation per 13 weeks would starve
    training, so one validation and two test weeks a season.
    """

    validation: tuple[int, ...] = (5, 18, 31, 44)
    test: tuple[int, ...] = (2, 9, 15, 22, 28, 35, 41, 48)

    def __post_init__(self) -> None:
        for split in ("validation", "test"):
            weeks = getattr(self, split)
            if not isinstance(weeks, tuple):
                raise ScenarioError(f"{split} must be a tuple of weeks, got {weeks!r}")
            numbers = tuple(checked_int(week, f"{split} week", 0, LAST_WEEK) for week in weeks)
            object.__setattr__(self, split, numbers)
        shared = set(self.validation) & set(self.test)
        if shared:
            raise ScenarioError(f"week {min(shared)} is in both the validation and the test split")

    @classmethod
    def fitting(cls, rounds: int) -> "Splits":
        """The default for that many rounds: a short scenario holds out fewer weeks.

        A year has the weeks above; from three weeks on every fourth is for testing and every
        eighth for validation; less is for training alone.
        """
        whole = rounds // (DAYS_PER_WEEK * ROUNDS_PER_DAY)
        default = cls()
        if whole > max(default.validation + default.test):
            return default
        if whole < 3:
            return cls((), ())
        return cls(tuple(range(1, whole, 8)), tuple(range(3, whole, 4)) or (2,))

    def weeks(self, split: str, rounds: int) -> tuple[int, ...]:
        """Whole weeks of a split that lie inside `rounds`."""
        whole = rounds // (DAYS_PER_WEEK * ROUNDS_PER_DAY)
        held_out = {*self.validation, *self.test}
        chosen = {
            "train": tuple(week for week in range(whole) if week not in held_out),
            "validation": self.validation,
            "test": self.test,
        }
        if split not in chosen:
            raise unknown_name("split", split, chosen)
        return tuple(week for week in chosen[split] if week < whole)

    def starts(self, split: str, rounds: int, length: int) -> IntArray:
        """First rounds (midnights) of all episodes of `length` rounds that stay in the split.

        Raises
        ------
        ScenarioError
            If no day of the split leaves room for an episode that long.
        """
        week_rounds = DAYS_PER_WEEK * ROUNDS_PER_DAY
        inside = np.zeros(rounds + 1, np.int64)
        for week in self.weeks(split, rounds):
            inside[week * week_rounds : (week + 1) * week_rounds] = 1
        if split == "train" and rounds < week_rounds:
            inside[:rounds] = 1  # a scenario shorter than a week has training days only
        total = np.concatenate(([0], np.cumsum(inside[:rounds])))
        midnights = np.arange(0, rounds - length + 1, ROUNDS_PER_DAY)
        fits = total[midnights + length] - total[midnights] == length
        starts = midnights[fits]
        if not len(starts):
            raise ScenarioError(
                f"no episode of {length} rounds fits into the {split} split of {rounds} rounds; "
                "choose a shorter episode or another split"
            )
        return np.asarray(starts, np.int64)
