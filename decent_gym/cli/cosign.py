"""``decent-gym cosign``: have a ledger's last checkpoint cosigned by a witness."""

from argparse import Namespace
from pathlib import Path
from typing import Final

from decent_gym.cli.console import complain, out, write_json
from decent_gym.cli.parser import Parser
from decent_gym.errors import DataError

SUMMARY: Final = "ask a witness to cosign a ledger's last checkpoint"
DETAILS: Final = """\
Sends the checkpoint with a proof that it continues the one that the witness has seen, and checks
the answer.  The cosigned checkpoint is what to hand to participants.

  decent-gym cosign market.ledger --url http://127.0.0.1:8500 --witness witness.pub --out held.txt
"""


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    add = parser.add_argument
    add("path", metavar="LEDGER", help="the ledger's folder")
    add("--url", required=True, help="where the witness listens")
    add("--witness", required=True, metavar="KEY", help="its public key, or a file with it")
    add("--out", required=True, metavar="FILE", help="where the cosigned checkpoint goes")
    add("--json", action="store_true", help="print one JSON object")


def run(args: Namespace) -> int:
    """Ask; 1 if the witness refuses."""
    from decent_gym.ledger.signing import read_verifier
    from decent_gym.live.cosigning import cosign

    try:
        checkpoint = cosign(args.path, args.url, read_verifier(args.witness))
    except DataError as error:
        complain(error)
        return 1
    Path(args.out).write_bytes(checkpoint.to_bytes())
    if args.json:
        facts = {"origin": checkpoint.origin, "size": checkpoint.size}
        write_json({"checkpoint": args.out, **facts, "root": checkpoint.root.hex()})
    else:
        text = f"{args.out}: {checkpoint.origin} at {checkpoint.size} records, cosigned"
        out().print(text, highlight=False, soft_wrap=True, markup=False)
    return 0
