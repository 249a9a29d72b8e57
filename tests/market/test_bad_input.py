"""What is refused at the door: a named error, the field and its value, and nothing has changed."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from market.random_orders import MEMBERS, TARIFFS
from market.snapshots import header_of, snapshot

from decent_gym.clearing import Rules, order_faults
from decent_gym.errors import InputError, OfferError
from decent_gym.ledger import Ledger
from decent_gym.market import Capability, GridOperator, MarketController, Orders, Tariffs
from decent_gym.market.admission import refusal
from decent_gym.models import Commodity, Offer, Organization, Side
from decent_gym.units import BOOK_ENERGY_CAP

START = datetime(2020, 1, 1, tzinfo=UTC)
GOOD = {
    "organization": "a",
    "side": Side.SELL,
    "commodity": Commodity.HEAT,
    "energy": 1_000,
    "price": 80_000,
}
NAN, INF = float("nan"), float("inf")
HEAT = int(Commodity.HEAT)


class Town:
    """A market two rounds old, with open offers and a ledger."""

    def __init__(self):
        self.capability = Capability()
        self.market = MarketController(MEMBERS, self.capability, tariffs=TARIFFS, start=START)
        self.operator = self.market.operator
        self.ledger = Ledger(header_of(self.operator))
        self.market.listen(self.ledger)
        for name, side, price in (("a", Side.SELL, 90_000), ("b", Side.BUY, 70_000)):
            self.market.submit(
                Offer(name, side, Commodity.HEAT, 500, price, valid_until=9, id=77, device=3)
            )
        for _ in range(2):
            self.market.close_round(self.capability)

    def refused(self, act: Callable[[], object]) -> InputError:
        before, head = snapshot(self.market), self.ledger.head
        with pytest.raises(InputError) as caught:
            act()
        assert snapshot(self.market) == before
        assert self.ledger.head == head
        return caught.value


@pytest.fixture
def town() -> Town:
    return Town()


GOOD_EDGES: dict[str, dict[str, object]] = {
    "least energy": {"energy": 1},
    "most energy": {"energy": 10**8},
    "highest price": {"price": 10**8},
    "lowest price": {"price": -(10**8)},
    "numpy integers": {"energy": np.int64(5), "price": np.uint8(7), "id": np.int16(4)},
    "plain integers for codes": {"side": 0, "commodity": 1},
    "the last round": {"start": 673, "valid_until": 674},
    "the longest window": {"valid_until": 674},
    "largest id and device": {"id": 2**53 - 1, "device": 2**53 - 1},
    "id 0": {"id": 0},
    "another's id": {"organization": "c", "id": 77},
    "a touch better than its own sale": {"side": Side.BUY, "price": 89_999},
    "crossing, but only after its own sale": {
        "side": Side.BUY, "price": 95_000, "start": 9, "valid_until": 20,
    },
    "crossing in the other book": {
        "side": Side.BUY, "price": 95_000, "commodity": Commodity.ELECTRICITY,
    },
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD_EDGES)
def test_a_good_offer_at_the_edge_is_taken(town, case):
    number = town.market.submit(Offer(**GOOD | GOOD_EDGES[case]))
    assert town.market.status(number).is_open


def test_an_own_id_and_a_number_never_meet(town):
    """Ids are the participant's, numbers the market's: neither takes the other's place."""
    market = town.market
    number = market.submit(Offer(**GOOD))
    later = [market.submit(Offer(**GOOD | {"id": i})) for i in (number, number + 2)]
    later.append(market.submit(Offer(**GOOD)))
    assert later == [number + 1, number + 2, number + 3]
    assert town.operator.book.table(0, HEAT)[:, 0].tolist() == [77, 77, -1, 2, 4, -1]


def test_an_id_is_taken_for_good(town):
    town.market.submit(Offer(**GOOD | {"id": 5}))
    town.market.close_round(town.capability)
    assert not town.market.status(2).is_open
    assert town.refused(lambda: town.market.submit(Offer(**GOOD | {"id": 5}))).field == "id"


def test_too_many_offers():
    town = Town()
    town.operator.max_offers = 4
    town.market.withdraw("a", 0)  # it keeps its place until the round closes
    for _ in range(3):
        town.market.submit(Offer(**GOOD))
    error = town.refused(lambda: town.market.submit(Offer(**GOOD)))
    assert (type(error), error.field, error.value) == (OfferError, "organization", "a")
    assert "has 4 offers in this book already" in str(error)
    town.market.submit(Offer(**GOOD | {"organization": "c"}))
    town.market.submit(Offer(**GOOD | {"commodity": Commodity.ELECTRICITY}))
    town.market.close_round(town.capability)
    for _ in range(4):
        town.market.submit(Offer(**GOOD))


def test_withdrawing_over_and_over_does_not_fill_the_book():
    town = Town()
    with pytest.raises(OfferError, match="offers in this book already"):
        for _ in range(2_000):
            town.market.withdraw("a", town.market.submit(Offer(**GOOD)))
    assert town.operator.book.capacity <= 2_048


def test_a_share_of_the_book():
    """No organization can keep the others out, or make sums wrap."""
    town = Town()
    share = BOOK_ENERGY_CAP // 2 // 8  # five of the six organizations are members, three accounts
    assert town.operator.energy_limit.tolist() == [share] * 4 + [BOOK_ENERGY_CAP // 2] + [share] * 4
    whole, rest = divmod(share - 500, 10**8)
    for _ in range(whole):
        town.market.submit(Offer(**GOOD | {"energy": 10**8}))
    error = town.refused(lambda: town.market.submit(Offer(**GOOD | {"energy": rest + 1})))
    assert (type(error), error.field, error.value) == (OfferError, "energy", rest + 1)
    assert f"share of the book, {share} Wh" in str(error)
    town.market.submit(Offer(**GOOD | {"energy": rest}))
    town.market.submit(Offer(**GOOD | {"energy": 10**8, "organization": "c"}))


def test_full_books_at_the_highest_price_are_exact():
    """Every share used up, at both ends of the price cap: all sums fit."""
    capability = Capability()
    members = [Organization("a"), Organization("b")]
    for price in (10**8, -(10**8)):
        operator = GridOperator(members, capability)
        whole, rest = divmod(int(operator.energy_limit[0]), 10**8)
        orders = Orders.empty(1, 2 * (whole + 1))
        orders.count[:] = 2 * (whole + 1)
        orders.owner[:, :, whole + 1 :] = orders.side[:, :, whole + 1 :] = 1
        orders.energy[:] = orders.cap[:] = 10**8
        orders.energy[:, :, [whole, -1]] = rest
        orders.price[:] = price
        orders.until[:] = 1
        assert operator.submit(orders, capability) == 0
        operator.close_round(capability)
        moved = 2 * int(operator.energy_limit[0]) * price
        assert operator.accounts[0].tolist() == [moved, -moved, 0, 0, 0]


def test_accounts_stay_in_64_bits():
    """Two friends that pay each other absurd sums are stopped before an account could wrap."""
    capability = Capability()
    market = MarketController([Organization("a"), Organization("b")], capability)
    balances = [0]
    with pytest.raises(OfferError, match="an account beyond") as caught:
        for _ in range(100):
            for commodity in Commodity:
                for _ in range(40):
                    for name, side in (("a", Side.SELL), ("b", Side.BUY)):
                        market.submit(Offer(name, side, commodity, 10**8, 10**8))
            market.close_round(capability)
            balances.append(market.balance("a"))
    assert (caught.value.field, caught.value.value) == ("organization", "a")
    assert balances == sorted(balances) and 2**60 < balances[-1] < 2**62
    assert market.balance("b") == -balances[-1]


def test_an_offer_is_withdrawn_once(town):
    town.market.withdraw("a", 0)
    error = town.refused(lambda: town.market.withdraw("a", 0))
    assert (type(error), error.field, error.value) == (OfferError, "number", 0)


def test_round_at(town):
    market = town.market
    assert [market.round_at(START + timedelta(minutes=15 * n)) for n in (0, 1, 96)] == [0, 1, 96]
    elsewhere = timezone(timedelta(hours=5, minutes=45))
    assert market.round_at((START + timedelta(hours=1)).astimezone(elsewhere)) == 4


TARIFF = {"retail": 300_000, "feed_in": 80_000, "short": 400_000, "long": 40_000}


def test_tariffs_may_touch_where_nobody_can_gain():
    same = Tariffs(retail=5, feed_in=5, short=6, long=4)
    assert same.row() == (5, 5, 6, 4)


MARKETS: dict[str, tuple[dict[str, object], str]] = {
    "no organization": ({"organizations": []}, "at least one organization, got none"),
    "a name twice": ({"organizations": [MEMBERS[0], MEMBERS[0]]}, "'a' is used twice"),
    "names instead": ({"organizations": ["a", "b"]}, "must be Organization objects, got 'a'"),
    "no capability": ({"capability": None}, "capability must be a Capability(), got None"),
    "its class": ({"capability": Capability}, "capability must be a Capability(), got <class"),
    "tariffs missing": ({"tariffs": {Commodity.HEAT: TARIFFS[1]}}, "for Commodity.ELECTRICITY"),
    "tariffs as numbers": ({"tariffs": {0: (1, 2, 3, 4), 1: TARIFFS[1]}}, "got (1, 2, 3, 4)"),
    "residual without utility": (
        {"organizations": MEMBERS[:2], "rules": Rules(utility="residual")}, "priority=1",
    ),
}  # fmt: skip
OPERATORS: dict[str, tuple[dict[str, object], str]] = {
    "no world": ({"worlds": 0}, "worlds must be in [1, 2147483647], got 0"),
    "worlds float": ({"worlds": 2.0}, "worlds must be an integer, got float 2.0"),
    "worlds bool": ({"worlds": True}, "worlds must be an integer, got the bool True"),
    "no capacity": ({"capacity": 0}, "capacity must be in [1"),
    "no offers": ({"max_offers": 0}, "max_offers must be in [1"),
    "start off the grid": ({"start": 901}, "start 901 is off the 15-minute grid"),
    "start before 1970": ({"start": -900}, "start must be in [0, 1099511627776], got -900"),
    "start float": ({"start": 900.0}, "start must be an integer, got float 900.0"),
    **MARKETS,
}
STARTS: dict[str, tuple[dict[str, object], str]] = {
    "start naive": ({"start": datetime(2020, 1, 1)}, "2020-01-01 00:00:00 has no time zone"),
    "start off": ({"start": START + timedelta(minutes=1)}, "00:01:00+00:00 is off the 15-minute"),
    "start int": ({"start": 900}, "must be a datetime, got int 900"),
    "start 1969": ({"start": datetime(1969, 1, 1, tzinfo=UTC)}, "start must be in [0, 10995116"),
    **MARKETS,
}
BASE = {"organizations": MEMBERS, "capability": Capability(), "tariffs": TARIFFS}


@pytest.mark.parametrize("case", OPERATORS)
def test_a_bad_operator_is_refused(case):
    changes, text = OPERATORS[case]
    with pytest.raises(InputError, match=re.escape(text)):
        GridOperator(**BASE | changes)


@pytest.mark.parametrize("case", STARTS)
def test_a_bad_market_is_refused(case):
    changes, text = STARTS[case]
    with pytest.raises(InputError, match=re.escape(text)):
        MarketController(**BASE | changes)


def test_every_code_has_a_sentence():
    """`refusal` knows each code, and names the field, the value and the owner."""
    orders = Orders.empty(1, 1, wishes=True)
    orders.wishes[:] = 42
    for name in ("id", "side", "price", "energy", "start", "until", "device", "cap"):
        getattr(orders, name)[:] = 42
    limits = {"horizon": 672, "max_offers": 3, "energy": 9}
    codes = [
        code for name, code in vars(order_faults).items()
        if name.isupper() and name[0] != "_" and 0 < code < 100
    ]  # fmt: skip
    assert sorted(codes) == list(range(1, 22))
    for code in codes:
        orders.status[:] = code
        error = refusal(orders, (0, HEAT, 0), "someone", 5, limits)
        wish = dict.fromkeys(("attributes", "premium", "partner"), 42)
        assert error.value == {"organization": "someone", "wish": wish}.get(error.field, 42)
        assert f"someone's 42 offer of heat: {error.field} {error.value!r} " in str(error)
