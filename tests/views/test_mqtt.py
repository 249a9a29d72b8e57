"""Rounds by MQTT: everything arrives, in order, once; and no broker can hold up the market."""

import json
import logging
import shutil
import threading
import time

import pytest
from oracles.rounds import SlowMarket, header
from views.mqtt_peers import (
    PUBLISH,
    SERVE,
    Peer,
    Receiver,
    ScriptedBroker,
    chain,
    free_port,
    wait_for,
)

from decent_gym import Capability, Commodity, MarketController, Offer, Organization, Side
from decent_gym.clearing import Rules
from decent_gym.errors import InputError
from decent_gym.ledger import Ledger, LedgerHeader, verify
from decent_gym.views import mqtt_link, mqtt_outbox
from decent_gym.views.mqtt_broker import EmbeddedBroker
from decent_gym.views.mqtt_outbox import Publisher
from decent_gym.views.mqtt_payload import Topics
from decent_gym.views.mqtt_tail import CURSOR, read_payloads

LAST, STATUS = Topics("rural").last, Topics("rural").status


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(mqtt_outbox, "_FIRST_DELAY", 0.02)
    monkeypatch.setattr(mqtt_outbox, "_LAST_DELAY", 0.1)
    monkeypatch.setattr(mqtt_link, "_CONNACK_SECONDS", 0.5)


def write(folder, rounds, publisher=None, market=None):
    """Append rounds to a ledger, made if need be; returns its head."""
    market = market or SlowMarket()
    is_new = not folder.exists()
    ledger = Ledger.create(folder, header()) if is_new else Ledger.resume(folder, sync="round")
    with ledger:
        for _ in range(rounds):
            ledger.on_round(market.round())
    if publisher is not None:
        publisher.notify()
    return ledger.head


def of_ledger(folder):
    return list(read_payloads(folder, "rural"))


def warnings_of(caplog):
    own = [r for r in caplog.records if r.name.startswith("decent_gym")]
    return [r.getMessage() for r in own if r.levelno >= logging.WARNING]


def test_every_round_of_a_market_arrives_in_order(tmp_path):
    members = [Organization("farm"), Organization("bakery"), Organization("grid", priority=1)]
    capability, rules = Capability(), Rules(utility="book")
    market = MarketController(members, capability, rules=rules)
    head = LedgerHeader.of(members, rules.to_dict(), 0)
    alone = Ledger(head)
    ledger = Ledger.create(tmp_path / "l", head, sync="round")
    with ledger, EmbeddedBroker() as broker, Receiver(broker.port) as receiver:
        receiver.wait(lambda r: r.subscriptions)
        with Publisher(broker.url, tmp_path / "l", "rural") as publisher:
            for listener in (ledger, publisher, alone):
                market.listen(listener)
            for number in range(20):
                market.submit(
                    Offer("farm", Side.SELL, Commodity.ELECTRICITY, 1000 + number, 90_000)
                )
                market.submit(Offer("bakery", Side.BUY, Commodity.ELECTRICITY, 700, 250_000))
                market.close_round(capability)
            receiver.wait(lambda r: len(r.rounds) >= 20)
        receiver.wait(lambda r: r.of(STATUS)[-1]["status"] == "offline")
    assert ledger.head == alone.head == verify(tmp_path / "l").head
    heard, fetched, _ = chain(receiver.rounds, tmp_path / "l")
    assert heard == of_ledger(tmp_path / "l")
    assert fetched == 0
    messages = [json.loads(payload) for payload in heard]
    assert [message["round"] for message in messages] == list(range(20))
    assert messages[-1]["hash"] == ledger.head
    links = [messages[0]["ledger"], *(message["hash"] for message in messages)]
    assert [message["previous"] for message in messages] == links[:-1]
    assert messages[0]["electricity"]["volume"] == 700
    topics = [name for name, _, _ in receiver.messages if name not in (LAST, STATUS)]
    assert list(dict.fromkeys(topics)) == [f"decent/v1/rural/rounds/{n}" for n in range(20)]
    assert receiver.of(LAST)[-1] == messages[-1]


def test_a_missing_broker_costs_one_message_and_no_time(tmp_path, caplog, monkeypatch):
    asked = []

    class Unreachable:
        def __init__(self, *_):
            asked.append(time.monotonic())
            raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(mqtt_outbox, "Link", Unreachable)
    folder = tmp_path / "l"
    market, alone = SlowMarket(), Ledger(header())
    with Ledger.create(folder, header(), sync="round") as ledger:
        publisher = Publisher("mqtt://me:secret@localhost:9", folder, "rural")
        for _ in range(30):
            record = market.round()
            for listener in (ledger, publisher, alone):
                listener.on_round(record)
        wait_for(lambda: len(asked) > 5)
        assert publisher.close() == 30
    assert publisher.published == 0
    assert ledger.head == alone.head
    assert not (folder / CURSOR).exists()
    (message,) = warnings_of(caplog)
    assert "mqtt://localhost:9 (nobody listens)" in message
    assert "the ledger" in message
    assert "secret" not in caplog.text


def test_hearing_of_a_round_never_waits_for_the_broker(tmp_path, caplog):
    write(tmp_path / "l", 3)
    with ScriptedBroker(puback=None) as broker:  # takes everything and acknowledges nothing
        publisher = Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "l", "rural")
        wait_for(lambda: broker.publishes)
        for _ in range(10_000):  # each would wait for seconds, all together no thread could
            publisher.notify()
        assert publisher.close(timeout=0.05) == 3
        assert publisher.close() == 3
    assert len(warnings_of(caplog)) == 1
    assert not broker.goodbyes  # so that the will is published


def test_a_broker_that_starts_later_gets_everything(tmp_path):
    port = free_port()
    write(tmp_path / "l", 25)
    publisher = Publisher(f"mqtt://127.0.0.1:{port}", tmp_path / "l", "rural")
    wait_for(lambda: publisher._has_warned)
    with EmbeddedBroker(port), Receiver(port) as receiver:
        write(tmp_path / "l", 5, publisher, SlowMarket(first=25))
        wait_for(lambda: publisher.published == 30)
        receiver.wait(lambda r: r.of(LAST) and r.of(LAST)[-1]["round"] == 29)
        assert publisher.close() == 0
        # who comes late still hears of the last round and of the publisher, and of them alone
        with Receiver(port) as late:
            late.wait(lambda r: r.of(LAST) and r.of(STATUS))
    assert {(name, retained) for name, _, retained in late.messages} == {
        (LAST, True),
        (STATUS, True),
    }
    assert late.of(LAST)[0]["round"] == 29
    assert late.of(STATUS)[0]["status"] == "offline"
    heard, _, _ = chain([p for n, p, _ in receiver.messages if n != STATUS], tmp_path / "l")
    assert heard == of_ledger(tmp_path / "l")


def test_nothing_is_lost_when_the_broker_is_killed(tmp_path, caplog):
    market, port = SlowMarket(offers=2), free_port()
    write(tmp_path / "l", 1, None, market)
    with Receiver(port) as receiver:
        publisher = Publisher(f"mqtt://127.0.0.1:{port}", tmp_path / "l", "rural")
        for _ in range(3):
            subscriptions = receiver.subscriptions
            with Peer(SERVE, str(port)):
                receiver.wait(lambda r, n=subscriptions: r.subscriptions > n)
                before = publisher.published
                write(tmp_path / "l", 40, publisher, market)
                wait_for(lambda n=before: publisher.published >= n + 20)  # and in the middle of it
            write(tmp_path / "l", 5, publisher, market)
        subscriptions = receiver.subscriptions
        with EmbeddedBroker(port):
            receiver.wait(lambda r: r.subscriptions > subscriptions)
            head = write(tmp_path / "l", 1, publisher, market)
            receiver.wait(lambda r: r.of(LAST)[-1]["hash"] == head)
            assert publisher.close() == 0
    heard, _, _ = chain([p for n, p, _ in receiver.messages if n != STATUS], tmp_path / "l")
    assert heard == of_ledger(tmp_path / "l")
    assert len(heard) == 1 + 3 * 45 + 1
    assert len([m for m in warnings_of(caplog) if "cannot publish" in m]) == 1


def test_what_was_not_acknowledged_is_sent_again(tmp_path, caplog):
    write(tmp_path / "l", 8)
    drop = {1, 4, 5, 9, 10, 11, 12, 16, 20, 24, 27}
    with ScriptedBroker(drop=drop) as broker:
        publisher = Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "l", "rural")
        wait_for(lambda: publisher.published == 8)
        assert publisher.close() == 0
    topics = [topic for topic, _, _ in broker.publishes]
    rounds = [topic for topic in topics if topic not in (LAST, STATUS)]
    assert list(dict.fromkeys(rounds)) == [Topics("rural").round(n) for n in range(8)]
    assert rounds == sorted(rounds)
    assert len(broker.connects) == 1 + len(drop)
    # the acknowledgement of each round came before the next one was sent
    acknowledged = [topic for n, topic in enumerate(topics, 1) if n not in drop]
    assert set(rounds) <= set(acknowledged)
    heard, _, dropped = chain([p for t, p, _ in broker.publishes if t != STATUS], tmp_path / "l")
    assert heard == of_ledger(tmp_path / "l")
    assert dropped >= 8
    assert ["cannot publish" in text for text in warnings_of(caplog)] == [True, False]


def test_another_broker_may_come_back_in_its_place(tmp_path):
    write(tmp_path / "l", 2)
    with ScriptedBroker() as broker:
        publisher = Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "l", "rural")
        wait_for(lambda: publisher.published == 2)
        for versions, tried in (((4, 5), [5]), ((4,), [5, 5, 4]), ((4,), [4])):
            broker.versions, before = versions, len(broker.connects)
            sent = len(broker.publishes)
            broker.hang_up()
            wait_for(lambda n=sent: len(broker.publishes) >= n + 2)  # status and last round
            assert [connect[0] for connect in broker.connects[before:]] == tried
        assert publisher.close() == 0


def test_the_next_publisher_goes_on_where_the_last_one_stopped(tmp_path):
    market = SlowMarket()
    write(tmp_path / "l", 10, None, market)
    with ScriptedBroker() as broker:
        url = f"mqtt://127.0.0.1:{broker.port}"
        assert Publisher(url, tmp_path / "l", "rural").close() == 0
        write(tmp_path / "l", 4, None, market)
        broker.publishes.clear()
        with Publisher(url, tmp_path / "l", "rural") as publisher:
            wait_for(lambda: publisher.published == 14)
    topics = [topic.removeprefix("decent/v1/rural/") for topic, _, _ in broker.publishes]
    fresh = [name for n in range(10, 14) for name in (f"rounds/{n}", "rounds/last")]
    assert topics == ["status", "rounds/last", *fresh, "status"]
    assert json.loads(broker.publishes[1][1])["round"] == 9


@pytest.mark.parametrize(
    "cursor",
    [
        b"",
        b"{",
        b"[]",
        b'{"record": 3}',
        b'{"hash": 1, "record": 3}',
        b'{"hash": "00", "record": "3"}',
        b"[" * 100_000,
        b'{"hash": "00", "record": 3}',
        b'{"hash": "00", "record": 0}',
        b'{"hash": "00", "record": -4}',
        b'{"hash": "00", "record": 99}',
    ],
)
def test_a_cursor_that_says_nothing_means_from_the_start(tmp_path, cursor):
    write(tmp_path / "l", 3)
    (tmp_path / "l" / CURSOR).write_bytes(cursor)
    with ScriptedBroker() as broker:
        assert Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "l", "rural").close() == 0
    rounds = [topic for topic, _, _ in broker.publishes if not topic.endswith(("last", "status"))]
    assert rounds == [Topics("rural").round(n) for n in range(3)]
    assert json.loads((tmp_path / "l" / CURSOR).read_text())["record"] == 3


def test_a_cursor_of_another_ledger_means_from_the_start(tmp_path, caplog):
    write(tmp_path / "a", 3)
    write(tmp_path / "b", 5, None, SlowMarket(seed=1))
    with ScriptedBroker() as broker:
        url = f"mqtt://127.0.0.1:{broker.port}"
        assert Publisher(url, tmp_path / "a", "rural").close() == 0
        (tmp_path / "a" / CURSOR).rename(tmp_path / "b" / CURSOR)
        with Publisher(url, tmp_path / "b", "rural") as publisher:
            wait_for(lambda: publisher.published == 5)
    assert len([topic for topic, _, _ in broker.publishes if topic == LAST]) == 8
    assert "from its first round" in "".join(warnings_of(caplog))


def test_a_folder_that_takes_no_cursor_is_published_all_the_same(tmp_path, monkeypatch):
    write(tmp_path / "l", 3)
    (tmp_path / "l" / CURSOR).mkdir()
    with ScriptedBroker() as broker:
        assert Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "l", "rural").close() == 0
    assert len(broker.publishes) == 2 + 2 * 3


def test_versions_and_what_a_connection_says(tmp_path):
    write(tmp_path / "l", 2)
    for versions, tried in (((5,), [5]), ((4,), [5, 4]), ((4, 5), [5])):
        (tmp_path / "l" / CURSOR).unlink(missing_ok=True)
        with ScriptedBroker(versions) as broker:
            url = f"mqtt://m%40x:s%3Aecret@127.0.0.1:{broker.port}/"
            publisher = Publisher(url, tmp_path / "l", "rural")
            assert publisher.close() == 0
            wait_for(lambda b=broker: b.goodbyes)
        assert publisher.address == f"mqtt://127.0.0.1:{broker.port}"
        assert [connect[0] for connect in broker.connects] == tried
        _, client, user, password, will = broker.connects[-1]
        assert (user, password) == (b"m@x", b"s:ecret")
        assert len(client) <= 23 and client.isalnum()
        topic, payload, flags = will
        assert (topic, json.loads(payload)["status"]) == (STATUS, "lost")
        assert flags == 0b101000  # retained, QoS 1
        assert [flags for _, _, flags in broker.publishes] == [3, 2, 3, 2, 3, 3]  # QoS 1, retain


@pytest.mark.parametrize(
    ("answers", "tried"),
    [
        ({"puback": 0x87}, {5}),
        ({"connack": {5: 0x87}}, {5}),  # who speaks 5 is not asked again in 4
        ({"connack": {4: 5}, "versions": (4,)}, {4, 5}),
    ],
)
def test_what_the_broker_refuses_counts_as_unpublished(tmp_path, caplog, answers, tried):
    write(tmp_path / "l", 2)
    with ScriptedBroker(**answers) as broker:
        publisher = Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "l", "rural")
        wait_for(lambda: len(broker.connects) > 6)
        assert publisher.published == 0
        assert {connect[0] for connect in broker.connects} == tried
        broker.connack, broker.puback = None, 0  # somebody has mended its list of rights
        wait_for(lambda: publisher.published == 2)
        assert publisher.close() == 0
    (message,) = warnings_of(caplog)
    assert "not authori" in message.lower()


def test_who_may_not_publish_is_not_waited_for(tmp_path):
    write(tmp_path / "l", 2)
    with ScriptedBroker(puback=0x87) as broker:
        publisher = Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "l", "rural")
        wait_for(lambda: len(broker.connects) > 1)
        tried = len(broker.connects)
        assert publisher.close(timeout=5.0) == 2
        assert len(broker.connects) <= tried + 1


def _lasts(broker):
    return sum(topic == LAST for topic, *_ in broker.publishes)


def test_a_new_ledger_makes_the_broker_forget_the_last_round_of_another(tmp_path):
    write(tmp_path / "old", 2)
    with ScriptedBroker() as broker:
        for name in ("old", "new"):
            if name == "new":
                Ledger.create(tmp_path / name, header()).close()
            with Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / name, "rural"):
                wait_for(lambda n=2 + (name == "new"): _lasts(broker) == n)
    last = [payload for topic, payload, _ in broker.publishes if topic == LAST]
    assert [len(payload) > 0 for payload in last] == [True, True, False]


def test_every_outage_and_its_end_are_told_of_once(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(mqtt_outbox, "_STEADY_SECONDS", 0.0)
    write(tmp_path / "l", 2)
    port = free_port()
    publisher = Publisher(f"mqtt://127.0.0.1:{port}", tmp_path / "l", "rural")
    for outages in (1, 2):
        wait_for(lambda n=outages: len(warnings_of(caplog)) == 2 * n - 1)
        with EmbeddedBroker(port):
            wait_for(lambda n=outages: len(warnings_of(caplog)) == 2 * n)
    publisher.close()
    assert ["cannot publish" in text for text in warnings_of(caplog)][:4] == [True, False] * 2
    assert all(f":{port} again" in text for text in warnings_of(caplog)[1:4:2])


def test_who_is_thrown_out_again_and_again_suspects_another_publisher(tmp_path, caplog):
    write(tmp_path / "l", 2)
    with ScriptedBroker(drop=range(1, 100)) as broker:
        publisher = Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "l", "rural")
        wait_for(lambda: len(warnings_of(caplog)) > 1)
        publisher.close(timeout=0.0)
    first, second = warnings_of(caplog)
    assert "was lost" in first
    assert "the district rural published by another process" in second


@pytest.mark.parametrize(("code", "says"), [(0x8E, "published twice"), (0x8B, "was lost")])
def test_what_the_broker_says_when_it_ends_a_connection(code, says):
    with ScriptedBroker() as broker:
        address = mqtt_link.Address("127.0.0.1", broker.port, False)
        link = mqtt_link.Link(address, 5, "c", None, None, threading.Event(), lambda: False)
        broker.connections[-1].sendall(bytes((0xE0, 2, code, 0)))
        with pytest.raises(ConnectionError, match=says):
            wait_for(link.check)
        link.cut()


def test_a_publisher_that_is_killed_is_reported_lost(tmp_path):
    write(tmp_path / "l", 2)
    with EmbeddedBroker() as broker, Receiver(broker.port) as receiver:
        receiver.wait(lambda r: r.subscriptions)
        with Peer(PUBLISH, broker.url, str(tmp_path / "l")):
            receiver.wait(lambda r: len(r.rounds) == 2)
        receiver.wait(lambda r: r.of(STATUS)[-1]["status"] == "lost")
        Publisher(broker.url, tmp_path / "l", "rural").close()
        receiver.wait(lambda r: r.of(STATUS)[-1]["status"] == "offline")
    assert [status["status"] for status in receiver.of(STATUS)] == [
        "online",
        "lost",
        "online",
        "offline",
    ]
    assert chain(receiver.rounds, tmp_path / "l")[0] == of_ledger(tmp_path / "l")


def test_the_embedded_broker_comes_and_goes_with_the_publisher(tmp_path):
    write(tmp_path / "l", 2)
    port = free_port()
    with Publisher(f"embedded:{port}", tmp_path / "l", "rural") as publisher:
        assert publisher.address == f"mqtt://127.0.0.1:{port}"
        with pytest.raises(InputError, match="choose another"):
            EmbeddedBroker(port)
        with Receiver(port) as receiver:
            receiver.wait(lambda r: r.of(LAST))
            assert publisher.close() == 0
            receiver.wait(lambda r: r.of(STATUS)[-1]["status"] == "offline")
    with EmbeddedBroker(port) as again:  # the port is free
        again.close()
    with Publisher("embedded", tmp_path / "l", "rural") as publisher:
        assert not publisher.address.endswith((f":{port}", ":0"))


def test_a_damaged_ledger_stops_publishing_and_nothing_else(tmp_path, caplog):
    write(tmp_path / "l", 5)
    segment = tmp_path / "l" / "segment-000000.dgl"
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    with ScriptedBroker() as broker:
        publisher = Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "l", "rural")
        wait_for(lambda: not publisher._thread.is_alive())
        publisher.notify()
        assert publisher.close() == 0  # nothing that could be published remains
    assert 0 < publisher.published < 5
    (message,) = warnings_of(caplog)
    assert "publishing" in message and "damaged" in message
    assert not broker.goodbyes


def test_a_ledger_that_is_gone_stops_publishing_and_nothing_else(tmp_path, caplog):
    write(tmp_path / "l", 5)
    with ScriptedBroker() as broker:
        publisher = Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "l", "rural")
        wait_for(lambda: publisher.published == 5)
        shutil.rmtree(tmp_path / "l")
        publisher.notify()
        assert publisher.close() == 0
    assert warnings_of(caplog) == []
    write(tmp_path / "l", 2)
    (tmp_path / "l" / "segment-000000.dgl").rename(tmp_path / "l" / "segment-000001.dgl")
    with ScriptedBroker() as broker:
        publisher = Publisher(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "l", "rural")
        assert publisher.close() == 0
    (message,) = warnings_of(caplog)
    assert "cannot read the ledger" in message
