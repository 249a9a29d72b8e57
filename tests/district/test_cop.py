"""COP against the paper's equations in fractions, Carnot and two points computed by hand."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.devices import cop_per_mille

from decent_gym.district import HeatPump, cop_of
from decent_gym.errors import InputError, UnknownNameError

ALL = np.arange(-600, 601)
SUPPLIES = ("floor", "radiator", "water", 35, 55.5, 95)


@pytest.mark.parametrize("supply", SUPPLIES)
@pytest.mark.parametrize("source", ["air", "ground", "water"])
def test_every_tenth_of_a_degree_is_the_paper_s_equation(source, supply):
    expected = [cop_per_mille(Fraction(int(t), 10), source, supply) for t in ALL]
    result = cop_of(ALL, source, supply)
    assert result.dtype == np.int64
    assert result.tolist() == expected


@given(st.integers(-600, 600), st.integers(-200, 300))
def test_a_given_ground_temperature_is_used(outdoor, ground):
    result = cop_of(np.array([outdoor]), "ground", "floor", np.array([ground]))
    assert result[0] == cop_per_mille(
        Fraction(outdoor, 10), "ground", "floor", Fraction(ground, 10)
    )


def test_two_points_by_hand():
    # air 7 degrees, floor 26.5: D 19.5, 0.85 (6.08 - 1.755 + 0.190125) = 3.83785...
    assert cop_of(np.array([70]), "air", "floor")[0] == 3837
    # air -10, radiator 50: D 60, 0.85 (6.08 - 5.4 + 1.8) = 2.108
    assert cop_of(np.array([-100]), "air", "radiator")[0] == 2108


@pytest.mark.parametrize("supply", SUPPLIES)
@pytest.mark.parametrize("source", ["air", "ground", "water"])
def test_carnot_bounds_it_and_warmth_never_harms(source, supply):
    cop = cop_of(ALL, source, supply)
    celsius = ALL / 10
    hot = {"floor": 30 - celsius / 2, "radiator": 40 - celsius, "water": 50 + 0 * celsius}.get(
        supply, 0 * celsius + (supply if isinstance(supply, float | int) else 0)
    )
    cold = celsius if source == "air" else 5 + 0 * celsius
    lift = hot - cold
    real = lift > 0
    assert (cop[real] <= 1000 * (hot + 273.15)[real] / lift[real] + 1e-9).all()
    assert (np.diff(cop) >= 0).all()
    assert (cop >= 1000).all()


def test_profiles_keep_their_shape_and_narrow_integers_do_not_overflow():
    profile = np.array([[-170, 0], [100, 399]], np.int16)
    assert (cop_of(profile) == cop_of(profile.astype(np.int64))).all()
    assert cop_of(profile).shape == (2, 2)
    assert (HeatPump(electric_kw=2, source="water", supply=60).cop(profile) > 1000).all()


@pytest.mark.parametrize(
    "arguments, text",
    [
        ((np.array([1.5]),), "integers"),
        ((np.array([0, 601]),), "601 at index 1"),
        ((np.array([-601]),), "-601 at index 0"),
        ((np.array([0]), "air", 96), r"heat_pump.supply must be a number in \[20, 95\]"),
        ((np.array([0]), "ground", "floor", np.array([999])), "ground_dc"),
    ],
)
def test_bad_input_names_place_value_and_range(arguments, text):
    with pytest.raises(InputError, match=text):
        cop_of(*arguments)


def test_misspelt_names_get_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'ground'"):
        cop_of(np.array([0]), "grund")
    with pytest.raises(UnknownNameError, match="did you mean 'radiator'"):
        HeatPump(electric_kw=1, supply="radiators")
