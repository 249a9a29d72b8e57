"""Broker and server are killed while a participant trades and a subscriber listens.

The release figure, 10 kills of each over 10,000 rounds, is ``python -m benchmarks.kill_live``.
"""

import logging

from live.mosquitto_process import needs_mosquitto

from benchmarks.kill_live import run


@needs_mosquitto
def test_nothing_is_lost_or_doubled_when_broker_and_server_are_killed(caplog):
    caplog.set_level(logging.CRITICAL, "decent_gym")
    result = run(rounds=120, kills=2, speed=50_000)
    assert result.is_good, result
    assert (result.broker_kills, result.server_kills) == (3, 2)
    assert result.offers_taken > 0
    assert result.rounds_settled > 30
