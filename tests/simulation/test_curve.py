"""Decisions -> offers -> set-points, against the curve read off at every price."""

from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
from oracles.simulation import demand, electricity_blocks, heat_blocks, steps

from decent_gym.market import Orders
from decent_gym.simulation.curve import build_offers, follow_accepted
from decent_gym.traders import Decisions

SELL, BUY = 0, 1
NAMES = [field.name for field in fields(Decisions)]
WORLDS, NOW = 3_000, 17
NOTHING = np.zeros((WORLDS, 2), np.int64)
POLICY = np.array([[0, -2]] * WORLDS, np.int64)  # one trader and the utility


class Case:
    """Thousands of small random curves: ties, limits at both tariffs, tariffs below zero."""

    def __init__(self, seed: int, utility: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.rng, self.utility = rng, utility
        shape = (WORLDS, 2)
        feed_in = rng.integers(-6, 4, (WORLDS, 2))
        retail = feed_in + rng.integers(0 if utility < 0 else 1, 7, (WORLDS, 2))
        self.tariffs = np.stack([retail, feed_in, retail + 5, feed_in - 5], axis=2)
        energy = {n: rng.integers(0, 6, shape) * (rng.random(shape) < 0.7) for n in NAMES}
        limits = {"heat": 1}
        for name in NAMES:
            if name.endswith("_limit"):
                c = limits.get(name.split("_")[0], 1 if name == "boiler_limit" else 0)
                span = (retail - feed_in)[:, [c]] + 1
                energy[name] = feed_in[:, [c]] + rng.integers(0, 2**31, shape) % span
                ends = rng.random(shape)
                energy[name] = np.where(ends < 0.15, feed_in[:, [c]], energy[name])
                energy[name] = np.where(ends > 0.85, retail[:, [c]], energy[name])
        self.decisions = Decisions(**{n: np.ascontiguousarray(energy[n]) for n in NAMES})
        self.load, self.pv, self.heat = (rng.integers(0, 12, shape) for _ in range(3))
        self.rounds = np.full(WORLDS, NOW, np.int64)
        self.loss = rng.integers(0, 3, WORLDS)
        self.orders = o = Orders.empty(WORLDS, 15)
        build_offers(
            0, WORLDS, POLICY, self.rounds, self.load, self.pv, self.heat, self.tariffs,
            *self.decisions.columns(), self.loss, utility, 9, o.owner, o.side, o.price, o.energy,
            o.start, o.until, o.cap, o.count,
        )  # fmt: skip

    def decided(self, w: int) -> dict[str, int]:
        return {name: int(getattr(self.decisions, name)[w, 0]) for name in NAMES}

    def fixed(self, w: int, c: int) -> int:
        d = self.decided(w)
        if c == 0:
            return int(self.load[w, 0] - self.pv[w, 0]) + d["pump_firm"]
        return max(int(self.heat[w, 0]) - d["heat_firm"], 0)

    def blocks(self, w: int, c: int) -> list[tuple[int, int, int]]:
        return (heat_blocks if c else electricity_blocks)(self.decided(w))

    def offers(self, w: int, c: int, owner: int = 0) -> list[tuple[int, int, int]]:
        o, n = self.orders, int(self.orders.count[w, c])
        rows = zip(o.owner[w, c, :n], o.side[w, c, :n], o.price[w, c, :n], o.energy[w, c, :n],
                   strict=True)  # fmt: skip
        return [(int(s), int(p), int(e)) for a, s, p, e in rows if a == owner]

    def by_limit(self, w: int, c: int) -> list[Counter[int]]:
        sums: list[Counter[int]] = [Counter(), Counter()]
        for side, price, energy in self.offers(w, c):
            sums[side][price] += energy
        return sums


@pytest.mark.parametrize(("seed", "utility"), [(0, 1), (1, 1), (2, -1)])
def test_offers_are_the_steps_of_the_curve(seed: int, utility: int) -> None:
    case, crossing = Case(seed, utility), 0
    for w in range(WORLDS):
        for c in range(2):
            retail, feed_in = (int(x) for x in case.tariffs[w, c, :2])
            fixed, blocks = case.fixed(w, c), case.blocks(w, c)
            asks, bids = case.by_limit(w, c)
            assert (bids, asks) == steps(fixed, blocks, retail, feed_in)
            crossing += bool(bids and asks)
            assert max(bids, default=feed_in - 1) < min(asks, default=retail + 1)  # never itself
            for price in range(feed_in, retail + 1):
                # a tick apart at most from what the curve says
                least = sum(e for p, e in bids.items() if p > price)
                least -= sum(e for p, e in asks.items() if p <= price)
                most = sum(e for p, e in bids.items() if p >= price)
                most -= sum(e for p, e in asks.items() if p < price)
                if price > feed_in:
                    assert most <= demand(price - 1, fixed, blocks)[1]
                if price < retail:
                    assert least >= demand(price + 1, fixed, blocks)[0]
    assert crossing > 300


def test_offers_live_one_round_and_are_positive() -> None:
    o = Case(3).orders
    meant = np.arange(15) < o.count[:, :, None]
    assert (o.energy[meant] > 0).all()
    assert (o.start[meant] == NOW).all()
    assert (o.until[meant] == NOW + 1).all()
    assert (o.cap[meant] == o.energy[meant]).all()
    assert o.count.max() <= 6 + 3  # of a trader and of network and utility


def test_network_and_utility_quote() -> None:
    case = Case(4)
    for w in range(50):
        (retail, feed_in), (heat_retail, heat_feed_in) = case.tariffs[w, :, :2].tolist()
        loss = int(case.loss[w])
        assert case.offers(w, 1, owner=3) == [(BUY, heat_retail, loss)] * (loss > 0)
        assert case.offers(w, 0, owner=1) == [(SELL, retail, 10**8), (BUY, feed_in, 10**8)]
        assert case.offers(w, 1, owner=1) == [(SELL, heat_retail, 9), (BUY, heat_feed_in, 10**8)]
    without = Case(4, utility=-1)
    assert all(without.offers(w, c, owner=1) == [] for w in range(50) for c in range(2))


def trades(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """A price and what it accepts: all better offers, any part of those at it."""
    price = np.zeros(WORLDS, np.int64)
    traded = np.zeros((WORLDS, 5, 2), np.int64)
    traded[:, 0, 1] = np.arange(WORLDS)
    for w in range(WORLDS):
        retail, feed_in = (int(x) for x in case.tariffs[w, 0, :2])
        price[w] = p = int(case.rng.integers(feed_in, retail + 1))
        for side, limit, energy in case.offers(w, 0):
            better = limit > p if side == BUY else limit < p
            part = energy if better else int(case.rng.integers(0, energy + 1)) * (limit == p)
            traded[w, 0, 0] += part if side == BUY else -part
    return price, traded


def followed(case: Case, traded: np.ndarray, absorb: bool, load: object, pv: object) -> list:
    d = case.decisions
    converted = np.zeros((WORLDS, 2), np.int64)
    battery, pump, chp, heat = (np.full((WORLDS, 2), 77, np.int64) for _ in range(4))
    follow_accepted(
        0, WORLDS, POLICY, traded, converted, case.load, case.pv, d.charge, d.charge_limit,
        d.discharge, d.discharge_limit, d.pump_firm, d.pump_flex, d.pump_limit, d.chp,
        d.chp_limit, absorb, load, pv, battery, pump, chp, heat,
    )  # fmt: skip
    for setpoint in (battery, pump, chp):
        assert not setpoint[:, 1].any()  # the utility has no devices
    assert np.array_equal(heat[:, 0], traded[:, 0, 1])
    return [battery[:, 0], pump[:, 0], chp[:, 0]]


@pytest.mark.parametrize("seed", [5, 6])
def test_set_points_are_the_point_of_the_curve(seed: int) -> None:
    case = Case(seed)
    price, traded = trades(case)
    battery, pump, chp = followed(case, traded, False, NOTHING, NOTHING)
    inside = 0
    for w in range(WORLDS):
        d, p = case.decided(w), int(price[w])
        assert -d["discharge"] <= battery[w] <= d["charge"]
        assert 0 <= pump[w] - d["pump_firm"] <= d["pump_flex"]
        assert 0 <= chp[w] <= d["chp"]
        blocks = case.blocks(w, 0)
        top = case.fixed(w, 0) + sum(below for _, below, _ in blocks)
        bottom = case.fixed(w, 0) + sum(above for _, _, above in blocks)
        net = int(case.load[w, 0] - case.pv[w, 0]) + int(battery[w] + pump[w] - chp[w])
        # what fixed load or PV could not trade is no device's business
        assert net == min(max(int(traded[w, 0, 0]), bottom), top)
        if not bottom <= traded[w, 0, 0] <= top:
            continue
        inside += 1
        least, most = 0, 0
        for limit, below, above in blocks:  # asks at a bid's limit are a tick apart
            least += below if limit > p + 1 else above
            most += above if limit < p - 1 else below
        assert least <= net - case.fixed(w, 0) <= most
        if abs(d["pump_limit"] - p) > 1:
            assert pump[w] == d["pump_firm"] + d["pump_flex"] * (d["pump_limit"] > p)
        if abs(d["chp_limit"] - p) > 1:
            assert chp[w] == d["chp"] * (d["chp_limit"] < p)
        if min(abs(d["charge_limit"] - p), abs(d["discharge_limit"] - p)) > 1:
            bought = d["charge"] * (d["charge_limit"] > p)
            assert battery[w] == bought - d["discharge"] * (d["discharge_limit"] < p)
    assert inside > WORLDS / 2


def test_batteries_absorb_the_forecast_error_if_they_shall() -> None:
    case = Case(7)
    _, traded = trades(case)
    load, pv = (case.rng.integers(0, 12, (WORLDS, 2)) for _ in range(2))
    plain = followed(case, traded, False, load, pv)
    absorbed = followed(case, traded, True, load, pv)
    error = (load - pv - case.load + case.pv)[:, 0]
    assert np.array_equal(absorbed[0], plain[0] - error)
    assert np.array_equal(absorbed[1], plain[1])
    assert np.array_equal(absorbed[2], plain[2])
    assert error.any()


def test_a_shard_writes_its_worlds_only() -> None:
    case, part = Case(8), Orders.empty(WORLDS, 15)
    part.count[:] = -1
    build_offers(
        100, 200, POLICY, case.rounds, case.load, case.pv, case.heat, case.tariffs,
        *case.decisions.columns(), case.loss, 1, 9, part.owner, part.side, part.price,
        part.energy, part.start, part.until, part.cap, part.count,
    )  # fmt: skip
    assert (part.count[:100] == -1).all()
    assert (part.count[200:] == -1).all()
    for name in ("owner", "side", "price", "energy", "count"):
        assert np.array_equal(getattr(part, name)[100:200], getattr(case.orders, name)[100:200])
    assert not part.energy[:100].any()
    assert not part.energy[200:].any()
