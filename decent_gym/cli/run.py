"""``decent-gym run``: run a district and say what everybody paid."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any, Final

from decent_gym.cli.console import complain, out, progress, write_json
from decent_gym.cli.parser import Parser

if TYPE_CHECKING:
    from decent_gym.cli.episode import Episode

SUMMARY: Final = "run a district's market round by round and report money, energy and prices"
DETAILS: Final = """\
Scripted traders act for everybody.  Without --start the seed draws a midnight of the split, the
same one as in the environments.  The report compares every organization's score (money plus the
value of what it has stored) with what the same load would have cost straight from the utility,
without flexibility and without a local market.

  decent-gym run
  decent-gym run --start 2016-04-15 --ledger april.ledger --plot april.png
  decent-gym run --ledger signed.ledger --key operator --checkpoint-every 96
  decent-gym run --trader no_flexibility --trader building_03=zero_intelligence
  decent-gym run --scenario synthetic --set organizations=50 --set utility=residual --json
"""
WEEK: Final = 672


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    add = parser.add_argument
    what = parser.add_argument_group("what to run")
    what.add_argument(
        "--scenario", default="rural", metavar="NAME", help="a name or a .toml file (default rural)"
    )
    what.add_argument("--tariff", metavar="NAME", help="short for --set tariff=NAME")
    what.add_argument("--mechanism", metavar="NAME", help="short for --set mechanism=NAME")
    what.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the scenario, such as price_rule=1/3; may be repeated",
    )
    what.add_argument(
        "--trader",
        action="append",
        default=[],
        metavar="[ORGANIZATION=]NAME",
        help="the scripted trader of everybody, or of one; may be repeated",
    )
    when = parser.add_argument_group("when")
    when.add_argument(
        "--start",
        metavar="ROUND|DATE",
        help="first round, or an ISO date in the scenario's standard time",
    )
    when.add_argument(
        "--split",
        default="train",
        choices=("train", "validation", "test"),
        help="days from which the seed draws the start (default train)",
    )
    when.add_argument(
        "--rounds", type=int, default=WEEK, metavar="N", help="15 minutes each (default a week)"
    )
    when.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random")
    add("--ledger", metavar="PATH", help="record every round in a new folder")
    add("--key", metavar="FILE", help="sign checkpoints of the ledger with this private key")
    add(
        "--checkpoint-every",
        type=int,
        metavar="N",
        help="rounds between two checkpoints (with --key 96, else none)",
    )
    add("--origin", metavar="NAME", help="the ledger's name, if not the key's")
    add("--mqtt", metavar="URL", help="publish every round to this broker, or 'embedded'")
    add("--password-file", metavar="FILE", help="its first line is the password of the URL's user")
    add("--ca", metavar="FILE", help="certificate of the authority that signed the broker's")
    add("--plot", metavar="FILE.png", help="draw prices, volumes and the energy balance")
    add("--json", action="store_true", help="print one JSON object")
    add("--quiet", action="store_true", help="show no progress and no table")


def run(args: Namespace) -> int:
    """Run the episode and report it; 1 if rounds could not be published."""
    from decent_gym.cli.episode import read_episode
    from decent_gym.cli.outputs import check_outputs

    check_outputs(args)
    summary = _run(read_episode(args), args)
    if args.json:
        write_json(summary)
    elif not args.quiet:
        _report(summary)
    unpublished = summary["unpublished"]
    if unpublished:
        where = f"; the ledger {args.ledger} has them" if args.ledger else ""
        complain(f"{unpublished} rounds are not published to {args.mqtt.rpartition('@')[2]}{where}")
        return 1
    return 0


def _run(episode: "Episode", args: Namespace) -> dict[str, Any]:
    from decent_gym.cli.outputs import outputs
    from decent_gym.cli.summary import summarise
    from decent_gym.metrics import EnergyLog, SeriesRecorder
    from decent_gym.simulation import Simulation
    from decent_gym.views.recorder import Recorder

    scenario = episode.scenario
    simulation = Simulation(scenario, traders=episode.traders)
    simulation.reset([episode.seed], [episode.start])
    names = [member.name for member in scenario.members]
    recorder, rounds = SeriesRecorder(names, episode.utility), Recorder()
    log = EnergyLog(simulation)
    with outputs(args, episode, simulation) as found:
        simulation.operator.listen(0, recorder)
        if args.plot:
            simulation.operator.listen(0, rounds)
        with progress(scenario.name, episode.rounds, quiet=args.quiet) as advance:
            for done in range(episode.rounds):
                log.step()
                advance(done + 1)
        head = found.ledger.head
    summary = summarise(episode, simulation, recorder.series(), log, head)
    summary |= {"ledger": args.ledger, "plot": args.plot}
    summary |= {"published": found.published, "unpublished": found.unpublished}
    if args.plot:
        from decent_gym.views.plot import plot_rounds

        plot_rounds(list(rounds.rounds), names, args.plot)
    return summary


def _report(summary: dict[str, Any]) -> None:
    from decent_gym.cli.tables import district_table, energy_table, money_table

    console = out()
    options = "".join(f", {key}={value}" for key, value in summary["options"].items())
    console.print(
        f"{summary['scenario']}{options}: {summary['rounds']} rounds from round "
        f"{summary['start']['round']} ({summary['start']['time']}), seed {summary['seed']}",
        markup=False,
        highlight=False,
    )
    for table in (money_table, energy_table, district_table):
        console.print(table(summary))
    state = "sum to 0 (checked)" if summary["accounts_checked"] else "DO NOT sum to 0"
    lines = [f"accounts {state}", f"head {summary['head']}"]
    lines += [f"{key} {summary[key]}" for key in ("ledger", "plot", "published") if summary[key]]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
