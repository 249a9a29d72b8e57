"""Asking a witness to cosign a ledger's last checkpoint."""

import base64
import http.client
from contextlib import suppress
from pathlib import Path
from typing import Final

from decent_gym.errors import DataError, InputError, plain
from decent_gym.ledger.checkpoint import Checkpoint, read_checkpoints
from decent_gym.ledger.note import NOTE_CAP, KeyKind, Signature, VerifierKey
from decent_gym.ledger.prove import prove
from decent_gym.live.witness import Verdict
from decent_gym.web_address import http_address

_SECONDS: Final = 30.0


def cosign(ledger: str | Path, url: str, witness: VerifierKey) -> Checkpoint:
    """The ledger's last checkpoint with the signature of a witness.

    Parameters
    ----------
    ledger : str or Path
        The ledger's folder; nothing in it is changed.
    url : str
        Where the witness listens, ``http://host:port``; ``/add-checkpoint`` is added.
    witness : VerifierKey
        Whose signature the answer must be.

    Raises
    ------
    InputError
        The ledger holds no checkpoint, or the address or key is wrong.
    DataError
        The witness refuses, or its answer is not what it should be.
    OSError
        It cannot be reached.
    """
    if witness.kind is not KeyKind.WITNESS:
        raise InputError(f"{witness.name} is an operator's key; give that of the witness")
    checkpoints = read_checkpoints(Path(ledger))
    if not checkpoints:
        raise InputError(f"{ledger} holds no checkpoint; record with checkpoints")
    newest = checkpoints[-1]
    code, answer = _post(url, newest, None, ())
    if code == Verdict.CONFLICT:  # it has seen one before, and says how long that was
        size = _size(answer)
        if size > newest.size:
            raise DataError(
                f"{witness.name} refuses (409): ROLLBACK, it has seen {size} records of "
                f"{newest.origin}, {ledger} has {newest.size}"
            )
        known = next((one for one in checkpoints if one.size == size), None)
        if known is None:
            raise DataError(
                f"{witness.name} has seen {size} records of {newest.origin}; {ledger} holds no "
                "checkpoint of that size to go on from"
            )
        code, answer = _post(url, newest, size, prove(ledger, since=known).path)
        if code == Verdict.CONFLICT and _size(answer) == newest.size:
            raise DataError(
                f"{witness.name} refuses (409): FORK, it has seen another root than that of "
                f"{ledger} at {newest.size} records of {newest.origin}"
            )
    if code != Verdict.COSIGNED:
        raise DataError(f"{witness.name} refuses ({code}): {plain(answer.strip()[:500])}")
    cosigned = newest.carrying(Signature.parse(answer.removesuffix("\n")))
    cosigned.check(witness)
    return cosigned


def _size(answer: str) -> int:
    text = answer.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise DataError(f"the witness does not say what it has seen: {answer[:80]!r}")
    return int(text)


def _post(
    url: str, checkpoint: Checkpoint, old: int | None, path: tuple[bytes, ...]
) -> tuple[int, str]:
    parts = http_address(url)
    if parts is None or parts.hostname is None:
        raise InputError(f"a witness is at http://host:port, got {url[:200]!r}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    lines = "".join(f"{base64.b64encode(node).decode()}\n" for node in path)
    body = f"old {old or 0}\n{lines}\n".encode() + checkpoint.to_bytes()
    connection = kind(parts.hostname, parts.port, timeout=_SECONDS)
    try:
        with suppress(
            BrokenPipeError, ConnectionResetError
        ):  # it may refuse before it has read all
            connection.request("POST", f"{parts.path.rstrip('/')}/add-checkpoint", body)
        response = connection.getresponse()
        return response.status, response.read(NOTE_CAP).decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise DataError(f"{url} does not answer as a witness does: {error!r}") from None
    finally:
        connection.close()
