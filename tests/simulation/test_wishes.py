"""Wishes of a district's members: what they buy and sell under a mechanism that reads them."""

import numpy as np
import pytest

import decent_gym
from decent_gym import Commodity, Side, Wish
from decent_gym.models import HARD, LOCAL, NO_WISH, RENEWABLE
from decent_gym.simulation import Simulation
from decent_gym.simulation.wishes import burning, say_wishes, wishes_of

WISHES = {
    "building_01": Wish(renewable=True, premium=100),
    "building_02": Wish(local=True, renewable=True, premium=900),
    "building_03": Wish(local=True),
    "building_04": Wish(partner="building_09"),
    "building_11": Wish(renewable=True, premium=1000),
}
SPRING = 105 * 96


def simulation(worlds=3, **options):
    district = decent_gym.scenario("rural", **{"mechanism": "preference", **options})
    sim = Simulation(district, worlds=worlds, traders="zero_intelligence")
    sim.reset(range(worlds), [SPRING + 40 * w for w in range(worlds)])
    return sim


def test_bids_carry_their_members_wish_and_asks_say_what_they_sell() -> None:
    sim = simulation(wishes=WISHES)
    names = [member.name for member in sim.scenario.members]
    table, burns = wishes_of(sim.scenario), burning(sim.scenario)
    utility = names.index("utility")
    kinds, lowered = set(), 0
    for _ in range(96):
        sim.step()
        orders, view = sim.orders, sim.view
        for w in range(3):
            for c in Commodity:
                n = orders.count[w, c]
                owner, side = orders.owner[w, c, :n], orders.side[w, c, :n]
                attributes, premium, partner = orders.wishes[:, w, c, :n]
                plain = owner >= utility
                assert (orders.wishes[:, w, c, :n].T[plain] == NO_WISH).all()
                bids = (side == Side.BUY) & ~plain
                assert (attributes[bids] == table[0, owner[bids]]).all()
                assert (partner[bids] == table[2, owner[bids]]).all()
                lowered += int((premium[bids] < table[1, owner[bids]]).sum())
                asks = (side == Side.SELL) & ~plain
                assert (premium[asks] == HARD).all() and (attributes[asks] & LOCAL).all()
                kinds.update((int(c), int(kind)) for kind in attributes[asks])
                if c == Commodity.HEAT:
                    assert ((attributes[asks] & RENEWABLE > 0) == (burns[owner[asks]] == 0)).all()
        assert not view.load.any() or view.load.shape == (3, len(names))
    assert kinds == {(0, 1), (0, 3), (1, 1), (1, 3)}
    assert lowered > 0  # building_11 buys and sells in one round


def test_nobody_sells_more_renewable_energy_than_its_roof_makes_beyond_its_load() -> None:
    rng = np.random.default_rng(1)
    worlds, members, rows = 40, 3, 12
    sold = 0
    for _ in range(20):
        load, pv, firm = rng.integers(0, 50, (3, worlds, members))
        count = np.full((worlds, 2), rows, np.int64)
        owner = np.sort(rng.integers(0, members + 1, (worlds, 2, rows)), axis=2)
        side = rng.integers(0, 2, owner.shape)
        price = np.sort(rng.integers(1, 100, owner.shape), axis=2)
        energy = rng.integers(1, 40, owner.shape)
        wishes = np.full((3, *owner.shape), -9, np.int64)
        wish = np.tile(np.array(NO_WISH)[:, None], members)
        args = (wish, np.zeros(members, np.int64), load, pv, firm, count, owner, side, price)
        say_wishes(0, worlds, -1, *args, energy, wishes)
        green = (wishes[0] & RENEWABLE > 0)[:, 0]
        for n in range(members):
            amount = np.where(green & (owner[:, 0] == n), energy[:, 0], 0).sum(axis=1)
            assert (amount <= np.maximum(pv - load - firm, 0)[:, n]).all()
            sold += int(amount.sum())
        assert (wishes[:, owner == members].T == NO_WISH).all()
    assert sold > 0


@pytest.mark.parametrize(
    ("bid", "ask", "premium", "left"),
    [(60, 67, 100, 100), (60, 66, 100, 83), (60, 61, 100, 0), (-60, -50, 500, 150), (0, 9, 5, 5)],
)
def test_a_premium_stops_below_the_same_members_own_ask(bid, ask, premium, left) -> None:
    one = np.ones((1, 2, 2), np.int64)
    side, price = np.array([[[1, 0]] * 2]), np.array([[[bid, ask]] * 2])
    wishes = np.zeros((3, 1, 2, 2), np.int64)
    wish = np.array([[RENEWABLE], [premium], [-1]])
    nothing, pv = np.zeros((1, 1), np.int64), np.full((1, 1), 9)
    say_wishes(
        0, 1, -1, wish, np.zeros(1, np.int64), nothing, pv, nothing, np.full((1, 2), 2),
        np.zeros_like(one), side, price, one, wishes,
    )  # fmt: skip
    assert wishes[1, 0, :, 0].tolist() == [left, left]
    value = bid + abs(bid) * left // 1000
    assert value < ask and wishes[0, 0, 0].tolist() == [RENEWABLE, LOCAL | RENEWABLE]


def test_other_mechanisms_clear_as_if_nobody_wished() -> None:
    accounts = []
    for wishes in (None, WISHES):
        sim = simulation(mechanism="merit_order", wishes=wishes)
        assert not sim.orders.wishes.size
        for _ in range(20):
            sim.step()
        accounts.append(sim.operator.accounts.tolist())
    assert accounts[0] == accounts[1]


def test_wishes_change_who_gets_what() -> None:
    accounts = []
    for wishes in (None, WISHES):
        sim = simulation(wishes=wishes)
        for _ in range(60):
            sim.step()
        assert (sim.operator.accounts.sum(axis=1) == 0).all()
        accounts.append(sim.operator.accounts.tolist())
    assert accounts[0] != accounts[1]
