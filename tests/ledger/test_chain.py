import json
import os

import pytest
from oracles import tiny
from oracles.rounds import header, rounds

from decent_gym.errors import InputError, LedgerError, RoundOrderError, UnknownNameError
from decent_gym.ledger import Ledger, batch, place, segments, verify
from decent_gym.ledger.hashing import GENESIS
from decent_gym.ledger.scan import Damage, Scan

# Changing either constant means another format: raise FORMAT_VERSION and keep reading the old one.
TINY_HEADER_HEAD = "86e4a841b0113424c8d7c427ac528de06d62eedf341decce4ca76ffc92c0691d"
TINY_HEAD = "f44b78a9e319463d51be82e2564514547fe66370ff29912d543b1eebe9f96475"


def test_the_format_has_not_changed():
    ledger = Ledger(tiny.HEADER)
    assert ledger.head == TINY_HEADER_HEAD
    ledger.on_round(tiny.tiny_round())
    assert ledger.head == TINY_HEAD
    assert GENESIS.hex() == "800050dee603763e71c5ded4e85ac6e19fe9ee77c478683892ecf13ea2053b72"


def test_memory_and_file_agree_on_the_head(tmp_path):
    records = rounds(10)
    memory = Ledger(header())
    heads = [memory.head]
    with Ledger.create(tmp_path / "l", header(), sync="round") as ledger:
        for record in records:
            memory.on_round(record)
            ledger.on_round(record)
            assert ledger.head == memory.head
            heads.append(ledger.head)
    assert len(set(heads)) == 11
    assert ledger.head == memory.head == verify(tmp_path / "l").head
    assert ledger.rounds == memory.rounds == 10
    assert "10 rounds" in repr(ledger)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"world": 1},
        {"scenario": b"s" * 32},
        {"operator_key": b"k" * 32},
        {"organizations": 6},
    ],
)
def test_everything_in_the_header_is_hashed(change):
    assert Ledger(header(**change)).head != Ledger(header()).head


def test_software_stands_beside_the_ledger_and_is_not_hashed(tmp_path):
    with Ledger.create(tmp_path / "a" / "b", header(), meta={"scenario": "rural"}) as ledger:
        head = ledger.head
    meta = json.loads((tmp_path / "a" / "b" / "meta.json").read_text())
    assert meta["scenario"] == "rural"
    assert {"python", "numpy", "numba", "decent-gym"} <= set(meta["software"])
    assert head == Ledger(header()).head
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == [
        "meta.json",
        "segment-000000.dgl",
    ]


def test_create_refuses_before_it_touches_anything(tmp_path):
    Ledger.create(tmp_path / "l", header()).close()
    before = (tmp_path / "l" / "segment-000000.dgl").read_bytes()
    with pytest.raises(InputError, match="taken"):
        Ledger.create(tmp_path / "l", header(seed=1))
    assert (tmp_path / "l" / "segment-000000.dgl").read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="taken"):
        Ledger.create(tmp_path / "file", header())
    with pytest.raises(UnknownNameError, match="round"):
        Ledger.create(tmp_path / "new", header(), sync="rounds")
    with pytest.raises(InputError, match="meta"):
        Ledger.create(tmp_path / "new", header(), meta={"x": object()})
    with pytest.raises(InputError, match="memory"):
        Ledger(header(), mode="file")
    assert not (tmp_path / "new").exists()


def test_resume_needs_a_ledger(tmp_path):
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(InputError, match="no ledger"):
            Ledger.resume(path)
    (tmp_path / "segment-000000.dgl").write_bytes(b"")
    with pytest.raises(LedgerError, match="header is missing"):
        Ledger.resume(tmp_path)


def test_resume_appends(tmp_path):
    records = rounds(9)
    whole = Ledger(header())
    for record in records:
        whole.on_round(record)
    Ledger.create(tmp_path / "l", header()).close()
    for start in (0, 3, 6):
        with Ledger.resume(tmp_path / "l") as ledger:
            assert (ledger.rounds, ledger.dropped_bytes) == (start, 0)
            for record in records[start : start + 3]:
                ledger.on_round(record)
    assert ledger.head == whole.head == verify(tmp_path / "l").head


def test_rounds_come_in_order(tmp_path):
    records = rounds(5, first=40)
    Ledger.create(tmp_path / "l", header()).close()
    with Ledger.resume(tmp_path / "l") as ledger:
        ledger.on_round(records[1])
        for wrong in (records[0], records[1], records[3]):
            with pytest.raises(RoundOrderError):
                ledger.on_round(wrong)
    with Ledger.resume(tmp_path / "l") as ledger:
        with pytest.raises(RoundOrderError):
            ledger.on_round(records[1])
        ledger.on_round(records[2])
        assert ledger.rounds == 2
    with pytest.raises(RoundOrderError, match="timestamp"):
        Ledger(tiny.HEADER.__class__.of([], {}, 0)).on_round(records[0])


def test_a_ledger_has_one_writer(tmp_path):
    with Ledger.create(tmp_path / "l", header()) as ledger:
        with pytest.raises(LedgerError, match="another writer"):
            Ledger.resume(tmp_path / "l")
        ledger.on_round(rounds(1)[0])
    Ledger.resume(tmp_path / "l").close()


def test_a_closed_ledger_still_knows_its_head(tmp_path):
    ledger = Ledger.create(tmp_path / "l", header())
    ledger.close()
    ledger.close()
    assert ledger.head == Ledger(header()).head
    for call in (ledger.flush, lambda: ledger.on_round(rounds(1)[0])):
        with pytest.raises(LedgerError, match="closed"):
            call()


def test_flush_and_full_batches_reach_the_file(tmp_path, monkeypatch):
    records = rounds(6)
    with Ledger.create(tmp_path / "l", header()) as ledger:
        ledger.on_round(records[0])
        assert verify(tmp_path / "l").rounds == 0
        ledger.flush()
        assert verify(tmp_path / "l").rounds == 1
        monkeypatch.setattr(batch, "BATCH_BYTES", 1)
        ledger.on_round(records[1])
        assert verify(tmp_path / "l").rounds == 2


@pytest.mark.parametrize("sync", ["checkpoint", "round"])
def test_segments_rotate_and_resume(tmp_path, monkeypatch, sync):
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 4000)
    monkeypatch.setattr(batch, "BATCH_BYTES", 1000)
    records = rounds(30)
    whole = Ledger(header())
    with Ledger.create(tmp_path / "l", header(), sync=sync) as ledger:
        for record in records[:20]:
            whole.on_round(record)
            ledger.on_round(record)
    with Ledger.resume(tmp_path / "l", sync=sync) as ledger:
        for record in records[20:]:
            whole.on_round(record)
            ledger.on_round(record)
    assert len(list((tmp_path / "l").glob("segment-*.dgl"))) >= 5
    assert verify(tmp_path / "l").head == whole.head
    assert verify(tmp_path / "l")

    (tmp_path / "l" / "segment-000002.dgl").rename(tmp_path / "kept")
    result = verify(tmp_path / "l")
    assert not result and "segment-000002.dgl is missing" in result.reason
    with pytest.raises(LedgerError, match="cannot be resumed"):
        Ledger.resume(tmp_path / "l")
    data = (tmp_path / "kept").read_bytes()
    (tmp_path / "l" / "segment-000002.dgl").write_bytes(data[:-1])
    scan = Scan(tmp_path / "l")
    list(scan)
    assert scan.damage is Damage.CORRUPT
    (tmp_path / "l" / "segment-000002.dgl").write_bytes(b"")
    scan = Scan(tmp_path / "l")
    list(scan)
    assert scan.damage is Damage.CORRUPT
    (tmp_path / "l" / "segment-000002.dgl").write_bytes(data)
    assert verify(tmp_path / "l", expected_head=whole.head)


def test_a_crash_between_two_segments_is_no_damage(tmp_path):
    with Ledger.create(tmp_path / "l", header()) as ledger:
        ledger.on_round(rounds(1)[0])
    (tmp_path / "l" / "segment-000001.dgl").write_bytes(b"")
    assert verify(tmp_path / "l")
    with Ledger.resume(tmp_path / "l") as ledger:
        ledger.on_round(rounds(2)[1])
    assert verify(tmp_path / "l").rounds == 2
    assert os.path.getsize(tmp_path / "l" / "segment-000001.dgl") > 0


def test_versions_of_what_is_not_installed(monkeypatch):
    monkeypatch.setattr(place, "_PACKAGES", ("no-such-package",))
    assert place.software.__wrapped__()["no-such-package"] == "not installed"
