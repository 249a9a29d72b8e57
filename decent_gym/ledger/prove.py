"""Making proofs from a ledger's folder: anybody who has a copy of it can."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from decent_gym.errors import InputError, LedgerError
from decent_gym.ledger.checkpoint import Checkpoint, read_checkpoints
from decent_gym.ledger.encoding import decode_round
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.hashing import GENESIS
from decent_gym.ledger.header import LedgerHeader, decode_header
from decent_gym.ledger.merkle import Tree
from decent_gym.ledger.proof_file import Proof, ProvenRecord, Rows
from decent_gym.ledger.scan import RawRecord, Scan
from decent_gym.ledger.segments import segment_numbers
from decent_gym.models import Round
from decent_gym.registry import unknown_name


def prove(
    path: str | Path,
    *,
    round: int | None = None,
    offer: int | None = None,
    sequence: int | None = None,
    organization: str | None = None,
    since: Checkpoint | None = None,
    checkpoint: Checkpoint | None = None,
) -> Proof:
    """A proof under a checkpoint, by default the last in the ledger's folder.

    Parameters
    ----------
    path : str or Path
        The ledger's folder, or that of a copy.
    round : int, optional
        Number of the round; alone or with `organization` it says what is proven, with an offer it
        picks one of the rounds that the offer stood in.
    offer : int, optional
        An offer by its id.
    sequence : int, optional
        An offer by the number that the market gave it; offers of the environments have no id.
    organization : str, optional
        Only the offers of this one.
    since : Checkpoint, optional
        An older checkpoint, which the ledger's last one shall be proven to continue.  Given alone
        that is all that is proven.
    checkpoint : Checkpoint, optional
        Prove under this one, whoever it came from.

    Raises
    ------
    InputError
        There is no ledger, no checkpoint, no such round or offer, or there are several.
    DataError
        The ledger is damaged, contradicts its own checkpoint, or does not continue `since`.
    """
    folder = Path(path)
    if not folder.is_dir() or not segment_numbers(folder):
        raise InputError(f"there is no ledger at {folder}: give the folder that holds its segments")
    whose = "its own checkpoint" if checkpoint is None else "the checkpoint to prove under"
    checkpoint = checkpoint or _last(folder)
    wanted = _Wanted(round, offer, sequence, organization)
    scan = Scan(folder)
    hashes = [GENESIS]
    found: list[tuple[RawRecord, Rows | None]] = []
    header: RawRecord | None = None
    for raw in scan:
        hashes.append(raw.hash)
        if raw.kind is RecordType.HEADER:
            header = raw
            wanted.begin(decode_header(raw.body))
        elif raw.kind is RecordType.ROUND and wanted.is_anything:
            found += [(raw, rows) for rows in wanted.rows(raw)]
    if scan.damage is not None or header is None:
        raise LedgerError(f"{folder}: record {scan.records}: {scan.reason}; verify it")
    tree = Tree(hashes[1:])
    _check(tree, checkpoint, whose)
    path_since: tuple[bytes, ...] = ()
    if since is not None:
        if since.origin != checkpoint.origin:
            raise InputError(f"the checkpoint is of {since.origin!r}, not of {checkpoint.origin!r}")
        if not 0 < since.size <= checkpoint.size:
            raise InputError(
                f"the checkpoint at {since.size} is not older than the ledger's last, "
                f"{checkpoint.size}"
            )
        _check(tree, since, "the checkpoint given")
        path_since = tuple(tree.consistency(since.size, checkpoint.size))
    if not wanted.is_anything:
        if since is None:
            raise InputError("say what to prove: a round, an offer, or an older checkpoint")
        return Proof(checkpoint, since, path_since)
    record, rows = wanted.only(found)
    if record.index >= checkpoint.size:
        raise InputError(
            f"{wanted} is record {record.index}, the checkpoint stands for "
            f"{checkpoint.size}; it will be under the next one"
        )

    def proven(raw: RawRecord) -> ProvenRecord:
        way = tuple(tree.inclusion(raw.index, checkpoint.size))
        return ProvenRecord(raw.index, bytes(raw.body), hashes[raw.index], way)

    return Proof(checkpoint, since, path_since, proven(header), proven(record), rows)


def _last(folder: Path) -> Checkpoint:
    checkpoints = read_checkpoints(folder)
    if not checkpoints:
        raise InputError(
            f"{folder} holds no checkpoint to prove anything under; give one that you hold, or "
            "record with checkpoints"
        )
    return checkpoints[-1]


def _check(tree: Tree, checkpoint: Checkpoint, what: str) -> None:
    if checkpoint.size > tree.size:
        raise LedgerError(
            f"{what} is of {checkpoint.size} records, the ledger has {tree.size}: its end was cut "
            "off, or it was rolled back"
        )
    root = tree.root(checkpoint.size)
    if root != checkpoint.root:
        raise LedgerError(
            f"the ledger's root at {checkpoint.size} records is {root.hex()}, {what} says "
            f"{checkpoint.root.hex()}: one of the two was written anew"
        )


class _Wanted:
    """Which round, and which of its offers."""

    def __init__(
        self,
        number: int | None,
        offer: int | None,
        sequence: int | None,
        organization: str | None,
    ) -> None:
        if offer is not None and sequence is not None:
            raise InputError("an offer is named by its id or by its sequence, not by both")
        if organization is not None and number is None and offer is None and sequence is None:
            raise InputError(f"which round or offer of {organization}?")
        self._number, self._organization = number, organization
        self._column, self._value = ("id", offer) if sequence is None else ("sequence", sequence)
        self._owner: int | None = None

    @property
    def is_anything(self) -> bool:
        return self._number is not None or self._value is not None

    def begin(self, header: LedgerHeader) -> None:
        self._accounts = header.accounts
        if self._organization is not None:
            if self._organization not in header.names:
                raise unknown_name("organization", self._organization, header.names)
            self._owner = header.names.index(self._organization)

    def rows(self, raw: RawRecord) -> Iterator[Rows | None]:
        """What of a record is wanted: once, or not at all."""
        record = decode_round(raw.body, self._accounts)
        if self._number is not None and record.number != self._number:
            return
        if self._value is None and self._owner is None:
            yield None
            return
        rows = tuple(self._matches(record, commodity) for commodity in range(len(record.books)))
        if any(rows):
            yield rows

    def _matches(self, record: Round, commodity: int) -> tuple[int, ...]:
        book = record.books[commodity]
        fits = np.ones(len(book.orders), np.bool_)
        if self._value is not None:
            fits &= book.column(self._column) == self._value
        if self._owner is not None:
            fits &= book.column("owner") == self._owner
        return tuple(np.flatnonzero(fits).tolist())

    def only(self, found: list[tuple[RawRecord, Rows | None]]) -> tuple[RawRecord, Rows | None]:
        if not found:
            by_id = self._value is not None and self._column == "id"
            remedy = "; offers without an id are named by --sequence" if by_id else ""
            raise InputError(f"the ledger holds nothing of {self}{remedy}")
        numbers = [decode_round(raw.body, self._accounts).number for raw, _ in found]
        if len(found) > 1:
            raise InputError(
                f"{self} stands in {len(found)} rounds, from {numbers[0]} to {numbers[-1]}; "
                "choose one with --round"
            )
        return found[0]

    def __str__(self) -> str:
        parts = []
        if self._value is not None:
            parts.append(f"the offer with {self._column} {self._value}")
        if self._organization is not None:
            parts.append(self._organization)
        if self._number is not None:
            parts.append(f"round {self._number}")
        return ", ".join(parts)
