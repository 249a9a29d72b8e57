"""What the real grid operator records is found good, under every rule, in every world."""

import numpy as np
import pytest
from oracles.forger import SEGMENT

from decent_gym.audit import verify
from decent_gym.clearing import MECHANISMS, TIE_RULES, UTILITIES, Rules
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.market import Capability, GridOperator
from decent_gym.market.orders import Orders
from decent_gym.models import Organization

MEMBERS = 7
WORLDS = 3
START = 1_577_836_800


def submit(operator, capability, rng):
    rows = 12
    orders = Orders.empty(WORLDS, rows)
    orders.count[:] = rng.integers(0, rows + 1, orders.count.shape)
    now = operator.round[:, None, None]
    shape = orders.id.shape
    utility = operator.rules.utility == "book"
    orders.owner[:] = rng.integers(0, MEMBERS + utility, shape)
    orders.owner[rng.random(shape) < 0.05] = MEMBERS + 2  # the network buys its loss
    orders.side[:] = rng.integers(0, 2, shape)
    orders.price[:] = rng.choice([80_000, 80_000, 120_000, 150_000, 151_000, 300_000], shape)
    orders.energy[:] = rng.choice([1, 250, 250, 500, 7_000], shape)
    orders.start[:] = now + rng.choice([0, 0, 0, 1], shape)
    orders.until[:] = orders.start + rng.choice([1, 1, 2, 6], shape)
    orders.device[:] = rng.choice([-1, -1, 0, 1], shape)
    orders.cap[:] = rng.choice([10**8, 400], shape)
    operator.submit(orders, capability)


def utilities(mechanism):
    alone = MECHANISMS[mechanism].members_only
    return [utility for utility in UTILITIES if not (alone and utility == "book")]


CASES = [
    *({"tie_rule": t, "price_rule": k} for t in TIE_RULES for k in ("midpoint", "1/3")),
    *({"mechanism": name} for name in MECHANISMS if name != "merit_order"),
    *({"mechanism": name, "tie_rule": "random"} for name in MECHANISMS if name != "merit_order"),
]


@pytest.mark.parametrize(
    ("utility", "changes"),
    [(u, case) for case in CASES for u in utilities(case.get("mechanism", "merit_order"))],
)
def test_the_operators_ledgers_verify(tmp_path, utility, changes):
    rules = Rules(utility=utility, seed=11, **changes)
    members = [Organization(f"m{i}") for i in range(MEMBERS)] + [Organization("grid", priority=1)]
    capability, rng = Capability(), np.random.default_rng(5)
    operator = GridOperator(members, capability, worlds=WORLDS, rules=rules, start=START)
    operator.reset(np.array([0, 40, 7]), capability)
    operator.world_ids[:] = 5, 2**62, 0
    ledgers = []
    for world in range(WORLDS):
        head = LedgerHeader.of(
            members, rules.to_dict(), START, world=world, seed=int(operator.world_ids[world])
        )
        ledgers.append(Ledger.create(tmp_path / str(world), head))
        operator.listen(world, ledgers[-1])
    for _ in range(12):
        submit(operator, capability, rng)
        metered = operator.clear(capability).copy()
        metered[:, :MEMBERS] += rng.choice([-30, 0, 0, 55], (WORLDS, MEMBERS, 2))
        operator.fuel[:, 0] = 1_000
        operator.complete(metered, capability)
    for world, ledger in enumerate(ledgers):
        ledger.close()
        result = verify(tmp_path / str(world), expected_head=ledger.head)
        assert result, (world, result)
        assert result.rounds == 12
    assert operator.outcome.volume.any() and not operator.accounts.sum(axis=1).any()
    assert len({ledger.head for ledger in ledgers}) == WORLDS
    assert (tmp_path / "0" / SEGMENT).stat().st_size > 12 * 1_000
