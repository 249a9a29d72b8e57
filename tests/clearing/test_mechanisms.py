"""Every mechanism against its definition, and what must hold for all of them."""

import doctest
import importlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from oracles import mechanisms as oracle
from oracles.random_books import orders_of, random_books, rows, small_books, soiled

from decent_gym.clearing import MECHANISMS, TIE_RULES, Books, Outcome, Rules, clear, totals
from decent_gym.errors import InputError
from decent_gym.models import Case, Side
from decent_gym.units import ENERGY_CAP, PRICE_CAP, PRODUCT_CAP

ROOT = Path(__file__).parents[2]
K_RULES = ("midpoint", 0, 1, "1/3")
ORACLES = {
    "bill_sharing": oracle.bill_sharing,
    "continuous_double_auction": oracle.continuous_double_auction,
    "huang": oracle.huang,
    "mcafee": oracle.mcafee,
    "mid_market_rate": oracle.mid_market_rate,
    "muda": oracle.muda,
    "pay_as_bid": oracle.pay_as_bid,
    "preference": oracle.preference,
    "sbba": oracle.sbba,
    "supply_demand_ratio": oracle.supply_demand_ratio,
    "trade_reduction": oracle.trade_reduction,
    "trade_reduction_sbb": oracle.trade_reduction_sbb,
    "vcg": oracle.vcg,
}
OTHERS = sorted(set(MECHANISMS) - {"merit_order"})
PRICE_TAKING = {"mid_market_rate", "supply_demand_ratio", "bill_sharing"}
ALONE = PRICE_TAKING | {
    *("mcafee", "trade_reduction", "trade_reduction_sbb", "sbba", "vcg", "muda", "huang")
}
SURPLUS = {"mcafee": "+", "trade_reduction": "+", "huang": "+", "muda": "+", "vcg": "-"}
DROPPING = {"mcafee", "trade_reduction", "trade_reduction_sbb", "sbba", "huang"}


def rules_of(mechanism: str, **changes: object) -> Rules:
    return Rules(mechanism, utility=None, **changes)


def cleared(books: Books, rules: Rules) -> Outcome:
    outcome = soiled(books)
    MECHANISMS[rules.mechanism].clear(books, rules, outcome, 0, len(books.orders))
    return outcome


def assert_as_defined(books: Books, rules: Rules) -> None:
    outcome = cleared(books, rules)
    k = Fraction(rules.k_numerator, rules.k_denominator)
    for b in range(len(books.orders)):
        slots, orders = orders_of(books, b)
        setting = oracle.Setting(
            rules.tie_rule, k, int(books.lottery[b]), tuple(books.owner[b, slots].tolist()),
            int(books.tariffs[b, 0]), int(books.tariffs[b, 1]),
        )  # fmt: skip
        accepted, pays = ORACLES[rules.mechanism](orders, setting)
        where = f"book {b}: {orders} {setting}"
        got = np.zeros((2, books.side.shape[1]), np.int64)
        got[:, slots] = accepted, pays
        assert (outcome.accepted[b] == got[0]).all(), where
        assert (outcome.pays[b] == got[1]).all(), where


def test_every_mechanism_has_an_oracle() -> None:
    assert sorted(ORACLES) == OTHERS


@pytest.mark.parametrize("mechanism", OTHERS)
def test_random_tie_heavy_books_as_defined(mechanism: str) -> None:
    rng = np.random.default_rng(20261123)
    for tie_rule, rule in product(("pro_rata", "time", "random", "equal_share"), K_RULES):
        books = random_books(rng, 1_000, 8)
        assert_as_defined(books, rules_of(mechanism, tie_rule=tie_rule, price_rule=rule))


@pytest.mark.parametrize("mechanism", OTHERS)
def test_every_book_of_three_by_three(mechanism: str) -> None:
    units, mixed = small_books((1,)), small_books((1, 2))
    assert (len(units.orders), len(mixed.orders)) == (35**2, 220**2)
    if mechanism in PRICE_TAKING:  # limits are not read: the same few books again and again
        mixed = rows(mixed, np.arange(0, 220**2, 23))
    assert_as_defined(units, rules_of(mechanism))
    assert_as_defined(mixed, rules_of(mechanism))


def test_kinds_of_mechanism() -> None:
    """The claims that the tests below rest on."""
    alone = {name for name in MECHANISMS if MECHANISMS[name].members_only}
    assert alone == ALONE & set(MECHANISMS)
    assert {n for n in MECHANISMS if not MECHANISMS[n].respects_limits} == PRICE_TAKING & set(
        MECHANISMS
    )
    assert all(MECHANISMS[name].name == name and MECHANISMS[name].summary for name in MECHANISMS)
    assert [name for name in MECHANISMS if MECHANISMS[name].uniform] == ["merit_order"]


@pytest.mark.parametrize("mechanism", sorted(ALONE & set(MECHANISMS)))
def test_the_utility_in_the_book_is_refused_with_the_remedy(mechanism: str) -> None:
    with pytest.raises(InputError, match=f"'{mechanism}' must clear .* write utility='residual'"):
        Rules(mechanism)
    for utility in ("residual", None):
        assert Rules(mechanism, utility=utility).mechanism == mechanism
    for open_to_all in ("pay_as_bid", "continuous_double_auction", "preference"):
        assert Rules(open_to_all).utility == "book"


def signs(books: Books) -> np.ndarray:
    return 2 * books.side - 1


@pytest.mark.parametrize("mechanism", OTHERS)
def test_energy_and_money_balance_and_nobody_is_worse_off(mechanism: str) -> None:
    rng = np.random.default_rng(5)
    kind = MECHANISMS[mechanism]
    surplus = np.empty(0, np.int64)
    for _ in range(20):
        books = random_books(rng, 500, 12)
        outcome = cleared(books, rules_of(mechanism))
        inside = np.arange(12) < books.orders[:, None]
        assert (outcome.accepted >= 0).all() and (outcome.accepted <= books.offered * inside).all()
        assert ((outcome.accepted * signs(books)).sum(axis=1) == 0).all()
        assert (outcome.pays.sum(axis=1) == outcome.surplus).all()
        assert (outcome.pays[outcome.accepted == 0] == 0).all()
        if kind.respects_limits:
            gains = books.price * outcome.accepted * signs(books) - outcome.pays
            assert (gains >= 0).all()
        surplus = np.concatenate((surplus, outcome.surplus))
    assert outcome.volume.any() and (outcome.volume == 0).any()
    expected = {"": {0}, "+": {0, 1}, "-": {-1, 0}}[SURPLUS.get(mechanism, "")]
    assert set(np.sign(surplus).tolist()) == expected


@pytest.mark.parametrize("mechanism", sorted(MECHANISMS))
def test_figures_follow_from_what_is_accepted_and_paid(mechanism: str) -> None:
    """Also those of merit_order, which computes them itself."""
    rng = np.random.default_rng(6)
    books = random_books(rng, 1_000, 9)
    outcome = cleared(books, rules_of(mechanism))
    for b in range(1_000):
        orders = [
            (int(s), int(p), int(q), int(x), Fraction(int(m) * (2 * int(s) - 1), int(x) or 1))
            for s, p, q, x, m in zip(
                books.side[b], books.price[b], books.offered[b], outcome.accepted[b],
                outcome.pays[b], strict=True,
            )
        ][: books.orders[b]]  # fmt: skip
        taken = [order for order in orders if order[3] > 0]
        volume = sum(x for s, _, _, x, _ in taken if s == Side.BUY)
        assert outcome.volume[b] == volume
        if volume == 0:
            figures = [outcome.price_low[b], outcome.price[b], outcome.price_high[b]]
            assert (figures, outcome.case[b]) == ([0, 0, 0], Case.NONE)
            continue
        mean = sum(x * price for *_, x, price in taken) / (2 * volume)
        assert outcome.price[b] == mean.__floor__()
        prices = [price for *_, price in taken]
        if not MECHANISMS[mechanism].uniform and mechanism != "preference":  # there: one price
            assert outcome.price_low[b] == min(prices).__floor__()
            assert outcome.price_high[b] == max(prices).__ceil__()
        assert outcome.price_low[b] <= min(prices) <= max(prices) <= outcome.price_high[b]
        case = Case.EXACT
        for side, name, worst in (
            (Side.BUY, Case.MARGINAL_BUY, min),
            (Side.SELL, Case.MARGINAL_SELL, max),
        ):
            level = worst(p for s, p, _, x, _ in taken if s == side)
            if any(x < q for s, p, q, x, _ in orders if s == side and p == level):
                case = name
        assert outcome.case[b] == case


@pytest.mark.parametrize("mechanism", OTHERS)
def test_a_permuted_book_gives_the_permuted_result(mechanism: str) -> None:
    rng = np.random.default_rng(7)
    books = random_books(rng, 2_000, 8)._replace(orders=np.full(2_000, 8))
    order = rng.permuted(np.tile(np.arange(8), (2_000, 1)), axis=1)
    shuffled = Books(
        *(
            np.take_along_axis(column, order, axis=1) if column.shape == order.shape else column
            for column in books
        )
    )
    for tie_rule in TIE_RULES:
        plain, mixed = (
            cleared(b, rules_of(mechanism, tie_rule=tie_rule)) for b in (books, shuffled)
        )
        assert (np.take_along_axis(plain.accepted, order, axis=1) == mixed.accepted).all()
        assert (np.take_along_axis(plain.pays, order, axis=1) == mixed.pays).all()
        assert all((a == b).all() for a, b in zip(plain[2:], mixed[2:], strict=True))


@pytest.mark.parametrize("mechanism", OTHERS)
def test_any_range_and_any_thread_gives_the_same(mechanism: str) -> None:
    books = random_books(np.random.default_rng(8), 301, 10)
    rules = rules_of(mechanism, tie_rule="random")
    whole, parts = cleared(books, rules), soiled(books)
    clear_books = MECHANISMS[mechanism].clear
    edges = [0, 1, 100, 100, 250]
    with ThreadPoolExecutor(3) as pool:
        tasks = [pool.submit(clear_books, books, rules, parts, *span) for span in pairwise(edges)]
        assert [task.result() for task in tasks] == [None] * 4
    for a, b in zip(whole, parts, strict=True):
        assert (a[:250] == b[:250]).all()
        assert (b[250:] == -77).all()


@pytest.mark.parametrize("mechanism", OTHERS)
def test_the_biggest_books_do_not_wrap(mechanism: str) -> None:
    rng = np.random.default_rng(9)
    n = PRODUCT_CAP // (ENERGY_CAP * PRICE_CAP)
    assert n == 461
    needs = dict(zip(MECHANISMS[mechanism].needs, (PRICE_CAP, PRICE_CAP - 1), strict=False))
    for low in (-PRICE_CAP, PRICE_CAP - 2):
        side, price = rng.integers(0, 2, n), rng.integers(low, PRICE_CAP + 1, n)
        for energy in (np.full(n, ENERGY_CAP), rng.integers(1, ENERGY_CAP + 1, n)):
            result = clear(side, price, energy, mechanism, **needs)
            got = list(
                zip(
                    *(c.tolist() for c in (side, price, energy, result.accepted, result.pays)),
                    strict=True,
                )
            )
            assert result.volume > 0 and all(0 <= x <= q for _, _, q, x, _ in got)
            assert sum(x if s else -x for s, _, _, x, _ in got) == 0
            assert sum(paid for *_, paid in got) == result.surplus
            if MECHANISMS[mechanism].respects_limits:
                assert all(paid <= (x if s else -x) * p for s, p, _, x, paid in got)
            assert abs(result.price) <= PRICE_CAP


def test_without_the_compiler_too() -> None:
    code = (
        "import hashlib, numpy as np\n"
        "from oracles.random_books import random_books\n"
        "from decent_gym.clearing import MECHANISMS, Outcome, Rules\n"
        "books = random_books(np.random.default_rng(1), 25, 8)\n"
        "for name in MECHANISMS:\n"
        "    outcome = Outcome.empty(25, 8)\n"
        "    rules = Rules(name, utility=None, tie_rule='random')\n"
        "    MECHANISMS[name].clear(books, rules, outcome, 0, 25)\n"
        "    print(name, hashlib.sha256(b''.join(map(bytes, outcome))).hexdigest())\n"
    )
    told = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**os.environ, "NUMBA_DISABLE_JIT": off, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            check=True, capture_output=True, text=True,
        ).stdout
        for off in "01"
    ]  # fmt: skip
    assert told[0] == told[1] and told[0].count("\n") == len(MECHANISMS)


@pytest.mark.parametrize("mechanism", OTHERS)
def test_empty_one_sided_and_all_equal_books(mechanism: str) -> None:
    needs = dict(zip(MECHANISMS[mechanism].needs, (9, 1), strict=False))
    for side in ([], [0], [1], [0, 0, 0], [1, 1, 1]):
        n = len(side)
        result = clear(side, [5] * n, [1] * n, mechanism, **needs)
        assert (result.volume, result.price, result.case) == (0, None, Case.NONE)
        assert result.pays.tolist() == result.accepted.tolist() == [0] * n
        assert np.isnan(result.prices).all() and result.surplus == 0
    equal = clear([0, 0, 0, 1, 1, 1], [5] * 6, [2] * 6, mechanism, **needs)
    assert equal.volume == (4 if mechanism in DROPPING else 6)
    assert equal.limits_passed == 0 or mechanism in PRICE_TAKING


@pytest.mark.parametrize("mechanism", sorted(MECHANISMS))
def test_prices_per_offer(mechanism: str) -> None:
    needs = dict(zip(MECHANISMS[mechanism].needs, (9, 1), strict=False))
    result = clear([1, 1, 1, 0, 0, 0], [9, 8, 2, 1, 3, 7], [3, 2, 4, 2, 2, 2], mechanism, **needs)
    assert result.volume > 0
    paid = result.pays * np.array([1, 1, 1, -1, -1, -1])
    taken = result.accepted > 0
    assert np.allclose(result.prices[taken] * result.accepted[taken], paid[taken])
    assert np.isnan(result.prices[~taken]).all()
    assert result.price_low <= np.nanmin(result.prices) <= result.price
    assert result.price <= np.nanmax(result.prices) <= result.price_high


@pytest.mark.parametrize("mechanism", OTHERS)
def test_the_worked_example_of_the_docstring(mechanism: str) -> None:
    module = importlib.import_module(f"decent_gym.clearing.{mechanism}")
    assert all(word in module.__doc__ for word in ("Source:", ">>> "))
    found = doctest.testmod(module)
    assert found.attempted >= 2 and found.failed == 0


def test_constants_equal_the_enums() -> None:
    assert list(Case) == [totals._NONE, totals._EXACT, totals._MARGINAL_SELL, totals._MARGINAL_BUY]
    for name in ("totals", "ranking", "price_taking", *OTHERS):
        module = importlib.import_module(f"decent_gym.clearing.{name}")
        for side in Side:
            assert getattr(module, f"_{side.name}", side) == side
