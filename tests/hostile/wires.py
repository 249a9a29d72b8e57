"""Stands of the live market: its counter, and both ends of its wires, without a network."""

import json
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hostile.cases_answers import opening
from hostile.cases_ledger import KEY, WITNESS
from hostile.folders import write_ledger
from hostile.stands import FolderStand, RefusedError, Stand
from market.snapshots import snapshot
from oracles.http_twin import answering, ask_node
from oracles.signed_market import KEYS, MEMBER_KEYS, NAMES, PUBLIC, SignedMarket

from decent_gym.ledger import Checkpoint
from decent_gym.ledger.checkpoint import read_checkpoints
from decent_gym.ledger.member_keys import MemberKeys, read_member_keys
from decent_gym.live.archive import Archive
from decent_gym.live.cosigning import cosign
from decent_gym.live.follower import Follower
from decent_gym.live.openings import Opening
from decent_gym.live.signer import Signer
from decent_gym.live.witness import Witness
from decent_gym.live.witness_http import _Handler
from decent_gym.views.mqtt_tail import read_payloads


class CounterStand(Stand):
    """A message handed in at the counter of a market; a receipt that refuses is the error."""

    def __init__(self, market: SignedMarket) -> None:
        self.market = market
        super().__init__(self._hand_in, self._state)

    def prepare(self, made: Any) -> None:
        """Open the counter again, and write the message."""
        intake = self.market.intake
        intake.begin()
        intake.seals._nonces.clear()
        self.market.signers = {name: Signer(KEYS[name], "rural", name) for name in NAMES}
        self.made = (NAMES[0], made(self.market)) if callable(made) else made

    def _hand_in(self, made: tuple[str, bytes]) -> None:
        answer = self.market.intake.take(*made)
        assert answer is not None
        receipt = json.loads(answer)
        assert set(receipt["sequences"]) <= {None} or not receipt["refused"]
        if receipt["reason"] is not None:
            raise RefusedError(f"{receipt['reason']}: {receipt['text']}")
        for entry in receipt["refused"]:
            raise RefusedError(f"{entry['reason']}: {entry['text']}")

    def _state(self) -> object:
        seals, ledger = self.market.intake.seals, self.market.ledger
        nonces = dict(seals._nonces), dict(seals._used)
        return snapshot(self.market.simulation.operator), ledger.head, ledger.rounds, nonces


def unsigned_stand(place: Path) -> Stand:
    return CounterStand(SignedMarket(keys=None))


def signed_stand(place: Path) -> Stand:
    return CounterStand(SignedMarket())


def members_stand(place: Path) -> Stand:
    """A folder of keys, or a file called ``list``, as ``serve --keys`` reads them."""
    (place / "good" / "keys").mkdir(parents=True)
    for name, key in PUBLIC.items():
        (place / "good" / "keys" / f"{name}.pub").write_text(f"{key}\n")

    def read(folder: Path) -> None:
        found = folder / "list"
        keys = read_member_keys(found if found.exists() else folder / "keys")
        MemberKeys("rural", keys, MEMBER_KEYS.market).by_organization(NAMES)

    return FolderStand(place / "good", read)


def opening_stand(place: Path) -> Stand:
    """Bytes, or other fields of a good opening."""

    def read(made: bytes | dict[str, Any]) -> None:
        payload = made if isinstance(made, bytes) else opening(made)
        Opening.read(payload).trader_view(0, 0)

    return Stand(read)


class FollowStand(Stand):
    """A subscriber that has taken four rounds of a ledger and knows its header."""

    def __init__(self, place: Path) -> None:
        ledger = write_ledger(place / "ledger")
        self.payloads = list(read_payloads(ledger, "rural"))
        self.records = list(Archive(ledger).records(0, 9))
        super().__init__(self._hear, self._state)

    def prepare(self, made: Any) -> None:
        """Take four rounds, the third as a record."""
        self.follower = Follower("rural", from_start=True, reclear=False)
        for payload in (*self.payloads[:2], self.payloads[3]):
            self.follower.heard(payload)
        for raw in (self.records[0], self.records[3]):
            self.follower.record(raw)
        self.follower.dropped = self.follower.ignored = 0
        assert self.follower._taken == 4
        self.made = made(self.payloads, self.records)

    def _hear(self, made: tuple[str, bytes]) -> None:
        kind, data = made
        if not getattr(self.follower, kind)(data):
            raise RefusedError("passed over")

    def _state(self) -> object:
        follower = self.follower
        return follower.head, follower._taken, dict(follower._waiting), follower.missing()


def http_stand(place: Path) -> Stand:
    """A witness that has cosigned three records, at its port."""
    witness = Witness(place / "seen", WITNESS, [KEY.verifier], clock=lambda: 0.0)
    assert witness.update(Checkpoint.of(KEY.name, 3, bytes(32)).signed(KEY))

    def ask(data: bytes) -> None:
        ours, its = socket.socketpair()
        with ours, its:
            ours.settimeout(10)
            ours.sendall(data)
            ours.shutdown(socket.SHUT_WR)
            server = SimpleNamespace(witness=witness, take=lambda _: True)
            _Handler(its, ("", 0), server)  # type: ignore[arg-type]
            its.shutdown(socket.SHUT_RDWR)
            head, _, body = b"".join(iter(lambda: ours.recv(2**16), b"")).partition(b"\r\n\r\n")
        is_whole = head.startswith(b"HTTP/")  # else it was none, and is answered in words alone
        status = head[9:12].decode() if is_whole else head.decode() or "no answer"
        if status != "200":
            raise RefusedError(f"{status} {body.decode()}")

    return Stand(ask, lambda: witness.seen(KEY.name))


def cosigning(place: Path) -> tuple[Path, list[tuple[int, bytes]]]:
    """A ledger, and what its witness answers."""
    ledger = write_ledger(place / "ledger")
    witness = Witness(place / "seen", WITNESS, [KEY.verifier], clock=lambda: 0.0)
    cosignature = witness.update(read_checkpoints(ledger)[-1]).cosignature
    assert cosignature is not None
    return ledger, [(200, cosignature.line.encode())]


def cosign_stand(place: Path) -> Stand:
    """An operator asks a witness; what it answers is the case."""
    ledger, right = cosigning(place)

    def ask(made: list[tuple[int, bytes]]) -> None:
        answers = iter(made or right)
        with answering(lambda body: next(answers)):
            cosign(ledger, "http://witness.example", WITNESS.verifier)

    return Stand(ask)


def cosign_at_stand(place: Path) -> Stand:
    """Another address of the witness."""
    ledger, answers = cosigning(place)

    def ask(url: str) -> None:
        with answering(lambda body: answers[0]):
            cosign(ledger, url, WITNESS.verifier)

    return Stand(ask)


def node_at_stand(place: Path) -> Stand:
    """Another address of the node."""
    return Stand(lambda url: ask_node({}, url))


def node_stand(place: Path) -> Stand:
    """What the node answers is the case."""
    return Stand(ask_node)
