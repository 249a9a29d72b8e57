"""Gathering changes when records are hashed and written, never what is written."""

import numpy as np
import pytest
from oracles.rounds import header, rounds

from decent_gym.envs import TraderEnv
from decent_gym.errors import InputError
from decent_gym.ledger import Checkpoints, Ledger, batch, verify
from decent_gym.ledger.batch import Batch
from decent_gym.ledger.hashing import link

PREVIOUS = bytes(range(32))


def one_by_one(bodies):
    written, head = b"", PREVIOUS
    for body in bodies:
        own = link(head, body)
        written, head = written + body + head + own, own
    return written


@pytest.mark.parametrize("seed", range(20))
def test_a_batch_is_the_chain_one_by_one(seed):
    rng = np.random.default_rng(seed)
    gathered, head = Batch(), PREVIOUS
    bodies, written = [], b""
    for _ in range(60):
        body = rng.bytes(int(rng.integers(1, 3 * batch.BATCH_BYTES // 2 if seed % 4 else 200)))
        bodies.append(body)
        if seed % 2:
            gathered.add(body)
        else:  # as an encoder does it, which needs less room than it asked for
            room, first = gathered.room(len(body) + 7)
            room[first : first + len(body)] = np.frombuffer(body, np.uint8)
            gathered.keep(first + len(body))
        if gathered.is_full or rng.random() < 0.2:
            records, hashes = gathered.link(head)
            written, head = written + bytes(records), hashes[-1]
            gathered.clear()
            assert not len(gathered)
    written += bytes(gathered.link(head)[0])
    assert written == one_by_one(bodies)


@pytest.mark.parametrize("sync", ["never", "checkpoint", "round"])
def test_every_mode_writes_the_same(tmp_path, sync):
    memory = Ledger(header())
    with Ledger.create(tmp_path / "l", header(), sync=sync) as ledger:
        for record in rounds(50):
            ledger.on_round(record)
            memory.on_round(record)
    verification = verify(tmp_path / "l", expected_head=memory.head)
    assert verification
    assert verification.rounds == 50


def test_only_never_leaves_it_to_the_operating_system(tmp_path, monkeypatch):
    waited = []
    for call in ("fsync", "fdatasync"):
        monkeypatch.setattr(f"os.{call}", waited.append)
    for sync in ("checkpoint", "never"):
        waited.clear()
        with Ledger.create(tmp_path / sync, header(), sync=sync) as ledger:
            ledger.on_round(rounds(1)[0])
        with Ledger.resume(tmp_path / sync, sync=sync):
            pass
        assert bool(waited) == (sync == "checkpoint")


def test_no_checkpoint_of_what_can_still_be_lost(tmp_path):
    for begin in (Ledger.create, Ledger.resume):
        with pytest.raises(InputError, match="sync='never'"):
            begin(tmp_path / "l", *[header()] * (begin == Ledger.create), sync="never",
                  checkpoints=Checkpoints())  # fmt: skip
    assert not (tmp_path / "l").exists()


def test_episodes_wait_for_no_device(tmp_path, monkeypatch):
    waited = []
    for call in ("fsync", "fdatasync"):
        monkeypatch.setattr(f"os.{call}", waited.append)
    env = TraderEnv("synthetic", "household_00002", rounds=5, ledger=tmp_path / "run")
    heads = []
    for seed in (1, 2):
        env.reset(seed=seed)
        for _ in range(5):
            env.step(np.zeros(env.action_space.shape))
        heads.append(env.head)
    env.close()
    assert not waited
    for number, head in enumerate(heads):
        assert verify(tmp_path / "run" / f"episode-{number:06d}", expected_head=head)


def test_a_header_of_another_seed_is_the_same_but_for_the_seed():
    given = header()
    other = given.of_seed(77)
    assert other.seed == 77
    assert other != given
    assert other.of_seed(given.seed) == given
    assert Ledger(other).head != Ledger(given).head
    for wrong in (-1, 2**63, 1.0, True):
        with pytest.raises(InputError, match="header: seed"):
            given.of_seed(wrong)
