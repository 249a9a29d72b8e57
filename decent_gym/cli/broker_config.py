"""``decent-gym broker-config``: everything that mosquitto needs to carry a live market."""

import os
from argparse import Namespace
from pathlib import Path
from typing import Final

from decent_gym.cli.console import out
from decent_gym.cli.parser import Parser

SUMMARY: Final = "write mosquitto's configuration: TLS, users and an access list"
DETAILS: Final = """\
Writes a new folder: mosquitto.conf, the access list, hashed passwords, a certificate of its own
authority, and users.json, which alone holds the passwords and is for its owner's eyes.  Only the
user "operator" may publish rounds; an organization may offer in its own name alone, and nobody
else reads its receipts.

  decent-gym broker-config --out broker --organizations building_03 building_08 \\
      --observers anna
  mosquitto -c broker/mosquitto.conf
"""


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    add = parser.add_argument
    add("--out", required=True, metavar="FOLDER", help="a new folder")
    add("--district", default="rural", metavar="NAME", help="part of the topics (default rural)")
    add("--organizations", nargs="+", required=True, metavar="NAME", help="who may offer")
    add("--observers", nargs="+", default=[], metavar="NAME", help="users who may only listen")
    add("--hosts", nargs="+", default=["localhost", "127.0.0.1"], metavar="NAME",
        help="names and addresses in the certificate")  # fmt: skip
    add("--bind", default="127.0.0.1", metavar="ADDRESS", help="where to listen (0.0.0.0: all)")
    add("--port", type=int, default=8883, metavar="N", help="with TLS (default 8883)")
    add("--plain-port", type=int, metavar="N", help="also without TLS, for this machine alone")


def run(args: Namespace) -> int:
    """Write the files and say how they are used."""
    from decent_gym.live.broker_files import CONFIGURATION, write_broker_files

    folder = Path(args.out)
    users = write_broker_files(
        folder,
        args.district,
        args.organizations,
        args.observers,
        hosts=args.hosts,
        bind=args.bind,
        port=args.port,
        plain_port=args.plain_port,
    )
    where = f"{args.hosts[0]}:{args.port}"
    lines = [
        f"{len(users)} users: {', '.join(users)}; their passwords are in {folder / 'users.json'}",
        f"mosquitto -c {folder / CONFIGURATION}",
        f"decent-gym serve --broker mqtts://operator:PASSWORD@{where} "
        f"--ca {folder / 'tls/ca.crt'} --external {' '.join(args.organizations)} "
        "--ledger live.ledger",
    ]
    if os.geteuid() == 0:
        lines.insert(1, f"you are root: add 'user root' to {folder / CONFIGURATION} before")
    out().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    return 0
