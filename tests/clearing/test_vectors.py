"""Published books: we agree with whoever priced them validly, and stay in the valid interval."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from oracles.vectors import exact, scale

from decent_gym.clearing import Result, clear
from decent_gym.errors import InputError
from decent_gym.models import Case
from decent_gym.units import ENERGY_CAP, PRICE_CAP

DATA = json.loads(
    (Path(__file__).parents[1] / "data" / "clearing_vectors.json").read_text(encoding="utf-8")
)
ELIGIBLE: dict[str, dict[str, Any]] = {case["id"]: case for case in DATA["eligible"]}
UNIFORM = [
    *("v001", "v003", "v019", "v021", "v042", "v044", "v046", "v048", "v050", "v052"),
    *("v054", "v056", "v058", "v060", "v062", "v064", "v081", "v083", "v085", "v115"),
]
ALSO_PLAIN = {
    "v111": "a k-double auction of unit offers is the same book",
    "v117": "the welfare of v115's book",
    "v146": "lemlab's clearing without preferences",
    "v155": "lemlab's clearing without preferences",
}
NOT_ELIGIBLE = {
    "no orders": 9,
    "multi-period block orders": 9,
    "several nodes and a line between them": 2,
    "values like 1/3 that do not scale": 1,
    "maximal volume, not welfare": 1,
    "a peer's convention for pairs": 5,
    "a peer's convention for preferences": 7,
    "another mechanism (pay_as_bid)": 5,
    "another mechanism (mcafee)": 4,
    "another mechanism (trade_reduction)": 1,
    "another mechanism (trade_reduction_sbb)": 6,
    "another mechanism (vcg)": 1,
    "another mechanism (muda)": 2,
    "another mechanism (inner step of muda)": 3,
    "another mechanism (huang)": 3,
    "another mechanism (mid_market_rate)": 4,
    "another mechanism (supply_demand_ratio)": 4,
}


def run(case: dict[str, Any]) -> tuple[Result, int, int, list[dict[str, Any]]]:
    orders = [order for order in case["orders"] if order["quantity"] > 0]
    unit = scale([order["quantity"] for order in orders], ENERGY_CAP)
    tick = scale([order["price"] for order in orders], PRICE_CAP)
    result = clear(
        [int(order["side"] == "buy") for order in orders],
        [int(exact(order["price"]) * tick) for order in orders],
        [int(exact(order["quantity"]) * unit) for order in orders],
    )
    return result, unit, tick, orders


def test_the_list_of_what_is_eligible() -> None:
    assert len(UNIFORM) == 20
    assert sorted(ELIGIBLE) == sorted([*UNIFORM, *ALSO_PLAIN])
    assert [c["id"] for c in ELIGIBLE.values() if c["mechanism"] == "uniform_price"] == UNIFORM
    assert Counter(DATA["not_eligible"].values()) == NOT_ELIGIBLE
    assert not ELIGIBLE.keys() & DATA["not_eligible"].keys()
    assert len(ELIGIBLE) + len(DATA["not_eligible"]) == 91
    assert all(case["source"] for case in ELIGIBLE.values())


@pytest.mark.parametrize("name", [n for n, case in ELIGIBLE.items() if "reference_check" in case])
def test_against_the_independent_reference(name: str) -> None:
    case = ELIGIBLE[name]
    check, expected = case["reference_check"], case["expected"]
    result, unit, tick, orders = run(case)
    low, high = (exact(end) * tick for end in check["price_interval"])
    assert (result.price_low, result.price_high) == (low, high)
    assert low <= result.price <= high
    least, most = (exact(end) * unit for end in check["volume_range"])
    assert least <= result.volume <= most
    assert result.volume == most  # equal limits trade
    if expected["price"] is not None:
        assert check["source_price_valid"] == (low <= exact(expected["price"]) * tick <= high)
        if low == high and check["source_price_valid"]:
            assert result.price == exact(expected["price"]) * tick
    if check["source_volume_valid"] and result.volume == exact(expected["volume"]) * unit:
        for order, got in zip(orders, result.accepted.tolist(), strict=True):
            stated = expected.get("accepted", {}).get(order["id"])
            assert stated is None or got == exact(stated) * unit


@pytest.mark.parametrize(
    ("name", "price"), [("v044", 70), ("v046", 75), ("v111", 87.5), ("v146", 65)]
)
def test_where_the_source_takes_the_midpoint_so_do_we(name: str, price: float) -> None:
    result, _, tick, _ = run(ELIGIBLE[name])
    assert ELIGIBLE[name]["expected"]["price"] == price
    assert result.price == exact(price) * tick


@pytest.mark.parametrize(
    ("name", "welfare"), [("v081", 0), ("v083", 250), ("v085", 600), ("v117", 6)]
)
def test_welfare(name: str, welfare: int) -> None:
    expected = ELIGIBLE[name]["expected"]
    assert welfare in (expected.get("gain_from_trade"), expected.get("welfare"))
    result, unit, tick, orders = run(ELIGIBLE[name])
    gains = sum(
        (1 if order["side"] == "buy" else -1) * exact(order["price"]) * got / unit
        for order, got in zip(orders, result.accepted.tolist(), strict=True)
    )
    assert gains == welfare and tick >= 1


def test_only_bids_is_no_trade_and_zero_energy_is_refused() -> None:
    for name in ("v081", "v050"):
        result = run(ELIGIBLE[name])[0]  # v050: without its three bids for nothing
        assert (result.volume, result.price, result.case) == (0, None, Case.NONE)
    orders = ELIGIBLE["v050"]["orders"]
    with pytest.raises(InputError, match=r"energy\[3\] must be in \[1, 100000000\] Wh, got 0"):
        clear(
            [int(order["side"] == "buy") for order in orders],
            [order["price"] for order in orders],
            [order["quantity"] for order in orders],
        )


def test_a_third_does_not_scale() -> None:
    with pytest.raises(AssertionError, match="does not scale"):
        scale([0.3333333333333333], PRICE_CAP)
