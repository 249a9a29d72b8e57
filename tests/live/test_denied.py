"""A broker that says what a user may not read: who listens says so at once."""

import pytest
from views.mqtt_peers import ScriptedBroker, wait_for

from decent_gym.live.participant import Participant
from decent_gym.live.subscriber import Subscriber
from decent_gym.live.topics import MarketTopics

TOPICS = MarketTopics("rural")
DENIED = {4: 0x80, 5: 0x87}


def participant(url):
    return Participant(url, "rural", "b7", lambda opening: [])


def subscriber(url):
    return Subscriber(url, "rural")


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize(
    ("listen", "topic"),
    [
        (participant, TOPICS.opening("b7")),
        (participant, TOPICS.receipts("b7")),
        (subscriber, f"{TOPICS.root}/rounds/+"),
        (subscriber, TOPICS.records("anna")),
    ],
)
def test_a_denied_subscription_is_named(version, listen, topic, caplog):
    with ScriptedBroker((version,), suback={topic: DENIED[version]}) as broker:
        with listen(f"mqtt://anna:secret@127.0.0.1:{broker.port}"):
            wait_for(lambda: caplog.messages)
        told = caplog.messages[0]
        assert caplog.records[0].levelname == "WARNING"
        assert f"does not let the user 'anna' read {topic} (" in told
        assert "can grant that" in told and "secret" not in told
        code = "Not authorized" if version == 5 else "Unspecified error"
        assert code in told


def test_what_is_granted_is_not_complained_about(caplog):
    with ScriptedBroker() as broker, participant(f"mqtt://127.0.0.1:{broker.port}") as one:
        assert one.session.wait(10)
    denied = ScriptedBroker(suback={TOPICS.opening("b7"): 0x87})
    with denied as broker, participant(f"mqtt://127.0.0.1:{broker.port}"):
        wait_for(lambda: caplog.messages)
    assert len(caplog.messages) == 1 and "let a user without a name read" in caplog.text
