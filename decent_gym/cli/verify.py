"""``decent-gym verify``: check that a ledger is what it claims to be."""

from argparse import Namespace
from dataclasses import asdict
from typing import Final

from decent_gym.cli.console import out, progress, write_json
from decent_gym.cli.parser import Parser

SUMMARY: Final = "check a ledger: hashes, encoding, and every round cleared again"
DETAILS: Final = """\
Hashes every record again, clears every round again from its offers and follows energy, money and
accounts.  Names the first round that differs.  That the file's end was not cut off exactly between
two rounds only a head kept elsewhere can show: --expect-head.

  decent-gym run --ledger market.ledger
  decent-gym verify market.ledger
"""


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="the ledger's folder")
    parser.add_argument(
        "--no-reclear",
        dest="reclear",
        action="store_false",
        help="check hashes, encoding and times alone",
    )
    parser.add_argument(
        "--expect-head", metavar="HASH", help="the head as somebody else kept it (64 hex digits)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(args: Namespace) -> int:
    """Verify; 0 if the ledger is good, 1 if it is not."""
    from decent_gym.audit import verify

    what = "clearing again" if args.reclear else "hashing again"
    with progress(what, None, quiet=args.quiet):
        result = verify(args.path, reclear=args.reclear, expected_head=args.expect_head)
    if args.json:
        write_json({"path": str(args.path), "reclear": args.reclear, **asdict(result)})
    else:
        how = "cleared again" if args.reclear else "hashed again"
        text = f"ok: {result.rounds} rounds {how}, head {result.head}" if result else str(result)
        style = "green" if result else "red"
        out().print(text, style=style, highlight=False, soft_wrap=True, markup=False)
    return 0 if result else 1
