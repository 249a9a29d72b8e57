"""The stages around the clearing: filter, residual utility, settlement, reasons."""

from itertools import product

import numpy as np
import pytest

from decent_gym.clearing import Books, Outcome, Rules, reasons, residual, settlement
from decent_gym.clearing.merit_order import clear_books
from decent_gym.clearing.open_filter import open_filter
from decent_gym.clearing.reasons import bars, give_reasons
from decent_gym.clearing.residual import serve_residual
from decent_gym.clearing.settlement import apply_trades, settle_imbalance
from decent_gym.market import Capability, GridOperator, Orders
from decent_gym.models import Organization, Reason, Side, Tariff, no_wishes

W, C, M, N = 40, 2, 9, 4
A = N + 3


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(17)


def wide(rng: np.random.Generator, low: int, high: int) -> np.ndarray:
    return rng.integers(low, high, (W, C, M))


def taken(count: np.ndarray) -> np.ndarray:
    return np.arange(M) < count[:, :, None]


def test_open_filter_as_defined(rng: np.random.Generator) -> None:
    now, count = rng.integers(0, 5, W), rng.integers(0, M + 1, (W, C))
    start, until, unsettled, cap = (
        wide(rng, 0, 5),
        wide(rng, 1, 6),
        wide(rng, 0, 4),
        wide(rng, 1, 4),
    )
    offered = np.full((W, C, M), -9)
    open_filter(0, W, now, count, start, until, unsettled, cap, offered)
    at = now[:, None, None]
    is_open = (start <= at) & (at < until) & taken(count)
    assert (offered == np.minimum(unsettled, cap) * is_open).all()
    assert offered.any() and not offered[~is_open].any()
    untouched = np.full((W, C, M), -9)
    open_filter(3, 5, now, count, start, until, unsettled, cap, untouched)
    assert (untouched[:3] == -9).all() and (untouched[5:] == -9).all()
    assert (untouched[3:5] == offered[3:5]).all()


def random_round(rng: np.random.Generator) -> tuple[Books, Outcome, np.ndarray]:
    """Cleared books of W worlds, and owners among N organizations and the network."""
    count = rng.integers(0, M + 1, (W, C))
    columns = {
        "side": wide(rng, 0, 2),
        "price": wide(rng, -2, 9),
        "offered": wide(rng, 0, 6) * taken(count),
        "priority": np.zeros((W, C, M), np.int64),
        "sequence": np.tile(np.arange(M), (W, C, 1)),
        "owner": rng.choice([0, 1, 2, 3, N + 1], (W, C, M)),
    }
    flat = {name: column.reshape(W * C, M) for name, column in columns.items()}
    books = Books(orders=count.reshape(-1), lottery=np.zeros(W * C, np.int64), **flat)
    outcome = Outcome.empty(W * C, M)
    clear_books(books, Rules(), outcome, 0, W * C)
    return books, outcome, count


def cube(column: np.ndarray) -> np.ndarray:
    return column.reshape(W, C, M)


def test_residual_utility(rng: np.random.Generator) -> None:
    books, outcome, count = random_round(rng)
    tariffs = np.zeros((W, C, 4), np.int64)
    tariffs[:, :, Tariff.RETAIL] = rng.integers(3, 7, (W, C))
    tariffs[:, :, Tariff.FEED_IN] = rng.integers(-1, 3, (W, C))
    before, paid = cube(outcome.accepted).copy(), cube(outcome.pays).copy()
    accepted, pays = cube(outcome.accepted), cube(outcome.pays)
    energy, money = np.full((W, C), -9), np.full((W, C), -9)
    side, limit, offered = cube(books.side), cube(books.price), cube(books.offered)
    serve_residual(
        0, W, count, side, limit, offered, no_wishes(0, 0, 0), 0, tariffs, accepted, pays, energy,
        money,
    )  # fmt: skip
    retail, feed_in = (tariffs[:, :, [column]] for column in (Tariff.RETAIL, Tariff.FEED_IN))
    buys = side == Side.BUY
    served = (buys & (limit >= retail)) | (~buys & (limit <= feed_in))
    assert (accepted == np.where(served, offered, before)).all()
    more = accepted - before
    assert more[buys].any() and more[~buys].any()
    assert (pays - paid == np.where(buys, more * retail, -more * feed_in)).all()
    assert (energy == np.where(buys, more, -more).sum(axis=2)).all()
    assert (pays.sum(axis=2) + money == 0).all()


def test_apply_trades(rng: np.random.Generator) -> None:
    books, outcome, count = random_round(rng)
    surplus = rng.integers(0, 50, (W, C))
    unsettled = wide(rng, 10, 20)
    rest = unsettled.copy()
    money, traded = np.zeros((W, A), np.int64), np.zeros((W, A, C), np.int64)
    owner, side = cube(books.owner), cube(books.side)
    accepted, pays = cube(outcome.accepted), cube(outcome.pays)
    apply_trades(0, W, count, owner, side, accepted, pays, surplus, unsettled, money, traded)
    assert (rest - unsettled == accepted).all()
    assert (traded.sum(axis=1) == 0).all()  # what is bought is sold
    assert (money.sum(axis=1) == surplus.sum(axis=1)).all()  # pays sums to 0 here
    for w, account in product(range(W), range(A)):
        own = owner[w] == account
        kept = surplus[w].sum() if account == A - 1 else 0
        assert money[w, account] == kept - pays[w][own].sum()
        net = np.where(side[w] == Side.BUY, accepted[w], -accepted[w])
        assert (traded[w, account] == (net * own).sum(axis=1)).all()
    assert traded[:, N + 1].any()


def test_imbalance_always_costs_and_sums_to_zero(rng: np.random.Generator) -> None:
    traded, metered = rng.integers(-50, 50, (2, W, A, C))
    tariffs = np.tile([30, 8, 40, 3], (W, C, 1))
    money = np.zeros((W, A), np.int64)
    settle_imbalance(0, W, traded, metered, tariffs, money)
    assert (money.sum(axis=1) == 0).all()
    for w, account in product(range(W), range(A - 1)):
        off = metered[w, account] - traded[w, account]
        assert money[w, account] == -(40 * off[off > 0]).sum() - (3 * off[off < 0]).sum()


# what happened -> reason; window [start, until) of an order in round 10
LOSER, TIED, PART, CAPPED, DONE = range(5)


@pytest.mark.parametrize(
    ("what", "start", "until", "expected"),
    [
        (LOSER, 10, 11, Reason.OUT_OF_THE_MONEY),
        (LOSER, 10, 12, Reason.OUT_OF_THE_MONEY),
        (LOSER, 9, 11, Reason.EXPIRED),
        (TIED, 10, 11, Reason.MARGINAL),
        (TIED, 8, 14, Reason.MARGINAL),
        (TIED, 8, 11, Reason.EXPIRED),
        (PART, 10, 11, Reason.MARGINAL),
        (PART, 9, 12, Reason.MARGINAL),
        (PART, 9, 11, Reason.EXPIRED),
        (CAPPED, 9, 12, Reason.OPEN),
        (CAPPED, 10, 11, Reason.EXPIRED),
        (CAPPED, 9, 11, Reason.EXPIRED),
        (DONE, 9, 11, Reason.FILLED),
        (DONE, 10, 11, Reason.FILLED),
    ],
)
@pytest.mark.parametrize("side", list(Side))
def test_reasons_of_the_book(
    side: Side, what: int, start: int, until: int, expected: Reason
) -> None:
    worse = -1 if side == Side.BUY else 1
    limit = 50 + (worse if what == LOSER else 0)
    accepted = [0, 0, 3, 5, 5][what]
    left = {LOSER: 5, TIED: 5, PART: 2, CAPPED: 4, DONE: 0}[what]
    assert reason_of(side, limit, start, until, left, 5, accepted, 9, 50) == expected


@pytest.mark.parametrize(
    ("start", "until", "left", "expected"),
    [
        (11, 13, 5, Reason.OPEN),
        (7, 10, 5, Reason.EXPIRED),
        (7, 12, 0, Reason.FILLED),
    ],
)
def test_reasons_outside_the_book(start: int, until: int, left: int, expected: Reason) -> None:
    assert reason_of(0, 50, start, until, left, 0, 0, 9, 50) == expected


def test_without_a_price_everybody_is_out_of_the_money() -> None:
    for side in Side:
        assert reason_of(side, 0, 10, 11, 5, 5, 0, 0, 0) == Reason.OUT_OF_THE_MONEY
    # but not whom the residual utility served in part
    assert reason_of(0, 0, 10, 12, 2, 5, 3, 0, 0) == Reason.MARGINAL


def reason_of(
    side: int, limit: int, start: int, until: int, left: int, offered: int, accepted: int,
    volume: int, price: int,
) -> Reason:  # fmt: skip
    slots = [np.full((1, 1, 2), value) for value in (side, limit, start, until, left, offered)]
    out = np.full((1, 1, 2), -1)
    give_reasons(
        0, 1, np.array([10]), np.array([[1]]), *slots, np.full((1, 1, 2), accepted),
        np.array([[volume]]), np.array([[price]]), np.array([[price]]), out,
    )  # fmt: skip
    assert out[0, 0, 1] == 0  # a free slot
    return Reason(int(out[0, 0, 0]))


def test_only_orders_at_the_price_are_marginal(rng: np.random.Generator) -> None:
    books, outcome, count = random_round(rng)
    left, out = cube(books.offered) - cube(outcome.accepted), np.empty((W, C, M), np.int64)
    start, until = np.zeros((W, C, M), np.int64), np.full((W, C, M), 9)
    volume, price = outcome.volume.reshape(W, C), outcome.price.reshape(W, C)
    give_reasons(
        0, W, np.zeros(W, np.int64), count, cube(books.side), cube(books.price), start, until,
        left, cube(books.offered), cube(outcome.accepted), volume, price, price, out,
    )  # fmt: skip
    marginal = out == Reason.MARGINAL
    assert marginal.any()
    assert (cube(books.price) == price[:, :, None])[marginal].all()


@pytest.mark.parametrize("by_limit", [False, True])
def test_bars_as_defined(rng: np.random.Generator, by_limit: bool) -> None:
    books, outcome, count = random_round(rng)
    side, limit, accepted = cube(books.side), cube(books.price), cube(outcome.accepted)
    each = limit + rng.integers(-3, 4, limit.shape)  # prices of their own, of any kind
    pays = np.where(side == Side.BUY, 1, -1) * (accepted * each + rng.integers(-1, 2, limit.shape))
    pays *= accepted > 0
    bid_bar, ask_bar = np.full((W, C), -9), np.full((W, C), -9)
    bars(0, W, count, side, limit, accepted, pays, by_limit, bid_bar, ask_bar)
    seen = 0
    for w, c in product(range(W), range(C)):
        taken = [
            (int(side[w, c, i]), int(limit[w, c, i]), int(pays[w, c, i]), int(accepted[w, c, i]))
            for i in range(count[w, c])
            if accepted[w, c, i] > 0
        ]
        if not taken:
            assert bid_bar[w, c] == ask_bar[w, c] == 0
            continue
        bids = [p if by_limit else -(-m // x) for s, p, m, x in taken if s == Side.BUY]
        asks = [p if by_limit else -m // x for s, p, m, x in taken if s == Side.SELL]
        assert bid_bar[w, c] == (min(bids) if by_limit else max(bids))
        assert ask_bar[w, c] == (max(asks) if by_limit else min(asks))
        seen += 1
    assert seen > 20


def reasons_under(mechanism: str, limits: list[tuple[int, int]]) -> list[str]:
    """Reasons of one-round offers of 10 Wh by as many organizations, as the operator gives them."""
    n = len(limits)
    capability = Capability()
    members = [Organization(f"m{i}") for i in range(n)]
    operator = GridOperator(members, capability, rules=Rules(mechanism, utility=None))
    orders = Orders.empty(1, n)
    orders.count[0, 0] = n
    orders.owner[0, 0] = np.arange(n)
    orders.side[0, 0], orders.price[0, 0] = np.array(limits).T
    orders.energy[:], orders.cap[:], orders.until[:] = 10, 10, 1
    assert operator.submit(orders, capability) == 0
    records = []
    operator.listen(
        0, type("Listener", (), {"on_round": lambda _, record: records.append(record)})()
    )
    operator.close_round(capability)
    return [Reason(int(reason)).name for reason in records[0].electricity.reason]


def test_reasons_where_orders_have_prices_of_their_own() -> None:
    book = [(1, 9), (1, 8), (1, 7), (1, 4), (0, 2), (0, 3), (0, 5), (0, 12)]
    dropped = ["FILLED"] * 2 + ["MARGINAL", "OUT_OF_THE_MONEY"]
    for mechanism in ("mcafee", "trade_reduction", "huang"):
        assert reasons_under(mechanism, book) == dropped * 2
    paired = ["FILLED"] * 3 + ["OUT_OF_THE_MONEY"]
    for mechanism in ("pay_as_bid", "continuous_double_auction", "vcg", "merit_order"):
        assert reasons_under(mechanism, book) == paired * 2
    # all pairs trade at 5; 5 would be a good price for the third bid, but it had to beat 6
    outbid = [(1, 6), (1, 6), (1, 5), (0, 4), (0, 4)]
    lost = ["FILLED", "FILLED", "OUT_OF_THE_MONEY", "FILLED", "FILLED"]
    assert reasons_under("pay_as_bid", outbid) == lost


def test_constants_equal_the_enums() -> None:
    names = ("OPEN", "FILLED", "MARGINAL", "OUT_OF_THE_MONEY", "EXPIRED")
    assert all(getattr(reasons, "_" + name) == Reason[name] for name in names)
    assert reasons._BUY == residual._BUY == settlement._BUY == Side.BUY
    assert (residual._RETAIL, residual._FEED_IN) == (Tariff.RETAIL, Tariff.FEED_IN)
    assert (settlement._SHORT, settlement._LONG) == (Tariff.SHORT, Tariff.LONG)
