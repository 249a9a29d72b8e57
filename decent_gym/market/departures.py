"""The end of a round for the books: who leaves, who stays, and why."""

from numba import njit

_EXPIRED = 4
_ENDED_BY_HAND = (5, 6)  # withdrawn, replaced: keep the reason they were given


@njit(cache=True, nogil=True, _nrt=False)
def compact(  # type: ignore[no-untyped-def]
    first, last, b_id, b_sequence, b_owner, b_side, b_price, b_energy, b_unsettled, b_start,
    b_until, b_priority, b_device, b_cap, b_count, b_wishes, reason, rounds,
):  # fmt: skip
    """Drop filled, ended and expired orders, keep the order of arrival, begin the next round.

    `b_wishes` is None where nobody reads any: a kernel of its own is compiled for that.
    """
    for w in range(first, last):
        following = rounds[w] + 1
        for c in range(b_count.shape[1]):
            kept = 0
            for i in range(b_count[w, c]):
                if b_unsettled[w, c, i] == 0 or b_until[w, c, i] <= following:
                    continue
                if kept != i:
                    b_id[w, c, kept] = b_id[w, c, i]
                    b_sequence[w, c, kept] = b_sequence[w, c, i]
                    b_owner[w, c, kept] = b_owner[w, c, i]
                    b_side[w, c, kept] = b_side[w, c, i]
                    b_price[w, c, kept] = b_price[w, c, i]
                    b_energy[w, c, kept] = b_energy[w, c, i]
                    b_unsettled[w, c, kept] = b_unsettled[w, c, i]
                    b_start[w, c, kept] = b_start[w, c, i]
                    b_until[w, c, kept] = b_until[w, c, i]
                    b_priority[w, c, kept] = b_priority[w, c, i]
                    b_device[w, c, kept] = b_device[w, c, i]
                    b_cap[w, c, kept] = b_cap[w, c, i]
                    reason[w, c, kept] = reason[w, c, i]
                    if b_wishes is not None:
                        for k in range(b_wishes.shape[0]):
                            b_wishes[k, w, c, kept] = b_wishes[k, w, c, i]
                kept += 1
            b_count[w, c] = kept
        rounds[w] = following
