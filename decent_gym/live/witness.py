"""A witness: keeps the last checkpoint of each ledger and cosigns only what continues it.

A ledger's folder cannot show that its end was cut or its past written anew; whoever keeps a
checkpoint can.  A witness does so for everybody: it demands a proof that the new checkpoint
continues the one it has, writes it down, and only then answers.

The rules, in the order of C2SP tlog-witness:

1. somebody whose key is trusted speaks for the ledger's name, else *unknown*;
2. that key has signed the checkpoint, else *untrusted*;
3. the checkpoint that it continues is not longer than itself, else *malformed*;
4. it continues the very one that was seen last, and is not another one of the same size, else
   *conflict*: a rollback or a fork;
5. the proof holds, else *unproven*.

The first fork is kept as well, with the checkpoint that it contradicts: two signed checkpoints of
one size and two roots show to anybody that the operator cheats, however the ledger goes on.  (A
rollback alone may be somebody else who sends an old checkpoint again.)

Source: C2SP tlog-witness, tlog-cosignature.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from threading import Lock
from typing import Final

from decent_gym.audit.paths import consistency_fault
from decent_gym.closing import Closing
from decent_gym.errors import DataError, InputError, LedgerError
from decent_gym.ledger.checkpoint import Checkpoint, may_sign
from decent_gym.ledger.disk import Disk, replace_file
from decent_gym.ledger.note import KeyKind, Signature, VerifierKey
from decent_gym.ledger.signing import SigningKey

SEEN: Final = ".seen.txt"
FORKED: Final = ".forked.txt"
AGAINST: Final = ".forked-against.txt"
"""What the witness had seen when the checkpoint in the other file came."""


class Verdict(IntEnum):
    """What a witness says to a checkpoint; the numbers are those of HTTP."""

    COSIGNED = 200
    MALFORMED = 400
    UNTRUSTED = 403
    UNKNOWN = 404
    CONFLICT = 409
    UNPROVEN = 422


@dataclass(frozen=True, slots=True)
class Answer:
    """What :meth:`Witness.update` found; true if the witness has cosigned.

    Attributes
    ----------
    verdict : Verdict
    size : int
        Records in the checkpoint that the witness has now; 0: none.
    cosignature : Signature or None
        Made by the witness.
    reason : str or None
        Why it was refused.
    """

    verdict: Verdict
    size: int
    cosignature: Signature | None = None
    reason: str | None = None

    def __bool__(self) -> bool:
        return self.verdict is Verdict.COSIGNED


class Witness(Closing):
    """Keeps checkpoints in a folder of its own; one process at a time.  A context manager.

    Parameters
    ----------
    folder : str or Path
        Made if missing.  Whoever loses it must retire the witness's key: it would take any
        checkpoint as the first one.
    key : SigningKey
        A witness's key.
    logs : sequence of VerifierKey
        Operators' keys; each speaks for the ledgers of its own name and below it.
    clock : callable
        UTC seconds since 1970.
    disk : Disk, optional
        Another way to the disk, for tests.

    Raises
    ------
    InputError
        A key of the wrong kind, or another process has the folder.
    OSError
        The folder cannot be used.
    """

    def __init__(
        self,
        folder: str | Path,
        key: SigningKey,
        logs: Sequence[VerifierKey],
        *,
        clock: Callable[[], float] = time.time,
        disk: Disk | None = None,
    ) -> None:
        if key.verifier.kind is not KeyKind.WITNESS:
            raise InputError(f"{key.name} is no witness's key; make one with keygen --witness")
        for log in logs:
            if log.kind is not KeyKind.LOG:
                raise InputError(f"{log.name} is a witness's key; give those of operators")
        self._path = Path(folder)
        self._disk = disk or Disk()
        self._disk.make_folder(self._path)
        try:
            self._folder = self._disk.open_folder(self._path)
        except LedgerError:
            raise InputError(f"another witness has {folder} open; stop it first") from None
        self._key = key
        self._logs = tuple(logs)
        self._clock = clock
        self._lock = Lock()
        self._is_open = True

    def seen(self, origin: str) -> Checkpoint | None:
        """The last checkpoint of a ledger that was cosigned.

        Raises
        ------
        DataError
            What was written down cannot be read; the witness must not go on.
        """
        path = self._file(origin, SEEN)
        return Checkpoint.read(path) if path.exists() else None

    def update(
        self, checkpoint: Checkpoint, old: int | None = None, path: Sequence[bytes] = ()
    ) -> Answer:
        """Cosign a checkpoint if it continues the one seen last.

        Parameters
        ----------
        checkpoint : Checkpoint
        old : int, optional
            Size of the checkpoint from which `path` leads; 0 for the first one.  None: there is no
            proof, which is enough for the first checkpoint and for one that was seen already.
        path : sequence of bytes (32,)
            A consistency proof.

        Raises
        ------
        DataError
            What the witness has written down is damaged.
        OSError
            It could not be written down; nothing is cosigned.
        """
        with self._lock:
            if not self._is_open:
                raise InputError("the witness is closed")
            held = self.seen(checkpoint.origin)
            size = 0 if held is None else held.size
            verdict, reason = self._judge(checkpoint, held, old, path)
            if verdict is Verdict.CONFLICT and held is not None:
                self._keep_fork(held, checkpoint)
            if verdict is not Verdict.COSIGNED:
                return Answer(verdict, size, None, reason)
            cosigned = checkpoint.signed(self._key, int(self._clock()))
            self._write(self._file(checkpoint.origin, SEEN), cosigned.to_bytes())
            return Answer(verdict, checkpoint.size, cosigned.note.signatures[-1])

    def close(self) -> None:
        """Let go of the folder; a second call does nothing."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._disk.close(self._folder)

    def _judge(
        self, new: Checkpoint, held: Checkpoint | None, old: int | None, path: Sequence[bytes]
    ) -> tuple[Verdict, str | None]:
        keys = [key for key in self._logs if may_sign(key.name, new.origin)]
        if not keys:
            return Verdict.UNKNOWN, f"no trusted key speaks for {new.origin}"
        if not any(_has_signed(key, new) for key in keys):
            return Verdict.UNTRUSTED, f"no trusted key of {new.origin} has signed it"
        size = 0 if held is None else held.size
        if new.size == 0 or (old is not None and not 0 <= old <= new.size):
            return Verdict.MALFORMED, f"{new.size} records cannot continue {old}"
        if old is None:
            old = new.size if new.size == size else 0
        if held is not None:
            if new.size < size:
                return Verdict.CONFLICT, (
                    f"ROLLBACK: {new.origin} had {size} records, now it says {new.size}"
                )
            if new.size == size and new.root != held.root:
                return Verdict.CONFLICT, (
                    f"FORK: {new.origin} has two roots at {size} records, "
                    f"{held.root.hex()} and {new.root.hex()}"
                )
        if old != size:
            return Verdict.CONFLICT, (
                f"{size} records of {new.origin} have been seen; prove that the new checkpoint "
                f"continues them, not {old}"
            )
        if held is None:
            return (Verdict.UNPROVEN, "the first needs no path") if path else _COSIGNED
        fault = consistency_fault(size, new.size, path, held.root, new.root)
        if fault is None:
            return _COSIGNED
        return Verdict.UNPROVEN, f"{new.origin} does not continue what was seen: {fault}"

    def _keep_fork(self, held: Checkpoint, new: Checkpoint) -> None:
        """Write down two that contradict each other, unless it has been done before."""
        forked = self._file(new.origin, FORKED)
        # of one root: somebody has sent what was seen again, with a proof from elsewhere
        if new.size == held.size and new.root != held.root and not forked.exists():
            self._write(self._file(new.origin, AGAINST), held.to_bytes())
            self._write(forked, new.to_bytes())  # last, so that with it the pair is whole

    def _file(self, origin: str, suffix: str) -> Path:
        """By a digest: a name from outside never becomes a path."""
        return self._path / (hashlib.sha256(origin.encode()).hexdigest() + suffix)

    def _write(self, target: Path, data: bytes) -> None:
        """On the device when this returns; the old file or the new one, never a half."""
        replace_file(self._disk, self._folder, target, data)


_COSIGNED: Final = (Verdict.COSIGNED, None)


def _has_signed(key: VerifierKey, checkpoint: Checkpoint) -> bool:
    with suppress(DataError):
        checkpoint.check(key)
        return True
    return False
