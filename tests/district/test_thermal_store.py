"""What a store says it can do is what it does, and its loss by hand."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from decent_gym.district import ThermalStore
from decent_gym.district.thermal_store import absorb, feasible


def one(value):
    return np.full((1, 1), value, np.int64)


@given(
    st.integers(0, 100_000),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 10**6),
    st.floats(0, 1),
    st.integers(-200_000, 200_000),
)
@example(50_000, 60, 60, 500_000, 1.0, -60_000)
def test_feasible_wh_are_absorbed_and_one_more_is_not(cap, charge, discharge, ppm, fill, surplus):
    parameters = tuple(map(one, (cap, charge, discharge, ppm)))
    held = int(cap * fill)
    most, least, flow, lost = (one(-9) for _ in range(4))
    feasible(0, 1, *parameters, one(held), most, least)
    for ask, bound in ((10**9, most), (-(10**9), least)):
        left = one(ask)
        absorb(0, 1, *parameters, one(held), left, flow, lost)
        assert abs(int(flow[0, 0])) // 1000 == bound[0, 0]
        assert left[0, 0] + flow[0, 0] == ask
    soc, left = one(held), one(surplus)
    absorb(0, 1, *parameters, soc, left, flow, lost)
    assert soc[0, 0] == held - lost[0, 0] + flow[0, 0]
    assert lost[0, 0] == held * ppm // 10**6
    assert 0 <= soc[0, 0] <= cap
    assert flow[0, 0] * surplus >= 0 and abs(int(flow[0, 0])) <= abs(surplus)


@pytest.mark.parametrize("loss, ppm", [(0, 0), (0.05, 535), (0.5, 7195)])
def test_loss_by_hand(loss, ppm):
    # 1 - 0.95^(1/96) = 534.17e-6, 1 - 0.5^(1/96) = 7194.3e-6, rounded up
    assert ThermalStore(10, 5, 5, loss).loss_ppm() == ppm
