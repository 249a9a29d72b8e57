"""The command ``decent-gym``; one file a command.

A command is a module with ``SUMMARY`` (one line), ``DETAILS``, ``arguments(parser)`` and
``run(args) -> exit code``.  What is heavy it imports when it runs.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import metadata
from typing import Final

from decent_gym.cli import (
    broker_config,
    compare,
    cosign,
    export,
    keygen,
    prove,
    replay,
    rotate,
    run,
    scenarios,
    serve,
    settle,
    subscribe,
    verify,
    witness,
)
from decent_gym.cli.console import complain
from decent_gym.cli.parser import Parser, refuse_leftovers
from decent_gym.errors import DecentGymError

COMMANDS: Final = {
    "run": run,
    "verify": verify,
    "replay": replay,
    "compare": compare,
    "export": export,
    "scenarios": scenarios,
    "serve": serve,
    "subscribe": subscribe,
    "broker-config": broker_config,
    "keygen": keygen,
    "prove": prove,
    "witness": witness,
    "cosign": cosign,
    "rotate": rotate,
    "settle": settle,
}

OK: Final = 0
MISTAKE: Final = 2
INTERRUPTED: Final = 130

_EXIT_CODES = """\
exit codes:
  0    success
  1    a verification, replay, comparison, witness, subscriber or contract found a difference, or
       rounds could not be published
  2    the command line, a file or a scenario is wrong; one line on stderr says what
  130  interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        0 on success, 1 for a failed verification, replay or comparison, 2 for a mistake, 130 if
        interrupted.
    """
    try:
        args = _read(sys.argv[1:] if argv is None else list(argv))
        if isinstance(args, int):
            return args
        return int(COMMANDS[args.command].run(args))
    except (DecentGymError, OSError) as error:
        complain(error)
        return MISTAKE
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED


def _read(argv: list[str]) -> Namespace | int:
    parser = Parser(
        prog="decent-gym",
        description="A local market for heat and electricity that you can train trading agents in.",
        epilog=_EXIT_CODES,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    parsers = {}
    for name, command in COMMANDS.items():
        details = f"{command.SUMMARY}\n\n{command.DETAILS}"
        parsers[name] = commands.add_parser(
            name, help=command.SUMMARY, description=details, epilog=_EXIT_CODES
        )
        command.arguments(parsers[name])
    try:
        args, leftovers = parser.parse_known_args(argv)
    except SystemExit:  # argparse has printed the help
        return OK
    refuse_leftovers(parsers.get(args.command, parser), leftovers)
    if args.version:
        return _print_version()
    if args.command is None:
        parser.error("which command?")
    return args


def _print_version() -> int:
    try:
        text = metadata.version("decent-gym")
    except metadata.PackageNotFoundError:
        text = "0+checkout"
    sys.stdout.write(f"decent-gym {text}\n")
    return OK


__all__ = ["COMMANDS", "main"]
