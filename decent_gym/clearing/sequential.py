"""`sequential_clearing`: the two books of a market one after the other, to compare with."""

from typing import Any

import numpy as np
import numpy.typing as npt

from decent_gym.clearing.batch import Books
from decent_gym.clearing.coupled import CoupledResult, Pair, result_of
from decent_gym.clearing.coupled_books import ConversionRows
from decent_gym.clearing.coupled_inputs import checked_conversions, checked_market
from decent_gym.clearing.in_turn import InTurn, clear_in_turn
from decent_gym.clearing.inputs import checked_sequence
from decent_gym.clearing.rules import Rules
from decent_gym.errors import InputError
from decent_gym.units import PRICE_CAP, IntArray, checked_int

_MILLI = 1_000


def sequential_clearing(
    side: npt.ArrayLike,
    commodity: npt.ArrayLike,
    price: npt.ArrayLike,
    energy: npt.ArrayLike,
    conversions: Any = (),
    *,
    forecast: int,
    tie_rule: str = "pro_rata",
    sequence: npt.ArrayLike | None = None,
) -> CoupledResult:
    """Clear heat first and electricity after it, as separate books have to.

    What :func:`decent_gym.clearing.clear_coupled` is compared with.  Before heat is cleared,
    converters guess electricity's price and offer their heat at what it would cost them then;
    afterwards they buy or sell the electricity of what they sold, at any price; see
    :mod:`decent_gym.clearing.in_turn`.  At the margin they come after the orders.

    Parameters
    ----------
    side, commodity, price, energy, conversions, sequence
        As for ``clear_coupled``; conversions arrive in the order of their rows.
    forecast : int
        Electricity's price as all converters expect it, micro-euro per kWh, within +-10^8.
    tie_rule : str
        Of both books, see :data:`decent_gym.clearing.TIE_RULES`.

    Returns
    -------
    CoupledResult
        Prices and their intervals are those of each book alone.

    Raises
    ------
    InputError
        As ``clear_coupled``; for a group, whose rows would sell one capacity twice; where nobody
        has the electricity for heat that was sold, or takes what is made with it.

    Examples
    --------
    The market of ``clear_coupled``, where 269 is possible.  Expecting electricity at 6, the pump
    sells all the heat and then needs two kWh, of which one costs 36:

    >>> from decent_gym.clearing import sequential_clearing
    >>> market = dict(
    ...     side=[0, 0, 1, 0, 1], commodity=[0, 0, 0, 1, 1],
    ...     price=[6, 36, 50, 7, 20], energy=[5, 10, 4, 10, 6],
    ...     conversions=[(-1000, 3000, 0, 3, -1)],
    ... )
    >>> result = sequential_clearing(**market, forecast=6)
    >>> result.welfare, result.price, result.delivered.tolist(), result.profit.tolist()
    (254, (36, 2), [[-2, 6]], [-60])

    """
    side, commodity, price, energy = checked_market(side, commodity, price, energy)
    n = len(side)
    rows = checked_conversions(conversions, None, None)
    guess = np.array([checked_int(forecast, "forecast", -PRICE_CAP, PRICE_CAP)], np.int64)
    order = np.arange(n) if sequence is None else checked_sequence(sequence, n)
    there = np.stack([np.where(commodity == m, energy, 0) for m in range(2)])
    pair = {"side": side, "price": price, "sequence": order, "owner": np.zeros(n, np.int64)}
    books = Books(
        orders=np.full(2, n, np.int64),
        offered=there,
        priority=np.zeros((2, n), np.int64),
        lottery=np.zeros(2, np.int64),
        **{name: np.stack([column, column]) for name, column in pair.items()},
    )
    found = clear_in_turn(books, _rows(rows.rows), guess, Rules(tie_rule=tie_rule, utility=None))
    if found.unmet.any():
        k = int(np.argmax(found.unmet[0]))
        what = "needs {} that nobody sells" if rows.rows[k, 0] < 0 else "makes {} that nobody buys"
        raise InputError(
            f"conversions[{rows.order[k]}] {what.format(f'{found.unmet[0, k]} Wh of electricity')} "
            "with the heat that it has sold; let somebody sell and buy electricity at any price"
        )
    return _result(found, rows.rows, rows.order, side, price)


def _rows(rows: IntArray) -> ConversionRows:
    """Checked rows as one world's; a row whose group ends behind the next is grouped."""
    k = len(rows)
    electricity, heat, cost, most = (np.ascontiguousarray(rows[None, :, c]) for c in range(4))
    ends = rows[None, :, 4]
    alone = ends == np.arange(1, k + 1)
    return ConversionRows(
        number=np.array([k], np.int64),
        owner=np.zeros((1, k), np.int64),
        electricity=electricity,
        heat=heat,
        cost=cost // _MILLI,
        most=most,
        group=np.where(alone, -1, ends),
    )


def _result(
    found: InTurn, rows: IntArray, order: IntArray, side: IntArray, price: IntArray
) -> CoupledResult:
    """The only market, in the caller's order."""
    outcome = found.outcome
    accepted, pays = outcome.accepted.sum(axis=0), outcome.pays.sum(axis=0)
    ends = (outcome.price, outcome.price_low, outcome.price_high)
    mid, low, high = (_pair(at, outcome.volume) for at in ends)
    ran = found.activity[0], found.delivered[0], found.earns[0]
    return result_of(
        side, price, accepted, pays, rows, order, ran, (mid, low, high), outcome.volume
    )


def _pair(prices: IntArray, volume: IntArray) -> Pair:
    electricity, heat = (int(p) if v else None for p, v in zip(prices, volume, strict=True))
    return electricity, heat
