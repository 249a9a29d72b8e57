"""The good files that cases change a copy of, and what is done with the copy."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fuzz.worlds import write_small_policy
from hostile.cases_ledger import HEADER, KEY, OTHER, RECORDS, WITNESS
from hostile.cases_tables import DAY, EPISODES_NAME, NPZ_NAME, WHEN
from hostile.stands import CommandStand, FolderStand, RefusedError, Stand, demand, tree
from offline.recordings import recorded
from scenarios.street_files import TOML, csv_lines, write_street
from scenarios.test_parquet_tables import street_table
from scenarios.test_parquet_tables import write as write_profiles

from agents.learned import LearnedPolicy
from decent_gym.audit import verify_proof
from decent_gym.errors import DataError
from decent_gym.ledger import (
    Checkpoint,
    Checkpoints,
    Ledger,
    SigningKey,
    export_tables,
    prove,
    verify,
)
from decent_gym.ledger.checkpoint import read_checkpoints
from decent_gym.ledger.tables.scan import ParquetScan
from decent_gym.live.witness import Witness
from decent_gym.live.witness_http import parse_request
from decent_gym.market import Orders
from decent_gym.offline import read_parquet, write_parquet
from decent_gym.scenarios import load_scenario
from decent_gym.scenarios.npz_table import read_npz
from decent_gym.views.mqtt_tail import read_payloads


def no_orders() -> Orders:
    """A batch without an order."""
    return Orders.empty(1, 1)


def write_ledger(folder: Path) -> Path:
    """Six rounds under the operator's key, checkpoints at 5 and 7 records."""
    meta = {"scenario": "rural", "rounds": 6}
    with Ledger.create(folder, HEADER, meta=meta, checkpoints=Checkpoints(4, KEY)) as ledger:
        for record in RECORDS:
            ledger.on_round(record)
    return folder


def of_ledger(act: Callable[[Path], object]) -> Callable[[Path], Stand]:
    """Something is done with a ledger's folder."""
    return lambda place: FolderStand(write_ledger(place / "good"), act)


def checked(folder: Path) -> None:
    demand(verify(folder))


def resumed(folder: Path) -> None:
    Ledger.resume(folder, checkpoints=Checkpoints(4, KEY)).close()


def payloads(folder: Path) -> None:
    list(read_payloads(folder, "rural"))


def key_stand(place: Path) -> Stand:
    (place / "good").mkdir()
    KEY.write(place / "good" / "key")
    return FolderStand(place / "good", lambda folder: SigningKey.read(folder / "key"))


def append_stand(place: Path) -> Stand:
    """A ledger in files that has come to round 1."""
    ledger = Ledger.create(place / "ledger", HEADER, sync="round")
    for record in RECORDS[:2]:
        ledger.on_round(record)
    return Stand(ledger.on_round, lambda: (ledger.head, ledger.rounds, tree(place)))


class ProofStand(Stand):
    """A proof from bytes, or a good one that was changed and sealed again."""

    def __init__(self, place: Path) -> None:
        ledger = write_ledger(place / "good")
        self.good = prove(ledger, round=1, organization=HEADER.names[0]).to_bytes()
        last = read_checkpoints(ledger)[-1]
        super().__init__(
            lambda data: demand(verify_proof(data, last, key=KEY.verifier)), lambda: tree(place)
        )
        super().prepare(self.good)
        self.act()  # the good one is proven

    def prepare(self, made: Any) -> None:
        """Seal it, as a forger would."""
        self.made = made
        if callable(made):
            value = json.loads(self.good)
            made(value)
            del value["digest"]
            text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
            value["digest"] = hashlib.sha256(text).hexdigest()
            self.made = json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def read_checkpoint(data: bytes) -> None:
    Checkpoint.parse(data).check(KEY.verifier)


def request_stand(place: Path) -> Stand:
    """A witness that has cosigned three records."""
    witness = Witness(place / "seen", WITNESS, [KEY.verifier], clock=lambda: 0.0)
    assert witness.update(Checkpoint.of(KEY.name, 3, bytes(32)).signed(KEY))

    def ask(body: bytes) -> None:
        old, path, checkpoint = parse_request(body)
        answer = witness.update(checkpoint, old, path)
        if not answer:
            raise RefusedError(answer.reason)

    return Stand(ask, lambda: witness.seen(KEY.name))


def csv_stand(place: Path) -> Stand:
    """Line, what is replaced there, by what."""

    def load(made: tuple[int, str, str]) -> None:
        line, old, new = made
        lines = csv_lines()
        assert old in lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(old, new, 1)
        load_scenario(write_street(place, csv="\n".join(lines)))

    return Stand(load)


def toml_stand(place: Path) -> Stand:
    """What is replaced, by what."""

    def load(made: tuple[str, str]) -> None:
        assert made[0] in TOML
        load_scenario(write_street(place, TOML.replace(*made, 1)))

    return Stand(load)


def npz_stand(place: Path) -> Stand:
    (place / "good").mkdir()
    np.savez_compressed(place / "good" / NPZ_NAME, start=np.array(WHEN), load_wh=DAY)
    return FolderStand(place / "good", lambda folder: read_npz(folder / NPZ_NAME))


def profiles_stand(place: Path) -> Stand:
    (place / "good").mkdir()
    write_profiles(place / "good", street_table())
    return FolderStand(place / "good", lambda folder: load_scenario(folder / "street.toml"))


def episodes_stand(place: Path) -> Stand:
    (place / "good").mkdir()
    write_parquet(place / "good" / EPISODES_NAME, recorded(1))
    return FolderStand(place / "good", lambda folder: list(read_parquet(folder / EPISODES_NAME)))


def tables_stand(place: Path) -> Stand:
    export_tables(write_ledger(place / "ledger"), parquet=place / "good")

    def read(folder: Path) -> None:
        scan = ParquetScan(folder)
        list(scan)
        if scan.damage is not None:
            raise DataError(scan.reason)

    return FolderStand(place / "good", read)


def policy_stand(place: Path) -> Stand:
    return FolderStand(write_small_policy(place / "good"), LearnedPolicy.load)


def command_stand(place: Path) -> Stand:
    """Keys, a ledger, and a pipe that nobody writes into."""
    write_ledger(place / "ledger")
    for name, key in (("key", KEY), ("other", OTHER), ("witness", WITNESS)):
        key.write(place / name)
    os.mkfifo(place / "pipe.toml")
    (place / "seen").mkdir()
    return CommandStand(place)
