"""``decent-gym replay``: step a recorded episode again and compare its head."""

from argparse import Namespace
from dataclasses import asdict
from typing import Final

from decent_gym.cli.console import out, progress, write_json
from decent_gym.cli.parser import Parser

SUMMARY: Final = "step a recorded episode again from its seed and actions, compare the heads"
DETAILS: Final = """\
Builds the scenario named in meta.json, checks its digest against the ledger's header, and steps
the whole simulation again.  Names the first round that comes out otherwise, and in what.

  decent-gym run --ledger market.ledger
  decent-gym replay market.ledger
"""


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="the ledger's folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(args: Namespace) -> int:
    """Replay; 0 if the head is the same, 1 if it is not."""
    from decent_gym.replay import read_recording, replay

    total = read_recording(args.path).rounds
    with progress("stepping again", total, quiet=args.quiet) as advance:
        result = replay(args.path, on_round=advance)
    if args.json:
        write_json({"path": str(args.path), **asdict(result)})
    else:
        style = "green" if result else "red"
        out().print(str(result), style=style, highlight=False, soft_wrap=True, markup=False)
    return 0 if result else 1
