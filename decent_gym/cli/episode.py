"""What an episode on the command line is made of, read from the arguments and checked at once."""

from argparse import Namespace
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from decent_gym.cli.parser import assignments, parsed_value
from decent_gym.errors import InputError
from decent_gym.registry import unknown_name
from decent_gym.scenarios import Scenario
from decent_gym.scenarios import scenario as find_scenario
from decent_gym.simulation.keys import checked_seed, drawn_start
from decent_gym.simulation.recording import recipe
from decent_gym.traders import TRADERS
from decent_gym.units import ROUND_SECONDS, checked_int

_DAY: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Episode:
    """Which rounds of which scenario to run, and who trades.

    ``options`` are the scenario's keywords, ``traders`` the scripted trader of every member but
    the utility, ``split`` is None where the start was given.
    """

    which: str
    options: Mapping[str, Any]
    scenario: Scenario
    traders: Mapping[str, str]
    seed: int
    start: int
    rounds: int
    split: str | None

    @property
    def utility(self) -> int | None:
        """Index of the organization that stands for the main grid."""
        members = enumerate(self.scenario.members)
        return next((n for n, m in members if m.organization.priority == 1), None)

    @property
    def begins(self) -> datetime:
        """Beginning of the first round, UTC."""
        return datetime.fromtimestamp(self.scenario.start + self.start * ROUND_SECONDS, UTC)

    def meta(self, ledger: Path) -> dict[str, Any]:
        """What a replay of this episode needs, for ``meta.json`` in the folder `ledger`."""
        return {
            "face": "cli",
            **recipe(ledger, self.which, self.options),
            "learners": [],
            "traders": dict(self.traders),
            "seed": self.seed,
            "start": self.start,
            "rounds": self.rounds,
            "split": self.split,
        }


def read_episode(args: Namespace) -> Episode:
    """Everything the arguments say, checked before anything is run or written.

    Raises
    ------
    InputError
        Naming the argument; misspelt names come with the nearest right one.
    """
    given = assignments(args.set, "--set").items()
    options: dict[str, Any] = {key: parsed_value(text) for key, text in given}
    for name in ("tariff", "mechanism"):
        if (value := getattr(args, name)) is not None:
            if name in options:
                raise InputError(f"--{name} and --set {name} say the same; give one of them")
            options[name] = value
    scenario = find_scenario(args.scenario, **options)
    rounds = checked_int(args.rounds, "--rounds", 1, scenario.rounds)
    seed = checked_seed(args.seed)
    split: str | None = args.split
    if args.start is None:
        starts = scenario.splits.starts(args.split, scenario.rounds, rounds)
        start = drawn_start(seed, starts)
    else:
        start, split = _start(args.start, scenario, rounds), None
    traders = _traders(args.trader, scenario)
    return Episode(args.scenario, options, scenario, traders, seed, start, rounds, split)


def _traders(texts: Iterable[str], scenario: Scenario) -> dict[str, str]:
    """``["truthful", "building_02=zero_intelligence"]`` over each member's own trader."""
    everybody = [text for text in texts if "=" not in text]
    if len(everybody) > 1:
        raise InputError(
            f"--trader {everybody[0]} and --trader {everybody[1]} are both for everybody; "
            "write organization=NAME for one"
        )
    single = assignments((text for text in texts if "=" in text), "--trader")
    for name in (*everybody, *single.values()):
        if name not in TRADERS:
            raise unknown_name("trader", name, TRADERS)
    for name in single:
        if scenario.members[scenario.index(name)].organization.priority == 1:
            raise InputError(f"--trader {name}: the utility only quotes its tariffs")
    chosen = {}
    for member in scenario.members:
        if member.organization.priority == 0:
            default = everybody[0] if everybody else member.trader
            chosen[member.name] = single.get(member.name, default)
    return chosen


def _start(text: str, scenario: Scenario, rounds: int) -> int:
    """A round number, or an ISO date or time: local standard time unless it names an offset."""
    latest = scenario.rounds - rounds
    try:
        return checked_int(int(text), f"--start (with {rounds} rounds to run)", 0, latest)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"--start must be a round or an ISO date such as 2016-04-15, got {text!r}"
        ) from None
    seconds = -scenario.start
    if moment.tzinfo is None:
        # round 0 is a local midnight, so its time of day in UTC tells the offset
        ahead = -scenario.start % _DAY
        seconds -= ahead if ahead <= _DAY // 2 else ahead - _DAY
        moment = moment.replace(tzinfo=UTC)
    seconds += round(moment.timestamp())
    first = datetime.fromtimestamp(scenario.start, UTC)
    last = first + timedelta(seconds=latest * ROUND_SECONDS)
    if seconds % ROUND_SECONDS or not 0 <= seconds // ROUND_SECONDS <= latest:
        raise InputError(
            f"--start {text} must be on the 15-minute grid and leave {rounds} rounds: from "
            f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        )
    return seconds // ROUND_SECONDS
