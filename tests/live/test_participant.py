"""What a participant makes of what it hears, without a broker."""

import json

import pytest

from decent_gym.errors import DataError, InputError
from decent_gym.live import participant as module
from decent_gym.live.answers import read_answer
from decent_gym.live.messages import receipt_payload
from decent_gym.live.participant import Participant
from decent_gym.live.session import with_password
from decent_gym.live.topics import MarketTopics
from decent_gym.views.mqtt_link import Address

TOPICS = MarketTopics("rural")
NAME = "building_03"
SETTLED = {
    "schema": "decent/settlement/1", "district": "rural", "organization": NAME, "round": 7,
    "ledger": "0" * 64, "hash": "a" * 64, "part": 0, "parts": 1, "balance": 2**62,
    "metered": {"electricity": 1, "heat": 2}, "traded": {"electricity": 1, "heat": 2},
    "money": {"trade": -3, "imbalance": 0, "fuel": 0, "fee": 0},
    "offers": [
        {"accepted": 1, "commodity": "heat", "pays": 3, "reason": "full", "sequence": 9}
    ],
}  # fmt: skip
RECEIPT = json.loads(
    receipt_payload(
        "rural", NAME, ledger="0" * 64, round=7, number=0, sequences=[1, None],
        refused=[{"offer": 1, "reason": "bad_price", "text": None}],
    )
)  # fmt: skip


def heard(*messages, decide=lambda opening: []):
    """Settlements and refusals that a participant tells of."""
    settled, refused = [], []
    with Participant("mqtt://127.0.0.1:9", "rural", NAME, decide) as one:
        for topic, message in messages:
            payload = message if isinstance(message, bytes) else json.dumps(message).encode()
            one._hear(topic, payload)
        one.run(settled.append, refused.append, one._heard.empty)
    return settled, refused


def test_a_settlement_is_told_once_whole_and_by_its_record():
    parts = [{**SETTLED, "part": part, "parts": 2} for part in (1, 1, 0, 0)]
    settled, _ = heard(*((TOPICS.receipts(NAME), part) for part in parts))
    assert [(one.round, len(one.offers)) for one in settled] == [(7, 2)]
    assert settled[0].facts["balance"] == 2**62
    # another ledger has rounds of the same numbers
    again = [{**SETTLED, "hash": letter * 64} for letter in "abab"]
    settled, _ = heard(*((TOPICS.receipts(NAME), one) for one in again))
    assert [one.facts["hash"][0] for one in settled] == ["a", "b"]


def test_what_is_no_answer_is_passed_over_and_said_once(caplog):
    junk = [b"", b"", b"", b"\xff", b"{}", {**RECEIPT, "number": []}, {**SETTLED, "parts": None}]
    settled, refused = heard(
        *((TOPICS.receipts(NAME), one) for one in junk),
        *((TOPICS.opening(NAME), one) for one in (b"", {**SETTLED, "schema": "decent/opening/1"})),
        (TOPICS.receipts(NAME), RECEIPT),
        (TOPICS.receipts(NAME), RECEIPT),
        (TOPICS.receipts(NAME), SETTLED),
    )
    assert (len(settled), refused) == (1, [RECEIPT])
    warned = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    said = [text for text in warned if "passed over" in text]
    assert len(said) == 6  # the first three are one; an empty opening is one taken back


@pytest.mark.parametrize("right", [RECEIPT, SETTLED], ids=["receipt", "settlement"])
def test_an_answer_has_all_its_fields_of_the_right_kinds(right):
    assert read_answer(json.dumps(right).encode()) == right
    for name in right.keys() - {"district", "organization"}:
        lacking = {key: value for key, value in right.items() if key != name}
        for wrong in (lacking, {**right, name: 1.5}, {**right, name: True}):
            with pytest.raises(DataError):
                read_answer(json.dumps(wrong).encode())
    for name in ("refused", "sequences", "offers", "money", "traded", "metered"):
        for value in ([1.5], [{}], {"electricity": None}):
            if name in right:
                with pytest.raises(DataError):
                    read_answer(json.dumps({**right, name: value}).encode())


def test_who_hears_nothing_wonders_aloud_once(caplog, monkeypatch):
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.0)
    asked = iter(range(4))
    with Participant("mqtt://127.0.0.1:9", "rural", NAME, lambda opening: []) as one:
        one.run(print, print, lambda: next(asked) == 3)
    said = [text for text in caplog.messages if "no opening" in text]
    assert len(said) == 1
    assert f"--external {NAME}" in said[0]


def test_a_password_may_stand_in_a_file(tmp_path):
    file = tmp_path / "password"
    file.write_text("s@c/r:t%\nmore\n")
    address = Address.parse(with_password("mqtts://anna@broker:99", str(file)))
    assert (address.user, address.password) == ("anna", "s@c/r:t%")
    assert str(address) == "mqtts://broker:99"
    assert with_password("embedded", None) == "embedded"
    (tmp_path / "empty").touch()
    (tmp_path / "bytes").write_bytes(b"\xff")
    for url, name, says in (
        ("mqtts://broker", "password", "names a user"),
        ("mqtts://anna:b@broker", "password", "no password"),
        ("mqtts://anna@broker", "nothing", "nothing"),
        ("mqtts://anna@broker", "empty", "is empty"),
        ("mqtts://anna@broker", "bytes", "no password can be read"),
    ):
        with pytest.raises(InputError, match=says):
            with_password(url, str(tmp_path / name))
