"""Wishes in the market: by hand, refused by name, in batches, and against the public function."""

from types import SimpleNamespace

import numpy as np
import pytest

from decent_gym import Commodity, MarketController, Offer, Organization, Side, Source, Wish
from decent_gym.clearing import HARD, LOCAL, RENEWABLE, Rules, clear
from decent_gym.errors import DecentGymError, InputError, OfferError, UnknownNameError
from decent_gym.market import Capability, GridOperator, Orders, Tariffs
from decent_gym.models import NO_WISH, NOBODY, WISH_FIELDS, Case, Reason, no_wishes

PREFERENCE = Rules("preference", utility=None)
NAMES = ("roof", "farm", "green", "plain", "utility")
SELL, BUY, ELECTRICITY = Side.SELL, Side.BUY, Commodity.ELECTRICITY
BOTH = Source(local=True, renewable=True)
TARIFFS = {
    Commodity.ELECTRICITY: Tariffs(90, 5, 120, 1),
    Commodity.HEAT: Tariffs(90, 5, 120, 1),
}


def market(rules=PREFERENCE):
    capability = Capability()
    members = [Organization(name, priority=int(name == "utility")) for name in NAMES]
    return MarketController(members, capability, rules=rules, tariffs=TARIFFS), capability


def offer(who, side, energy, price, **wish):
    return Offer(who, side, ELECTRICITY, energy, price, **wish)


def scarce(controller):
    """Green energy for half of those who want it."""
    for who, side, energy, price, wish in (
        ("roof", SELL, 50, 10, {"source": BOTH}),
        ("farm", SELL, 200, 10, {}),
        ("green", BUY, 100, 80, {"wish": Wish(renewable=True)}),
        ("plain", BUY, 100, 60, {}),
        ("plain", BUY, 150, 60, {}),
    ):
        controller.submit(offer(who, side, energy, price, **wish))


# -- by hand -------------------------------------------------------------------------------------


def test_a_round_by_hand() -> None:
    controller, capability = market()
    scarce(controller)
    record = controller.close_round(capability)
    book = record.electricity
    assert book.accepted.tolist() == [50, 200, 50, 80, 120]
    assert book.pays.tolist() == [-4000, -12_000, 4000, 4800, 7200]
    assert book.type_prices == (60, None, 80, 80)  # local and renewable sold for renewable
    assert book.origin.tolist() == [
        [0, 0, 0, 50], [200, 0, 0, 0], [0, 0, 0, 50], [80, 0, 0, 0], [120, 0, 0, 0],
    ]  # fmt: skip
    assert book.bought_by_type == (200, 0, 0, 50) and book.limits_passed == 0
    assert book.column("attributes").tolist() == [3, 0, 2, 0, 0]
    assert book.column("partner").tolist() == [NOBODY] * 5
    assert [Reason(r).name for r in book.reason] == ["FILLED", "FILLED"] + ["MARGINAL"] * 3
    assert "plain 0.200 kWh at 0.0001, local_renewable 0.050 kWh at 0.0001" in str(record)
    assert not len(record.heat.wishes) and record.heat.type_prices == (None,) * 4


def test_reasons_go_by_the_price_of_what_an_order_could_trade() -> None:
    controller, capability = market()
    offers = {
        "scarce": offer("roof", SELL, 50, 10, source=BOTH),
        "grey": offer("farm", SELL, 50, 10),
        "wins": offer("green", BUY, 50, 80, wish=Wish(renewable=True)),
        "outbid": offer("plain", BUY, 50, 70, wish=Wish(renewable=True)),  # green's price
        "poor": offer("plain", BUY, 50, 69, wish=Wish(renewable=True)),
        "fills": offer("plain", BUY, 100, 60),
        "late": offer("utility", BUY, 50, 60),  # at plain energy's price, though far below green's
        "low": offer("plain", BUY, 50, 59),
        "soft": offer("green", BUY, 50, 50, wish=Wish(renewable=True, premium=200)),  # 60 for green
        "dear": offer("farm", SELL, 50, 75, source=Source(local=True)),
        "nobody": offer("plain", BUY, 50, 90, wish=Wish(partner="utility")),
        "cheap": offer("plain", BUY, 50, 5, wish=Wish(partner="utility")),
    }
    for each in offers.values():
        controller.submit(each)
    book = controller.close_round(capability).electricity
    assert book.type_prices[0] == 60 and book.type_prices[2] == 70
    reasons = dict(zip(offers, (Reason(r).name for r in book.reason), strict=True))
    assert reasons == {
        "scarce": "FILLED", "grey": "FILLED", "wins": "FILLED", "outbid": "MARGINAL",
        "poor": "OUT_OF_THE_MONEY",
        "fills": "MARGINAL", "late": "MARGINAL", "low": "OUT_OF_THE_MONEY",
        "soft": "OUT_OF_THE_MONEY", "dear": "OUT_OF_THE_MONEY", "nobody": "PREFERENCE_UNMET",
        "cheap": "OUT_OF_THE_MONEY",
    }  # fmt: skip


def test_a_soft_wish_pays_beyond_its_limit_and_passes_none() -> None:
    controller, capability = market()
    controller.submit(offer("roof", SELL, 50, 55, source=BOTH))
    controller.submit(offer("green", BUY, 80, 50, wish=Wish(renewable=True, premium=200)))
    book = controller.close_round(capability).electricity
    assert book.accepted.tolist() == [50, 50] and book.pays.tolist() == [-3000, 3000]
    assert book.premia.tolist() == [0, 500] and book.limits_passed == 0


def test_a_wish_lives_as_long_as_its_offer_and_books_grow_around_it() -> None:
    controller, capability = market()
    controller.operator._allocate(controller.operator.book.grown(70))
    number = controller.submit(
        offer("green", BUY, 100, 80, wish=Wish(local=True, premium=10), valid_until=3)
    )
    controller.submit(offer("farm", SELL, 30, 10))
    first = controller.close_round(capability).electricity
    controller.submit(offer("roof", SELL, 30, 10, source=Source(local=True)))
    second = controller.close_round(capability).electricity
    assert first.column("premium").tolist() == [10, HARD] and first.column("partner")[0] == NOBODY
    assert second.column("attributes").tolist() == [LOCAL, LOCAL]
    assert second.origin.tolist() == [[0, 30, 0, 0], [0, 30, 0, 0]]
    assert controller.status(number).unsettled == 40
    third = controller.close_round(capability).electricity
    assert third.wishes.tolist() == [[LOCAL, 10, NOBODY]]


def test_the_utility_serves_no_hard_wish_and_no_other_partner() -> None:
    controller, capability = market(Rules("preference", utility="residual"))
    for who, side, price, wish in (
        ("green", BUY, 90, {"wish": Wish(renewable=True)}),
        ("green", BUY, 90, {"wish": Wish(renewable=True, premium=5)}),
        ("green", BUY, 90, {"wish": Wish(partner="farm")}),
        ("green", BUY, 90, {"wish": Wish(partner="utility")}),
        ("roof", SELL, 5, {"source": BOTH, "wish": Wish(partner="utility")}),
        ("roof", SELL, 5, {"source": BOTH, "wish": Wish(partner="plain")}),
    ):
        controller.submit(offer(who, side, 10, price, **wish))
    book = controller.close_round(capability).electricity
    assert book.accepted.tolist() == [0, 10, 0, 10, 10, 0]
    assert book.pays.tolist() == [0, 900, 0, 900, -50, 0]
    assert book.origin.sum(axis=1).tolist() == book.accepted.tolist()
    assert book.origin[1].tolist() == [10, 0, 0, 0] and book.origin[4].tolist() == [0, 0, 0, 10]
    unmet = [0, 2, 5]
    assert np.flatnonzero(book.reason == Reason.PREFERENCE_UNMET).tolist() == unmet
    assert book.limits_passed == 0


# -- bad input -----------------------------------------------------------------------------------

BAD_WISHES = [
    ({}, "says nothing"),
    ({"local": 1}, "local must be True or False, got 1"),
    ({"renewable": "yes"}, "renewable must be True or False"),
    ({"renewable": True, "premium": 1001}, r"premium \(per mille\) must be"),
    ({"renewable": True, "premium": -1}, r"premium \(per mille\)"),
    ({"renewable": True, "premium": 0.1}, r"premium \(per mille\)"),
    ({"renewable": True, "premium": True}, r"premium \(per mille\)"),
    ({"partner": "farm", "premium": 5}, "premium 5 is for a type of energy"),
    ({"partner": 3}, "partner must be an organization's name, got 3"),
]


@pytest.mark.parametrize(("fields", "says"), BAD_WISHES)
def test_a_wish_that_cannot_be(fields, says) -> None:
    with pytest.raises(InputError, match=says):
        Wish(**fields)


def test_a_source_is_what_it_says() -> None:
    with pytest.raises(InputError, match="local must be True or False, got None"):
        Source(local=None)
    assert (BOTH.attributes, Source().attributes) == (LOCAL | RENEWABLE, 0)


@pytest.mark.parametrize(
    ("bad", "field", "says"),
    [
        (offer("green", BUY, 1, 9, wish=Wish(partner="framer")), None, "nearest.*farm|farm"),
        (offer("green", BUY, 1, 9, wish=Wish(partner="green")), "partner", "that offers"),
        (offer("green", BUY, 1, 9, source=BOTH), "source", "a BUY says wish="),
        (offer("green", SELL, 1, 9, wish=Wish(local=True)), "wish", "a partner at most"),
        (offer("green", BUY, 1, 9, wish="green"), None, "wish must be a Wish or None"),
        (offer("green", SELL, 1, 9, source=3), None, "source must be a Source or None"),
    ],
)
def test_wishes_refused_by_name(bad, field, says) -> None:
    controller, capability = market()
    with pytest.raises(DecentGymError, match=says) as refused:
        controller.submit(bad)
    assert getattr(refused.value, "field", None) == field
    assert not len(controller.close_round(capability).electricity.orders)


def test_an_unknown_partner_is_an_unknown_name() -> None:
    with pytest.raises(UnknownNameError, match=r"partner of green's offer.*'framer'.*'farm'"):
        market()[0].submit(offer("green", BUY, 1, 9, wish=Wish(partner="framer")))


@pytest.mark.parametrize(
    "special",
    [
        {"wish": Wish(renewable=True)},
        {"wish": Wish(partner="farm")},
        {"side": SELL, "source": BOTH},
    ],
)
def test_other_mechanisms_read_no_wishes(special) -> None:
    controller, capability = market(Rules(utility=None))
    special = {"side": BUY, **special}
    with pytest.raises(OfferError, match=r"wish \{.*\} cannot be read .* mechanism='preference'"):
        controller.submit(offer("green", special.pop("side"), 1, 9, **special))
    controller.submit(offer("green", SELL, 1, 9, source=Source()))  # plain is what all energy is
    assert not len(controller.close_round(capability).electricity.wishes)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        (0, 4, "attributes 4 must be 0"),
        (0, -1, "attributes -1 must be 0"),
        (1, 1001, "premium 1001 must be -1"),
        (1, -2, "premium -2 must be -1"),
        (2, 5, "partner 5 must be the account index of another"),
        (2, -2, "partner -2 must be"),
        (2, 2, "partner 2 must be"),
    ],
)
def test_columns_out_of_place(column, value, says) -> None:
    from decent_gym.market.admission import refusal

    controller, _ = market()
    orders = controller._order(offer("green", BUY, 1, 9, wish=Wish(local=True, premium=3)), 2)
    orders.wishes[column] = value
    assert controller.operator.submit(orders, controller._capability) == 1
    error = refusal(orders, (0, 0, 0), "green", 0, {"horizon": 1, "max_offers": 1, "energy": 1})
    assert says in str(error) and error.value == value
    sell = controller._order(offer("green", SELL, 1, 9, source=BOTH), 2)
    sell.wishes[1] = 0
    assert controller.operator.submit(sell, controller._capability) == 1


def test_arrays_of_another_shape() -> None:
    good = Orders.empty(2, 3, wishes=True)
    assert good.wishes.shape == (3, 2, 2, 3)
    parts = {name: getattr(good, name) for name in Orders.__slots__}
    for wrong in (good.wishes[:2], good.wishes.astype(float), None):
        with pytest.raises(InputError, match=r"wishes must be int64 of shape \(3, 2, 2, 3\)"):
            Orders(**parts | {"wishes": wrong})


@pytest.mark.parametrize(
    ("first", "second", "meets"),
    [
        ((SELL, 50, {}), (BUY, 60, {}), True),
        ((SELL, 50, {}), (BUY, 60, {"wish": Wish(renewable=True)}), False),
        ((SELL, 50, {"source": BOTH}), (BUY, 60, {"wish": Wish(renewable=True)}), True),
        ((SELL, 50, {}), (BUY, 60, {"wish": Wish(renewable=True, premium=1)}), True),
        ((SELL, 70, {}), (BUY, 60, {"wish": Wish(renewable=True, premium=500)}), False),
        ((SELL, 70, {"source": BOTH}), (BUY, 60, {"wish": Wish(local=True, premium=500)}), True),
        ((SELL, 70, {"source": BOTH}), (BUY, 60, {"wish": Wish(local=True, premium=166)}), False),
        ((SELL, 50, {}), (BUY, 60, {"wish": Wish(partner="farm")}), False),
        ((SELL, 50, {"wish": Wish(partner="farm")}), (BUY, 60, {}), False),
    ],
)
def test_who_would_trade_with_itself(first, second, meets) -> None:
    for pair in ((first, second), (second, first)):
        controller, _ = market()
        (side, price, wish), (other_side, other_price, other) = pair
        controller.submit(offer("green", side, 5, price, **wish))
        late = offer("green", other_side, 5, other_price, **other)
        if meets:
            with pytest.raises(OfferError, match="would trade with an offer of the same"):
                controller.submit(late)
        else:
            controller.submit(late)


# -- batches -------------------------------------------------------------------------------------

WORLDS, ORDERS, MEMBERS = 6, 12, 5


def random_orders(rng, number=0, life=1):
    """Books of buyers and sellers with every kind of wish; nobody crosses itself."""
    orders = Orders.empty(WORLDS, ORDERS, wishes=True)
    shape = orders.side.shape
    orders.count[:] = rng.integers(0, ORDERS + 1, orders.count.shape)
    orders.owner[:] = rng.integers(0, MEMBERS, shape)
    orders.side[:] = (orders.owner + np.arange(WORLDS)[:, None, None]) % 2
    orders.price[:] = rng.integers(1, 9, shape) * 20
    orders.energy[:] = rng.integers(1, 60, shape)
    orders.start[:] = number
    orders.until[:] = number + life
    orders.cap[:] = orders.energy
    attributes, premium, partner = orders.wishes
    attributes[:] = rng.integers(0, 4, shape) * (rng.random(shape) < 0.6)
    soft = (orders.side == BUY) & (attributes > 0) & (rng.random(shape) < 0.5)
    premium[:] = np.where(soft, rng.choice([0, 100, 250, 1000], shape), HARD)
    named = rng.integers(0, MEMBERS, shape)
    chosen = (rng.random(shape) < 0.15) & (named != orders.owner)
    partner[:] = np.where(chosen, named, NOBODY)
    return orders


def operator(rules=PREFERENCE, capacity=4):
    members = [Organization(f"m{n}", priority=int(n == 4)) for n in range(MEMBERS)]
    capability = Capability()
    return (
        GridOperator(members, capability, worlds=WORLDS, rules=rules, capacity=capacity),
        capability,
    )


def public(orders, w, c, names=range(MEMBERS)):
    """The same book cleared by hand."""
    n = int(orders.count[w, c])
    columns = {
        name: getattr(orders, name)[w, c, :n] for name in ("side", "price", "energy", "owner")
    }
    attributes, premium, partner = orders.wishes[:, w, c, :n]
    owner = columns.pop("owner")
    known = np.isin(partner, owner)  # a partner who offers nothing is nobody to the function
    return known | (partner < 0), SimpleNamespace(
        **columns, owner=owner, attributes=attributes, premium=premium, partner=partner
    )


def test_every_world_clears_as_the_public_function_says() -> None:
    rng = np.random.default_rng(3)
    op, capability = operator()
    seen = set()
    for number in range(50):
        orders = random_orders(rng, number)
        for w in range(WORLDS):  # the function knows no partner who is not in the book
            for c in range(2):
                known, _ = public(orders, w, c)
                orders.wishes[2, w, c, : len(known)][~known] = NOBODY
        before = op.accounts.copy()
        assert op.submit(orders, capability) == 0
        op.clear(capability)
        op.complete(op.traded, capability)
        assert ((op.accounts - before).sum(axis=1) == 0).all()
        for w in range(WORLDS):
            for c in range(2):
                _, book = public(orders, w, c)
                n = len(book.side)
                one = clear(
                    book.side, book.price, book.energy, mechanism="preference",
                    attributes=book.attributes, premium=book.premium, partner=book.partner,
                    organization=book.owner, priority=(book.owner == 4).astype(np.int64),
                )  # fmt: skip
                assert op.accepted[w, c, :n].tolist() == one.accepted.tolist()
                assert op.pays[w, c, :n].tolist() == one.pays.tolist()
                assert op.by_world.origin[w, c, :n].tolist() == one.origin.tolist()
                reason = op.reason[w, c, :n]
                assert (reason[one.unmet] == Reason.PREFERENCE_UNMET).all()
                assert (one.unmet == (reason == Reason.PREFERENCE_UNMET)).all()
                check_bars(book, one, reason)
                seen.update(reason.tolist())
    assert seen == {
        Reason.FILLED, Reason.MARGINAL, Reason.OUT_OF_THE_MONEY, Reason.PREFERENCE_UNMET
    }  # fmt: skip


def check_bars(book, result, reason) -> None:
    """Who got nothing is MARGINAL iff it is worth to it what energy cost that it could trade."""
    asks = np.flatnonzero((book.side == SELL) & (result.accepted > 0))
    bids = np.flatnonzero((book.side == BUY) & (result.accepted > 0))
    for i in np.flatnonzero((result.accepted == 0) & (reason != Reason.PREFERENCE_UNMET)):
        if book.side[i] == BUY:
            costs = {j: result.pays[j] // result.accepted[j] for j in asks if takes(book, i, j)}
            at_bar = any(worth(book, i, j) >= -price for j, price in costs.items())
        else:  # could it have served somebody in an accepted ask's place?
            mates = {
                -result.pays[j] / result.accepted[j]
                for j in asks
                for b in bids
                if takes(book, b, i)
                and takes(book, b, j)
                and result.origin[b, book.attributes[j]] > 0
                and worth(book, b, i) == worth(book, b, j)
                and result.pays[b] * result.accepted[j] == -result.pays[j] * result.accepted[b]
            }
            at_bar = any(book.price[i] <= price for price in mates)
            if not at_bar and reason[i] == Reason.MARGINAL:  # a bid of two kinds pays a mean price
                at_bar = any(book.premium[b] >= 0 and takes(book, b, i) for b in bids)
        assert (reason[i] == Reason.MARGINAL) == at_bar, (i, reason[i])


def takes(book, bid, ask) -> bool:
    fits = book.attributes[bid] & book.attributes[ask] == book.attributes[bid]
    pairs = ((book.partner[bid], book.owner[ask]), (book.partner[ask], book.owner[bid]))
    return bool(
        (fits or book.premium[bid] >= 0)
        and all(partner in (NOBODY, owner) for partner, owner in pairs)
    )


def worth(book, bid, ask) -> int:
    fits = book.attributes[bid] & book.attributes[ask] == book.attributes[bid]
    more = book.price[bid] * max(book.premium[bid], 0) // 1000
    return int(book.price[bid] + (more if fits and book.attributes[bid] else 0))


STATE = ("accounts", "traded", "reason", "accepted", "pays", "round", "next_sequence")


def state(op):
    """Everything that a round leaves behind."""
    counted = [op.book.table(w, c).tolist() for w in range(WORLDS) for c in range(2)]
    wishes = [
        op.book.wishes[:, w, c, : op.book.count[w, c]].tolist()
        for w in range(WORLDS)
        for c in range(2)
    ]
    return counted, wishes, op.accounts.tolist(), op.traded.tolist(), op.by_world.price.tolist()


def test_ranges_of_worlds_and_growing_books_change_nothing() -> None:
    both = []
    for spans, capacity in (([(0, WORLDS)], 64), ([(0, 1), (1, 4), (4, WORLDS)], 1)):
        rng = np.random.default_rng(5)
        op, capability = operator(capacity=capacity)
        for number in range(6):
            orders = random_orders(rng, number, life=3)
            for span in spans:
                op.submit(orders, capability, *span)
            for span in spans:
                op.clear(capability, *span)
                op.complete(op.traded, capability, *span)
        both.append(state(op))
    assert both[0] == both[1]


@pytest.mark.parametrize("utility", [None, "residual"])
def test_without_wishes_it_is_the_merit_order(utility) -> None:
    rng = np.random.default_rng(7)
    wishing, capability = operator(Rules("preference", utility=utility))
    plain, other = operator(Rules(utility=utility))
    cases = set()
    for number in range(40):
        orders = random_orders(rng, number, life=2)
        orders.wishes[:] = np.array(NO_WISH)[:, None, None, None]
        if number % 2:  # no columns say the same as empty ones
            orders = Orders(**{
                **{name: getattr(orders, name) for name in Orders.__slots__},
                "wishes": no_wishes(0, 0, 0),
            })  # fmt: skip
        for op, key in ((wishing, capability), (plain, other)):
            op.submit(orders, key)
            op.clear(key)
            op.complete(op.traded, key)
        traded = plain.by_world.volume > 0
        for name in ("price", "price_low", "price_high", "volume", "surplus", "case"):
            found, due = getattr(wishing.by_world, name), getattr(plain.by_world, name)
            assert np.array_equal(found[traded], due[traded]), name
        for name in ("accounts", "reason"):
            assert np.array_equal(getattr(wishing, name), getattr(plain, name))
        cases.update(plain.by_world.case.ravel().tolist())
    assert cases == set(map(int, Case))


def test_certificates_change_nothing_else() -> None:
    """Who asks for certificates gets the same energies and payments."""
    from decent_gym.clearing import MECHANISMS

    rng = np.random.default_rng(9)
    op, capability = operator(capacity=ORDERS)
    for number in range(20):
        op.submit(random_orders(rng, number), capability)
        op.clear(capability)
        outcome = op.outcome._replace(
            accepted=np.full_like(op.outcome.accepted, -7), pays=np.full_like(op.outcome.pays, -7),
            origin=np.empty((0, 0, 4), np.int64), bar=np.empty((0, 0), np.int64),
        )  # fmt: skip
        MECHANISMS["preference"].clear(op._books, op.rules, outcome, 0, WORLDS * 2)
        taken = op._books.offered > 0
        assert np.array_equal(outcome.accepted[taken], op.outcome.accepted[taken])
        assert np.array_equal(outcome.pays[taken], op.outcome.pays[taken])
        op.complete(op.traded, capability)
    assert WISH_FIELDS == ("attributes", "premium", "partner")
