"""Every mechanism against its definition, and what must hold for all of them."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from oracles import mechanisms as oracle
from oracles.random_books import orders_of, random_books, small_books, soiled

from decent_gym.clearing import MECHANISMS, Books, Outcome, Rules

K_RULES = ("midpoint", 0, 1, "1/3")
ORACLES = {
    "pay_as_bid": oracle.pay_as_bid,
    "mcafee": oracle.mcafee,
    "continuous_double_auction": oracle.continuous_double_auction,
}
OTHERS = sorted(set(MECHANISMS) - {"merit_order"})


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
    assert_as_defined(units, rules_of(mechanism))
    assert_as_defined(mixed, rules_of(mechanism))
