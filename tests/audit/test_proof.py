"""Proofs: what is proven, what is refused, and that no changed bit means anything else."""

import base64
import dataclasses
import hashlib
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import forger
from oracles.rounds import header, rounds

from decent_gym.audit import verify_proof
from decent_gym.audit.proof import STEPS, check_signers
from decent_gym.errors import DataError, InputError, LedgerError, UnknownNameError
from decent_gym.ledger import (
    Checkpoint,
    Checkpoints,
    KeyKind,
    Ledger,
    Proof,
    SigningKey,
    VerifierKey,
    prove,
)
from decent_gym.ledger.checkpoint import read_checkpoints
from decent_gym.ledger.merkle import Tree
from decent_gym.ledger.note import Note, Signature
from decent_gym.ledger.proof_file import PROOF_CAP
from decent_gym.ledger.scan import Scan
from decent_gym.models import ORDER_FIELDS

NAME = "district.example/rural"
KEY = SigningKey(NAME, b"k" * 32)
WITNESS = SigningKey("neighbour.example/witness", b"w" * 32, KeyKind.WITNESS)
HEADER = header(operator_key=KEY.verifier.public)
RECORDS = rounds(9, offers=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("proofs") / "ledger"
    with Ledger.create(path, HEADER, checkpoints=Checkpoints(4, KEY)) as ledger:
        for record in RECORDS:
            ledger.on_round(record)
    return path


@pytest.fixture(scope="module")
def held(folder):
    """The checkpoints at 5, 9 and 10 records."""
    return read_checkpoints(folder)


def some_offer():
    """Round, row, and order of an offer that was accepted."""
    for record in RECORDS:
        for row in np.flatnonzero(record.electricity.accepted):
            return record, int(row)
    raise AssertionError("nothing traded")


def sealed(value):
    """A proof's JSON with the digest that belongs to it, as a forger would write it."""
    rest = {key: part for key, part in value.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    value = {**rest, "digest": hashlib.sha256(text).hexdigest()}
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_an_offer_is_proven_in_words(folder, held):
    record, row = some_offer()
    order = dict(zip(ORDER_FIELDS, record.electricity.orders[row].tolist(), strict=True))
    who = HEADER.names[order["owner"]]
    proof = prove(folder, offer=order["id"], organization=who, round=record.number).to_bytes()
    found = verify_proof(proof, held[-1], key=KEY.verifier)
    assert found, str(found)
    place, offer, under = found.statement
    assert place.startswith(
        f"record {record.number + 1} of 10 is round {record.number}, which began"
    )
    pays = abs(int(record.electricity.pays[row])) / 1e9
    for part in (
        f"offer {order['id']} of {who}",
        f"accepted {int(record.electricity.accepted[row]):,} Wh",
        f"{pays:.4f} EUR",
    ):
        assert part in offer
    assert str(KEY.verifier) in under and held[-1].root.hex() in under
    assert len(proof) < 8_000
    assert Proof.parse(proof).to_bytes() == proof


def test_a_whole_round_and_an_organizations_offers(folder, held):
    found = verify_proof(prove(folder, round=3).to_bytes(), held[-1])
    assert found.statement[0].startswith("record 4 of 10 is round 3")
    assert found.statement[1].startswith(
        f"electricity: {len(RECORDS[3].electricity.orders)} offers"
    )
    assert "the key in the ledger's header" in found.statement[-1]
    owner = int(RECORDS[3].electricity.column("owner")[0])
    proof = prove(folder, round=3, organization=HEADER.names[owner]).to_bytes()
    count = sum(int((book.column("owner") == owner).sum()) for book in RECORDS[3].books)
    assert len(verify_proof(proof, held[-1]).statement) == 2 + count


def test_a_proof_continues_an_older_checkpoint(folder, held):
    for old in held:
        proof = prove(folder, round=8, since=old).to_bytes()
        for anchor in (old, held[-1]):
            found = verify_proof(proof, anchor, key=KEY.verifier)
            assert found and f"continues the one at {old.size}" in found.statement[-1]
        alone = verify_proof(prove(folder, since=old).to_bytes(), old, key=KEY.verifier)
        assert len(alone.statement) == 2
        assert "not checked" in verify_proof(prove(folder, since=old).to_bytes(), old).statement[0]
    forked = Checkpoint.of(NAME, held[-1].size, held[0].root).signed(KEY)
    outside = verify_proof(prove(folder, round=8).to_bytes(), forked)
    assert outside.failed == "checkpoint" and "keep both" in outside.reason
    outside = verify_proof(prove(folder, round=8, since=held[1]).to_bytes(), held[0])
    assert (outside.failed, "--from" in outside.reason) == ("checkpoint", True)


def test_witnesses_must_have_cosigned(folder, held):
    proof = prove(folder, round=3).to_bytes()
    found = verify_proof(proof, held[-1], witnesses=[WITNESS.verifier])
    assert (found.failed, "not signed by neighbour" in found.reason) == ("signature", True)
    for check in (lambda *key: verify_proof(proof, held[-1], witnesses=key),
                  lambda *key: check_signers(held[-1], None, key)):  # fmt: skip
        with pytest.raises(InputError, match="is an operator's key"):
            check(WITNESS.verifier, KEY.verifier)
    seen = held[-1].signed(WITNESS, 1_577_836_800)
    found = verify_proof(proof, seen, key=KEY.verifier, witnesses=[WITNESS.verifier])
    assert "cosigned by neighbour.example/witness at 2020-01-01 00:00:00 UTC" in found.statement[-1]
    forged = SigningKey(WITNESS.name, b"f" * 32, KeyKind.WITNESS)
    bad = held[-1].signed(forged, 1_577_836_800)
    assert verify_proof(proof, bad, witnesses=[WITNESS.verifier]).failed == "signature"
    value = seen.note.signatures[-1].value
    for wrong in (value[:-1], value[:8], b"\xff" + value[1:], value[:7] + b"\x01" + value[8:]):
        line = Signature(WITNESS.name, WITNESS.verifier.id, wrong)
        found = verify_proof(proof, held[-1].carrying(line), witnesses=[WITNESS.verifier])
        assert (found.failed, "wrong" in found.reason) == ("signature", True)


def test_other_keys_do_not_speak_for_the_ledger(folder, held):
    proof = prove(folder, round=3).to_bytes()
    for key, words in (
        (SigningKey(NAME, b"o" * 32), "is not signed by"),
        (SigningKey("elsewhere.example", b"k" * 32), "does not speak for"),
        (SigningKey("district.example/rur", b"k" * 32), "does not speak for"),
        (SigningKey(NAME, b"k" * 32, KeyKind.WITNESS), "is not signed by"),
    ):
        found = verify_proof(proof, held[-1], key=key.verifier)
        assert (found.failed, words in found.reason) == ("signature", True), found
    bare = dataclasses.replace(Proof.parse(proof), checkpoint=unsigned(held[-1])).to_bytes()
    assert verify_proof(bare, held[-1]).ok  # the reader's own copy is signed
    assert verify_proof(bare, unsigned(held[-1])).failed == "signature"


def test_the_parts_of_a_proof_have_one_form(folder, held):
    value = json.loads(prove(folder, round=3, organization="building_00").to_bytes())
    assert verify_proof(sealed(value), held[-1])
    chain = json.loads(prove(folder, since=held[0]).to_bytes())
    assert verify_proof(sealed(chain), held[-1])
    rows = value["offers"]
    at = next(place for place, some in enumerate(rows) if some)
    for wrong in (
        {**chain, "header": value["header"]},
        {**chain, "record": value["record"]},
        {**chain, "offers": rows},
        *({**value, "offers": [*rows[:at], some, *rows[at + 1 :]]}
          for some in ([-1], [1, 0], [99, 0], [0, 0], [True], ["0"], [0.0], None)),
        {**value, "offers": [[], []]},
        {**value, "offers": [*rows, []]},
        {**value, "record": {**value["record"], "index": -1}},
        {**value, "record": {**value["record"], "index": True}},
    ):  # fmt: skip
        found = verify_proof(sealed(wrong), held[-1])
        assert (found.ok, found.failed) == (False, "form"), wrong["offers"]


def test_a_round_at_another_time_than_its_number_says_proves_nothing(tmp_path):
    late = dataclasses.replace(RECORDS[0], timestamp=RECORDS[0].timestamp + 900)
    forger.write(tmp_path, HEADER, [late])
    root = Tree(record.hash for record in Scan(tmp_path)).root()
    checkpoint = Checkpoint.of(NAME, 2, root).signed(KEY)
    (tmp_path / "checkpoint-000000002.txt").write_bytes(checkpoint.to_bytes())
    found = verify_proof(prove(tmp_path, round=late.number).to_bytes(), checkpoint)
    assert (found.failed, "by number and start" in found.reason) == ("round", True)


@pytest.mark.parametrize("key", [None, KEY.verifier])
def test_both_checkpoints_of_a_proof_must_be_signed(folder, held, key):
    proof = prove(folder, round=8, since=held[0])
    for side, anchor in (("since", held[-1]), ("checkpoint", held[0])):
        bare = dataclasses.replace(proof, **{side: unsigned(getattr(proof, side))}).to_bytes()
        found = verify_proof(bare, anchor, key=key)
        assert (found.failed, "signed" in found.reason) == ("signature", True)
    with pytest.raises(DataError, match="not signed by neighbour"):
        check_signers(held[-1], key, [WITNESS.verifier])


def test_a_proof_leads_over_a_change_of_keys(tmp_path):
    after = SigningKey(NAME, b"n" * 32)
    with Ledger.create(tmp_path, HEADER, checkpoints=Checkpoints(99, KEY)) as ledger:
        ledger.on_round(RECORDS[0])
        before = ledger.checkpoint()
        both = ledger.rotate(KEY, after)
        ledger.on_round(RECORDS[1])
    last = read_checkpoints(tmp_path)[-1]
    assert [one.size for one in (before, both, last)] == [2, 3, 4]
    proof = prove(tmp_path, round=RECORDS[1].number, since=before).to_bytes()

    def check(key, *retired, held=before, data=proof):
        keys = [one.verifier for one in (key, *retired)]
        return verify_proof(data, held, key=keys[0], retired=keys[1:])

    for held in (before, last):
        found = check(after, KEY, held=held)
        assert found, found
        assert f"signed by {after.verifier}, the older one by {KEY.verifier}" in found.statement[-2]
        for keys in ((after,), (KEY,), (KEY, after), (after, SigningKey(NAME, b"x" * 32))):
            assert check(*keys, held=held).failed == "signature"
    with pytest.raises(InputError, match="too: key"):
        verify_proof(proof, before, retired=[KEY.verifier])
    # whoever has stolen the retired key goes on from what the reader holds, and is refused
    theirs = tmp_path / "theirs"
    with Ledger.create(theirs, HEADER, checkpoints=Checkpoints(99, KEY)) as ledger:
        for record in RECORDS[:2]:
            ledger.on_round(record)
    stolen = prove(theirs, since=before).to_bytes()
    assert check(KEY, data=stolen)
    assert check(after, KEY, data=stolen).failed == "signature"


def unsigned(checkpoint):
    return Checkpoint.of(checkpoint.origin, checkpoint.size, checkpoint.root)


def test_what_cannot_be_proven_is_refused(folder, held, tmp_path):
    with pytest.raises(InputError, match="no ledger"):
        prove(tmp_path, round=3)
    with pytest.raises(UnknownNameError, match="did you mean 'building_0"):
        prove(folder, round=3, organization="building_0")
    other = Checkpoint.of("other", 5, held[0].root)
    ahead = Checkpoint.of(NAME, 11, held[0].root)
    for words, arguments in (
        ("say what", {}),
        ("nothing of round 77", {"round": 77}),
        ("nothing of the offer with id 5; .*--sequence", {"offer": 5}),
        ("which round or offer", {"organization": "building_00"}),
        ("not by both", {"offer": 5, "sequence": 5}),
        ("of 'other'", {"round": 3, "since": other}),
        ("not older", {"round": 3, "since": ahead}),
    ):
        with pytest.raises(InputError, match=words):
            prove(folder, **arguments)
    forged = Checkpoint.of(NAME, 5, held[1].root)
    with pytest.raises(LedgerError, match="written anew"):
        prove(folder, round=3, since=forged)
    plain = tmp_path / "plain"
    forger.write(plain, HEADER, RECORDS)
    with pytest.raises(InputError, match="no checkpoint"):
        prove(plain, round=3)
    (plain / "checkpoint-000000005.txt").write_bytes(held[0].to_bytes())
    with pytest.raises(InputError, match="record 9, the checkpoint stands for 5"):
        prove(plain, round=8)
    forger.write(plain, HEADER, RECORDS[:2])
    with pytest.raises(LedgerError, match="rolled back"):
        prove(plain, round=1)


def test_an_offer_that_stands_in_several_rounds(folder):
    counts = {}
    for record in RECORDS:
        for sequence in record.electricity.column("sequence").tolist():
            counts.setdefault(sequence, []).append(record.number)
    several = next(sequence for sequence, where in counts.items() if len(where) > 1)
    with pytest.raises(InputError, match=f"from {counts[several][0]} to {counts[several][-1]}"):
        prove(folder, sequence=several)
    proof = prove(folder, sequence=several, round=counts[several][1])
    assert proof.record.index == counts[several][1] + 1


def meaning(proof, checkpoint):
    found = verify_proof(proof, checkpoint, key=KEY.verifier)
    return found.statement if found else None


def test_every_flipped_bit_of_a_proof_is_refused_or_means_the_same(folder, held):
    record, row = some_offer()
    sequence = int(record.electricity.column("sequence")[row])
    proof = prove(folder, sequence=sequence, round=record.number, since=held[0]).to_bytes()
    said = meaning(proof, held[-1])
    assert said
    accepted = 0
    for bit in range(8 * len(proof)):
        changed = bytearray(proof)
        changed[bit // 8] ^= 1 << bit % 8
        now = meaning(bytes(changed), held[-1])
        accepted += now is not None
        assert now is None or now == said, bit
    assert accepted == 0


def test_every_flipped_bit_under_a_right_digest_is_refused_or_true(folder, held):
    """A forger seals the file again, so that the digest hides nothing."""
    record, row = some_offer()
    sequence = int(record.electricity.column("sequence")[row])
    proof = prove(folder, sequence=sequence, round=record.number, since=held[0]).to_bytes()
    value, said = json.loads(proof), meaning(proof, held[-1])
    refused = 0

    def leaves(part, path):
        if isinstance(part, dict):
            for key in part:
                yield from leaves(part[key], [*path, key])
        elif isinstance(part, list):
            for place, inner in enumerate(part):
                yield from leaves(inner, [*path, place])
        elif part is not None and path not in (["digest"], ["format"]):
            yield path, part

    def replaced(part, path, new):
        if not path:
            return new
        copy = dict(part) if isinstance(part, dict) else list(part)
        copy[path[0]] = replaced(part[path[0]], path[1:], new)
        return copy

    for path, leaf in leaves(value, []):
        if isinstance(leaf, int):
            variants = [leaf ^ (1 << bit) for bit in range(12)] + [-1, True, None, str(leaf)]
        elif "\n" in leaf:  # a checkpoint
            data = leaf.encode()
            variants = [flip(data, bit) for bit in range(8 * len(data))]
            variants = [text.decode("utf-8", "replace") for text in variants]
        else:
            data = base64.b64decode(leaf)
            bits = range(0, 8 * len(data), 3 if len(data) == 32 else 37)
            variants = [base64.b64encode(flip(data, bit)).decode() for bit in bits]
            variants += [leaf + "\n", leaf.rstrip("=") + "=", leaf[:-1], "", " " + leaf]
        for new in variants:
            if new == leaf and type(new) is type(leaf):
                continue
            changed = sealed(replaced(value, path, new))
            now = meaning(changed, held[-1])
            refused += now is None
            if path[0] == "offers":
                # another row of the same books: another statement, and a true one
                assert now is None or now[0] == said[0]
            else:
                assert now is None or now == said, (path, new)
    assert refused > 2_000


def flip(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_every_flipped_bit_of_the_held_checkpoint_is_refused_or_means_the_same(folder, held):
    proof = prove(folder, round=3).to_bytes()
    witnessed = held[-1].signed(WITNESS, 1_577_836_800).to_bytes()
    said = meaning(proof, held[-1])
    same = 0
    for bit in range(8 * len(witnessed)):
        try:
            checkpoint = Checkpoint.parse(flip(witnessed, bit))
        except DataError:
            continue
        now = meaning(proof, checkpoint)
        same += now == said
        assert now is None or now == said
    assert same  # a witness that nobody asked for may say what it likes


@pytest.mark.parametrize("cut", [1, 2, 10, 100])
def test_a_cut_or_longer_file_is_refused(folder, held, cut):
    proof = prove(folder, round=3).to_bytes()
    for bad in (proof[:-cut], proof[cut:], proof + b" " * cut, b"\n" * cut + proof, proof * 2):
        assert verify_proof(bad, held[-1]).failed == "form"


def test_hostile_files_are_refused_before_they_are_parsed(held):
    for bad, words in (
        (b"", "one line"),
        (b"\n", "cannot be read"),
        (b"[" * 1_000_000 + b"\n", "nested deeper"),
        (b'{"a":' * 1_000 + b"\n", "nested deeper"),
        (b'{"a":"' + b"[" * 1_000 + b'"}\n', "format"),
        (b"1" * 100_000 + b"\n", "2\\^53"),
        (b"[1e999]\n", "not an integer"),
        (b"NaN\n", "not an integer"),
        (b'{"a":1,"a":1}\n', "stands twice"),
        (b'{"format": "decent-gym/proof/v1"}\n', "canonical"),
        (b'{"format":"decent-gym/proof/v1"}\n', "must have the fields"),
        ('{"format":"é"}\n'.encode(), "canonical"),
        (b" " * (PROOF_CAP + 2), "one line"),
    ):
        found = verify_proof(bad, held[-1])
        assert found.failed == "form"
        assert re.search(words, found.reason), found.reason


def test_a_proof_of_nothing_is_refused(held):
    empty = Proof(held[-1]).to_bytes()
    found = verify_proof(empty, held[-1])
    assert (found.failed, "proves nothing" in found.reason) == ("form", True)


def test_each_step_can_fail(folder, held):
    good = prove(folder, round=3, since=held[0])
    record, head = good.record, good.header
    swapped = dataclasses.replace(good, path=good.path[::-1])
    moved = dataclasses.replace(good, record=dataclasses.replace(record, index=5))
    nameless = dataclasses.replace(good, header=dataclasses.replace(head, body=record.body))
    header_as_round = dataclasses.replace(good, record=dataclasses.replace(head, index=0))
    beyond = dataclasses.replace(good, offers=((0, 400), ()))
    mixed = dataclasses.replace(good, since=Checkpoint.of("other", 5, held[0].root))
    failed = {}
    for name, proof in (
        ("consistency", swapped), ("record", moved), ("header", nameless),
        ("round", header_as_round), ("round", beyond), ("checkpoint", mixed),
    ):  # fmt: skip
        found = verify_proof(proof.to_bytes(), held[-1])
        assert found.failed == name, found
        assert str(found).startswith(f"NOT proven: {name}")
        failed[name] = True
    assert set(STEPS) == {*failed, "form", "signature", "offers"}  # offers: test_signatures


def test_extra_lines_below_the_root_are_part_of_what_is_held(folder, held):
    note = held[-1].note
    longer = Checkpoint.parse(Note(note.text + "more\n").to_bytes())
    longer = longer.signed(KEY)
    proof = prove(folder, round=3).to_bytes()
    assert verify_proof(proof, longer).failed == "checkpoint"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered(data):
    checkpoint = Checkpoint.of(NAME, 5, bytes(32))
    assert not verify_proof(data, checkpoint)
    assert not verify_proof(data + b"\n", checkpoint)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**53 - 1) | st.text("aA=+/\n —", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["from", "path", "body", "index", "previous"]), inner)
    ),
    max_leaves=8,
)
FIELDS = ["checkpoint", "consistency", "header", "offers", "record"]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_json_is_answered(parts):
    value = {"format": "decent-gym/proof/v1", **dict.fromkeys(FIELDS), **parts}
    assert not verify_proof(sealed(value), Checkpoint.of(NAME, 5, bytes(32)))


def test_verifier_keys_have_one_form():
    text = str(KEY.verifier)
    assert VerifierKey.parse(text) == VerifierKey.parse(text + "\n") == KEY.verifier
    for bit in range(8 * len(text)):
        changed = flip(text.encode(), bit).decode("latin-1")
        if changed.strip() == text:
            continue
        with pytest.raises(DataError):
            VerifierKey.parse(changed)
