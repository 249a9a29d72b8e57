"""Every command that reads a ledger, on ledgers with all that a round or a header may hold.

One has conversions, one wishes and certificates (no rules have both); in both, organizations have
keys and sign, checkpoints are signed, and the operator's key hands over twice.
"""

import gc
import json
import logging
import re
import threading
import warnings

import pytest
from oracles.signed_market import NAMES
from oracles.signed_market import record as record_signed

from decent_gym.cli import main
from decent_gym.ledger import Checkpoints, SigningKey, read_rounds, verify
from decent_gym.live.witness import Witness
from decent_gym.live.witness_http import WitnessServer
from decent_gym.metrics import preference_cost
from decent_gym.views.mqtt_outbox import Publisher

ROUNDS = 5
OPERATORS = ("operator", "operator2", "operator3")
START = 105 * 96 + 44
WISHES = {
    "building_03": {"local": True, "hard": True},
    "building_05": {"renewable": True, "premium": 0.5},
    "building_08": {"partner": "building_09"},
}
KINDS = {
    "conversions": {"clearing": "coupled"},
    "wishes": {"mechanism": "preference", "wishes": json.dumps(WISHES)},
}


@pytest.fixture(scope="module", params=KINDS)
def market(request, tmp_path_factory):
    """Its kind and a folder with the ledger `l`, the operator's keys and a witness's."""
    folder = tmp_path_factory.mktemp(request.param)
    for name in OPERATORS:
        assert main(["keygen", "--name", "district.example/r", "--out", str(folder / name)]) == 0
    argv = ["keygen", "--name", "neighbour.example/w", "--witness", "--out"]
    assert main([*argv, str(folder / "witness")]) == 0
    old, new, _ = (SigningKey.read(folder / name) for name in OPERATORS)
    options = {"checkpoints": Checkpoints(every=4, key=old), "start": START, "rotate": (old, new)}
    record_signed(folder / "l", rounds=ROUNDS, **options, **KINDS[request.param])
    keys = ["--key", str(folder / "operator2"), "--to", str(folder / "operator3")]
    assert main(["rotate", str(folder / "l"), *keys]) == 0
    return request.param, folder


@pytest.fixture
def said(market, monkeypatch, capsys):
    """Run a command in that folder; what it prints."""
    monkeypatch.chdir(market[1])
    capsys.readouterr()

    def run(*argv, code=0):
        found = main([*argv])
        captured = capsys.readouterr()
        assert found == code, captured.err
        return captured.out if code == 0 else captured.err

    return run


def test_the_ledgers_hold_it_all(market):
    kind, folder = market
    header, found = read_rounds(folder / "l")
    rounds = list(found)
    assert header.member_keys and any(header.operator_key)
    assert all(len(record.signed) == 3 for record in rounds)
    assert any(record.conversions.activity.any() for record in rounds) == (kind == "conversions")
    wished = [book for record in rounds for book in record.books if len(book.wishes)]
    assert bool(wished) == (kind == "wishes")
    if wished:
        assert sum(book.origin[:, 1:].sum() for book in wished) > 0


def test_verify_and_replay(market, said):
    text = said("verify", "l")
    assert f"ok: {ROUNDS} rounds" in text and "15 signatures" in text
    assert json.loads(said("verify", "l", "--no-reclear", "--json"))["ok"]
    assert json.loads(said("replay", "l", "--json"))["rounds"] == ROUNDS


def test_compare(market, said, tmp_path):
    kind, _ = market
    found = json.loads(said("compare", "l", "--json", "--out", str(tmp_path / "c")))
    assert found["rounds"] == ROUNDS
    if kind == "conversions":
        return
    assert found["wishes"] and found["recorded"]["reproduced"]
    assert found["values"] == "true values"
    shares = {
        entry["name"]: entry["figures"]["all"]["efficiency"]["value"]
        for entry in found["mechanisms"]
    }
    assert shares["preference"] <= shares["merit_order"]
    assert "wishes" in said("compare", "l", "--best-response", NAMES[0], code=2)
    assert preference_cost("l").rounds == ROUNDS


def test_export_and_back(market, said):
    said("export", "l", "--parquet", "tables", "--csv", "csv", "--quiet")
    assert json.loads(said("replay", "tables", "--json"))["head"] == verify("l").head
    assert json.loads(said("compare", "tables", "--json"))["rounds"] == ROUNDS


def test_prove(market, said):
    argv = ["--round", str(START + 1), "--organization", NAMES[0], "--out", "mine.proof"]
    text = said("prove", "l", *argv)
    assert "record 2 under the checkpoint of district.example/r" in text
    assert text.count("signed by building_03: message") == 2
    held = ["--checkpoint", "l/checkpoint-000000008.txt", "--key", "operator3.pub"]
    text = said("verify", "--proof", "mine.proof", *held)
    assert "ok, this is proven" in text and "signed by building_03: message" in text


def test_witness_and_cosign(market, said):
    _, folder = market
    logs = [SigningKey.read(folder / name).verifier for name in OPERATORS]
    key = SigningKey.read(folder / "witness")
    with (
        Witness(folder / "state", key, logs) as witness,
        WitnessServer(witness, "127.0.0.1", 0) as server,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            to = ["--witness", "witness.pub", "--out", "held.txt"]
            url = f"http://127.0.0.1:{server.server_port}"
            assert "cosigned" in said("cosign", "l", "--url", url, *to)
        finally:
            server.shutdown()
            thread.join()
    said("verify", "l", "--checkpoint", "held.txt", "--key", "operator3.pub", *to[:2])


def test_settle(market, said):
    pytest.importorskip("pyrevm", reason="pyrevm is not installed: the extra chain")
    facts = json.loads(said("settle", "--ledger", "l", "--quiet", "--json"))
    balances = [money["balance"] for money in facts["accounts"].values()]
    *_, last = read_rounds("l")[1]
    assert balances == last.accounts.tolist()


@pytest.fixture
def mqtt():
    """paho leaves a pair of sockets to the garbage collector, which may come to them too early."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.usefixtures("mqtt")
def test_publish_and_subscribe(market, said, caplog):
    caplog.set_level(logging.CRITICAL + 1, "amqtt")
    with Publisher("embedded", "l", "rural") as publisher:
        argv = ["--broker", publisher.address, "--district", "rural", "--from-start", "--json"]
        text = said("subscribe", *argv, "--ledger", "l", "--rounds", str(ROUNDS))
    rounds = [json.loads(line)["round"] for line in text.splitlines()]
    assert rounds == list(range(START, START + ROUNDS))
    assert re.search('"head|"hash', text)
