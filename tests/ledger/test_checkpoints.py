"""Checkpoints as the writer makes them, and a verifier that holds the ledger against them."""

import dataclasses
import errno
import os

import pytest
from ledger.test_faults import FaultyDisk
from oracles import forger
from oracles.edwards25519 import PRIME, SMALL_ORDER, root, without_a_secret
from oracles.merkle import Slow
from oracles.rounds import header, rounds

from decent_gym.errors import DataError, InputError, LedgerError
from decent_gym.ledger import Checkpoint, Checkpoints, KeyKind, Ledger, SigningKey, verify
from decent_gym.ledger.checkpoint import read_checkpoints
from decent_gym.ledger.key_record import KeyRecord, encode_key
from decent_gym.ledger.note import Signature
from decent_gym.ledger.scan import Scan

RECORDS = rounds(10, offers=2)
KEY = SigningKey("district.example/rural", b"k" * 32)
NEXT = SigningKey("district.example/rural", b"n" * 32)
HEADER = header(operator_key=KEY.verifier.public)


def write(folder, records=RECORDS, every=4, key=KEY, **options):
    asked = Checkpoints(every, key, **options)
    with Ledger.create(folder, HEADER if key else header(), checkpoints=asked) as ledger:
        for record in records:
            ledger.on_round(record)
    return ledger


def names(folder):
    return sorted(path.name for path in folder.glob("checkpoint-*"))


def hashes(folder):
    return [record.hash for record in Scan(folder)]


def test_checkpoints_are_written_every_so_often_and_at_the_end(tmp_path):
    write(tmp_path)
    assert names(tmp_path) == [f"checkpoint-{size:09d}.txt" for size in (5, 9, 11)]
    slow = Slow(hashes(tmp_path))
    for checkpoint in read_checkpoints(tmp_path):
        assert checkpoint.origin == "district.example/rural"
        assert checkpoint.root == slow.mth(0, checkpoint.size)
        assert checkpoint.check(KEY.verifier) == 0
    found = verify(tmp_path)
    assert found and found.checkpoints == 3


def test_a_checkpoint_changes_nothing_in_the_records(tmp_path):
    write(tmp_path / "a")
    with Ledger.create(tmp_path / "b", HEADER) as plain:
        for record in RECORDS:
            plain.on_round(record)
    segments = [(tmp_path / name / forger.SEGMENT).read_bytes() for name in "ab"]
    assert segments[0] == segments[1]
    assert names(tmp_path / "b") == []


def test_unsigned_checkpoints_name_the_ledger_by_its_header(tmp_path):
    write(tmp_path, key=None)
    *_, last = read_checkpoints(tmp_path)
    assert last.origin == f"unsigned/{hashes(tmp_path)[0].hex()[:16]}"
    assert last.note.signatures == ()
    assert verify(tmp_path).checkpoints == 3


def test_nothing_is_written_twice_at_the_end(tmp_path):
    write(tmp_path, RECORDS[:4])
    assert len(names(tmp_path)) == 1
    write(tmp_path / "empty", [])
    assert names(tmp_path / "empty") == []


def test_in_memory(tmp_path):
    ledger = Ledger(HEADER, checkpoints=Checkpoints(key=KEY))
    for record in RECORDS:
        ledger.on_round(record)
    write(tmp_path)
    assert ledger.checkpoint() == read_checkpoints(tmp_path)[-1]
    with pytest.raises(InputError, match="keeps no checkpoints"):
        Ledger(HEADER).checkpoint()


@pytest.mark.parametrize("cut", [0, 3, 4, 6, 10])
def test_resume_goes_on_with_the_same_tree(tmp_path, cut):
    write(tmp_path / "once")
    write(tmp_path / "twice", RECORDS[:cut])
    with Ledger.resume(tmp_path / "twice", checkpoints=Checkpoints(4, KEY)) as ledger:
        for record in RECORDS[cut:]:
            ledger.on_round(record)
    last = [read_checkpoints(tmp_path / name)[-1] for name in ("once", "twice")]
    assert last[0] == last[1]
    assert verify(tmp_path / "twice")


def test_other_files_beside_the_checkpoints_are_not_read(tmp_path):
    write(tmp_path)
    good = (tmp_path / names(tmp_path)[-1]).read_bytes()
    for name in ("checkpoint-0000000011.txt", "checkpoint-000000011.txt.bak", "checkpoint-11.txt"):
        (tmp_path / name).write_bytes(good)
    (tmp_path / "checkpoint-0000000012.txt").mkdir()
    assert [one.size for one in read_checkpoints(tmp_path)] == [5, 9, 11]
    assert verify(tmp_path).checkpoints == 3


def test_resume_refuses_a_ledger_that_lost_what_was_signed(tmp_path):
    write(tmp_path)
    records = forger.read(tmp_path)[1]
    forger.write(tmp_path, HEADER, records[:6])
    with pytest.raises(LedgerError, match=r"7 records, a checkpoint stands for 11.*cut off"):
        Ledger.resume(tmp_path)
    assert "rolled back" in verify(tmp_path).reason


def test_resume_refuses_a_rewritten_past(tmp_path):
    write(tmp_path)
    records = forger.read(tmp_path)[1]
    records[1] = dataclasses.replace(records[1], unserved=records[1].unserved + 1)
    forger.write(tmp_path, HEADER, records)
    with pytest.raises(LedgerError, match="written anew"):
        Ledger.resume(tmp_path)
    found = verify(tmp_path)
    assert not found and "written anew" in found.reason and found.checkpoints == 0


def test_a_kept_checkpoint_shows_what_the_folder_alone_does_not(tmp_path):
    write(tmp_path)
    kept = Checkpoint.read(tmp_path / names(tmp_path)[-1])
    for name in names(tmp_path):
        (tmp_path / name).unlink()
    assert verify(tmp_path, checkpoint=kept).checkpoints == 1
    header, records = forger.read(tmp_path)
    for rewritten in (
        records[:-1],
        [*records[:-1], dataclasses.replace(records[-1], unserved=records[-1].unserved + 1)],
    ):
        forger.write(tmp_path, header, rewritten)
        assert verify(tmp_path)
        found = verify(tmp_path, checkpoint=kept)
        assert not found and found.reason.startswith("checkpoint of district.example/rural at 11")


def test_checkpoints_of_others_are_refused(tmp_path):
    write(tmp_path)
    path = tmp_path / names(tmp_path)[-1]
    good = Checkpoint.read(path)
    plain = Checkpoint.of(good.origin, good.size, good.root)
    stranger = SigningKey("stranger.example", b"s" * 32)
    forged = SigningKey("district.example/rural", b"s" * 32)
    for bad, words in (
        (plain, "not signed with the ledger's own key"),
        (plain.signed(forged), "not signed with the ledger's own key"),
        (Checkpoint.of("other", good.size, good.root), "two ledgers"),
        (Checkpoint.of("stranger.example", 11, good.root).signed(stranger), "two ledgers"),
        (plain.signed(SigningKey("stranger.example", b"k" * 32)), "not signed with the ledger's"),
        (plain.carrying(Signature(KEY.name, KEY.verifier.id, KEY.sign(b""))), "is wrong"),
        (Checkpoint.of(good.origin, 10, good.root), "holds a checkpoint of 10 records"),
        (dataclasses.replace(plain, note=good.note), None),
    ):
        path.write_bytes(bad.to_bytes())
        found = verify(tmp_path)
        assert found.ok if words is None else words in found.reason
    path.write_bytes(b"nonsense\n")
    assert "a note is a text" in verify(tmp_path).reason
    empty = Checkpoint.of(good.origin, 0, Slow([]).mth(0, 0)).signed(KEY)
    path.write_bytes(good.to_bytes())
    assert "stands for no record" in verify(tmp_path, checkpoint=empty).reason
    (tmp_path / "checkpoint-000000012.txt").mkdir()
    assert "is not a regular file" in verify(tmp_path).reason
    (tmp_path / "checkpoint-000000012.txt").rmdir()
    path.write_bytes(b"nonsense\n")
    with pytest.raises(DataError, match="checkpoint-000000011"):
        Ledger.resume(tmp_path)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Checkpoints(key=NEXT), "the ledger's key is"),
        (Checkpoints(), "give the key"),
        (Checkpoints(key=KEY, origin="district.example/rural/2"), "not of"),
    ],
)
def test_resume_keeps_name_and_key(tmp_path, asked, words):
    write(tmp_path)
    with pytest.raises(InputError, match=words):
        Ledger.resume(tmp_path, checkpoints=asked)
    assert verify(tmp_path)
    Ledger.resume(tmp_path, checkpoints=Checkpoints(key=KEY)).close()


def test_resume_keeps_the_name_of_an_unsigned_ledger(tmp_path):
    write(tmp_path, key=None)
    with pytest.raises(InputError, match="not of 'other'"):
        Ledger.resume(tmp_path, checkpoints=Checkpoints(origin="other"))
    Ledger.resume(tmp_path, checkpoints=Checkpoints()).close()


def test_wrong_wishes_are_refused_at_once(tmp_path):
    for wrong in (
        lambda: Checkpoints(0),
        lambda: Checkpoints(origin="with space"),
        lambda: Checkpoints(key=KEY, origin="district.example/rural2"),
        lambda: Checkpoints(key=SigningKey("w", b"w" * 32, KeyKind.WITNESS)),
        lambda: Ledger.create(tmp_path / "l", header(), checkpoints=Checkpoints(key=KEY)),
        lambda: Ledger.create(tmp_path / "l", HEADER, checkpoints=Checkpoints(key=NEXT)),
        lambda: Ledger.create(tmp_path / "l", HEADER, checkpoints=Checkpoints()),
    ):
        with pytest.raises(InputError):
            wrong()
    assert not (tmp_path / "l").exists()


def test_keys_change_hands(tmp_path):
    with Ledger.create(tmp_path, HEADER, checkpoints=Checkpoints(4, KEY)) as ledger:
        for record in RECORDS[:5]:
            ledger.on_round(record)
        both = ledger.rotate(KEY, NEXT)
        assert both.check(KEY.verifier) == both.check(NEXT.verifier) == 0
        for record in RECORDS[5:]:
            ledger.on_round(record)
        assert ledger.rounds == 10
    assert [one.size for one in read_checkpoints(tmp_path)] == [5, 7, 11, 12]
    found = verify(tmp_path)
    assert (found.ok, found.rounds, found.checkpoints, found.head) == (True, 10, 4, ledger.head)
    plain = Checkpoint.of(both.origin, both.size, both.root)  # after the hand-over: the next key
    for checkpoint, words in ((plain.signed(NEXT), "None"), (plain.signed(KEY), "own key")):
        assert words in str(verify(tmp_path, checkpoint=checkpoint).reason)
    last = read_checkpoints(tmp_path)[-1]
    last.check(NEXT.verifier)
    with pytest.raises(DataError, match="not signed by"):
        last.check(KEY.verifier)
    with pytest.raises(InputError, match="the ledger's key is"):
        Ledger.resume(tmp_path, checkpoints=Checkpoints(key=KEY))
    with Ledger.resume(tmp_path, checkpoints=Checkpoints(key=NEXT)) as resumed:
        assert (resumed.rounds, resumed.head) == (10, ledger.head)
        resumed.rotate(NEXT, KEY)
    assert verify(tmp_path).checkpoints == 5
    stale = Checkpoint.of(last.origin, last.size, last.root).signed(KEY)
    (tmp_path / names(tmp_path)[-2]).write_bytes(stale.to_bytes())
    assert "not signed with the ledger's own key" in verify(tmp_path).reason


def test_a_stolen_place_is_no_change_of_keys(tmp_path):
    thief = SigningKey("district.example/rural", b"t" * 32)
    write(tmp_path)
    bodies = [bytes(record.body) for record in Scan(tmp_path)][:4]
    head = bytes.fromhex(forger.write_bodies(tmp_path / "l", bodies))
    right = KeyRecord.of(head, KEY, NEXT)
    for record, words in (
        (right, None),
        (KeyRecord.of(head, thief, thief), "not signed by the old one"),
        (dataclasses.replace(right, by_new=KEY.sign(b"")), "not signed by itself"),
        (dataclasses.replace(right, key=thief.verifier.public), "not signed by the old one"),
        (KeyRecord.of(hashes(tmp_path)[2], KEY, NEXT), "not signed by the old one"),
    ):
        forger.write_bodies(tmp_path / "l", [*bodies, encode_key(record)])
        found = verify(tmp_path / "l")
        assert found.ok if words is None else words in found.reason
        assert found.rounds == 3
    unkeyed = [bytes(record.body) for record in Scan(write_unkeyed(tmp_path / "u"))][:4]
    forger.write_bodies(tmp_path / "u", [*unkeyed, encode_key(right)])
    assert "the header names no key" in verify(tmp_path / "u").reason


def test_no_ledger_is_handed_over_to_a_key_that_everybody_has(tmp_path):
    """Zero says that nobody signs, and is a point of small order: it "signs" without a secret."""
    write(tmp_path)
    bodies = [bytes(record.body) for record in Scan(tmp_path)][:4]
    head = bytes.fromhex(forger.write_bodies(tmp_path / "l", bodies))
    for y in SMALL_ORDER:
        public = y.to_bytes(32, "little")
        message = b"decent-gym/ledger/key/v1\0" + head + KEY.verifier.public + public
        x = root(y)
        by_new = without_a_secret(public, (PRIME - x if x & 1 else x, y), message)
        record = KeyRecord(public, KEY.sign(message), by_new)
        forger.write_bodies(tmp_path / "l", [*bodies, encode_key(record)])
        found = verify(tmp_path / "l")
        assert not found and "not signed by itself" in found.reason


def write_unkeyed(folder):
    write(folder, key=None)
    for name in names(folder):
        (folder / name).unlink()
    return folder


def test_only_the_owner_hands_over(tmp_path):
    ledger = Ledger(HEADER, checkpoints=Checkpoints(key=KEY))
    for old, new, words in (
        (NEXT, KEY, "the ledger's key is"),
        (KEY, SigningKey("other", b"o" * 32), "keeps its name"),
        (KEY, SigningKey(KEY.name, b"o" * 32, KeyKind.WITNESS), "witness's key"),
    ):
        with pytest.raises(InputError, match=words):
            ledger.rotate(old, new)
    assert ledger.rounds == 0 and ledger.operator_key == KEY.verifier.public
    with pytest.raises(InputError, match="keeps no checkpoints"):
        Ledger(HEADER).rotate(KEY, NEXT)
    with pytest.raises(InputError, match="names no operator's key"):
        Ledger(header()).on_key(KeyRecord.of(b"h" * 32, KEY, NEXT))


def test_a_fault_at_every_call_signs_nothing_that_is_lost(tmp_path):
    """Whatever call fails, no checkpoint stands for more than the records that are there."""

    def scenario(folder, disk):
        ledger = Ledger.create(folder, HEADER, checkpoints=Checkpoints(3, KEY), disk=disk)
        with ledger:
            for record in RECORDS:
                ledger.on_round(record)

    counter = FaultyDisk()
    scenario(tmp_path / "count", counter)
    assert counter.calls > 30
    for call in range(1, counter.calls + 1):
        folder = tmp_path / str(call)
        with pytest.raises(LedgerError, match=os.strerror(errno.EIO)):
            scenario(folder, FaultyDisk(call))
        if not (folder / forger.SEGMENT).exists() or not hashes(folder):
            continue
        with Ledger.resume(folder, checkpoints=Checkpoints(3, KEY)) as recovered:
            for record in RECORDS[recovered.rounds :]:
                recovered.on_round(record)
        assert verify(folder).rounds == 10
        assert read_checkpoints(folder)[-1] == read_checkpoints(tmp_path / "count")[-1]
