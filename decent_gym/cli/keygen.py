"""``decent-gym keygen``: a key to sign with."""

from argparse import Namespace
from typing import Final

from decent_gym.cli.console import out, write_json
from decent_gym.cli.parser import Parser

SUMMARY: Final = "make a key with which an operator, an organization or a witness signs"
DETAILS: Final = """\
Writes the private key to FILE, for its owner alone (mode 0600), and the public one to FILE.pub;
neither is ever overwritten.  The name is by habit an address without scheme; an operator's is the
name of its ledger, and one name is one ledger; an organization's is
DISTRICT/ORGANIZATION.  Needs the extra 'trust'.

  decent-gym keygen --name district.example/rural --out operator
  decent-gym keygen --name rural/building_03 --out building_03
  decent-gym keygen --name neighbour.example/witness --witness --out witness
"""


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("--name", required=True, help="whose key it is; no spaces, no '+'")
    parser.add_argument("--out", required=True, metavar="FILE", help="where the private key goes")
    parser.add_argument("--witness", action="store_true", help="a witness's key, not an operator's")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: Namespace) -> int:
    """Make the key and say its public half."""
    from decent_gym.ledger import KeyKind, SigningKey

    kind = KeyKind.WITNESS if args.witness else KeyKind.LOG
    key = SigningKey.generate(args.name, kind)
    public = key.write(args.out)
    if args.json:
        files = {"private": args.out, "public": str(public)}
        write_json({"name": key.name, "kind": kind.name.lower(), "key": str(key.verifier), **files})
    else:
        text = f"{key.verifier}\nprivate key {args.out}, public key {public}"
        out().print(text, highlight=False, soft_wrap=True, markup=False)
    return 0
