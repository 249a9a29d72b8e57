"""Whatever stands under an offers topic: a receipt or silence, and books as they were."""

import json

import pytest
from hostile.cases_offers import MALFORMED, MESSAGE, MINE, REFUSED, ROUND, text
from hypothesis import given
from hypothesis import strategies as st
from oracles.signed_market import BUY

from decent_gym.errors import DataError
from decent_gym.ledger import Ledger
from decent_gym.live.intake import MESSAGES_CAP, Intake
from decent_gym.live.reading import read_offers, read_request
from decent_gym.scenarios import scenario
from decent_gym.simulation import Simulation
from decent_gym.simulation.recording import header_of

DISTRICT = scenario("rural")
NAME = MINE
OFFER = BUY
BAD = [payload for _, _, payload, _ in (*MALFORMED, *REFUSED)]


def begun():
    simulation = Simulation(DISTRICT, external=[NAME])
    simulation.reset([5], [ROUND])
    ledger = Ledger(header_of(simulation.operator, DISTRICT.digest, 5))
    simulation.operator.listen(0, ledger)
    return simulation, Intake(simulation, "rural", ledger.head), ledger


@pytest.fixture(scope="module")
def clean_head():
    simulation, _, ledger = begun()
    for _ in range(2):
        simulation.step()
    return ledger.head


def test_after_all_of_that_the_ledger_is_the_same(clean_head):
    simulation, intake, ledger = begun()
    for payload in BAD:
        assert intake.take(NAME, payload) is not None
    simulation.step()
    intake.begin()
    for _, _, payload, _ in MALFORMED:
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
