"""Gains from trade under every mechanism, against counting them order by order."""

import numpy as np
import pytest
from oracles import book_sets as oracle

from decent_gym.clearing import MECHANISMS, Rules
from decent_gym.metrics import (
    best_welfare,
    limits_passed,
    marginal_markup,
    residual_supplies,
    rules_for,
    savings,
    surplus,
    welfare,
    withheld,
)
from decent_gym.replay import reclear, retailer_only

SELL, BUY = oracle.SELL, oracle.BUY


@pytest.fixture(scope="module", params=[False, True], ids=["alone", "utility"])
def book_set(request):
    return oracle.random_set(7, utility=request.param)


def rules(name, book_set):
    return rules_for(name, Rules(utility=None if book_set.utility is None else "book"))


@pytest.mark.parametrize("name", MECHANISMS)
def test_welfare_is_what_everybody_gains(name, book_set):
    cleared = reclear(book_set, rules(name, book_set))
    gained = surplus(book_set, cleared)
    total = welfare(book_set, cleared)
    passed = limits_passed(book_set, cleared)
    for b in range(len(book_set)):
        expected = oracle.surplus(book_set, cleared, b)
        assert [expected[n] for n in range(len(book_set.names))] == gained[b].tolist()
        assert gained[b].sum() + cleared.outcome.surplus[b] == total[b]
        broken = 0
        for _, side, limit, _, _, accepted, pays in oracle.orders(book_set, cleared, b):
            broken += pays > limit * accepted if side == BUY else -pays < limit * accepted
        assert broken == passed[b]
    if MECHANISMS[name].respects_limits:
        assert not passed.any()
    else:
        assert passed.any()


@pytest.mark.parametrize("name", MECHANISMS)
def test_nothing_beats_the_best(name, book_set):
    best = best_welfare(book_set)
    assert [oracle.best_welfare(book_set, b) for b in range(len(book_set))] == best.tolist()
    assert (welfare(book_set, reclear(book_set, rules(name, book_set))) <= best).all()


def test_merit_order_on_true_limits_is_the_best(book_set):
    honest = oracle.truthful(book_set)
    cleared = reclear(honest, rules("merit_order", honest))
    assert welfare(honest, cleared).tolist() == best_welfare(book_set).tolist()


def test_savings_are_against_the_retailer(book_set):
    alone = retailer_only(book_set)
    for b in range(len(book_set)):
        for owner, side, limit, _, offered, accepted, pays in oracle.orders(book_set, alone, b):
            retail, feed_in = (int(book_set.books.tariffs[b, k]) for k in (0, 1))
            served = limit >= retail if side == BUY else limit <= feed_in
            served = served and book_set.utility is not None and owner != book_set.utility
            assert accepted == (offered if served else 0)
            assert pays == accepted * (retail if side == BUY else -feed_in)
    assert not savings(book_set, alone).any()
    cleared = reclear(book_set, rules("vcg", book_set))
    expected = surplus(book_set, cleared) - surplus(book_set, alone)
    assert savings(book_set, cleared).tolist() == expected.tolist()


@pytest.mark.parametrize("name", ["merit_order", "pay_as_bid", "mid_market_rate"])
def test_markup_of_the_marginal_member(name, book_set):
    cleared = reclear(book_set, rules(name, book_set))
    found = marginal_markup(book_set, cleared)
    seen = 0
    for b in range(len(book_set)):
        sold = [
            (value, accepted, -pays)
            for owner, side, _, value, _, accepted, pays in oracle.orders(book_set, cleared, b)
            if side == SELL and accepted and owner != book_set.utility
        ]
        cost = max((value for value, _, _ in sold), default=None)
        energy = sum(accepted for value, accepted, _ in sold if value == cost)
        earned = sum(money for value, _, money in sold if value == cost)
        if earned <= 0:
            assert np.isnan(found[b])
        else:
            seen += 1
            assert found[b] == pytest.approx((earned / energy - cost) / (earned / energy))
    assert seen > 5


def test_withheld_energy(book_set):
    cleared = reclear(book_set, rules("merit_order", book_set))
    expected = []
    for b in range(len(book_set)):
        price, traded = int(cleared.outcome.price[b]), cleared.outcome.volume[b] > 0
        kept = 0
        for owner, side, limit, value, offered, accepted, _ in oracle.orders(book_set, cleared, b):
            if owner != book_set.utility and traded:
                sign = 1 if side == SELL else -1
                kept += (offered - accepted) * (sign * value < sign * price < sign * limit)
        expected.append(kept)
    assert withheld(book_set, cleared).tolist() == expected
    assert sum(expected) > 0
    honest = oracle.truthful(book_set)
    assert not withheld(honest, reclear(honest, rules("merit_order", honest))).any()


@pytest.mark.parametrize("with_utility", [False, True])
def test_residual_supply(book_set, with_utility):
    found = residual_supplies(book_set, utility=with_utility)
    cleared = retailer_only(book_set)
    for b in range(len(book_set)):
        rows = [row for row in oracle.orders(book_set, cleared, b) if row[0] != book_set.utility]
        supply = sum(row[4] for row in rows if row[1] == SELL)
        demand = sum(row[4] for row in rows if row[1] == BUY)
        if with_utility and book_set.utility is not None:
            supply += 10**8
        for k, n in enumerate(book_set.members.tolist()):
            own = sum(row[4] for row in rows if row[0] == n and row[1] == SELL)
            if demand == 0:
                assert np.isnan(found[b, k])
            else:
                assert found[b, k] == pytest.approx((supply - own) / demand, abs=0)
