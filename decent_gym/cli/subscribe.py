"""``decent-gym subscribe``: hear every round of a district, each once, and check what is heard."""

import sys
from argparse import Namespace
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from decent_gym.cli.console import complain, note, terminable
from decent_gym.cli.parser import Parser
from decent_gym.errors import DataError, InputError, plain
from decent_gym.json_text import load_json
from decent_gym.live.reading import MESSAGE_CAP
from decent_gym.models import Commodity
from decent_gym.units import eur_per_kwh

if TYPE_CHECKING:
    from decent_gym.live.follower import Taken

SUMMARY: Final = "hear every round that a district publishes, each once, and check it"
DETAILS: Final = """\
Drops what comes twice, fetches what is missing (from the market itself, or from a copy of the
ledger), and checks that every round links to the one before.  With --reclear it also fetches the
record of every round, from the first, clears it again, and compares it with what was published.
--keep also writes these records into a copy of the ledger of your own: verify, prove and cosign
work on it, and a market that later tells another past is found out.

  decent-gym subscribe --broker mqtt://localhost --district rural
  decent-gym subscribe --broker mqtts://observer:SECRET@localhost --ca broker/tls/ca.crt --reclear
  decent-gym subscribe --broker mqtt://localhost --keep mine

It ends with exit code 1 as soon as somebody has changed the past or published what is not so.
"""


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    add = parser.add_argument
    add("--broker", default="mqtt://localhost", metavar="URL", help="mqtt:// or mqtts://")
    add("--password-file", metavar="FILE", help="its first line is the password of the URL's user")
    add("--ca", metavar="FILE", help="certificate of the authority that signed the broker's")
    add("--district", default="rural", metavar="NAME", help="part of the topics (default rural)")
    add("--ledger", metavar="PATH", help="fetch what is missing here, instead of asking the market")
    add("--from-start", action="store_true", help="begin with the ledger's first round")
    add("--reclear", action="store_true", help="clear every round again, from the first")
    add("--keep", metavar="FOLDER", help="keep a copy of every record here; implies --reclear")
    add("--rounds", type=int, metavar="N", help="leave after so many rounds")
    add("--json", action="store_true", help="print every round as published, one JSON a line")


def run(args: Namespace) -> int:
    """Listen until the rounds are heard or somebody interrupts; 1 if something is not so."""
    from decent_gym.live.own_copy import OwnCopies
    from decent_gym.live.session import trusting, with_password
    from decent_gym.live.subscriber import Subscriber

    if args.rounds is not None and args.rounds < 1:
        raise InputError(f"--rounds must be 1 or more, got {args.rounds}")
    if args.ledger is not None and not Path(args.ledger).is_dir():
        raise InputError(f"--ledger: there is no ledger at {args.ledger}")
    heard = _Heard(args.rounds, args.json)
    with (
        terminable(),
        nullcontext() if args.keep is None else OwnCopies(Path(args.keep)) as copies,
        Subscriber(
            with_password(args.broker, args.password_file),
            args.district,
            ledger=None if args.ledger is None else Path(args.ledger),
            from_start=args.from_start,
            reclear=args.reclear or args.keep is not None,
            keep=None if copies is None else copies.take,
            tls=trusting(args.ca),
        ) as subscriber,
    ):
        fraud = None
        try:
            subscriber.run(heard.taken, heard.status, heard.is_over)
        except DataError as error:
            fraud = error  # the last word
        finally:
            note(
                f"{heard.rounds} rounds, {subscriber.fetched} of them fetched, "
                f"{subscriber.dropped} came again, head {subscriber.head}"
            )
            if copies is not None and subscriber.ledger is not None:
                note(f"kept in {copies.place(subscriber.ledger)}")
            if subscriber.missing is not None:
                note("records {} to {} are missing".format(*subscriber.missing))
        if fraud is not None:
            complain(fraud)
    return 0 if fraud is None else 1


class _Heard:
    def __init__(self, wanted: int | None, as_json: bool) -> None:
        self.rounds = 0
        self._wanted = wanted
        self._as_json = as_json
        self._ledger: str | None = None

    def is_over(self) -> bool:
        return self._wanted is not None and self.rounds >= self._wanted

    def taken(self, one: "Taken") -> None:
        self.rounds += 1
        ledger = one.message["ledger"]
        if ledger != self._ledger:
            note(f"{'the' if self._ledger is None else 'another'} ledger is {ledger}")
            self._ledger = ledger
        if self._as_json:
            sys.stdout.write(one.payload.decode() + "\n")
        else:
            sys.stdout.write(plain(_line(one.message, one.is_fetched)) + "\n")
        sys.stdout.flush()

    def status(self, payload: bytes) -> None:
        try:
            text = load_json(payload, MESSAGE_CAP)["status"]
        except (ValueError, TypeError, KeyError):
            return
        note(f"the publisher is {str(text)[:20]!r}")


def _line(message: dict[str, Any], is_fetched: bool) -> str:
    books = []
    for commodity in Commodity:
        book = message[commodity.name.lower()]
        price = book["price"]
        shown = "no trade" if price is None else f"{eur_per_kwh(price):.4f} EUR/kWh"
        books.append(
            f"{commodity.name.lower()} {book['volume'] / 1000:.3f} kWh {shown}, "
            f"{book['accepted']} of {book['offers']} offers"
        )
    how = "fetched" if is_fetched else "heard"
    return f"{message['round']:6d}  {message['time']}  {'  '.join(books)}  {how}"
