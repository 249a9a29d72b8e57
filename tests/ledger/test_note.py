"""Notes, keys and checkpoints: published examples, one form of everything, and no other."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.edwards25519 import ORDER, PRIME, SMALL_ORDER, root, times, without_a_secret
from oracles.rounds import header

from decent_gym.errors import DataError, InputError
from decent_gym.ledger import Checkpoint, KeyKind, SigningKey, VerifierKey
from decent_gym.ledger.note import NOTE_CAP, Note, Signature
from decent_gym.ledger.signing import is_signed
from decent_gym.ledger.weak_keys import is_weak

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "trust_vectors.json").read_text())
LINE = "— a.example AAAAAAAA\n"
TEXT = "a.example\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


@pytest.mark.parametrize("case", VECTORS["notes"])
def test_published_notes_and_keys(case, tmp_path):
    key, note = VerifierKey.parse(case["key"]), Note.parse(case["note"].encode())
    (signature,) = note.signatures
    assert str(key) == case["key"]
    assert note.to_bytes().decode() == case["note"]
    assert (signature.name, signature.key_id) == (key.name, key.id)
    assert is_signed(key.public, signature.value, note.text.encode())
    assert not is_signed(key.public, signature.value, note.text.encode() + b"\n")
    if case["private"]:
        path = tmp_path / "key"
        path.write_text(case["private"] + "\n")
        signer = SigningKey.read(path)
        assert signer.verifier == key
        assert signer.sign(note.text.encode()) == signature.value
        signer.write(tmp_path / "again")
        assert (tmp_path / "again").read_text() == path.read_text()
        assert (tmp_path / "again.pub").read_text() == case["key"] + "\n"


def test_the_published_checkpoint():
    found = Checkpoint.parse(VECTORS["checkpoint"].encode())
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20852163)
    assert found.to_bytes().decode() == VECTORS["checkpoint"]
    names = [signature.name for signature in found.note.signatures]
    assert names == ["example.com/behind-the-sofa", "witness.example.com/w1"]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        "\n" + LINE,
        TEXT,
        TEXT + LINE,
        TEXT + "\n" + LINE[:-1],
        TEXT + "\n" + LINE.replace("— ", "- "),
        TEXT + "\n" + LINE.replace("— ", "—"),
        TEXT + "\n" + LINE.replace("a.example", "a b"),
        TEXT + "\n" + LINE.replace("a.example", "a+b"),
        TEXT + "\n" + LINE.replace("a.example", "á"),
        TEXT + "\n" + LINE.replace("AAAAAAAA", "AAAAAA"),
        TEXT + "\n" + LINE.replace("AAAAAAAA", "AAAAAA=="),
        TEXT + "\n" + LINE.replace("AAAAAAAA", "AAAAAAB="),
        TEXT + "\n" + LINE.replace("AAAAAAAA", "AAAA-AAA"),
        TEXT + "\n" + LINE.replace("\n", "\r\n"),
        TEXT + "\n" + LINE.replace("\n", " \n"),
        TEXT.replace("5", "5\t") + "\n" + LINE,
        TEXT + "\n" + LINE * 65,
        "x" * NOTE_CAP + "\n\n" + LINE,
    ],
)
def test_other_notes_are_refused(note):
    with pytest.raises(DataError):
        Note.parse(note.encode())


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("5", "05"),
        TEXT.replace("5", "-5"),
        TEXT.replace("5", "+5"),
        TEXT.replace("5", "\u0665"),
        TEXT.replace("5", "5.0"),
        TEXT.replace("5", "9999999999999999999"),
        TEXT.replace("a.example", "a example"),
        TEXT.replace("a.example", "a" * 256),
        TEXT.replace("q2I=", "q2J="),
        TEXT.replace("q2I=", "q2I"),
        TEXT.replace("CsUY", ""),
        TEXT.replace("\n5\n", "\n5\n\n"),
        "a.example\n5\n",
        TEXT + "\nmore\n",
    ],
)
def test_other_checkpoints_are_refused(text):
    assert Checkpoint.parse((TEXT + "\n" + LINE).encode()).size == 5
    with pytest.raises(DataError):
        Checkpoint.parse((text + "\n" + LINE).encode())


def test_signatures_are_below_the_last_empty_line():
    with pytest.raises(DataError):
        Checkpoint.parse((TEXT + "\n" + LINE + "\n").encode())
    with pytest.raises(DataError):
        Checkpoint.parse((TEXT + "\n" + LINE + "\n" + LINE).encode())
    text = TEXT + "\n" + LINE + "\n"  # as the text of a note it is any text
    assert Note.parse((text + "\n" + LINE).encode()).text == text


@settings(max_examples=300, deadline=None)
@given(st.text("a5—\n +=A", max_size=60).map(str.encode) | st.binary(max_size=60))
def test_what_is_read_is_written_the_same(data):
    for kind in (Note, Checkpoint):
        try:
            found = kind.parse(data)
        except DataError:
            continue
        assert found.to_bytes() == data


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_answered(text):
    for read in (VerifierKey.parse, Signature.parse):
        with pytest.raises(DataError):
            read(text)


def test_a_key_of_one_kind_is_none_of_the_other():
    log, witness = (SigningKey("a.example", b"s" * 32, kind) for kind in KeyKind)
    assert log.verifier.public == witness.verifier.public
    assert log.verifier.id != witness.verifier.id
    plain = Checkpoint.of("a.example", 5, bytes(32))
    assert plain.signed(log).check(log.verifier) == 0
    assert plain.signed(witness, 7).check(witness.verifier) == 7
    for signed, other in ((plain.signed(log), witness), (plain.signed(witness, 7), log)):
        with pytest.raises(DataError, match="not signed by"):
            signed.check(other.verifier)
    with pytest.raises(InputError, match="witness's key"):
        plain.signed(witness)
    # one wrong signature of a known key spoils the note, whatever else is there
    wrong = plain.signed(log).carrying(Signature(log.name, log.verifier.id, bytes(64)))
    with pytest.raises(DataError, match="is wrong"):
        wrong.check(log.verifier)


def cosigned(key, time, text):
    """What a witness's signature holds, made with any key."""
    message = b"cosignature/v1\ntime %d\n" % time + text
    return Signature(key.name, key.verifier.id, time.to_bytes(8, "big") + key.sign(message))


def test_an_operator_does_not_sign_as_a_witness_does_nor_a_witness_beyond_time():
    log, witness = (SigningKey("a.example", b"s" * 32, kind) for kind in KeyKind)
    plain = Checkpoint.of("a.example", 5, bytes(32))
    last = 2**63 - 1
    assert plain.carrying(cosigned(witness, last, plain.text)).check(witness.verifier) == last
    for key, time in ((log, 7), (witness, last + 1)):
        with pytest.raises(DataError, match="is wrong"):
            plain.carrying(cosigned(key, time, plain.text)).check(key.verifier)
    short = Signature(log.name, log.verifier.id, log.sign(plain.text)[:-1])
    with pytest.raises(DataError, match="is wrong"):
        plain.carrying(short).check(log.verifier)


def test_a_public_key_that_is_no_point_signs_nothing():
    for public in (bytes(32), b"\xff" * 32, b"\x02" + bytes(31)):
        assert not is_signed(public, b"\x01" * 64, b"message")


WEAK = [
    (y | sign << 255).to_bytes(32, "little")
    for y in (*SMALL_ORDER, *(PRIME + small for small in (0, 1, 2, 18)))
    for sign in (0, 1)
]
"""Points of small order, and numbers beyond the prime: second forms of other points."""


def test_the_points_of_small_order_are_those_of_the_curve():
    """Eight times each is the neutral point; no other point with a small y is."""
    assert len(SMALL_ORDER) == 5
    for y in (*SMALL_ORDER, *range(40)):
        x = root(y)
        if x is not None:
            is_small = times(8, (x, y)) == (0, 1)
            assert is_small == (y in SMALL_ORDER)
            assert is_weak(y.to_bytes(32, "little")) == is_small


@pytest.mark.parametrize("public", WEAK)
def test_a_key_with_which_anybody_can_sign_signs_nothing(public):
    """A signature without a secret, which Ed25519 itself takes, counts for nothing here."""
    message = b"district.example/rural\n5\n"
    y, sign = int.from_bytes(public, "little") & (1 << 255) - 1, public[31] >> 7
    x = root(y % PRIME)
    if x is not None and y % PRIME in SMALL_ORDER:
        signature = without_a_secret(
            public, (PRIME - x if x & 1 != sign else x, y % PRIME), message
        )
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        assert not is_signed(public, signature, message)
    with pytest.raises(DataError, match="anybody can sign"):
        VerifierKey("a.example", public)
    if public != bytes(32):  # zero says that there is no key
        with pytest.raises(InputError, match="anybody can sign"):
            header(operator_key=public)


def test_a_second_signature_of_the_same_text_cannot_be_made_of_the_first():
    """S and S + L are one scalar; only the smaller is taken."""
    key = SigningKey("a.example", b"s" * 32)
    first = key.sign(b"text")
    second = first[:32] + (int.from_bytes(first[32:], "little") + ORDER).to_bytes(32, "little")
    assert is_signed(key.verifier.public, first, b"text")
    assert not is_signed(key.verifier.public, second, b"text")
