"""Coupled clearing in the market: by hand, in batches, and against the public function."""

from types import SimpleNamespace

import numpy as np
import pytest

from decent_gym import Commodity, MarketController, Offer, Organization, Side
from decent_gym.clearing import Rules, clear_coupled
from decent_gym.errors import InputError, NotAuthorizedError, OfferError, RoundOrderError
from decent_gym.market import Capability, Conversions, GridOperator, Orders
from decent_gym.models import CONVERSION_FIELDS, Case, ConversionOffer, Money

COUPLED = Rules(utility=None, clearing="coupled")
PUMP = {"electricity": -1000, "heat": 3000, "cost": 0, "max": 3}
NAMES = ("seller", "buyer", "other", "pump")


def market(rules=COUPLED):
    capability = Capability()
    members = [Organization(name) for name in NAMES]
    return MarketController(members, capability, rules=rules), capability


def offers(controller):
    """Heat worth 20 to its buyer and offered at 7; electricity at 6, the next unit at 36."""
    for who, side, commodity, energy, price in (
        ("seller", Side.SELL, Commodity.ELECTRICITY, 5, 6),
        ("other", Side.SELL, Commodity.ELECTRICITY, 10, 36),
        ("buyer", Side.BUY, Commodity.ELECTRICITY, 4, 50),
        ("seller", Side.SELL, Commodity.HEAT, 10, 7),
        ("buyer", Side.BUY, Commodity.HEAT, 6, 20),
    ):
        controller.submit(Offer(who, side, commodity, energy, price))


def test_a_round_by_hand() -> None:
    controller, capability = market()
    offers(controller)
    assert controller.submit_conversion(ConversionOffer("pump", **PUMP)) == [5]
    record = controller.close_round(capability)
    assert (record.electricity.price, record.heat.price) == (21, 7)
    assert record.electricity.accepted.tolist() == [5, 0, 4]
    assert record.heat.accepted.tolist() == [3, 6]
    given = record.conversions
    assert given.activity.tolist() == [1] and given.delivered.tolist() == [[-1, 3]]
    assert given.earns.tolist() == [3 * 7 - 21] and given.remainders.tolist() == [[0, 0]]
    assert [given.column(name)[0] for name in ("owner", "sequence", "most")] == [3, 5, 3]
    assert record.money[Money.TRADE].tolist() == [126, -126, 0, 0, 0, 0, 0]
    assert record.traded[3].tolist() == [1, -3]
    assert "conversions 1 offers, 1 run: electricity -0.001 kWh, heat +0.003 kWh" in str(record)
    # it stood for one round
    offers(controller)
    assert not len(controller.close_round(capability).conversions.activity)


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"heat": 30_001}, "heat", r"pump's conversion \(.*\): heat creates energy: 30.001 .* 30"),
        ({"temperatures": (0, 1500)}, "heat", "above 2.821; Carnot's bound from 0 to 150 degrees"),
        ({"electricity": 800, "heat": 500, "fuel": 1000}, "fuel", "at most 1110 per 1000"),
        ({"electricity": 500, "heat": -400}, "heat", "1.250 electricity per heat is above 0.033"),
        ({"heat": 0}, "electricity", "produces nothing"),
        ({"heat": 10**5 + 1}, "heat", r"heat must be in \[-100000, 100000\], got 100001"),
        ({"electricity": -(2**62)}, "electricity", "electricity must be in"),
        ({"cost": 10**8 + 1}, "cost", "cost must be in"),
        ({"max": 0}, "max", r"max must be in \[1, 100000000\], got 0"),
        ({"max": 10**8, "cost": 10**8}, "max", "is too much with what stands already"),
        ({"group": -2}, "group", "group must be in"),
        ({"group": 4}, "group", "4 has one conversion only"),
        ({"fuel": -5}, "fuel", "fuel must be in"),
        ({"temperatures": (0, 200_000)}, "temperatures", "tenths of a degree, got 0 and 200000"),
    ],
)
def test_a_bad_conversion_is_refused_by_name(changes, field, says) -> None:
    controller, capability = market()
    if changes.get("max") == 10**8:  # one such is admissible, a score of them is not
        crowd = [Organization(f"m{n}") for n in range(1000)] + [Organization("pump")]
        capability = Capability()
        controller = MarketController(crowd, capability, rules=COUPLED)
    before = controller.operator.joint.conversions.count.copy()
    with pytest.raises(OfferError, match=says) as caught:
        controller.submit_conversion(ConversionOffer("pump", **{**PUMP, **changes}))
    assert caught.value.field == field
    assert np.array_equal(controller.operator.joint.conversions.count, before)
    assert controller.close_round(capability).conversions.activity.sum() == 0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "takes one ConversionOffer"),
        (["pump"], "takes ConversionOffers, got str"),
        ([ConversionOffer("pump", -1000, 3000, 0.5, 3)], "cost must be an integer, got float 0.5"),
        ([ConversionOffer("pump", -1000, 3000, 0, True)], "max must be an integer, got the bool"),
        ([ConversionOffer("pump", **PUMP)] * 2, "must share a group >= 0"),
        (
            [ConversionOffer("pump", **PUMP, group=1), ConversionOffer("other", **PUMP, group=1)],
            "one group of one organization",
        ),
        ([ConversionOffer("pumps", **PUMP)], "nearest|did you mean|unknown organization 'pumps'"),
    ],
)
def test_other_mistakes_are_told(given, says) -> None:
    controller, _ = market()
    with pytest.raises(InputError, match=says):
        controller.submit_conversion(*given)
    assert not controller.operator.joint.conversions.count.any()


def test_groups_come_whole_and_once() -> None:
    controller, capability = market()
    extraction = [
        ConversionOffer("pump", 400, 0, 60, 500, group=1, fuel=1000),
        ConversionOffer("pump", 300, 600, 60, 400, group=1, fuel=1000),
    ]
    numbers = controller.submit_conversion(*extraction)
    assert numbers == [0, 1]
    with pytest.raises(OfferError, match="group 1 stands already"):
        controller.submit_conversion(*extraction)
    bad = ConversionOffer("other", 300, 900, 60, 400, group=1, fuel=1000)
    good = ConversionOffer("other", 400, 0, 60, 500, group=1, fuel=1000)
    with pytest.raises(OfferError, match=r"heat 900 per 1000.*creates energy"):
        controller.submit_conversion(good, bad)
    assert len(controller.close_round(capability).conversions.activity) == 2
    for _ in range(16):
        controller.submit_conversion(ConversionOffer("pump", **PUMP))
    with pytest.raises(OfferError, match="has 16 conversions in this round already"):
        controller.submit_conversion(ConversionOffer("pump", **PUMP))


def test_only_the_operator_and_only_under_coupled_rules() -> None:
    controller, _ = market(Rules(utility=None))
    with pytest.raises(InputError, match="conversions need rules with clearing='coupled'"):
        controller.submit_conversion(ConversionOffer("pump", **PUMP))
    controller, capability = market()
    operator, batch = controller.operator, Conversions.empty(1, 1)
    with pytest.raises(NotAuthorizedError):
        operator.submit_conversions(batch, Capability())
    batch.count[0] = 2
    with pytest.raises(InputError, match=r"count must be in \[0, 1\]"):
        operator.submit_conversions(batch, capability)
    with pytest.raises(InputError, match="for 1 worlds, got 2"):
        operator.submit_conversions(Conversions.empty(2, 1), capability)
    with pytest.raises(InputError, match="heat must be int64 of shape"):
        Conversions(**{
            **{name: batch.owner for name in CONVERSION_FIELDS},
            "heat": np.zeros((1, 1)), "count": batch.count, "status": batch.status,
        })  # fmt: skip
    operator.clear(capability)
    with pytest.raises(RoundOrderError):
        operator.submit_conversions(Conversions.empty(1, 1), capability)


@pytest.mark.parametrize(
    "rules",
    [
        {"mechanism": "pay_as_bid"},
        {"tie_rule": "time"},
        {"price_rule": 0},
        {"utility": "residual"},
    ],
)
def test_rules_that_coupled_clearing_does_not_have(rules) -> None:
    name = next(iter(rules))
    with pytest.raises(InputError, match=f"clearing='coupled'.*{name}"):
        Rules(**{"utility": None, "clearing": "coupled", **rules})
    assert Rules.from_dict(COUPLED.to_dict()) == COUPLED
    assert "clearing" not in Rules(utility=None).to_dict()


# -- batches -------------------------------------------------------------------------------------

WORLDS, ORDERS, ROWS, MEMBERS = 6, 12, 4, 5


def random_orders(rng):
    """Books in which nobody crosses itself: an organization is buyer or seller."""
    orders = Orders.empty(WORLDS, ORDERS)
    orders.count[:] = rng.integers(0, ORDERS + 1, orders.count.shape)
    orders.owner[:] = rng.integers(0, MEMBERS, orders.owner.shape)
    orders.side[:] = (orders.owner + np.arange(WORLDS)[:, None, None]) % 2
    orders.price[:] = rng.integers(1, 9, orders.price.shape) * 10
    orders.energy[:] = rng.integers(1, 60, orders.energy.shape)
    orders.until[:] = 10**6
    orders.cap[:] = orders.energy
    return orders


def random_conversions(rng):
    given = Conversions.empty(WORLDS, ROWS)
    given.count[:] = rng.integers(0, ROWS + 1, WORLDS)
    given.owner[:] = rng.integers(0, MEMBERS, given.owner.shape)
    pump = rng.random(given.owner.shape) < 0.6
    given.electricity[:] = np.where(pump, -1000, 1000)
    given.heat[:] = np.where(pump, rng.integers(1000, 4000, pump.shape), 2000)
    given.cost[:] = np.where(pump, 0, rng.integers(0, 150, pump.shape))
    given.most[:] = rng.integers(1, 80, given.most.shape)
    return given


def operator(priorities=(0, 0, 0, 0, 1), rules=COUPLED):
    members = [Organization(f"m{n}", priority=p) for n, p in enumerate(priorities)]
    capability = Capability()
    return GridOperator(members, capability, worlds=WORLDS, rules=rules, capacity=4), capability


def state(op):
    """Everything that a round leaves behind."""
    parts = [op.accounts, op.traded, op.joint.activity, op.joint.earns, op.joint.delivered]
    parts += [op.by_world.price, op.by_world.price_low, op.by_world.price_high, op.by_world.case]
    parts += [op.by_world.volume, op.book.count]
    return [part.tobytes() for part in parts]


def test_every_world_clears_as_the_public_function_says() -> None:
    rng = np.random.default_rng(3)
    op, capability = operator()
    ran = 0
    for _ in range(40):
        orders, given = random_orders(rng), random_conversions(rng)
        orders.until[:] = op.round[0] + 1
        orders.start[:] = op.round[0]
        before = op.accounts.copy()
        assert op.submit(orders, capability) == 0
        assert op.submit_conversions(given, capability) == 0
        op.clear(capability)
        for w in range(WORLDS):
            n, k = orders.count[w], int(given.count[w])
            flat = {
                name: np.concatenate([getattr(orders, name)[w, c, : n[c]] for c in range(2)])
                for name in ("side", "price", "energy", "owner")
            }
            rows = np.stack(
                [given.electricity, given.heat, given.cost, given.most, given.group], axis=2
            )[w, :k]
            one = clear_coupled(
                flat["side"], np.repeat([0, 1], n), flat["price"], flat["energy"], rows,
                priority=(flat["owner"] == 4).astype(np.int64),
            )  # fmt: skip
            taken = np.concatenate([op.accepted[w, c, : n[c]] for c in range(2)])
            assert taken.tolist() == one.accepted.tolist()
            assert op.joint.activity[w, :k].tolist() == one.activity.tolist()
            assert op.joint.earns[w, :k].tolist() == one.earns.tolist()
            prices = [int(p) if v else None for p, v in zip(op.by_world.price[w],
                      op.by_world.volume[w], strict=True)]  # fmt: skip
            assert tuple(prices) == one.price
            ran += int((one.activity > 0).sum())
        assert (op.traded.sum(axis=1) == 0).all()
        op.complete(op.traded, capability)
        assert ((op.accounts - before).sum(axis=1) == 0).all()
    assert ran > 100


def test_ranges_of_worlds_and_a_growing_room_change_nothing() -> None:
    both = []
    for spans in (((0, WORLDS),), ((0, 1), (1, 4), (4, WORLDS))):
        rng = np.random.default_rng(5)
        op, capability = operator()
        for number in range(5):
            orders, given = random_orders(rng), random_conversions(rng)
            orders.start[:] = number
            orders.until[:] = number + 3
            for span in spans:
                op.submit(orders, capability, *span)
                op.submit_conversions(given, capability, *span)
                op.clear(capability, *span)
                op.complete(op.traded, capability, *span)
        both.append(state(op))
    assert both[0] == both[1]


@pytest.mark.parametrize("more", ["orders", "conversions"])
def test_room_made_for_one_world_loses_nothing_of_another(more) -> None:
    """World 0 is cleared but not complete while the books or conversions of world 1 grow."""
    book = [(0, 0, 0, 5, 100), (0, 1, 1, 9, 30), (1, 2, 1, 20, 60)]
    records = []
    for grows in (False, True):
        op, capability = operator()
        op.listen(0, SimpleNamespace(on_round=records.append))
        orders, pump = Orders.empty(WORLDS, 2), Conversions.empty(WORLDS, 1)
        orders.count[0], pump.count[0] = (2, 1), 1
        for k, (commodity, owner, side, price, energy) in enumerate(book):
            at = (0, commodity, k % 2)
            orders.owner[at], orders.side[at], orders.price[at] = owner, side, price
            orders.energy[at] = orders.cap[at] = energy
        orders.until[:] = 1
        pump.owner[:], pump.electricity[:], pump.heat[:], pump.most[:] = 3, -1000, 3000, 50
        assert op.submit(orders, capability, 0, 1) == 0
        assert op.submit_conversions(pump, capability, 0, 1) == 0
        op.clear(capability, 0, 1)
        rng = np.random.default_rng(1)
        if grows and more == "orders":
            crowd = random_orders(rng)
            crowd.count[1] = ORDERS
            op.submit(crowd, capability, 1, 2)
            assert op.book.capacity > 4
        elif grows:
            crowd = random_conversions(rng)
            crowd.count[1] = ROWS
            op.submit_conversions(crowd, capability, 1, 2)
            assert op.joint.activity.shape == (WORLDS, ROWS)
        op.complete(op.traded, capability, 0, 1)
    for record in records:
        assert record.electricity.accepted.tolist() == [50, 30]
        assert record.electricity.offered.tolist() == [100, 30]
        assert record.conversions.activity.tolist() == [20]
        assert record.conversions.delivered.tolist() == [[-20, 60]]
        assert record.conversions.earns.tolist() == [60 * record.heat.price - 20 * 5]
        assert record.heat.pays.tolist() == [60 * record.heat.price]


def test_without_conversions_it_is_the_merit_order() -> None:
    rng = np.random.default_rng(7)
    joint, capability = operator()
    plain, other = operator(rules=Rules(utility=None))
    cases = set()
    for number in range(60):
        orders = random_orders(rng)
        orders.start[:] = number
        orders.until[:] = number + 1
        for op, key in ((joint, capability), (plain, other)):
            op.submit(orders, key)
            op.clear(key)
            op.complete(op.traded, key)
        for name in ("price", "price_low", "price_high", "volume", "surplus", "case"):
            found, due = getattr(joint.by_world, name), getattr(plain.by_world, name)
            traded = plain.by_world.volume > 0
            assert np.array_equal(found[traded], due[traded]), name
        assert np.array_equal(joint.accounts, plain.accounts)
        assert np.array_equal(joint.reason, plain.reason)
        cases.update(plain.by_world.case.ravel().tolist())
    assert cases == set(map(int, Case))


def engine(name):
    """A subsidised one that takes 2 Wh of heat at 280 degrees for each Wh of electricity."""
    return ConversionOffer(name, 1, -2, -(10**8), 10**8, temperatures=(0, 2800))


def test_a_price_beyond_all_sense_stops_the_conversions_only() -> None:
    """320 subsidised heaters value 2 Wh of heat at 0.1 EUR: 5e10 micro-euro/kWh times 6e7 Wh."""
    members = [Organization(f"m{n}") for n in range(20)] + [Organization("plant")]
    capability = Capability()
    controller = MarketController(members, capability, rules=COUPLED)
    for n in range(20):
        for _ in range(16):
            controller.submit_conversion(engine(f"m{n}"))
    controller.submit(Offer("plant", Side.SELL, Commodity.HEAT, 63_000_000, 5))
    controller.submit(Offer("plant", Side.SELL, Commodity.ELECTRICITY, 100, 5))
    controller.submit(Offer("plant", Side.BUY, Commodity.ELECTRICITY, 10**8, 3))
    controller.submit(Offer("m0", Side.BUY, Commodity.ELECTRICITY, 60, 7))
    record = controller.close_round(capability)
    assert controller.operator.joint._room.problems.status[0] != 0
    assert record.electricity.volume == 60 and record.electricity.price == 5
    assert record.heat.volume == 0 and record.heat.price is None
    assert len(record.conversions.activity) == 320 and not record.conversions.activity.any()
    assert not record.conversions.earns.any() and record.accounts.sum() == 0
