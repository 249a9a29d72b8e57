"""Writes the seeds of the corpus: one or two good inputs a target, small.

``PYTHONPATH=.:tests python -m fuzz.seeds``; files that a fuzzer has found stay as they are.
"""

import io
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fuzz import worlds
from fuzz.special import specials
from hostile import cases_answers, cases_offers
from offline.recordings import recorded
from oracles.http_twin import GOOD_NODE
from oracles.signed_market import BUY, PUBLIC, WARM, SignedMarket
from scenarios.street_files import TOML, csv_lines

from decent_gym.ledger import prove
from decent_gym.ledger.checkpoint import read_checkpoints
from decent_gym.ledger.encoding import encode_round
from decent_gym.ledger.frames import PREFIX_BYTES
from decent_gym.ledger.header import canonical_json
from decent_gym.ledger.key_record import KeyRecord, encode_key
from decent_gym.offline import write_parquet
from decent_gym.views.mqtt_tail import read_payloads

CORPUS: Final = Path(__file__).parent / "corpus"
WORDS: Final = (
    "run --start 2016-04-15 --rounds 4 --seed 3 --set price_rule=1/3 --trader truthful --json",
    "verify l --checkpoint c --key k --expect-head 00",
    "witness update --state w --key k --log o --checkpoint c",
    "run --start 96 --tariff time_of_use --trader building_03=zero_intelligence",
)


def seeds(folder: Path) -> dict[str, list[bytes]]:
    """Target -> good inputs, made in an empty folder."""
    worlds.build(folder)
    ledger = folder / "recorded"
    last = read_checkpoints(ledger)[-1]
    record = encode_round(worlds.ROUNDS[0], worlds.ACCOUNTS)
    handover = KeyRecord.of(bytes(32), worlds.KEY, worlds.KEY)
    files = ("policy.json", "normalisation.npz", "model.zip")
    tables = ("rounds", "offers", "accounts", "actions")
    return {
        "canonical_json": [canonical_json(worlds.META), b'["\\ud800",[[]],-1,9007199254740991]'],
        "mqtt_round": [next(read_payloads(ledger, "rural"))],
        "mqtt_address": [b"mqtts://user:p%40ss@[::1]:8883", b"rural"],
        "record": [record[PREFIX_BYTES:], encode_key(handover)[PREFIX_BYTES:]],
        "header": [worlds.HEADER_BODY[PREFIX_BYTES:]],
        "segment": [(ledger / worlds.SEGMENT).read_bytes()],
        "hashed_round": [record[PREFIX_BYTES:]],
        "hashed_special": [
            bytes([n]) + encode_round(one.record, one.header.accounts)[PREFIX_BYTES:]
            for n, one in enumerate(specials())
        ],
        "follow": [list(read_payloads(ledger, "rural"))[1], record[PREFIX_BYTES:]],
        "offers_message": [
            cases_offers.text(offers=[BUY, WARM]),
            SignedMarket().message(BUY),
            json.dumps(cases_offers.RIGHT).encode(),
        ],
        "market_answer": [
            cases_answers.opening({}),
            cases_answers.other(cases_answers.RECEIPT),
            cases_answers.other(cases_answers.SETTLEMENT),
        ],
        "member_keys": [
            "\n".join(map(str, PUBLIC.values())).encode(),
            cases_offers.header_keys()["member_keys"],
            b'{"building_03":{"renewable":true,"premium":100},"utility":null}',
        ],
        "node_answer": [
            bytes([n]) + json.dumps(answer).encode() for n, answer in enumerate(GOOD_NODE.values())
        ],
        "proof": [prove(ledger, round=1).to_bytes(), prove(ledger, since=last).to_bytes()],
        "checkpoint": [last.to_bytes()],
        "key": [str(worlds.KEY.verifier).encode(), worlds.KEY._text().encode()],
        "witness_request": [b"old 3\n" + b"A" * 43 + b"=\n\n" + last.to_bytes()],
        "toml": [TOML.encode()],
        "csv": ["\n".join(csv_lines()[:97]).encode()],
        "npz": [npz()],
        "smard": [smard()],
        "parquet_profiles": [profiles()],
        "parquet_episodes": [episodes(folder)],
        "parquet_ledger": [
            bytes([n]) + (folder / "tables" / f"{name}.parquet").read_bytes()
            for n, name in enumerate(tables[:2])
        ],
        "meta": [json.dumps(worlds.META).encode()],
        "policy": [
            bytes([n]) + (folder / "policy" / name).read_bytes() for n, name in enumerate(files)
        ],
        "price_rule": [b"1/3", b"0.25e0", b"midpoint"],
        "command_line": [words.replace(" ", "\n").encode() for words in WORDS],
    }


def npz() -> bytes:
    """A day of two columns, and what NumPy packs."""
    written = io.BytesIO()
    columns = {"load_wh": np.arange(96), "air_dc": np.arange(192, dtype=np.int16).reshape(96, 2)}
    np.savez_compressed(written, start=np.array("2024-01-01T00:00Z"), **columns)
    return written.getvalue()


def smard() -> bytes:
    """Two hours of prices."""
    heading = "Datum;Anfang;Ende;Deutschland/Luxemburg [€/MWh] Berechnete Auflösungen"
    rows = ["01.01.2024;00:00;01:00;39,91", "01.01.2024;01:00;02:00;-1.039,91"]
    return ("\ufeff" + "\n".join([heading, *rows]) + "\n").encode()


def profiles() -> bytes:
    """A day of two columns."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    times = [start + timedelta(minutes=15 * i) for i in range(96)]
    columns = {"load [Wh]": pa.array(range(96)), "x [kW]": pa.array([0.5] * 96)}
    table = pa.table({"time": pa.array(times, pa.timestamp("s", "UTC")), **columns})
    written = io.BytesIO()
    pq.write_table(table, written, store_schema=False)
    return written.getvalue()


def episodes(folder: Path) -> bytes:
    """One episode of two rounds."""
    path = folder / "episodes.parquet"
    write_parquet(path, recorded(1, rounds=2))
    return path.read_bytes()


def main() -> None:
    """Write them all."""
    with tempfile.TemporaryDirectory() as folder:
        for target, contents in seeds(Path(folder)).items():
            (CORPUS / target).mkdir(parents=True, exist_ok=True)
            for n, content in enumerate(contents):
                (CORPUS / target / f"seed-{n}").write_bytes(content)


if __name__ == "__main__":
    main()
