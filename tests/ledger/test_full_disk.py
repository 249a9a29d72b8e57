"""Files that the system lets grow no further: what is written is short, then fails."""

from contextlib import contextmanager

import pytest
from oracles.rounds import header, rounds

from decent_gym.cli import main
from decent_gym.errors import LedgerError
from decent_gym.ledger import Ledger, export_tables, verify
from decent_gym.ledger.disk import Disk

resource = pytest.importorskip("resource", reason="there are no such limits here")
RECORDS = rounds(12)


@contextmanager
def files_of_at_most(size):
    """No file of this process may be longer; the system writes what fits and then refuses."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [6_000, 9_001, 14_502])
def test_a_ledger_goes_on_once_there_is_room(tmp_path, size):
    ledger, told = Ledger.create(tmp_path / "l", header(), sync="round", disk=Disk()), 0
    with (
        pytest.raises(LedgerError, match="File too large"),
        files_of_at_most(size),
        ledger,
    ):
        for record in RECORDS:
            ledger.on_round(record)
            told += 1
    assert 0 < told < len(RECORDS)
    with Ledger.resume(tmp_path / "l") as ledger:
        assert ledger.rounds == told and ledger.dropped_bytes > 0
        for record in RECORDS[told:]:
            ledger.on_round(record)
    assert verify(tmp_path / "l", reclear=False).rounds == len(RECORDS)


def test_run_says_so_in_one_line(tmp_path, capsys):
    command = ["run", "--rounds", "8", "--ledger", str(tmp_path / "l")]
    with files_of_at_most(4_000):
        assert main(command) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "File too large" in last and str(tmp_path / "l") in last


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_an_export_leaves_no_half(tmp_path, kind):
    with Ledger.create(tmp_path / "l", header()) as ledger:
        for record in RECORDS:
            ledger.on_round(record)
    with pytest.raises(OSError, match="File too large"), files_of_at_most(2_000):
        export_tables(tmp_path / "l", **{kind: tmp_path / "tables"})
    assert [path.name for path in tmp_path.iterdir()] == ["l"]
    export_tables(tmp_path / "l", **{kind: tmp_path / "tables"})
    assert len(list((tmp_path / "tables").iterdir())) > 4
