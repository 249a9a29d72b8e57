"""The longest record that a ledger may hold reaches who asks for it, over a real mosquitto."""

import random
import threading

import pytest
from live.mosquitto_process import PATIENCE, Mosquitto, needs_mosquitto

from decent_gym.ledger.frames import RECORD_CAP
from decent_gym.live.session import trusting
from decent_gym.live.topics import MarketTopics
from decent_gym.views.mqtt_link import Address, Link

TOPIC = MarketTopics("rural").records("anna")


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with Mosquitto(tmp_path_factory.mktemp("broker") / "b", ["b7"], ["anna"]) as broker:
        yield broker


@needs_mosquitto
@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("is_secure", [False, True])
def test_a_record_of_16_mib_arrives(broker, version, is_secure):
    heard, here = [], threading.Event()

    def hear(topic, payload):
        heard.append(payload)
        here.set()

    def link(user, heard=None):
        return Link(
            Address.parse(broker.url(user, is_secure=is_secure)), version, f"{user}{version}",
            None, trusting(broker.ca), threading.Event(), lambda: False, heard,
        )  # fmt: skip

    listener, sender = link("anna", hear), link("operator")
    listener.subscribe([TOPIC])
    record = random.Random(version).randbytes(RECORD_CAP)
    sender.send(TOPIC, record)
    assert here.wait(PATIENCE) and heard == [record]
    sender.close()
    listener.close()


@needs_mosquitto
def test_and_one_byte_more_does_not(broker):
    """So the limit is there, and it is the ledger's own."""
    sender = Link(
        Address.parse(broker.url("operator", is_secure=False)), 5, "more",
        None, None, threading.Event(), lambda: False,
    )  # fmt: skip
    with pytest.raises(ConnectionError):
        sender.send(TOPIC, bytes(RECORD_CAP + 1))
    sender.cut()
