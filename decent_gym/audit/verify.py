"""Is this ledger what it claims to be?  Hash it again, clear it again, name the first difference.

What is checked of every record: its hash and its link to the record before; that its bytes are
the one encoding of what they say; that rounds rise by one on the 15-minute grid; and, with
``reclear``, that its orders were admissible, open and continue those of the round before; that the
mechanism of the header, run on them, gives the recorded energies, prices, payments and reasons;
that trades, imbalance, money and accounts follow; that organizations with keys signed what they
offered.  Then the checkpoints in the folder: that each is
of these records, and signed with the key that the ledger names for that time.

What cannot be checked from the file alone: the meters; how much fuel and fees were due (their
money must sum to zero, no more); what heat went unserved and what learners asked for; that no
offer was kept out of the book; and that the file's end was not cut exactly between two records,
which only a head or a checkpoint that somebody else kept can show (``expected_head``,
``checkpoint``).

Source: the verifier is written for this ledger; that it shares nothing with the writer but hashing
and encoding follows transparency-dev/merkle.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from decent_gym.audit.checkpoints import CheckpointAudit
from decent_gym.audit.conversions import ConversionCheck
from decent_gym.audit.header_rules import rules_of
from decent_gym.audit.orders import OrderCheck
from decent_gym.audit.reclear import clear_again, first_difference
from decent_gym.audit.recount import meter_fault, money_fault, tariff_fault, time_fault
from decent_gym.audit.signatures import SignatureCheck
from decent_gym.clearing import MECHANISMS
from decent_gym.errors import DataError, DecentGymError, InputError, LedgerError
from decent_gym.ledger.checkpoint import Checkpoint, read_checkpoints
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.header import LedgerHeader, decode_header
from decent_gym.ledger.key_record import decode_key
from decent_gym.ledger.reading import read_round, read_time
from decent_gym.ledger.scan import RawRecord, Scan
from decent_gym.models import Round

_HEAD: Final = re.compile("[0-9a-fA-F]{64}")

BATCH_ROUNDS: Final = 128
BATCH_SLOTS: Final = 2**17
"""Rounds are cleared again in batches of at most so many rounds, and so many orders if one book
were as long as the longest: a few unusual rounds must not take memory for all."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What :func:`verify` found; true if all is well.

    Attributes
    ----------
    ok : bool
    rounds : int
        How many rounds, from the first, are good.
    head : str or None
        Hash of the last good record, in hexadecimal; None if not even the header is good.
    first_bad : int or None
        Index in the ledger of the first round that is not good, counted from 0; None if all is
        well, or if the fault is not a round's (the header, the expected head).
    reason : str or None
        What is wrong, with what was found and what was expected; None if all is well.
    checkpoints : int
        How many checkpoints were held against the records and fit; 0 if one does not.
    signatures : int
        How many messages of offers were found rightly signed; 0 if one is not.
    """

    ok: bool
    rounds: int
    head: str | None
    first_bad: int | None = None
    reason: str | None = None
    checkpoints: int = 0
    signatures: int = 0

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        if self.ok:
            return f"ok: {self.rounds} rounds, head {self.head}"
        return f"NOT ok: {self.reason} ({self.rounds} rounds are good, head {self.head})"


def verify(
    path: str | Path,
    *,
    reclear: bool = True,
    expected_head: str | None = None,
    checkpoint: Checkpoint | None = None,
) -> Verification:
    """Check a ledger from its first byte to its last.

    Parameters
    ----------
    path : str or Path
        The ledger's folder.
    reclear : bool
        Also clear every round again; else hashes, encoding and times alone are checked.
    expected_head : str, optional
        The head as somebody else kept it, 64 hexadecimal digits; another one is a fault.
    checkpoint : Checkpoint, optional
        As somebody else kept it; a ledger that does not continue it is a fault.  Who signed it is
        checked against the ledger's own key; :meth:`Checkpoint.check` checks other keys.

    Returns
    -------
    Verification
        Whatever the bytes are.  A torn tail, which a crash leaves and resume cuts off, is a fault
        too, and the rounds before it are good.

    Raises
    ------
    InputError
        There is no folder at `path`, or `expected_head` is no head.
    MissingExtraError
        There are signatures to check, and ``cryptography`` is not installed.
    """
    folder = Path(path)
    if expected_head is not None and not (
        isinstance(expected_head, str) and _HEAD.fullmatch(expected_head)
    ):
        raise InputError(f"expected_head must be 64 hexadecimal digits, got {expected_head!r}")
    if not folder.is_dir():
        raise InputError(f"there is no ledger at {folder}: give the folder that holds its segments")
    scan = Scan(folder)
    try:
        found = read_checkpoints(folder)
    except DataError as error:
        return Verification(False, 0, None, None, str(error))
    if checkpoint is not None:
        found.append(checkpoint)
    audit = _Audit(reclear, CheckpointAudit(found))
    result = audit.run(scan)
    if result.ok and expected_head is not None and result.head != expected_head.lower():
        reason = f"the head is {result.head}, expected was {expected_head}"
        return Verification(False, result.rounds, result.head, None, reason)
    return replace(result, checkpoints=len(found)) if result.ok else result


class _Audit:
    """One pass over a ledger: what has been found good so far, and the first fault."""

    def __init__(self, reclear: bool, checkpoints: CheckpointAudit) -> None:
        self._reclear = reclear
        self._checkpoints = checkpoints
        self._rounds = 0
        self._head: str | None = None

    def run(self, scan: Scan) -> Verification:
        records = iter(scan)
        first = next(records, None)
        if first is None:
            return self._stop(None, f"header: {scan.reason}")
        try:
            self._begin(decode_header(first.body), first.hash)
        except DecentGymError as error:
            return self._stop(None, str(error))
        self._head = first.hash.hex()
        self._before = first.hash
        self._checkpoints.take(first.hash)
        fault = self._check(records) if self._reclear else self._skim(records)
        if fault is not None:
            return self._stop(self._rounds, f"round {self._rounds}: {fault}")
        if scan.damage is not None:
            remedy = "; resume recovers" if scan.damage.recoverable else ""
            what = f"{scan.damage.value} at round {self._rounds}: {scan.reason}{remedy}"
            return self._stop(self._rounds, what)
        fault = self._checkpoints.fault()
        if fault is not None:
            return self._stop(None, fault)
        count = self._signatures.count if self._reclear else 0
        return Verification(True, self._rounds, scan.head.hex(), signatures=count)

    def _begin(self, header: LedgerHeader, ledger: bytes) -> None:
        self._header = header
        self._checkpoints.begin(header.operator_key)
        self._balances = [0] * header.accounts
        self._number: int | None = None
        if self._reclear:
            self._rules = rules_of(header)
            self._orders = OrderCheck(header, MECHANISMS[self._rules.mechanism].wishes)
            self._conversions = ConversionCheck(header, self._rules.clearing == "coupled")
            self._signatures = SignatureCheck(header, ledger)

    def _stop(self, first_bad: int | None, reason: str) -> Verification:
        return Verification(False, self._rounds, self._head, first_bad, reason)

    def _skim(self, records: Iterator[RawRecord]) -> str | None:
        """Check that rounds are well-formed and follow each other, and no more."""
        for raw in records:
            try:
                if self._is_key(raw):
                    continue
                number, timestamp = read_time(raw.body, self._header.accounts)
            except LedgerError as error:
                return str(error)
            fault = time_fault(number, timestamp, self._number, self._header)
            if fault is not None:
                return fault
            self._number = number
            self._rounds += 1
            self._head = raw.hash.hex()
        return None

    def _check(self, records: Iterator[RawRecord]) -> str | None:
        """Check rounds in batches; a fault is reported only once all rounds before it are good."""
        batch: list[tuple[Round, bytes]] = []
        longest = 0
        fault: str | None = None
        for raw in records:
            try:
                if self._is_key(raw):
                    continue
                record = read_round(raw.body, self._header.accounts)
            except LedgerError as error:
                fault = str(error)
                break
            fault = self._alone(record)
            if fault is not None:
                break
            orders = max(len(book.orders) for book in record.books)
            longest = max(longest, orders)
            if len(batch) == BATCH_ROUNDS or (len(batch) + 1) * longest > BATCH_SLOTS:
                earlier = self._settle(batch)
                if earlier is not None:
                    return earlier
                batch, longest = [], orders
            batch.append((record, raw.hash))
        return self._settle(batch) or fault

    def _is_key(self, raw: RawRecord) -> bool:
        """Follow a record in the tree; whether it is a change of keys, which must be rightful."""
        before, self._before = self._before, raw.hash
        self._checkpoints.take(raw.hash)
        if raw.kind is not RecordType.KEY:
            return False
        fault = self._checkpoints.rotate(decode_key(raw.body), before)
        if fault is not None:
            raise LedgerError(f"the key record before it: {fault}")
        return True

    def _alone(self, record: Round) -> str | None:
        """Faults that show without clearing, and that would make clearing unsafe."""
        before, self._number = self._number, record.number
        return (
            time_fault(record.number, record.timestamp, before, self._header)
            or tariff_fault(record)
            or meter_fault(record)
            or self._orders.fault(record)
            or self._conversions.fault(record)
            or self._signatures.fault(record)
        )

    def _settle(self, batch: list[tuple[Round, bytes]]) -> str | None:
        """Clear a batch again and count its rounds as good, up to the first that is not."""
        if not batch:
            return None
        again = clear_again([record for record, _ in batch], self._header, self._rules)
        for r, (record, own) in enumerate(batch):
            fault = first_difference(record, again, r) or money_fault(record, self._balances)
            if fault is not None:
                return fault
            self._balances = record.accounts.tolist()
            self._rounds += 1
            self._head = own.hex()
        return None
