"""What the real grid operator records is found good, under every rule, in every world."""

import numpy as np
import pytest
from oracles.forger import SEGMENT

from decent_gym.audit import verify
from decent_gym.clearing import MECHANISMS, TIE_RULES, UTILITIES, Rules
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.market import Capability, Conversions, GridOperator, Orders
from decent_gym.models import Organization

MEMBERS = 7
WORLDS = 3
START = 1_577_836_800


def submit(operator, capability, rng, most=12):
    """A random batch for every world; what the operator refuses of it is nobody's fault."""
    wishes = operator.book.reads_wishes
    orders = Orders.empty(WORLDS, most, wishes)
    orders.count[:] = rng.integers(0, most + 1, orders.count.shape)
    now = operator.round[:, None, None]
    shape = orders.id.shape
    utility = operator.rules.utility == "book"
    orders.owner[:] = rng.integers(0, MEMBERS + utility, shape)
    orders.owner[rng.random(shape) < 0.05] = MEMBERS + 2  # the network buys its loss
    orders.side[:] = np.where(rng.random(shape) < 0.2, 1 - orders.owner % 2, orders.owner % 2)
    orders.price[:] = rng.choice([80_000, 80_000, 120_000, 150_000, 151_000, 300_000], shape)
    orders.energy[:] = rng.choice([1, 250, 250, 500, 7_000], shape)
    orders.start[:] = now + rng.choice([0, 0, 0, 1], shape)
    orders.until[:] = orders.start + rng.choice([1, 1, 2, 6], shape)
    orders.device[:] = rng.choice([-1, -1, 0, 1], shape)
    orders.cap[:] = rng.choice([10**8, 400], shape)
    orders.id[:] = rng.choice([-1, -1, 0, 1, 2, 3], shape)
    if wishes:
        orders.wishes[0] = rng.choice([0, 0, 1, 2, 3], shape)
        soft = (orders.side == 1) & (orders.wishes[0] > 0)
        orders.wishes[1] = np.where(soft, rng.choice([-1, 0, 100, 1000], shape), -1)
        orders.wishes[2] = np.where(rng.random(shape) < 0.1, (orders.owner + 1) % MEMBERS, -1)
    operator.submit(orders, capability)


def convert(operator, capability, rng):
    """Random heat pumps and generators, alone and in pairs."""
    offers = Conversions.empty(WORLDS, 4)
    offers.count[:] = rng.integers(0, 5, WORLDS)
    shape = offers.owner.shape
    offers.owner[:] = rng.integers(0, MEMBERS, (WORLDS, 1))
    pump = rng.random(shape) < 0.5
    offers.electricity[:] = np.where(pump, -1000, 600)
    offers.heat[:] = np.where(pump, 3000, 900)
    offers.cost[:] = np.where(pump, 0, 150_000)
    offers.most[:] = rng.choice([100, 5_000], shape)
    operator.submit_conversions(offers, capability)


def hand_in(operator, capability, rng):
    """What comes before a gate: batches, conversions, more batches that replace, withdrawals."""
    submit(operator, capability, rng)
    if operator.joint is not None:
        convert(operator, capability, rng)
    for _ in range(rng.integers(0, 3)):
        submit(operator, capability, rng, most=3)
    for world in range(WORLDS):
        sequence = int(rng.integers(0, operator.next_sequence[world] + 1))
        for owner in range(MEMBERS):
            operator.withdraw(world, sequence, owner, capability)


def utilities(mechanism="merit_order", clearing="separate", **_):
    alone = MECHANISMS[mechanism].members_only
    without = {"book"} if alone else {"residual"} if clearing == "coupled" else set()
    return [utility for utility in UTILITIES if utility not in without]


class Passed:
    """How many limits were passed in each book."""

    def __init__(self, counts):
        self.counts = counts

    def on_round(self, record):
        self.counts += [book.limits_passed for book in record.books]


CASES = [
    *({"tie_rule": t, "price_rule": k} for t in TIE_RULES for k in ("midpoint", "1/3")),
    {"clearing": "coupled"},
    *({"mechanism": name} for name in MECHANISMS if name != "merit_order"),
    *({"mechanism": name, "tie_rule": "random"} for name in MECHANISMS if name != "merit_order"),
]


@pytest.mark.parametrize(
    ("utility", "changes"),
    [(u, case) for case in CASES for u in utilities(**case)],
)
def test_the_operators_ledgers_verify(tmp_path, utility, changes):
    trade(tmp_path, utility, changes)


def trade(folder, utility, changes, rounds=12, seed=5):
    """Record random rounds of three worlds and verify them."""
    rules = Rules(utility=utility, seed=11, **changes)
    members = [Organization(f"m{i}") for i in range(MEMBERS)] + [Organization("grid", priority=1)]
    capability, rng = Capability(), np.random.default_rng(seed)
    operator = GridOperator(members, capability, worlds=WORLDS, rules=rules, start=START)
    operator.reset(np.array([0, 40, 7]), capability)
    operator.world_ids[:] = 5, 2**62, 0
    ledgers, passed = [], []
    operator.listen(0, Passed(passed))
    for world in range(WORLDS):
        head = LedgerHeader.of(
            members, rules.to_dict(), START, world=world, seed=int(operator.world_ids[world])
        )
        ledgers.append(Ledger.create(folder / str(world), head))
        operator.listen(world, ledgers[-1])
    for _ in range(rounds):
        hand_in(operator, capability, rng)
        metered = operator.clear(capability).copy()
        metered[:, :MEMBERS] += rng.choice([-30, 0, 0, 55], (WORLDS, MEMBERS, 2))
        operator.fuel[:, 0] = 1_000
        operator.complete(metered, capability)
    for world, ledger in enumerate(ledgers):
        ledger.close()
        result = verify(folder / str(world), expected_head=ledger.head)
        assert result, (world, result)
        assert result.rounds == rounds
    assert operator.outcome.volume.any() and not operator.accounts.sum(axis=1).any()
    assert any(passed) == (not MECHANISMS[rules.mechanism].respects_limits)
    assert len({ledger.head for ledger in ledgers}) == WORLDS
    assert (folder / "0" / SEGMENT).stat().st_size > rounds * 1_000
