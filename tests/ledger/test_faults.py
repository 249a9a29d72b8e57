import errno
import os

import pytest
from oracles.rounds import header, heads, rounds

from decent_gym.errors import InputError, LedgerError
from decent_gym.ledger import Ledger, batch, segments, verify
from decent_gym.ledger.disk import Disk

RECORDS = rounds(8, offers=2)
CALLS = ("create", "append_to", "write", "sync", "truncate", "rename", "open_folder", "sync_folder")


class FaultyDisk(Disk):
    """Fails at one call, after writing half of what it was given; counts calls."""

    def __init__(self, fail_at=None, error=errno.EIO, short=0):
        super().__init__()
        self.calls, self.fail_at, self.error, self.short = 0, fail_at, error, short

    def write(self, descriptor, data):
        self.calls += 1
        if self.calls == self.fail_at:
            super().write(descriptor, data[: len(data) // 2])
            raise OSError(self.error, os.strerror(self.error))
        return super().write(descriptor, data[: self.short] if self.short else data)


def _failing(name):
    def call(self, *arguments):
        self.calls += 1
        if self.calls == self.fail_at:
            raise OSError(self.error, os.strerror(self.error))
        return getattr(Disk, name)(self, *arguments)

    return call


for _name in CALLS:
    if _name != "write":
        setattr(FaultyDisk, _name, _failing(_name))


HEADS = heads(header(), RECORDS)


def scenario(folder, disk, sync):
    """Create, write, resume, write; returns the rounds acknowledged and the poisoned ledger."""
    acknowledged, ledger = None, None
    try:
        ledger = Ledger.create(folder, header(), sync=sync, disk=disk)
        acknowledged = 0
        for half in (RECORDS[:4], RECORDS[4:]):
            for record in half:
                ledger.on_round(record)
                acknowledged += sync == "round"
            ledger.close()
            acknowledged = half[-1].number + 1
            if half is not RECORDS[4:] and half[-1].number == 3:
                ledger = None
                ledger = Ledger.resume(folder, sync=sync, disk=disk)
    except LedgerError as error:
        return acknowledged, ledger, error
    return acknowledged, ledger, None


def assert_poisoned(ledger):
    for again in (
        lambda: ledger.head,
        lambda: ledger.rounds,
        ledger.flush,
        lambda: ledger.on_round(RECORDS[-1]),
        ledger.close,
    ):
        with pytest.raises(LedgerError, match=r"Ledger\.resume"):
            again()


@pytest.fixture
def small_segments(monkeypatch):
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 2500)
    monkeypatch.setattr(batch, "BATCH_BYTES", 1000)


@pytest.mark.parametrize("sync", ["checkpoint", "round"])
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_a_fault_at_every_call_loses_nothing_acknowledged(tmp_path, small_segments, sync, error):
    counter = FaultyDisk()
    assert scenario(tmp_path / "count", counter, sync)[2] is None
    assert counter.calls > 20
    for call in range(1, counter.calls + 1):
        folder = tmp_path / str(call)
        acknowledged, ledger, failure = scenario(folder, FaultyDisk(call, error), sync)
        assert failure is not None, f"call {call} failed and nobody was told"
        assert os.strerror(error) in str(failure)
        if ledger is not None and not ledger._writer.closed:
            assert_poisoned(ledger)
        if acknowledged is None:  # not even create returned
            continue
        with Ledger.resume(folder) as recovered:
            assert recovered.rounds >= acknowledged
            assert recovered.head == HEADS[recovered.rounds]
            for record in RECORDS[recovered.rounds :]:
                recovered.on_round(record)
        assert verify(folder, expected_head=HEADS[-1])


@pytest.mark.parametrize("short", [1, 7, 1000])
def test_short_writes_are_gone_on_with(tmp_path, small_segments, short):
    folder = tmp_path / "l"
    assert scenario(folder, FaultyDisk(short=short), "round")[2] is None
    assert verify(folder, expected_head=HEADS[-1])


class StuckDisk(Disk):
    """Takes nothing, and says nothing."""

    def write(self, descriptor, data):
        return 0


def test_a_disk_that_takes_nothing_is_an_error_not_a_loop(tmp_path):
    with pytest.raises(LedgerError, match="took no bytes"):
        Ledger.create(tmp_path / "l", header(), disk=StuckDisk())


class InterruptedDisk(Disk):
    """Ctrl-C in the middle of a record."""

    armed = False

    def write(self, descriptor, data):
        if self.armed:
            super().write(descriptor, data[:100])
            raise KeyboardInterrupt
        return super().write(descriptor, data)


def test_an_interrupted_write_poisons_too(tmp_path):
    disk = InterruptedDisk()
    ledger = Ledger.create(tmp_path / "l", header(), sync="round", disk=disk)
    ledger.on_round(RECORDS[0])
    disk.armed = True
    with pytest.raises(KeyboardInterrupt):
        ledger.on_round(RECORDS[1])
    disk.armed = False
    with pytest.raises(LedgerError, match="interrupted"):
        ledger.on_round(RECORDS[1])
    with pytest.raises(LedgerError, match="interrupted"):
        ledger.close()
    with Ledger.resume(tmp_path / "l") as ledger:
        assert (ledger.rounds, ledger.dropped_bytes) == (1, 100)


def test_the_first_error_leaves_the_block(tmp_path):
    disk = FaultyDisk()
    with (
        pytest.raises(ZeroDivisionError),
        Ledger.create(tmp_path / "l", header(), disk=disk) as ledger,
    ):
        disk.fail_at = disk.calls + 1
        ledger.on_round(RECORDS[0])
        raise ZeroDivisionError
    with (
        pytest.raises(LedgerError, match="reopen it"),
        Ledger.create(tmp_path / "m", header(), disk=disk) as ledger,
    ):
        disk.fail_at = disk.calls + 1
        ledger.on_round(RECORDS[0])


def test_a_failed_create_leaves_no_ledger_that_pretends_to_be_one(tmp_path):
    with pytest.raises(LedgerError):
        Ledger.create(tmp_path / "l", header(), disk=FaultyDisk(2))
    with pytest.raises((InputError, LedgerError)):
        Ledger.resume(tmp_path / "l")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot make the folder"):
        Ledger.create(tmp_path / "file" / "l", header())
