"""A witness cosigns what continues, refuses the rest, and never answers before it has written."""

import dataclasses
import errno
import http.client
import os
import threading

import pytest
from ledger.test_faults import FaultyDisk
from oracles import forger
from oracles.rounds import header, rounds

from decent_gym.errors import DataError, InputError
from decent_gym.ledger import Checkpoint, Checkpoints, KeyKind, Ledger, SigningKey, verify
from decent_gym.ledger.checkpoint import read_checkpoints
from decent_gym.ledger.merkle import Tree
from decent_gym.live.cosigning import cosign
from decent_gym.live.witness import AGAINST, FORKED, Verdict, Witness
from decent_gym.live.witness_http import BODY_CAP, WitnessServer, parse_request

NAME = "district.example/rural"
KEY = SigningKey(NAME, b"k" * 32)
OWN = SigningKey("neighbour.example/witness", b"w" * 32, KeyKind.WITNESS)
TREE = Tree([bytes([n]) * 32 for n in range(40)])
OTHER = Tree([bytes([n ^ (n > 20)]) * 32 for n in range(40)])
NOW = 1_600_000_000


def signed(size, tree=TREE, origin=NAME, key=KEY):
    return Checkpoint.of(origin, size, tree.root(size)).signed(key)


def witness(folder, **options):
    return Witness(folder, OWN, [KEY.verifier], clock=lambda: NOW, **options)


@pytest.fixture
def seen(tmp_path):
    """A witness that has seen 30 records."""
    with witness(tmp_path / "state") as found:
        assert found.update(signed(30))
        yield found


def test_it_cosigns_what_continues(tmp_path):
    with witness(tmp_path / "state") as one:
        assert one.seen(NAME) is None
        first = one.update(signed(10))
        assert first and first.size == 10
        assert signed(10).carrying(first.cosignature).check(OWN.verifier) == NOW
        for old, new in ((10, 11), (11, 32), (32, 40)):
            answer = one.update(signed(new), old, TREE.consistency(old, new))
            assert answer and answer.size == new
            assert one.seen(NAME) == signed(new).carrying(answer.cosignature)
        assert one.update(signed(40)) and one.update(signed(40), 40)
    with witness(tmp_path / "state") as again:  # it remembers
        assert again.seen(NAME).size == 40
        assert again.update(signed(39)).verdict is Verdict.CONFLICT


@pytest.mark.parametrize(
    ("checkpoint", "old", "path", "verdict", "words"),
    [
        (signed(40, origin="other"), 30, TREE.consistency(30, 40), Verdict.UNKNOWN, "speaks for"),
        (signed(40, origin=NAME + "2"), None, [], Verdict.UNKNOWN, "speaks for"),
        (signed(40, key=SigningKey(NAME, b"x" * 32)), 30, TREE.consistency(30, 40),
         Verdict.UNTRUSTED, "no trusted key"),
        (Checkpoint.of(NAME, 40, TREE.root(40)), 30, TREE.consistency(30, 40),
         Verdict.UNTRUSTED, "no trusted key"),
        (dataclasses.replace(signed(40), note=dataclasses.replace(
            signed(40).note, signatures=signed(39).note.signatures)), 30,
         TREE.consistency(30, 40), Verdict.UNTRUSTED, "no trusted key"),
        (signed(40), 41, [], Verdict.MALFORMED, "cannot continue 41"),
        (signed(40), -1, [], Verdict.MALFORMED, "cannot continue"),
        (signed(0), 0, [], Verdict.MALFORMED, "cannot continue"),
        (signed(29), None, [], Verdict.CONFLICT, "ROLLBACK"),
        (signed(29), 29, [], Verdict.CONFLICT, "ROLLBACK"),
        (signed(30, OTHER), None, [], Verdict.CONFLICT, "FORK"),
        (signed(30, OTHER), 30, [], Verdict.CONFLICT, "FORK"),
        (signed(40), None, [], Verdict.CONFLICT, "prove that"),
        (signed(40), 0, [], Verdict.CONFLICT, "prove that"),
        (signed(40), 20, TREE.consistency(20, 40), Verdict.CONFLICT, "prove that"),
        (signed(40), 30, [], Verdict.UNPROVEN, "does not continue"),
        (signed(40), 30, TREE.consistency(29, 40), Verdict.UNPROVEN, "does not continue"),
        (signed(40, OTHER), 30, OTHER.consistency(30, 40), Verdict.UNPROVEN, "does not continue"),
        (signed(40), 30, TREE.consistency(30, 40)[::-1], Verdict.UNPROVEN, "does not continue"),
    ],
)  # fmt: skip
def test_it_refuses_everything_else(seen, checkpoint, old, path, verdict, words):
    before = seen.seen(NAME)
    answer = seen.update(checkpoint, old, path)
    assert not answer
    assert (answer.verdict, answer.cosignature) == (verdict, None)
    assert words in answer.reason
    assert seen.seen(NAME) == before
    assert seen.update(signed(40), 30, TREE.consistency(30, 40))


def test_a_fork_is_kept_as_evidence_and_a_rollback_is_not(seen, tmp_path):
    seen.update(signed(29))
    seen.update(signed(40), 0)
    seen.update(signed(30), 0)  # as cosign asks first: what was seen, from elsewhere
    assert not list((tmp_path / "state").glob(f"*{FORKED}"))
    seen.update(signed(30, OTHER))
    # neither what the operator does next, nor anybody who sends something again, undoes it
    assert seen.update(signed(40), 30, TREE.consistency(30, 40))
    seen.update(signed(40), 0)
    seen.update(signed(40, OTHER), 40)
    fork, held = (
        Checkpoint.read(next((tmp_path / "state").glob(f"*{suffix}")))
        for suffix in (FORKED, AGAINST)
    )
    assert fork.check(KEY.verifier) == held.check(KEY.verifier) == 0
    assert held.check(OWN.verifier) == NOW
    assert (fork.size, held.size) == (30, 30)
    assert (fork.root, held.root) == (OTHER.root(30), TREE.root(30))


def test_with_a_fork_the_pair_is_whole_whatever_fails(tmp_path):
    for call in range(1, 99):
        folder, disk = tmp_path / str(call), FaultyDisk()
        with witness(folder, disk=disk) as one:
            one.update(signed(30))
            disk.fail_at = disk.calls + call
            try:
                one.update(signed(30, OTHER))
            except OSError:
                pass
            else:
                break
        forked = list(folder.glob(f"*{FORKED}"))
        assert not forked or Checkpoint.read(next(folder.glob(f"*{AGAINST}"))).size == 30
        with witness(folder) as again:
            again.update(signed(30, OTHER))
        assert len([*folder.glob(f"*{FORKED}"), *folder.glob(f"*{AGAINST}")]) == 2
    assert call > 6


def test_ledgers_are_kept_apart(seen):
    below = signed(5, origin=f"{NAME}/2")
    assert seen.update(below)
    assert seen.seen(NAME).size == 30
    assert seen.seen(f"{NAME}/2").size == 5


def test_the_first_checkpoint_has_nothing_to_continue(tmp_path):
    with witness(tmp_path / "state") as one:
        answer = one.update(signed(10), 0, [bytes(32)])
        assert (answer.verdict, answer.size) == (Verdict.UNPROVEN, 0)
        assert one.update(signed(10), 0)


def test_two_that_ask_at_once_are_answered_one_after_the_other(tmp_path):
    """Both continue what was seen, and each contradicts the other: one of them is a fork."""
    branch = Tree([bytes([n ^ (n > 30)]) * 32 for n in range(40)])
    inside, answers = threading.Event(), {}

    def clock():  # between what was seen and what is written down
        if inside.is_set():
            return NOW
        inside.set()
        second.start()
        second.join(0.2)
        return NOW

    def ask(tree):
        answers[tree] = one.update(signed(40, tree), 30, tree.consistency(30, 40)).verdict

    with Witness(tmp_path / "state", OWN, [KEY.verifier], clock=lambda: NOW) as one:
        one.update(signed(30))
    with Witness(tmp_path / "state", OWN, [KEY.verifier], clock=clock) as one:
        second = threading.Thread(target=ask, args=(branch,))
        ask(TREE)
        second.join()
        assert answers == {TREE: Verdict.COSIGNED, branch: Verdict.CONFLICT}
        assert one.seen(NAME).root == TREE.root(40)


def test_names_never_become_paths(tmp_path):
    key = SigningKey("../../outside", b"o" * 32)
    with Witness(tmp_path / "deep" / "state", OWN, [key.verifier]) as one:
        assert one.update(signed(5, origin="../../outside", key=key))
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["state"]


def test_a_damaged_memory_stops_the_witness(seen, tmp_path):
    (state,) = (tmp_path / "state").glob("*.txt")
    state.write_bytes(state.read_bytes()[:-20])
    with pytest.raises(DataError):
        seen.update(signed(40), 30, TREE.consistency(30, 40))


def test_one_process_at_a_time_and_the_right_kinds_of_keys(seen, tmp_path):
    with pytest.raises(InputError, match="another witness"):
        witness(tmp_path / "state")
    with pytest.raises(InputError, match="no witness's key"):
        Witness(tmp_path / "a", KEY, [])
    with pytest.raises(InputError, match="those of operators"):
        Witness(tmp_path / "a", OWN, [OWN.verifier])
    seen.close()
    seen.close()
    with pytest.raises(InputError, match="closed"):
        seen.update(signed(30))
    witness(tmp_path / "state").close()


def test_it_answers_only_what_it_has_written_down(tmp_path):
    """A fault at every system call: never a cosignature that a restart has forgotten."""
    counter = FaultyDisk()
    with witness(tmp_path / "count", disk=counter) as one:
        one.update(signed(10))
        one.update(signed(30), 10, TREE.consistency(10, 30))
    assert counter.calls >= 8
    for call in range(1, counter.calls + 1):
        folder, answered = tmp_path / str(call), 0
        try:
            with witness(folder, disk=FaultyDisk(call)) as one:
                answered = one.update(signed(10)).size
                answered = one.update(signed(30), 10, TREE.consistency(10, 30)).size
            raise AssertionError(f"call {call} failed and nobody was told")
        except OSError as error:
            assert error.errno == errno.EIO
        with witness(folder) as again:
            held = again.seen(NAME)
            size = 0 if held is None else held.size
            assert size >= answered
            assert again.update(signed(40), size, TREE.consistency(size, 40))


# -- over HTTP -------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path):
    with witness(tmp_path / "state") as one, WitnessServer(one) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def post(server, body, path="/add-checkpoint", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request("POST", path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode(), response.headers["Content-Type"]
    finally:
        connection.close()


def test_the_call_as_specified(server):
    code, text, _ = post(server, b"old 0\n\n" + signed(10).to_bytes())
    assert code == 200 and text.startswith("— neighbour.example/witness ")
    code, text, kind = post(server, b"old 0\n\n" + signed(30).to_bytes())
    assert (code, text, kind) == (409, "10\n", "text/x.tlog.size")
    assert post(server, b"old 10\n\n" + signed(30).to_bytes())[0] == 422
    assert post(server, b"old 31\n\n" + signed(30).to_bytes())[0] == 400
    assert post(server, b"old 0\n\n" + signed(30, origin="x").to_bytes())[0] == 404
    stranger = signed(30, key=SigningKey(NAME, b"x" * 32))
    assert post(server, b"old 10\n\n" + stranger.to_bytes())[0] == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old\n\n",
        b"old 01\n\n" + signed(30).to_bytes(),
        b"old 0\n" + signed(30).to_bytes(),
        b"old 0\nAAAA=\n\n" + signed(30).to_bytes(),
        b"old 0\n\xff\n\n" + signed(30).to_bytes(),
        b"old 0\n" + b"A" * 43 + b"=\n" * 64 + b"\n" + signed(30).to_bytes(),
        b"old 0\n\n" + signed(30).to_bytes() + b"x",
        b"old 99999999999999999999\n\n" + signed(30).to_bytes(),
    ],
)
def test_malformed_requests(server, body):
    assert post(server, body)[0] == 400
    with pytest.raises(DataError):
        parse_request(body)


def test_too_long_too_short_and_elsewhere(server):
    assert post(server, b"x" * 10, "/other")[0] == 404
    assert post(server, b"", headers={"Content-Length": "9" * 9})[0] == 413
    assert post(server, b"", headers={"Content-Length": "-1"})[0] == 411
    assert post(server, b"x" * (BODY_CAP + 1))[0] == 413
    with pytest.raises(DataError, match="longer"):
        parse_request(b"x" * (BODY_CAP + 1))
    with pytest.raises(InputError, match="cannot listen"):
        WitnessServer(server.witness, port=70_000)


def test_an_operator_has_its_ledger_cosigned(server, tmp_path):
    folder, records = tmp_path / "ledger", rounds(9, offers=1)
    url = f"http://127.0.0.1:{server.server_port}/"
    wanted = Checkpoints(4, KEY)
    head = header(operator_key=KEY.verifier.public)
    with Ledger.create(folder, head, checkpoints=wanted) as ledger:
        with pytest.raises(InputError, match="no checkpoint"):
            cosign(folder, url, OWN.verifier)
        for record in records[:5]:
            ledger.on_round(record)
        assert cosign(folder, url, OWN.verifier).check(OWN.verifier) == NOW
        for record in records[5:]:
            ledger.on_round(record)
    newest = cosign(folder, url, OWN.verifier)
    assert (newest.size, newest.check(OWN.verifier)) == (10, NOW)
    assert verify(folder, checkpoint=newest)
    assert cosign(folder, url, OWN.verifier) == newest
    stranger = SigningKey("w", b"o" * 32, KeyKind.WITNESS)
    for wrong, error in ((KEY.verifier, InputError), (stranger.verifier, DataError)):
        with pytest.raises(error):
            cosign(folder, url, wrong)
    with pytest.raises(InputError, match="http://host:port"):
        cosign(folder, "ftp://x", OWN.verifier)
    # a ledger written anew, with checkpoints of its own
    records[2] = dataclasses.replace(records[2], unserved=records[2].unserved + 1)
    for again, words in ((records, "409.*FORK.*at 10 records"), (records[:5], "409.*ROLLBACK")):
        cheat = tmp_path / f"cheat{len(again)}"
        with Ledger.create(cheat, head, checkpoints=wanted) as ledger:
            for record in again:
                ledger.on_round(record)
        with pytest.raises(DataError, match=words):
            cosign(cheat, url, OWN.verifier)
    assert read_checkpoints(folder)[-1].size == 10 and forger.read(folder)


def test_a_witness_that_cannot_write_says_so(tmp_path):
    with witness(tmp_path / "state", disk=FaultyDisk(2)) as one, WitnessServer(one) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            code, text, _ = post(running, b"old 0\n\n" + signed(10).to_bytes())
        finally:
            running.shutdown()
            thread.join()
    assert (code, os.strerror(errno.EIO) in text) == (503, False)
