"""Openings end with the market, but not with one that is killed."""

import json
import threading
import time
from dataclasses import replace

from live.mosquitto_process import Mosquitto, needs_mosquitto
from live.test_live_market import OFFER, PLAN, TOPICS
from views.mqtt_peers import wait_for

from decent_gym.live import Participant
from decent_gym.live.market import LiveMarket
from decent_gym.live.session import Session

NAME = PLAN.external[0]


class Trading:
    """A participant that offers one thing each round, and remembers in which."""

    def __init__(self, url):
        self.opened, self._over = [], threading.Event()
        self.participant = Participant(url, "rural", NAME, self._decide)
        run = self.participant.run
        self._thread = threading.Thread(
            target=run, args=([].append, [].append, self._over.is_set), daemon=True
        )
        self._thread.start()

    def _decide(self, opening):
        self.opened.append(opening.round)
        return [OFFER]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self.participant.close()


def retained(url):
    """The rounds of the openings that are told to somebody who comes now."""
    found = []
    topics = [TOPICS.opening(NAME), TOPICS.status]
    with Session(url, topics, lambda *one: found.append(one)):
        wait_for(lambda: TOPICS.status in dict(found))
        time.sleep(0.05)
    return [json.loads(payload)["round"] for topic, payload in found if topic != TOPICS.status]


@needs_mosquitto
def test_openings_end_with_the_market_but_not_with_one_that_is_killed(tmp_path, caplog):
    with Mosquitto(tmp_path / "b", [NAME]) as broker:
        operator, member = (broker.url(user, is_secure=False) for user in ("operator", NAME))

        def serve(trading, is_killed=False):
            participant = trading.participant
            before = participant.taken
            plan = replace(PLAN, speed=3_000)
            with LiveMarket(plan, tmp_path / "l", operator) as market:
                market.run(99, lambda _: None, lambda: participant.taken > before)
                if is_killed:
                    market._session.post = lambda *_, **__: False

        with Trading(member) as first:
            serve(first)
            assert retained(member) == []
            serve(first, is_killed=True)
            (stale,) = retained(member)
            with Trading(member) as late:
                wait_for(lambda: late.opened)
                assert (late.opened, late.participant.taken) == ([stale], 0)
                serve(late)
                assert late.participant.taken > 0
            assert retained(member) == []
    assert caplog.messages == []
