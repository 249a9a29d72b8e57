"""Wishes for types and partners: against HiGHS, against `merit_order`, and known books."""

import doctest
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from oracles import preference as oracle
from oracles.both_ways import told_both_ways
from oracles.preference import cleared, some_books

from decent_gym.clearing import (
    HARD,
    LOCAL,
    MECHANISMS,
    RENEWABLE,
    TIE_RULES,
    Books,
    PreferenceResult,
    Rules,
    clear,
    preference_cost,
    preference_flow,
    preference_inputs,
    preference_prices,
    preference_products,
    preference_shares,
    preference_unmet,
    price_of_preferences,
)
from decent_gym.errors import InputError, UnknownNameError
from decent_gym.models import Side
from decent_gym.testing.books import poisoned as soiled
from decent_gym.testing.books import random_books, rows
from decent_gym.units import ENERGY_CAP, PRICE_CAP

SELL, BUY = Side.SELL, Side.BUY
BOTH = LOCAL | RENEWABLE
GREEN_AND_GREY = {
    "side": [SELL, SELL, BUY, BUY],
    "price": [10, 10, 80, 60],
    "attributes": [RENEWABLE, 0, RENEWABLE, 0],
}


def prefer(**book: object) -> PreferenceResult:
    result = clear(**book, mechanism="preference")
    assert isinstance(result, PreferenceResult) and result.limits_passed == 0
    return result


def test_without_scarcity_there_is_one_price() -> None:
    result = prefer(**GREEN_AND_GREY, energy=[100] * 4)
    assert result.accepted.tolist() == [100] * 4
    assert (result.price_low, result.price, result.price_high) == (10, 35, 60)
    assert set(result.prices.tolist()) == {35}


def test_scarce_green_costs_80_and_everything_else_60() -> None:
    result = prefer(
        side=[SELL, SELL, SELL, BUY, BUY, BUY],
        price=[10, 10, 10, 80, 70, 60],
        energy=[50, 50, 100, 100, 50, 100],
        attributes=[RENEWABLE, LOCAL, 0, RENEWABLE, LOCAL, 0],
    )
    assert result.type_prices == (60, 60, 80, None)
    assert result.prices.tolist() == [80, 60, 60, 80, 60, 60]
    assert result.accepted.tolist() == [50, 50, 100, 50, 50, 100]
    assert (result.price_low, result.price, result.price_high) == (60, 65, 80)


def test_where_rounds_per_class_charge_90_without_a_wish_and_70_for_green() -> None:
    """lemlab's book A, quality 2 being local and renewable, 1 local: nothing is scarce."""
    result = prefer(
        side=[SELL] * 4 + [BUY] * 4,
        price=[40, 60, 50, 90, 120, 80, 70, 55],
        energy=[300, 200, 400, 1000, 300, 350, 250, 200],
        attributes=[BOTH, BOTH, LOCAL, 0, 0, BOTH, LOCAL, 0],
    )
    assert result.accepted.tolist() == [300, 200, 400, 0, 300, 350, 250, 0]
    assert (result.price_low, result.price, result.price_high) == (60, 65, 70)
    assert set(result.prices[result.accepted > 0].tolist()) == {65}
    assert result.origin[5].tolist() == [0, 0, 0, 350]


def test_a_soft_wish_pays_for_what_it_gets() -> None:
    """lemlab's book C: green is worth 70 to a bid at 50, so grey must be cheaper by 20."""
    book = {
        "side": [SELL, SELL, BUY, BUY], "price": [60, 30, 50, 55], "energy": [100, 150, 120, 100],
        "attributes": [BOTH, 0, BOTH, 0], "premium": [HARD, HARD, 400, HARD],
    }  # fmt: skip
    result = prefer(**book)
    assert result.type_prices == (40, None, None, 60)
    assert result.origin.tolist() == [[0, 0, 0, 70], [150, 0, 0, 0], [50, 0, 0, 70], [100, 0, 0, 0]]
    assert result.pays.tolist() == [-70 * 60, -150 * 40, 70 * 60 + 50 * 40, 100 * 40]
    cost = price_of_preferences(**book)
    assert (cost.welfare, cost.welfare_without, cost.premium) == (2800, 3500, 1400)


def test_special_energy_is_sold_as_plain_when_nobody_wishes_for_it() -> None:
    result = prefer(side=[SELL, BUY], price=[10, 60], energy=[7, 9], attributes=[BOTH, 0])
    assert result.accepted.tolist() == [7, 7]
    assert result.origin.tolist() == [[0, 0, 0, 7], [0, 0, 0, 7]]


@pytest.mark.parametrize("partners", [False, True])
def test_random_tie_heavy_books_against_highs(partners: bool) -> None:
    highs, spreads = oracle.solver(), 0
    for seed, tie_rule in enumerate(TIE_RULES):
        rng = np.random.default_rng(100 + seed)
        books = some_books(rng, 120, 6 + 3 * seed, partners)
        rules = Rules("preference", ("midpoint", 0, 1, "1/3")[seed], tie_rule)
        outcome = cleared(books, rules)
        for b in range(120):
            assert oracle.faults(books, outcome, b, rules, highs) == []
        each = np.abs(outcome.pays) / np.maximum(outcome.accepted, 1)
        spreads += sum(len(set(p[x > 0])) > 1 for p, x in zip(each, outcome.accepted, strict=True))
    assert spreads > 30


def test_the_oracle_finds_faults() -> None:
    rules, highs = Rules("preference"), oracle.solver()
    books = some_books(np.random.default_rng(1), 60, 10, True)
    for change in ("accepted", "pays", "origin", "prices", "interval"):
        outcome = cleared(books, rules)
        traded = np.flatnonzero(outcome.volume)
        for b in traded:
            one, two = (
                np.flatnonzero((books.side[b] == s) & (outcome.accepted[b] > 0))[0] for s in (0, 1)
            )
            if change == "accepted":
                outcome.accepted[b, [one, two]] -= 1
            elif change == "pays":
                outcome.pays[b, one] += 1
            elif change == "origin":
                outcome.origin[b, two] = np.roll(outcome.origin[b, two], 1)
            elif change == "prices":
                outcome.pays[b] += np.where(books.side[b] == 1, 1, -1) * outcome.accepted[b]
            else:
                outcome.price_low[b] -= 1
        found = [bool(oracle.faults(books, outcome, b, rules, highs)) for b in traded]
        assert sum(found) > (len(found) * 9 // 10 if change != "interval" else len(found) // 3)


@pytest.mark.parametrize("tie_rule", TIE_RULES)
def test_without_wishes_it_is_merit_order(tie_rule: str) -> None:
    """Also what sells is of types, which nobody wishes for."""
    rng = np.random.default_rng(3)
    for rule in ("midpoint", 0, 1, "1/3"):
        books = random_books(rng, 500, 9)
        typed = books._replace(attributes=rng.integers(0, 4, (500, 9)) * (books.side == SELL))
        expected = soiled(books)
        MECHANISMS["merit_order"].clear(
            books, Rules("merit_order", rule, tie_rule), expected, 0, 500
        )
        for given in (books, typed):
            outcome = cleared(given, Rules("preference", rule, tie_rule))
            for a, b in zip(outcome[:8], expected[:8], strict=True):
                assert (a == b).all()
            assert (outcome.origin.sum(axis=2) == outcome.accepted).all()


@pytest.mark.parametrize("tie_rule", TIE_RULES)
def test_books_without_wishes_are_certified_as_the_kernels_for_wishes_would(tie_rule: str) -> None:
    """A bid far below all asks, for a partner who is not there, sends a book through these."""
    rng = np.random.default_rng(12)
    books = random_books(rng, 1_000, 9)._replace(orders=np.full(1_000, 9))
    books.side[:, 8], books.price[:, 8] = BUY, -PRICE_CAP
    books = books._replace(attributes=rng.integers(0, 4, (1_000, 9)) * (books.side == SELL))
    alone, absent = np.full((1_000, 9), -1), 1 + books.owner.max()
    paired = alone.copy()
    paired[:, 8] = absent
    books.offered[:, 8] = 5
    rules = Rules("preference", tie_rule=tie_rule)
    short = cleared(books._replace(partner=alone), rules)
    long = cleared(books._replace(partner=paired), rules)
    products = [
        preference_products.find_products(
            books._replace(partner=one, premium=alone), 0, 1_000
        ).counts
        for one in (alone, paired)
    ]
    assert (products[0] == 0).all() and (products[1] > 0).all()
    assert (short.origin[:, :, 1:].sum(axis=(0, 1)) > 1_000).all()
    for a, b in zip(short[:9], long[:9], strict=True):
        assert (a == b).all()


@pytest.mark.parametrize("tie_rule", TIE_RULES)
def test_a_wish_that_is_priced_out_changes_nothing(tie_rule: str) -> None:
    """Sharing, prices and their interval are those of the plain book, though products differ."""
    rng = np.random.default_rng(4)
    books = random_books(rng, 1_000, 9)._replace(orders=np.full(1_000, 9))
    books.side[:, 8], books.price[:, 8], books.offered[:, 8] = BUY, -50, 5
    typed = books._replace(attributes=rng.integers(0, 4, (1_000, 9)) * (books.side == SELL))
    typed.attributes[:, 8] = rng.integers(1, 4, 1_000)
    outcome = cleared(typed, Rules("preference", tie_rule=tie_rule))
    expected = soiled(books)
    MECHANISMS["merit_order"].clear(books, Rules(tie_rule=tie_rule), expected, 0, 1_000)
    for a, b in zip(outcome[:8], expected[:8], strict=True):
        assert (a == b).all()


def test_a_wish_where_there_is_none_of_it_moves_no_price() -> None:
    plain = prefer(**GREEN_AND_GREY | {"attributes": [0] * 4}, energy=[100] * 4)
    for limit in (59, 80, 10**8):
        result = prefer(
            side=[SELL, SELL, BUY, BUY, BUY], price=[10, 10, 80, 60, limit],
            energy=[100] * 5, attributes=[0, 0, 0, 0, RENEWABLE],
        )  # fmt: skip
        assert result.pays.tolist() == [*plain.pays.tolist(), 0]
        assert result.unmet.tolist() == [False] * 4 + [True]


def test_permuted_books_and_any_threads() -> None:
    rng = np.random.default_rng(7)
    for tie_rule, partners in product(TIE_RULES, (False, True)):
        rules = Rules("preference", tie_rule=tie_rule)
        books = some_books(rng, 400, 10, partners)._replace(orders=np.full(400, 10))
        order = rng.permuted(np.tile(np.arange(10), (400, 1)), axis=1)
        mixed = Books(
            *(
                np.take_along_axis(column, order, axis=1) if column.shape == order.shape else column
                for column in books
            )
        )
        whole, other = cleared(books, rules), cleared(mixed, rules)
        for name in ("accepted", "pays"):
            moved = np.take_along_axis(getattr(whole, name), order, axis=1)
            assert (moved == getattr(other, name)).all()
        moved = np.take_along_axis(whole.origin, order[:, :, None], axis=1)
        assert (moved == other.origin).all()
        assert all((a == b).all() for a, b in zip(whole[2:8], other[2:8], strict=True))
        parts = soiled(books)._replace(origin=np.full((400, 10, 4), -77))
        with ThreadPoolExecutor(3) as pool:
            spans = [(0, 1), (1, 90), (90, 90), (90, 300)]
            tasks = [
                pool.submit(MECHANISMS["preference"].clear, books, rules, parts, *span)
                for span in spans
            ]
            assert [task.result() for task in tasks] == [None] * 4
        for a, b in zip(whole, parts, strict=True):
            assert (a[:300] == b[:300]).all() and (b[300:] == -77).all()


@pytest.mark.parametrize("tie_rule", ["time", "random"])
def test_who_comes_first_gets_the_most_that_an_optimum_allows(tie_rule: str) -> None:
    """By class, then arrival (or lot): each side's energies are lexicographically maximal."""
    highs, rationed = oracle.solver(), 0
    rng = np.random.default_rng(11)
    books = some_books(rng, 60, 8, True)
    outcome = cleared(books, Rules("preference", tie_rule=tie_rule))
    for b in range(60):
        slots, orders = oracle.orders_of(books, b)
        for side in (SELL, BUY):
            expected = oracle.first_come(books, b, side, tie_rule == "random", highs)
            mine = {slots[k]: x for k, x in expected.items()}
            assert {i: outcome.accepted[b, i] for i in mine} == mine
            rationed += any(0 < x < orders[k].energy for k, x in expected.items())
    assert rationed > 20


def test_equal_offers_get_equal_shares() -> None:
    rng = np.random.default_rng(12)
    seen = 0
    for tie_rule in ("pro_rata", "equal_share"):
        books = some_books(rng, 800, 12, False)
        outcome = cleared(books, Rules("preference", tie_rule=tie_rule))
        columns = (books.side, books.price, books.priority, books.attributes, books.premium)
        for b in range(800):
            kinds: dict[tuple[int, ...], list[int]] = {}
            for i in range(books.orders[b]):
                if books.offered[b, i]:
                    kinds.setdefault(tuple(int(c[b, i]) for c in columns), []).append(i)
            for key, (i, *more) in kinds.items():
                if key[3] and key[0] == SELL:
                    continue  # its premium is not read
                for j in more:
                    (x, y), (p, q) = outcome.accepted[b, [i, j]], books.offered[b, [i, j]]
                    if tie_rule == "pro_rata":
                        assert abs(x * q - y * p) <= max(p, q)
                    else:
                        assert abs(x - y) <= 1 or (x == p and x < y) or (y == q and y < x)
                    seen += 0 < x < p
    assert seen > 100


def test_a_lower_class_is_served_first_among_those_who_can_be() -> None:
    """The grid's plain energy yields to a neighbour's; but it alone may serve a partner."""
    book = {
        "side": [SELL, SELL, BUY], "price": [30, 30, 50], "energy": [10, 10, 12],
        "attributes": [0, BOTH, LOCAL], "premium": [HARD, HARD, 0], "priority": [1, 0, 0],
    }  # fmt: skip
    assert prefer(**book).accepted.tolist() == [2, 10, 12]
    tied = prefer(**book, organization=["grid", "a", "b"], partner=[None, None, "grid"])
    assert tied.accepted.tolist() == [10, 0, 10]


def test_partners() -> None:
    book = {
        "side": [SELL, SELL, BUY, BUY], "price": [10, 20, 50, 40], "energy": [10, 30, 20, 20],
        "organization": ["ann", "bob", "cid", "dan"],
    }  # fmt: skip
    loyal = prefer(**book, partner=[None, None, "ann", None])
    assert loyal.accepted.tolist() == [10, 20, 10, 20]
    assert loyal.prices.tolist() == [50, 20, 50, 20]  # bob has 10 left at 20; ann is scarce to cid
    assert loyal.type_prices == (20, None, None, None)
    kind = prefer(**book, partner=["dan", None, None, None])  # ann sells to dan alone
    assert kind.accepted.tolist() == [10, 30, 20, 20]
    assert set(kind.prices.tolist()) == {30}
    cheap = prefer(**book | {"energy": [30, 30, 40, 20]}, partner=["dan", None, None, None])
    assert cheap.accepted.tolist() == [20, 30, 30, 20]
    assert cheap.prices.tolist() == [10, 50, 50, 10]  # reserved energy, of which ann has too much
    lost = prefer(**book | {"price": [60, 20, 50, 40]}, partner=[None, None, "ann", None])
    assert lost.accepted.tolist() == [0, 20, 0, 20]
    assert lost.unmet.tolist() == [False, False, True, False]


def test_unmet_wishes_as_defined() -> None:
    found = 0
    for seed in range(6):
        books = some_books(np.random.default_rng(seed), 200, 9, bool(seed % 2))
        outcome = cleared(books, Rules("preference"))
        unmet = np.full_like(books.side, -77)
        preference_unmet.unmet_wishes(books, outcome.accepted, unmet, 0, 200)
        for b in range(200):
            slots, orders = oracle.orders_of(books, b)
            pairs = [(i, j) for i, j, worth in oracle.pairs_of(orders) if worth >= orders[i].price]
            for k, (slot, order) in enumerate(zip(slots, orders, strict=True)):
                asks = order.side == SELL
                hard = order.partner >= 0 or (not asks and order.kind and order.premium == HARD)
                crossed = any(
                    (o.worth(order.kind) or o.price) >= order.price if asks
                    else order.price >= o.price
                    for o in orders if o.side != order.side
                )  # fmt: skip
                can = any(k in pair for pair in pairs)
                soft = not asks and order.kind and order.premium != HARD
                if soft:  # a partner's wish with a premium
                    crossed = any(
                        (order.worth(o.kind) or order.price) >= o.price
                        for o in orders if o.side != order.side
                    )  # fmt: skip
                expected = bool(hard) and not outcome.accepted[b, slot] and crossed and not can
                assert unmet[b, slot] == expected
                found += expected
            idle = sorted(set(range(9)) - set(slots))
            assert not unmet[b, idle].any()
    assert found > 50


def test_the_biggest_books_do_not_wrap() -> None:
    rng = np.random.default_rng(9)
    n = 461
    for low in (-PRICE_CAP, PRICE_CAP - 2):
        side, price = rng.integers(0, 2, n), rng.integers(low, PRICE_CAP + 1, n)
        result = clear(
            side, price, np.full(n, ENERGY_CAP), "preference",
            attributes=rng.integers(0, 4, n), premium=rng.integers(-1, 1001, n),
        )  # fmt: skip
        assert result.limits_passed == 0 and result.volume > 0
        assert sum(result.pays.tolist()) == result.surplus == 0
        assert (result.origin.sum(axis=1) == result.accepted).all()
        assert result.price_high <= PRICE_CAP


def test_without_the_compiler_too() -> None:
    code = (
        "import hashlib, numpy as np\n"
        "from oracles.preference import cleared, some_books\n"
        "from decent_gym.clearing import Rules\n"
        "books = some_books(np.random.default_rng(1), 20, 9, True)\n"
        "outcome = cleared(books, Rules('preference', tie_rule='random'))\n"
        "print(hashlib.sha256(b''.join(map(bytes, outcome))).hexdigest())\n"
    )
    told = told_both_ways(code)
    assert told[0] == told[1] and len(told[0]) == 65


def test_a_partner_nobody_knows_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'anna'"):
        clear(
            [1, 0], [9, 4], [10, 6], "preference", organization=["anna", "bert"],
            partner=[None, "ana"],
        )  # fmt: skip


def test_whoever_sells_grey_may_wish_for_green() -> None:
    book = {"side": [SELL, BUY, SELL, BUY], "price": [10, 50, 20, 40], "energy": [5] * 4}
    result = prefer(**book, attributes=[0, RENEWABLE, RENEWABLE, 0], organization=[7, 7, 8, 9])
    assert result.accepted.tolist() == [5] * 4
    with pytest.raises(InputError, match="organization 7 crosses itself"):
        prefer(**book, attributes=[BOTH, RENEWABLE, RENEWABLE, 0], organization=[7, 7, 8, 9])
    with pytest.raises(InputError, match=r"it sells at 10 .* and buys at 12"):
        prefer(
            side=[SELL, BUY], price=[10, 8], energy=[5, 5], attributes=[2, 2], premium=[HARD, 500],
            organization=["a", "a"],
        )  # fmt: skip


def test_whoever_sells_to_a_partner_alone_does_not_cross_itself() -> None:
    book = {"side": [SELL, SELL, BUY, BUY], "price": [10, 20, 50, 40], "energy": [5] * 4}
    result = prefer(**book, organization=["a", "b", "a", "c"], partner=["c", None, None, None])
    assert result.accepted.tolist() == [5] * 4
    assert result.pays.tolist() == [-150, -150, 150, 150]


def test_partners_by_any_label() -> None:
    book = {"side": [SELL, SELL, BUY], "price": [10, 20, 50], "energy": [5] * 3}
    for labels, partner in (
        ([3, 1, 2], [-1, -1, 1]),
        (np.array([3, 1, 2]), np.array([-1, -1, 1])),
        (["c", "a", "b"], (None, None, "a")),
    ):
        assert prefer(**book, organization=labels, partner=partner).accepted.tolist() == [0, 5, 5]


def test_price_of_preferences() -> None:
    worse = 0
    for seed in range(100):
        books = some_books(np.random.default_rng(seed), 1, 10, False)
        slots, _ = oracle.orders_of(books, 0)
        side, price, energy, attributes, premium = (
            column[0, slots]
            for column in (books.side, books.price, books.offered, books.attributes, books.premium)
        )
        owner = [f"m{k % 3}" if s else f"s{k % 2}" for k, s in enumerate(side)]
        cost = price_of_preferences(
            side, price, energy, attributes, premium, organization=owner, tie_rule="time"
        )
        assert cost.lost == cost.welfare_without - cost.welfare >= 0
        assert cost.change.sum() == -cost.lost == sum(cost.by_organization.values())
        for name, change in cost.by_organization.items():
            assert change == sum(c for c, o in zip(cost.change, owner, strict=True) if o == name)
        if not (attributes * side).any():
            assert cost.lost == 0 and not cost.change.any()
        value = (2 * side - 1) * price * cost.with_wishes.accepted
        assert cost.welfare == value.sum() and cost.premium >= 0
        worse += cost.lost > 0
    assert worse > 10


@pytest.mark.parametrize("hard", [True, False])
def test_who_bears_it(hard: bool) -> None:
    """Hard wishes hurt plain sellers, soft ones can hurt bidders without wishes."""
    rng = np.random.default_rng(1)
    side = np.repeat([SELL, BUY], 5)
    hurt = {"plain sellers": 0, "green sellers": 0, "bidders without wishes": 0}
    for _ in range(150):
        price = np.where(side == SELL, rng.integers(1, 60, 10), rng.integers(20, 100, 10))
        green = rng.random(10) < 0.4
        premium = np.full(10, HARD) if hard else rng.integers(50, 500, 10)
        cost = price_of_preferences(side, price, rng.integers(1, 100, 10), 2 * green, premium)
        hurt["plain sellers"] += cost.change[~green & (side == SELL)].sum() < 0
        hurt["green sellers"] += cost.change[green & (side == SELL)].sum() < 0
        hurt["bidders without wishes"] += cost.change[~green & (side == BUY)].sum() < 0
    assert hurt["plain sellers"] > 10 and hurt["green sellers"] == 0
    assert (hurt["bidders without wishes"] > 10) == (not hard)


def test_the_worked_example_of_the_price_of_preferences() -> None:
    found = doctest.testmod(preference_cost)
    assert found.attempted == 4 and found.failed == 0


def test_constants_equal_the_enums() -> None:
    stages = (preference_flow, preference_prices, preference_products, preference_shares)
    assert all(stage._BUY == Side.BUY for stage in (*stages, preference_unmet))
    assert preference_shares._SELL == Side.SELL
    names = ("pro_rata", "time", "random")
    assert all(getattr(preference_shares, f"_{n.upper()}") == TIE_RULES.index(n) for n in names)
    assert preference_prices._TYPES == preference_inputs.TYPES == 4
    for stage in (preference_products, preference_unmet):
        assert (stage._VALUE_CAP, stage._PERMILLE) == (PRICE_CAP, 1_000)
    assert preference_flow._WIDEST >= 2 * PRICE_CAP
    assert rows(random_books(np.random.default_rng(0), 3, 4), np.array([1])).attributes.size == 0
