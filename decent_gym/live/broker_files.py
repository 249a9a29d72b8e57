"""What mosquitto needs to carry a live market: listeners, users, and who may do what.

The access list is written out user by user and topic by topic.  A pattern with ``%u`` would be
shorter, but lets a topic such as ``offers/b7/../b8`` pass for whom it names.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from decent_gym.errors import InputError
from decent_gym.ledger.frames import RECORD_CAP
from decent_gym.live.certificates import make_certificates
from decent_gym.live.passwords import new_password, password_line
from decent_gym.live.topics import MarketTopics
from decent_gym.models import Organization
from decent_gym.units import checked_int

OPERATOR: Final = "operator"
"""The user that publishes rounds and takes offers."""
CONFIGURATION: Final = "mosquitto.conf"
_SECRET: Final = 0o600


def access_list(district: str, organizations: Sequence[str], observers: Sequence[str]) -> str:
    """The text of mosquitto's access list; what it does not allow is refused.

    Raises
    ------
    InputError
        A name is no organization's name, or stands twice.
    """
    topics = MarketTopics(district)
    names = _checked_users(organizations, observers)
    root = topics.root
    lines = [
        "# written by decent-gym broker-config: who may do what; everything else is refused",
        "",
        f"user {OPERATOR}",
        *(f"topic write {root}/{part}/+" for part in ("rounds", "receipts", "openings", "records")),
        f"topic write {topics.status}",
        *(f"topic read {root}/{part}/+" for part in ("offers", "requests")),
    ]
    for name in names:
        lines += [
            "",
            f"user {name}",
            f"topic read {root}/rounds/+",
            f"topic read {topics.status}",
            f"topic write {topics.requests(name)}",
            f"topic read {topics.records(name)}",
        ]
        if name in organizations:
            lines += [
                f"topic write {topics.offers(name)}",
                f"topic read {topics.receipts(name)}",
                f"topic read {topics.opening(name)}",
            ]
    return "\n".join(lines) + "\n"


def write_broker_files(
    folder: Path,
    district: str,
    organizations: Sequence[str],
    observers: Sequence[str] = (),
    *,
    hosts: Sequence[str] = ("localhost", "127.0.0.1"),
    bind: str = "127.0.0.1",
    port: int = 8883,
    plain_port: int | None = None,
) -> dict[str, str]:
    """Write ``mosquitto.conf``, ``acl``, ``passwords``, ``users.json`` and ``tls/``.

    Parameters
    ----------
    organizations : sequence of str
        Who may offer.
    observers : sequence of str
        Users who may only listen.
    hosts : sequence of str
        Names and addresses in the certificate.
    bind, port : str, int
        Where the broker listens, with TLS.
    plain_port : int, optional
        Where it also listens without TLS, on 127.0.0.1 alone.

    Returns
    -------
    dict of str to str
        The users' passwords, as ``users.json`` holds them.

    Raises
    ------
    InputError
        The folder is not empty, or an argument cannot be used.
    MissingExtraError
        cryptography is not installed.
    """
    checked_int(port, "port", 1, 2**16 - 1)
    if plain_port is not None:
        checked_int(plain_port, "plain port", 1, 2**16 - 1)
    folder = folder.absolute()
    if any(character in str(folder) for character in "\n\r"):
        raise InputError("the folder's name must stand on one line")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is taken; choose a folder that is empty or does not exist")
    access = access_list(district, organizations, observers)
    certificates = make_certificates(hosts)
    users = {user: new_password() for user in (OPERATOR, *organizations, *observers)}
    lines = [password_line(user, password) for user, password in users.items()]
    tls = folder / "tls"
    tls.mkdir(parents=True)
    _write(folder / "acl", access.encode(), _SECRET)
    _write(folder / "passwords", ("\n".join(lines) + "\n").encode(), _SECRET)
    _write(folder / "users.json", (json.dumps(users, indent=2) + "\n").encode(), _SECRET)
    _write(tls / "ca.crt", certificates.authority, 0o644)
    _write(tls / "server.crt", certificates.server, 0o644)
    _write(tls / "server.key", certificates.key, _SECRET)
    _write(folder / CONFIGURATION, _configuration(folder, bind, port, plain_port).encode(), 0o644)
    return users


def _configuration(folder: Path, bind: str, port: int, plain_port: int | None) -> str:
    plain = [] if plain_port is None else [f"listener {plain_port} 127.0.0.1", ""]
    lines = [
        "# written by decent-gym broker-config; mosquitto must run as the owner of these files",
        "per_listener_settings false",
        "allow_anonymous false",
        f"password_file {folder / 'passwords'}",
        f"acl_file {folder / 'acl'}",
        "# nothing needs to be kept: whoever misses something fetches it from the ledger",
        "persistence false",
        f"message_size_limit {RECORD_CAP}",
        "max_queued_messages 10000",
        "set_tcp_nodelay true",
        "",
        *plain,
        f"listener {port} {bind}",
        f"certfile {folder / 'tls/server.crt'}",
        f"keyfile {folder / 'tls/server.key'}",
        "tls_version tlsv1.2",
    ]
    return "\n".join(lines) + "\n"


def _checked_users(organizations: Sequence[str], observers: Sequence[str]) -> list[str]:
    names = [*organizations, *observers]
    for name in names:
        Organization(name)  # one rule for names, written there: no slash, no wildcard, no space
    if len({*names, OPERATOR}) <= len(names):
        raise InputError(f"users must differ from each other and from {OPERATOR!r}, got {names}")
    return names


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
