"""The grid operator against the round in plain Python, over thousands of random sequences."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from market.random_orders import MEMBERS, PAIRS, ROWS, TARIFFS, N, as_orders, random_batch
from oracles.market import OPEN, PlainMarket

from decent_gym.clearing import TIE_RULES, UTILITIES, Rules, order_faults
from decent_gym.errors import InputError
from decent_gym.market import Capability, GridOperator, Orders
from decent_gym.models import Commodity, Reason

WORDS = {
    code: name
    for name, code in vars(order_faults).items()
    if name.isupper() and not name.startswith("_") and isinstance(code, int)
    if 0 < code < order_faults.NO_WISHES  # nobody wishes here
} | {0: ""}
MAX_OFFERS = 4
LIMITS = [60, 60, 60, 60, 150, 60, 60, 60, 60]


class Listener:
    def __init__(self):
        self.records = []

    def on_round(self, record):
        self.records.append(record)


class Pair:
    """One operator of W worlds, and W plain markets beside it."""

    def __init__(self, worlds, *, utility, tie_rule, k=Fraction(1, 2), seed=0, episode=0):
        rng = self.rng = np.random.default_rng([seed, episode])
        self.capability, self.worlds, self.utility = Capability(), worlds, utility
        rules = Rules(price_rule=k, tie_rule=tie_rule, utility=utility, seed=seed)
        self.operator = operator = GridOperator(
            MEMBERS, self.capability, worlds=worlds, rules=rules, tariffs=TARIFFS, capacity=2,
            max_offers=MAX_OFFERS,
        )  # fmt: skip
        operator.energy_limit[:] = LIMITS
        operator.world_ids[:] = rng.integers(0, 2**63 - 1, worlds)
        operator.reset(rng.integers(0, 500, worlds), self.capability)
        self.listeners = [Listener() for _ in range(worlds)]
        for w, listener in enumerate(self.listeners):
            operator.listen(w, listener)
        self.plain = [
            PlainMarket(
                PAIRS, ROWS, utility=utility, tie_rule=tie_rule, k=k, seed=seed,
                world=int(operator.world_ids[w]), max_offers=MAX_OFFERS, energy_limit=LIMITS,
                first=int(operator.round[w]),
            )
            for w in range(worlds)
        ]  # fmt: skip
        self.words = Counter()
        self.reasons = Counter()

    def submit(self, most=7):
        batch = random_batch(self.rng, [m.now for m in self.plain], most, self.utility)
        orders = as_orders(batch)
        refused = self.operator.submit(orders, self.capability)
        expected = [market.submit(rows) for market, rows in zip(self.plain, batch, strict=True)]
        for w, world in enumerate(expected):
            for c, words in enumerate(world):
                got = [WORDS[code] for code in orders.status[w, c, : len(words)].tolist()]
                assert got == words, (w, c, batch[w][c])
                self.words.update(words)
        assert refused == sum(word != "" for world in expected for words in world for word in words)
        self.same_books()

    def withdraw(self):
        for w, market in enumerate(self.plain):
            for _ in range(self.rng.integers(3)):
                number = int(self.rng.integers(max(market.next_sequence, 1)))
                owner = int(self.rng.choice([0, 1, 3, 4, 5]))
                left = self.operator.withdraw(w, number, owner, self.capability)
                assert left == market.withdraw(number, owner)
        self.same_books()

    def same_books(self):
        operator = self.operator
        assert operator.next_sequence.tolist() == [m.next_sequence for m in self.plain]
        assert operator.round.tolist() == [m.now for m in self.plain]
        for w, market in enumerate(self.plain):
            for c in Commodity:
                table = operator.book.table(w, c)
                ended = table[:, 8] <= market.now
                assert table[~ended].tolist() == market.table(c)
                count = int(operator.book.count[w, c])
                reasons = operator.reason[w, c, :count][ended].tolist()
                expected = [o["ended"] for o in market.books[c] if o["ended"] is not None]
                assert reasons == expected
                self.reasons.update(reasons)

    def close(self):
        operator, rng = self.operator, self.rng
        traded = operator.clear(self.capability).copy()
        assert traded.tolist() == [market.clear() for market in self.plain]
        assert not traded.sum(axis=1).any()  # energies balance to 0 Wh
        metered = traded.copy()
        metered[:, : N + 2] += rng.choice([-7, 0, 0, 0, 12], metered[:, : N + 2].shape)
        operator.fuel[:], operator.fees[:] = rng.integers(-50, 90, (2, self.worlds, N))
        operator.unserved[:] = rng.integers(0, 4, (self.worlds, N))
        records = operator.complete(metered, self.capability)
        assert records == {w: li.records[-1] for w, li in enumerate(self.listeners)}
        for w, market in enumerate(self.plain):
            money = market.complete(
                metered[w].tolist(), operator.fuel[w].tolist(), operator.fees[w].tolist()
            )
            self.same_round(w, market, records[w], money, metered[w])
        self.same_books()

    def same_round(self, w, market, record, money, metered):
        operator = self.operator
        assert operator.money[:, w].tolist() == record.money.tolist() == money
        assert [sum(row) for row in money] == [0, 0, 0, 0]
        assert operator.accounts[w].tolist() == record.accounts.tolist() == market.accounts
        assert record.number == market.now - 1 and record.timestamp == 900 * record.number
        assert record.traded.tolist() == market.traded
        assert record.metered.tolist() == metered.tolist()
        assert record.unserved.tolist() == operator.unserved[w].tolist()
        assert record.tariffs.tolist() == [list(row) for row in ROWS]
        for c, book in enumerate(record.books):
            plain = market.cleared[c]
            for name in ("orders", "offered", "accepted", "pays", "reason"):
                assert getattr(book, name).tolist() == plain[name], name
            for name in ("volume", "price_low", "price", "price_high", "case"):
                assert getattr(book, name) == plain[name], name
            assert book.surplus == 0
            assert (operator.by_world.volume[w, c], operator.by_world.case[w, c]) == (
                plain["volume"], plain["case"],
            )  # fmt: skip
            kept = operator.reason[w, c, : operator.book.count[w, c]].tolist()
            reasons = dict(zip(book.column("sequence").tolist(), plain["reason"], strict=True))
            assert kept == [reasons.get(o["sequence"], OPEN) for o in market.live(c)]
            self.reasons.update(plain["reason"])


@pytest.mark.parametrize("utility", UTILITIES)
@pytest.mark.parametrize("tie_rule", TIE_RULES)
def test_every_round_is_the_plain_one(utility, tie_rule):
    words, reasons = Counter(), Counter()
    for episode in range(20):
        k = (Fraction(1, 2), Fraction(0), Fraction(1), Fraction(2, 7))[episode % 4]
        pair = Pair(
            12, utility=utility, tie_rule=tie_rule, k=k, seed=7 + episode // 2, episode=episode
        )
        for _ in range(5):
            pair.submit()
            pair.withdraw()
            if pair.rng.random() < 0.3:
                pair.submit(2)
            pair.close()
        words += pair.words
        reasons += pair.reasons
    unreachable = {"BAD_ACCOUNT"}  # see test_accounts_stay_in_64_bits
    assert set(words) == set(WORDS.values()) - unreachable
    assert words[""] > 0.5 * words.total()
    assert set(reasons) == set(Reason) - {Reason.PREFERENCE_UNMET, Reason.REJECTED}


def test_rounds_refuse_nothing_by_accident():
    """The comparison above would hold for empty books too."""
    pair = Pair(8, utility="book", tie_rule="pro_rata")
    volume = cases = 0
    for _ in range(6):
        pair.submit()
        pair.close()
        volume += int(pair.operator.outcome.volume.sum())
        cases |= sum(1 << case for case in np.unique(pair.operator.outcome.case).tolist())
    assert volume > 300 and cases == 0b1111


STATE = ("round", "tariffs", "traded", "metered", "money", "accounts", "next_sequence")


def state(operator, world):
    """All that one world's market holds."""
    books = [operator.book.table(world, c).tolist() for c in Commodity]
    reasons = [
        operator.reason[world, c, : operator.book.count[world, c]].tolist() for c in Commodity
    ]
    arrays = [getattr(operator, name) for name in STATE]
    arrays[4] = arrays[4].swapaxes(0, 1)
    prices = [part[world].tolist() for part in operator.by_world[2:8]]
    return books, reasons, [array[world].tolist() for array in arrays], prices


@pytest.mark.parametrize("utility", UTILITIES)
def test_a_batch_is_its_worlds_and_its_shards(utility):
    worlds, capability = 5, Capability()
    rules = Rules(tie_rule="random", utility=utility, seed=3)

    def operator(count):
        made = GridOperator(
            MEMBERS, capability, worlds=count, rules=rules, tariffs=TARIFFS, max_offers=MAX_OFFERS
        )
        made.energy_limit[:] = LIMITS
        return made

    whole, sharded = operator(worlds), operator(worlds)
    singles = [operator(1) for _ in range(worlds)]
    for w, single in enumerate(singles):
        single.world_ids[0] = w
    rng = np.random.default_rng(8)
    for number in range(25):
        batch = random_batch(rng, [number] * worlds, 6, utility)
        metered = rng.choice([-9, 0, 30], whole.metered.shape)
        metered[:, -1] = 0
        whole.submit(as_orders(batch), capability)
        whole.clear(capability)
        whole.complete(metered, capability)
        for first, last in ((3, 5), (0, 1), (1, 3)):
            sharded.submit(as_orders(batch), capability, first, last)
            sharded.clear(capability, first, last)
            sharded.complete(metered, capability, first, last)
        for w, single in enumerate(singles):
            single.submit(as_orders(batch[w : w + 1]), capability)
            single.clear(capability)
            single.complete(metered[w : w + 1], capability)
            assert state(single, 0) == state(whole, w) == state(sharded, w)
    assert whole.accounts.any() and whole.book.count.any()


def test_a_range_of_worlds_leaves_the_others_alone():
    pair = Pair(4, utility="residual", tie_rule="time")
    operator, capability = pair.operator, pair.capability
    for _ in range(3):
        pair.submit()
        pair.close()
    untouched = [state(operator, w) for w in (0, 3)]
    orders = Orders.empty(4, 1)
    orders.count[:] = 1
    orders.owner[:] = 3
    orders.energy[:] = orders.cap[:] = 5
    orders.price[:] = 10**6  # nobody buys at that
    orders.start[:] = operator.round[:, None, None]
    orders.until[:] = orders.start + 3
    operator.max_offers, operator.energy_limit[:] = 99, 999
    assert operator.submit(orders, capability, 1, 3) == 0
    operator.clear(capability, 1, 3)
    operator.complete(operator.traded, capability, 1, 3)
    assert [state(operator, w) for w in (0, 3)] == untouched
    operator.reset(np.full(4, 9), capability, 1, 2)
    assert [state(operator, w) for w in (0, 3)] == untouched
    assert operator.round[1] == 9 and operator.next_sequence[1] == 0
    assert not operator.accounts[1].any() and not operator.book.count[1].any()
    assert operator.book.count[2].any()


def test_growing_books_keep_orders_reasons_and_last_prices():
    capability = Capability()
    small = GridOperator(MEMBERS, capability, capacity=1, tariffs=TARIFFS)
    large = GridOperator(MEMBERS, capability, capacity=500, tariffs=TARIFFS)
    rng = np.random.default_rng(1)
    for number in range(12):
        batch = random_batch(rng, [number], 12, "book")
        for operator in (small, large):
            operator.submit(as_orders(batch), capability)
            operator.withdraw(0, 0, 0, capability)
        assert state(small, 0) == state(large, 0)
        for operator in (small, large):
            operator.close_round(capability)
    assert 1 < small.book.capacity < 500


def test_only_worlds_that_there_are_can_be_listened_to():
    operator = GridOperator(MEMBERS, Capability(), worlds=2)
    for world in (-1, 2):
        with pytest.raises(InputError, match="world must be 0 to 1"):
            operator.listen(world, Listener())
    assert not operator.listeners
