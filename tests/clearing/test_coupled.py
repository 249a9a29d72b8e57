"""`clear_coupled`: published instances, random markets against HiGHS, and what it refuses."""

import doctest
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decent_gym.clearing import clear, clear_coupled, coupled
from decent_gym.clearing.conversion_faults import carnot
from decent_gym.clearing.coupled_inputs import checked_conversions
from decent_gym.clearing.coupled_problems import Problems
from decent_gym.errors import InputError

DATA = json.loads((Path(__file__).parents[1] / "data" / "cross_commodity.json").read_text("utf-8"))
INSTANCES: dict[str, Any] = DATA["instances"]
UNIT, TICK = 2_900_000, 10**6
"""Wh per kWh and micro-euro per cent of the instances: makes all of their numbers whole."""
FUEL_UNIT = 6.96
"""kWh of fuel that 1 of activity of the extraction plant stands for, so that 1/2.4 and 1/2.9 of
it are whole per mille."""


def conversions_of(instance: dict[str, Any]) -> list[list[int]]:
    rows = []
    for each in instance.get("conversions", []):
        ratio = [round(1000 * each["ratio"][m]) for m in "eh"]
        rows.append([*ratio, round(each["cost"] * TICK), round(each["max"] * UNIT), -1, 0])
    for plant in instance.get("extraction", []):
        power = plant["rho_e"]
        both = plant["rho_e"] * plant["r_min"] + plant["rho_h"]  # fuel per heat
        cost, most = round(plant["fuel_price"] * FUEL_UNIT * TICK), plant["fuel_max"] / FUEL_UNIT
        electricity, heat = FUEL_UNIT / power, FUEL_UNIT / both
        modes = (
            (electricity, 0.0, min(most, plant["e_max"] / electricity)),
            (heat * plant["r_min"], heat, min(most, plant["h_max"] / heat)),
        )
        for e, h, top in modes:
            ratio = [round(1000 * e), round(1000 * h)]
            rows.append([*ratio, cost, round(top * UNIT), 0, round(1000 * FUEL_UNIT)])
    return [row[:5] if row[5] == 0 else row for row in rows]


def test_all_instances_are_here() -> None:
    assert len([n for n in INSTANCES if n != "X6_sequential"]) == 5


@pytest.mark.parametrize("name", [n for n in INSTANCES if n != "X6_sequential"])
def test_instance(name: str) -> None:
    instance, solution = INSTANCES[name]["input"], INSTANCES[name]["solution"]
    orders = instance["orders"]
    result = clear_coupled(
        [int(o["side"] == "buy") for o in orders],
        ["eh".index(o["commodity"]) for o in orders],
        [o["price"] * TICK for o in orders],
        [o["quantity"] * UNIT for o in orders],
        conversions_of(instance),
    )
    near = pytest.approx
    assert result.welfare / (UNIT * TICK) == near(solution["welfare"], abs=2e-5)
    found = {o["id"]: a / UNIT for o, a in zip(orders, result.accepted, strict=True)}
    names = [c["id"] for c in instance.get("conversions", [])]
    found |= {n: z / UNIT for n, z in zip(names, result.activity, strict=False)}
    if "extraction" in instance:
        found |= dict(zip(("chp.e", "chp.h"), result.delivered.sum(axis=0) / UNIT, strict=True))
    assert found == near(solution["quantities"], abs=2e-6)
    assert [v / UNIT for v in result.volume] == near(list(solution["volume"].values()), abs=2e-6)
    for m, interval in enumerate(solution["price_interval"].values()):
        ends = [result.price_low[m], result.price_high[m]]
        assert None not in ends
        assert [end / TICK for end in ends] == near(interval, abs=2e-6)
    assert result.surplus == 0 and (result.remainders >= 0).all()


def test_prices_are_chosen_on_the_polygon_not_in_the_box() -> None:
    result = clear_coupled([0, 1, 1, 0], [0, 0, 1, 1], [4_000, 30_000, 25_000, 12_000],
                           [3, 2, 3, 5], [(-1000, 3000, 0, 1, -1)])  # fmt: skip
    assert (result.price_low, result.price_high) == ((4_000, 1_333), (30_000, 12_000))
    # given 17000, heat lies in [5666.7, 12000]
    assert result.price == (17_000, 5_666 + (12_000 - 5_666) // 2)


def test_without_conversions_it_is_merit_order() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        n = int(rng.integers(0, 12))
        side, commodity = rng.integers(0, 2, n), rng.integers(0, 2, n)
        price, energy = rng.integers(-3, 9, n), rng.integers(1, 9, n)
        result = clear_coupled(side, commodity, price, energy)
        for m in range(2):
            one = commodity == m
            alone = clear(side[one], price[one], energy[one])
            assert result.accepted[one].tolist() == alone.accepted.tolist()
            assert (result.volume[m], result.price[m]) == (alone.volume, alone.price)
            if alone.volume:
                found = (result.price_low[m], result.price_high[m])
                assert found == (alone.price_low, alone.price_high)


def test_nothing_trades_and_there_is_no_bound() -> None:
    result = clear_coupled([], [], [], [], [(-1000, 3000, 5, 10, -1)])
    assert result.price == (None, None) and result.volume == (0, 0) and result.welfare == 0
    result = clear_coupled([0, 1], [0, 1], [10, 5], [7, 7], [(-1000, 1500, 0, 9, -1)])
    assert result.price == (None, None) and not result.activity.any()
    # electricity is at most 10 and at least 1.5 times heat, which is at least 5
    assert (result.price_low, result.price_high) == ((7, 5), (10, 6))


def test_equals_share_and_the_earlier_gets_what_is_left_over() -> None:
    sides, limits = [0, 0, 0, 1], [5, 5, 5, 9]
    result = clear_coupled(sides, [1] * 4, limits, [10] * 4, sequence=[9, 3, 4, 0])
    assert result.accepted.tolist() == [3, 4, 3, 10]
    pumps = [(-1000, 2000, 0, 10, -1)] * 3
    result = clear_coupled([0, 1], [0, 1], [6, 20], [99, 20], pumps, conversion_sequence=[2, 0, 1])
    assert result.activity.tolist() == [3, 4, 3]
    assert result.price == (6, 3)


def test_a_group_shares_the_largest_of_its_maxima() -> None:
    rows = [(400, 0, 0, 1_000, 7), (300, 600, 0, 800, 7)]
    sides, commodities = [1, 1], [0, 1]
    result = clear_coupled(sides, commodities, [100, 1], [10**6, 10**6], rows)
    assert result.activity.tolist() == [1_000, 0]
    result = clear_coupled(sides, commodities, [100, 90], [10**6, 10**6], rows)
    assert result.activity.tolist() == [200, 800]
    alone = clear_coupled(sides, commodities, [100, 90], [10**6, 10**6],
                          [(*row[:4], -1) for row in rows])  # fmt: skip
    assert alone.activity.tolist() == [1_000, 800]


def test_what_a_pump_makes_beyond_whole_wh_is_reported() -> None:
    result = clear_coupled([0, 1], [0, 1], [5, 9], [7, 99], [(-1000, 3333, 0, 9, -1)])
    assert result.activity.tolist() == [7] and result.delivered.tolist() == [[-7, 23]]
    assert result.remainders.tolist() == [[0, 331]]
    assert result.earns.tolist() == [23 * 9 - 7 * result.price[0]]
    assert result.profit.tolist() == result.earns.tolist() and result.surplus == 0


ROW = (-1000, 3000, 0, 5, -1)


@pytest.mark.parametrize(
    ("commodity", "said"),
    [([0, 2], r"commodity\[1\] must be 0 \(ELECTRICITY\) or 1"), ([0], "one entry per offer")],
)
def test_bad_commodities_are_refused(commodity: list[int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        clear_coupled([0, 1], commodity, [5, 9], [1, 1])


def test_a_pump_and_an_engine_cannot_run_each_other() -> None:
    """Between the same temperatures the best engine gives back what the best pump took, no more."""
    pump = (-1000, 30_000, 0, 10**4, -1)
    with pytest.raises(InputError, match=r"conversions\[1\] .*creates energy: 0.034 electricity"):
        clear_coupled([1], [0], [50], [1000], [pump, (34, -1000, 0, 10**4, -1)])
    warm = [[0, 2500], [0, 2500]]
    with pytest.raises(InputError, match=r"above 0\.478; Carnot's bound between 0 and 250"):
        clear_coupled(
            [1], [0], [50], [1000], [(-1000, 2092, 0, 10**4, -1), (479, -1000, 0, 10**4, -1)],
            temperatures=warm,
        )  # fmt: skip
    for rows, given in (
        ([pump, (33, -1000, 0, 10**4, -1)], None),
        ([(-1000, 2092, 0, 10**4, -1), (478, -1000, 0, 10**4, -1)], warm),
    ):
        result = clear_coupled([1], [0], [50], [1000], rows, temperatures=given)
        assert result.accepted.tolist() == [0]


def test_carnot() -> None:
    assert carnot(0, 350) == 8_804 and carnot(350, 350) == 30_000


def test_the_largest_numbers_do_not_wrap() -> None:
    cap = 10**8
    rows = [(-1000, 30_000, cap, cap, -1), (10**5, 10**5, -cap, 10**4, -1)]
    result = clear_coupled([0, 1, 0, 1], [0, 0, 1, 1], [-cap, cap, cap, cap], [cap] * 4, rows)
    assert result.surplus == 0 and result.welfare > 0
    assert result.accepted.min() >= 0 and result.accepted.max() <= cap


def test_the_docstring_is_true() -> None:
    found = doctest.testmod(coupled)
    assert found.attempted > 2 and found.failed == 0


def markets(count: int, first: int) -> Any:
    from oracles.coupled import random_market

    return (random_market(np.random.default_rng(first + i)) for i in range(count))


def test_random_markets_against_highs() -> None:
    pytest.importorskip("highspy")
    from oracles.coupled import faults, optimum, run, solver

    highs = solver()
    wrong = [faults(m, run(m), optimum(m, highs)) for m in markets(400, first=20_000)]
    assert len(wrong) == 400 and not [bad for bad in wrong if bad]


def test_price_intervals_against_highs() -> None:
    pytest.importorskip("highspy")
    from oracles.coupled import optimum, price_interval, run, solver

    highs = solver()
    bounded, open_ends = 0, 0
    small = (m for m in markets(300, first=30_000) if np.abs(m.price).max(initial=0) < 20)
    for market in small:  # where floats tell an optimum from its neighbours
        result, best = run(market), optimum(market, highs)
        for m in range(2):
            interval = price_interval(market, best.welfare, highs, m)
            ends = (result.price_low[m], result.price_high[m])
            for mine, end in zip(ends, interval, strict=True):
                assert (mine is None) == np.isinf(end)
                if mine is None:
                    open_ends += 1
                else:
                    bounded += 1
                    assert mine - 0.001 <= end < mine + 1.001
    assert bounded > 300 and open_ends > 5


def test_a_permuted_market_gives_the_permuted_result() -> None:
    pytest.importorskip("highspy")
    from oracles.coupled import run

    rng = np.random.default_rng(8)
    for market in markets(100, first=40_000):
        n, k = len(market.side), len(market.conversions)
        straight = run(market)
        p, q = rng.permutation(n), rng.permutation(k)
        mixed = clear_coupled(
            market.side[p], market.commodity[p], market.price[p], market.energy[p],
            market.conversions[q], sequence=p, conversion_sequence=q,
        )  # fmt: skip
        assert mixed.price == straight.price and mixed.welfare == straight.welfare
        assert mixed.accepted.tolist() == straight.accepted[p].tolist()
        assert mixed.activity.tolist() == straight.activity[q].tolist()
        assert mixed.earns.tolist() == straight.earns[q].tolist()


def test_at_the_margin_the_lower_class_is_filled_first() -> None:
    side, commodity, price, energy = [1, 0, 0, 0], [0] * 4, [9, 5, 5, 5], [10, 8, 6, 2]
    result = clear_coupled(side, commodity, price, energy, priority=[0, 1, 0, 0])
    assert result.accepted.tolist() == [10, 2, 6, 2]
    result = clear_coupled(side, commodity, price, energy, priority=[0, 0, 1, 2])
    assert result.accepted.tolist() == [10, 8, 2, 0]


def test_priority_moves_only_equal_orders() -> None:
    """Totals per side, commodity and limit stay; the later class starves first."""
    rng = np.random.default_rng(10)
    starved = 0
    for market in markets(300, first=50_000):
        classes = rng.integers(0, 2, len(market.side))
        columns = (market.side, market.commodity, market.price, market.energy, market.conversions)
        plain, ranked = clear_coupled(*columns), clear_coupled(*columns, priority=classes)
        assert ranked.price == plain.price and ranked.activity.tolist() == plain.activity.tolist()
        for kind in set(zip(market.side, market.commodity, market.price, strict=True)):
            same = (market.side == kind[0]) & (market.commodity == kind[1])
            same &= market.price == kind[2]
            assert ranked.accepted[same].sum() == plain.accepted[same].sum()
            at = ranked.price[kind[1]]
            if at is None or abs(int(kind[2]) - at) > 1:
                continue
            short = ranked.accepted[same & (classes == 0)] < market.energy[same & (classes == 0)]
            if short.any() and (same & (classes == 1)).any():
                assert ranked.accepted[same & (classes == 1)].sum() == 0
                starved += 1
    assert starved > 10


def test_a_batch_clears_as_one_by_one() -> None:
    rng = np.random.default_rng(9)
    books, slots = 40, 30
    side, commodity = (rng.integers(0, 2, (books, slots)) for _ in range(2))
    price = rng.integers(50, 400, (books, slots))
    offered = rng.integers(1, 500, (books, slots)) * (rng.random((books, slots)) < 0.8)
    rows = [(-1000, 2500, 3, 300, -1), (-1000, 2500, 3, 200, -1), (1000, 1900, 220, 400, -1),
            (400, 0, 60, 500, 1), (300, 600, 60, 400, 1)]  # fmt: skip
    problems = Problems.empty(books, slots, len(rows))
    problems.rows[:] = checked_conversions(rows, None, None).rows
    priority = np.zeros_like(side)
    for span in ((0, 15), (15, books)):
        problems.clear(side, commodity, price, offered, priority, *span)
    activity, earns = problems.activity, problems.earns
    accepted, pays = problems.accepted, problems.pays
    for b in range(books):
        there = offered[b] > 0
        one = clear_coupled(*(c[b, there] for c in (side, commodity, price, offered)), rows)
        assert accepted[b, there].tolist() == one.accepted.tolist()
        assert not accepted[b, ~there].any() and not pays[b, ~there].any()
        assert (activity[b].tolist(), earns[b].tolist()) == (
            one.activity.tolist(), one.earns.tolist(),
        )  # fmt: skip
