"""The first record: what a ledger is about, and everything that decides how rounds are checked."""

import json
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from decent_gym.clearing.rules import RULES_VERSION
from decent_gym.errors import InputError, LedgerError, shown
from decent_gym.json_text import DEPTH_CAP, load_json
from decent_gym.ledger.frames import RecordType, frame, split
from decent_gym.ledger.vectors import FRAMING_BYTES, pack, unpack
from decent_gym.ledger.weak_keys import is_weak
from decent_gym.models import Organization
from decent_gym.units import ROUND_SECONDS, IntArray, checked_int

FIXED_ACCOUNTS: Final = 3
"""Fuel, network and operator, after the organizations."""
NO_KEY: Final = bytes(32)
ORGANIZATION_CAP: Final = 2**16 - 1 - FIXED_ACCOUNTS
JSON_BYTES_CAP: Final = 2**22
_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
_LAST_START: Final = 2**40

_NUMBERS, _SCENARIO, _OPERATOR_KEY, _ORGANIZATIONS, _RULES = _TAGS = (1, 2, 3, 4, 5)
_MEMBER_KEYS: Final = 6


@dataclass(frozen=True, slots=True)
class LedgerHeader:
    """What the first record holds; all of it is hashed.

    Parameters
    ----------
    names : tuple of str
        Organizations in the order of their accounts.
    priorities : tuple of int
        Their classes at the margin, 0 or 1.
    rules : bytes
        The market's rules as canonical JSON (:func:`canonical_json`).
    start : int
        UTC seconds since 1970 of round 0, on the 15-minute grid.
    scenario : bytes (32,)
        Digest of the scenario; zero if the market is run by hand.
    seed : int
        Of the world's random numbers, 0 to 2^63 - 1: its id in ``GridOperator.world_ids``, by
        which the lotteries of the tie rule ``random`` are drawn; a simulation's episode seed.
    world : int
        Which copy of the district in a batch; says where the rounds came from, no more.
    operator_key : bytes (32,)
        The operator's public key; zero: none is configured.
    rules_version : int
        Version of the clearing rules, :data:`decent_gym.clearing.RULES_VERSION`.
    member_keys : bytes
        Whose offers must be signed, and with which keys, as :class:`MemberKeys` writes it; empty:
        nobody's.

    Raises
    ------
    InputError
        Naming the field and its value.
    """

    names: tuple[str, ...]
    priorities: tuple[int, ...]
    rules: bytes
    start: int
    scenario: bytes = bytes(32)
    seed: int = 0
    world: int = 0
    operator_key: bytes = NO_KEY
    rules_version: int = RULES_VERSION
    member_keys: bytes = b""

    def __post_init__(self) -> None:
        if len(self.names) != len(self.priorities) or len(self.names) > ORGANIZATION_CAP:
            raise InputError(
                f"header: {len(self.names)} names and {len(self.priorities)} priorities; give one "
                f"priority for each of at most {ORGANIZATION_CAP} organizations"
            )
        for name, priority in zip(self.names, self.priorities, strict=True):
            checked_int(priority, f"header: priority of {name!r}", 0, 1)
            Organization(name=name, priority=priority)
        if len(set(self.names)) != len(self.names):
            raise InputError("header: an organization's name appears twice")
        # JSON knows no numpy integers
        object.__setattr__(self, "priorities", tuple(int(priority) for priority in self.priorities))
        for field in ("scenario", "operator_key"):
            value = getattr(self, field)
            if not isinstance(value, bytes) or len(value) != 32:
                raise InputError(f"header: {field} must be 32 bytes, got {shown(value)}")
        if self.operator_key != NO_KEY and is_weak(self.operator_key):
            raise InputError(
                "header: operator_key is one with which anybody can sign: "
                f"{self.operator_key.hex()}; take one that keygen made"
            )
        checked_int(self.start, "header: start", 0, _LAST_START)
        if self.start % ROUND_SECONDS:
            raise InputError(f"header: start {self.start} is not on the 15-minute grid")
        checked_int(self.seed, "header: seed", 0, 2**63 - 1)
        checked_int(self.world, "header: world", 0, 2**31 - 1)
        checked_int(self.rules_version, "header: rules_version", 1, 2**15 - 1)
        if not isinstance(self.rules, bytes) or not isinstance(parse_json(self.rules), dict):
            raise InputError(
                f"header: rules must be a JSON object as bytes, got {shown(self.rules)}"
            )
        if self.member_keys and not isinstance(parse_json(self.member_keys), dict):
            raise InputError(
                f"header: member_keys must be a JSON object, got {shown(self.member_keys)}"
            )

    @classmethod
    def of(
        cls,
        organizations: Iterable[Organization],
        rules: Mapping[str, Any],
        start: int,
        **fields: Any,
    ) -> "LedgerHeader":
        """A header from organizations and rules as people hold them; `fields` as above."""
        members = tuple(organizations)
        return cls(
            names=tuple(member.name for member in members),
            priorities=tuple(member.priority for member in members),
            rules=canonical_json(dict(rules)),
            start=start,
            **fields,
        )

    def of_seed(self, seed: int) -> "LedgerHeader":
        """The header of another episode of the same district."""
        other = copy(self)
        object.__setattr__(other, "seed", checked_int(seed, "header: seed", 0, 2**63 - 1))
        return other

    @property
    def accounts(self) -> int:
        """Number of accounts: the organizations, fuel, network and operator."""
        return len(self.names) + FIXED_ACCOUNTS


def canonical_json(value: object) -> bytes:
    """The one text of `value`: ASCII, keys sorted, no spaces; integers within 2^53, no floats.

    Raises
    ------
    InputError
        For a float, another type or an integer that other readers of JSON would round.
    """
    try:
        text = _CANONICAL.encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"rules cannot be written as JSON: {error}") from None
    if parse_json(text) != value:
        raise InputError("rules do not survive JSON; use text keys, lists, integers and text only")
    return text


def parse_json(text: bytes, depth: int = DEPTH_CAP) -> Any:
    """Read canonical JSON and nothing else, nested at most `depth` deep.

    Raises
    ------
    InputError
        Not JSON, too long, too deep, a float, a large integer, a key twice, or not canonical.
    """
    try:
        value = load_json(text, JSON_BYTES_CAP, depth=depth, whole=True)
    except ValueError as error:
        raise InputError(f"JSON cannot be read: {error}") from None
    if _CANONICAL.encode(value).encode() != text:
        raise InputError("JSON is not canonical: sort the keys, leave no spaces, write ASCII")
    return value


@lru_cache(maxsize=1)  # a ledger that begins needs it twice
def encode_header(header: LedgerHeader) -> bytes:
    """The header record's body, without the two hashes."""
    numbers = (header.rules_version, header.seed, header.world, header.start)
    members = [list(pair) for pair in zip(header.names, header.priorities, strict=True)]
    payloads = (
        _vector(np.array(numbers, np.int64)),
        header.scenario,
        header.operator_key,
        _CANONICAL.encode(members).encode(),  # names and priorities are checked: plain JSON
        header.rules,
    )
    sections = list(zip(_TAGS, payloads, strict=True))
    if header.member_keys:
        sections.append((_MEMBER_KEYS, header.member_keys))
    return frame(RecordType.HEADER, sections)


def decode_header(body: bytes | memoryview) -> LedgerHeader:
    """Read a header record's body; only the bytes that :func:`encode_header` writes are read.

    Raises
    ------
    LedgerError
        Saying what is wrong with the bytes.
    """
    *found, member_keys = split(body, RecordType.HEADER, _TAGS, (_MEMBER_KEYS,))
    payloads = dict(zip(_TAGS, found, strict=True))
    (numbers,) = unpack(payloads[_NUMBERS], 1)
    if len(numbers) != 4:
        raise LedgerError(f"header has {len(numbers)} numbers instead of 4")
    rules_version, seed, world, start = numbers.tolist()
    try:
        members = parse_json(bytes(payloads[_ORGANIZATIONS]))
        header = LedgerHeader(
            names=tuple(name for name, _ in members),
            priorities=tuple(priority for _, priority in members),
            rules=bytes(payloads[_RULES]),
            start=start,
            scenario=bytes(payloads[_SCENARIO]),
            seed=seed,
            world=world,
            operator_key=bytes(payloads[_OPERATOR_KEY]),
            rules_version=rules_version,
            member_keys=bytes(member_keys),
        )
    except (InputError, TypeError, ValueError) as error:
        raise LedgerError(f"header: {error}") from None
    if encode_header(header) != body:
        raise LedgerError("header is not in its canonical form")
    return header


def _vector(values: IntArray) -> bytes:
    out = np.empty(8 * len(values) + FRAMING_BYTES, np.uint8)
    one = np.array([0], np.int64)
    end = pack(one, np.array([len(values)], np.int64), values, out, 0)
    return out[6:end].tobytes()  # without the section around it: `frame` writes that
