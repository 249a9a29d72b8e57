"""``decent-gym serve``: run a district by the clock and trade with whoever publishes offers."""

import json
import logging
import signal
import sys
import tempfile
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from decent_gym.cli.console import complain, note
from decent_gym.cli.parser import Parser
from decent_gym.errors import InputError
from decent_gym.files import open_regular
from decent_gym.json_text import load_json
from decent_gym.models import Commodity
from decent_gym.units import eur_per_kwh

if TYPE_CHECKING:
    from decent_gym.cli.episode import Episode
    from decent_gym.live.market import Closed
    from decent_gym.live.plan import LivePlan

SUMMARY: Final = "run a district by the clock and trade with participants over MQTT"
DETAILS: Final = """\
Scripted traders act for everybody but those named by --external: these are driven by whoever
publishes to decent/v1/DISTRICT/offers/ORGANIZATION, a building or
"python -m agents.participant".  Every message is answered by a receipt, every round by a
settlement.  With --keys the offers of organizations whose public keys are there must be signed, and
the ledger keeps the signatures.  The ledger comes first: run the same command again after a crash,
and it goes on with the next round.  "decent-gym broker-config" writes what mosquitto needs: TLS,
users, access list.

  decent-gym serve --broker embedded:1883 --external building_03 --ledger live.ledger
  decent-gym serve --broker mqtts://operator:SECRET@localhost --ca broker/tls/ca.crt \\
      --speed 60 --external building_03 building_08 --ledger live.ledger --key operator
"""
_SHORTEST: Final = 96


def arguments(parser: Parser) -> None:
    """Describe the command's arguments."""
    add = parser.add_argument
    add("--broker", default="embedded", metavar="URL", help="mqtt://, mqtts:// or embedded[:port]")
    add("--password-file", metavar="FILE", help="its first line is the password of the URL's user")
    add("--ca", metavar="FILE", help="certificate of the authority that signed the broker's")
    add("--ledger", metavar="PATH", help="where the rounds are recorded, or were until a crash")
    add("--speed", default="900x", metavar="Nx", help="how much faster than the world (900x: 1 s)")
    add("--rounds", type=int, metavar="N", help="stop when the ledger holds so many")
    add("--external", nargs="+", default=[], metavar="NAME", help="who is driven from outside")
    add("--key", metavar="FILE", help="sign checkpoints of the ledger with this private key")
    add("--checkpoint-every", type=int, metavar="N", help="rounds between two (with --key 96)")
    add("--origin", metavar="NAME", help="the ledger's name, if not the key's")
    add("--keys", metavar="PATH", help="public keys with which offers from outside must be signed")
    add("--json", action="store_true", help="print one JSON object a round")
    add("--quiet", action="store_true", help="print nothing a round")
    what = parser.add_argument_group("what to run, as in 'decent-gym run'")
    what.add_argument("--scenario", default="rural", metavar="NAME")
    what.add_argument("--tariff", metavar="NAME")
    what.add_argument("--mechanism", metavar="NAME")
    what.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    what.add_argument("--trader", action="append", default=[], metavar="[ORGANIZATION=]NAME")
    what.add_argument("--start", metavar="ROUND|DATE")
    what.add_argument("--seed", type=int, default=0, metavar="N")


def run(args: Namespace) -> int:
    """Serve until the rounds are done or somebody interrupts; 1 if rounds are not published."""
    from decent_gym.cli.outputs import checkpoints_of
    from decent_gym.live.market import LiveMarket
    from decent_gym.live.session import trusting, with_password

    speed = _speed(args.speed)
    broker = with_password(args.broker, args.password_file)
    if args.broker.partition(":")[0] == "embedded":
        for name in ("amqtt", "asyncio"):  # they tell at length of every client that leaves
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    tls, checkpoints = trusting(args.ca), checkpoints_of(args)
    with _interrupts() as stopped, ExitStack() as stack:
        folder = _folder(args, stack)
        episode = _episode(args, folder)
        plan = _plan(args, episode, folder, speed)
        market = LiveMarket(plan, folder, broker, tls=tls, checkpoints=checkpoints)
        try:
            _introduce(market, folder, args)
            until = args.rounds or plan.scenario.rounds
            market.run(until, lambda closed: _tell(closed, args), stopped.is_set)
        finally:
            unpublished = market.close()
        note(f"{market.rounds} rounds, head {market.head}")
    if market.dropped or market.late:
        note(f"{market.dropped} messages dropped, {market.late} gates late")
    if unpublished:
        complain(f"{unpublished} rounds are not published; the ledger {folder} has them")
        return 1
    return 0


def _speed(text: str) -> float:
    try:
        return float(text.removesuffix("x"))
    except ValueError:
        raise InputError(f"--speed must be a number such as 900x, got {text!r}") from None


def _folder(args: Namespace, stack: ExitStack) -> Path:
    if args.ledger is not None:
        return Path(args.ledger)
    note("no --ledger: the rounds are kept until this ends, and a crash cannot be survived")
    return Path(stack.enter_context(tempfile.TemporaryDirectory())) / "ledger"


def _episode(args: Namespace, folder: Path) -> "Episode":
    from decent_gym.cli.episode import read_episode
    from decent_gym.ledger.segments import META, META_BYTES_CAP

    start = args.start
    meta = folder / META
    if start is None and meta.is_file():
        try:
            with open_regular(meta) as file:
                start = str(load_json(file.read(META_BYTES_CAP + 1), META_BYTES_CAP)["start"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{meta} does not say the first round ({error}); give --start"
            ) from None
    rounds = 1 if start is not None else _SHORTEST
    return read_episode(
        Namespace(**{**vars(args), "start": start, "rounds": rounds, "split": "train"})
    )


def _plan(args: Namespace, episode: "Episode", folder: Path, speed: float) -> "LivePlan":
    from decent_gym.ledger.member_keys import read_member_keys
    from decent_gym.live.plan import LivePlan

    if args.rounds is not None and args.rounds < 1:
        raise InputError(f"--rounds must be 1 or more, got {args.rounds}")
    told = episode.meta(folder)
    keys = () if args.keys is None else read_member_keys(args.keys)
    return LivePlan(
        scenario=episode.scenario,
        external=tuple(args.external),
        traders=episode.traders,
        seed=episode.seed,
        start=episode.start,
        speed=speed,
        meta={key: told[key] for key in ("scenario", "options")},
        keys=keys,
    )


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets, so that a round is never torn in the middle."""
    stopped = threading.Event()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, lambda *_: stopped.set())
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _introduce(market: Any, folder: Path, args: Namespace) -> None:
    plan = market.plan
    seconds = 900 / plan.speed
    who = ", ".join(plan.external) or "nobody (all are scripted)"
    note(f"serving {plan.scenario.name} to {market.address}, topics {market.topics.root}/#")
    note(f"a round lasts {seconds:g} s; driven from outside: {who}; ledger {folder}")
    if signed := plan.member_keys():
        note(f"offers must be signed by: {', '.join(signed)}")
    if market.recovered:
        note(f"{market.recovered} rounds stepped again from the ledger, all the same")


def _tell(closed: "Closed", args: Namespace) -> None:
    record = closed.record
    if args.json:
        fact = {
            "round": record.number,
            "taken": closed.taken,
            "refused": closed.refused,
            "seconds": round(closed.seconds, 6),
            **{c.name.lower(): record.books[c].volume for c in Commodity},
        }
        sys.stdout.write(json.dumps(fact) + "\n")
    elif not args.quiet:
        books = "  ".join(_book(record, commodity) for commodity in Commodity)
        sys.stdout.write(
            f"{record.number:6d}  {record.time:%Y-%m-%d %H:%M}  {books}  "
            f"{closed.taken} offers taken, {closed.refused} refused\n"
        )
    sys.stdout.flush()


def _book(record: Any, commodity: Commodity) -> str:
    book = record.books[commodity]
    price = "no trade" if book.price is None else f"{eur_per_kwh(book.price):.4f} EUR/kWh"
    return f"{commodity.name.lower()} {book.volume / 1000:.3f} kWh {price}"
