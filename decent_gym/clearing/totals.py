"""The figures of books whose orders have prices of their own: a stage that mechanisms share.

A mechanism writes ``accepted`` and ``pays``; everything else follows from them:

* volume: what the buyers got;
* surplus: the sum of ``pays``, kept by the operator (below zero: a deficit it bears);
* price_low, price_high: the lowest and the highest price of an order, rounded outwards;
* price: the mean of what a kWh cost the buyers and what it brought the sellers, rounded down;
* case: MARGINAL_SELL if the asks at the worst accepted ask limit did not get all of their energy,
  else MARGINAL_BUY if the bids at the worst accepted bid limit did not, else EXACT.

Where there is one price, these are the figures of ``merit_order``.
"""

from numba import njit

from decent_gym.clearing.batch import Books, Outcome

_SELL = 0
_BUY = 1
_NONE = 0
_EXACT = 1
_MARGINAL_SELL = 2
_MARGINAL_BUY = 3
_BEYOND = 2**62


def write_totals(books: Books, outcome: Outcome, first: int, last: int) -> None:
    """Complete the rows ``first <= b < last`` of `outcome` from its ``accepted`` and ``pays``."""
    _total(first, last, books.orders, books.side, books.price, books.offered, *outcome[:8])


@njit(cache=True, nogil=True)
def _total(  # type: ignore[no-untyped-def]
    first, last, count, side, limit, offered, accepted, pays, price_low, price, price_high, volume,
    surplus, case,
):  # fmt: skip
    for b in range(first, last):
        n = count[b]
        bought = 0
        money = 0
        moved = 0
        low = _BEYOND
        high = -_BEYOND
        worst_ask = -_BEYOND
        worst_bid = _BEYOND
        for i in range(n):
            energy = accepted[b, i]
            money += pays[b, i]
            if energy == 0:
                continue
            if side[b, i] == _BUY:
                bought += energy
                paid = pays[b, i]
                worst_bid = min(worst_bid, limit[b, i])
            else:
                paid = -pays[b, i]
                worst_ask = max(worst_ask, limit[b, i])
            moved += paid
            low = min(low, paid // energy)
            high = max(high, -(-paid // energy))
        for i in range(n, side.shape[1]):
            accepted[b, i] = 0
            pays[b, i] = 0
        surplus[b] = money
        volume[b] = bought
        if bought == 0:
            price_low[b], price[b], price_high[b] = 0, 0, 0
            case[b] = _NONE
            continue
        price_low[b] = low
        price_high[b] = high
        price[b] = moved // (2 * bought)
        short = _rationed(n, _SELL, worst_ask, side[b], limit[b], offered[b], accepted[b])
        if short:
            case[b] = _MARGINAL_SELL
        elif _rationed(n, _BUY, worst_bid, side[b], limit[b], offered[b], accepted[b]):
            case[b] = _MARGINAL_BUY
        else:
            case[b] = _EXACT


@njit(cache=True, nogil=True)
def _rationed(n, which, level, side, limit, offered, accepted):  # type: ignore[no-untyped-def]
    for i in range(n):
        if side[i] == which and limit[i] == level and accepted[i] < offered[i]:
            return True
    return False
