"""``decent-gym compare``: the same books under every mechanism."""

from argparse import Namespace
from typing import TYPE_CHECKING, Final

from decent_gym.cli.console import complain, out, progress, write_json
from decent_gym.cli.parser import Parser
from decent_gym.errors import InputError

if TYPE_CHECKING:
    from decent_gym.clearing import Rules
    from decent_gym.cli.compare_books import Source
    from decent_gym.metrics import Measured, Regret

SUMMARY: Final = "clear the same books under every mechanism, and measure who gains"
DETAILS: Final = """\
Takes the books of a ledger, or fresh order flow, clears them under each mechanism, and says what
share of the possible gains is made, who gets it, what it costs the operator, and how prices behave:
on true values and costs, never on turnover.  It is static: limits stay as they are, nobody adapts.

First the recorded mechanism must give every recorded price and payment again, bit for bit.  Rules
that must clear the members alone have the utility's quotes taken out of the books; it then serves
the rest at its tariffs ("residual").  Intervals are 95 % bootstrap.

A ledger whose books were cleared together (clearing=coupled) is compared with what two separate
books make of the same offers: heat first, at a forecast of electricity's price, then electricity.

  decent-gym run --ledger week.ledger
  decent-gym compare week.ledger
  decent-gym compare week.ledger --mechanism merit_order vcg --out week-compared
  decent-gym compare week.ledger --mechanism merit_order:price_rule=0 merit_order:price_rule=1
  decent-gym compare week.ledger --best-response building_03
  decent-gym compare --flow uniform --books 1000 --buyers 12 --sellers 12 --seed 0
  decent-gym run --set clearing=coupled --ledger joint.ledger
  decent-gym compare joint.ledger
  decent-gym compare --flow uniform --limits zero_intelligence --mechanism merit_order vcg
"""
WRONG: Final = 1
FLOW_DEFAULTS: Final = {"books": 1000, "buyers": 12, "sellers": 12, "limits": "truthful"}


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
        help="of a ledger: true values from the scenario, by stepping the episode again (default), "
        "or limits taken as values",
    )
    add(
        "--best-response",
        metavar="TRADER",
        help="what lying would earn this organization, the others' limits as they are",
    )
    fresh = parser.add_argument_group("fresh order flow instead of a ledger")
    fresh.add_argument("--flow", metavar="KIND", help="uniform, ties, district, pivotal")
    for name in ("books", "buyers", "sellers"):
        default = f"(default {FLOW_DEFAULTS[name]})"
        fresh.add_argument(f"--{name}", type=int, metavar="N", help=f"how many {default}")
    fresh.add_argument(
        "--limits", metavar="HOW", help="truthful (default), or zero_intelligence: random"
    )
    add(
        "--interval",
        choices=("day", "round"),
        help="what the intervals of a ledger resample (default: days, if there are 5; else rounds)",
    )
    add("--seed", type=int, default=0, metavar="N", help="of everything random")
    add("--out", metavar="FOLDER", help="write compare.json, books.parquet and compare.png there")
    add("--json", action="store_true", help="print one JSON object")
    add("--quiet", action="store_true", help="show no progress and no table")


def run(args: Namespace) -> int:
    """Compare; 0, or 1 if the recorded mechanism does not give what was recorded."""
    from decent_gym.cli.compare_outputs import check_folder, write_all
    from decent_gym.cli.compare_report import report

    _check(args)
    names = _mechanisms(args)
    if args.path is not None:
        from decent_gym.cli.compare_joint import is_coupled, run_joint

        if is_coupled(args.path):
            return run_joint(args)
    if args.out is not None:
        check_folder(args.out)
    source = _source(args)
    if source.difference is not None:
        complain(f"cleared again, the recording comes out otherwise: {source.difference}")
        return WRONG
    rules = _rules(source, names)
    regrets = _regrets(args, source, rules)
    found = _compare(args, source, rules)
    summary = report(source, found, args.seed, regrets)
    if args.out is not None:
        summary["out"] = write_all(args.out, summary, source, found)
    if args.json:
        write_json(summary)
    elif not args.quiet:
        from decent_gym.cli.compare_tables import WIDTH, print_report

        print_report(out(WIDTH), summary)
    return 0


def _check(args: Namespace) -> None:
    """Which options belong together."""
    if (args.path is None) == (args.flow is None):
        raise InputError(
            "give a ledger's folder, which 'decent-gym run --ledger PATH' makes, or --flow KIND "
            "for fresh order flow"
        )
    wrong = ("values", "interval") if args.flow else tuple(FLOW_DEFAULTS)
    for name in wrong:
        if getattr(args, name) is not None:
            other = "a ledger" if args.flow else "--flow"
            raise InputError(f"--{name} belongs to {other}; leave it out")


def _mechanisms(args: Namespace) -> list[str]:
    """What is asked for, checked before anything is read."""
    from decent_gym.clearing import MECHANISMS, Rules
    from decent_gym.metrics import rules_for

    names = list(dict.fromkeys(args.mechanism)) or list(MECHANISMS)
    for name in names:
        rules_for(name, Rules(utility=None))
    return names


def _source(args: Namespace) -> "Source":
    from decent_gym.cli.compare_books import fresh_source, planned_rounds, recorded_source

    if args.flow is not None:
        given = {name: getattr(args, name) for name in FLOW_DEFAULTS}
        known = {name: value for name, value in given.items() if value is not None}
        return fresh_source(args.flow, args.seed, {**FLOW_DEFAULTS, **known})
    with progress("reading", planned_rounds(args.path), quiet=args.quiet) as advance:
        return recorded_source(args.path, args.values or "scenario", args.interval, advance)


def _rules(source: "Source", names: list[str]) -> "dict[str, Rules]":
    from decent_gym.metrics import rules_for

    return {name: rules_for(name, source.rules) for name in names}


def _regrets(args: Namespace, source: "Source", rules: "dict[str, Rules]") -> "dict[str, Regret]":
    """What lying would earn one trader under each rule; nothing unless it is asked for."""
    from decent_gym.metrics import regret_of_truth

    if args.best_response is None:
        return {}
    trader, found, total = args.best_response, {}, len(source.book_set)
    with progress("misreporting", len(rules) * total, quiet=args.quiet, unit="books") as advance:
        for done, (name, rule) in enumerate(rules.items(), 1):
            found[name] = regret_of_truth(source.book_set, rule, trader, seed=args.seed)
            advance(done * total)
    return found


def _compare(args: Namespace, source: "Source", rules: "dict[str, Rules]") -> "list[Measured]":
    from decent_gym.metrics import compare

    total = len(source.book_set)
    with progress("clearing", len(rules) * total, quiet=args.quiet, unit="books") as advance:
        return compare(
            source.book_set,
            rules,
            unit=source.unit,
            seed=args.seed,
            on_rules=lambda done: advance(done * total),
        )
