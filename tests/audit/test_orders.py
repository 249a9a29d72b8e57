"""An operator that admits what the rules forbid, and clears, settles and hashes it rightly."""

import random
import re

import numpy as np
import pytest

from decent_gym.audit import numbers_given, verify
from decent_gym.audit import orders as audit_orders
from decent_gym.audit.numbers_given import NumbersGiven
from decent_gym.clearing import Rules
from decent_gym.clearing.order_admission import HORIZON, energy_limits
from decent_gym.ledger import Ledger, LedgerHeader
from decent_gym.ledger.record_room import offer_limit
from decent_gym.market import Capability, GridOperator, Orders
from decent_gym.models import LOCAL, Commodity, Organization, Side

MEMBERS = [Organization(name) for name in ("a", "b", "c")] + [Organization("grid", priority=1)]
RULES = Rules(utility=None, seed=3)
FIRST = 40
ELECTRICITY, HEAT = Commodity
SELL, BUY = Side.SELL, Side.BUY
SHARE = int(energy_limits(np.array([0, 0, 0, 1, 0, 0, 0]))[0])


class CrookedMarket:
    """A market whose operator can change what it has admitted; recorded like any other."""

    def __init__(self, folder, rules=RULES):
        self.capability = Capability()
        self.operator = GridOperator(MEMBERS, self.capability, rules=rules, max_offers=10**6)
        self.operator.reset(np.array([FIRST]), self.capability)
        self.ledger = Ledger.create(folder, LedgerHeader.of(MEMBERS, rules.to_dict(), 0))
        self.operator.listen(0, self.ledger)

    def offer(self, *offers, commodity=ELECTRICITY):
        """Hand in offers together: owner, side, price and other columns by name."""
        wishes = self.operator.book.reads_wishes
        orders = Orders.empty(1, len(offers), wishes)
        orders.count[0, commodity] = len(offers)
        now = int(self.operator.round[0])
        for row, (owner, side, price, *more) in enumerate(offers):
            columns = {"energy": 100, "start": now, "rounds": 1, "cap": 10**8}
            columns |= {"owner": owner, "side": side, "price": price, **(more[0] if more else {})}
            columns["until"] = columns["start"] + columns.pop("rounds")
            wish = columns.pop("wish", (0, -1, -1))
            if wishes:
                orders.wishes[:, 0, commodity, row] = wish
            for name, value in columns.items():
                getattr(orders, name)[0, commodity, row] = value
        assert self.operator.submit(orders, self.capability) == 0, orders.status

    def cheat(self, at=-1, commodity=ELECTRICITY, **columns):
        """Change an offer that stands in the book; the last one handed in unless `at` says."""
        slot = 0, commodity, int(self.operator.book.count[0, commodity]) + at
        for name, value in columns.items():
            getattr(self.operator.book, name)[slot] = value

    def close(self, rounds=1):
        for _ in range(rounds):
            self.operator.close_round(self.capability)


def crossing(m):
    m.offer((0, SELL, 100), (1, BUY, 120))
    m.cheat(owner=0)


def crossing_a_standing_one(m):
    m.offer((0, SELL, 100, {"rounds": 5}))
    m.close()
    m.offer((1, BUY, 100))
    m.cheat(owner=0)


def crossing_with_a_premium(m):
    m.offer((0, SELL, 1_100, {"wish": (LOCAL, -1, -1)}))
    m.offer((1, BUY, 1_000, {"wish": (LOCAL, 100, -1)}))
    m.cheat(owner=0)


def share(m):
    most = SHARE // 10**8
    m.offer(*[(0, SELL, 100, {"energy": 10**8})] * most, (1, SELL, 200, {"energy": 10**8}))
    m.cheat(owner=0)


def share_of_what_is_mostly_sold(m):
    """The share is of what was offered, not of what is left."""
    most = SHARE // 10**8
    m.offer(*[(0, SELL, 100, {"energy": 10**8, "rounds": 3, "cap": 5})] * most)
    m.offer((1, BUY, 200))
    m.close()
    m.offer((1, SELL, 200, {"energy": 10**8}))
    m.cheat(owner=0)


def too_many(m):
    most = offer_limit(len(MEMBERS) + 3, RULES)
    m.offer(*[(0, SELL, 100)] * most, (1, SELL, 200))
    m.cheat(owner=0)


def id_twice(m):
    m.offer((0, SELL, 100, {"id": 7, "rounds": 4}))
    m.close()
    m.offer((0, SELL, 100, {"id": 8}), commodity=ELECTRICITY)
    m.cheat(id=7)


def id_beyond(m):
    m.offer((0, SELL, 100))
    m.cheat(id=2**53)


def device_beyond(m):
    m.offer((0, SELL, 100))
    m.cheat(device=2**53)


def too_long(m):
    m.offer((0, SELL, 100, {"rounds": HORIZON}))
    m.cheat(until=FIRST + HORIZON + 1)


def too_far_ahead(m):
    """Handed in in the first round by its number, but of a window that begins much later."""
    m.offer((0, SELL, 100), (0, SELL, 100, {"start": FIRST + 2}), (0, SELL, 100))
    m.close()
    m.cheat(until=FIRST + HORIZON + 1)
    m.close(3)


def number_twice(m):
    m.offer((0, SELL, 100))
    m.close(2)
    m.offer((0, SELL, 100))
    m.cheat(sequence=0)


def number_of_the_other_book(m):
    m.offer((0, SELL, 100))
    m.offer((0, SELL, 100), commodity=HEAT)
    m.cheat(commodity=HEAT, sequence=0)


def not_replaced(m):
    m.offer((0, SELL, 100, {"device": 3}))
    m.offer((1, SELL, 100), commodity=HEAT)
    m.offer((0, SELL, 90, {"device": 4}))
    m.cheat(device=3)


def not_replaced_later(m):
    m.offer((0, SELL, 100, {"device": 3, "rounds": 9}))
    m.close()
    m.offer((1, SELL, 100), commodity=HEAT)
    m.close()
    m.offer((0, SELL, 90, {"device": 4}))
    m.cheat(device=3)


def priority(m):
    m.offer((0, SELL, 100))
    m.cheat(priority=1)


def priority_of_the_network(m):
    m.offer((5, BUY, 100))
    m.cheat(priority=1)


def fuel_account(m):
    m.offer((0, SELL, 100))
    m.cheat(owner=4)


CHEATS = {
    crossing: "electricity order 1, offer #1 of a: price 120 would trade with an offer of the same",
    crossing_a_standing_one: "electricity order 1, offer #1 of a: price 100 would trade with an",
    crossing_with_a_premium: "electricity order 1, offer #1 of a: price 1000 would trade with an",
    share: f" of a: energy 100000000 would pass the organization's share of the book, {SHARE} Wh",
    share_of_what_is_mostly_sold: " of a: energy 100000000 would pass the organization's share",
    too_many: f"of a: organization 0 has {offer_limit(7, RULES)} offers in this book already",
    id_twice: "offer #1 of a: id 7 is taken already",
    id_beyond: f"offer #0 of a: id {2**53} must be 0 to {2**53 - 1}",
    device_beyond: f"offer #0 of a: device {2**53} must be -1",
    too_long: "offer #0 of a: valid_until 713 is too far ahead: at most round 712",
    too_far_ahead: "offer #1 of a: valid_until 713 is too far ahead: round 40 has higher numbers",
    number_twice: "electricity order 0, offer #0 of a: its number was given in a round before",
    number_of_the_other_book: "heat sequence of order 0 is one that an order of the other book has",
    not_replaced: "electricity order 0, offer #0 of a: it stands beside order 1 of the same device",
    not_replaced_later: "electricity order 0, offer #0 of a: it stands beside order 1 of the same",
    priority: "electricity priority of order 0 is not its organization's",
    priority_of_the_network: "electricity priority of order 0 is not its organization's",
    fuel_account: "offer #0 of account 4: organization 4 is disabled",
}


def recorded(folder, act):
    wishes = act is crossing_with_a_premium
    market = CrookedMarket(folder, Rules(mechanism="preference", utility=None) if wishes else RULES)
    with market.ledger:
        act(market)
        market.close()
    return verify(folder, reclear=False), int(market.operator.round[0]) - FIRST


@pytest.mark.parametrize("act", CHEATS, ids=lambda act: act.__name__)
def test_what_the_rules_forbid_is_named(tmp_path, act, monkeypatch):
    hashes, rounds = recorded(tmp_path / "l", act)
    assert hashes and hashes.rounds == rounds
    found = verify(tmp_path / "l")
    bad = 2 if act is too_far_ahead else rounds - 1
    assert not found and found.first_bad == bad, found
    assert found.reason.startswith(f"round {found.first_bad}: ")
    assert re.search(re.escape(CHEATS[act]), found.reason), found.reason
    if act not in (priority, priority_of_the_network):  # those always were found
        monkeypatch.setattr(audit_orders.OrderCheck, "fault", lambda check, record: None)
        assert verify(tmp_path / "l"), "it would have been found without the check of orders"


def test_what_the_rules_allow_is_no_fault(tmp_path):
    """As near to the faults above as an offer may come."""
    market = CrookedMarket(tmp_path / "l")
    with market.ledger:
        most = SHARE // 10**8
        market.offer(*[(2, SELL, 900, {"energy": 10**8, "rounds": 2})] * most)
        market.offer((2, SELL, 900, {"energy": SHARE - most * 10**8}))
        market.offer((0, SELL, 100), (0, BUY, 99), (1, BUY, 150, {"rounds": 2}))
        market.offer((0, BUY, 95, {"start": FIRST + 1, "id": 2, "device": 5}))
        market.offer((0, SELL, 300, {"rounds": HORIZON, "device": 1, "id": 2**53 - 1}))
        market.offer((0, SELL, 310, {"device": 1, "rounds": 9}), (0, SELL, 320, {"device": 1}))
        market.close()
        market.offer((0, SELL, 310, {"device": 1, "rounds": 9}), (0, SELL, 320, {"device": 1}))
        market.offer((0, SELL, 100, {"start": FIRST + 2, "rounds": HORIZON - 1}))
        market.close()
        market.offer((0, BUY, 90, {"id": 2}), commodity=HEAT)
        market.close(3)
    assert verify(tmp_path / "l"), verify(tmp_path / "l")


def test_as_many_as_a_market_takes(tmp_path):
    most = offer_limit(len(MEMBERS) + 3, RULES)
    assert (most, offer_limit(103, RULES)) == (8_205, 556)  # as docs/trust.md says
    market = CrookedMarket(tmp_path / "l")
    with market.ledger:
        market.offer(*[(0, SELL, 100, {"rounds": 2, "energy": 9})] * most, (1, BUY, 100))
        market.close(2)
    assert verify(tmp_path / "l"), verify(tmp_path / "l")


@pytest.mark.parametrize("kept", [40, 10**6])
def test_numbers_are_remembered_as_a_set_would(kept, monkeypatch):
    monkeypatch.setattr(numbers_given, "_KEPT", kept)
    source, numbers = random.Random(kept), NumbersGiven()
    free, seen, tops = list(range(12)), [], []
    for number in range(7, 2_000):
        fresh = np.array(sorted(source.sample(free, source.randrange(5))), np.int64)
        top = tops[-1] if tops else -1
        late = numbers.late(fresh)
        assert fresh[:late].tolist() == [n for n in fresh if n <= top]
        for given in fresh[:late].tolist():
            first = 7 + next(r for r, highest in enumerate(tops) if highest > given)
            assert numbers.latest(given) == max(first, numbers._first)
        assert number - numbers._first >= min(HORIZON, number - 7)
        assert not late or numbers.twice(fresh[:late]) is None
        numbers.add(number, fresh)
        seen = sorted([*seen, *fresh.tolist()])[-30:]
        tops.append(max([top, *fresh.tolist()]))
        if seen:
            again = source.choice(seen)
            assert numbers.twice(np.array([again])) == again
        following = free[-1] + 1
        free = [n for n in free if n not in fresh]
        free += range(following, following + 12 - len(free))
    assert len(numbers._given) == 1_024 or kept > 40
