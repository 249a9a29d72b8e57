"""What the fuzzers call: one function of bytes per parser.

A target raises nothing but what the parser is for: a :class:`DecentGymError` is a refusal, any
other exception a finding.  What a parser accepts must come out again as the very bytes it took.
Where a hash or digest would keep every guess out, the target seals the guess first, as a forger
would.
"""

import contextlib
import functools
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fuzz import worlds
from fuzz.special import specials
from oracles.http_twin import GOOD_NODE, ask_node
from oracles.signed_market import SignedMarket

from agents.learned import LearnedPolicy
from decent_gym import cli
from decent_gym.audit import verify_proof
from decent_gym.clearing import Rules
from decent_gym.cli.episode import read_episode
from decent_gym.cli.parser import parsed_value
from decent_gym.errors import DecentGymError
from decent_gym.ledger import Checkpoint, Ledger, Proof, SigningKey, VerifierKey, verify
from decent_gym.ledger.encoding import decode_round, encode_round
from decent_gym.ledger.frames import PREFIX_BYTES, RecordType, write_prefix
from decent_gym.ledger.hashing import HASH_BYTES, link
from decent_gym.ledger.header import canonical_json, decode_header, encode_header, parse_json
from decent_gym.ledger.key_record import decode_key, encode_key
from decent_gym.ledger.member_keys import MemberKeys, read_member_keys
from decent_gym.ledger.reading import read_round
from decent_gym.ledger.tables.scan import ParquetScan
from decent_gym.live import Opening, scripted_offers
from decent_gym.live.answers import read_answer
from decent_gym.live.archive import Archive
from decent_gym.live.follower import Follower
from decent_gym.live.reading import read_offers, read_request
from decent_gym.live.witness_http import parse_request
from decent_gym.offline import read_parquet as read_episodes
from decent_gym.replay import read_recording
from decent_gym.scenarios import load_scenario
from decent_gym.scenarios.npz_table import read_npz
from decent_gym.scenarios.parquet_table import read_parquet as read_profiles
from decent_gym.scenarios.smard import read_smard
from decent_gym.scenarios.tables import read_csv
from decent_gym.scenarios.wishes import mapping_of
from decent_gym.views.mqtt_link import Address
from decent_gym.views.mqtt_payload import RoundFeed, Topics
from decent_gym.views.mqtt_tail import read_payloads

Target = Callable[[bytes], object]


@contextmanager
def refusing() -> Iterator[None]:
    """Refusals are what parsers are for."""
    with contextlib.suppress(DecentGymError):
        yield


def text_of(data: bytes) -> str:
    """Any text, odd bytes as what the command line makes of them."""
    return data.decode("utf-8", "surrogateescape")


@functools.cache
def place() -> Path:
    """A folder in memory, if this system has one."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="fuzz", dir=memory if memory.is_dir() else None)
    return worlds.build(Path(folder))


def remove_place() -> None:
    """Let go of the folder."""
    if place.cache_info().currsize:
        shutil.rmtree(place())
        place.cache_clear()


def file(name: str, data: bytes) -> Path:
    """`data` as the file `name`."""
    path = place() / name
    path.write_bytes(data)
    return path


def canonical(data: bytes) -> None:
    with refusing():
        assert canonical_json(parse_json(data)) == data


def mqtt_round(data: bytes) -> None:
    feed = RoundFeed(from_start=False)
    with refusing():
        feed.feed(data)
    assert feed.record is None or feed.head is not None


def mqtt_address(data: bytes) -> None:
    with refusing():
        assert str(Address.parse(text_of(data))).startswith("mqtt")
    with refusing():
        assert not set(Topics(text_of(data)).district) & set("/+#")


def framed(kind: RecordType, sections: bytes) -> bytes:
    """Sections behind a right prefix."""
    body = bytearray(PREFIX_BYTES) + sections
    with memoryview(body) as view:
        write_prefix(view, kind)
    return bytes(body)


def record(data: bytes) -> None:
    for body in (data, framed(RecordType.ROUND, data)):
        taken = []
        for read in (decode_round, read_round):
            with refusing():
                taken.append(encode_round(read(body, worlds.ACCOUNTS), worlds.ACCOUNTS))
        assert taken in ([], [body] * 2)
    for body in (data, framed(RecordType.KEY, data)):
        with refusing():
            assert encode_key(decode_key(body)) == body


def header(data: bytes) -> None:
    for body in (data, framed(RecordType.HEADER, data)):
        with refusing():
            assert encode_header(decode_header(body)) == body


def segment(data: bytes) -> None:
    folder = place() / "raw"
    file(f"raw/{worlds.SEGMENT}", data)
    verify(folder)
    with refusing():
        list(read_payloads(folder, "rural"))
    with refusing():
        Ledger.resume(folder).close()


def hashed_round(data: bytes) -> None:
    """A round with the right hashes, so that it comes as far as clearing."""
    folder = place() / "hashed"
    with refusing():
        worlds.write_bodies(folder, [worlds.HEADER_BODY, framed(RecordType.ROUND, data)])
        verify(folder)


def hashed_special(data: bytes) -> None:
    """The same in markets with wishes, conversions or signed offers."""
    header, _ = specials()[data[0] % 3 if data else 0]
    body = framed(RecordType.ROUND, data[1:])
    with refusing():
        assert encode_round(decode_round(body, header.accounts), header.accounts) == body
    with refusing():
        worlds.write_bodies(place() / "hashed", [encode_header(header), body])
        verify(place() / "hashed")


def proof(data: bytes) -> None:
    with refusing():
        assert Proof.parse(data).to_bytes() == data
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(data)
        if isinstance(value, dict):
            value.pop("digest", None)
            text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
            value["digest"] = hashlib.sha256(text).hexdigest()
            data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    verify_proof(data, worlds.CHECKPOINT, key=worlds.KEY.verifier)


def checkpoint(data: bytes) -> None:
    with refusing():
        found = Checkpoint.parse(data)
        assert found.to_bytes() == data
        found.check(worlds.KEY.verifier)


def key(data: bytes) -> None:
    with refusing():
        text = text_of(data)
        assert str(VerifierKey.parse(text)) == text.strip()
    path = file("private", data)
    with refusing():
        SigningKey.read(path)


def witness_request(data: bytes) -> None:
    with refusing():
        parse_request(data)


@functools.cache
def counter(is_signed: bool) -> SignedMarket:
    return SignedMarket() if is_signed else SignedMarket(keys=None)


def offers_message(data: bytes) -> None:
    """At both counters; also with the signature made right."""
    with refusing():
        message = read_offers(data)
        assert message.orders(0)[0].count.sum() == len(message.offers)
    with refusing():
        read_request(data)
    for market in (counter(False), counter(True)):
        for payload in (data, signed_again(data, market)):
            market.intake.begin()
            market.simulation.operator.book.count[:] = 0
            market.simulation.operator.signed.clear()
            assert market.intake.take("building_03", payload) is not None


def signed_again(data: bytes, market: SignedMarket) -> bytes:
    try:
        message = json.loads(data)
        plain = {name: message[name] for name in ("schema", "round", "number", "offers")}
        signed = market.signers["building_03"].sign(plain, market.hash)
        return json.dumps(signed).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        return data


def market_answer(data: bytes) -> None:
    with refusing():
        opening = Opening.read(data)
        scripted_offers(opening, "truthful")
    with refusing():
        read_answer(data)


@functools.cache
def followed() -> tuple[list[bytes], list[bytes]]:
    folder = place() / "recorded"
    return list(read_payloads(folder, "rural")), list(Archive(folder).records(0, 9))


def follow(data: bytes) -> None:
    """A payload; a record; a record that states the right hashes."""
    payloads, records = followed()
    body = framed(RecordType.ROUND, data)
    previous = records[1][-HASH_BYTES:]
    linked = body + previous + link(previous, body)
    for kind, given in (("heard", data), ("record", data), ("record", linked)):
        follower = Follower("rural", from_start=True, reclear=False)
        follower.heard(payloads[0])
        follower.record(records[0])
        with refusing():
            getattr(follower, kind)(given)


def node_answer(data: bytes) -> None:
    """The whole of an answer, or its result; the method is in the first byte."""
    methods = list(GOOD_NODE)
    method = methods[data[0] % len(methods)] if data else methods[0]
    with contextlib.suppress(ValueError, RecursionError):
        result = json.loads(data[1:])
        with refusing():
            ask_node({method: result})
    with refusing():
        ask_node({method: data[1:]})


def member_keys(data: bytes) -> None:
    path = file("members", data)
    with refusing():
        MemberKeys("rural", read_member_keys(path), "ab" * 16).by_organization(["building_03"])
    with refusing():
        mapping_of(text_of(data))
    with refusing():
        MemberKeys.of(replace(worlds.HEADER, member_keys=data))


def toml(data: bytes) -> None:
    path = file("scenario/street.toml", data)
    with refusing():
        load_scenario(path)


def table(suffix: str, read: Callable[[Path], object]) -> Target:
    def target(data: bytes) -> None:
        path = file(f"table.{suffix}", data)
        with refusing():
            read(path)

    return target


def parquet_ledger(data: bytes) -> None:
    names = ("rounds", "offers", "accounts", "actions")
    name = names[data[0] % 4] if data else names[0]
    folder = place() / "tables"
    kept = (folder / f"{name}.parquet").read_bytes()
    file(f"tables/{name}.parquet", data[1:])
    try:
        list(ParquetScan(folder))
    finally:
        file(f"tables/{name}.parquet", kept)


def meta(data: bytes) -> None:
    file("recorded/meta.json", data)
    with refusing():
        read_recording(place() / "recorded")


def policy(data: bytes) -> None:
    names = ("policy.json", "normalisation.npz", "model.zip")
    name = names[data[0] % 3] if data else names[0]
    kept = (place() / "policy" / name).read_bytes()
    file(f"policy/{name}", data[1:])
    try:
        with refusing():
            LearnedPolicy.load(place() / "policy")
    finally:
        file(f"policy/{name}", kept)


def price_rule(data: bytes) -> None:
    rule: Any = parsed_value(text_of(data))
    with refusing():
        rules = Rules(price_rule=rule)
        assert Rules(price_rule=rules.price_rule) == rules


def command_line(data: bytes) -> None:
    words = text_of(data).split("\n")
    said = io.StringIO()
    with contextlib.redirect_stdout(said), refusing():
        args = cli._read(words)
        if not isinstance(args, int) and args.command == "run":
            read_episode(args)


TARGETS: dict[str, Target] = {
    "canonical_json": canonical,
    "mqtt_round": mqtt_round,
    "mqtt_address": mqtt_address,
    "record": record,
    "header": header,
    "segment": segment,
    "hashed_round": hashed_round,
    "hashed_special": hashed_special,
    "follow": follow,
    "proof": proof,
    "checkpoint": checkpoint,
    "key": key,
    "witness_request": witness_request,
    "offers_message": offers_message,
    "market_answer": market_answer,
    "member_keys": member_keys,
    "node_answer": node_answer,
    "toml": toml,
    "csv": table("csv", read_csv),
    "npz": table("npz", read_npz),
    "smard": table("smard.csv", read_smard),
    "parquet_profiles": table("parquet", read_profiles),
    "parquet_episodes": table("episodes.parquet", lambda path: list(read_episodes(path))),
    "parquet_ledger": parquet_ledger,
    "meta": meta,
    "policy": policy,
    "price_rule": price_rule,
    "command_line": command_line,
}
"""Name -> function of bytes; the folder of the same name holds its corpus."""
