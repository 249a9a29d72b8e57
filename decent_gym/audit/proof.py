"""Checking a proof: what it shows to somebody who holds a checkpoint and trusts nobody.

What is checked, in this order:

1. *form*: the file is a proof, every byte of it in its one form;
2. *checkpoint*: it leads to the checkpoint that the reader holds, or continues it;
3. *header*: the ledger's first record, which has names and rules, is under the checkpoint;
4. *signature*: the operator has signed it (and the witnesses that the reader names);
5. *consistency*: the newer checkpoint continues the older one;
6. *record*: the round's record is under the checkpoint, at its place;
7. *round*: it says something that can be, about offers that are in it;
8. *offers*: organizations whose keys the header names have signed theirs.

No file is read and no clearing is done here; that the operator cleared by the rules only a
verification of the whole ledger shows.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from decent_gym.audit.checkpoints import operator_fault
from decent_gym.audit.paths import consistency_fault, inclusion_fault
from decent_gym.audit.recount import time_fault
from decent_gym.audit.signatures import signed_offers_of
from decent_gym.audit.statement import book_words, offer_words, round_words, time_words
from decent_gym.errors import DataError, InputError
from decent_gym.ledger.checkpoint import Checkpoint, may_sign
from decent_gym.ledger.encoding import decode_round
from decent_gym.ledger.hashing import link
from decent_gym.ledger.header import NO_KEY, LedgerHeader, decode_header
from decent_gym.ledger.note import KeyKind, VerifierKey
from decent_gym.ledger.proof_file import Proof, ProvenRecord
from decent_gym.models import Commodity

STEPS = ("form", "checkpoint", "header", "signature", "consistency", "record", "round", "offers")


@dataclass(frozen=True, slots=True)
class ProofVerification:
    """What :func:`verify_proof` found; true if the proof shows what it says.

    Attributes
    ----------
    ok : bool
    statement : tuple of str
        What is proven, in words; nothing if it is not.
    failed : str or None
        The step that failed, one of :data:`STEPS`.
    reason : str or None
        Why.
    """

    ok: bool
    statement: tuple[str, ...] = ()
    failed: str | None = None
    reason: str | None = None

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return "\n".join(self.statement) if self.ok else f"NOT proven: {self.failed}: {self.reason}"


def verify_proof(
    data: bytes,
    checkpoint: Checkpoint,
    *,
    key: VerifierKey | None = None,
    retired: Sequence[VerifierKey] = (),
    witnesses: Sequence[VerifierKey] = (),
) -> ProofVerification:
    """Check a proof file against a checkpoint.

    Parameters
    ----------
    data : bytes
        The file's content, from anybody.
    checkpoint : Checkpoint
        As the reader holds it: the one that the proof is under, or the older one that this
        continues.
    key : VerifierKey, optional
        The operator's, as the reader knows it; by default the one in the ledger's header, which
        shows only that the ledger agrees with itself.
    retired : sequence of VerifierKey
        Keys that the operator had before `key`: the older checkpoint may be signed with one of
        them, the newer may not.
    witnesses : sequence of VerifierKey
        Who must have cosigned, too.

    Returns
    -------
    ProofVerification
        Whatever the bytes are.

    Raises
    ------
    InputError
        One of `witnesses` is an operator's key, or there is no `key` after those `retired`.
    MissingExtraError
        A signature must be checked, and ``cryptography`` is not installed.
    """
    check_witness_keys(witnesses)
    if retired and key is None:
        raise InputError("retired keys need the one that came after them, too: key")
    reader = _Reader(checkpoint, key, retired, witnesses)
    try:
        reader.run(data)
    except DataError as error:
        return ProofVerification(False, (), reader.step, str(error))
    return ProofVerification(True, tuple(reader.said))


@dataclass(slots=True)
class _Reader:
    """One pass through the steps; a step that fails raises DataError."""

    held: Checkpoint
    key: VerifierKey | None
    retired: Sequence[VerifierKey]
    witnesses: Sequence[VerifierKey]
    step: str = "form"
    said: list[str] = field(default_factory=list)

    def run(self, data: bytes) -> None:
        proof = Proof.parse(data)
        if proof.record is None and proof.since is None:
            raise DataError("it proves nothing: neither a record nor an older checkpoint")
        now, since = proof.checkpoint, proof.since
        self.step = "checkpoint"
        signed = self._anchored(proof)
        header = None
        if proof.header is not None:
            self.step = "header"
            _under(now, proof.header)
            header = decode_header(proof.header.body)
        self.step = "signature"
        signers = self._signers(signed, header)
        if since is not None:
            self.step = "consistency"
            fault = consistency_fault(since.size, now.size, proof.path, since.root, now.root)
            if fault is not None:
                raise DataError(fault)
        if header is not None and proof.record is not None:
            self.step = "record"
            _under(now, proof.record)
            self.step = "round"
            self._round(proof, header)
            self.step = "offers"
            self.said += signed_offers_of(proof)
        self.said.append(
            f"under the checkpoint of {now.origin} at {now.size} records, root {now.root.hex()}, "
            f"{signers}"
        )
        if since is not None:
            self.said.append(
                f"which continues the one at {since.size} records, root {since.root.hex()}"
            )

    def _anchored(self, proof: Proof) -> list[Checkpoint]:
        """The proof's checkpoints, with the signatures that the reader's copy carries."""
        ours = [one for one in (proof.checkpoint, proof.since) if one is not None]
        if not any(one.says_the_same(self.held) for one in ours):
            fork = next((one for one in ours if one.size == self.held.size), None)
            if fork is not None and fork.origin == self.held.origin:
                raise DataError(
                    f"the one held and the proof's are both {fork.origin} at {fork.size}, with the "
                    f"roots {self.held.root.hex()} and {fork.root.hex()}: one was written anew; "
                    "keep both files, if one key has signed both they show that its owner cheats"
                )
            led = " and ".join(f"{one.origin} at {one.size}, {one.root.hex()}" for one in ours)
            raise DataError(
                f"the one held is {self.held.origin} at {self.held.size}, {self.held.root.hex()}; "
                f"the proof is under {led}; ask for one that continues yours (--from)"
            )
        if any(one.origin != self.held.origin for one in ours):
            raise DataError(f"the older one is of {ours[-1].origin}, another ledger")
        merged = []
        for one in ours:
            if one.says_the_same(self.held):
                if one.text != self.held.text:
                    raise DataError("the one held has other lines below its root")
                known = one.note.signatures
                more = [two for two in self.held.note.signatures if two not in known]
                one = one.carrying(*more)
            merged.append(one)
        return merged

    def _signers(self, signed: Sequence[Checkpoint], header: LedgerHeader | None) -> str:
        newest = signed[0]
        own = NO_KEY if header is None else header.operator_key
        if self.key is not None:
            check_signers(newest, self.key)
            who = f"signed by {self.key}"
            for one in signed[1:]:
                before = self._signer_before(one, self.key)
                who += "" if before is self.key else f", the older one by {before}"
        elif own != NO_KEY:
            for one in signed:
                fault = operator_fault(one, own)
                if fault is not None:
                    raise DataError(f"{fault}; if the key has changed, say which with --key")
            who = f"signed with the key in the ledger's header, {own.hex()}"
        elif header is not None:
            who = "signed by nobody: the ledger names no key"
        else:
            who = "its signatures not checked, for want of a key"
        seen = [f"{key.name} at {time_words(newest.check(key))}" for key in self.witnesses]
        return who + (f", cosigned by {' and '.join(seen)}" if seen else "")

    def _signer_before(self, older: Checkpoint, key: VerifierKey) -> VerifierKey:
        """The key in force or one before it, with which the older checkpoint is signed."""
        for retired in self.retired:
            with suppress(DataError):
                check_signers(older, retired)
                return retired
        check_signers(older, key)
        return key

    def _round(self, proof: Proof, header: LedgerHeader) -> None:
        """The record under the checkpoint, in words."""
        assert proof.record is not None
        place = proof.record
        record = decode_round(place.body, header.accounts)
        fault = time_fault(record.number, record.timestamp, None, header)
        if fault is not None:
            raise DataError(fault)
        self.said.append(
            f"record {place.index} of {proof.checkpoint.size} is {round_words(record)}"
        )
        if proof.offers is None:
            self.said += book_words(record)
            return
        for commodity, rows in zip(Commodity, proof.offers, strict=True):
            count = len(record.books[commodity].orders)
            if rows and rows[-1] >= count:
                raise DataError(
                    f"offer {rows[-1]} is not in the {commodity.name.lower()} book of {count}"
                )
            self.said += [offer_words(record, commodity, row, header.names) for row in rows]


def check_signers(
    checkpoint: Checkpoint, key: VerifierKey | None, witnesses: Sequence[VerifierKey] = ()
) -> None:
    """Check that an operator speaks for a ledger and has signed, and that witnesses have.

    Raises
    ------
    InputError
        One of `witnesses` is an operator's key.
    DataError
        Naming who has not.
    """
    check_witness_keys(witnesses)
    if key is not None:
        if not may_sign(key.name, checkpoint.origin):
            raise DataError(f"{key.name} does not speak for {checkpoint.origin}")
        checkpoint.check(key)
    for witness in witnesses:
        checkpoint.check(witness)


def check_witness_keys(witnesses: Sequence[VerifierKey]) -> None:
    """Refuse keys of operators where witnesses are named.

    Raises
    ------
    InputError
        Naming the first.
    """
    for key in witnesses:
        if key.kind is not KeyKind.WITNESS:  # its signature would pass, and say nothing more
            raise InputError(f"{key.name} is an operator's key; give that of the witness")


def _under(checkpoint: Checkpoint, found: ProvenRecord) -> None:
    own = link(found.previous, found.body)
    size, root = checkpoint.size, checkpoint.root
    fault = inclusion_fault(own, found.index, size, found.path, root)
    if fault is not None:
        raise DataError(fault)
