"""Where truth is claimed to be the best report, no other report gains: exactly, lot by lot."""

from collections.abc import Iterator

import numpy as np
import pytest
from oracles.random_books import rows, small_books, soiled

from decent_gym.clearing import MECHANISMS, Books, Outcome, Rules

TRUTHFUL = ["mcafee"]
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


@pytest.mark.parametrize("tie_rule", ["pro_rata", "random"])
@pytest.mark.parametrize("mechanism", TRUTHFUL)
def test_no_lie_gains_in_any_book_of_three_by_three(mechanism: str, tie_rule: str) -> None:
    """Values 0, 2, 4, 6, 8; every report from -1 to 9."""
    books = small_books((1,))
    books = books._replace(price=2 * books.price)
    worst = [more.max() for more in best_gain_from_lying(books, mechanism, tie_rule=tie_rule)]
    assert len(worst) == 6 * 11
    assert max(worst) == 0  # some lies change nothing


@pytest.mark.parametrize("mechanism", TRUTHFUL)
def test_no_random_lie_gains(mechanism: str) -> None:
    lies = 0
    for n in (1, 2, 3, 5, 8, 20):
        books = unit_books(n, 10_000, n, high=60)
        rng = np.random.default_rng(n)
        who, report = rng.integers(0, 2 * n, 10_000), rng.integers(-5, 70, 10_000)
        lie = misreported(books, who, report)
        honest = gain(books, cleared(books, mechanism), books.price, who)
        more = gain(lie, cleared(lie, mechanism), books.price, who) - honest
        assert more.max() == 0
        lies += int((more < 0).sum())
    assert lies > 1_000  # so the comparison sees what lying costs


@pytest.mark.parametrize("mechanism", ["merit_order", "pay_as_bid", "continuous_double_auction"])
def test_where_truth_is_not_claimed_a_lie_is_found(mechanism: str) -> None:
    books = rows(small_books((1,)), np.arange(0, 35**2, 7))
    assert max(more.max() for more in best_gain_from_lying(books, mechanism)) > 0


def test_mcafee_is_not_truthful_for_unequal_energies() -> None:
    """As its docstring says; the sharing of the long side depends on the reports."""
    books = small_books((1, 2))
    assert max(more.max() for more in best_gain_from_lying(books, "mcafee")) > 0


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


def test_mcafee_loses_at_most_one_deal() -> None:
    for n in (2, 4, 9):
        books = unit_books(n, 5_000, n, high=20)
        sign = 2 * books.side - 1
        best, got = (cleared(books, name) for name in ("merit_order", "mcafee"))
        assert set((best.volume - got.volume).tolist()) == {0, 1}
        optimum, gains = ((x.accepted * sign * books.price).sum(axis=1) for x in (best, got))
        assert (gains * best.volume >= (best.volume - 1) * optimum).all()
