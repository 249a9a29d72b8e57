"""Offers made outside are those that the district would make inside, from the same facts."""

import numpy as np
import pytest

from decent_gym.errors import ActionError, DataError, UnknownNameError
from decent_gym.live import Opening, acted_offers, scripted_offers
from decent_gym.live.messages import offers_payloads, opening_payload
from decent_gym.live.openings import observations_of, view_of
from decent_gym.live.reading import read_offers
from decent_gym.models import Commodity, Side
from decent_gym.scenarios import scenario
from decent_gym.simulation import LEVERS, Simulation, levers_of

DISTRICT = scenario("rural")
MEMBERS = ["building_01", "building_03", "building_05", "building_08", "heat_plant"]


def opening_of(simulation, n):
    payload = opening_payload(
        "rural", "x", ledger="0" * 64, number=int(simulation.operator.round[0]), closes_in=1,
        view=view_of(simulation.view, n), observation=observations_of(simulation)[0],
    )  # fmt: skip
    return Opening.read(payload)


def made_inside(simulation, n):
    """What the simulation itself offered for `n` in the round that was just stepped."""
    orders, found = simulation.orders, []
    for c in Commodity:
        for r in range(int(orders.count[0, c])):
            if orders.owner[0, c, r] == n:
                side = Side(int(orders.side[0, c, r])).name.lower()
                energy, price = int(orders.energy[0, c, r]), int(orders.price[0, c, r])
                found.append(
                    {"commodity": c.name.lower(), "energy": energy, "price": price, "side": side}
                )
    return found


@pytest.mark.parametrize(
    "trader", ["truthful", "self_consumption", "price_threshold", "no_flexibility"]
)
def test_a_scripted_trader_offers_outside_what_it_offers_inside(trader):
    simulation = Simulation(DISTRICT, traders=trader, learners=["building_08"])
    simulation.reset([3], [96 * 10])
    n, rounds = simulation.scenario.index, 0
    simulation.policy[:, n("building_08")] = simulation.policy[:, n("building_03")]
    for _ in range(30):
        openings = {name: opening_of(simulation, n(name)) for name in MEMBERS}
        simulation.step()
        for name, opening in openings.items():
            expected = made_inside(simulation, n(name))
            assert scripted_offers(opening, trader) == expected
            rounds += len(expected) > 1
    assert rounds > 50


@pytest.mark.parametrize("name", MEMBERS[1:])
def test_a_policy_offers_outside_what_it_offers_inside(name):
    simulation = Simulation(DISTRICT, learners=[name])
    simulation.reset([3], [96 * 10])
    n, rng = DISTRICT.index(name), np.random.default_rng(0)
    levers = levers_of(DISTRICT.members[n])
    for _ in range(20):
        action = np.clip(rng.normal(0, 0.7, len(levers)), -1, 1).astype(np.float32)
        opening = opening_of(simulation, n)
        assert opening.observation.tolist() == observations_of(simulation)[0].tolist()
        simulation.actions[0, n, levers] = np.rint(action.astype(np.float64) * 1e6).astype(np.int64)
        named = {LEVERS[lever]: float(value) for lever, value in zip(levers, action, strict=True)}
        simulation.step()
        assert acted_offers(opening, named) == made_inside(simulation, n)


def test_wrong_names_and_values_are_named():
    simulation = Simulation(DISTRICT, learners=["building_03"])
    simulation.reset([3], [0])
    opening = opening_of(simulation, 2)
    with pytest.raises(UnknownNameError, match="truthful"):
        scripted_offers(opening, "truthfull")
    with pytest.raises(UnknownNameError, match="battery"):
        acted_offers(opening, {"batery": 0.0})
    for value in (1.01, -2.0, float("nan")):
        with pytest.raises(ActionError, match="battery"):
            acted_offers(opening, {"battery": value})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"view":{', b'"view":{"more":1},"view":{'),
        (b'"load":', b'"lod":'),
        (b'"load":', b'"load":"1","old":'),
        (b'"load":', b'"load":1e400,"old":'),
        (b'"observation":[', b'"observation":[1.0,'),
        (b'"observation":[', b'"observation":[NaN],"observations":['),
        (b'"closes_in":1', b'"closes_in":1.5'),
        (b"opening/1", b"opening/2"),
        (b'"heat_prices":{', b'"heat_prices":{"retail":null},"more":{'),
    ],
)
def test_an_opening_that_is_none_is_an_error(old, new):
    simulation = Simulation(DISTRICT, learners=["building_03"])
    simulation.reset([3], [0])
    payload = opening_payload(
        "rural", "x", ledger="0" * 64, number=0, closes_in=1,
        view=view_of(simulation.view, 2), observation=observations_of(simulation)[0],
    )  # fmt: skip
    assert payload.count(old) == 1
    with pytest.raises(DataError):
        Opening.read(payload.replace(old, new))


def day(name, is_outside):
    """What a day came to for one truthful member, n-euro by term."""
    learners = [name] if is_outside else []
    simulation = Simulation(DISTRICT, learners=learners, external=learners)
    simulation.reset([1], [96 * 110])
    n = DISTRICT.index(name)
    for _ in range(96):
        if is_outside:
            opening = opening_of(simulation, n)
            for payload in offers_payloads(opening.round, scripted_offers(opening, "truthful")):
                orders, _ = read_offers(payload).orders(n)
                assert simulation.submit(orders) == 0
        simulation.step()
    return simulation.totals[:, 0, n]


@pytest.mark.parametrize("name", ["building_01", "heat_plant"])
def test_who_trades_from_outside_earns_what_it_earns_inside(name):
    assert day(name, True).tolist() == day(name, False).tolist()


# its offers arrive before the others', so a Wh of rounding at the margin can be another's; and what
# a battery and a heat pump do with one trade is told apart inside only
@pytest.mark.parametrize(("name", "share"), [("building_08", 1e-4), ("building_03", 0.04)])
def test_or_nearly_that(name, share):
    inside, outside = day(name, False)[:7].sum(), day(name, True)[:7].sum()
    assert 0 < abs(outside - inside) < share * abs(inside)
