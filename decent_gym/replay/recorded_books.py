"""The books of a ledger as one :class:`BookSet`, with what came of them when they were recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from decent_gym.clearing import Outcome, Rules
from decent_gym.errors import DecentGymError, InputError, LedgerError
from decent_gym.ledger import LedgerHeader
from decent_gym.ledger.scan import RawRecord
from decent_gym.ledger.segments import META
from decent_gym.models import COMMODITIES, TYPES, ClearedBook, Commodity, Round
from decent_gym.replay.book_set import VALUES_ARE_LIMITS, VALUES_TRUE, BookSet, Recleared
from decent_gym.replay.player import Player
from decent_gym.replay.recorded import read_recording
from decent_gym.replay.sound_rounds import SoundRounds, books_of, wide
from decent_gym.replay.true_values import TrueValues
from decent_gym.simulation import Simulation
from decent_gym.units import IntArray

SPECIAL_ACCOUNTS: Final = ("fuel", "network", "operator")
_FIGURES: Final = ("price_low", "price", "price_high", "volume", "surplus", "case")

OnRound = Callable[[Round, Simulation | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class RecordedBooks:
    """The books of a ledger's R rounds and what they came to.

    Attributes
    ----------
    book_set : BookSet
        Row ``2 r`` is round r's electricity book, row ``2 r + 1`` its heat book.
    rules : Rules
        Those of the recording.
    recorded : Outcome
        As the ledger holds it, in the same rows and slots.
    header : LedgerHeader
    """

    book_set: BookSet
    rules: Rules
    recorded: Outcome
    header: LedgerHeader

    @property
    def rounds(self) -> int:
        """R."""
        return len(self.book_set) // COMMODITIES


def read_books(
    path: str | Path,
    *,
    values: Literal["scenario", "limits"] = "scenario",
    on_round: OnRound | None = None,
) -> RecordedBooks:
    """Read every book of a ledger and find out what its orders are truly worth.

    Parameters
    ----------
    path : str or Path
        The ledger's folder.
    values : str
        ``"scenario"``: step the episode again, see :mod:`decent_gym.replay.true_values`; where
        that cannot be done (a market by hand, another version of the scenario) limits are taken as
        values, and ``book_set.valued_by`` says so and why.  ``"limits"``: take limits at once.
    on_round : callable, optional
        Called with every round and the simulation that has just stepped it, or None.

    Raises
    ------
    InputError
        There is no ledger at `path`, its books were cleared together (coupled), or `values` is
        something else.
    LedgerError
        It is broken: says where; nothing is taken from a ledger that cannot be read to its end.
    """
    if values not in ("scenario", "limits"):
        raise InputError(f"values must be 'scenario' or 'limits', got {values!r}")
    folder = Path(path)
    source = SoundRounds(folder)
    if source.coupled:
        raise InputError(
            f"{folder} was cleared with heat and electricity coupled, which no other mechanism "
            "does; read it with read_markets(), or record an episode with clearing='separate'"
        )
    rules = source.rules()
    valuer = _Valuer(folder, values)

    def see(raw: RawRecord, record: Round) -> None:
        simulation = valuer.step(raw, record)
        if on_round is not None:
            on_round(record, simulation)

    return _stacked(source.read(see, valuer.rotate), valuer, source.header, rules)


def difference_from(recorded: RecordedBooks, again: Recleared) -> str | None:
    """The first figure of the recording that `again` does not give, or None if all are the same."""
    old, new = recorded.recorded, again.outcome
    for name in (name for name in Outcome._fields if name != "bar"):  # no round records it
        one, other = getattr(old, name), getattr(new, name)
        if one.tobytes() != other.tobytes():
            at = tuple(np.argwhere(one != other)[0].tolist())
            order = f" of order {at[1]}" if len(at) > 1 else ""
            commodity = Commodity(at[0] % COMMODITIES).name.lower()
            return (
                f"{name}{order} in the {commodity} book of round "
                f"{recorded.book_set.times[at[0]]}: {one[at]} recorded, {other[at]} cleared again"
            )
    return None


class _Valuer:
    """Steps the episode beside the reading as long as every round comes out the same."""

    def __init__(self, folder: Path, values: str) -> None:
        self.rows: list[IntArray] = []
        self.valued_by = VALUES_ARE_LIMITS
        self._player: Player | None = None
        if values == "limits":
            return
        if not (folder / META).is_file():
            self.valued_by += ": no scenario is named beside the ledger"
            return
        try:
            self._player = Player(read_recording(folder))
        except LedgerError:
            raise
        except DecentGymError as error:
            self.valued_by += f": {error}"
            return
        self.valued_by = VALUES_TRUE
        self._truth = TrueValues(self._player)

    def step(self, raw: RawRecord, record: Round) -> Simulation | None:
        """Keep the values of a round's orders."""
        if self._player is None:
            return None
        self._truth.before()
        found = self._player.step(raw)
        if found is not None:
            self.valued_by = f"{VALUES_ARE_LIMITS}: the replay differs, {found.reason}"
            self._player = None
            return None
        self.rows += self._truth.after(record)
        return self._player.simulation

    def rotate(self, raw: RawRecord) -> None:
        """Follow a change of the operator's key."""
        if self._player is not None:
            self._player.rotate(raw)

    def value(self, price: IntArray, orders: IntArray) -> IntArray:
        """The values of all rounds, or the limits."""
        value = price.copy()
        if self._player is not None:
            for row, (own, n) in enumerate(zip(self.rows, orders.tolist(), strict=True)):
                value[row, :n] = own
        return value


def _stacked(
    rounds: list[Round], valuer: _Valuer, header: LedgerHeader, rules: Rules
) -> RecordedBooks:
    cleared = [book for record in rounds for book in record.books]
    books = books_of(rounds, header, rules)
    times = np.array([record.number for record in rounds], np.int64)
    book_set = BookSet(
        books=books,
        value=valuer.value(books.price, books.orders),
        times=np.repeat(times, COMMODITIES),
        commodity=np.tile(np.arange(COMMODITIES), len(rounds)),
        names=(*header.names, *SPECIAL_ACCOUNTS),
        utility=_utility(header, rules),
        valued_by=valuer.valued_by,
        organizations=len(header.names),
    )
    figures = (np.array([getattr(b, name) or 0 for b in cleared], np.int64) for name in _FIGURES)
    outcome = Outcome(*(wide(cleared, name) for name in ("accepted", "pays")), *figures)
    if book_set.wishes:
        outcome = outcome._replace(origin=_certificates(cleared, outcome.accepted))
    return RecordedBooks(book_set, rules, outcome, header)


def _certificates(cleared: list[ClearedBook], accepted: IntArray) -> IntArray:
    """Wh by type (B, M, 4): in a book without wishes all energy is plain."""
    origin = np.zeros((*accepted.shape, TYPES), np.int64)
    origin[..., 0] = accepted
    for row, book in zip(origin, cleared, strict=True):
        row[: len(book.origin)] = book.origin
    return origin


def _utility(header: LedgerHeader, rules: Rules) -> int | None:
    """Nobody quotes where the rules know no utility, whatever the class of an organization."""
    if rules.utility is None or 1 not in header.priorities:
        return None
    return header.priorities.index(1)
