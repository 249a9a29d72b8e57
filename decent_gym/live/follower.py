"""An unbroken chain of rounds out of what is heard, without any connection: rules alone.

1. A round that links to the last one is taken; one that was taken already is dropped.
2. One that comes too early waits, and the records between are asked for.
3. A record is taken only if its hash is right and it links to the last one; what is no round and
   no record at all is passed over.
4. What contradicts what was taken before is an error: somebody has changed the past.
5. With ``reclear`` nothing is taken but records, each is cleared again, and what was published of
   it must be, byte for byte, what the record comes to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from decent_gym.errors import DataError, LedgerError
from decent_gym.ledger.encoding import decode_round
from decent_gym.ledger.frames import PREFIX_BYTES, TAIL_BYTES, RecordType, read_prefix
from decent_gym.ledger.hashing import GENESIS, HASH_BYTES, link
from decent_gym.ledger.header import LedgerHeader, decode_header, parse_json
from decent_gym.live.reading import REQUEST_CAP
from decent_gym.live.recheck import Recheck
from decent_gym.views.mqtt_payload import Arrival, RoundFeed, round_payload

WAITING_CAP: Final = 1_000
"""Rounds that are kept while those before them are fetched; others are fetched, too."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A round that was taken: its payload, and whether it was fetched as a record."""

    payload: bytes
    is_fetched: bool

    @property
    def message(self) -> dict[str, Any]:
        """The payload, read."""
        found: dict[str, Any] = parse_json(self.payload)
        return found


class Follower:
    """Takes what is heard and says what is missing.

    Parameters
    ----------
    district : str
    from_start : bool
        Wait for the ledger's first round; else begin with whatever comes first.
    reclear : bool
        Fetch the record of every round and clear it again; implies `from_start`.
    keep : callable, optional
        ``keep(ledger, raw)`` gets every record that was fetched and checked, in order, with the
        hash of its ledger's header; with `reclear` that is every record.

    Attributes
    ----------
    dropped : int
        Rounds that came again.
    ignored : int
        Payloads that are no rounds, and bytes that are no records: whoever may publish can send
        such, and they prove nothing.
    """

    def __init__(
        self,
        district: str,
        *,
        from_start: bool,
        reclear: bool,
        keep: Callable[[str, bytes], None] | None = None,
    ) -> None:
        self._district = district
        self._keep = keep or (lambda ledger, raw: None)
        self._feed = RoundFeed(from_start or reclear)
        self._reclear = reclear
        self._waiting: dict[int, bytes] = {}
        self._ledger: str | None = None
        self._header: LedgerHeader | None = None
        self._recheck: Recheck | None = None
        self._left: tuple[LedgerHeader | None, Recheck | None] = None, None
        self._key: tuple[str | None, bytes] | None = None  # of the round before, and its own hash
        self._handed_over: set[bytes] = set()
        self._upto = 0
        self.dropped = self.ignored = 0

    @property
    def head(self) -> str | None:
        """Hash of the last round taken."""
        return self._feed.head

    def heard(self, payload: bytes) -> list[Taken]:
        """Take a round's payload; returns the rounds that this completes.

        Raises
        ------
        DataError
            It contradicts what was taken before.
        """
        probe = RoundFeed(from_start=False)
        try:
            probe.feed(payload)  # is it a round at all?
        except DataError:
            self.ignored += 1
            return []
        assert probe.record is not None
        assert probe.ledger is not None
        if probe.ledger != self._ledger:
            self._begin(probe.ledger)
        index = probe.record
        if self._reclear and index > self._taken:
            self._wait(index, payload)
            return []
        arrival = self._feed.feed(payload)
        if arrival is Arrival.GAP:
            self._wait(index, payload)
            return []
        if arrival is Arrival.DUPLICATE:
            self.dropped += 1
            return []
        return [Taken(payload, False), *self._follow()]

    def record(self, raw: bytes) -> list[Taken]:
        """Take a record of the ledger, as bytes; one that is not the next is passed over.

        Raises
        ------
        DataError
            It was not cleared by the rules, is not what was published, or hands over to a key that
            the one in force does not name.
        """
        try:
            kind, body, previous, own = _split(raw)
        except DataError:
            self.ignored += 1
            return []
        if kind is RecordType.HEADER:
            if self._header is None and own.hex() == self._ledger:
                self._header = decode_header(body)
                self._recheck = Recheck(self._header, own) if self._reclear else None
                self._keep(own.hex(), raw)
            return []
        before = self._link
        is_after_key = (before, previous) == self._key
        if self._header is None or not (is_after_key or previous.hex() == before):
            return []  # for somebody else who asked, or again
        if kind is RecordType.KEY:
            self._hand_over(body, previous, own)
            self._key = before, own
            self._keep(self._ledger or "", raw)
            return []
        index = self._taken + 1
        record = decode_round(body, self._header.accounts)
        payload = round_payload(
            record,
            self._district,
            ledger=bytes.fromhex(self._ledger or ""),
            index=index,
            previous=bytes.fromhex(before or ""),  # of the round before, as it is published
            own=own,
        )
        published = self._waiting.pop(index, payload)
        if published != payload:
            raise DataError(f"round {record.number}: what was published is not what was recorded")
        fault = None if self._recheck is None else self._recheck.fault(record)
        if fault is not None:
            raise DataError(f"round {record.number} was not cleared by the rules: {fault}")
        self._keep(self._ledger or "", raw)
        self._feed.feed(payload)
        return [Taken(payload, True), *self._follow()]

    def _hand_over(self, body: bytes, previous: bytes, own: bytes) -> None:
        """With ``reclear``, check a change of keys; one that was checked may come again."""
        if self._recheck is None or own in self._handed_over:
            return
        fault = self._recheck.key_fault(body, previous)
        if fault is not None:
            raise DataError(f"a change of keys after record {self._taken}: {fault}")
        self._handed_over.add(own)

    def missing(self) -> tuple[int, int] | None:
        """Which records to ask for: index of the first and how many; None if nothing is missing."""
        first = self._taken + 1
        until = min(self._waiting, default=0) if not self._reclear else self._upto + 1
        if first >= until:
            return None
        if self._header is None:
            return 0, 1
        return first, min(until - first, REQUEST_CAP)

    @property
    def ledger(self) -> str | None:
        """Hash of the header of the ledger that was heard of last."""
        return self._ledger

    @property
    def _taken(self) -> int:
        """Index of the last record taken of the present ledger."""
        is_same = self._feed.ledger == self._ledger
        return (self._feed.record or 0) if is_same else 0

    @property
    def _link(self) -> str | None:
        """Hash that the next record must state as the one before it."""
        return self._feed.head if self._taken else self._ledger

    def _begin(self, ledger: str) -> None:
        # anybody who may publish can name another ledger: what is followed must not suffer by it
        if self._ledger == self._feed.ledger:
            self._left = self._header, self._recheck
        is_back = ledger == self._feed.ledger
        self._header, self._recheck = self._left if is_back else (None, None)
        self._ledger, self._upto = ledger, 0
        self._waiting.clear()
        self._handed_over.clear()

    def _wait(self, index: int, payload: bytes) -> None:
        self._upto = max(self._upto, index)
        if index in self._waiting and self._waiting[index] != payload:
            raise DataError(f"record {index} was published with two contents; verify the ledger")
        self._waiting[index] = payload
        if len(self._waiting) > WAITING_CAP:
            del self._waiting[sorted(self._waiting)[1]]  # the first ends the gap

    def _follow(self) -> list[Taken]:
        """Rounds that waited and now link."""
        found: list[Taken] = []
        while not self._reclear and (payload := self._waiting.pop(self._taken + 1, None)):
            self._feed.feed(payload)
            found.append(Taken(payload, False))
        for index in [index for index in self._waiting if index <= self._taken]:
            del self._waiting[index]
        return found


def _split(raw: bytes) -> tuple[RecordType, bytes, bytes, bytes]:
    """Kind, body, the hash before and the own one of a whole record whose hash is right."""
    try:
        length, kind = read_prefix(raw[:PREFIX_BYTES].ljust(PREFIX_BYTES, b"\0"))
    except LedgerError as error:
        raise DataError(f"no record of a ledger: {error}") from None
    if length != len(raw) or length < PREFIX_BYTES + TAIL_BYTES:
        raise DataError(f"a record of {length} bytes came as {len(raw)}")
    body = raw[:-TAIL_BYTES]
    previous, own = raw[-TAIL_BYTES:-HASH_BYTES], raw[-HASH_BYTES:]
    if own != link(previous, body) or (kind is RecordType.HEADER and previous != GENESIS):
        raise DataError("a record does not have the hash that it states")
    return kind, body, previous, own
