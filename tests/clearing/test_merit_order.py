"""The default mechanism against its definition."""

import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations_with_replacement, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.merit_order import Cleared, Order, clear_slowly

import decent_gym.clearing.merit_order as kernel
from decent_gym.clearing import TIE_RULES, Books, Outcome, Rules, clear
from decent_gym.clearing.merit_order import clear_books
from decent_gym.models import Case, Side

ROOT = Path(__file__).parents[2]
K_RULES = ("midpoint", 0, 1, "1/3", Fraction(5, 7))


def random_books(rng: np.random.Generator, books: int, slots: int) -> Books:
    """Tie-heavy: few prices (some negative), small energies, two classes, gaps in the book."""
    shape = (books, slots)
    spread = rng.integers(1, 7, (books, 1))
    offered = rng.integers(1, 8, shape) * (rng.random(shape) < 0.9)
    sequence = rng.permuted(np.tile(np.arange(slots) * 3 + 5, (books, 1)), axis=1)
    return Books(
        rng.integers(0, slots + 1, books),
        rng.integers(0, 2, shape),
        rng.integers(-3, -3 + spread, shape),
        offered,
        rng.integers(0, 2, shape) * rng.integers(0, 2, (books, 1)),
        sequence,
        rng.integers(0, 5, shape),
        rng.integers(-(2**63), 2**63 - 1, books),
    )


def orders_of(books: Books, b: int) -> tuple[list[int], list[Order]]:
    """Slots and orders of one book, in plain integers."""
    slots = [i for i in range(int(books.orders[b])) if books.offered[b, i] > 0]
    columns = (books.side, books.price, books.offered, books.priority, books.sequence)
    return slots, [Order(*(int(column[b, i]) for column in columns)) for i in slots]


def soiled(books: int, slots: int) -> Outcome:
    """An outcome full of rubbish, as a reused one is."""
    return Outcome(*(np.full_like(column, -77) for column in Outcome.empty(books, slots)))


def cleared(books: Books, rules: Rules) -> Outcome:
    outcome = soiled(*books.side.shape)
    clear_books(books, rules, outcome, 0, len(books.orders))
    return outcome


def assert_as_expected(
    books: Books, outcome: Outcome, b: int, slots: list[int], expected: Cleared
) -> None:
    accepted = np.zeros(books.side.shape[1], np.int64)
    accepted[slots] = expected.accepted
    price = expected.price or 0
    got = (
        outcome.volume[b],
        outcome.price_low[b],
        outcome.price[b],
        outcome.price_high[b],
        outcome.case[b],
        outcome.surplus[b],
    )
    wanted = (expected.volume, expected.low or 0, price, expected.high or 0, expected.case, 0)
    where = f"book {b}: {orders_of(books, b)[1]}"
    assert got == wanted, where
    assert (outcome.accepted[b] == accepted).all(), where
    assert (outcome.pays[b] == accepted * price * (2 * books.side[b] - 1)).all(), where


def test_random_tie_heavy_books_as_defined() -> None:
    rng = np.random.default_rng(20261122)
    compared = 0
    for tie_rule, rule in product(TIE_RULES, K_RULES):
        books = random_books(rng, 5_000, 7)
        rules = Rules(tie_rule=tie_rule, price_rule=rule)
        outcome = cleared(books, rules)
        k = Fraction(rules.k_numerator, rules.k_denominator)
        for b in range(5_000):
            slots, orders = orders_of(books, b)
            expected = clear_slowly(orders, tie_rule, k, int(books.lottery[b]))
            assert_as_expected(books, outcome, b, slots, expected)
            compared += 1
    assert compared == 100_000


def exhaustive(energies: tuple[int, ...]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Three asks and three bids: every pair of multisets over 5 prices and these energies."""
    sides = list(combinations_with_replacement(product(range(5), energies), 3))
    for asks, bids in product(sides, sides):
        yield (*asks, *bids)


@pytest.mark.parametrize("tie_rule", TIE_RULES)
def test_every_book_of_three_by_three(tie_rule: str) -> None:
    # energies 1 and 2 Wh: 220 multisets a side, 48,400 books
    raw = np.array(list(exhaustive((1, 2))))
    n = len(raw)
    assert n == 220**2
    rng = np.random.default_rng(3)
    sequence = rng.permuted(np.tile(np.arange(6), (n, 1)), axis=1)
    books = Books(
        np.full(n, 6),
        np.tile([0, 0, 0, 1, 1, 1], (n, 1)),
        np.ascontiguousarray(raw[:, :, 0]),
        np.ascontiguousarray(raw[:, :, 1]),
        np.zeros((n, 6), np.int64),
        sequence,
        np.tile(np.arange(6), (n, 1)),
        np.arange(n),
    )
    outcome = cleared(books, Rules(tie_rule=tie_rule))
    for b in range(n):
        slots, orders = orders_of(books, b)
        assert_as_expected(
            books, outcome, b, slots, clear_slowly(orders, tie_rule, lottery=int(books.lottery[b]))
        )


@pytest.mark.parametrize("tie_rule", TIE_RULES)
def test_many_at_the_margin_as_defined(tie_rule: str) -> None:
    rng = np.random.default_rng(8)
    books = random_books(rng, 300, 60)
    books.price[:] = rng.integers(0, 2, books.price.shape)
    books.priority[:] = rng.integers(0, 5, books.price.shape) * rng.integers(0, 2, (300, 1))
    outcome = cleared(books, Rules(tie_rule=tie_rule))
    for b in range(300):
        slots, orders = orders_of(books, b)
        expected = clear_slowly(orders, tie_rule, lottery=int(books.lottery[b]))
        assert_as_expected(books, outcome, b, slots, expected)


@pytest.mark.parametrize("slots", [1_500, 9_000])
@pytest.mark.parametrize("spread", [3, 400, 300_000, 10**8])
def test_large_books_as_defined(slots: int, spread: int) -> None:
    # beyond the size at which the search changes from bisection to histograms
    rng = np.random.default_rng(slots + spread)
    side = rng.integers(0, 2, slots)
    price = rng.integers(-spread, spread + 1, slots)
    energy = rng.integers(1, 4_000, slots)
    result = clear(side, price, energy)
    bought = np.array([energy[(side == 1) & (price >= p)].sum() for p in np.unique(price)])
    sold = np.array([energy[(side == 0) & (price <= p)].sum() for p in np.unique(price)])
    assert result.volume == np.minimum(bought, sold).max()
    for p in (result.price_low, result.price_high):
        assert valid(side, price, energy, p)
    assert not valid(side, price, energy, result.price_low - 1)
    assert not valid(side, price, energy, result.price_high + 1)
    assert energy[(side == 1) & (price > result.price_high)].sum() <= result.volume
    better = np.where(side == 1, price > result.price_high, price < result.price_low)
    assert (result.accepted[better] == energy[better]).all()
    assert result.accepted[side == 0].sum() == result.accepted[side == 1].sum() == result.volume


def valid(side: np.ndarray, price: np.ndarray, energy: np.ndarray, p: int) -> bool:
    sells, buys = side == 0, side == 1
    return bool(
        energy[sells & (price < p)].sum() <= energy[buys & (price >= p)].sum()
        and energy[buys & (price > p)].sum() <= energy[sells & (price <= p)].sum()
    )


DIGEST = """
import hashlib, numpy as np
from test_merit_order import TIE_RULES, Rules, clear, cleared, random_books
digest = hashlib.sha256()
for tie_rule in TIE_RULES:
    books = random_books(np.random.default_rng(99), 120, 8)
    for column in cleared(books, Rules(tie_rule=tie_rule)):
        digest.update(column.tobytes())
    for seed in range(30):
        one = clear([1, 0, 0, 0], [9, 4, 4, 4], [10, 7, 7, 3], tie_rule=tie_rule, seed=seed)
        digest.update(one.figures.tobytes())
print(digest.hexdigest())
"""


def test_without_the_jit_the_same() -> None:
    def digest(disabled: str) -> str:
        folders = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]
        environment = {
            **os.environ,
            "NUMBA_DISABLE_JIT": disabled,
            "PYTHONPATH": os.pathsep.join(folders),
        }
        command = [sys.executable, "-W", "error", "-c", DIGEST]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert digest("1") == digest("0") != ""


def tie_shares(tie_rule: str, seed: int) -> np.ndarray:
    return clear(
        [1, 0, 0, 0, 0], [10, 5, 5, 5, 5], [10, 10, 10, 10, 10], tie_rule=tie_rule, seed=seed
    ).accepted[1:]


def test_the_lottery_is_fair_and_repeatable() -> None:
    wins = np.array([tie_shares("random", seed) for seed in range(4_000)])
    assert (np.sort(wins, axis=1) == [0, 0, 0, 10]).all()
    # 1,000 expected each, standard deviation 27
    assert (np.abs((wins > 0).sum(axis=0) - 1_000) < 5 * 27.4).all()
    assert (tie_shares("random", 8) == tie_shares("random", 8)).all()


def test_the_lottery_orders_all_losers_too() -> None:
    seen = set()
    for seed in range(300):
        shares = clear(
            [1, 0, 0, 0], [10, 5, 5, 5], [5, 3, 3, 3], tie_rule="random", seed=seed
        ).accepted[1:]
        assert sorted(shares) == [0, 2, 3]
        seen.add(tuple(shares))
    assert len(seen) == 6


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.integers(-(10**8), 10**8),
            st.integers(1, 10**8),
            st.integers(0, 2**62),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda row: row[3],
    ),
    st.sampled_from(TIE_RULES),
)
def test_extreme_values_do_not_wrap(rows: list[tuple[int, ...]], tie_rule: str) -> None:
    side, price, energy, sequence = (list(column) for column in zip(*rows, strict=True))
    result = clear(side, price, energy, tie_rule=tie_rule, sequence=sequence)
    assert result.pays.sum() == 0
    assert all(
        0 <= took <= most for took, most in zip(result.accepted.tolist(), energy, strict=True)
    )
    candidates = [min(total(rows, 0, p), total(rows, 1, p)) for p in price]
    assert result.volume == max(candidates)


def total(rows: list[tuple[int, ...]], side: int, p: int) -> int:
    return sum(r[2] for r in rows if r[0] == side and (r[1] <= p if side == 0 else r[1] >= p))


def test_constants_equal_the_enums() -> None:
    assert (kernel._SELL, kernel._BUY) == (Side.SELL, Side.BUY)
    for case in Case:
        assert getattr(kernel, f"_{case.name}") == case
    assert [TIE_RULES[code] for code in (kernel._PRO_RATA, kernel._TIME, kernel._RANDOM)] == [
        "pro_rata",
        "time",
        "random",
    ]
