"""Where the books of a comparison come from, and what is known about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from decent_gym.clearing import Rules
from decent_gym.cli.console import Advance
from decent_gym.errors import DataError
from decent_gym.metrics import EnergyLog, SeriesRecorder, physical_figures, usual_unit
from decent_gym.models import Round
from decent_gym.replay import (
    BookSet,
    difference_from,
    order_flow,
    read_books,
    read_recording,
    reclear,
)
from decent_gym.simulation import Simulation


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Books to compare on.

    Attributes
    ----------
    book_set : BookSet
    rules : Rules
        Those that the mechanisms take over: price rule, tie rule, seed, the utility's part.
    unit : str
        What the intervals resample.
    facts : mapping
        Where the books come from, for the report.
    recorded : str or None
        Mechanism of the recording.
    difference : str or None
        What clearing again under the recorded rules does not reproduce.
    physical : mapping or None
        Of recorded rounds, see :func:`decent_gym.metrics.physical_figures`.
    """

    book_set: BookSet
    rules: Rules
    unit: str
    facts: Mapping[str, Any]
    recorded: str | None = None
    difference: str | None = None
    physical: Mapping[str, float | None] | None = None


def planned_rounds(path: str) -> int | None:
    """How many rounds the episode was to have, if ``meta.json`` says so."""
    try:
        return read_recording(path).rounds
    except DataError:
        return None  # reading the books will say what is wrong


def recorded_source(path: str, values: str, unit: str | None, advance: Advance) -> Source:
    """The books of a ledger, cleared again under their own rules.

    Raises
    ------
    InputError
        There is no ledger at `path`.
    LedgerError
        It is broken.
    """
    listener = _Listener(advance)
    found = read_books(path, values=values, on_round=listener.on_round)  # type: ignore[arg-type]
    book_set = found.book_set
    names, utility = found.header.names, book_set.utility
    series = SeriesRecorder(names, utility)
    for record in listener.rounds:
        series.on_round(record)
    unit = unit or usual_unit(book_set.times)
    log = listener.log if listener.logged == found.rounds else None
    scenario = None if listener.simulation is None else listener.simulation.scenario
    times = [
        datetime.fromtimestamp(listener.rounds[at].timestamp, UTC).isoformat() for at in (0, -1)
    ]
    rules = found.rules if book_set.utility is not None else replace(found.rules, utility=None)
    return Source(
        book_set=book_set,
        rules=rules,
        unit=unit,
        facts={
            "ledger": str(Path(path)),
            "scenario": None if scenario is None else scenario.name,
            "rounds": found.rounds,
            "first": times[0],
            "last": times[1],
        },
        recorded=found.rules.mechanism,
        difference=difference_from(found, reclear(book_set, found.rules)),
        physical=physical_figures(series.series(), log, scenario),
    )


def fresh_source(kind: str, seed: int, options: Mapping[str, Any]) -> Source:
    """Books of fresh order flow, whose true values are known.

    Raises
    ------
    UnknownNameError, InputError
        As :func:`decent_gym.replay.order_flow`.
    """
    book_set = order_flow(kind, seed=seed, **options)
    rules = Rules(seed=seed, utility=None if book_set.utility is None else "book")
    return Source(book_set, rules, "book", {"flow": kind, **options, "seed": seed})


@dataclass(slots=True)
class _Listener:
    """Keeps the rounds, and what happened behind the meters as long as the replay goes on."""

    advance: Advance
    rounds: list[Round] = field(default_factory=list)
    simulation: Simulation | None = None
    log: EnergyLog | None = None
    logged: int = 0

    def on_round(self, record: Round, simulation: Simulation | None) -> None:
        self.rounds.append(record)
        if simulation is not None:
            if self.log is None:
                self.simulation, self.log = simulation, EnergyLog(simulation)
            self.log.count(record.number)
            self.logged += 1
        self.advance(len(self.rounds))
