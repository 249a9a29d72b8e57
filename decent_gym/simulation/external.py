"""Organizations whose offers come from outside: what their devices do, and how a record is redone.

Nobody tells the simulation which device an offer from outside was meant for.  So the devices
deliver what was traded, in one fixed order.  With ``T`` the electricity bought less sold, ``L`` the
forecast load less PV (the actual one where the scenario's balance is ``device``), the devices must
draw ``X = T - L``:

1. the heat pump makes the heat that is forecast and was not bought,
2. the battery draws or gives the rest of ``X``, as far as it can in this round,
3. what is still to be drawn goes to the heat pump, as far as the thermal store has room,
4. what is still to be given comes from the CHP, then from pausing the heat pump.

What no device can do is imbalance, as it is for everybody.
"""

from itertools import pairwise
from typing import Protocol

import numpy as np
from numba import njit

from decent_gym.errors import DataError
from decent_gym.market import GridOperator, Orders
from decent_gym.market.orders import SUBMITTED_FIELDS
from decent_gym.models import ORDER_FIELDS, Round
from decent_gym.units import IntArray

_SEQUENCE = ORDER_FIELDS.index("sequence")
_OWNER = ORDER_FIELDS.index("owner")


@njit(cache=True, nogil=True, _nrt=False)
def follow_external(  # type: ignore[no-untyped-def]
    first, last, external, traded, load, pv, heat, cop, pump_max, max_charge, max_discharge,
    store_in, chp_max, absorb, actual_load, actual_pv, battery_set, pump_set, chp_set,
):  # fmt: skip
    """Set-points (W, N), Wh, of the organizations `external` (E,); `battery_set` + charges."""
    for w in range(first, last):
        for k in range(external.shape[0]):
            n = external[k]
            net = actual_load[w, n] - actual_pv[w, n] if absorb else load[w, n] - pv[w, n]
            rest = traded[w, n, 0] - net
            pump = 0
            if cop[w, n] > 0:
                need = max(heat[w, n] - traded[w, n, 1], 0)
                pump = min(pump_max[w, n], -(-1000 * need // cop[w, n]))
                rest -= pump
            stored = min(max(rest, -max_discharge[w, n]), max_charge[w, n])
            rest -= stored
            if rest > 0 and cop[w, n] > 0:
                pump += min(rest, pump_max[w, n] - pump, store_in[w, n] * 1000 // cop[w, n])
            made = min(max(-rest, 0), chp_max[w, n])
            rest += made
            pump -= min(pump, max(-rest, 0))
            battery_set[w, n] = stored
            pump_set[w, n] = pump
            chp_set[w, n] = made


class Market(Protocol):
    """The part of a simulation that takes orders from outside."""

    operator: GridOperator
    external: IntArray

    def submit(self, orders: Orders, first: int = 0, last: int | None = None) -> int:
        """Take orders into the open round's books; returns how many were refused."""


def submit_again(market: Market, record: Round) -> None:
    """Put the orders that came from outside in a recorded round into the books of world 0 again.

    They get the numbers they had: an order that was replaced before the gate has left a gap, and
    the orders that the simulation makes itself follow.  What was signed is recorded again as it
    was.

    Raises
    ------
    DataError
        The validator refuses one, so that the record is not this market's.
    """
    numbers = market.operator.next_sequence
    if record.signed:
        market.operator.signed[0] = list(record.signed)
    own = []
    for commodity, book in enumerate(record.books):
        is_ours = np.isin(book.orders[:, _OWNER], market.external)
        own.append(book.orders[~is_ours, _SEQUENCE])
        rows = book.orders[is_ours]
        cuts = np.flatnonzero(np.diff(rows[:, _SEQUENCE]) != 1) + 1
        for begin, end in pairwise((0, *cuts.tolist(), len(rows))):
            if begin == end:
                continue
            numbers[0] = rows[begin, _SEQUENCE]
            if market.submit(_batch(rows[begin:end], commodity)):
                raise DataError(
                    f"round {record.number}: orders {rows[begin, _SEQUENCE]} to "
                    f"{rows[end - 1, _SEQUENCE]} from outside may not enter the book; verify the "
                    "ledger"
                )
    following = np.concatenate(own)
    if following.size:
        numbers[0] = following.min()


def _batch(rows: IntArray, commodity: int) -> Orders:
    orders = Orders.empty(1, len(rows))
    for name in SUBMITTED_FIELDS:
        getattr(orders, name)[0, commodity] = rows[:, ORDER_FIELDS.index(name)]
    orders.count[0, commodity] = len(rows)
    return orders
