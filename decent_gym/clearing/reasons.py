"""What became of every order in a round, computed from what the round's record holds.

The rule, first line that applies (`left` is the unsettled energy after the round):

1. ``left == 0``: FILLED.
2. Not in this round's book: WITHDRAWN and REPLACED stay as they are; else EXPIRED if the window
   has ended (``until <= round``), else OPEN.
3. The window goes on (``round + 1 < until``) or was a single round (``until - start == 1``), and
   not all that was offered was accepted: OUT_OF_THE_MONEY if nothing was accepted and the limit is
   worse than the book's price, or the book has none; else MARGINAL.
4. The window goes on, and all that was offered was accepted (``max_per_round`` held it back): OPEN.
5. The window ends: EXPIRED.

So a one-round order that lost says why it lost, and an order that lived longer and still has
energy says that its time ran out.  Only the price decides between MARGINAL and OUT_OF_THE_MONEY:
an order strictly better than the price is always filled, one at the price was rationed, though it
may have got nothing.
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


@njit(cache=True, nogil=True, _nrt=False)
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
    price,
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
    volume, price : int64 (W, C)
        Of the cleared books; where `volume` is 0 there is no price.
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
                        short = price[w, c] - limit[w, c, i]
                        worse = short > 0 if side[w, c, i] == _BUY else short < 0
                        out = accepted[w, c, i] == 0 and (worse or volume[w, c] == 0)
                        reason[w, c, i] = _OUT_OF_THE_MONEY if out else _MARGINAL
                    else:
                        reason[w, c, i] = _EXPIRED if ends else _OPEN
            reason[w, c, n:] = 0
