"""Every term from its definition; the rewards of an episode sum to its score."""

import numpy as np
import pytest
from oracles.districts import district
from oracles.simulation import reference

from decent_gym.models import Money
from decent_gym.scenarios import Forecasts, Prices
from decent_gym.simulation import REWARDS, Episodes, Simulation, Term
from decent_gym.simulation.rewards import SCORE_TERMS

LEARNERS = ["all", "battery", "plant"]
PRICES = Prices(wear=12_345, comfort=777_777, heat_fee=5_001, storage=190_003, heat_storage=75_011)


def play(reward: str, rounds: int = 60) -> tuple[Episodes, np.ndarray, np.ndarray]:
    """Random actions: rewards (T, L) and terms (T, 8, N)."""
    episodes = Episodes(district(5, prices=PRICES), LEARNERS, rounds=rounds, reward=reward)
    episodes.reset([11])
    rng = np.random.default_rng(0)
    rewards, terms = [], []
    for _ in range(rounds):
        for k, levers in enumerate(episodes.levers):
            episodes.act(k, rng.uniform(-1, 1, len(levers)))
        episodes.step()
        rewards.append(episodes.rewards[0].copy())
        terms.append(episodes.simulation.terms[:, 0].copy())
    return episodes, np.array(rewards), np.array(terms)


def test_rewards_of_an_episode_sum_to_its_score() -> None:
    episodes, rewards, terms = play("score")
    np.testing.assert_allclose(rewards.sum(axis=0), episodes.scores()[0], rtol=0, atol=1e-9)
    totals = episodes.simulation.totals[:, 0]
    assert np.array_equal(terms.sum(axis=0), totals)
    index = [episodes.scenario.index(name) for name in LEARNERS]
    exact = totals[list(SCORE_TERMS)][:, index].sum(axis=0)
    assert [round(score * 10**9) for score in episodes.scores()[0]] == exact.tolist()
    assert (np.abs(episodes.scores()) > 0.1).all()


def test_storage_telescopes_to_what_is_stored() -> None:
    episodes, _, terms = play("score")
    d = episodes.simulation.devices
    worth = [
        (soc * PRICES.storage + tank * PRICES.heat_storage) // 1000
        for soc, tank in ((d.battery_initial, d.store_initial), (d.battery_soc, d.store_soc))
    ]
    assert np.array_equal(terms[:, Term.STORAGE].sum(axis=0), (worth[1] - worth[0])[0])
    assert (worth[1] != worth[0]).any()


def test_terms_are_the_rows_of_money_and_what_the_devices_did() -> None:
    episodes = Episodes(district(6, prices=PRICES), LEARNERS, rounds=96)
    episodes.reset([1])
    rng = np.random.default_rng(1)
    sim, scenario = episodes.simulation, episodes.scenario
    n = len(scenario.members)
    for t in range(96):
        for k, levers in enumerate(episodes.levers):
            episodes.act(k, rng.uniform(-1, 1, len(levers)))
        now = int(sim.operator.round[0])
        episodes.step()
        terms, flows = sim.terms[:, 0], sim.flows
        for term, kind in zip(Term, Money, strict=False):
            assert term.name == kind.name
            assert np.array_equal(terms[term], sim.operator.money[kind, 0, :n])
        assert np.array_equal(terms[Term.WEAR], -PRICES.wear * np.abs(flows.battery_energy[0]))
        assert np.array_equal(terms[Term.COMFORT], -PRICES.comfort * flows.unserved[0])
        for i, member in enumerate(scenario.members):
            pump = member.heat_pump
            cost = reference(
                *(int(table[now, i]) for table in (scenario.load, scenario.pv, scenario.heat)),
                int(pump.cop(scenario.temperature)[now]) if pump else 0,
                pump.parameters()["pump_max"] if pump else 0,
                scenario.tariffs[now].tolist(),
                PRICES.heat_fee,
            )
            assert terms[Term.REFERENCE, i] == -cost, (t, member.name)


@pytest.mark.parametrize("name", list(REWARDS))
def test_a_reward_is_its_weighted_terms(name: str) -> None:
    chosen = {
        "score": {term: 1 for term in Term if term != Term.REFERENCE},
        "money": {Term.TRADE: 1, Term.IMBALANCE: 1, Term.FUEL: 1, Term.FEE: 1},
        "savings": {**{term: 1 for term in Term}, Term.REFERENCE: -1},
    }[name]
    episodes, rewards, terms = play(name, 30)
    index = [episodes.scenario.index(learner) for learner in LEARNERS]
    expected = sum(weight * terms[:, term][:, index] for term, weight in chosen.items())
    np.testing.assert_allclose(rewards, expected / 1e9, rtol=1e-12, atol=1e-12)


def test_without_flexibility_and_market_nothing_is_saved() -> None:
    """A plain house with perfect forecasts and nobody but the utility pays the reference."""
    base = district(7, forecasts=Forecasts(0, 0, 900), prices=PRICES)
    keep = [base.index("plain"), base.index("utility")]
    parts = {name: np.ascontiguousarray(getattr(base, name)[:, keep]) for name in ("load", "pv")}
    parts["heat"] = np.ascontiguousarray(base.heat[:, keep])
    members = tuple(base.members[i] for i in keep)
    alone = district(7, members=members, forecasts=base.forecasts, prices=PRICES, **parts)
    sim = Simulation(alone)
    sim.reset([1], [0])
    for _ in range(96):
        sim.step()
        terms = sim.terms[:, 0, 0]
        assert terms[: Term.REFERENCE].sum() == terms[Term.REFERENCE]


def test_wasting_energy_never_pays() -> None:
    """Filling and emptying a battery with losses, at one price, loses money plus storage."""
    tariffs = np.tile(np.array([[300_000, 299_999, 400_000, 1], [160_000, 0, 210_000, -1]]),
                      (192, 1, 1))  # fmt: skip
    scenario = district(8, tariffs=tariffs, traders=("no_flexibility",),
                        prices=Prices(storage=300_000))  # fmt: skip
    sim = Simulation(scenario, learners=("battery",))
    sim.reset([0], [0])
    idle = Simulation(scenario, learners=("battery",))
    idle.reset([0], [0])
    for t in range(40):
        sim.actions[0, 0, :2] = (10**6, 10**6) if t % 2 else (-(10**6), -(10**6))
        sim.step()
        idle.step()
    terms = list(SCORE_TERMS)
    assert sim.totals[terms, 0, 0].sum() < idle.totals[terms, 0, 0].sum()
