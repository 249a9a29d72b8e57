"""The best misreport is the best there is, by trying all; truth is best where it is claimed."""

import doctest
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from oracles.truth import best_shade as integrated_shade

from decent_gym.clearing import MECHANISMS, Books, Rules
from decent_gym.errors import InputError, UnknownNameError
from decent_gym.metrics import Regret, best_shade, regret_of_truth
from decent_gym.replay import ORDER_FLOWS, BookSet, order_flow, reclear
from decent_gym.testing.books import poisoned as soiled
from decent_gym.testing.books import random_books, rows, small_books
from decent_gym.units import PRICE_CAP

TRUTHFUL = ("mcafee", "trade_reduction", "trade_reduction_sbb", "sbba", "vcg", "huang", "muda")
PUBLISHED = {1: 0.267, 2: 0.159, 4: 0.084, 8: 0.038, 16: 0.023}
HIGH = 60
REPORTS = (-PRICE_CAP, *range(-HIGH, HIGH + 12), PRICE_CAP)
"""Every limit of the books below, some beyond, and the ends."""


def set_of(books: Books, value: np.ndarray | None = None, utility: int | None = None) -> BookSet:
    count = len(books.orders)
    return BookSet(
        books=books,
        value=books.price.copy() if value is None else value,
        times=np.arange(count),
        commodity=np.zeros(count, np.int64),
        names=tuple(f"trader_{n}" for n in range(int(books.owner.max()) + 1)),
        utility=utility,
    )


def profits(book_set: BookSet, rules: Rules, who: int, report: int | None) -> np.ndarray:
    """What slot `who` earns in every book with this limit (None: the truth), one lot."""
    books = book_set.books
    price = books.price.copy()
    price[:, who] = book_set.value[:, who] if report is None else report
    if rules.utility is None:
        outcome = soiled(books)
        told = books._replace(price=price)
        MECHANISMS[rules.mechanism].clear(told, rules, outcome, 0, len(books.orders))
    else:
        outcome = reclear(replace(book_set, books=books._replace(price=price)), rules).outcome
    sign = 2 * books.side[:, who] - 1
    return sign * book_set.value[:, who] * outcome.accepted[:, who] - outcome.pays[:, who]


def all_tried(book_set: BookSet, rules: Rules, who: int) -> np.ndarray:
    """The most that any limit earns, by trying every one."""
    return np.max([profits(book_set, rules, who, report) for report in REPORTS], axis=0)


@pytest.mark.parametrize("mechanism", sorted(MECHANISMS))
def test_no_limit_earns_more_than_the_best_response(mechanism: str) -> None:
    rng = np.random.default_rng(5)
    for rule in ("midpoint", "1/3"):
        books = random_books(rng, 200, 7)
        # ties in some books, gaps between limits in others: wide enough to hide a better one in
        scale = rng.choice([1, 12], (200, 1))
        price = books.price * scale + rng.integers(0, scale, books.price.shape)
        books = books._replace(owner=np.tile(np.arange(7), (200, 1)), price=price)
        value = np.where(rng.random(price.shape) < 0.5, price, rng.integers(0, HIGH, price.shape))
        book_set = set_of(books, value)
        rules = Rules(mechanism, rule, "time", utility=None)
        for who in (0, 3):
            found = regret_of_truth(book_set, rules, f"trader_{who}", lots=1)
            assert len(found.rows) > 50
            assert (found.truth == profits(book_set, rules, who, None)[found.rows]).all()
            most = np.maximum(all_tried(book_set, rules, who)[found.rows], found.truth)
            assert (found.best == most).all()


@pytest.mark.parametrize("tie_rule", ["pro_rata", "equal_share", "random"])
@pytest.mark.parametrize("utility", [None, "residual", "book"])
def test_the_same_for_every_tie_rule_and_beside_the_utility(
    tie_rule: str, utility: str | None
) -> None:
    books = random_books(np.random.default_rng(6), 150, 6)
    owner = np.tile(np.arange(6), (150, 1))
    book_set = set_of(books._replace(owner=owner), utility=5 if utility else None)
    rules = Rules("merit_order", "midpoint", tie_rule, utility=utility)
    found = regret_of_truth(book_set, rules, "trader_1", lots=1)
    most = np.maximum(all_tried(book_set, rules, 1)[found.rows], found.truth)
    assert (found.best == most).all() and found.regret > 0


def test_the_best_limit_earns_what_it_says() -> None:
    book_set = set_of(random_books(np.random.default_rng(7), 200, 8))
    rules = Rules(utility=None)
    for trader in ("trader_0", "trader_3"):  # some have several orders, on one side or both
        found = regret_of_truth(book_set, rules, trader)
        for r, row in enumerate(found.rows):
            books = book_set.books
            price = np.where(books.owner == int(trader[-1]), book_set.value, books.price)
            price[row, found.best_slot[r]] = found.best_limit[r]
            told = replace(book_set, books=books._replace(price=price))
            outcome = reclear(told, rules).outcome
            own = books.owner[row] == int(trader[-1])
            own &= np.arange(8) < books.orders[row]
            sign = 2 * books.side[row] - 1
            gain = (sign * book_set.value[row] * outcome.accepted[row] - outcome.pays[row])[own]
            assert gain.sum() == found.best[r] >= found.truth[r]
            asks, bids = (price[row][own & (sign == s) & (books.offered[row] > 0)] for s in (-1, 1))
            assert not len(asks) or not len(bids) or asks.min() > bids.max() or crossed(books, row)


def crossed(books: Books, row: int) -> bool:
    """Whether the random book had its owner cross itself from the beginning."""
    own = (books.owner[row] == books.owner[row][:, None]) & (books.side[row] == 0)[:, None]
    own &= (books.side[row] == 1)[None]
    return bool((own & (books.price[row][:, None] <= books.price[row][None])).any())


@pytest.mark.parametrize("mechanism", TRUTHFUL)
def test_truth_is_the_best_response_exactly(mechanism: str) -> None:
    every = set_of(rows(small_books((1,)), np.arange(0, 35**2, 5)))
    some = order_flow("uniform", books=60, buyers=5, sellers=5, seed=2)
    for book_set in (every, some):
        for trader in (book_set.names[0], book_set.names[-1]):
            found = regret_of_truth(book_set, Rules(mechanism, utility=None), trader, lots=4)
            assert (found.best == found.truth).all()
            assert found.regret == 0 and found.lying_gains == 0 and found.interval == (0, 0)
            assert (found.shade, found.regret_of_shade) == (0, 0)
            assert found.lots == 4


def test_what_is_not_truthful_is_found_out() -> None:
    book_set = order_flow("uniform", books=200, seed=3)
    regrets = {}
    for mechanism in ("merit_order", "pay_as_bid", "continuous_double_auction"):
        found = regret_of_truth(book_set, Rules(mechanism, utility=None), "seller_2")
        assert isinstance(found, Regret) and found.lying_gains > 0.3
        low, high = found.interval or (0, 0)
        assert 0 < low < found.regret < high
        assert 0 < found.regret_of_shade < found.regret and found.shade > 0
        assert found.profit_of_best_response == pytest.approx(found.profit_of_truth + found.regret)
        regrets[mechanism] = found.regret
    assert regrets["merit_order"] < regrets["pay_as_bid"]


@pytest.mark.parametrize("n", [1, 2, 4, 8])
def test_liquidity_cures_shading(n: int) -> None:
    """The buyer with v = 0.8 among n - 1 truthful buyers and n truthful sellers."""
    books = 12_000
    book_set = order_flow("uniform", books=books, buyers=n, sellers=n, fixed={n: 800_000})
    shade, gain = best_shade(book_set, Rules(utility=None), "buyer_1")
    assert 0.8 * shade / 1000 == pytest.approx(integrated_shade(n, 0.8), abs=0.02)
    assert 0.8 * shade / 1000 == pytest.approx(PUBLISHED[n], abs=0.02)
    assert 0 < gain < 0.1 / n**2


def test_a_pivotal_seller_asks_for_all_that_buyers_would_pay() -> None:
    book_set = order_flow("pivotal", books=120, buyers=1, sellers=2)
    found = regret_of_truth(book_set, Rules(utility=None), "seller_1")
    demand = book_set.books.offered[:, 2]
    pivotal = demand > 60_000
    assert 0.3 < pivotal.mean() < 0.9
    assert (found.best_limit[pivotal] == 2_000_000).all()
    assert (found.best[pivotal] == (demand[pivotal] - 60_000) * 1_800_000).all()
    assert (found.best[~pivotal] == found.truth[~pivotal]).all()
    assert (found.best_limit[~pivotal] == 200_000).all()
    assert found.lying_gains == pivotal.mean()


def test_lots_are_not_known_beforehand() -> None:
    """Two equal bids for one unit: who knew the lot would bid a tick more only where it loses."""
    base = rows(small_books((1,)), np.zeros(300, np.int64))
    shape = base.side.shape
    books = base._replace(
        orders=np.full(300, 3), side=np.tile([0, 1, 1, 0, 0, 0], (300, 1)),
        price=np.tile([0, 9, 9, 0, 0, 0], (300, 1)), offered=np.ones(shape, np.int64) * 2,
    )  # fmt: skip
    rules = Rules("merit_order", 0, "random", utility=None)
    many = regret_of_truth(set_of(books), rules, "trader_1", lots=64)
    assert many.profit_of_truth == 0  # the price is 9: the rejected bid's
    lower = books._replace(price=np.tile([0, 9, 8, 0, 0, 0], (300, 1)))
    value = np.tile([0, 9, 9, 0, 0, 0], (300, 1))
    few = regret_of_truth(set_of(lower, value), rules, "trader_2", lots=64)
    assert few.regret == 0  # to win it must bid 9, and then pays 9
    assert many.lots == 64 and regret_of_truth(set_of(books), rules, "trader_1").lots == 8


def test_the_same_answer_in_parts_and_in_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    from decent_gym.metrics import misreports

    book_set = order_flow("district", books=40, seed=5)
    rules = Rules("sbba", utility="residual")
    seen: list[int] = []
    whole = regret_of_truth(book_set, rules, "seller_1", lots=2, on_books=seen.append)
    monkeypatch.setattr(misreports, "CELLS_AT_ONCE", 5_000)
    parts = regret_of_truth(book_set, rules, "seller_1", lots=2, on_books=seen.append)
    for name in ("truth", "best", "best_limit", "best_slot", "shaded"):
        assert (getattr(whole, name) == getattr(parts, name)).all(), name
    assert whole.interval == parts.interval and len(whole.rows) == 40
    assert seen[0] == 40 and seen[-1] == 40 and len(seen) > 10


@pytest.mark.parametrize(
    ("trader", "keywords", "says"),
    [
        ("seller_11", {}, "trader 'seller_11'; did you mean 'seller_1'"),
        ("utility", {}, "'utility' is the utility"),
        ("seller_1", {"lots": 0}, r"lots must be in \[1, 10000\], got 0"),
    ],
)
def test_a_slip_is_named(trader: str, keywords: dict[str, int], says: str) -> None:
    book_set = order_flow("district", books=5)
    with pytest.raises((InputError, UnknownNameError), match=says):
        regret_of_truth(book_set, Rules(utility=None), trader, **keywords)


def test_who_offers_nothing_has_no_regret() -> None:
    book_set = order_flow("uniform", books=5)
    offered = book_set.books.offered.copy()
    offered[:, 0] = 0
    silent = replace(book_set, books=book_set.books._replace(offered=offered))
    with pytest.raises(InputError, match="'seller_1' has no order in these books"):
        regret_of_truth(silent, Rules(utility=None), "seller_1")
    offered[3, 0] = 1_000
    found = regret_of_truth(silent, Rules(utility=None), "seller_1")
    assert found.rows.tolist() == [3] and found.interval is None


def test_the_example_prints_both_tables(capsys: pytest.CaptureFixture[str]) -> None:
    from examples.best_response import PUBLISHED as SHOWN
    from examples.best_response import main

    main(["--books", "60"])
    text = capsys.readouterr().out
    assert tuple(PUBLISHED.values()) == SHOWN
    assert all(f"| `{name}` |" in text for name in MECHANISMS)
    assert [line.split(" |")[-2] for line in text.splitlines() if "`vcg`" in line] == [" 0.0000"]


def test_the_page_is_right() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "best-response.md"
    text = page.read_text(encoding="utf-8")
    assert doctest.testfile(str(page), module_relative=False).failed == 0
    for name in (*ORDER_FLOWS, *MECHANISMS):
        assert f"| `{name}` |" in text
