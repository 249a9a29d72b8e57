"""``decent-gym rotate``: hand a ledger over to another key."""

from argparse import Namespace
from typing import Final

from decent_gym.cli.console import out, write_json
from decent_gym.cli.parser import Parser

SUMMARY: Final = "hand a ledger over to the operator's next key"
DETAILS: Final = """\
Writes a record with which the old key introduces the new one, and a checkpoint that both have
signed.  From there on only the new key signs.  The ledger must be closed, the names equal.

  decent-gym keygen --name district.example/rural --out operator2
  decent-gym rotate market.ledger --key operator --to operator2
"""


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("path", metavar="LEDGER", help="the ledger's folder")
    parser.add_argument("--key", required=True, metavar="FILE", help="the private key until now")
    parser.add_argument("--to", required=True, metavar="FILE", help="the private key from now on")
    parser.add_argument("--origin", metavar="NAME", help="the ledger's name, if not the key's")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: Namespace) -> int:
    """Hand over; 0 once it is on the disk."""
    from decent_gym.ledger import Checkpoints, Ledger, SigningKey

    old, new = SigningKey.read(args.key), SigningKey.read(args.to)
    with Ledger.resume(args.path, checkpoints=Checkpoints(key=old, origin=args.origin)) as ledger:
        checkpoint = ledger.rotate(old, new)
    if args.json:
        write_json({"path": args.path, "record": checkpoint.size - 1, "key": str(new.verifier)})
    else:
        text = f"record {checkpoint.size - 1} hands over to {new.verifier}"
        out().print(text, highlight=False, soft_wrap=True, markup=False)
    return 0
