"""Step a recorded episode again, from its seed and the actions in it, and compare every hash."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from decent_gym.errors import DataError, LedgerError
from decent_gym.ledger import Ledger, open_records
from decent_gym.ledger.frames import RecordType
from decent_gym.ledger.key_record import decode_key
from decent_gym.ledger.reading import read_round
from decent_gym.ledger.scan import RawRecord
from decent_gym.models import ClearedBook, Commodity, Round
from decent_gym.replay.recorded import Recording, read_recording
from decent_gym.simulation import LEVERS, Simulation
from decent_gym.simulation.actions import FULL
from decent_gym.simulation.external import submit_again
from decent_gym.views.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Replay:
    """What :func:`replay` found; true if every round came out the same.

    Attributes
    ----------
    ok : bool
    rounds : int
        How many rounds, from the first, came out the same.
    head : str
        Hash after the last round that was stepped again, in hexadecimal.
    recorded_head : str
        Hash of the same round in the ledger.
    first_different : int or None
        Number of the first round that came out otherwise.
    reason : str or None
        What is different in it, or why the ledger could not be read to its end.
    """

    ok: bool
    rounds: int
    head: str
    recorded_head: str
    first_different: int | None = None
    reason: str | None = None

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        if self.ok:
            return f"ok: {self.rounds} rounds stepped again, head {self.head}"
        return f"NOT the same: {self.reason} ({self.rounds} rounds before it are)"


def replay(path: str | Path, *, on_round: Callable[[int], None] | None = None) -> Replay:
    """Step the episode of a ledger again and compare it round by round.

    The scenario is built anew and must have the digest of the ledger's header; everything else
    follows from the seed and the recorded actions.

    Parameters
    ----------
    path : str or Path
        The ledger's folder, or that of its Parquet tables; its ``meta.json`` names scenario,
        options, learners and traders.
    on_round : callable, optional
        Called with the number of rounds done, for progress.

    Raises
    ------
    InputError
        There is no ledger at `path`, or it names what does not exist.
    DataError
        ``meta.json`` or the scenario do not fit the ledger, or actions do not fit the learners.
    """
    recording = read_recording(path)
    player = Player(recording)
    scan = open_records(recording.folder)
    for raw in scan:
        if raw.kind is RecordType.HEADER:
            continue
        if raw.kind is RecordType.KEY:
            player.rotate(raw)
            continue
        found = player.step(raw)
        if found is not None:
            return found
        if on_round is not None:
            on_round(player.rounds)
    head = scan.head.hex()
    if scan.damage is not None:
        return Replay(False, player.rounds, player.head, head, None, f"the ledger: {scan.reason}")
    return Replay(True, player.rounds, player.head, head)


class Player:
    """A simulation of one world that writes the recorded episode again, in memory.

    Attributes
    ----------
    simulation : Simulation
    rounds : int
        How many rounds came out the same so far.
    """

    def __init__(self, recording: Recording) -> None:
        scenario = recording.rebuild()
        learners = recording.learners
        self._header = recording.header
        self._folder = recording.folder
        self._index = [scenario.index(name) for name in learners]
        self.simulation = Simulation(
            scenario, learners=learners, traders=recording.traders, external=recording.external
        )
        self.simulation.reset([recording.header.seed], [recording.start])
        self._ledger = Ledger(recording.header)
        self._last = Recorder(keep=1)
        operator = self.simulation.operator
        operator.actions = np.zeros((1, len(learners) * len(LEVERS)), np.int64)
        operator.listen(0, self._last)
        operator.listen(0, self._ledger)
        self.rounds = 0

    @property
    def head(self) -> str:
        """Hash of the last round that was stepped."""
        return self._ledger.head

    def step(self, raw: RawRecord) -> Replay | None:
        """Step one round; returns a result if it came out otherwise."""
        recorded = read_round(raw.body, self._header.accounts)
        number = int(self.simulation.operator.round[0])
        if number >= self.simulation.scenario.rounds or recorded.number != number:
            raise LedgerError(
                f"{self._folder}: round {recorded.number} stands where {number} is due, in a "
                f"scenario of {self.simulation.scenario.rounds} rounds"
            )
        self._act(recorded)
        if len(self.simulation.external):
            submit_again(self.simulation, recorded)
        self.simulation.step()
        own = raw.hash.hex()
        if self.head != own:
            assert self._last.last is not None, "the recorder listens since the reset"
            what = difference(recorded, self._last.last)
            reason = f"round {number}: {what}"
            return Replay(False, self.rounds, self.head, own, number, reason)
        self.rounds += 1
        return None

    def rotate(self, raw: RawRecord) -> None:
        """Take over a change of the operator's key, which no simulation can make again."""
        self._ledger.on_key(decode_key(raw.body))

    def _act(self, recorded: Round) -> None:
        """Set what the learners asked for in this round."""
        actions = recorded.actions
        shape = (len(self._index), len(LEVERS))
        if actions.size != shape[0] * shape[1]:
            raise DataError(
                f"{self._folder}: round {recorded.number} holds {actions.size} action entries; "
                f"{shape[0]} learners ({len(LEVERS)} levers each) need {shape[0] * shape[1]}; "
                "meta.json names the wrong learners"
            )
        beyond = actions[(actions > FULL) | (actions < -FULL)]
        if beyond.size:
            raise DataError(
                f"{self._folder}: round {recorded.number} holds the action {int(beyond[0])}, "
                f"beyond +-{FULL} parts per million"
            )
        self.simulation.actions[0, self._index] = actions.reshape(shape)
        self.simulation.operator.actions[0] = actions


def difference(recorded: Round, again: Round) -> str:
    """The first thing that two records of a round disagree about, for people."""
    for commodity in Commodity:
        for entry in fields(ClearedBook):
            pair = [getattr(r.books[commodity], entry.name) for r in (recorded, again)]
            if not np.array_equal(*pair):
                where = f"{entry.name} of the {commodity.name.lower()} book"
                return f"{where}: {_pair(*pair)}"
    for entry in fields(Round):
        if entry.name != "books":
            pair = [getattr(r, entry.name) for r in (recorded, again)]
            if not np.array_equal(*pair):
                return f"{entry.name}: {_pair(*pair)}"
    return "the contents are the same, the rounds before differ"


def _pair(recorded: object, again: object) -> str:
    a, b = np.asarray(recorded), np.asarray(again)
    if a.shape != b.shape:
        return f"{a.shape[0]} recorded, {b.shape[0]} on replay"
    if a.ndim == 0:
        return f"{recorded} recorded, {again} on replay"
    at = tuple(np.argwhere(a != b)[0].tolist())
    return f"at {list(at)} {a[at]} recorded, {b[at]} on replay"
