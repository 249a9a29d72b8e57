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
from decent_gym.ledger import Ledger
from decent_gym.simulation.recording import MEMORY, header_of, open_ledger

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
        _check_mqtt(args.mqtt)
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


def _check_mqtt(url: str) -> None:
    from decent_gym.views.mqtt_link import Address, load_paho

    load_paho()
    if url.partition(":")[0] != "embedded":
        Address.parse(url)


@contextmanager
def outputs(args: Namespace, episode: "Episode", simulation: "Simulation") -> Iterator[Outputs]:
    """Listen to the rounds of `simulation`; on leaving, everything is on disk and published."""
    header = header_of(simulation.operator, episode.scenario.digest, episode.seed)
    with ExitStack() as stack:
        where, sync = _folder(args, stack), "checkpoint" if args.mqtt is None else "round"
        meta: dict[str, Any] = {} if where == MEMORY else episode.meta(Path(where))
        ledger = stack.enter_context(open_ledger(where, header, meta, sync))
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
    from decent_gym.views.mqtt_outbox import Publisher

    district = episode.scenario.members[0].organization.district
    publisher = Publisher(args.mqtt, folder, district)
    if not args.quiet:
        note(f"publishing to {publisher.address}, topics decent/v1/{district}/#")
    return publisher
