"""Only the grid operator, and only in order: else an error, and nothing has changed."""

from collections.abc import Callable

import numpy as np
import pytest
from market.random_orders import MEMBERS, TARIFFS, as_orders, random_batch
from market.snapshots import header_of, snapshot

from decent_gym.errors import DecentGymError, InputError, NotAuthorizedError, RoundOrderError
from decent_gym.ledger import Ledger
from decent_gym.market import Capability, GridOperator, MarketController, Orders
from decent_gym.models import Commodity, Offer, Side

WORLDS = 3


class Town:
    """An operator with a past, a ledger that listens, and orders on their way."""

    def __init__(self):
        self.capability = Capability()
        self.operator = GridOperator(MEMBERS, self.capability, worlds=WORLDS, tariffs=TARIFFS)
        self.ledger = Ledger(header_of(self.operator))
        self.operator.listen(0, self.ledger)
        rng = np.random.default_rng(2)
        for number in range(4):
            batch = as_orders(random_batch(rng, [number] * WORLDS, 6))
            self.operator.submit(batch, self.capability)
            self.operator.close_round(self.capability)
        self.orders = as_orders(random_batch(rng, [4] * WORLDS, 6))
        self.owner, self.number = (
            int(column[0, 0, 0])
            for column in (self.operator.book.owner, self.operator.book.sequence)
        )
        self.metered = np.zeros_like(self.operator.metered)

    def refused(self, kind: type[DecentGymError], act: Callable[[], object], match: str) -> None:
        before, head, orders = snapshot(self.operator), self.ledger.head, snapshot_orders(self)
        with pytest.raises(kind, match=match):
            act()
        assert snapshot(self.operator) == before
        assert (self.ledger.head, self.ledger.rounds) == (head, 4)
        assert snapshot_orders(self) == orders


def snapshot_orders(town: Town) -> list[bytes]:
    return [column.tobytes() for column in (*town.orders.columns(), town.orders.status)]


@pytest.fixture
def town() -> Town:
    return Town()


STEPS: dict[str, Callable[[Town, object], object]] = {
    "submit": lambda t, key: t.operator.submit(t.orders, key),
    "clear": lambda t, key: t.operator.clear(key),
    "complete": lambda t, key: t.operator.complete(t.metered, key),
    "close_round": lambda t, key: t.operator.close_round(key),
    "withdraw": lambda t, key: t.operator.withdraw(0, t.number, t.owner, key),
    "reset": lambda t, key: t.operator.reset(np.zeros(WORLDS, np.int64), key),
}


class Impostor(Capability):
    """Equal to everything, but not the object itself."""

    __slots__ = ()
    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return True


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("key", [Capability(), Impostor(), None, True, "operator", Capability])
@pytest.mark.parametrize("cleared", [False, True])
def test_another_capability_changes_nothing(town, step, key, cleared):
    if cleared:
        town.operator.clear(town.capability)
    town.refused(NotAuthorizedError, lambda: STEPS[step](town, key), "only the grid operator may")


@pytest.mark.parametrize("step", STEPS)
def test_the_capability_is_all_that_was_missing(town, step):
    """So that the test above could have failed."""
    if step == "complete":
        town.operator.clear(town.capability)
    before = snapshot(town.operator)
    STEPS[step](town, town.capability)
    assert snapshot(town.operator) != before


@pytest.mark.parametrize("step", ["submit", "clear", "close_round", "withdraw"])
@pytest.mark.parametrize("first", [0, WORLDS - 1])
def test_nothing_but_completing_follows_a_clearing(town, step, first):
    if step == "withdraw":
        first = 0  # it concerns world 0 alone
    town.operator.clear(town.capability, first, first + 1)
    town.refused(RoundOrderError, lambda: STEPS[step](town, town.capability), "complete it first")


@pytest.mark.parametrize("cleared", [0, 2])
def test_completing_needs_a_clearing_of_every_world(town, cleared):
    town.operator.clear(town.capability, 0, cleared)
    town.refused(
        RoundOrderError, lambda: STEPS["complete"](town, town.capability), "clear it first"
    )


def test_completing_twice(town):
    town.operator.complete(town.operator.clear(town.capability, 1, 2), town.capability, 1, 2)
    town.refused(
        RoundOrderError,
        lambda: town.operator.complete(town.metered, town.capability, 1, 2),
        "clear it first",
    )


def test_a_reset_opens_a_cleared_round_again(town):
    town.operator.clear(town.capability)
    STEPS["reset"](town, town.capability)
    assert STEPS["submit"](town, town.capability) >= 0


def readings(town, value, account=0, dtype=np.int64):
    metered = np.zeros(town.operator.metered.shape, dtype)
    metered[1, account, 1] = value
    return metered


def bad_tariffs(town, **row):
    values = dict(zip(("retail", "feed_in", "short", "long"), TARIFFS[0].row(), strict=True)) | row
    town.operator.tariffs[2, 1] = list(values.values())


BAD_METERS = {
    "float": (lambda t: readings(t, 1, dtype=float), "got float64; round it first"),
    "nan": (lambda t: readings(t, np.nan, dtype=float), "got float64"),
    "bool": (lambda t: readings(t, True, dtype=bool), "got bool"),
    "int32": (lambda t: readings(t, 1, dtype=np.int32), "got int32"),
    "a list": (lambda t: t.metered.tolist(), "got list"),
    "one world": (lambda t: t.metered[:1], r"shape \(3, 9, 2\), got \(1, 9, 2\)"),
    "too much": (lambda t: readings(t, 2**40 + 1), "got 1099511627777"),
    "far too much": (lambda t: readings(t, -(2**63)), "got -9223372036854775808"),
    "the operator's": (lambda t: readings(t, -3, account=-1), "got -3; it balances the others"),
    "no settlement": (lambda t: readings(t, 2**36), r"heat by 687194767\d\d Wh in world 1"),
}


@pytest.mark.parametrize("case", BAD_METERS)
def test_meters_that_cannot_be_settled(town, case):
    make, match = BAD_METERS[case]
    town.operator.clear(town.capability)
    metered = make(town)
    town.refused(InputError, lambda: town.operator.complete(metered, town.capability), match)
    town.operator.complete(town.metered, town.capability)


BAD_TARIFFS = {
    "long above feed-in": {"long": 7},
    "long equals feed-in": {"long": 6},
    "feed-in above retail": {"feed_in": 21},
    "short equals retail": {"short": 20},
    "short below retail": {"short": 19},
    "short beyond the cap": {"short": 10**8 + 1},
    "long beyond the cap": {"long": -(10**8) - 1},
}


@pytest.mark.parametrize("case", BAD_TARIFFS)
def test_tariffs_are_checked_in_every_round_and_world(town, case):
    bad_tariffs(town, **BAD_TARIFFS[case])
    town.refused(InputError, lambda: town.operator.clear(town.capability), "in world 2")
    town.operator.clear(town.capability, 0, 2)


BAD_CALLS: dict[str, tuple[Callable[[Town], object], str]] = {
    "negative world": (lambda t: t.operator.clear(t.capability, -1, 2), "worlds -1 to 2"),
    "world too many": (lambda t: t.operator.clear(t.capability, 0, 4), "worlds 0 to 4"),
    "backwards": (lambda t: t.operator.submit(t.orders, t.capability, 2, 1), "worlds 2 to 1"),
    "complete": (lambda t: t.operator.complete(t.metered, t.capability, 4), "worlds 4 to 3"),
    "reset": (lambda t: t.operator.reset(t.operator.round, t.capability, 0, 9), "worlds 0 to 9"),
    "withdraw": (lambda t: t.operator.withdraw(-1, 0, 0, t.capability), "got -1"),
    "withdraw far": (lambda t: t.operator.withdraw(3, 0, 0, t.capability), "got 3"),
    "one world's orders": (
        lambda t: t.operator.submit(Orders.empty(1, 2), t.capability), "for 3 worlds, got 1",
    ),
    "count past the rows": (
        lambda t: t.operator.submit(counting(t, 3), t.capability), r"in \[0, 2\]",
    ),
    "negative count": (
        lambda t: t.operator.submit(counting(t, -1), t.capability), r"in \[0, 2\]",
    ),
    "float rounds": (lambda t: t.operator.reset(np.zeros(3), t.capability), "got float64"),
    "one round": (
        lambda t: t.operator.reset(np.zeros(1, np.int64), t.capability), r"shape \(1,\)",
    ),
    "negative round": (
        lambda t: t.operator.reset(np.array([0, -1, 0]), t.capability), r"\[0, -1, 0\]",
    ),
    "round beyond time": (
        lambda t: t.operator.reset(np.array([0, 2**41, 0]), t.capability), str(2**41),
    ),
}  # fmt: skip


def counting(town, count):
    orders = Orders.empty(WORLDS, 2)
    orders.count[2, 1] = count
    return orders


@pytest.mark.parametrize("case", BAD_CALLS)
def test_kernels_are_never_sent_out_of_bounds(town, case):
    act, match = BAD_CALLS[case]
    town.refused(InputError, lambda: act(town), match)


@pytest.mark.parametrize("field", ["price", "id", "status", "count"])
@pytest.mark.parametrize(
    "wrong",
    [np.zeros((3, 2, 2)), np.zeros((3, 2, 9), np.int64), np.zeros(3, np.int64), [1], None],
    ids=["float", "long", "flat", "list", "none"],
)
def test_orders_are_int64_of_one_shape(field, wrong):
    good = Orders.empty(WORLDS, 2)
    parts = {name: getattr(good, name) for name in Orders.__slots__}
    Orders(**parts)
    with pytest.raises(InputError, match=f"orders: {field} must be int64 of shape"):
        Orders(**parts | {field: wrong})
    with pytest.raises(AttributeError):
        good.price = wrong  # a kernel would read it unchecked


def test_the_controllers_round_needs_the_capability():
    capability = Capability()
    market = MarketController(MEMBERS, capability)
    ledger = Ledger(header_of(market.operator))
    market.listen(ledger)
    market.submit(Offer("a", Side.SELL, Commodity.HEAT, 10, 5))
    before = snapshot(market), ledger.head
    for key in (Capability(), Impostor(), None):
        with pytest.raises(NotAuthorizedError, match="only the grid operator may close a round"):
            market.close_round(key)
        assert (snapshot(market), ledger.head) == before
    market.close_round(capability)
    assert ledger.rounds == 1 and snapshot(market) != before[0]
