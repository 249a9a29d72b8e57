"""Which orders are in this round's book, and with how much energy."""

from numba import njit


@njit(cache=True, nogil=True, _nrt=False)
def open_filter(first, last, rounds, count, start, until, unsettled, cap, offered):  # type: ignore[no-untyped-def]
    """Write what each order brings into the clearing of its world's current round.

    Parameters
    ----------
    first, last : int
        Worlds ``first <= w < last``.
    rounds : int64 (W,)
    count : int64 (W, C)
    start, until : int64 (W, C, M)
        An order is open if ``start <= round < until`` and it has unsettled energy.
    unsettled, cap : int64 Wh (W, C, M)
    offered : int64 Wh (W, C, M)
        Modified in place: min(unsettled, cap) of open orders, 0 of all others and of free slots.
    """
    for w in range(first, last):
        now = rounds[w]
        for c in range(count.shape[1]):
            n = count[w, c]
            starts, untils = start[w, c], until[w, c]
            rest, caps, out = unsettled[w, c], cap[w, c], offered[w, c]
            for i in range(n):
                energy = max(min(rest[i], caps[i]), 0)
                out[i] = energy if (starts[i] <= now) & (now < untils[i]) else 0
            out[n:] = 0
