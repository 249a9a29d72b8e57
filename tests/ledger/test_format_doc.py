import json
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from oracles import forger, ledger_format, signed_market, tiny
from oracles.merkle import Slow

from decent_gym.ledger import Checkpoints, Ledger, SigningKey, verify
from decent_gym.ledger.scan import Scan

PAGE = Path(__file__).parents[2] / "docs" / "ledger-format.md"


def example():
    """Lines of the example on the page."""
    return PAGE.read_text().split("## An example")[1].split("```\n")[1].splitlines()


def test_the_example_is_the_tiny_ledger_annotated(tmp_path):
    forger.write(tmp_path / "l", tiny.HEADER, [tiny.tiny_round()])
    data = (tmp_path / "l" / forger.SEGMENT).read_bytes()
    assert example() == ledger_format.annotate(data)


def test_a_key_record_and_the_tree_are_as_the_page_says(tmp_path):
    old, new = (SigningKey("district.example/rural", seed * 32) for seed in (b"o", b"n"))
    head = replace(tiny.HEADER, operator_key=old.verifier.public)
    with Ledger.create(tmp_path, head, checkpoints=Checkpoints(key=old)) as ledger:
        ledger.on_round(tiny.tiny_round())
        ledger.rotate(old, new)
    data = (tmp_path / forger.SEGMENT).read_bytes()
    records, _, _ = ledger_format.read_ledger(data)
    key = records[2]
    hashes = [record.hash for record in Scan(tmp_path)]
    message = b"decent-gym/ledger/key/v1\0" + hashes[1]
    message += old.verifier.public + new.verifier.public
    assert key["next public key"] == new.verifier.public
    assert key["signature of the key until now"] == old.sign(message)
    assert key["signature of the next key"] == new.sign(message)
    lines = (tmp_path / "checkpoint-000000003.txt").read_text().splitlines()
    root = Slow(hashes).mth(0, 3)
    assert lines[:4] == ["district.example/rural", "3", b64encode(root).decode(), ""]
    for line, signer in zip(lines[4:], (new, old), strict=True):
        public = signer.verifier.public
        named = sha256(b"district.example/rural\n\x01" + public).digest()[:4]
        signature = signer.sign("".join(f"{one}\n" for one in lines[:3]).encode())
        assert line == f"— district.example/rural {b64encode(named + signature).decode()}"


def test_the_bytes_on_the_page_are_a_ledger(tmp_path):
    data = b""
    for line in example():
        assert int(line[:6]) == len(data)
        data += bytes.fromhex(line[8:56])
    (_, record), head, _ = ledger_format.read_ledger(data)
    assert record["electricity book"]["accepted"] == [900, 900]
    (tmp_path / forger.SEGMENT).write_bytes(data)
    assert verify(tmp_path, expected_head=head)


def test_keys_and_signed_messages_are_as_the_page_says(tmp_path):
    signed_market.record(tmp_path, rounds=1)
    data = (tmp_path / forger.SEGMENT).read_bytes()
    (header, first), _, _ = ledger_format.read_ledger(data)
    named = header["keys of organizations"]
    assert (named["district"], named["market"]) == ("rural", "ab" * 16)
    keys = {text.split("+")[0]: b64decode(text.split("+", 2)[2])[1:] for text in named["keys"]}
    hashes = [record.hash for record in Scan(tmp_path)]
    names = [name for name, _ in header["organizations"]]
    assert len(first["signed"]) == 3
    for account, signature, message in first["signed"]:
        said = json.loads(message)
        assert said["ledger"] == hashes[0].hex()
        assert said["round"] == first["time"]["number, timestamp"][0]
        assert said["organization"] == names[account]
        public = Ed25519PublicKey.from_public_bytes(keys[f"rural/{names[account]}"])
        public.verify(signature, b"decent/offers/1\n" + message)
