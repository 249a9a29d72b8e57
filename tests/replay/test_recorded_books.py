"""A ledger's books: every recorded figure again, and what the orders are truly worth."""

import dataclasses
import json

import numpy as np
import pytest
from oracles import forger

from decent_gym.clearing import MECHANISMS, Rules, clear
from decent_gym.district import Devices
from decent_gym.errors import DataError, InputError, LedgerError
from decent_gym.ledger.header import canonical_json
from decent_gym.ledger.segments import META
from decent_gym.metrics import compare, limits_passed, regret_of_truth, rules_for
from decent_gym.models import Commodity, Side
from decent_gym.replay import (
    VALUES_ARE_LIMITS,
    VALUES_TRUE,
    difference_from,
    read_books,
    reclear,
)
from decent_gym.scenarios import scenario
from decent_gym.simulation import Episodes

ROUNDS = 10
WISHES = json.dumps(
    {
        "building_01": {"renewable": True, "premium": 0.5},
        "building_03": {"local": True, "hard": True},
        "building_04": {"partner": "building_09"},
        "building_07": {"renewable": True, "hard": True},
        "heat_plant": {"local": True, "renewable": True, "premium": 0.9},
    }
)
PREFERENCE = {"mechanism": "preference", "wishes": WISHES}


def record(folder, *, traders=None, learners=(), rounds=ROUNDS, **options):
    episodes = Episodes(
        scenario("rural", **options), learners, traders=traders, rounds=rounds, split="test"
    )
    episodes.reset([3])
    episodes.record(folder, scenario="rural", options=options)
    random = np.random.default_rng(2)
    for _ in range(rounds):
        for k, levers in enumerate(episodes.levers):
            episodes.act(k, random.uniform(-1, 1, len(levers)))
        episodes.step()
    episodes.close()
    return folder


@pytest.fixture(scope="module")
def random_week(tmp_path_factory):
    """Everybody bids at random, two learners too."""
    learners = ["building_03", "building_05"]
    folder = tmp_path_factory.mktemp("random") / "x"
    return record(folder, traders="zero_intelligence", learners=learners, rounds=40)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mechanism": "vcg", "utility": "residual"},
        {"mechanism": "pay_as_bid", "price_rule": "1/3", "tie_rule": "random"},
        {"mechanism": "sbba", "utility": "residual"},
        {"mechanism": "mid_market_rate", "utility": "residual"},
        {"utility": None},
        PREFERENCE,
        {**PREFERENCE, "utility": "residual", "tie_rule": "random"},
        {**PREFERENCE, "utility": None},
    ],
    ids=lambda options: str({name: options[name] for name in options if name != "wishes"}),
)
def test_every_price_and_payment_again(tmp_path, options):
    found = read_books(record(tmp_path / "x", traders="zero_intelligence", **options))
    assert difference_from(found, reclear(found.book_set, found.rules)) is None
    assert found.rounds == ROUNDS
    assert found.book_set.valued_by == VALUES_TRUE
    other = dataclasses.replace(found.rules, price_rule=1)
    if found.rules.mechanism == "pay_as_bid":  # every pair has a price of its own
        assert difference_from(found, reclear(found.book_set, other)) is not None


def test_forged_figures_are_found(random_week, tmp_path):
    header, rounds = forger.read(random_week)
    book = rounds[5].electricity
    pays = book.pays.copy()
    at = int(np.argmax(pays))
    pays[at] += 1
    rounds[5] = forger.edited(rounds[5], electricity={"pays": pays})
    forger.write(tmp_path / "forged", header, rounds)
    found = read_books(tmp_path / "forged")
    difference = difference_from(found, reclear(found.book_set, found.rules))
    assert difference is not None
    assert difference.startswith(
        f"pays of order {at} in the electricity book of round {rounds[5].number}: {pays[at]} "
    )


@pytest.fixture(scope="module")
def wishing(tmp_path_factory):
    """Soft, hard and partner wishes around noon, some met and some not."""
    folder = tmp_path_factory.mktemp("wishing") / "x"
    return record(folder, traders="zero_intelligence", rounds=60, **PREFERENCE)


def test_wishes_come_along_and_decide(wishing):
    found = read_books(wishing)
    book_set, books = found.book_set, found.book_set.books
    header, rounds = forger.read(wishing)
    for row, book in enumerate(book for one in rounds for book in one.books):
        n = len(book.orders)
        for name in ("attributes", "premium", "partner"):
            assert getattr(books, name)[row, :n].tolist() == book.column(name).tolist()
    again = reclear(book_set, found.rules)
    by_type = again.outcome.origin.sum(axis=(0, 1))
    assert by_type[1] > 0 and by_type[3] > 0
    assert again.outcome.origin.tobytes() == found.recorded.origin.tobytes()
    empty = dict.fromkeys(("attributes", "premium", "partner"), np.empty((0, 0), np.int64))
    deaf = dataclasses.replace(book_set, books=books._replace(**empty))
    assert difference_from(found, reclear(deaf, found.rules)) is not None
    origin = rounds[30].electricity.origin.copy()
    at = int(np.argmax(origin[:, 1]))
    origin[at, [0, 1]] += 1, -1
    rounds[30] = forger.edited(rounds[30], electricity={"origin": origin})
    forger.write(wishing.parent / "forged", header, rounds)
    forged = read_books(wishing.parent / "forged", values="limits")
    difference = difference_from(forged, reclear(forged.book_set, forged.rules))
    assert difference is not None and difference.startswith(f"origin of order {at} in the")


def test_every_rule_is_measured_on_books_with_wishes(wishing):
    found = read_books(wishing)
    rules = {name: rules_for(name, found.rules) for name in MECHANISMS}
    measured = {one.name: one for one in compare(found.book_set, rules, unit="round")}
    share = {name: one.figures["all"]["efficiency"].value for name, one in measured.items()}
    assert 0 < share["preference"] < share["merit_order"] <= 1  # that is what wishes cost
    soft = limits_passed(found.book_set, measured["preference"].cleared)
    assert not soft.any()  # above the limit, but for what is worth as much more
    books, outcome = found.book_set.books, measured["preference"].cleared.outcome
    assert ((outcome.pays > books.price * outcome.accepted) & (books.side == Side.BUY)).any()
    with pytest.raises(InputError, match=r"these books hold wishes, .* leave the best response"):
        regret_of_truth(found.book_set, found.rules, "building_05")


def test_rows_are_the_recorded_orders(random_week):
    _, rounds = forger.read(random_week)
    found = read_books(random_week)
    books = found.book_set.books
    for r, record in enumerate(rounds):
        for commodity, book in zip(Commodity, record.books, strict=True):
            row, n = 2 * r + commodity, len(book.orders)
            assert books.orders[row] == n
            assert found.book_set.commodity[row] == commodity
            assert found.book_set.times[row] == record.number
            for name in ("side", "price", "priority", "sequence", "owner"):
                assert getattr(books, name)[row, :n].tolist() == book.column(name).tolist()
            assert books.offered[row, :n].tolist() == book.offered.tolist()
            assert books.tariffs[row].tolist() == record.tariffs[commodity].tolist()


@pytest.mark.parametrize("name", [name for name in MECHANISMS if not MECHANISMS[name].draws])
def test_members_alone_then_the_rest(random_week, name):
    """The residual part, a book at a time through the public function."""
    found = read_books(random_week, values="limits")
    book_set = found.book_set
    rules = Rules(name, utility="residual")
    cleared = reclear(book_set, rules)
    for b in range(0, len(book_set), 7):
        n = int(book_set.books.orders[b])
        columns = [getattr(book_set.books, c)[b, :n] for c in ("side", "price", "offered")]
        owner, sequence = book_set.books.owner[b, :n], book_set.books.sequence[b, :n]
        mine = np.flatnonzero(owner != book_set.utility)
        retail, feed_in = (int(book_set.books.tariffs[b, k]) for k in (0, 1))
        needs = dict(zip(("retail", "feed_in"), (retail, feed_in), strict=True))
        needs = {key: needs[key] for key in MECHANISMS[name].needs}
        side, price, offered = (column[mine] for column in columns)
        result = clear(
            side, price, offered, name, sequence=sequence[mine], organization=owner[mine], **needs
        )
        served = np.where(side == Side.BUY, price >= retail, price <= feed_in)
        rest = np.where(served, offered - result.accepted, 0)
        tariff = np.where(side == Side.BUY, retail, -feed_in)
        assert cleared.inside[b, mine].tolist() == result.accepted.tolist()
        assert cleared.outcome.accepted[b, mine].tolist() == (result.accepted + rest).tolist()
        assert cleared.outcome.pays[b, mine].tolist() == (result.pays + rest * tariff).tolist()
        assert cleared.outcome.volume[b] == result.volume
        assert cleared.rest_energy[b] == (rest * np.where(side == Side.BUY, 1, -1)).sum()
        assert cleared.rest_pays[b] == -(rest * tariff).sum()


def test_true_limits_are_the_values(tmp_path):
    """But for one tick: a curve's bid and ask at the same limit must not meet."""
    book_set = read_books(record(tmp_path / "x", traders="truthful", rounds=96)).book_set
    off = (book_set.value - book_set.books.price)[book_set.live]
    buys = book_set.books.side[book_set.live] == Side.BUY
    assert set(off[buys].tolist()) <= {0, 1}
    assert set(off[~buys].tolist()) <= {0, -1}


def test_values_of_random_bidders_are_the_devices_own(random_week):
    """With constant tariffs a member's electricity has few values, written down from the docs."""
    found = read_books(random_week)
    book_set, rural = found.book_set, scenario("rural")
    electricity = (book_set.commodity == Commodity.ELECTRICITY)[:, None] & book_set.live
    retail, feed_in = book_set.books.tariffs[0, :2].tolist()
    strange = 0  # limits that are no value
    for n, member in enumerate(rural.members):
        mine = electricity & (book_set.books.owner == n)
        values = set(book_set.value[mine].tolist())
        allowed = {retail, feed_in}
        if member.battery is not None:
            charge, discharge = _rates(member.battery)
            allowed.add((feed_in * discharge + retail * charge) // (2 * discharge))
            allowed.add(-(-(feed_in * discharge + retail * charge) // (2 * charge)))
        if member.heat_pump is not None:
            allowed.add(975 * (feed_in + retail) // 2000)
        if member.chp is None:
            assert values <= allowed, member.name
            strange += len(set(book_set.books.price[mine].tolist()) - allowed)
    assert strange > 20


def _rates(battery):
    """MWh in the store per Wh at the terminals, both ways."""
    devices = Devices.empty(1, 1)
    devices.set_organization(0, battery=battery)
    return int(devices.battery_charge_rate[0, 0]), int(devices.battery_discharge_rate[0, 0])


def test_boilers_are_worth_their_fuel(random_week):
    book_set = read_books(random_week).book_set
    rural = scenario("rural")
    plant = rural.index("heat_plant")
    heat = (book_set.commodity == Commodity.HEAT)[:, None] & book_set.live
    mine = heat & (book_set.books.owner == plant) & (book_set.books.side == Side.SELL)
    devices = Devices.empty(1, 1)
    devices.set_organization(0, boiler=rural.members[plant].boiler)
    fuel = -(-int(devices.boiler_fuel_rate[0, 0]) * rural.prices.fuel // 1000)
    assert fuel in book_set.value[mine]
    assert (book_set.value[mine] <= fuel).all()  # stored heat replaces the boiler's


# -- where values cannot be known ----------------------------------------------------------------


def test_limits_if_asked_for(random_week):
    book_set = read_books(random_week, values="limits").book_set
    assert book_set.valued_by == VALUES_ARE_LIMITS
    assert book_set.value.tolist() == book_set.books.price.tolist()
    with pytest.raises(InputError, match="values must be"):
        read_books(random_week, values="guess")


def copied(random_week, tmp_path, **meta):
    header, rounds = forger.read(random_week)
    forger.write(tmp_path / "y", header, rounds)
    if meta:
        old = json.loads((random_week / META).read_text())
        (tmp_path / "y" / META).write_text(json.dumps({**old, **meta}))
    return tmp_path / "y"


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ({}, "no scenario is named beside the ledger"),
        ({"traders": "truthful"}, "the replay differs, round"),
        ({"options": {"tariff": "time_of_use"}}, "has the digest"),
        ({"scenario": "rurale"}, "did you mean 'rural'"),
    ],
)
def test_limits_if_the_episode_is_not_this_one(random_week, tmp_path, meta, words):
    found = read_books(copied(random_week, tmp_path, **meta))
    assert found.book_set.valued_by.startswith(VALUES_ARE_LIMITS)
    assert words in found.book_set.valued_by
    assert found.book_set.value.tolist() == found.book_set.books.price.tolist()
    assert difference_from(found, reclear(found.book_set, found.rules)) is None


def test_no_ledger(tmp_path):
    with pytest.raises(InputError, match="there is no ledger"):
        read_books(tmp_path)


def test_broken_ledger(random_week, tmp_path):
    folder = copied(random_week, tmp_path)
    segment = folder / forger.SEGMENT
    data = segment.read_bytes()
    segment.write_bytes(data[:-50])
    with pytest.raises(LedgerError, match=r"is broken after 39 rounds: .* incomplete"):
        read_books(folder)
    segment.write_bytes(data[:-50] + b"x" + data[-49:])
    with pytest.raises(LedgerError, match="does not have the hash"):
        read_books(folder)


def test_ledger_without_rounds(random_week, tmp_path):
    header, _ = forger.read(random_week)
    forger.write(tmp_path / "y", header, [])
    with pytest.raises(DataError, match="no round has been recorded"):
        read_books(tmp_path / "y")


def test_orders_that_no_book_may_hold(random_week, tmp_path):
    """Kernels trust their input, so a forger's side 2 must not reach them."""
    header, rounds = forger.read(random_week)
    orders = rounds[2].electricity.orders.copy()
    orders[0, 3] = 2
    rounds[2] = forger.edited(rounds[2], electricity={"orders": orders})
    forger.write(tmp_path / "y", header, rounds)
    with pytest.raises(LedgerError, match=r"round \d+: electricity order 0, .*: side 2 must be"):
        read_books(tmp_path / "y")


def test_rules_of_another_version(random_week, tmp_path):
    header, rounds = forger.read(random_week)
    later = dataclasses.replace(header, rules_version=header.rules_version + 1)
    forger.write(tmp_path / "y", later, rounds)
    with pytest.raises(LedgerError, match="cleared by rules version"):
        read_books(tmp_path / "y")


def test_books_that_were_cleared_together(random_week, tmp_path):
    header, rounds = forger.read(random_week)
    rules = canonical_json({**json.loads(header.rules), "clearing": "coupled"})
    forger.write(tmp_path / "y", dataclasses.replace(header, rules=rules), rounds)
    with pytest.raises(InputError, match="heat and electricity coupled"):
        read_books(tmp_path / "y")
