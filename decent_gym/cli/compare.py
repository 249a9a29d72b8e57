"""``decent-gym compare``: the same books under every mechanism."""

from argparse import Namespace
from typing import TYPE_CHECKING, Final

from decent_gym.cli.console import complain, out, progress, write_json
from decent_gym.cli.parser import Parser
from decent_gym.errors import InputError

if TYPE_CHECKING:
    from decent_gym.clearing import Rules
    from decent_gym.cli.compare_books import Source
    from decent_gym.metrics import Measured

SUMMARY: Final = "clear a ledger's books again under other mechanisms, and measure who gains"
DETAILS: Final = """\
Takes the books of a ledger (or fresh order flow), clears them under each mechanism, and says what
share of the possible gains is made, who gets it, what it costs the operator, and how prices behave:
on true values and costs, never on turnover.  It is static: limits stay as they are, nobody adapts.

First the recorded mechanism must give every recorded price and payment again, bit for bit.  Rules
that must clear the members alone have the utility's quotes taken out of the books; it then serves
the rest at its tariffs ("residual").  Intervals are 95 % bootstrap.

  decent-gym run --ledger week.ledger
  decent-gym compare week.ledger
  decent-gym compare week.ledger --mechanism merit_order vcg --out week-compared
  decent-gym compare week.ledger --mechanism merit_order:price_rule=0 merit_order:price_rule=1
"""
WRONG: Final = 1


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    add = parser.add_argument
    add("path", metavar="LEDGER", nargs="?", help="the ledger's folder, as 'run --ledger' makes it")
    add(
        "--mechanism",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="default: all; NAME:price_rule=0,tie_rule=time for a rule of its own",
    )
    add(
        "--values",
        choices=("scenario", "limits"),
        default="scenario",
        help="true values from the scenario, by stepping the episode again (default), or limits "
        "taken as values",
    )
    how = parser.add_argument_group("intervals")
    how.add_argument(
        "--interval",
        choices=("day", "round"),
        help="what is resampled (default: days, if there are 5; else rounds)",
    )
    how.add_argument("--seed", type=int, default=0, metavar="N", help="of what is random")
    add("--out", metavar="FOLDER", help="write compare.json, books.parquet and compare.png there")
    add("--json", action="store_true", help="print one JSON object")
    add("--quiet", action="store_true", help="show no progress and no table")


def run(args: Namespace) -> int:
    """Compare; 0, or 1 if the recorded mechanism does not give what was recorded."""
    from decent_gym.cli.compare_outputs import check_folder, write_all
    from decent_gym.cli.compare_report import report

    if args.path is None:
        raise InputError("give a ledger's folder; 'decent-gym run --ledger PATH' makes one")
    names = _mechanisms(args)
    if args.out is not None:
        check_folder(args.out)
    source = _source(args)
    if source.difference is not None:
        complain(f"cleared again, the recording comes out otherwise: {source.difference}")
        return WRONG
    found = _compare(args, source, names)
    summary = report(source, found, args.seed)
    if args.out is not None:
        summary["out"] = write_all(args.out, summary, source, found)
    if args.json:
        write_json(summary)
    elif not args.quiet:
        from decent_gym.cli.compare_tables import WIDTH, print_report

        print_report(out(WIDTH), summary)
    return 0


def _mechanisms(args: Namespace) -> list[str]:
    """What is asked for, checked before anything is read."""
    from decent_gym.clearing import MECHANISMS, Rules
    from decent_gym.metrics import rules_for

    names = list(dict.fromkeys(args.mechanism)) or list(MECHANISMS)
    for name in names:
        rules_for(name, Rules(utility=None))
    return names


def _source(args: Namespace) -> "Source":
    from decent_gym.cli.compare_books import planned_rounds, recorded_source

    with progress("reading", planned_rounds(args.path), quiet=args.quiet) as advance:
        return recorded_source(args.path, args.values, args.interval, advance)


def _compare(args: Namespace, source: "Source", names: list[str]) -> "list[Measured]":
    from decent_gym.metrics import compare, rules_for

    rules: dict[str, Rules] = {name: rules_for(name, source.rules) for name in names}
    total = len(source.book_set)
    with progress("clearing", len(rules) * total, quiet=args.quiet, unit="books") as advance:
        return compare(
            source.book_set,
            rules,
            unit=source.unit,
            seed=args.seed,
            on_rules=lambda done: advance(done * total),
        )
