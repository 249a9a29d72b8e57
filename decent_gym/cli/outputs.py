"""Where the rounds of a run go besides the report: a ledger, MQTT, a plot."""

import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from decent_gym.cli.console import note
from decent_gym.errors import InputError, MissingExtraError
from decent_gym.ledger import Checkpoints, Ledger, SigningKey
from decent_gym.ledger.keeper import operator_key
from decent_gym.simulation.recording import MEMORY, header_of, open_ledger
from decent_gym.units import ROUNDS_PER_DAY, checked_int

if TYPE_CHECKING:
    from decent_gym.cli.episode import Episode
    from decent_gym.simulation import Simulation

_PUBLISH_SECONDS: Final = 120.0


@dataclass(slots=True)
class Outputs:
    """What a run leaves behind.

    Attributes
    ----------
    ledger : Ledger
        In a folder, or in memory if none was asked for.
    published, unpublished : int or None
        Rounds that the MQTT broker has acknowledged, and those it has not; None without MQTT.
    """

    ledger: Ledger
    published: int | None = None
    unpublished: int | None = None


def check_outputs(args: Namespace) -> None:
    """What cannot be written shall be known before the run.

    Raises
    ------
    InputError
        Naming the argument.
    MissingExtraError
        For a package that an argument needs.
    """
    if args.mqtt is not None:
        _check_mqtt(args)
    elif args.password_file is not None or args.ca is not None:
        raise InputError("--password-file and --ca belong to --mqtt URL")
    checkpoints_of(args)
    if args.plot is None:
        return
    path = Path(args.plot)
    if path.suffix.lower() != ".png":
        raise InputError(f"--plot must end in .png, got {args.plot!r}")
    if not path.absolute().parent.is_dir():
        raise InputError(f"--plot: there is no folder {path.parent}; make it first")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError("matplotlib", "plot", "--plot") from None


def checkpoints_of(args: Namespace) -> Checkpoints | None:
    """Which checkpoints the arguments ask for.

    Raises
    ------
    InputError
        Without a ledger to put them in, for a key that cannot be read, or a wrong number or name.
    MissingExtraError
        A key needs ``cryptography``.
    """
    if args.key is None and args.checkpoint_every is None and args.origin is None:
        return None
    if args.ledger is None:
        raise InputError("--key, --checkpoint-every and --origin need --ledger PATH")
    key = None if args.key is None else SigningKey.read(args.key)
    every = ROUNDS_PER_DAY if args.checkpoint_every is None else args.checkpoint_every
    return Checkpoints(checked_int(every, "--checkpoint-every", 1, 2**31), key, args.origin)


def _check_mqtt(args: Namespace) -> None:
    from decent_gym.live.session import trusting, with_password
    from decent_gym.views.mqtt_link import Address, load_paho

    load_paho()
    trusting(args.ca)
    url = with_password(args.mqtt, args.password_file)
    if url.partition(":")[0] != "embedded":
        Address.parse(url)


@contextmanager
def outputs(args: Namespace, episode: "Episode", simulation: "Simulation") -> Iterator[Outputs]:
    """Listen to the rounds of `simulation`; on leaving, everything is on disk and published."""
    checkpoints = checkpoints_of(args)
    header = header_of(
        simulation.operator,
        episode.scenario.digest,
        episode.seed,
        operator_key=operator_key(checkpoints),
    )
    with ExitStack() as stack:
        where, sync = _folder(args, stack), "checkpoint" if args.mqtt is None else "round"
        meta: dict[str, Any] = {} if where == MEMORY else episode.meta(Path(where))
        ledger = stack.enter_context(open_ledger(where, header, meta, sync, checkpoints))
        found = Outputs(ledger)
        simulation.operator.listen(0, ledger)
        if args.mqtt is None:
            yield found
            return
        with _publisher(args, episode, Path(where)) as publisher:
            simulation.operator.listen(0, publisher)
            yield found
            ledger.flush()
            found.unpublished = publisher.close(_PUBLISH_SECONDS)
            found.published = publisher.published


def _folder(args: Namespace, stack: ExitStack) -> str:
    if args.ledger is not None:
        return str(args.ledger)
    if args.mqtt is None:
        return MEMORY
    # the publisher reads what it sends from a ledger on disk
    return str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "ledger")


def _publisher(args: Namespace, episode: "Episode", folder: Path) -> Any:
    from decent_gym.live.session import trusting, with_password
    from decent_gym.views.mqtt_outbox import Publisher

    district = episode.scenario.members[0].organization.district
    url = with_password(args.mqtt, args.password_file)
    publisher = Publisher(url, folder, district, tls=trusting(args.ca))
    if not args.quiet:
        note(f"publishing to {publisher.address}, topics decent/v1/{district}/#")
    return publisher
