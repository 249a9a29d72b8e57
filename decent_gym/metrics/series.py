"""Many rounds as arrays: what measures are taken from, in integers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from decent_gym.errors import InputError
from decent_gym.models import COMMODITIES, Money, Round
from decent_gym.units import IntArray

SPECIAL_ACCOUNTS: Final = ("fuel", "network", "operator")
"""Accounts that follow the organizations'."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """T rounds of N organizations; A = N + 3 accounts, C commodities, K kinds of money.

    Attributes
    ----------
    names : tuple of str, length N
    utility : int or None
        Index of the organization that stands for the main grid.
    number, timestamp : int64 (T,)
    volume : int64 Wh (T, C)
    price : int64 micro-euro/kWh (T, C)
        Meaningless where `volume` is 0: nothing traded, there is no price.
    tariffs : int64 micro-euro/kWh (T, C, 4), columns as in ``Tariff``
    traded : int64 Wh (T, A, C), bought minus sold
    metered : int64 Wh (T, A, C), drawn minus fed in
    money : int64 n-euro (T, K, A), received minus paid
    unserved : int64 Wh (T, N)
    accounts : int64 n-euro (T, A), balances after each round
    """

    names: tuple[str, ...]
    utility: int | None
    number: IntArray
    timestamp: IntArray
    volume: IntArray
    price: IntArray
    tariffs: IntArray
    traded: IntArray
    metered: IntArray
    money: IntArray
    unserved: IntArray
    accounts: IntArray

    @property
    def rounds(self) -> int:
        """T."""
        return len(self.number)

    @property
    def members(self) -> IntArray:
        """Indices of the organizations that are not the utility."""
        return np.array([n for n in range(len(self.names)) if n != self.utility], np.int64)

    def closes(self) -> bool:
        """Whether money of every kind sums to 0 in every round, and accounts add it up."""
        moved = self.money.sum(axis=1)
        steps = np.diff(self.accounts, axis=0)
        return bool(
            (self.money.sum(axis=2) == 0).all()
            and (self.accounts.sum(axis=1) == 0).all()
            and (steps == moved[1:]).all()
        )


@dataclass(slots=True)
class SeriesRecorder:
    """A round listener that keeps what a :class:`Series` needs: about 1 kB a round of 16.

    Parameters
    ----------
    names : sequence of str, length N
    utility : int, optional
    """

    names: Sequence[str]
    utility: int | None = None
    _rows: list[tuple[IntArray, ...]] = field(default_factory=list)

    def on_round(self, record: Round) -> None:
        """Keep the arrays of `record`; they are immutable and not copied."""
        books = record.books
        self._rows.append(
            (
                np.array([record.number, record.timestamp], np.int64),
                np.array([book.volume for book in books], np.int64),
                np.array([0 if book.price is None else book.price for book in books], np.int64),
                record.tariffs,
                record.traded,
                record.metered,
                record.money,
                record.unserved,
                record.accounts,
            )
        )

    def series(self) -> Series:
        """Everything heard so far.

        Raises
        ------
        InputError
            If no round has been heard.
        """
        if not self._rows:
            raise InputError("no round has been recorded, so there is nothing to measure")
        when, *arrays = (np.stack(column) for column in zip(*self._rows, strict=True))
        series = Series(tuple(self.names), self.utility, when[:, 0], when[:, 1], *arrays)
        accounts = len(self.names) + len(SPECIAL_ACCOUNTS)
        expected = (series.rounds, len(Money), accounts)
        if series.money.shape != expected or series.volume.shape[1] != COMMODITIES:
            raise InputError(
                f"rounds of {series.money.shape[2]} accounts do not belong to {len(self.names)} "
                f"organizations, which have {accounts}"
            )
        return series


def series_of(rounds: Iterable[Round], names: Sequence[str], utility: int | None = None) -> Series:
    """Arrays from recorded rounds.

    Parameters
    ----------
    rounds : iterable of Round
    names : sequence of str
        The N organizations, in the order of their accounts.
    utility : int, optional
        Index of the organization that stands for the main grid.

    Raises
    ------
    InputError
        For no rounds, or rounds of another number of organizations.
    """
    recorder = SeriesRecorder(names, utility)
    for record in rounds:
        recorder.on_round(record)
    return recorder.series()
