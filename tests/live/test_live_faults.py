"""A live market on a disk that fails and by a clock that somebody sets: nothing lost or hurried."""

import errno
import logging
import os
import random
import threading
import time
from dataclasses import replace

import pytest
from ledger.test_faults import FaultyDisk
from live.test_live_market import PLAN, message, never

from decent_gym.cli import main
from decent_gym.errors import LedgerError
from decent_gym.ledger import place, verify
from decent_gym.live.market import LiveMarket
from decent_gym.live.topics import MarketTopics
from decent_gym.replay import replay

ROUNDS = 4
OFFERS = MarketTopics("rural").offers("building_03")


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.CRITICAL + 1, "amqtt")


def served(folder, closed):
    """Run to the end, with one offer a round; tells of every round that was closed."""
    with LiveMarket(PLAN, folder, "embedded") as market:
        for number in range(96 + market.rounds, 96 + ROUNDS):
            market._inbox.heard(OFFERS, message(0, number))
            market.run(number - 95, closed.append, never)
        return market.head


def test_a_fault_at_any_call_costs_no_round_that_was_closed(tmp_path, monkeypatch):
    counter = FaultyDisk()
    monkeypatch.setattr(place, "Disk", lambda: counter)
    expected = served(tmp_path / "whole", [])
    calls = counter.calls
    assert calls > 15
    threads = threading.active_count()
    for call in (5, *range(9, calls + 1, 3)):
        folder, error = tmp_path / str(call), (errno.ENOSPC, errno.EIO)[call % 2]
        closed = []
        monkeypatch.setattr(place, "Disk", lambda call=call, error=error: FaultyDisk(call, error))
        with pytest.raises(LedgerError, match=os.strerror(error)):
            served(folder, closed)
        assert threading.active_count() <= threads, "it has let go of everything"
        monkeypatch.setattr(place, "Disk", FaultyDisk)
        if call < 10:  # stopped before it had begun
            with pytest.raises(LedgerError, match="remove the folder and begin again"):
                served(folder, closed)
            continue
        before = len(closed)
        assert served(folder, closed) == expected
        assert before <= len(closed) <= ROUNDS
        assert verify(folder, expected_head=expected)
        assert replay(folder).head == expected


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(tmp_path, capsys, monkeypatch):
    command = [
        *("serve", "--speed", "900000x", "--rounds", "3", "--quiet"),
        *("--ledger", str(tmp_path / "l")),
    ]
    monkeypatch.setattr(place, "Disk", lambda: FaultyDisk(14, errno.ENOSPC))
    assert main(command) == 2
    lines = capsys.readouterr().err.splitlines()
    assert "No space left on device" in lines[-1] and str(tmp_path / "l") in lines[-1]
    assert "Traceback" not in "".join(lines)
    monkeypatch.setattr(place, "Disk", FaultyDisk)
    assert main(command) == 0
    assert "rounds stepped again from the ledger" in capsys.readouterr().err
    assert verify(tmp_path / "l").rounds == 3


def test_who_sets_the_clock_moves_no_round(tmp_path, monkeypatch):
    expected, closed = served(tmp_path / "whole", []), []
    rng, real = random.Random(5), time.time
    seen = []

    def jumping():
        seen.append(rng.choice((-1, 1)) * rng.randrange(10**9))
        return real() + seen[-1]

    monkeypatch.setattr(time, "time", jumping)
    monkeypatch.setattr(time, "time_ns", lambda: int(jumping() * 1e9))
    begun = time.monotonic()
    slow = replace(PLAN, speed=9_000)  # a tenth of a second a round
    with LiveMarket(slow, tmp_path / "l", "embedded") as market:
        assert time.time() != time.time() and seen
        begun = time.monotonic()
        for number in range(96, 96 + ROUNDS):
            market._inbox.heard(OFFERS, message(0, number))
            market.run(number - 95, closed.append, never)
        lasted = time.monotonic() - begun
        assert market.head == expected
    assert [one.taken for one in closed] == [1] * ROUNDS
    assert lasted >= 0.95 * ROUNDS * 900 / slow.speed
    assert verify(tmp_path / "l", expected_head=expected)
