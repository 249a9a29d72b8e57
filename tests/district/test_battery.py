"""Battery kernels against an oracle that tries every Wh."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from oracles.devices import battery_step

from decent_gym.district import Battery
from decent_gym.district.battery import feasible, step

INT64 = np.iinfo(np.int64)
SETPOINTS = st.one_of(
    st.integers(-400, 400), st.sampled_from([10**8, -(10**8), INT64.max, INT64.min, 0])
)
PARAMETERS = st.fixed_dictionaries(
    {
        "capacity": st.integers(0, 200_000),
        "charge": st.integers(0, 150),
        "discharge": st.integers(0, 150),
        "charge_rate": st.integers(1, 1000),
        "discharge_rate": st.integers(1000, 3000),
    }
)


NAMES = ("capacity", "charge", "discharge", "charge_rate", "discharge_rate")


def arrays(p, prefix=""):
    return tuple(np.full((1, 1), p[prefix + name], np.int64) for name in NAMES)


@given(PARAMETERS, st.floats(0, 1), st.lists(SETPOINTS, min_size=1, max_size=20))
def test_every_step_is_the_oracle_s_and_conserves_energy(p, fill, setpoints):
    soc = np.full((1, 1), int(p["capacity"] * fill), np.int64)
    actual, most, least = (np.full((1, 1), -9, np.int64) for _ in range(3))
    for setpoint in setpoints:
        before = int(soc[0, 0])
        expected = battery_step(p, before, max(min(setpoint, 1000), -1000))
        feasible(0, 1, *arrays(p), soc, most, least)
        step(0, 1, np.full((1, 1), setpoint, np.int64), *arrays(p), soc, actual)
        after, energy = int(soc[0, 0]), int(actual[0, 0])
        assert (after, energy) == expected
        rate = p["charge_rate"] if energy > 0 else p["discharge_rate"]
        assert after - before == rate * energy
        assert 0 <= after <= p["capacity"]
        assert energy == max(min(setpoint, int(most[0, 0])), -int(least[0, 0]))


@given(
    st.decimals("0.5", "1", places=3),
    st.decimals("0.5", "1", places=3),
    st.lists(st.integers(-3000, 3000), min_size=2, max_size=40),
)
def test_no_cycle_gives_more_than_it_took(charge, discharge, setpoints):
    p = Battery(2, 8, 8, charge, discharge, initial=0).parameters()
    soc, actual = np.zeros((1, 1), np.int64), np.zeros((1, 1), np.int64)
    drawn = 0
    for setpoint in [*setpoints, -(10**8)]:
        step(0, 1, np.full((1, 1), setpoint, np.int64), *arrays(p, "battery_"), soc, actual)
        drawn += int(actual[0, 0])
        assert drawn * 1000 >= int(soc[0, 0])


def test_only_the_worlds_asked_for_move():
    shape = (4, 3)
    p = [np.full(shape, value, np.int64) for value in (10**6, 500, 500, 950, 1053)]
    soc, actual = np.full(shape, 5 * 10**5, np.int64), np.full(shape, 77, np.int64)
    step(1, 3, np.full(shape, 10, np.int64), *p, soc, actual)
    assert actual.tolist() == [[77] * 3, [10] * 3, [10] * 3, [77] * 3]
    assert soc[:, 0].tolist() == [500_000, 509_500, 509_500, 500_000]


def test_a_battery_by_hand():
    p = Battery(10, 4, 4, 0.95, 0.95, initial=0).parameters()
    soc, actual = np.zeros((1, 1), np.int64), np.zeros((1, 1), np.int64)
    for setpoint, energy, left in [
        (5000, 1000, 950_000),
        (-200, -200, 950_000 - 200 * 1053),
        (-5000, -702, 950_000 - 902 * 1053),
    ]:
        step(0, 1, np.full((1, 1), setpoint, np.int64), *arrays(p, "battery_"), soc, actual)
        assert (int(actual[0, 0]), int(soc[0, 0])) == (energy, left)
