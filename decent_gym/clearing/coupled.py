"""`clear_coupled`: electricity and heat cleared at once, with conversions between them."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from decent_gym.clearing.coupled_inputs import (
    Conversions,
    checked_conversions,
    checked_market,
)
from decent_gym.clearing.coupled_problems import DONE, Problems
from decent_gym.clearing.inputs import checked_priority, checked_sequence
from decent_gym.errors import InputError
from decent_gym.units import IntArray

_MILLI: Final = 1_000
Pair = tuple[int | None, int | None]
"""Of electricity and heat; None where nothing is traded, or nothing bounds the price."""


@dataclass(frozen=True, slots=True, eq=False)
class CoupledResult:
    """What joint clearing would do with n orders and K conversions; nothing has been applied.

    Pairs are (electricity, heat).

    Attributes
    ----------
    accepted : int64 (n,)
        Accepted energy of each order, Wh.
    pays : int64 (n,)
        What each order pays, n-euro, buyers positive.
    activity : int64 (K,)
        How much each conversion runs, Wh.
    delivered : int64 (K, 2)
        What each conversion sells (above 0) or buys (below 0), whole Wh.
    remainders : int64 (K, 2)
        What it makes beyond `delivered`, mWh: never negative, belongs to the converter.
    earns : int64 (K,)
        What the two books pay each conversion, n-euro; below 0, it pays.
    profit : int64 (K,)
        ``earns`` minus its own cost, n-euro.  Prices are whole and remainders are not paid, so it
        may fall below 0, by less than one tick times its output once remainders are priced in.
    price, price_low, price_high : pair of int or None
        Price and the interval of optimal ones, micro-euro per kWh, rounded down.  The price is
        None where nothing trades, an end is None where there is no bound.  The intervals are the
        extents of a polygon: not every pair of prices in them is optimal.
    volume : pair of int
        What buyers and conversions take of each commodity, Wh.
    welfare : int
        Values of accepted bids minus limits of accepted asks minus costs of conversions, n-euro.
    """

    accepted: IntArray
    pays: IntArray
    activity: IntArray
    delivered: IntArray
    remainders: IntArray
    earns: IntArray
    profit: IntArray
    price: Pair
    price_low: Pair
    price_high: Pair
    volume: tuple[int, int]
    welfare: int

    @property
    def surplus(self) -> int:
        """What is left of all payments, n-euro: 0, since every Wh balances at one price."""
        return int(self.pays.sum()) - int(self.earns.sum())


def clear_coupled(
    side: npt.ArrayLike,
    commodity: npt.ArrayLike,
    price: npt.ArrayLike,
    energy: npt.ArrayLike,
    conversions: Any = (),
    *,
    priority: npt.ArrayLike | None = None,
    sequence: npt.ArrayLike | None = None,
    conversion_sequence: npt.ArrayLike | None = None,
    temperatures: npt.ArrayLike | None = None,
) -> CoupledResult:
    """Clear electricity and heat at once, at one price each.

    Two separate books let a heat pump buy electricity for heat that it then fails to sell.  Here
    it offers the conversion itself, and runs exactly if the two prices make it worth while.

    Formula: maximise ``sum_b v_b x_b - sum_s c_s x_s - sum_k c_k z_k`` such that for electricity
    and for heat ``sum_s x_s + sum_k a_k z_k - sum_b x_b = 0``, with ``0 <= x <= energy`` and
    ``0 <= z <= max``.  The prices are the duals of the two balances: the middle of the interval
    of electricity's optimal prices, then the middle of heat's given that, rounded down (if
    electricity's interval has an open end, heat's first).  A conversion runs iff
    ``a_e price_e + a_h price_h > cost``, in part only at equality.

    Ties: equal offers at the margin share pro rata within the lowest class that is not full, the
    Wh left over to the earlier ones.  At
    equality conversions come before orders, the earlier first; equal ones share pro rata.

    Properties: maximal welfare, budget balance, individual rationality (not truthful).  Balances
    and limits are exact; what rounding to whole Wh and whole prices costs the converters stands
    in ``remainders`` and ``profit``.

    Parameters
    ----------
    side, commodity : array-like of int (n,)
        0 SELL, 1 BUY; 0 ELECTRICITY, 1 HEAT.
    price, energy : array-like of int (n,)
        Limits in micro-euro per kWh, within +-10^8; Wh, 1 to 10^8.
    conversions : array-like of int (K, 5) or (K, 6)
        Rows ``(electricity, heat, cost, max, group[, fuel])``: what 1000 Wh of activity give
        (above 0) or take (below 0), within +-10^5; the converter's own cost in micro-euro per kWh
        of activity; the most activity, Wh.  A heat pump of COP 3 is ``(-1000, 3000, ...)``, its
        activity the electricity it takes; a CHP plant with heat-to-power ratio 2
        ``(1000, 2000, ...)``.  Rows with the same `group` >= 0 share a capacity: together they
        run at most the largest `max` among them; -1 is no group.  Their activity must therefore
        be counted in what they share, say Wh of fuel: an extraction plant is two rows, all power
        ``(400, 0, ...)`` and most heat ``(330, 600, ...)``.  If ratios are not whole, count in a
        multiple of it.  `fuel` per 1000 of activity lets a row be checked against its fuel.
    priority : array-like of int (n,), optional
        Classes at the margin, the lower is filled first; default all 0.
    sequence, conversion_sequence : array-like of int (n,), (K,), optional
        Orders of arrival, unique, >= 0; default the positions.
    temperatures : array-like of int (K, 2), optional
        Source and supply temperature of each conversion, tenths of a degree Celsius: bounds the
        COP by Carnot's.  Without, by 30.

    Returns
    -------
    CoupledResult

    Raises
    ------
    InputError
        For a value out of place, a conversion that creates energy or produces nothing, a group of
        one; names array, index and value.

    Source
    ------
    Spot prices of several energy carriers: Schweppe et al., *Spot Pricing of Electricity* (1988);
    Geidl and Andersson, "Optimal power flow of multiple energy carriers" (2007).

    Examples
    --------
    A heat pump (COP 3) competes with a boiler at 7 for heat worth 20 and with nobody for the last
    unit of electricity at 6; the next would cost 36.  It runs until electricity is as dear as its
    heat saves, 21 = 3 * 7:

    >>> from decent_gym.clearing import clear_coupled
    >>> side, commodity = [0, 0, 1, 0, 1], [0, 0, 0, 1, 1]
    >>> result = clear_coupled(
    ...     side, commodity, price=[6, 36, 50, 7, 20], energy=[5, 10, 4, 10, 6],
    ...     conversions=[(-1000, 3000, 0, 3, -1)],
    ... )
    >>> result.price, result.accepted.tolist(), result.activity.tolist(), result.welfare
    ((21, 7), [5, 0, 4, 3, 6], [1], 269)

    """
    side, commodity, price, energy = checked_market(side, commodity, price, energy)
    n = len(side)
    rows = checked_conversions(conversions, conversion_sequence, temperatures)
    order = np.arange(n) if sequence is None else np.argsort(checked_sequence(sequence, n))
    classes = np.zeros(n, np.int64) if priority is None else checked_priority(priority, n)
    problems = Problems.empty(1, n, len(rows.rows))
    problems.rows[0] = rows.rows
    side_, commodity_, price_, energy_, classes = (
        np.ascontiguousarray(column[order][None])
        for column in (side, commodity, price, energy, classes)
    )
    problems.clear(side_, commodity_, price_, energy_, classes, 0, 1)
    if problems.status[0] != DONE:
        raise InputError(
            "the market is too big for exact integers: the price of a commodity that only "
            "conversions take, times its energy, passes 2^62; use rounder ratios or smaller limits"
        )
    return _result(problems, order, rows, side, price)


def _result(
    cleared: Problems,
    order: IntArray,
    conversions: Conversions,
    side: IntArray,
    price: IntArray,
) -> CoupledResult:
    """The only problem, in the caller's order."""
    at, bounds, bounded = cleared.at[0], cleared.bounds[0], cleared.bounded[0]
    volume = cleared.volume[0]
    ends = [tuple(int(bounds[m, e]) if bounded[m, e] else None for m in range(2)) for e in range(2)]
    prices = [int(at[2 * m]) if volume[m] else None for m in range(2)]
    return result_of(
        side,
        price,
        _back(cleared.accepted[0], order),
        _back(cleared.pays[0], order),
        conversions.rows,
        conversions.order,
        (cleared.activity[0], cleared.delivered[0], cleared.earns[0]),
        ((prices[0], prices[1]), (ends[0][0], ends[0][1]), (ends[1][0], ends[1][1])),
        volume,
    )


def result_of(
    side: IntArray,
    price: IntArray,
    accepted: IntArray,
    pays: IntArray,
    rows: IntArray,
    order: IntArray,
    ran: tuple[IntArray, IntArray, IntArray],
    prices: tuple[Pair, Pair, Pair],
    volume: IntArray,
) -> CoupledResult:
    """The result of one market in its caller's order, in which the orders are already.

    Parameters
    ----------
    side, price, accepted, pays : int64 (n,)
    rows, order : int64 (K, columns), (K,)
        Sorted conversions and where the caller had them.
    ran : tuple of int64
        Activity (K,), delivered (K, 2) and earnings (K,) of the sorted conversions.
    prices : tuple of pairs
        Price, lowest and highest of each commodity.
    volume : int64 (2,)
    """
    rows, activity, delivered, earns = (_back(values, order) for values in (rows, *ran))
    costs = rows[:, 2] // _MILLI * activity
    return CoupledResult(
        accepted,
        pays,
        activity,
        delivered,
        rows[:, :2] * activity[:, None] - _MILLI * delivered,
        earns,
        earns - costs,
        *prices,
        (int(volume[0]), int(volume[1])),
        int(((2 * side - 1) * price * accepted).sum()) - int(costs.sum()),
    )


def _back(values: IntArray, order: IntArray) -> IntArray:
    """Values of sorted rows where the caller had them."""
    out = np.empty_like(values)
    out[order] = values
    return out
