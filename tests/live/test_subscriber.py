"""A subscriber and where it fetches from, without a broker."""

import pytest
from oracles.rounds import SlowMarket, header

from decent_gym.ledger import Ledger
from decent_gym.live import subscriber as module
from decent_gym.live.subscriber import Subscriber
from decent_gym.live.topics import MarketTopics
from decent_gym.views.mqtt_tail import read_payloads

TOPICS = MarketTopics("rural")


def written(folder, organizations=5, seed=0, rounds=6):
    with Ledger.create(folder, header(organizations)) as ledger:
        source = SlowMarket(organizations, seed=seed)
        for _ in range(rounds):
            ledger.on_round(source.round())
    return list(read_payloads(folder, "rural"))


def listening(ledger=None, **options):
    return Subscriber("mqtt://127.0.0.1:9", "rural", ledger=ledger, **options)


def taken(one, payloads, topic=TOPICS.last, wanted=None):
    for payload in payloads:
        one._heard.put((topic, payload))
    found, rest = [], iter(range(3))

    def is_over():
        return len(found) == wanted if wanted else one._heard.empty() and next(rest) == 2

    one.run(found.append, print, is_over)
    return [entry.payload for entry in found]


@pytest.mark.parametrize("reclear", [False, True])
def test_what_is_missing_is_read_from_a_copy(tmp_path, reclear):
    payloads = written(tmp_path / "l")
    with listening(tmp_path / "l", from_start=True, reclear=reclear) as one:
        assert taken(one, payloads[-1:], wanted=6) == payloads
        assert one.missing is None


@pytest.mark.parametrize("source", ["copy of another", "old copy", "nobody"])
def test_what_does_not_come_is_said_once(tmp_path, caplog, monkeypatch, source):
    monkeypatch.setattr(module, "STALLED_SECONDS", 0.0)
    payloads = written(tmp_path / "l")
    written(tmp_path / "copy of another", 6, seed=7)
    written(tmp_path / "old copy", rounds=2)
    folder = None if source == "nobody" else tmp_path / source
    with listening(folder, from_start=True) as one:
        found = taken(one, payloads[-1:] * 3)
        assert found == (payloads[:2] if source == "old copy" else [])
        assert one.missing == ((3, 5) if source == "old copy" else (0, 0))
    (said,) = [text for text in caplog.messages if "missing" in text]
    assert source in said and one._follower.ledger in said


def test_a_round_that_is_published_as_the_last_one_too_does_not_come_again(tmp_path):
    payloads = written(tmp_path / "l")
    with listening() as one:
        for payload in payloads:
            assert len(one._hear(TOPICS.round(0), payload)) == 1
            assert one._hear(TOPICS.last, payload) == []
        assert one.dropped == 0
        for payload in payloads[2:4]:
            one._hear(TOPICS.round(0), payload)
        assert one.dropped == 2
