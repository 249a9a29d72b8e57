"""Which checkpoints a writer makes, and when."""

from dataclasses import dataclass
from typing import Final

from decent_gym.errors import DataError, InputError
from decent_gym.ledger.checkpoint import Checkpoint, may_sign
from decent_gym.ledger.header import NO_KEY
from decent_gym.ledger.merkle import Frontier
from decent_gym.ledger.note import KeyKind, check_name
from decent_gym.ledger.signing import SigningKey
from decent_gym.units import ROUNDS_PER_DAY, checked_int

_UNSIGNED: Final = "unsigned"


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """What a ledger is asked to write besides its records.

    Parameters
    ----------
    every : int
        Records between two checkpoints; one more is made at the end.
    key : SigningKey, optional
        The operator's, whose public half stands in the ledger's header; None: unsigned.
    origin : str, optional
        Name of the ledger; by default that of the key.  One name is one ledger: whoever keeps
        checkpoints takes a second ledger of the same name for a rewritten past.  A key signs for
        its own name and for what begins with it and a slash.

    Raises
    ------
    InputError
        Naming the value.
    """

    every: int = ROUNDS_PER_DAY
    key: SigningKey | None = None
    origin: str | None = None

    def __post_init__(self) -> None:
        checked_int(self.every, "checkpoints every", 1, 2**31)
        if self.key is not None and self.key.verifier.kind is not KeyKind.LOG:
            raise InputError(
                f"{self.key.name} is a witness's key; make the operator's without --witness"
            )
        if self.origin is None:
            return
        try:
            check_name(self.origin, "origin")
        except DataError as error:
            raise InputError(str(error)) from None
        if self.key is not None and not may_sign(self.key.name, self.origin):
            raise InputError(
                f"origin {self.origin!r} is not for the key {self.key.name!r} to sign; "
                f"take {self.key.name!r} or a name that begins with '{self.key.name}/'"
            )


def operator_key(wanted: Checkpoints | None) -> bytes:
    """What the header of such a ledger must name as the operator's public key."""
    return NO_KEY if wanted is None or wanted.key is None else wanted.key.verifier.public


class CheckpointKeeper:
    """The tree's frontier and when the next checkpoint is due.

    Parameters
    ----------
    wanted : Checkpoints
    ledger : bytes (32,)
        Hash of the header: names an unsigned ledger that has no other name.
    """

    def __init__(self, wanted: Checkpoints, ledger: bytes) -> None:
        self.wanted = wanted
        named = wanted.origin or (wanted.key and wanted.key.name)
        self.origin = named or f"{_UNSIGNED}/{ledger.hex()[:16]}"
        self._frontier = Frontier()
        self._last = 1  # the header alone is worth no checkpoint

    def take(self, own: bytes) -> None:
        """Add a record's hash."""
        self._frontier.append(own)

    def is_due(self, gathered: int) -> bool:
        """Whether it is time for a checkpoint when `gathered` more records have been taken."""
        return self._frontier.size + gathered - self._last >= self.wanted.every

    @property
    def is_behind(self) -> bool:
        """Whether records have come since the last checkpoint."""
        return self._frontier.size > self._last

    def next(self) -> Checkpoint:
        """A checkpoint of all records so far, signed if there is a key."""
        plain = Checkpoint.of(self.origin, self._frontier.size, self._frontier.root())
        return plain if self.wanted.key is None else plain.signed(self.wanted.key)

    def written(self, checkpoint: Checkpoint) -> None:
        """The checkpoint is where it shall be."""
        self._last = checkpoint.size

    def resumed(self, frontier: Frontier, before: list[Checkpoint]) -> None:
        """Go on with the records and checkpoints of a ledger that was closed.

        Raises
        ------
        InputError
            They are of another origin.
        """
        self._frontier = frontier
        for checkpoint in before[-1:]:
            if checkpoint.origin != self.origin:
                raise InputError(
                    f"the ledger's checkpoints are those of {checkpoint.origin!r}, not of "
                    f"{self.origin!r}; go on with that name and its key"
                )
            self._last = checkpoint.size


def check_operator(header_key: bytes, wanted: Checkpoints | None) -> None:
    """Whether checkpoints may be signed in a ledger whose key in force is `header_key`.

    Raises
    ------
    InputError
        The ledger names another key or none, or names one and checkpoints would be unsigned.
    """
    if wanted is None:
        return
    if wanted.key is None:
        if header_key != NO_KEY:
            raise InputError(
                "the ledger names its operator's key, so an unsigned checkpoint of it counts for "
                "nothing; give the key"
            )
        return
    public = wanted.key.verifier.public
    if header_key == NO_KEY:
        raise InputError(
            "the ledger names no operator's key, so nobody may sign it; begin one that names it"
        )
    if header_key != public:
        raise InputError(
            f"the ledger's key is {header_key.hex()[:16]}..., {wanted.key.name!r} has "
            f"{public.hex()[:16]}...; sign with the ledger's own, or hand over to the other first"
        )
