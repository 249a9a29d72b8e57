"""What became of every order in a round, computed from what the round's record holds.

The rule, first line that applies (`left` is the unsettled energy after the round):

1. ``left == 0``: FILLED.
2. Not in this round's book: WITHDRAWN and REPLACED stay as they are; else EXPIRED if the window
   has ended (``until <= round``), else OPEN.
3. The window goes on (``round + 1 < until``) or was a single round (``until - start == 1``), and
   not all that was offered was accepted: OUT_OF_THE_MONEY if nothing was accepted and the limit is
   worse than the bar of its side, or nothing traded; else MARGINAL.
4. The window goes on, and all that was offered was accepted (``max_per_round`` held it back): OPEN.
5. The window ends: EXPIRED.

So a one-round order that lost says why it lost, and an order that lived longer and still has
energy says that its time ran out.

The bar is the price at which a rejected order would have traded.  In a book with one price it is
that price, and it alone decides between MARGINAL and OUT_OF_THE_MONEY: an order strictly better
is always filled, one at the price was rationed, though it may have got nothing.  Where orders have
prices of their own, :func:`bars` finds it: the price that its side paid, at which a buyer that the
rule dropped is MARGINAL, or, where everybody pays by its own limit, the worst limit accepted.
"""

from numba import njit

_BUY = 1
_OPEN = 0
_FILLED = 1
_MARGINAL = 2
_OUT_OF_THE_MONEY = 3
_EXPIRED = 4
_WITHDRAWN = 5
_REPLACED = 6
_BEYOND = 2**62


@njit(cache=True, nogil=True)
def give_reasons(  # type: ignore[no-untyped-def]
    first,
    last,
    rounds,
    count,
    side,
    limit,
    start,
    until,
    left,
    offered,
    accepted,
    volume,
    bid_bar,
    ask_bar,
    reason,
):
    """Write the :class:`decent_gym.models.Reason` of every order after a round.

    Parameters
    ----------
    first, last : int
        Worlds ``first <= w < last``.
    rounds : int64 (W,)
        The round that was just cleared.
    count : int64 (W, C)
    side, limit, start, until : int64 (W, C, M)
    left : int64 Wh (W, C, M)
        Unsettled energy after the round: for recorded orders ``unsettled - accepted``.
    offered, accepted : int64 Wh (W, C, M)
    volume, bid_bar, ask_bar : int64 (W, C)
        Of the cleared books: what a bid, what an ask had to beat; for one price both are that
        price.  Where `volume` is 0 there is none.
    reason : int64 (W, C, M)
        Modified in place; free slots become 0.
    """
    for w in range(first, last):
        now = rounds[w]
        for c in range(count.shape[1]):
            n = count[w, c]
            for i in range(n):
                if left[w, c, i] == 0:
                    reason[w, c, i] = _FILLED
                elif offered[w, c, i] == 0:
                    if reason[w, c, i] != _WITHDRAWN and reason[w, c, i] != _REPLACED:
                        reason[w, c, i] = _EXPIRED if until[w, c, i] <= now else _OPEN
                else:
                    lost = accepted[w, c, i] < offered[w, c, i]
                    ends = until[w, c, i] <= now + 1
                    single = until[w, c, i] - start[w, c, i] == 1
                    if lost and (single or not ends):
                        if side[w, c, i] == _BUY:
                            worse = limit[w, c, i] < bid_bar[w, c]
                        else:
                            worse = limit[w, c, i] > ask_bar[w, c]
                        out = accepted[w, c, i] == 0 and (worse or volume[w, c] == 0)
                        reason[w, c, i] = _OUT_OF_THE_MONEY if out else _MARGINAL
                    else:
                        reason[w, c, i] = _EXPIRED if ends else _OPEN
            reason[w, c, n:] = 0


@njit(cache=True, nogil=True)
def bars(first, last, count, side, limit, accepted, pays, by_limit, bid_bar, ask_bar):  # type: ignore[no-untyped-def]
    """Write what a rejected order failed to beat, where orders have prices of their own.

    Parameters
    ----------
    first, last : int
        Worlds ``first <= w < last``.
    count : int64 (W, C)
    side, limit, accepted, pays : int64 (W, C, M)
        As the mechanism cleared them, before the utility serves what is left.
    by_limit : bool
        The worst limit accepted on a side; else the worst price paid on it, rounded against the
        order.
    bid_bar, ask_bar : int64 (W, C)
        Modified in place; 0 where nothing traded.
    """
    for w in range(first, last):
        for c in range(count.shape[1]):
            lowest_bid, highest_ask = _BEYOND, -_BEYOND
            most_paid, least_got = -_BEYOND, _BEYOND
            for i in range(count[w, c]):
                energy = accepted[w, c, i]
                if energy == 0:
                    continue
                if side[w, c, i] == _BUY:
                    lowest_bid = min(lowest_bid, limit[w, c, i])
                    most_paid = max(most_paid, -(-pays[w, c, i] // energy))
                else:
                    highest_ask = max(highest_ask, limit[w, c, i])
                    least_got = min(least_got, -pays[w, c, i] // energy)
            traded = highest_ask > -_BEYOND
            bid_bar[w, c] = (lowest_bid if by_limit else most_paid) if traded else 0
            ask_bar[w, c] = (highest_ask if by_limit else least_got) if traded else 0
