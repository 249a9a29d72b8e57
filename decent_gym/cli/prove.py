"""``decent-gym prove``: a file that shows somebody else what is in a ledger."""

from argparse import Namespace
from pathlib import Path
from typing import Final

from decent_gym.cli.console import out, write_json
from decent_gym.cli.parser import Parser

SUMMARY: Final = "prove to somebody else that an offer or a round is in a ledger"
DETAILS: Final = """\
Writes a file that needs nothing beside it but a checkpoint: the record, its way up the Merkle tree
to the ledger's last checkpoint, and with --from that this continues an older one.  Offers are named
by their id, or, where they have none, by the number that the market gave them.

  decent-gym prove market.ledger --round 20172 --organization building_03 --out mine.proof
  decent-gym verify --proof mine.proof --checkpoint held.txt --key operator.pub
"""


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    add = parser.add_argument
    add("path", metavar="LEDGER", help="the ledger's folder")
    add("--round", type=int, metavar="N", help="a round by its number")
    add("--offer", type=int, metavar="ID", help="an offer by its id")
    add("--sequence", type=int, metavar="N", help="an offer by the market's own number")
    add("--organization", metavar="NAME", help="only the offers of this one")
    add("--from", dest="since", metavar="FILE", help="an older checkpoint that is continued")
    add("--checkpoint", metavar="FILE", help="prove under this one, not the ledger's last")
    add("--out", required=True, metavar="FILE", help="where the proof goes")
    add("--json", action="store_true", help="print one JSON object")


def run(args: Namespace) -> int:
    """Make the proof and write it."""
    from decent_gym.audit.signatures import signed_offers_of
    from decent_gym.ledger import Checkpoint, prove

    proof = prove(
        args.path,
        round=args.round,
        offer=args.offer,
        sequence=args.sequence,
        organization=args.organization,
        since=None if args.since is None else Checkpoint.read(args.since),
        checkpoint=None if args.checkpoint is None else Checkpoint.read(args.checkpoint),
    )
    signed = signed_offers_of(proof)
    data = proof.to_bytes()
    Path(args.out).write_bytes(data)
    record = None if proof.record is None else proof.record.index
    if args.json:
        facts = {"bytes": len(data), "record": record, "size": proof.checkpoint.size}
        origin = proof.checkpoint.origin
        write_json({"proof": args.out, "origin": origin, "signed": signed, **facts})
    else:
        what = "" if record is None else f"record {record} "
        since = "" if proof.since is None else f", which continues {proof.since.size}"
        text = (
            f"{args.out}: {len(data):,} bytes, {what}under the checkpoint of "
            f"{proof.checkpoint.origin} at {proof.checkpoint.size} records{since}"
        )
        for line in (text, *signed):
            out().print(line, highlight=False, soft_wrap=True, markup=False)
    return 0
