"""Training, validation and test days never share a week."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decent_gym.errors import ScenarioError, UnknownNameError
from decent_gym.scenarios import Splits

WEEK = 7 * 96


def covered(splits: Splits, split: str, rounds: int, length: int) -> set[int]:
    try:
        starts = splits.starts(split, rounds, length)
    except ScenarioError:
        return set()
    assert (starts % 96 == 0).all() and (starts + length <= rounds).all()
    return {at for start in starts.tolist() for at in range(start, start + length)}


@given(
    weeks=st.lists(st.sampled_from(["train", "validation", "test"]), max_size=6),
    extra=st.integers(0, 6),
    length=st.sampled_from([1, 96, 100, 192, WEEK]),
)
def test_no_round_is_in_two_splits(weeks: list[str], extra: int, length: int) -> None:
    rounds = len(weeks) * WEEK + extra * 96 or 96
    held = {
        name: tuple(week for week, split in enumerate(weeks) if split == name)
        for name in ("validation", "test")
    }
    splits = Splits(**held)
    sets = [covered(splits, name, rounds, length) for name in ("train", "validation", "test")]
    for one, two in ((0, 1), (0, 2), (1, 2)):
        assert not sets[one] & sets[two]
    for week, split in enumerate(weeks):
        span = set(range(week * WEEK, (week + 1) * WEEK))
        for name, rounds_of in zip(("train", "validation", "test"), sets, strict=True):
            if name != split:
                assert not span & rounds_of
            elif length <= 96:
                assert any(at in rounds_of for at in span)


@given(st.integers(1, 60))
def test_the_fitting_split_leaves_something_for_each(weeks: int) -> None:
    splits = Splits.fitting(weeks * WEEK)
    sizes = {
        name: len(splits.weeks(name, weeks * WEEK)) for name in ("train", "validation", "test")
    }
    assert sum(sizes.values()) == weeks
    assert sizes["train"] >= 1
    if weeks >= 3:
        assert sizes["validation"] >= 1 and sizes["test"] >= 1
    if weeks > 48:
        assert splits == Splits()


def test_less_than_a_week_is_for_training() -> None:
    splits = Splits.fitting(192)
    assert splits.starts("train", 192, 96).tolist() == [0, 96]
    with pytest.raises(ScenarioError, match="no episode of 96 rounds fits into the test split"):
        splits.starts("test", 192, 96)


def test_seasons_are_all_tested() -> None:
    splits, year = Splits(), 366 * 96
    for split in ("validation", "test"):
        seasons = {week // 13 for week in splits.weeks(split, year)}
        assert seasons == {0, 1, 2, 3}
    assert np.diff(splits.starts("test", year, WEEK)).min() >= WEEK


def test_a_week_is_not_held_out_twice() -> None:
    with pytest.raises(ScenarioError, match="week 3 is in both"):
        Splits((3,), (3,))


def test_a_misspelt_split() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'train'"):
        Splits().starts("trian", 366 * 96, 96)
