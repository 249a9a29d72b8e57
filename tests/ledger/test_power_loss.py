"""The machine stops at any call; what was acknowledged is there, what was not synced is gone."""

import os
from contextlib import suppress

import pytest
from oracles.power_loss import PowerLoss
from oracles.rounds import header, heads, rounds

from decent_gym.errors import DataError, LedgerError
from decent_gym.ledger import Checkpoints, Ledger, SigningKey, batch, segments, verify
from decent_gym.ledger.checkpoint import read_checkpoints
from decent_gym.ledger.disk import Disk

KEY = SigningKey("district.example/rural", b"k" * 32)
HEADER = header(operator_key=KEY.verifier.public)
RECORDS = rounds(9, offers=2)
MADE = Checkpoints(3, KEY)


HEADS = heads(HEADER, RECORDS)


def lived(folder, disk, sync):
    """Rounds and size of the checkpoint that somebody was told of before the power went."""
    told, checkpoint, ledger = -1, 0, None
    try:
        ledger = Ledger.create(folder, HEADER, sync=sync, disk=disk, checkpoints=MADE)
        told = 0
        for record in RECORDS[:5]:
            ledger.on_round(record)
            told = record.number + 1 if sync == "round" else told
        ledger.close()
        told = 5
        ledger = Ledger.resume(folder, sync=sync, disk=disk, checkpoints=MADE)
        for record in RECORDS[5:]:
            ledger.on_round(record)
            told = record.number + 1 if sync == "round" else told
        checkpoint = ledger.checkpoint().size
        ledger.close()
        told = 9
    except LedgerError:
        if ledger is not None:
            with suppress(LedgerError):
                ledger.close()
    disk.lose()
    return told, checkpoint


@pytest.mark.parametrize("sync", ["checkpoint", "round"])
def test_what_was_acknowledged_is_on_the_device(tmp_path, monkeypatch, sync):
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 2500)
    monkeypatch.setattr(batch, "BATCH_BYTES", 1000)
    counter = PowerLoss()
    assert lived(tmp_path / "count", counter, sync) == (9, 10)
    assert counter.calls > 40
    short = 0
    for call in range(1, counter.calls + 1):
        folder = tmp_path / str(call)
        told, checkpoint = lived(folder, PowerLoss(call), sync)
        if told < 0:  # it may have begun, and nobody knows
            continue
        assert [one.size for one in read_checkpoints(folder)][-1:] >= [checkpoint][:checkpoint]
        with Ledger.resume(folder, checkpoints=MADE) as ledger:
            assert ledger.rounds >= told
            short += ledger.rounds < 9
            assert ledger.head == HEADS[ledger.rounds]
            for record in RECORDS[ledger.rounds :]:
                ledger.on_round(record)
        assert verify(folder, expected_head=HEADS[-1])
    assert short > 20


class Forgetful(PowerLoss):
    """Says that it has synced."""

    def sync(self, descriptor):
        self._count()


def test_a_ledger_that_does_not_sync_would_be_found_out(tmp_path):
    told, _ = lived(tmp_path / "l", Forgetful(40), "round")
    assert told > 0
    with pytest.raises(DataError):
        Ledger.resume(tmp_path / "l")


def test_a_new_folder_has_its_name_on_the_device(tmp_path, monkeypatch):
    synced, fsync = set(), os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.add(os.fstat(fd).st_ino), fsync(fd)))
    Disk().make_folder(tmp_path / "a" / "b")
    assert synced == {tmp_path.stat().st_ino, (tmp_path / "a").stat().st_ino}
    Disk().make_folder(tmp_path / "a" / "b")
    assert len(synced) == 2
