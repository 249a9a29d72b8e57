"""Heat first and electricity after it: the published table, by hand, in batches, refused."""

import doctest
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decent_gym.clearing import (
    Books,
    Outcome,
    Rules,
    clear_coupled,
    sequential,
    sequential_clearing,
)
from decent_gym.clearing.coupled_books import ConversionRows
from decent_gym.clearing.in_turn import clear_in_turn
from decent_gym.errors import InputError
from decent_gym.units import PRICE_CAP

DATA = Path(__file__).parents[1] / "data" / "cross_commodity.json"
PUBLISHED: list[dict[str, Any]] = json.loads(DATA.read_text("utf-8"))["instances"]["X6_sequential"]
MARKET: dict[str, Any] = {
    "side": [0, 0, 1, 0, 1], "commodity": [0, 0, 0, 1, 1], "price": [6, 36, 50, 7, 20],
    "energy": [5, 10, 4, 10, 6], "conversions": [(-1000, 3000, 0, 3, -1)],
}  # fmt: skip


@pytest.mark.parametrize("published", PUBLISHED)
def test_the_published_table(published: dict[str, Any]) -> None:
    """At 21 the pump's offer ties with the boiler's, which came first."""
    unit, tick = 300, 300_000  # whole: a third of the energy sold, 20/3 ct
    market = MARKET | {
        "price": [p * tick for p in MARKET["price"]],
        "energy": [q * unit for q in MARKET["energy"]],
        "conversions": [(-1000, 3000, 0, 3 * unit, -1)],
    }
    forecast = published["forecast_pi_e"] * tick
    result = sequential_clearing(**market, forecast=forecast, tie_rule="time")
    heat, power = published["hp_heat"] * unit, published["hp_elec"] * unit
    assert result.delivered.tolist() == [[-power, heat]] and result.activity.tolist() == [power]
    for m, name in enumerate(("elec", "heat")):
        ends = [result.price_low[m], result.price_high[m]]
        assert None not in ends
        near = pytest.approx(published[f"{name}_price_interval"], abs=1e-6)
        assert [end / tick for end in ends if end is not None] == near
    assert result.welfare == published["welfare"] * unit * tick == 254 * unit * tick
    gain = result.profit[0] / (unit * tick)
    assert gain == pytest.approx(published["hp_profit_at_mid"], abs=2e-6)
    assert result.surplus == 0
    assert clear_coupled(**market).welfare == 269 * unit * tick


def test_no_forecast_is_as_good_as_clearing_at_once() -> None:
    """Not even the right one: at 21 the pump ties with the boiler, and the tie rule decides."""
    unit, tick = 300, 300
    market = MARKET | {
        "price": [p * tick for p in MARKET["price"]],
        "energy": [q * unit for q in MARKET["energy"]],
        "conversions": [(-1000, 3000, 0, 3 * unit, -1)],
    }
    guesses = range(0, 60 * tick, 50)
    found = {g: sequential_clearing(**market, forecast=g) for g in guesses}
    gains = {g: result.welfare / unit / tick for g, result in found.items()}
    assert clear_coupled(**market).welfare / unit / tick == 269
    assert {gain for g, gain in gains.items() if g != 21 * tick} == {254}
    assert gains[21 * tick] == pytest.approx(269, abs=1)
    assert {g for g, r in found.items() if r.profit[0] < 0} == {g for g in guesses if g < 21 * tick}


def test_every_kind_of_converter_by_hand() -> None:
    """A CHP, an electric boiler, a heat engine and a plant without heat, at a guess of 200."""
    rows = [
        (1000, 2000, 300, 50, -1),  # a kWh of heat costs (300 - 200) / 2 = 50
        (-1000, 990, 10, 50, -1),  # (10 + 200) / 0.99 = 212.1, rounded up
        (30, -1000, 0, 400, -1),  # bids 0.03 * 200 = 6
        (500, 0, 30, 50, -1),  # 60 a kWh of electricity
    ]
    one = {"commodity": [1, 0], "energy": [500, 60], "forecast": 200}
    chp, dear = (
        sequential_clearing([1, 1], price=[p, -7], conversions=[rows[0]], **one) for p in (50, 49)
    )
    assert chp.delivered.tolist() == [[50, 100]] and chp.activity.tolist() == [50]
    assert chp.price == (-7, 50) and dear.volume == (0, 0)
    both = {"side": [1, 0], "commodity": [1, 0], "energy": [500, 90], "forecast": 200}
    boils = sequential_clearing(price=[213, 1], conversions=[rows[1]], **both)
    assert boils.delivered.tolist() == [[-50, 49]] and boils.remainders.tolist() == [[0, 500]]
    assert not sequential_clearing(price=[212, 1], conversions=[rows[1]], **both).activity.any()
    sides = {"side": [0, 1], "commodity": [1, 0], "energy": [400, 90], "forecast": 200}
    engine = sequential_clearing(price=[6, 5], conversions=[rows[2]], **sides)
    assert engine.delivered.tolist() == [[12, -400]] and engine.activity.tolist() == [400]
    assert engine.profit.tolist() == [12 * 5 - 400 * 6]
    assert not sequential_clearing(price=[7, 5], conversions=[rows[2]], **sides).activity.any()
    plant = {"side": [1], "commodity": [0], "energy": [90], "forecast": 0}
    made = sequential_clearing(price=[60], conversions=[rows[3]], **plant)
    assert made.delivered.tolist() == [[25, 0]] and made.activity.tolist() == [50]
    assert not sequential_clearing(price=[59], conversions=[rows[3]], **plant).activity.any()


def test_random_markets_balance_and_never_beat_joint_clearing() -> None:
    from oracles.coupled import random_market

    compared = worse = 0
    for seed in range(300):
        market = random_market(np.random.default_rng(70_000 + seed))
        rows = market.conversions
        columns = (market.side, market.commodity, market.price, market.energy)
        alone = rows[rows[:, 4] < 0]
        try:
            result = sequential_clearing(*columns, alone, forecast=int(seed) % 40)
        except InputError as error:
            assert "that nobody" in str(error)
            continue
        sign = np.where(market.side == 0, 1, -1)
        for m in range(2):
            mine = market.commodity == m
            assert (sign * result.accepted)[mine].sum() + result.delivered[:, m].sum() == 0
        assert result.surplus == 0 and (result.remainders[:, 0] > -1000).all()
        assert (result.activity >= 0).all() and (result.activity <= alone[:, 3]).all()
        joint = clear_coupled(*columns, alone)
        span = np.ptp(np.concatenate([market.price, alone[:, 2], [0]]))
        whole = np.abs(alone[:, :2]).max(axis=1, initial=0).sum() / 1000 + len(market.side)
        assert result.welfare <= joint.welfare + span * whole
        compared += 1
        worse += result.welfare < joint.welfare
    assert compared > 150 and worse > 50


def test_a_batch_clears_as_one_by_one() -> None:
    rng = np.random.default_rng(4)
    worlds, slots = 30, 12
    side = rng.integers(0, 2, (worlds, 2, slots))
    side[:, 0, 0] = 0  # enough electricity for everybody
    side[:, 0, 1] = 1  # and somebody who takes it
    price, offered = rng.integers(1, 90, side.shape), rng.integers(0, 80, side.shape)
    price[:, 0, :2], offered[:, 0, :2] = [90, -90], 10**6
    count = rng.integers(2, slots + 1, (worlds, 2))
    number = rng.integers(0, 4, worlds)
    shape = (worlds, 3)
    pump = rng.random(shape) < 0.6
    table = [
        np.where(pump, -1000, 1000), np.where(pump, rng.integers(1500, 4000, shape), 2000),
        rng.integers(0, 60, shape), rng.integers(1, 60, shape), np.full(shape, -1),
    ]  # fmt: skip
    forecast = rng.integers(0, 90, worlds)
    sequence = np.broadcast_to(np.arange(slots), side.shape)
    wide = [np.ascontiguousarray(c.reshape(2 * worlds, slots)) for c in (side, price, offered)]
    books = Books(
        count.reshape(-1), *wide, 0 * wide[0], np.ascontiguousarray(sequence.reshape(-1, slots)),
        0 * wide[0], np.zeros(2 * worlds, np.int64),
    )  # fmt: skip
    rows = ConversionRows(number, np.zeros(shape, np.int64), *table)
    found = clear_in_turn(books, rows, forecast, Rules(utility=None))
    assert isinstance(found.outcome, Outcome) and not found.unmet.any()
    for w in range(worlds):
        there = [offered[w, m, : count[w, m]] > 0 for m in range(2)]
        flat = [
            np.concatenate([c[w, m, : count[w, m]][there[m]] for m in range(2)])
            for c in (side, price, offered)
        ]
        commodity = np.repeat([0, 1], [int(one.sum()) for one in there])
        k = int(number[w])
        given = np.stack(table, axis=2)[w, :k]
        one = sequential_clearing(flat[0], commodity, *flat[1:], given, forecast=int(forecast[w]))
        taken = [found.outcome.accepted[2 * w + m, : count[w, m]][there[m]] for m in range(2)]
        assert np.concatenate(taken).tolist() == one.accepted.tolist()
        assert found.activity[w, :k].tolist() == one.activity.tolist()
        assert found.delivered[w, :k].tolist() == one.delivered.tolist()
        assert found.earns[w, :k].tolist() == one.earns.tolist()
        assert not found.activity[w, k:].any()
    assert (found.activity > 0).sum() > 20


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"forecast": PRICE_CAP + 1}, "forecast must be"),
        ({"forecast": 1.5}, "forecast must be"),
        ({"conversions": [(300, 0, 0, 5, 1), (200, 500, 0, 5, 1)]}, "conversion 0 .* in a group"),
        ({"conversions": [(-1000, 31_000, 0, 5, -1)]}, "creates energy"),
        ({"tie_rule": "tim"}, "did you mean 'time'"),
        (
            {"energy": [1, 1, 4, 10, 60]},
            r"conversions\[0\] needs \d Wh .* nobody sells",
        ),
        ({"commodity": [0, 0, 0, 1, 2]}, r"commodity\[4\] must be 0"),
        ({"conversions": [(-1000, 3000, 0, 10**8, -1)] * 600}, "sum exactly"),
    ],
)
def test_what_is_refused_is_named(changes: dict[str, Any], says: str) -> None:
    market = MARKET | {"energy": [5, 10, 4, 10, 6], "forecast": 0} | changes
    with pytest.raises(ValueError, match=says):
        sequential_clearing(**market)


def test_the_docstring_is_true() -> None:
    found = doctest.testmod(sequential)
    assert found.attempted > 2 and found.failed == 0
