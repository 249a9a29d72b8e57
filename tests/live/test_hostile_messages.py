"""Whatever stands under an offers topic: a receipt or silence, and books as they were."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decent_gym.errors import DataError
from decent_gym.ledger import Ledger
from decent_gym.live.intake import MESSAGES_CAP, Intake
from decent_gym.live.reading import MESSAGE_CAP, read_offers, read_request
from decent_gym.scenarios import scenario
from decent_gym.simulation import Simulation
from decent_gym.simulation.recording import header_of

DISTRICT = scenario("rural")
ROUND = 96
NAME = "building_03"
OFFER = {"commodity": "electricity", "side": "buy", "energy": 500, "price": 250_000}
MESSAGE = {"schema": "decent/offers/1", "round": ROUND, "number": 0, "offers": [OFFER]}


def begun():
    simulation = Simulation(DISTRICT, external=[NAME])
    simulation.reset([5], [ROUND])
    ledger = Ledger(header_of(simulation.operator, DISTRICT.digest, 5))
    simulation.operator.listen(0, ledger)
    return simulation, Intake(simulation, "rural", ledger.head), ledger


def text(**changes):
    return json.dumps({**MESSAGE, **changes}).encode()


def one(**changes):
    offer = {**OFFER, **changes}
    return text(offers=[{k: v for k, v in offer.items() if v is not ...}])


def raw(old, new):
    """The right message with a piece of its text replaced."""
    right = json.dumps(MESSAGE)
    assert old in right
    return right.replace(old, new, 1).encode()


MALFORMED = {
    "nothing": b"",
    "no JSON": b"hello",
    "half of it": text()[:-1],
    "two of it": text() * 2,
    "too long": text() + b" " * MESSAGE_CAP,
    "invalid UTF-8": b'{"schema":"\xff"}',
    "UTF-16": json.dumps(MESSAGE).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + text(),
    "deep lists": b"[" * (MESSAGE_CAP - 1),
    "deep objects": b'{"a":' * 1500,
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "thousands of digits": b"9" * 7_000,
    "schema of another version": text(schema="decent/offers/2"),
    "schema missing": json.dumps({k: v for k, v in MESSAGE.items() if k != "schema"}).encode(),
    "schema is a list": text(schema=[]),
    "round missing": json.dumps({k: v for k, v in MESSAGE.items() if k != "round"}).encode(),
    "round twice": raw('"round": 96', '"round": 96, "round": 97'),
    "offers twice": raw('"number": 0', '"number": 0, "offers": []'),
    "energy twice": raw('"energy": 500', '"energy": 500, "energy": 500'),
    "unknown field": text(organization="building_08"),
    "unknown field of an offer": one(owner=7),
    "an offer that names its start": one(start=1),
    "round is a float": text(round=96.0),
    "round is a bool": text(round=True),
    "round is a text": text(round="96"),
    "round is negative": text(round=-1),
    "number is null": text(number=None),
    "number is negative": text(number=-1),
    "no offers": text(offers=[]),
    "offers are an object": text(offers={"0": OFFER}),
    "an offer is a list": text(offers=[[]]),
    "an offer is null": text(offers=[OFFER, None]),
    "energy is a float": one(energy=500.0),
    "energy is a bool": one(energy=True),
    "energy is a text": one(energy="500"),
    "energy is null": one(energy=None),
    "energy is missing": one(energy=...),
    "energy is NaN": raw('"energy": 500', '"energy": NaN'),
    "energy is infinite": raw('"energy": 500', '"energy": Infinity'),
    "energy is 1e400": raw('"energy": 500', '"energy": 1e400'),
    "energy is -0.0": raw('"energy": 500', '"energy": -0.0'),
    "energy is 1e2": raw('"energy": 500', '"energy": 1e2'),
    "energy is 2^53": one(energy=2**53),
    "energy is 2^64": one(energy=2**64),
    "price is a float": one(price=0.25),
    "price is a bool": one(price=False),
    "price is -2^53": one(price=-(2**53)),
    "side is a number": one(side=1),
    "side is unknown": one(side="BUY"),
    "side is a list": one(side=["buy"]),
    "commodity is unknown": one(commodity="gas"),
    "commodity is a number": one(commodity=0),
    "device is a text": one(device="pump"),
    "device is a bool": one(device=True),
    "id is negative": one(id=-1),
    "id is null": one(id=None),
}
REFUSED = {
    "no energy": (one(energy=0), "bad_energy"),
    "negative energy": (one(energy=-5), "bad_energy"),
    "energy beyond the cap": (one(energy=10**8 + 1), "bad_energy"),
    "price beyond the cap": (one(price=10**8 + 1), "bad_price"),
    "price below the cap": (one(price=-(10**8) - 1), "bad_price"),
    "device below -1": (one(device=-2), "bad_device"),
    "round is over": (text(round=ROUND - 1), "gate_closed"),
    "round is long over": (text(round=0), "gate_closed"),
    "round comes next": (text(round=ROUND + 1), "not_open_yet"),
    "round comes in a million years": (text(round=2**53 - 1), "not_open_yet"),
}


@pytest.fixture(scope="module")
def clean_head():
    simulation, _, ledger = begun()
    for _ in range(2):
        simulation.step()
    return ledger.head


@pytest.fixture(scope="module")
def counter():
    """One that many may come to: nothing that they bring may leave a trace."""
    return begun()


def is_untouched(simulation):
    operator = simulation.operator
    return not operator.book.count.any() and not operator.next_sequence.any()


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_meets_a_receipt(name, counter):
    simulation, intake, _ = counter
    intake.begin()
    receipt = json.loads(intake.take(NAME, MALFORMED[name]))
    assert receipt["reason"] == "malformed"
    assert receipt["text"]
    assert is_untouched(simulation)


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_market_does_not_take_meets_its_reason(name, counter):
    simulation, intake, _ = counter
    intake.begin()
    payload, reason = REFUSED[name]
    receipt = json.loads(intake.take(NAME, payload))
    found = [receipt["reason"], *[entry["reason"] for entry in receipt["refused"]]]
    assert found.count(reason) == 1
    assert set(receipt["sequences"]) <= {None}
    assert is_untouched(simulation)


@pytest.mark.parametrize("name", ["building_08", "utility"])
def test_who_is_driven_by_a_script_is_told_so(name, counter):
    simulation, intake, _ = counter
    intake.begin()
    assert json.loads(intake.take(name, text()))["reason"] == "not_external"
    assert is_untouched(simulation)


def test_after_all_of_that_the_ledger_is_the_same(clean_head):
    simulation, intake, ledger = begun()
    for payload in [*MALFORMED.values(), *(payload for payload, _ in REFUSED.values())]:
        assert intake.take(NAME, payload) is not None
    simulation.step()
    intake.begin()
    for payload in MALFORMED.values():
        assert intake.take(NAME, payload) is not None
    simulation.step()
    assert ledger.head == clean_head


def test_a_right_message_changes_the_head(clean_head):
    simulation, intake, ledger = begun()
    receipt = json.loads(intake.take(NAME, text()))
    assert receipt["sequences"] == [0]
    assert (receipt["reason"], receipt["refused"], intake.taken) == (None, [], 1)
    for _ in range(2):
        simulation.step()
    assert ledger.head != clean_head


def test_good_offers_beside_bad_ones_are_taken():
    simulation, intake, _ = begun()
    offers = [
        OFFER,
        {**OFFER, "energy": 0},
        {**OFFER, "commodity": "heat", "price": 100_000},
        {**OFFER, "side": "sell", "price": 200_000},  # would trade with the first
        {**OFFER, "price": 10**9},
        {**OFFER, "price": 240_000, "id": 3},
        {**OFFER, "price": 230_000, "id": 3},
    ]
    receipt = json.loads(intake.take(NAME, text(offers=offers)))
    assert receipt["sequences"] == [0, None, 2, None, None, 1, None]
    found = {entry["offer"]: entry["reason"] for entry in receipt["refused"]}
    assert found == {1: "bad_energy", 3: "self_crossing", 4: "bad_price", 6: "duplicate_id"}
    assert "withdraw that one first" in receipt["refused"][1]["text"]
    book = simulation.operator.book
    assert book.count[0].tolist() == [2, 1]
    assert book.sequence[0, 0, :2].tolist() == [0, 1]
    assert book.price[0, 0, :2].tolist() == [250_000, 240_000]
    assert book.sequence[0, 1, 0] == 2


def test_the_same_message_is_taken_once_and_answered_twice():
    simulation, intake, _ = begun()
    first = intake.take(NAME, text())
    assert intake.take(NAME, text()) == first
    assert intake.take(NAME, text(offers=[OFFER] * 2)) == first  # its number says which it is
    assert simulation.operator.book.count[0, 0] == 1
    intake.take(NAME, text(number=1))
    assert simulation.operator.book.count[0, 0] == 2
    simulation.step()
    intake.begin()
    assert json.loads(intake.take(NAME, text()))["reason"] == "gate_closed"


def test_a_flood_ends_in_silence_and_the_next_round_is_open_again(caplog):
    simulation, intake, _ = begun()
    answers = [intake.take(NAME, text(number=n)) for n in range(MESSAGES_CAP + 50)]
    assert [answer is None for answer in answers] == [False] * MESSAGES_CAP + [True] * 50
    assert intake.silent == 50
    (warning,) = [one.getMessage() for one in caplog.records]
    assert NAME in warning and str(MESSAGES_CAP) in warning
    simulation.step()
    intake.begin()
    assert json.loads(intake.take(NAME, text(round=ROUND + 1)))["sequences"] != [None]


def test_a_flood_of_offers_meets_the_operators_limit():
    simulation, intake, _ = begun()
    offers = [{**OFFER, "price": 1000 + n} for n in range(80)]
    receipts = [json.loads(intake.take(NAME, text(number=n, offers=offers))) for n in range(14)]
    assert simulation.operator.book.count[0, 0] == simulation.operator.max_offers
    reasons = {entry["reason"] for receipt in receipts for entry in receipt["refused"]}
    assert reasons == {"too_many"}
    assert intake.taken + intake.refused == 14 * 80
    simulation.step()


@given(st.binary(max_size=200))
def test_bytes_are_never_more_than_an_error(payload):
    for read in (read_offers, read_request):
        with pytest.raises(DataError):
            read(payload)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from([*MESSAGE, *OFFER, "more"]), values)
def test_any_value_in_any_place_is_read_or_refused(field, value):
    is_outer = field in MESSAGE or field == "more"
    payload = json.dumps(
        {**MESSAGE, field: value} if is_outer else {**MESSAGE, "offers": [{**OFFER, field: value}]}
    ).encode()
    try:
        message = read_offers(payload)
    except DataError:
        return
    orders, _ = message.orders(2)
    assert orders.count.sum() == len(message.offers)
    assert type(value) in (int, str, list)


def test_requests_are_read_or_refused():
    right = {"schema": "decent/request/1", "first": 0, "count": 256}
    assert read_request(json.dumps(right).encode()) == (0, 256)
    for wrong in (
        *({**right, "count": n} for n in (0, 257, 1.0, True, None, "1")),
        *({**right, "first": n} for n in (-1, 2**60, 1.5, False)),
        {**right, "more": 1},
        {**right, "schema": "decent/offers/1"},
    ):
        with pytest.raises(DataError):
            read_request(json.dumps(wrong).encode())
