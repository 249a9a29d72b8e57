"""Subscriber and participant are killed with SIGKILL while the market goes on.

Neither keeps anything on the disk that could be torn: what each missed it asks the market for.
"""

import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial

from live.mosquitto_process import needs_mosquitto
from oracles import forger

from benchmarks.kill_live import ORGANIZATION, PATIENCE, Trial
from decent_gym.ledger import verify


@contextmanager
def running(log, *arguments):
    """A process of this project; killed, not asked to end."""
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=file)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(is_done, *processes):
    deadline = time.monotonic() + PATIENCE
    while not is_done():
        assert all(one.poll() is None for one in processes), [one.args for one in processes]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def rounds_in(log):
    """What a subscriber has printed, but for a line that was torn."""
    lines = log.read_bytes().split(b"\n")[:-1]
    return [json.loads(line)["round"] for line in lines]


@needs_mosquitto
def test_whoever_is_killed_hears_all_rounds_when_it_is_back(tmp_path):
    trial = Trial(tmp_path, speed=9_000)
    tls = ("--ca", trial.broker.ca)
    listen = ("decent_gym", "subscribe", "--broker", trial.broker.url("anna"), *tls)
    trade = ("agents.participant", "--trader", "truthful", "--organization", ORGANIZATION)
    trade += ("--broker", trial.broker.url(ORGANIZATION), *tls)
    traders = [tmp_path / f"trader-{n}" for n in range(3)]
    logs = [tmp_path / f"anna-{n}" for n in range(3)]

    def is_there(n):
        """Both are at work, and what was closed when they came is heard."""
        offered = re.findall(rb" of [1-9]\d* offers accepted", traders[n].read_bytes())
        return len(offered) > 2 and len(rounds_in(logs[n])) > closed + 5

    try:
        for n in range(3):
            closed = recorded(tmp_path)
            with (
                running(traders[n], *trade) as trader,
                running(logs[n], *listen, "--from-start", "--json") as anna,
            ):
                wait_until(partial(is_there, n), anna, trader)
                if n == 2:
                    closed = recorded(tmp_path)  # who has left answers nobody
                    wait_until(partial(is_there, n), anna, trader)
                    closed = trial.stop_server()
                    wait_until(partial(is_whole, logs[n], closed), anna)
    finally:
        trial.server.kill()
        trial.server.wait()
        trial.broker.kill()
    header, records = forger.read(tmp_path / "ledger")
    place = header.names.index(ORGANIZATION)
    expected = [record.number for record in records]
    said = [rounds_in(log) for log in logs]
    assert said == [expected[: len(one)] for one in said] and said[2] == expected
    assert len(said[0]) < len(said[1]) < len(expected)
    offered = [any(place in book.column("owner") for book in one.books) for one in records]
    assert sum(offered) > 8
    assert verify(tmp_path / "ledger")


def is_whole(log, rounds):
    return len(rounds_in(log)) == rounds


def recorded(folder):
    return verify(folder / "ledger", reclear=False).rounds
