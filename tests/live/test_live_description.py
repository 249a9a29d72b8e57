"""The AsyncAPI document is what a live market does: every message of a real one is in it."""

import json
import logging
import re
import threading
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from live.test_live_market import PLAN
from live.test_live_schemas import DOCUMENT, SCHEMAS

from decent_gym.ledger.frames import PREFIX_BYTES, read_prefix
from decent_gym.live import scripted_offers
from decent_gym.live.intake import MESSAGE_REASONS, REASONS
from decent_gym.live.market import LiveMarket
from decent_gym.live.participant import Participant
from decent_gym.live.session import Session
from decent_gym.live.subscriber import Subscriber
from decent_gym.models import Reason
from decent_gym.views.mqtt_link import Link


def ignore(_):
    """Hear of it, and go on."""


def test_every_reason_is_told_in_the_documentation():
    text = (SCHEMAS.parent / "live.md").read_text().partition("## Reasons")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `(\w+)` \| .{20,} \|$", text, re.MULTILINE)
    assert told == [*MESSAGE_REASONS, *REASONS.values(), *(r.name.lower() for r in Reason)]


def channel_of(topic):
    """The one channel whose address a topic has; the plainest, where a parameter fits as well."""
    found = [
        (len(channel["parameters"]), name)
        for name, channel in DOCUMENT["channels"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", channel["address"]), topic)
    ]
    return min(found)[1] if found else None


def obeys(channel, payload):
    if not payload:  # a new ledger has no last round, a market that has left no opening
        return channel in ("last", "opening")
    for name in DOCUMENT["channels"][channel]["messages"]:
        if name == "record":
            return read_prefix(payload[:PREFIX_BYTES])[0] == len(payload)
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
        if Draft202012Validator(schema).is_valid(json.loads(payload)):
            return True
    return False


@pytest.fixture
def sent(tmp_path, monkeypatch, caplog):
    """What a market of a few rounds, a participant and a subscriber say, and who said it."""
    caplog.set_level(logging.CRITICAL + 1, "amqtt")
    found, post, send = [], Session.post, Link._send

    def posted(self, topic, payload, *, is_retained=False):
        found.append((self, topic, payload, is_retained))
        return post(self, topic, payload, is_retained=is_retained)

    def published(self, topic, payload, *, is_retained):
        found.append((None, topic, payload, is_retained))
        send(self, topic, payload, is_retained=is_retained)

    monkeypatch.setattr(Session, "post", posted)
    monkeypatch.setattr(Link, "_send", published)
    settled, done = [], threading.Event()
    with LiveMarket(replace(PLAN, speed=9_000), tmp_path / "l", "embedded") as market:

        def offers(opening):
            return scripted_offers(opening, "truthful")

        with (
            Participant(market.address, "rural", "building_03", offers) as participant,
            Subscriber(market.address, "rural", reclear=True) as subscriber,
        ):
            threads = [
                threading.Thread(
                    target=participant.run, args=(settled.append, ignore, done.is_set)
                ),
                threading.Thread(target=subscriber.run, args=(ignore, ignore, done.is_set)),
            ]
            for thread in threads:
                thread.start()
            market.run(60, ignore, lambda: bool(settled) and subscriber.fetched > 2)
            done.set()
            for thread in threads:
                thread.join()
    own = (None, market._session, market._library)
    return [(sender in own, *rest) for sender, *rest in found], market


def test_what_is_said_is_described_and_what_is_described_is_said(sent):
    messages, market = sent
    operations = {
        operation["channel"]["$ref"].rpartition("/")[2]: operation
        for operation in DOCUMENT["operations"].values()
    }
    said = {}
    for is_market, topic, payload, is_retained in messages:
        channel = channel_of(topic)
        assert channel is not None, topic
        assert obeys(channel, payload), (topic, payload)
        said.setdefault(channel, set()).add((is_market, is_retained))
    assert said == {
        name: {(operation["action"] == "send", operation["bindings"]["mqtt"]["retain"])}
        for name, operation in operations.items()
    }
    heard = {channel_of(topic) for topic in (*market._session._topics, *market._library._topics)}
    assert heard == {name for name, one in operations.items() if one["action"] == "receive"}
