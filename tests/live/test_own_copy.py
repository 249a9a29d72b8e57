"""A listener's own copy of a ledger: the same bytes, over restarts, and no other past."""

import random

import pytest
from live.test_follower import fetch_all, written
from oracles.rounds import SlowMarket, header

from decent_gym.audit.proof import verify_proof
from decent_gym.errors import DataError, InputError, LedgerError
from decent_gym.ledger import Checkpoint, Checkpoints, Ledger, SigningKey, prove, verify
from decent_gym.live.archive import Archive
from decent_gym.live.follower import Follower
from decent_gym.live.own_copy import OwnCopies
from decent_gym.views.mqtt_tail import read_payloads

ROUNDS = 6


def follow(folder, payloads, records, rounds=None):
    """Listen once, to so many rounds, and keep them; returns the ledger's name and the head."""
    with OwnCopies(folder) as copies:
        follower = Follower("rural", from_start=True, reclear=True, keep=copies.take)
        for payload in payloads[:rounds]:
            follower.heard(payload)
            fetch_all(follower, records)
        return follower.ledger, follower.head


def bytes_of(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.glob("segment-*.dgl")))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger") / "l"
    return folder, *written(folder, ROUNDS)


def test_a_copy_has_the_bytes_of_the_ledger_and_verifies(sample, tmp_path):
    folder, payloads, records = sample
    name, head = follow(tmp_path / "mine", payloads, records)
    copy = tmp_path / "mine" / name[:16]
    assert bytes_of(copy) == bytes_of(folder)
    assert verify(copy, expected_head=head)
    assert {path.name for path in copy.iterdir()} == {"meta.json", "segment-000000.dgl"}


def test_a_copy_and_a_checkpoint_that_one_holds_make_a_proof(sample, tmp_path):
    key = SigningKey("a.example", bytes(32))
    signed = header(5, operator_key=key.verifier.public)
    source = SlowMarket(5, seed=0)
    with Ledger.create(tmp_path / "l", signed, checkpoints=Checkpoints(2, key)) as ledger:
        for _ in range(ROUNDS):
            ledger.on_round(source.round())
    payloads = list(read_payloads(tmp_path / "l", "rural"))
    records = list(Archive(tmp_path / "l").records(0, ROUNDS + 1))
    name, _ = follow(tmp_path / "mine", payloads, records)
    copy = tmp_path / "mine" / name[:16]
    with pytest.raises(InputError, match="give one that you hold"):
        prove(copy, round=2)
    for path in sorted((tmp_path / "l").glob("checkpoint-*.txt"))[1:]:
        held = Checkpoint.read(path)
        proof = prove(copy, round=2, checkpoint=held)
        assert proof.checkpoint.size == held.size
        assert verify_proof(proof.to_bytes(), held, key=key.verifier)
    other = Ledger(header(6), checkpoints=Checkpoints()).checkpoint()
    with pytest.raises(LedgerError, match="the checkpoint to prove under says"):
        prove(copy, round=0, checkpoint=other)


@pytest.mark.parametrize("stopped", range(ROUNDS + 1))
def test_who_comes_back_goes_on_with_its_copy(sample, tmp_path, stopped):
    folder, payloads, records = sample
    follow(tmp_path, payloads, records, stopped)
    name, _ = follow(tmp_path, payloads, records)
    assert bytes_of(tmp_path / name[:16]) == bytes_of(folder)


def test_a_torn_copy_is_mended(sample, tmp_path):
    _, payloads, records = sample
    name, _ = follow(tmp_path, payloads, records)
    path = tmp_path / name[:16] / "segment-000000.dgl"
    whole = path.read_bytes()
    rng = random.Random(0)
    for size in (len(records[0]), *(rng.randrange(len(records[0]), len(whole)) for _ in range(20))):
        path.write_bytes(whole[:size])
        follow(tmp_path, payloads, records)
        assert path.read_bytes() == whole


def test_keys_that_change_are_kept_too(tmp_path):
    keys = [SigningKey("a.example", bytes([n]) * 32) for n in (1, 2, 3)]
    head = header(5, operator_key=keys[0].verifier.public)
    source = SlowMarket(5, seed=0)
    with Ledger.create(tmp_path / "l", head, checkpoints=Checkpoints(key=keys[0])) as ledger:
        for n in range(ROUNDS):
            if n in (2, 3):
                ledger.rotate(keys[n - 2], keys[n - 1])
            ledger.on_round(source.round())
    payloads, archive = list(read_payloads(tmp_path / "l", "rural")), Archive(tmp_path / "l")
    for _ in range(2):  # a second time nothing is added
        with OwnCopies(tmp_path / "mine") as copies:
            follower = Follower("rural", from_start=True, reclear=True, keep=copies.take)
            for payload in payloads:
                follower.heard(payload)
                while (missing := follower.missing()) is not None:
                    for raw in archive.records(*missing):
                        follower.record(raw)
            copy = copies.place(follower.ledger)
        assert bytes_of(copy) == bytes_of(tmp_path / "l")
    assert verify(copy, expected_head=ledger.head)


def test_a_market_that_tells_another_past_is_found_out_by_the_copy(sample, tmp_path):
    _, payloads, records = sample
    name, _ = follow(tmp_path / "mine", payloads, records, 4)
    kept = bytes_of(tmp_path / "mine" / name[:16])
    again, told = written(tmp_path / "again", ROUNDS, seed=1)  # the same header, another history
    assert told[0] == records[0] and told[1] != records[1]
    with pytest.raises(DataError, match="tells another past"):
        follow(tmp_path / "mine", again, told)
    assert bytes_of(tmp_path / "mine" / name[:16]) == kept
    follow(tmp_path / "new", again, told)  # who has no copy cannot know


def test_every_ledger_has_a_folder_of_its_own(sample, tmp_path):
    _, payloads, records = sample
    more, others = written(tmp_path / "other", 3, organizations=6, seed=7)
    with OwnCopies(tmp_path / "mine") as copies:
        follower = Follower("rural", from_start=True, reclear=True, keep=copies.take)
        for heard, answers in ((payloads, records), (more, others), (payloads, records)):
            for payload in heard:
                follower.heard(payload)
                fetch_all(follower, answers)
    found = sorted((tmp_path / "mine").iterdir())
    assert len(found) == 2
    assert sorted(verify(copy).rounds for copy in found) == [3, ROUNDS]


def test_a_copy_that_is_damaged_or_in_use_is_left_alone(sample, tmp_path):
    _, payloads, records = sample
    name, _ = follow(tmp_path, payloads, records)
    path = tmp_path / name[:16] / "segment-000000.dgl"
    with OwnCopies(tmp_path) as copies:
        copies.take(name, records[0])
        with pytest.raises(LedgerError, match="another writer"):
            follow(tmp_path, payloads, records)
    damaged = bytearray(path.read_bytes())
    damaged[len(records[0]) + 40] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(LedgerError, match="restore it from a copy"):
        follow(tmp_path, payloads, records)
    assert path.read_bytes() == damaged
