import pytest
from oracles import forger
from oracles.rounds import header, rounds

from decent_gym.errors import LedgerError
from decent_gym.ledger import Ledger, verify
from decent_gym.ledger.disk import Disk
from decent_gym.ledger.scan import Damage, Scan

SMALL = {"organizations": 1, "offers": 1}


@pytest.fixture
def small(tmp_path):
    """A ledger of 12 records, its bytes, and the length and head after each record."""
    ends, heads = [], []
    ledger = Ledger.create(tmp_path / "l", header(organizations=1))
    for record in (None, *rounds(11, **SMALL)):
        if record is not None:
            ledger.on_round(record)
        ledger.flush()
        ends.append((tmp_path / "l" / forger.SEGMENT).stat().st_size)
        heads.append(ledger.head)
    ledger.close()
    return tmp_path / "l", (tmp_path / "l" / forger.SEGMENT).read_bytes(), ends, heads


def scanned(folder):
    scan = Scan(folder)
    for _ in scan:
        pass
    return scan


def test_every_flipped_bit_is_found(small):
    folder, data, ends, heads = small
    with (folder / forger.SEGMENT).open("r+b", buffering=0) as file:
        for at, byte in enumerate(data):
            place = sum(end <= at for end in ends)
            for bit in range(8):
                file.seek(at)
                file.write(bytes([byte ^ 1 << bit]))
                scan = scanned(folder)
                assert scan.damage is Damage.CORRUPT, (at, bit)
                assert scan.records == place, (at, bit)
                if (8 * at + bit) % 97 == 0:
                    result = verify(folder, reclear=bit % 2 == 0)
                    assert not result.ok
                    assert result.first_bad == (place - 1 if place else None)
                    assert result.head == (heads[place - 1] if place else None)
            file.seek(at)
            file.write(bytes([byte]))
    assert verify(folder, expected_head=heads[-1])


def test_a_cut_at_any_byte_recovers_to_what_is_whole(small):
    folder, data, ends, heads = small
    for size in range(len(data)):
        (folder / forger.SEGMENT).write_bytes(data[:size])
        whole = sum(end <= size for end in ends)
        scan = scanned(folder)
        assert scan.records == whole
        assert scan.damage is (None if size in (0, *ends) else Damage.TORN)
        if size % 3 == 0 or size in ends:
            result = verify(folder, reclear=False)
            assert result.ok == (size in ends)
            assert result.head == (heads[whole - 1] if whole else None)
            if whole and not result.ok:
                assert result.first_bad == whole - 1
                assert "torn tail" in result.reason and "resume" in result.reason


def test_resume_cuts_the_torn_tail_and_goes_on(small):
    folder, data, ends, heads = small
    records = rounds(11, **SMALL)
    for size in [*range(0, ends[0], 17), *range(ends[9] - 1, len(data) + 1)]:
        (folder / forger.SEGMENT).write_bytes(data[:size])
        whole = sum(end <= size for end in ends)
        if not whole:
            with pytest.raises(LedgerError, match="cannot be resumed"):
                Ledger.resume(folder, disk=Disk(waits=False))
            continue
        with Ledger.resume(folder, disk=Disk(waits=False)) as ledger:
            assert ledger.head == heads[whole - 1]
            assert ledger.dropped_bytes == size - ends[whole - 1]
            for record in records[whole - 1 :]:
                ledger.on_round(record)
        assert (folder / forger.SEGMENT).read_bytes() == data


def test_resume_refuses_damage_and_changes_nothing(small):
    folder, data, ends, _ = small
    for at in (4, ends[0] + 5, ends[4] + 60, len(data) - 1):
        hurt = bytearray(data)
        hurt[at] ^= 1
        (folder / forger.SEGMENT).write_bytes(hurt)
        with pytest.raises(LedgerError, match="cannot be resumed"):
            Ledger.resume(folder, disk=Disk(waits=False))
        assert (folder / forger.SEGMENT).read_bytes() == hurt


def test_records_moved_about_are_found(small):
    folder, data, ends, heads = small
    pieces = [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    for order in ([0, 2, 1], [0, 2], [1], [0, 0], [0, 1, 1], [0, 1, 0], [1, 0]):
        (folder / forger.SEGMENT).write_bytes(b"".join(pieces[i] for i in order))
        good = next((i for i, piece in enumerate(order) if piece != i), len(order))
        result = verify(folder)
        assert not result.ok
        assert result.head == (heads[good - 1] if good else None)
    (folder / forger.SEGMENT).write_bytes(data + b"\0")
    assert verify(folder).first_bad == 11
    assert not verify(folder)


def test_a_header_where_a_round_belongs_is_found(small):
    folder, _, _, _ = small
    head, *bodies = [bytes(record.body) for record in Scan(folder)]
    forger.write_bodies(folder, [head, bodies[0], head])
    assert "header record does not belong here" in verify(folder).reason
    forger.write_bodies(folder, [bodies[0]])
    assert "round record does not belong here" in verify(folder).reason
