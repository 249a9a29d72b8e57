"""What others send reaches the terminal without the codes that it would act on."""

import json

import pytest
from oracles.http_twin import answering
from oracles.rounds import header, rounds
from views.hand_made import hand_made

from agents.participant import Printer, say
from decent_gym.cli import main
from decent_gym.cli.console import complain, note
from decent_gym.cli.subscribe import _Heard
from decent_gym.contract import RpcChain
from decent_gym.errors import DataError, plain
from decent_gym.ledger import Checkpoints, KeyKind, Ledger, SigningKey
from decent_gym.ledger.header import canonical_json
from decent_gym.live.follower import Taken
from decent_gym.views.mqtt_payload import round_payload

CODES = ("\x1b[2J", "\x1b]0;mine\x07", "\x9b1A", "\x7f", "\r", "\b", "\0", "\u202e", "\ud800")
EVIL = "yes" + "".join(CODES) + "no"


def is_clean(text):
    return bool(text) and all(line.isprintable() for line in text.split("\n"))


def test_what_is_printable_stays_and_the_rest_is_spelled_out():
    for text in ("", "0.25 €/kWh, Größe —", "a\\b 'c'"):
        assert plain(text) == text
    assert plain("a\x1b[2Jb\n\x9b\u202e") == r"a\x1b[2Jb\n\x9b\u202e"
    assert is_clean(plain(EVIL)) and plain(plain(EVIL)) == plain(EVIL)


@pytest.mark.parametrize("tell", [complain, note, say, lambda text: complain(DataError(text))])
def test_lines_on_stderr(tell, capsys):
    tell(EVIL)
    told = capsys.readouterr().err
    assert is_clean(told) and told.count("\n") == 1 and r"\x1b[2J" in told


def test_a_participant_tells_why_offers_were_refused(capsys):
    entry = {"offer": 0, "reason": EVIL, "text": None}
    receipt = {
        "round": 7,
        "reason": EVIL,
        "text": EVIL,
        "refused": [entry, {**entry, "text": EVIL}],
    }
    Printer(is_quiet=False).refused(receipt)
    told = capsys.readouterr().out
    assert is_clean(told) and told.count(r"\x1b[2J") == 4


@pytest.mark.parametrize("as_json", [False, True])
def test_a_round_that_a_broker_has_made_up(as_json, capsys):
    link = bytes(32)
    right = round_payload(hand_made(), "rural", ledger=link, index=1, previous=link, own=link)
    wrong = canonical_json({**json.loads(right), "time": EVIL.replace("\x7f", "")})
    heard = _Heard(None, as_json)
    heard.taken(Taken(wrong, False))
    heard.status(json.dumps({"status": EVIL}).encode())
    told = capsys.readouterr()
    assert is_clean(told.out) and is_clean(told.err) and "[2J" in told.out + told.err


def test_a_witness_that_refuses_at_length(tmp_path, capsys):
    key, witness = SigningKey("a/b", b"k" * 32), SigningKey("w", b"w" * 32, KeyKind.WITNESS)
    checkpoints, head = Checkpoints(1, key), header(operator_key=key.verifier.public)
    with Ledger.create(tmp_path / "l", head, checkpoints=checkpoints) as ledger:
        ledger.on_round(rounds(1)[0])
    argv = ["cosign", str(tmp_path / "l"), "--url", "http://h", "--out", str(tmp_path / "o")]
    with answering(lambda body: (403, EVIL.encode("utf-8", "replace"))):
        assert main([*argv, "--witness", str(witness.verifier)]) == 1
    told = capsys.readouterr().err
    assert is_clean(told) and "refuses (403)" in told and r"\x1b[2J" in told


def test_a_node_that_refuses_at_length():
    def answer(body):
        return 200, json.dumps({"id": 1, "error": {"message": EVIL}}).encode()

    with answering(answer), pytest.raises(DataError, match="no answer to eth_chainId") as caught:
        RpcChain("http://node.example")
    assert is_clean(str(caught.value)) and r"\x1b[2J" in str(caught.value)
