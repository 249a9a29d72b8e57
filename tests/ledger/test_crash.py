"""A process that is killed loses no round that it was told is on the disk."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from oracles.rounds import header, rounds

from decent_gym.ledger import Ledger, verify

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
from oracles.rounds import SlowMarket, header
from decent_gym.ledger import Ledger
market = SlowMarket(seed=9, offers=2)
ledger = Ledger.create(sys.argv[1], header(), sync="round")
print("ready", flush=True)
while True:
    record = market.round()
    ledger.on_round(record)
    print(record.number, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
@pytest.mark.parametrize("trial", range(4))
def test_kill_loses_no_acknowledged_round(tmp_path, trial):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests")))}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "l")],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    with child:
        assert child.stdout.readline() == "ready\n"
        wanted = random.Random(trial).randrange(1, 60)
        for _ in range(wanted):
            child.stdout.readline()
        child.kill()
        rest = child.stdout.read().split("\n")
    complete = [line for line in rest[:-1] if line]
    acknowledged = wanted + len(complete)
    records = rounds(acknowledged + 1, seed=9, offers=2)
    with Ledger.resume(tmp_path / "l") as ledger:
        assert ledger.rounds >= acknowledged  # one more may be there that nobody was told of
        expected = Ledger(header())
        for record in rounds(ledger.rounds, seed=9, offers=2):
            expected.on_round(record)
        assert ledger.head == expected.head
        if ledger.rounds == acknowledged:
            ledger.on_round(records[-1])
    assert verify(tmp_path / "l")
