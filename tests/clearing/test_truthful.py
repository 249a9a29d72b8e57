"""Where truth is claimed to be the best report, no other report gains: exactly, lot by lot."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from oracles.random_books import rows, small_books, soiled

from decent_gym.clearing import MECHANISMS, Books, Outcome, Rules, muda

TRUTHFUL = [
    ("mcafee", {}),
    ("mcafee", {"tie_rule": "random", "price_rule": "1/3"}),
    ("trade_reduction", {}),
    ("trade_reduction_sbb", {}),
    ("trade_reduction_sbb", {"price_rule": 0}),
    ("trade_reduction_sbb", {"price_rule": 1, "tie_rule": "random"}),
    ("sbba", {}),
    ("sbba", {"tie_rule": "random"}),
    ("vcg", {}),
    ("vcg", {"tie_rule": "time"}),
    ("huang", {}),
    ("muda", {}),
    ("muda", {"tie_rule": "random", "price_rule": 0}),
]
DIVISIBLE = ["vcg", "huang", "muda"]
SEVERAL_OFFERS = ["vcg", "muda"]
PUBLISHED = {2: (77.2, 69.0), 5: (94.6, 86.1), 10: (98.4, 91.8), 50: (99.9, 98.1)}
"""McAfee's rule, U[1, 1000]: percent of the optimum in total, and to traders, by n a side."""


def cleared(books: Books, mechanism: str, **changes: object) -> Outcome:
    outcome = soiled(books)
    rules = Rules(mechanism, utility=None, **changes)
    MECHANISMS[mechanism].clear(books, rules, outcome, 0, len(books.orders))
    return outcome


def gain(books: Books, outcome: Outcome, value: np.ndarray, who: int | np.ndarray) -> np.ndarray:
    """Money's worth of the outcome to trader `who` (one, or one a book) at its true value."""
    at = np.arange(len(books.orders)), who
    sign = 2 * books.side[at] - 1
    return sign * value[at] * outcome.accepted[at] - outcome.pays[at]


def misreported(books: Books, who: int | np.ndarray, report: int | np.ndarray) -> Books:
    price = books.price.copy()
    price[np.arange(len(price)), who] = report
    return books._replace(price=price)


def best_gain_from_lying(books: Books, mechanism: str, **changes: object) -> Iterator[np.ndarray]:
    """For every trader and report: what lying brings more than the truth."""
    truth = cleared(books, mechanism, **changes)
    for who in range(books.side.shape[1]):
        honest = gain(books, truth, books.price, who)
        for report in range(-1, int(books.price.max()) + 2):
            lie = misreported(books, who, report)
            yield gain(lie, cleared(lie, mechanism, **changes), books.price, who) - honest


def unit_books(n: int, books: int, seed: int, high: int = 1_000) -> Books:
    """`n` unit offers a side, limits uniform on 1 .. high."""
    rng = np.random.default_rng(seed)
    shape = (books, 2 * n)
    return Books(
        np.full(books, 2 * n),
        np.tile([0] * n + [1] * n, (books, 1)),
        rng.integers(1, high + 1, shape),
        np.ones(shape, np.int64),
        np.zeros(shape, np.int64),
        rng.permuted(np.tile(np.arange(2 * n), (books, 1)), axis=1),
        np.tile(np.arange(2 * n), (books, 1)),
        rng.integers(-(2**63), 2**63 - 1, books),
    )


def every_gain(books: Books, mechanism: str, **changes: object) -> np.ndarray:
    """Values 0, 2, 4, 6, 8; every report from -1 to 9, of every trader."""
    books = books._replace(price=2 * books.price)
    more = np.array(list(best_gain_from_lying(books, mechanism, **changes)))
    assert more.shape == (6 * 11, len(books.orders))
    return more


@pytest.mark.parametrize(("mechanism", "changes"), TRUTHFUL)
def test_no_lie_gains_in_any_book_of_three_by_three(
    mechanism: str, changes: dict[str, object]
) -> None:
    more = every_gain(small_books((1,)), mechanism, **changes)
    assert more.max() == 0 and more.min() < 0  # some lies change nothing, some cost


@pytest.mark.parametrize("mechanism", DIVISIBLE)
def test_no_lie_gains_with_divisible_offers(mechanism: str) -> None:
    books = rows(small_books((1, 2)), np.arange(0, 220**2, 3))
    more = every_gain(books, mechanism)
    assert more.max() == 0 and more.min() < 0


@pytest.mark.parametrize("mechanism", SEVERAL_OFFERS)
def test_no_two_lies_of_one_organization_gain(mechanism: str) -> None:
    """It owns two of the three offers of a side, and reports other limits for both."""
    for pair in ((0, 1), (4, 5)):
        books = small_books((1,))
        owner = books.owner.copy()
        owner[:, pair[1]] = owner[:, pair[0]]
        books = books._replace(price=2 * books.price, owner=owner)
        worth = books.price

        def gains(reported: Books) -> np.ndarray:
            outcome = cleared(reported, mechanism)
            return sum(gain(reported, outcome, worth, who) for who in pair)  # noqa: B023

        honest = gains(books)
        for reports in product(range(-1, 10), repeat=2):
            lie = misreported(misreported(books, pair[0], reports[0]), pair[1], reports[1])
            assert (gains(lie) <= honest).all()


@pytest.mark.parametrize(("mechanism", "changes"), TRUTHFUL)
def test_no_random_lie_gains(mechanism: str, changes: dict[str, object]) -> None:
    lies = 0
    for n in (1, 2, 3, 5, 8, 20):
        books = unit_books(n, 10_000, n, high=60)
        rng = np.random.default_rng(n)
        who, report = rng.integers(0, 2 * n, 10_000), rng.integers(-5, 70, 10_000)
        lie = misreported(books, who, report)
        honest = gain(books, cleared(books, mechanism, **changes), books.price, who)
        more = gain(lie, cleared(lie, mechanism, **changes), books.price, who) - honest
        assert more.max() == 0
        lies += int((more < 0).sum())
    assert lies > 1_000  # so the comparison sees what lying costs


@pytest.mark.parametrize("mechanism", ["merit_order", "pay_as_bid", "continuous_double_auction"])
def test_where_truth_is_not_claimed_a_lie_is_found(mechanism: str) -> None:
    books = rows(small_books((1,)), np.arange(0, 35**2, 7))
    assert every_gain(books, mechanism).max() > 0


@pytest.mark.parametrize("mechanism", ["mcafee", "trade_reduction", "sbba", "trade_reduction_sbb"])
def test_unit_rules_are_not_truthful_for_unequal_energies(mechanism: str) -> None:
    """As their docstrings say: what an order gets of the longer side depends on its limit."""
    books = rows(small_books((1, 2)), np.arange(0, 220**2, 5))
    assert every_gain(books, mechanism).max() > 0


def test_mcafee_where_per_wh_mcafee_could_be_manipulated() -> None:
    """10@10 against 6@5: the k-th and the (k+1)-th Wh are the same offer's."""
    books = unit_books(1, 1, 0)._replace(price=np.array([[5, 10]]), offered=np.array([[6, 10]]))
    assert cleared(books, "mcafee").volume.tolist() == [0]


@pytest.mark.parametrize("n", PUBLISHED)
def test_mcafees_published_percentages(n: int) -> None:
    books = unit_books(n, 40_000, 17)
    sign = 2 * books.side - 1
    optimum = (cleared(books, "merit_order").accepted * sign * books.price).sum()
    outcome = cleared(books, "mcafee")
    total = (outcome.accepted * sign * books.price).sum()
    traders = total - outcome.surplus.sum()
    percent = 100 * total / optimum, 100 * traders / optimum
    assert percent == pytest.approx(PUBLISHED[n], abs=0.5)


@pytest.mark.parametrize(
    "mechanism", ["mcafee", "trade_reduction", "huang", "sbba", "trade_reduction_sbb"]
)
def test_at_most_one_deal_is_lost(mechanism: str) -> None:
    for n in (2, 4, 9):
        books = unit_books(n, 5_000, n, high=20)
        sign = 2 * books.side - 1
        best, got = (cleared(books, name) for name in ("merit_order", mechanism))
        dropping = mechanism in ("trade_reduction", "huang")
        traded = best.volume > 0
        lost = set((best.volume - got.volume)[traded].tolist())
        assert lost == ({1} if dropping else {0, 1})
        optimum, gains = ((x.accepted * sign * books.price).sum(axis=1) for x in (best, got))
        least = (best.volume - 1) * optimum
        if "sbb" in mechanism:  # in expectation over the lot
            assert (gains * best.volume).sum() >= least.sum()
        else:
            assert (gains * best.volume >= least).all()


def test_the_lot_is_fair() -> None:
    """Two sellers, two buyers, one deal: each seller is drawn half of the time."""
    books = unit_books(2, 20_000, 3)._replace(price=np.tile([3, 4, 9, 8], (20_000, 1)))
    outcome = cleared(books, "sbba")
    assert (outcome.volume == 1).all()
    assert outcome.accepted[:, 0].mean() == pytest.approx(0.5, abs=0.02)


def test_the_halves_are_fair_and_independent() -> None:
    books = unit_books(3, 20_000, 4)
    half = np.zeros(books.side.shape, np.int64)
    with np.errstate(over="ignore"):
        muda._split(0, 20_000, books.orders, books.owner, books.lottery, half)
    assert half.mean(axis=0) == pytest.approx(0.5, abs=0.02)
    assert np.abs(np.corrcoef(half.T) - np.eye(6)).max() < 0.03
