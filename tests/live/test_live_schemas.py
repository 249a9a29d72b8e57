"""Every message that is sent obeys its schema, and the description of all channels is sound."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from decent_gym import observation_fields
from decent_gym.errors import DataError
from decent_gym.ledger import Ledger, SigningKey
from decent_gym.live.intake import MESSAGE_REASONS, REASONS, Intake
from decent_gym.live.messages import (
    offers_payloads,
    opening_payload,
    request_payload,
    settlement_payloads,
)
from decent_gym.live.openings import Opening, observations_of, view_of
from decent_gym.live.own_offers import scripted_offers
from decent_gym.live.reading import REQUEST_CAP, read_offers, read_request
from decent_gym.live.signer import Signer
from decent_gym.live.topics import MarketTopics
from decent_gym.models import Reason
from decent_gym.scenarios import scenario
from decent_gym.simulation import Simulation
from decent_gym.simulation.recording import header_of
from decent_gym.views.recorder import Recorder

SCHEMAS = Path(__file__).resolve().parents[2] / "docs/schemas"
DOCUMENT = json.loads((SCHEMAS / "asyncapi.json").read_text())
NAMES = ("round", "status", "offers", "receipt", "settlement", "opening", "request")
VALIDATORS = {
    name: Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))
    for name in NAMES
}


def obeys(name, payload):
    return VALIDATORS[name].is_valid(json.loads(payload))


@pytest.fixture(scope="module")
def played():
    """Payloads of every kind out of a real round, by the name of their schema."""
    district = scenario("rural")
    simulation = Simulation(district, learners=["building_03"], external=["building_03"])
    simulation.reset([5], [96])
    head = Ledger(header_of(simulation.operator, district.digest, 5)).head
    recorder = Recorder(keep=1)
    simulation.operator.listen(0, recorder)
    n = int(simulation.external[0])
    opening = opening_payload(
        "rural", "building_03", ledger=head, number=96, closes_in=1000,
        view=view_of(simulation.view, n), observation=observations_of(simulation)[0],
    )  # fmt: skip
    offers = scripted_offers(Opening.read(opening), "truthful")
    bad = [{**offers[0], "energy": 0}, {**offers[0], "price": 10**9}]
    messages = offers_payloads(96, [*offers, *bad, *[offers[0]] * 140])
    intake = Intake(simulation, "rural", head)
    receipts = [intake.take("building_03", payload) for payload in (*messages, b"?")]
    receipts.append(intake.take("building_08", messages[0]))
    simulation.step()
    settled = settlement_payloads(recorder.last, "rural", "building_03", n, ledger=head, own=head)
    return {
        "opening": [opening],
        "offers": messages,
        "receipt": receipts,
        "settlement": list(settled),
        "request": [request_payload(0, 1), request_payload(7, REQUEST_CAP)],
    }


@pytest.mark.parametrize("name", NAMES)
def test_schemas_are_schemas(name):
    Draft202012Validator.check_schema(VALIDATORS[name].schema)
    assert VALIDATORS[name].schema["properties"]["schema"]["const"] == f"decent/{name}/1"


def test_what_is_sent_obeys_its_schema(played):
    for name, payloads in played.items():
        assert [p for p in payloads if not obeys(name, p)] == []
    assert [len(payloads) for payloads in played.values()] == [1, 2, 4, 3, 2]
    whole = [payload for payloads in played.values() for payload in payloads]
    assert max(map(len, whole)) < 8_000


def test_every_field_is_needed_and_no_other_is_known(played):
    for name, payloads in played.items():
        right = json.loads(payloads[0])
        for field in right:
            missing = {k: v for k, v in right.items() if k != field}
            assert not VALIDATORS[name].is_valid(missing), (name, field)
        assert not VALIDATORS[name].is_valid({**right, "more": 1}), name


def test_the_schema_of_offers_and_their_reader_agree(played):
    right = json.loads(played["offers"][0])
    offer = right["offers"][0]
    cases = [right, {**right, "offers": [{**offer, "device": 3, "id": 0}]}]
    for value in (None, True, "x", [], {}, -1, 2**53, 1.5):
        cases += [{**right, field: value} for field in right]
        cases += [{**right, "offers": [{**offer, field: value}]} for field in offer]
        cases += [{**right, "offers": [{**offer, field: value}]} for field in ("device", "id")]
    read = []
    for case in cases:
        try:
            read_offers(json.dumps(case).encode())
        except DataError:
            read.append(False)
        else:
            read.append(True)
    assert read == [VALIDATORS["offers"].is_valid(case) for case in cases]
    assert 2 < sum(read) < len(read)


def test_a_signed_message_has_all_that_a_signature_needs_or_nothing(played):
    signer = Signer(SigningKey("rural/building_03", b"k" * 32), "rural", "building_03")
    offers = json.loads(played["offers"][0])["offers"][:2]
    (payload,) = offers_payloads(96, offers, lambda m: signer.sign(m, "0" * 64))
    right = json.loads(payload)
    seal = ("district", "ledger", "nonce", "organization", "signature")
    cases = [right, {**right, "signature": right["signature"][:-2] + "B="}]
    cases += [{key: value for key, value in right.items() if key != name} for name in seal]
    for value in (None, True, "x", [], {}, -1, 2**53, 1.5, 0):
        cases += [{**right, name: value} for name in seal]
    assert [accepts(case) for case in cases] == [VALIDATORS["offers"].is_valid(c) for c in cases]
    # market and sender may be any text here: the counter says what is wrong with them
    assert sum(accepts(case) for case in cases) == 1 + 3 + 1


def accepts(message):
    try:
        read_offers(json.dumps(message).encode())
    except DataError:
        return False
    return True


def test_the_reasons_in_the_schemas_are_the_programs():
    receipt = VALIDATORS["receipt"].schema
    assert receipt["$defs"]["refusal"]["properties"]["reason"]["enum"] == list(REASONS.values())
    assert receipt["properties"]["reason"]["enum"] == [None, *MESSAGE_REASONS]
    settled = VALIDATORS["settlement"].schema["$defs"]["offer"]["properties"]["reason"]["enum"]
    assert settled == [reason.name.lower() for reason in Reason]
    assert VALIDATORS["request"].schema["properties"]["count"]["maximum"] == REQUEST_CAP
    assert read_request(request_payload(0, REQUEST_CAP)) == (0, REQUEST_CAP)


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from references(entry)


def resolved(reference):
    path, _, pointer = reference.partition("#/")
    if path:
        return json.loads((SCHEMAS / path).read_text())
    found = DOCUMENT
    for part in pointer.split("/"):
        found = found[part]
    return found


def test_every_reference_in_the_description_resolves():
    found = list(references(DOCUMENT))
    assert len(found) > 30
    for reference in found:
        assert resolved(reference)


def test_the_description_has_the_shape_of_asyncapi_3():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for channel in DOCUMENT["channels"].values():
        placeholders = {part[1:-1] for part in channel["address"].split("/") if part[0] == "{"}
        assert placeholders == channel["parameters"].keys()
        assert channel["messages"]
    used = set()
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        used.add(operation["channel"]["$ref"].removeprefix("#/channels/"))
    assert used == DOCUMENT["channels"].keys()


def test_every_example_obeys_its_schema():
    messages = DOCUMENT["components"]["messages"]
    assert messages.keys() == {*NAMES, "record"}
    for name in NAMES:
        (example,) = messages[name]["examples"]
        assert list(VALIDATORS[name].iter_errors(example["payload"])) == []
        assert messages[name]["payload"] == {"$ref": f"{name}.schema.json"}


def test_the_described_channels_are_the_topics():
    topics = MarketTopics("d")
    assert {
        name: channel["address"].format(district="d", number=7, organization="b", user="u")
        for name, channel in DOCUMENT["channels"].items()
    } == {
        "round": topics.round(7),
        "last": topics.last,
        "status": topics.status,
        "opening": topics.opening("b"),
        "offers": topics.offers("b"),
        "receipts": topics.receipts("b"),
        "requests": topics.requests("u"),
        "records": topics.records("u"),
    }


def test_an_opening_survives_the_way(played):
    (payload,) = played["opening"]
    opening = Opening.read(payload)
    assert len(opening.observation) == len(observation_fields())
    assert opening.observation.tolist() == json.loads(payload)["observation"]
