"""Rounds written straight from the operator's arrays: the same bytes as through a `Round`."""

import numpy as np
import pytest
from oracles.districts import district

from decent_gym.errors import InputError, RoundOrderError
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.simulation import Episodes, Simulation


class ThroughRounds:
    """A ledger that is handed rounds as objects only."""

    def __init__(self, ledger: Ledger) -> None:
        self.on_round = ledger.on_round


def header(sim: Simulation) -> LedgerHeader:
    scenario = sim.scenario
    return LedgerHeader.of(scenario.organizations, scenario.rules.to_dict(), scenario.start)


@pytest.mark.parametrize("rules", [{}, {"utility": "residual"}, {"rules": {"tie_rule": "random"}}])
def test_both_ways_give_the_same_head(rules) -> None:
    episodes = Episodes(district(3, **rules), ["battery", "all"], worlds=3, rounds=90)
    operator = episodes.simulation.operator
    pairs = []
    for world in (0, 2):
        straight, slow = (Ledger(header(episodes.simulation)) for _ in range(2))
        operator.listen(world, straight)
        operator.listen(world, ThroughRounds(slow))
        pairs.append((straight, slow))
    episodes.reset([4, 5, 6])
    rng = np.random.default_rng(0)
    for t in range(60):
        if t == 20:  # books that have grown
            operator._allocate(operator.book.grown(2 * operator.book.capacity))
        for k, levers in enumerate(episodes.levers):
            episodes.act(k, rng.uniform(-1, 1, (3, len(levers))))
        episodes.step()
        for straight, slow in pairs:
            assert straight.head == slow.head
    heads = {ledger.head for pair in pairs for ledger in pair}
    assert len(heads) == 2 and all(ledger.rounds == 60 for pair in pairs for ledger in pair)


def test_a_ledger_of_another_market_is_refused() -> None:
    sim = Simulation(district(3))
    ledger = Ledger(
        LedgerHeader.of(
            sim.scenario.organizations[:-1], sim.scenario.rules.to_dict(), sim.scenario.start
        )
    )
    sim.reset([1], [0])
    sim.operator.listen(0, ledger)
    before = ledger.head
    with pytest.raises(InputError, match=r"the market has .* accounts, the ledger's header"):
        sim.step()
    assert (ledger.head, ledger.rounds) == (before, 0)


def test_rounds_out_of_order_are_refused() -> None:
    sim = Simulation(district(3))
    ledger = Ledger(header(sim))
    sim.reset([1], [7])
    sim.operator.listen(0, ledger)
    sim.step()
    sim.reset([1], [3])
    with pytest.raises(RoundOrderError, match="round 3 cannot follow round 7"):
        sim.step()
    assert ledger.rounds == 1
