"""Rounds as series over time, for people: floats, in kWh and EUR/kWh."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from decent_gym.errors import InputError
from decent_gym.models import COMMODITIES, Round, Tariff
from decent_gym.units import ROUND_SECONDS

FloatArray = npt.NDArray[np.float64]

MOST_STEPS: Final = 800
"""More steps than this cannot be told apart in a picture, so neighbours are drawn as one."""
_GROUPS: Final = (1, 2, 4, 8, 12, 24, 48, 96)
_UTILITY_CLASS: Final = 1
_UTILITY_NAME: Final = "utility"


@dataclass(frozen=True, slots=True)
class MarketSeries:
    """T steps of `group` rounds each (the last may hold fewer); NaN where no round is known.

    Attributes
    ----------
    edges : float64 (T + 1,)
        Seconds since 1970 UTC.
    group : int
    utility : bool
        Whether there is one to take and give what members leave over.
    price : float64 EUR/kWh (C, T)
        Weighted by volume; NaN where nothing traded.
    price_low, price_high : float64 EUR/kWh (C, T)
        The lowest and highest price of the step's rounds.
    retail, feed_in : float64 EUR/kWh (C, T)
        Means of the step's rounds.
    volume : float64 kWh per round (C, T)
    drawn, fed_in : float64 kWh per round (C, T)
        Metered by members and the heat network; the utility is left out.
    unserved : float64 kWh per round (T,)
    """

    edges: FloatArray
    group: int
    utility: bool
    price: FloatArray
    price_low: FloatArray
    price_high: FloatArray
    retail: FloatArray
    feed_in: FloatArray
    volume: FloatArray
    drawn: FloatArray
    fed_in: FloatArray
    unserved: FloatArray

    @property
    def net(self) -> FloatArray:
        """Drawn less fed in, kWh per round (C, T): what the utility gave (+) or took (-)."""
        return self.drawn - self.fed_in

    @classmethod
    def of(cls, rounds: Sequence[Round], names: Sequence[str]) -> "MarketSeries":
        """The series of `rounds`, which must be in order of time.

        Raises
        ------
        InputError
            For no rounds, or rounds out of order.
        """
        times = _checked_times(rounds)
        utility = utility_index(rounds, names)
        fitting = (g for g in _GROUPS if len(rounds) <= g * MOST_STEPS)
        group = next(fitting, _GROUPS[-1])
        edges, step = _steps(times, group)
        rows = np.stack([_values(record, utility) for record in rounds])
        table = np.full((len(edges) - 1, len(_COLUMNS), COMMODITIES), np.nan)
        for t in np.unique(step):
            table[t] = _merged(rows[step == t])
        columns = {name: table[:, k].T for k, name in enumerate(_COLUMNS)}
        unserved = columns.pop("unserved")[0]
        return cls(edges, group, utility is not None, unserved=unserved, **columns)


_COLUMNS: Final = (
    "price",
    "price_low",
    "price_high",
    "volume",
    "retail",
    "feed_in",
    "drawn",
    "fed_in",
    "unserved",
)


def utility_index(rounds: Sequence[Round], names: Sequence[str]) -> int | None:
    """Who is the utility: who quotes in its class, else who is called so, else nobody."""
    for record in rounds[:1]:
        for book in record.books:
            owners = book.column("owner")[book.column("priority") == _UTILITY_CLASS]
            if len(owners):
                return int(owners[0])
    return list(names).index(_UTILITY_NAME) if _UTILITY_NAME in names else None


def _checked_times(rounds: Sequence[Round]) -> npt.NDArray[np.int64]:
    if not rounds:
        raise InputError("rounds: nothing to plot, got none; record at least one round")
    times = np.array([record.timestamp for record in rounds], np.int64)
    late = np.flatnonzero(np.diff(times) <= 0)
    if len(late):
        record = rounds[int(late[0]) + 1]
        raise InputError(
            f"rounds must be in order of time: round {record.number} stands at place "
            f"{int(late[0]) + 1} after a later or equal one; plot one episode at a time"
        )
    return times


def _steps(times: npt.NDArray[np.int64], group: int) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Edges of the steps, with one empty step across every gap, and each round's step."""
    edges, step = [int(times[0])], np.zeros(len(times), np.intp)
    held, end = 0, int(times[0])
    for k, time in enumerate(times.tolist()):
        if time > end or held == group:
            edges += [end, time] if time > end else [end]
            held = 0
        step[k] = len(edges) - 1
        held, end = held + 1, time + ROUND_SECONDS
    return np.array([*edges, end], np.float64), step


def _values(record: Round, utility: int | None) -> FloatArray:
    """One round's row of ``_COLUMNS``, (columns, C)."""
    metered = record.metered
    if utility is not None:
        metered = np.delete(metered, utility, axis=0)
    price = [np.nan if book.price is None else book.price / 1e6 for book in record.books]
    return np.array(
        [
            price,
            price,
            price,
            [book.volume / 1e3 for book in record.books],
            record.tariffs[:, Tariff.RETAIL] / 1e6,
            record.tariffs[:, Tariff.FEED_IN] / 1e6,
            np.maximum(metered, 0).sum(axis=0) / 1e3,
            np.maximum(-metered, 0).sum(axis=0) / 1e3,
            [record.unserved.sum() / 1e3] * COMMODITIES,
        ],
        np.float64,
    )


def _merged(rows: FloatArray) -> FloatArray:
    """One step out of its rounds' rows (rounds, columns, C)."""
    merged = np.asarray(rows.mean(axis=0))
    volume = rows[:, 3]
    for c in range(COMMODITIES):
        traded = volume[:, c] > 0
        if traded.any():
            prices = rows[traded, 0, c]
            merged[0, c] = np.average(prices, weights=volume[traded, c])
            merged[1, c], merged[2, c] = prices.min(), prices.max()
        else:
            merged[:3, c] = np.nan
    return merged
