"""Fresh order flow: the same from the same seed, distributed as it says, with true values."""

import numpy as np
import pytest

from decent_gym.clearing import Rules
from decent_gym.errors import InputError, UnknownNameError
from decent_gym.models import Side
from decent_gym.replay import BEHAVIOURS, ORDER_FLOWS, BookSet, order_flow, reclear
from decent_gym.units import ENERGY_CAP, PRICE_CAP

KINDS = ("district", "pivotal", "ties", "uniform")


def loss(book_set: BookSet) -> np.ndarray:
    """How far each limit lies on the wrong side of the true value, (B, M)."""
    return (2 * book_set.books.side - 1) * (book_set.books.price - book_set.value)


def test_these_are_the_kinds() -> None:
    assert tuple(sorted(ORDER_FLOWS)) == KINDS
    assert sorted(BEHAVIOURS) == ["truthful", "zero_intelligence"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limits", ["truthful", "zero_intelligence"])
def test_every_book_is_one_that_could_have_been_submitted(kind: str, limits: str) -> None:
    book_set = order_flow(kind, books=300, buyers=5, sellers=4, seed=3, limits=limits)
    books, slots = book_set.books, book_set.books.side.shape[1]
    assert len(book_set) == 300 and len(book_set.names) == int(books.owner.max()) + 1
    for name in books._fields:
        column = getattr(books, name)
        assert column.dtype == np.int64 and column.flags.c_contiguous, name
    assert (books.offered >= 0).all() and (books.offered <= ENERGY_CAP).all()
    assert (np.abs(books.price) <= PRICE_CAP).all()
    assert (np.sort(books.sequence, axis=1) == np.arange(slots)).all()
    assert loss(book_set).max() <= 0
    assert (loss(book_set) == 0).all() == (limits == "truthful")
    flow = ORDER_FLOWS[kind]
    assert (books.price >= flow.lowest).all() and (books.price <= flow.highest).all()
    assert (books.tariffs[:, 3] < books.tariffs[:, 1]).all()
    assert (books.tariffs[:, 0] < books.tariffs[:, 2]).all()
    outcome = reclear(book_set, Rules(utility="book" if flow.utility else None)).outcome
    assert outcome.volume.max() > 0 and (outcome.surplus == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_books_whatever_their_number(kind: str) -> None:
    for limits in BEHAVIOURS:
        few = order_flow(kind, books=20, seed=7, limits=limits)
        many = order_flow(kind, books=50, seed=7, limits=limits)
        for name in few.books._fields:
            assert (getattr(few.books, name) == getattr(many.books, name)[:20]).all(), name
        assert (few.value == many.value[:20]).all()
    other = order_flow(kind, books=20, seed=8)
    assert (few.books.sequence != other.books.sequence).any()
    assert (few.books.lottery != other.books.lottery).all()


def test_a_trader_is_the_same_in_a_larger_market() -> None:
    small = order_flow("uniform", books=40, buyers=2, sellers=3)
    large = order_flow("uniform", books=40, buyers=7, sellers=9)
    assert (small.value[:, :3] == large.value[:, :3]).all()
    assert (small.value[:, 3:] == large.value[:, 9:11]).all()


def test_uniform_is_uniform_and_independent() -> None:
    book_set = order_flow("uniform", books=20_000, buyers=3, sellers=3, seed=1)
    value = book_set.value / 1e6
    assert value.mean(axis=0) == pytest.approx(0.5, abs=0.01)
    assert value.var(axis=0) == pytest.approx(1 / 12, abs=0.003)
    assert np.abs(np.corrcoef(value.T) - np.eye(6)).max() < 0.03
    assert np.abs(np.corrcoef(book_set.books.sequence[:, 0], value[:, 0])[0, 1]) < 0.03
    assert (book_set.books.offered == 1_000).all()
    # who comes first, and the lot, are fair
    assert book_set.books.sequence.mean(axis=0) == pytest.approx(2.5, abs=0.05)
    assert len(set(book_set.books.lottery.tolist())) == 20_000


def test_zero_intelligence_is_uniform_up_to_the_value() -> None:
    book_set = order_flow("uniform", books=20_000, buyers=1, sellers=1, limits="zero_intelligence")
    value, price = book_set.value / 1e6, book_set.books.price / 1e6
    ask = (price[:, 0] - value[:, 0]) / (1 - value[:, 0])
    bid = price[:, 1] / value[:, 1]
    for share in (ask, bid):
        assert share.mean() == pytest.approx(0.5, abs=0.01)
        assert share.var() == pytest.approx(1 / 12, abs=0.003)


def test_ties_are_many() -> None:
    book_set = order_flow("ties", books=500)
    levels = [len(set(row.tolist())) for row in book_set.value]
    assert max(levels) <= 5
    assert set((book_set.books.offered // 1_000).ravel().tolist()) == {1, 2, 3}


def test_the_district_has_loads_surplus_batteries_and_the_utility() -> None:
    book_set = order_flow("district", books=2_000, buyers=5, sellers=4)
    books = book_set.books
    assert book_set.names[book_set.utility] == "utility"
    assert (books.priority == (books.owner == book_set.utility)).all()
    assert set(books.side[0][books.owner[0] == 0].tolist()) == {Side.SELL}
    assert [int((books.owner[0] == n).sum()) for n in range(10)] == [2, 1, 2, 1, 2, 1, 2, 1, 2, 2]
    assert len(set(books.offered[:, :4].ravel().tolist())) > 1_000  # unequal energies
    cleared = reclear(book_set, Rules(utility="book")).outcome
    assert (cleared.accepted[:, 4:9] == books.offered[:, 4:9]).all()  # load is always served
    prices = set(cleared.price.tolist())
    assert {300_000, 80_000} < prices and len(prices) > 100


def test_demand_sometimes_needs_every_pivotal_seller() -> None:
    book_set = order_flow("pivotal", books=400, buyers=2, sellers=2)
    bought = np.where(book_set.books.side == Side.BUY, book_set.books.offered, 0).sum(axis=1)
    assert 39_990 < bought.min() < 60_000 < bought.max() <= 120_000
    cleared = reclear(book_set, Rules(utility=None)).outcome
    assert ((cleared.accepted[:, :2] > 0).all(axis=1) | (bought <= 60_000)).all()


def test_fixed_values_hold_in_every_book_and_nobody_loses() -> None:
    book_set = order_flow("uniform", books=50, fixed={8: 800_000, 0: 2_000_000, 9: -5})
    assert (book_set.value[:, 8] == 800_000).all()
    again = order_flow("uniform", books=50, fixed={0: 2_000_000, 9: -5}, limits="zero_intelligence")
    assert (again.books.price[:, 0] == 2_000_000).all() and (again.books.price[:, 9] == -5).all()
    assert loss(again).max() <= 0


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"kind": "unifrom"}, "order flow 'unifrom'; did you mean 'uniform'"),
        ({"limits": "truthfull"}, "behaviour .* 'truthfull'; did you mean 'truthful'"),
        ({"books": 0}, r"books must be in \[1, "),
        ({"books": 1.5}, "books must be an integer"),
        ({"buyers": 0}, r"buyers must be in \[1, 1000\], got 0"),
        ({"sellers": 1001}, r"sellers must be in \[1, 1000\], got 1001"),
        ({"books": 10**6, "buyers": 500}, r"books x \(sellers \+ buyers\) x 2 must be in"),
        ({"seed": -1}, r"seed must be in \[0, "),
        ({"fixed": {16: 1}}, r"account must be in \[0, 15\], got 16"),
        ({"fixed": {0: 10**9}}, r"value of account 0 must be in"),
    ],
)
def test_a_slip_is_named(keywords: dict[str, object], says: str) -> None:
    with pytest.raises((InputError, UnknownNameError), match=says):
        order_flow(**keywords)  # type: ignore[arg-type]
