"""Fairness and market power: hand-computed values and properties."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.tiny import tiny_round

from decent_gym.errors import InputError
from decent_gym.metrics import (
    gini,
    herfindahl,
    jain,
    residual_supply,
    self_consumption,
    self_sufficiency,
)

amounts = st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any)


def test_gini_by_hand():
    assert gini([1, 1, 1]) == 0
    assert gini([0, 0, 0, 4]) == 0.75
    # |1-3| twice is 4, over 2 x 4 x 2
    assert gini([1, 3]) == 0.25


def test_jain_by_hand():
    assert jain([2, 2]) == 1
    assert jain([0, 0, 5, 0]) == 0.25
    assert jain([1, 3]) == pytest.approx(16 / 20)


def test_herfindahl_by_hand():
    assert herfindahl([10]) == 1
    assert herfindahl([1, 1, 2]) == pytest.approx(0.375)
    assert herfindahl([0, 0]) is None


@pytest.mark.parametrize("measure", [gini, jain])
@pytest.mark.parametrize("values", [[0, 0], [-1, 3], [5, -5]])
def test_undefined_is_none(measure, values):
    assert measure(values) is None


@pytest.mark.parametrize("measure", [gini, jain, herfindahl])
@pytest.mark.parametrize("values", [[], [[1, 2]], [1, float("nan")], [float("inf")]])
def test_bad_amounts(measure, values):
    with pytest.raises(InputError):
        measure(values)


def test_negative_share():
    with pytest.raises(InputError, match="0 or more, got -1"):
        herfindahl([-1, 2])


@given(amounts)
def test_against_the_definitions(values):
    n, mean = len(values), sum(values) / len(values)
    pairs = sum(abs(a - b) for a in values for b in values)
    assert gini(values) == pytest.approx(pairs / (2 * n * n * mean), abs=1e-12)
    assert jain(values) == pytest.approx(sum(values) ** 2 / (n * sum(v * v for v in values)))
    assert herfindahl(values) == pytest.approx(1 / (n * jain(values)))


@given(amounts, st.integers(2, 1000), st.randoms())
def test_scale_and_order_do_not_matter(values, factor, random):
    other = [factor * value for value in values]
    random.shuffle(other)
    for measure in (gini, jain, herfindahl):
        assert measure(other) == pytest.approx(measure(values), abs=1e-12)


@given(amounts)
def test_ranges(values):
    n = len(values)
    assert -1e-12 <= gini(values) <= (n - 1) / n + 1e-12
    assert 1 / n - 1e-12 <= jain(values) <= 1 + 1e-12


def test_residual_supply_by_hand():
    # owners 0, 1, 1 sell 60, 20, 10; owner 2 demands 80
    book = tiny_round().electricity
    orders = np.zeros((4, 12), np.int64)
    orders[:, 2] = 0, 1, 1, 2
    orders[3, 3] = 1
    book = dataclasses.replace(book, orders=orders, offered=np.array([60, 20, 10, 80], np.int64))
    assert residual_supply(book, [0, 1, 2]) == [30 / 80, 60 / 80, 90 / 80]


def test_residual_supply_without_demand():
    assert residual_supply(tiny_round().heat, [0, 1]) == [None, None]


def test_self_sufficiency_by_hand():
    assert self_sufficiency(10, 4) == pytest.approx(0.6)
    assert self_sufficiency(10, 14) == 0
    assert self_sufficiency(0, 4) is None
    assert self_consumption(8, 2) == 0.75
    assert self_consumption(0, 0) is None


@pytest.mark.parametrize("pair", [(-1, 0), (1, -1), (float("nan"), 0), (1, float("inf"))])
def test_energies_are_not_negative(pair):
    with pytest.raises(InputError, match="0 or more"):
        self_sufficiency(*pair)
