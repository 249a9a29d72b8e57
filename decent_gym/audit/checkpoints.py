"""Holding a ledger against its checkpoints: those in its folder, and one that somebody kept."""

from collections.abc import Sequence

from decent_gym.audit.paths import GrowingTree
from decent_gym.errors import DataError
from decent_gym.ledger.checkpoint import Checkpoint, may_sign
from decent_gym.ledger.header import NO_KEY
from decent_gym.ledger.key_record import KeyRecord
from decent_gym.ledger.note import VerifierKey


class CheckpointAudit:
    """Follows a ledger record by record and then says which checkpoint does not fit.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        Of any order; all must be of one origin.
    """

    def __init__(self, checkpoints: Sequence[Checkpoint]) -> None:
        self._checkpoints = sorted(checkpoints, key=lambda one: one.size)
        self._tree = GrowingTree()
        self._wanted = {one.size for one in checkpoints}
        self._roots: dict[int, bytes] = {}
        self._keys: list[tuple[int, bytes]] = []

    @property
    def key(self) -> bytes:
        """The operator's public key in force; zero if the ledger names none."""
        return self._keys[-1][1] if self._keys else NO_KEY

    def begin(self, key: bytes) -> None:
        """The header names this key."""
        self._keys = [(1, key)]

    def take(self, own: bytes) -> None:
        """The next record has this hash."""
        self._tree.append(own)
        if self._tree.size in self._wanted:
            self._roots[self._tree.size] = self._tree.root()

    def rotate(self, record: KeyRecord, head: bytes) -> str | None:
        """The record just taken changes the key, after a record with the hash `head`."""
        if self.key == NO_KEY:
            return "a change of keys, but the header names no key"
        fault = record.fault(head, self.key)
        if fault is None:
            self._keys.append((self._tree.size, record.key))
        return fault

    def fault(self) -> str | None:
        """What is wrong with the first checkpoint that does not fit the records, or None.

        Raises
        ------
        MissingExtraError
            A signature must be checked, and ``cryptography`` is not installed.
        """
        for checkpoint in self._checkpoints:
            fault = self._fault(checkpoint)
            if fault is not None:
                return f"checkpoint of {checkpoint.origin} at {checkpoint.size}: {fault}"
        return None

    def _fault(self, checkpoint: Checkpoint) -> str | None:
        origin = self._checkpoints[0].origin
        if checkpoint.origin != origin:
            return f"another is of {origin}; checkpoints of two ledgers do not go together"
        if checkpoint.size == 0:
            return "it stands for no record, so every ledger continues it"
        if checkpoint.size not in self._roots:
            return (
                f"the ledger has {self._tree.size} records; its end was cut off, or it was "
                "rolled back"
            )
        root = self._roots[checkpoint.size]
        if checkpoint.root != root:
            return (
                f"the ledger's root at {checkpoint.size} is {root.hex()}, not "
                f"{checkpoint.root.hex()}: its past was written anew"
            )
        key = next(key for size, key in reversed(self._keys) if size <= checkpoint.size)
        return None if key == NO_KEY else operator_fault(checkpoint, key)


def operator_fault(checkpoint: Checkpoint, public: bytes) -> str | None:
    """Why `checkpoint` is not signed, in the ledger's name, with the key `public`; or None.

    Raises
    ------
    MissingExtraError
        ``cryptography`` is not installed.
    """
    for one in checkpoint.note.signatures:
        key = VerifierKey(one.name, public)
        if one.key_id == key.id and may_sign(one.name, checkpoint.origin):
            try:
                checkpoint.check(key)
            except DataError as error:
                return str(error)
            return None
    return f"it is not signed with the ledger's own key {public.hex()}"
