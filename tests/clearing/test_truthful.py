"""Where truth is not claimed, a lie is found; published figures; fair lots.

That no lie gains where truth is claimed is a law: `test_mechanisms.test_every_law_and_the_oracle`.
"""

import numpy as np
import pytest

from benchmarks.check_mechanisms import PUBLISHED, mcafee_percentages
from decent_gym.clearing import MECHANISMS, Books, Rules, muda
from decent_gym.testing import books as made
from decent_gym.testing import cleared, small_books
from decent_gym.testing.books import rows
from decent_gym.testing.case import Case
from decent_gym.testing.truth import best_lie


def unit_books(n: int, books: int, seed: int, high: int = 1_000) -> Books:
    return made.unit_books(np.random.default_rng(seed), books, n, high)


def most_gained(mechanism: str, books: Books) -> int:
    """By the best lie: values 0, 2, 4, 6, 8; every report from -1 to 9, of every trader."""
    books = books._replace(price=2 * books.price)
    case = Case.of(MECHANISMS[mechanism], Rules(mechanism, utility=None), books)
    reports = np.arange(-1, 10)[None].repeat(len(books.orders), 0)
    return int(best_lie(case, reports, pairs=False).gain.max())


@pytest.mark.parametrize("mechanism", ["merit_order", "pay_as_bid", "continuous_double_auction"])
def test_where_truth_is_not_claimed_a_lie_is_found(mechanism: str) -> None:
    assert not MECHANISMS[mechanism].truthful
    assert most_gained(mechanism, rows(small_books((1,)), np.arange(0, 35**2, 7))) > 0


@pytest.mark.parametrize("mechanism", ["mcafee", "trade_reduction", "sbba", "trade_reduction_sbb"])
def test_unit_rules_are_not_truthful_for_unequal_energies(mechanism: str) -> None:
    """As their docstrings say: what an order gets of the longer side depends on its limit."""
    assert MECHANISMS[mechanism].truthful == "unit"
    assert most_gained(mechanism, rows(small_books((1, 2)), np.arange(0, 220**2, 5))) > 0


def test_mcafee_where_per_wh_mcafee_could_be_manipulated() -> None:
    """10@10 against 6@5: the k-th and the (k+1)-th Wh are the same offer's."""
    books = unit_books(1, 1, 0)._replace(price=np.array([[5, 10]]), offered=np.array([[6, 10]]))
    assert cleared("mcafee", books).volume.tolist() == [0]


@pytest.mark.parametrize("n", PUBLISHED)
def test_mcafees_published_percentages(n: int) -> None:
    assert mcafee_percentages(n, 40_000, 17) == pytest.approx(PUBLISHED[n], abs=0.5)


@pytest.mark.parametrize(
    "mechanism", ["mcafee", "trade_reduction", "huang", "sbba", "trade_reduction_sbb"]
)
def test_at_most_one_deal_is_lost(mechanism: str) -> None:
    for n in (2, 4, 9):
        books = unit_books(n, 5_000, n, high=20)
        sign = 2 * books.side - 1
        best, got = (cleared(name, books) for name in ("merit_order", mechanism))
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
    outcome = cleared("sbba", books)
    assert (outcome.volume == 1).all()
    assert outcome.accepted[:, 0].mean() == pytest.approx(0.5, abs=0.02)


def test_the_halves_are_fair_and_independent() -> None:
    books = unit_books(3, 20_000, 4)
    half = np.zeros(books.side.shape, np.int64)
    with np.errstate(over="ignore"):
        muda._split(0, 20_000, books.orders, books.owner, books.lottery, half)
    assert half.mean(axis=0) == pytest.approx(0.5, abs=0.02)
    assert np.abs(np.corrcoef(half.T) - np.eye(6)).max() < 0.03
