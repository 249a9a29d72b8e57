"""The heat network against the oracle, and who is cut first."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from oracles.devices import unserved as oracle

from decent_gym.district.network import serve
from decent_gym.district.thermal_store import give_back

ROWS = st.lists(
    st.tuples(st.integers(-60, 60), st.integers(-40, 60), st.integers(0, 5).map(lambda x: x == 0)),
    min_size=1,
    max_size=8,
)


def run(traded, metered, utility, max_flow, loss, backup):
    shape = (1, len(traded))
    arrays = [np.array([row], np.int64) for row in (utility, traded, metered)]
    scratch = [np.full(shape, -5, np.int64) for _ in range(3)]
    totals = [np.full(1, -5, np.int64) for _ in range(2)]
    cut = serve(0, 1, max_flow, loss, backup, *arrays, *scratch, *totals)
    return cut, arrays[2][0].tolist(), scratch[0][0].tolist(), [int(x[0]) for x in totals]


@given(ROWS, st.integers(0, 150), st.integers(0, 20), st.integers(0, 150))
@example([(0, 3, False), (0, 3, False), (0, 3, False)], 100, 0, 7)
def test_cuts_are_the_oracle_s_and_limits_hold(rows, max_flow, loss, spare):
    traded = [row[0] for row in rows]
    metered = [row[0] + row[1] * (not row[2]) for row in rows]
    utility = [int(row[2]) for row in rows]
    backup = loss + spare
    cut, after, unserved, (made, spilled) = run(traded, metered, utility, max_flow, loss, backup)
    assert unserved == oracle(traded, metered, utility, max_flow, loss, backup)
    assert after == [m - u for m, u in zip(metered, unserved, strict=True)]
    assert cut == int(any(unserved))
    members = [m for m, u in zip(after, utility, strict=True) if not u]
    assert sum(max(m, 0) for m in members) <= max_flow
    assert 0 <= made <= backup and spilled >= 0
    assert made == sum(members) + loss + spilled
    assert not (made and spilled)
    for u, m, is_utility in zip(unserved, metered, utility, strict=True):
        assert 0 <= u <= max(m, 0) and not (u and is_utility)


@pytest.mark.parametrize(
    "traded, metered, limits, expected",
    [
        # enough of everything
        ([10, 0], [10, 5], (100, 1, 16), [0, 0]),
        # the loss has to be made too
        ([10, 0], [10, 5], (100, 2, 16), [0, 1]),
        # who keeps to the trades is not touched while others draw more than theirs
        ([10, 0, 0], [10, 5, 5], (100, 0, 13), [0, 4, 3]),
        # three equal remainders: the lower indices give
        ([0, 0, 0], [3, 3, 3], (100, 0, 7), [1, 1, 0]),
        # trades alone pass the pipes
        ([30, 10, -40], [30, 10, -40], (20, 0, 100), [15, 5, 0]),
        # a seller that fails is short, but the heat is missing where it is drawn
        ([30, 10, -40], [30, 10, 0], (100, 0, 20), [15, 5, 0]),
        # what others feed in by chance helps
        ([0, 0], [8, -6], (100, 0, 2), [0, 0]),
    ],
)
def test_cases_by_hand(traded, metered, limits, expected):
    assert run(traded, metered, [0] * len(traded), *limits)[2] == expected


def test_what_nobody_takes_is_spilled():
    assert run([0, 0], [-9, 2], [0, 0], 100, 3, 5) == (0, [-9, 2], [0, 0], [0, 4])


@given(st.lists(st.integers(1, 2**36), min_size=2, max_size=5), st.integers(0, 2**40))
def test_products_beyond_int64_are_shared_exactly(metered, spare):
    traded = [0] * len(metered)
    cut, after, unserved, _ = run(traded, metered, traded, 2**50, 0, spare)
    assert cut == int(sum(metered) > spare)
    assert sum(after) == min(sum(metered), spare)
    lost = sum(unserved)
    for u, m in zip(unserved, metered, strict=True):
        assert abs(u * sum(metered) - lost * m) < sum(metered)


def test_stores_give_back_whole_wh_of_what_did_not_arrive():
    soc, flow, unserved = (
        np.array([row], np.int64)
        for row in ([9_500, 9_500, 9_500, 9_500], [2_700, 8_000, -3_000, 0], [5, 5, 5, 0])
    )
    give_back(0, 1, soc, flow, unserved)
    assert soc.tolist() == [[7_500, 4_500, 9_500, 9_500]]
    assert flow.tolist() == [[700, 3_000, -3_000, 0]]
    assert unserved.tolist() == [[3, 0, 5, 0]]
