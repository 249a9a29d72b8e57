"""Scaled profiles lose no Wh."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decent_gym.district import PV, Demand
from decent_gym.errors import InputError

PROFILES = st.lists(st.integers(0, 5000), min_size=1, max_size=50).filter(any)


@given(PROFILES, st.integers(0, 10**6))
def test_a_load_sums_to_its_total_and_follows_the_profile(profile, total_wh):
    energy = Demand(total_wh / 1000).energy(np.array(profile, np.int16))
    assert energy.dtype == np.int64
    assert energy.sum() == total_wh
    exact = [Fraction(p * total_wh, sum(profile)) for p in profile]
    assert all(abs(e - x) < 1 for e, x in zip(energy.tolist(), exact, strict=True))


@given(PROFILES, st.integers(0, 20_000))
def test_pv_scales_with_peak_power(profile, peak_w):
    energy = PV(peak_w / 1000).energy(np.array(profile), reference_kw=5)
    per_round = round(Fraction(peak_w, 4))
    running = [floor(Fraction(c * per_round, 1250)) for c in np.cumsum(profile).tolist()]
    assert np.cumsum(energy).tolist() == running


@pytest.mark.parametrize(
    "profile, text",
    [
        (np.array([1.0]), "integer array"),
        (np.array([[1]]), "one-dimensional"),
        (np.array([5, -1]), r"within \[0, 100000000\]"),
        (np.array([0, 0]), "some energy"),
    ],
)
def test_bad_profiles_are_refused(profile, text):
    with pytest.raises(InputError, match=text):
        Demand(1).energy(profile)


def test_bad_scales_are_refused():
    with pytest.raises(InputError, match=r"demand.annual_kwh .*got -1"):
        Demand(-1)
    with pytest.raises(InputError, match=r"pv.peak_kw .*got -1"):
        PV(-1)
    with pytest.raises(InputError, match=r"pv.reference_kw .*got 0"):
        PV(1).energy(np.array([1]), 0)
    with pytest.raises(InputError, match="more than 100000000"):
        Demand(10**9).energy(np.array([1]))
