"""``decent-gym export``: a ledger's rounds as tables, for analysis in other programs."""

from argparse import Namespace
from typing import Final

from decent_gym.cli.console import out, progress, write_json
from decent_gym.cli.parser import Parser
from decent_gym.errors import InputError

SUMMARY: Final = "write a ledger's rounds as Parquet or CSV tables"
DETAILS: Final = """\
Five tables: rounds, offers, accounts, actions, conversions, with units in the columns' names.  From
the Parquet files the same rounds come back bit for bit, so replay takes them too.

  decent-gym run --ledger market.ledger
  decent-gym export market.ledger --parquet market-tables --csv market-csv
  decent-gym replay market-tables
"""


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="the ledger's folder")
    parser.add_argument("--parquet", metavar="FOLDER", help="a new folder for Parquet files")
    parser.add_argument("--csv", metavar="FOLDER", help="a new folder for CSV files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(args: Namespace) -> int:
    """Export; 0 if everything is written."""
    from decent_gym.ledger import export_tables

    if not args.parquet and not args.csv:
        raise InputError("say where to export to: --parquet FOLDER, --csv FOLDER or both")
    with progress("exporting", None, quiet=args.quiet) as advance:
        done = export_tables(args.path, parquet=args.parquet, csv=args.csv, on_round=advance)
    targets = {"parquet": args.parquet, "csv": args.csv}
    if args.json:
        write_json({"path": args.path, "rounds": done.rounds, "head": done.head, **targets})
    else:
        written = " and ".join(str(path) for path in targets.values() if path)
        text = f"{done.rounds} rounds, head {done.head}, written to {written}"
        out().print(text, highlight=False, soft_wrap=True, markup=False)
    return 0
