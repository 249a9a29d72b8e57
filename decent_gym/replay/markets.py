"""The rounds of a ledger whose books were cleared together, and other ways of clearing them.

Row r of conversions, and rows ``2 r`` (electricity) and ``2 r + 1`` (heat) of books, are round r.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from decent_gym.audit.conversions import conversion_rows
from decent_gym.audit.reclear import clear_again, first_difference
from decent_gym.clearing import Books, Outcome, Rules
from decent_gym.clearing.coupled_books import ConversionRows
from decent_gym.clearing.in_turn import InTurn, clear_in_turn
from decent_gym.errors import InputError
from decent_gym.ledger import LedgerHeader
from decent_gym.models import Commodity, Round, Tariff
from decent_gym.registry import unknown_name
from decent_gym.replay.sound_rounds import SoundRounds, books_of, wide
from decent_gym.units import IntArray

FORECASTS: Final = ("last", "middle", "joint")
"""How converters may guess electricity's price: as in the round before, the middle of retail and
feed-in, or exactly the price that joint clearing finds."""

_AT_ONCE: Final = 256
_FIGURES: Final = ("price_low", "price", "price_high", "volume", "surplus", "case")


@dataclass(frozen=True, slots=True, eq=False)
class RecordedMarkets:
    """Both books and the conversions of R rounds, and what joint clearing made of them.

    Attributes
    ----------
    books : Books, (2 R, M)
    conversions : ConversionRows, (R, K)
    recorded : InTurn
        As the ledger holds it; nothing is ever unmet.
    times : int64 (R,), numbers of the rounds
    rules : Rules
    header : LedgerHeader
    seconds : tuple of int
        UTC seconds since 1970 at which the first and the last round begin.
    difference : str or None
        The first figure of the recording that clearing again does not give.
    """

    books: Books
    conversions: ConversionRows
    recorded: InTurn
    times: IntArray
    rules: Rules
    header: LedgerHeader
    seconds: tuple[int, int]
    difference: str | None

    def __len__(self) -> int:
        """How many rounds."""
        return len(self.times)


def read_markets(
    path: str | Path, *, on_round: Callable[[Round], None] | None = None
) -> RecordedMarkets:
    """Read a ledger of coupled rounds and clear it again as the audit does.

    Parameters
    ----------
    path : str or Path
        The ledger's folder.
    on_round : callable, optional
        Called with every round.

    Raises
    ------
    InputError
        There is no ledger at `path`, or its books were cleared separately.
    LedgerError
        It is broken: says where.
    """
    source = SoundRounds(path)
    if not source.coupled:
        raise InputError(f"{path} was cleared one book at a time; read it with read_books()")
    rules, header = source.rules(), source.header
    rounds = source.read(lambda raw, record: None if on_round is None else on_round(record))
    return RecordedMarkets(
        books=books_of(rounds, header, rules),
        conversions=conversion_rows([record.conversions for record in rounds]),
        recorded=_recorded(rounds),
        times=np.array([record.number for record in rounds], np.int64),
        rules=rules,
        header=header,
        seconds=(rounds[0].timestamp, rounds[-1].timestamp),
        difference=_difference(rounds, header, rules),
    )


def _difference(rounds: list[Round], header: LedgerHeader, rules: Rules) -> str | None:
    for first in range(0, len(rounds), _AT_ONCE):
        records = rounds[first : first + _AT_ONCE]
        again = clear_again(records, header, rules)
        for r, record in enumerate(records):
            found = first_difference(record, again, r)
            if found is not None:
                return f"round {record.number}: {found}"
    return None


def _recorded(rounds: list[Round]) -> InTurn:
    cleared = [book for record in rounds for book in record.books]
    figures = (np.array([getattr(b, name) or 0 for b in cleared], np.int64) for name in _FIGURES)
    outcome = Outcome(wide(cleared, "accepted"), wide(cleared, "pays"), *figures)
    rows = max(len(record.conversions.activity) for record in rounds)
    shapes = {"activity": (rows,), "delivered": (rows, 2), "earns": (rows,), "unmet": (rows,)}
    found = {name: np.zeros((len(rounds), *shape), np.int64) for name, shape in shapes.items()}
    for r, record in enumerate(rounds):
        for name in ("activity", "delivered", "earns"):
            values = getattr(record.conversions, name)
            found[name][r, : len(values)] = values
    return InTurn(outcome, **found)


def forecast_of(markets: RecordedMarkets, kind: str) -> IntArray:
    """What converters expect electricity to cost in each round, micro-euro per kWh (R,).

    Where nothing traded yet, the middle of the tariffs stands for the price.

    Raises
    ------
    UnknownNameError
        For another kind than those of :data:`FORECASTS`.
    """
    if kind not in FORECASTS:
        raise unknown_name("forecast", kind, FORECASTS)
    power = slice(Commodity.ELECTRICITY, None, len(Commodity))
    tariffs = markets.books.tariffs[power]
    middle: IntArray = tariffs[:, [Tariff.RETAIL, Tariff.FEED_IN]].sum(axis=1) // 2
    if kind == "middle":
        return middle
    outcome = markets.recorded.outcome
    traded = outcome.volume[power] > 0
    latest = np.maximum.accumulate(np.where(traded, np.arange(len(traded)), -1))
    price = np.where(latest < 0, middle, outcome.price[power][latest])
    return price if kind == "joint" else np.concatenate([middle[:1], price[:-1]])


def clear_sequentially(markets: RecordedMarkets, forecast: IntArray) -> InTurn:
    """What two separate books make of the same offers, heat first; nobody adapts.

    See :mod:`decent_gym.clearing.in_turn`.

    Raises
    ------
    InputError
        Where conversions share capacities.
    """
    return clear_in_turn(markets.books, markets.conversions, forecast, markets.rules)
